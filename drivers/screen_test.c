/* SPDX-License-Identifier: MIT */
/* screen_test.c - what ends up in the cells, and what in the pixels. */
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "screen_impl.h"

#define COLS 10
#define ROWS 8

/* A display that remembers. */
static cell_t cells[2 * COLS * ROWS];
static cell_t display[ROWS][COLS];
static unsigned int nr_drawn;

static void remember(struct screen *s, unsigned int col, unsigned int row,
		     cell_t old, cell_t new)
{
	if (!EXPECT_LT(col, COLS) || !EXPECT_LT(row, ROWS))
		return;
	EXPECT_EQ(display[row][col], old);
	display[row][col] = new;
	nr_drawn++;
}

static struct screen s;

static void start(void)
{
	memset(&s, 0, sizeof(s));
	s.draw = remember;
	screen_setup(&s, COLS, ROWS, cells);
	memcpy(display, s.shown, sizeof(display)); /* blank */
	nr_drawn = 0;
}

static void put(const char *text)
{
	screen_put(&s, text, strlen(text));
}

/* A row's characters; the cursor's inversion is in the colours. */
static const char *line(unsigned int row)
{
	static char text[COLS + 1];

	for (int col = 0; col < COLS; col++)
		text[col] = CELL_CHAR(display[row][col]);
	return text;
}

TEST(screen, text_wraps_at_the_edge_and_not_before)
{
	start();
	put("0123456789");
	EXPECT_STREQ(line(0), "0123456789");
	EXPECT_EQ(s.row, 0);
	put("\r\n");
	EXPECT_EQ(s.row, 1);
	put("abcdefghijkl");
	EXPECT_STREQ(line(1), "abcdefghij");
	EXPECT_STREQ(line(2), "kl        ");
}

TEST(screen, control_characters_move_the_cursor)
{
	start();
	put("abc\rX\tY\b\bZ\a");
	EXPECT_STREQ(line(0), "Xbc    ZY ");
	start();
	put("abc\b\b\b\b\bX\nY\n");
	EXPECT_STREQ(line(0), "Xbc       ");
	EXPECT_STREQ(line(1), "Y         ");
}

TEST(screen, the_cursor_leaves_nothing_behind)
{
	start();
	put("a");
	EXPECT_EQ(display[0][1], 0x7000 | ' ');
	put("\033[3;1H");
	EXPECT_EQ(display[0][1], CELL_NORMAL | ' ');
	EXPECT_EQ(display[2][0], 0x7000 | ' ');
}

TEST(screen, only_changed_cells_are_drawn)
{
	start();
	put("hello");
	nr_drawn = 0;
	put("\rhelp!");
	EXPECT_EQ(nr_drawn, 2); /* p and !; the cursor stays */
	nr_drawn = 0;
	put("");
	EXPECT_EQ(nr_drawn, 0);
}

TEST(screen, the_bottom_scrolls_up_and_keeps_the_text)
{
	start();
	for (char c = '0'; c < '0' + ROWS; c++) {
		char text[] = {c, c, '\n', 0};

		put(text);
	}
	EXPECT_STREQ(line(0), "11        ");
	EXPECT_STREQ(line(ROWS - 2), "77        ");
	EXPECT_STREQ(line(ROWS - 1), "          ");
	put("end");
	EXPECT_STREQ(line(ROWS - 1), "end       ");
}

TEST(screen, sequences_address_and_erase)
{
	start();
	put("aaaaaaaaaabbbbbbbbbbcccccccccc");
	put("\033[2;3HX\033[K");
	EXPECT_STREQ(line(1), "bbX       ");
	put("\033[1;5H\033[1K");
	EXPECT_STREQ(line(0), "     aaaaa");
	put("\033[3;1H\033[2C\033[A\033[DY\033[B\033[5GZ");
	EXPECT_STREQ(line(1), "bYX       ");
	EXPECT_STREQ(line(2), "ccccZccccc");
	put("\033[3;4H\033[J");
	EXPECT_STREQ(line(2), "ccc       ");
	put("\033[2J\033[Hhome");
	EXPECT_STREQ(line(0), "home      ");
	EXPECT_STREQ(line(1), "          ");
}

TEST(screen, colours_are_vgas)
{
	start();
	put("\033[31mr\033[1;44mb\033[7mi\033[0mn\033[97mw");
	EXPECT_EQ(display[0][0], 0x0400 | 'r');
	EXPECT_EQ(display[0][1], 0x1c00 | 'b');
	EXPECT_EQ(display[0][2], 0x4100 | 'i');
	EXPECT_EQ(display[0][3], CELL_NORMAL | 'n');
	EXPECT_EQ(display[0][4], 0x0f00 | 'w');
	EXPECT_EQ(display[0][5], 0x7000 | ' '); /* the cursor */
	put("\033[0;1;31;42m\rx");
	EXPECT_EQ(display[0][0], 0x2c00 | 'x');
}

TEST(screen, unknown_and_overlong_sequences_leave_no_trace)
{
	start();
	put("a\033[1;2;3;4;5;6;7;8;9rb\033[?25lc\033=d\033[99999999999Ge");
	EXPECT_STREQ(line(0), "abcd     e");
}

/* Whatever arrives, drawing stays inside (remember() looks). */
TEST(screen, random_bytes_stay_inside)
{
	static const char bits[] = "\033[;0129ABCDGHJKm\n\r\b\t xyz";

	start();
	for (int i = 0; i < 20000; i++) {
		char c = test_random_below(4)
				 ? bits[test_random_below(sizeof(bits) - 1)]
				 : test_random();

		screen_put(&s, &c, 1);
		if (!EXPECT_LE(s.col, COLS) || !EXPECT_LT(s.row, ROWS))
			return;
	}
	for (int row = 0; row < ROWS; row++)
		for (int col = 0; col < COLS; col++)
			EXPECT_EQ(s.shown[row * COLS + col], display[row][col]);
}

/* --- pixels ----------------------------------------------------------------*/

#define PIXEL_COLS 40
#define PIXEL_ROWS 5
#define GUARD	   64

static u8
	pixels[PIXEL_COLS * FONT_WIDTH * 4 * PIXEL_ROWS * FONT_HEIGHT + GUARD];

static const struct boot_screen kinds[] = {
	{.bits_per_pixel = 32,
	 .red_shift = 16,
	 .red_bits = 8,
	 .green_shift = 8,
	 .green_bits = 8,
	 .blue_shift = 0,
	 .blue_bits = 8},
	{.bits_per_pixel = 24,
	 .red_shift = 0,
	 .red_bits = 8,
	 .green_shift = 8,
	 .green_bits = 8,
	 .blue_shift = 16,
	 .blue_bits = 8},
	{.bits_per_pixel = 16,
	 .red_shift = 11,
	 .red_bits = 5,
	 .green_shift = 5,
	 .green_bits = 6,
	 .blue_shift = 0,
	 .blue_bits = 5},
	{.bits_per_pixel = 15,
	 .red_shift = 10,
	 .red_bits = 5,
	 .green_shift = 5,
	 .green_bits = 5,
	 .blue_shift = 0,
	 .blue_bits = 5},
};

static struct boot_screen sized(const struct boot_screen *kind)
{
	struct boot_screen info = *kind;

	info.type = BOOT_SCREEN_RGB;
	info.width = PIXEL_COLS * FONT_WIDTH;
	info.height = PIXEL_ROWS * FONT_HEIGHT;
	info.pitch = info.width * ((info.bits_per_pixel + 7) / 8);
	return info;
}

static u32 pixel(const struct framebuffer *fb, unsigned int x, unsigned int y)
{
	u32 value = 0;

	memcpy(&value, pixels + y * fb->pitch + x * fb->bytes_per_pixel,
	       fb->bytes_per_pixel);
	return value;
}

static void expect_cell(struct framebuffer *fb, unsigned int col,
			unsigned int row, cell_t cell)
{
	const u8 *glyph = font_glyph(CELL_CHAR(cell));
	unsigned int wrong = 0;

	for (unsigned int y = 0; y < FONT_HEIGHT; y++) {
		for (unsigned int x = 0; x < FONT_WIDTH; x++) {
			bool on = glyph[y] & 0x80 >> x;

			wrong +=
				pixel(fb, col * FONT_WIDTH + x,
				      row * FONT_HEIGHT + y) !=
				fb->colours[on ? CELL_FG(cell) : CELL_BG(cell)];
		}
	}
	EXPECT_EQ(wrong, 0);
}

/* Overdrawing at random leaves each cell as if drawn afresh, in every depth,
 * and nothing beyond the last line. */
TEST(screen, cells_become_pixels_in_every_depth)
{
	static cell_t model[PIXEL_ROWS][PIXEL_COLS];

	font_init();
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct boot_screen info = sized(&kinds[k]);
		size_t size = info.pitch * info.height;
		struct framebuffer fb = {.pixels = pixels};

		ASSERT(framebuffer_setup(&fb, &info));
		memset(pixels, 0, sizeof(pixels));
		memset(pixels + size, 0x5a, GUARD);
		for (int row = 0; row < PIXEL_ROWS; row++)
			for (int col = 0; col < PIXEL_COLS; col++)
				model[row][col] = ' ';
		for (int i = 0; i < 600; i++) {
			unsigned int col = test_random_below(PIXEL_COLS);
			unsigned int row = test_random_below(PIXEL_ROWS);
			cell_t cell = test_random() & 0x7fff;

			framebuffer_draw(&fb.screen, col, row, model[row][col],
					 cell);
			model[row][col] = cell;
		}
		for (int row = 0; row < PIXEL_ROWS; row++)
			for (int col = 0; col < PIXEL_COLS; col++)
				expect_cell(&fb, col, row, model[row][col]);
		for (int i = 0; i < GUARD; i++)
			EXPECT_EQ(pixels[size + i], 0x5a);
	}
}

TEST(screen, colours_keep_their_order_in_every_depth)
{
	static const u32 red[] = {0xaa0000, 0x0000aa, 0xa800, 0x5400};
	static const u32 white[] = {0xffffff, 0xffffff, 0xffff, 0x7fff};

	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct boot_screen info = sized(&kinds[k]);
		struct framebuffer fb;

		ASSERT(framebuffer_setup(&fb, &info));
		EXPECT_EQ(fb.colours[4], red[k]);
		EXPECT_EQ(fb.colours[15], white[k]);
		EXPECT_EQ(fb.colours[0], 0);
	}
}

TEST(screen, impossible_framebuffers_are_refused)
{
	struct boot_screen good = sized(&kinds[0]), bad;
	struct framebuffer fb;

	EXPECT(framebuffer_setup(&fb, &good));
	bad = good, bad.bits_per_pixel = 8;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.bits_per_pixel = 64;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.red_bits = 9;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.blue_shift = 30;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.green_bits = 0;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.pitch--;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.width = 16;
	EXPECT(!framebuffer_setup(&fb, &bad));
	bad = good, bad.height = 0;
	EXPECT(!framebuffer_setup(&fb, &bad));
}

/* No two letters look the same, and all keep clear of their neighbours. */
TEST(screen, letters_differ)
{
	font_init();
	for (int a = '!'; a <= '~'; a++) {
		EXPECT(memcmp(font_glyph(a), font_glyph(' '), FONT_HEIGHT));
		for (int b = a + 1; b <= '~'; b++)
			if (!EXPECT(memcmp(font_glyph(a), font_glyph(b),
					   FONT_HEIGHT)))
				test_log("%c and %c look the same", a, b);
	}
}
