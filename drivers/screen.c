/* SPDX-License-Identifier: MIT */
/*
 * screen.c - a terminal of cells.
 *
 * Problem.    Scrolling by moving pixels reads the framebuffer, which is slow
 *             on real hardware and slower in an emulator.
 * Idea.       The text is a ring of rows in ordinary memory: scrolling moves
 *             the ring's top.  A second array holds what the display shows;
 *             after each write only the cells that differ are drawn.  At the
 *             bottom the text jumps up by an eighth of the screen, so that the
 *             price of a scroll is shared by several lines.
 * Lazy.       A VGA's text memory is slow to write in an emulator (a fifth of
 *             a millisecond a cell under TCG), so a burst of lines is not drawn
 *             line by line: what scrolls within DRAW_INTERVAL of the last
 *             drawing is left to the next write or to an idle CPU, whichever
 *             comes first.  What does not scroll, as typing, shows at once,
 *             and so does everything in a panic.
 * Writers.    printk calls from any context, with any lock held, so there is
 *             no lock to take: a writer waits a bounded time for the one
 *             before it and then goes on regardless.  Two at once cost a
 *             garbled line on the screen and no more: every index is clamped
 *             where it is used.
 * Terminal.   A subset of what xterm understands, enough for line editing and
 *             full-screen tables; other sequences are swallowed whole.
 *
 * Context: any.
 */
#include <arch/cpu.h>
#include <boot/param.h>
#include <drivers/screen.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/preempt.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include <lib/math.h>
#include <string.h>
#include "screen_impl.h"

#define MAX_WAIT_LOOPS 20000
#define DRAW_INTERVAL  (50 * NSEC_PER_MSEC)

#define ESC	  '\033'
#define TAB_WIDTH 8

static struct screen *the_screen;
static u32 busy;

static bool want_screen = true;
BOOT_PARAM_BOOL("screen", want_screen, "show the console on the screen");

/* --- cells -----------------------------------------------------------------*/

static cell_t *row_cells(struct screen *s, unsigned int row)
{
	return &s->cells[(s->top + row) % s->rows * s->cols];
}

static void mark_dirty(struct screen *s, unsigned int first, unsigned int end)
{
	s->dirty_first = min(s->dirty_first, first);
	s->dirty_end = max(s->dirty_end, end);
}

/* Blank columns [from, to) of a row, in the background of the moment. */
static void erase(struct screen *s, unsigned int row, unsigned int from,
		  unsigned int to)
{
	cell_t *cells = row_cells(s, row);

	for (; from < to; from++)
		cells[from] = s->attr | ' ';
	mark_dirty(s, row, row + 1);
}

static void scroll(struct screen *s)
{
	unsigned int jump = max(s->rows / 8, 1u);

	s->top = (s->top + jump) % s->rows;
	s->row = s->rows - jump;
	for (unsigned int row = s->row; row < s->rows; row++)
		erase(s, row, 0, s->cols);
	mark_dirty(s, 0, s->rows);
	s->scrolled = true;
}

static void line_feed(struct screen *s)
{
	s->col = 0;
	if (++s->row >= s->rows)
		scroll(s);
}

static void put_char(struct screen *s, u8 c)
{
	if (s->col >= s->cols)
		line_feed(s);
	row_cells(s, s->row)[min(s->col, s->cols - 1)] = s->attr | c;
	mark_dirty(s, s->row, s->row + 1);
	s->col++;
}

/* --- escape sequences ------------------------------------------------------*/

/* Parameter @i, or @otherwise if it was left out or 0. */
static unsigned int param(const struct screen *s, unsigned int i,
			  unsigned int otherwise)
{
	return s->params[i] ? s->params[i] : otherwise;
}

static void move_to(struct screen *s, unsigned int col, unsigned int row)
{
	s->col = min(col, s->cols - 1);
	s->row = min(row, s->rows - 1);
}

/* From the cursor to the end (0), from the start to the cursor (1), or all. */
static void erase_in_line(struct screen *s, unsigned int what)
{
	unsigned int col = min(s->col, s->cols - 1);

	erase(s, s->row, what == 0 ? col : 0, what == 1 ? col + 1 : s->cols);
}

static void erase_in_display(struct screen *s, unsigned int what)
{
	unsigned int first = what == 0 ? s->row + 1 : 0;
	unsigned int end = what == 1 ? s->row : s->rows;

	for (unsigned int row = first; row < end; row++)
		erase(s, row, 0, s->cols);
	if (what < 2)
		erase_in_line(s, what);
}

/* ANSI counts red, green, blue from bit 0; VGA from bit 2. */
static u16 vga_colour(unsigned int ansi)
{
	return (ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2;
}

static void set_attribute(struct screen *s, unsigned int code)
{
	u16 fg = CELL_FG(s->attr), bg = CELL_BG(s->attr);

	if (code == 0) {
		fg = CELL_FG(CELL_NORMAL);
		bg = CELL_BG(CELL_NORMAL);
	} else if (code == 1) {
		fg |= 8;
	} else if (code == 7) {
		swap(fg, bg);
	} else if (code == 22) {
		fg &= 7;
	} else if (code >= 30 && code <= 37) {
		fg = (fg & 8) | vga_colour(code - 30);
	} else if (code == 39) {
		fg = CELL_FG(CELL_NORMAL);
	} else if (code >= 40 && code <= 47) {
		bg = vga_colour(code - 40);
	} else if (code == 49) {
		bg = CELL_BG(CELL_NORMAL);
	} else if (code >= 90 && code <= 97) {
		fg = 8 | vga_colour(code - 90);
	}
	s->attr = (fg & 0xf) << 8 | (bg & 7) << 12;
}

static void end_sequence(struct screen *s, char final)
{
	unsigned int n = param(s, 0, 1);
	unsigned int col = min(s->col, s->cols - 1);

	switch (final) {
	case 'A':
		move_to(s, col, s->row - min(n, s->row));
		break;
	case 'B':
		move_to(s, col, s->row + min(n, s->rows));
		break;
	case 'C':
		move_to(s, col + min(n, s->cols), s->row);
		break;
	case 'D':
		move_to(s, col - min(n, col), s->row);
		break;
	case 'G':
		move_to(s, n - 1, s->row);
		break;
	case 'H':
	case 'f':
		move_to(s, param(s, 1, 1) - 1, n - 1);
		break;
	case 'J':
		erase_in_display(s, s->params[0]);
		break;
	case 'K':
		erase_in_line(s, s->params[0]);
		break;
	case 'm':
		for (unsigned int i = 0; i < s->nr_params; i++)
			set_attribute(s, s->params[i]);
		break;
	}
}

/* After ESC [: digits and semicolons, then a letter. */
static void take_sequence(struct screen *s, u8 c)
{
	unsigned int *last = &s->params[s->nr_params - 1];

	if (c >= '0' && c <= '9') {
		*last = min(*last * 10 + c - '0', 9999u);
	} else if (c == ';') {
		if (s->nr_params < SCREEN_MAX_PARAMS)
			s->params[s->nr_params++] = 0;
	} else if (c >= '@' && c <= '~') {
		end_sequence(s, c);
		s->state = TEXT;
	}
}

static void take_escape(struct screen *s, u8 c)
{
	s->state = c == '[' ? SEQUENCE : TEXT;
	memset(s->params, 0, sizeof(s->params));
	s->nr_params = 1;
}

static void take_text(struct screen *s, u8 c)
{
	switch (c) {
	case '\n':
		line_feed(s);
		break;
	case '\r':
		s->col = 0;
		break;
	case '\b':
		s->col = min(s->col, s->cols - 1);
		s->col -= s->col > 0;
		break;
	case '\t':
		s->col = min(ALIGN(s->col + 1, TAB_WIDTH), s->cols - 1);
		break;
	case ESC:
		s->state = ESCAPE;
		break;
	default:
		if (c >= ' ')
			put_char(s, c);
	}
}

/* --- drawing ---------------------------------------------------------------*/

static cell_t inverted(cell_t cell)
{
	return CELL_CHAR(cell) | CELL_BG(cell) << 8 | (CELL_FG(cell) & 7) << 12;
}

static void draw_row(struct screen *s, unsigned int row)
{
	const cell_t *cells = row_cells(s, row);
	cell_t *shown = &s->shown[row * s->cols];
	unsigned int cursor = s->cols;

	if (row == s->row)
		cursor = min(s->col, s->cols - 1);
	for (unsigned int col = 0; col < s->cols; col++) {
		cell_t cell = cells[col];

		if (col == cursor)
			cell = inverted(cell);
		if (shown[col] == cell)
			continue;
		s->draw(s, col, row, shown[col], cell);
		shown[col] = cell;
	}
}

static void draw_changes(struct screen *s)
{
	unsigned int end = min(s->dirty_end, s->rows);

	for (unsigned int row = s->dirty_first; row < end; row++)
		draw_row(s, row);
	s->dirty_first = s->rows;
	s->dirty_end = 0;
	s->scrolled = false;
	s->drawn_ns = ktime_get_ns();
}

/* Is there somebody to draw it later, and no hurry? */
static bool may_draw_later(const struct screen *s)
{
	return s->lazy && s->scrolled && scheduler_running &&
	       !panic_in_progress() &&
	       ktime_get_ns() - s->drawn_ns < DRAW_INTERVAL;
}

void screen_put(struct screen *s, const char *text, size_t len)
{
	mark_dirty(s, s->row, s->row + 1); /* the cursor leaves it */
	for (; len > 0; len--, text++) {
		s->row = min(s->row, s->rows - 1);
		if (s->state == SEQUENCE)
			take_sequence(s, *text);
		else if (s->state == ESCAPE)
			take_escape(s, *text);
		else
			take_text(s, *text);
	}
	mark_dirty(s, s->row, s->row + 1);
	if (!may_draw_later(s))
		draw_changes(s);
}

void screen_setup(struct screen *s, unsigned int cols, unsigned int rows,
		  cell_t *cells)
{
	s->cols = cols;
	s->rows = rows;
	s->cells = cells;
	s->shown = cells + cols * rows;
	s->attr = CELL_NORMAL;
	s->dirty_first = rows;
	for (unsigned int i = 0; i < 2 * cols * rows; i++)
		cells[i] = CELL_NORMAL | ' ';
}

/* --- the machine's ---------------------------------------------------------*/

static void write_anyhow(const char *text, size_t len)
{
	bool first = false;

	for (int i = 0; i < MAX_WAIT_LOOPS && !first; i++) {
		first = !__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE);
		if (!first)
			cpu_relax();
	}
	screen_put(the_screen, text, len);
	if (first)
		__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static void console_write(struct console *con, const char *text, size_t len)
{
	write_anyhow(text, len);
}

/* By an idle CPU: draw one row that is behind; are there more? */
static bool draw_when_idle(void)
{
	struct screen *s = the_screen;
	bool more;

	if (READ_ONCE(s->dirty_first) >= READ_ONCE(s->dirty_end) ||
	    __atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		return false;
	if (s->dirty_first < min(s->dirty_end, s->rows))
		draw_row(s, s->dirty_first++);
	more = s->dirty_first < min(s->dirty_end, s->rows);
	if (!more)
		draw_changes(s);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return more;
}

static struct console screen_console = {
	.name = "screen",
	.write = console_write,
};

void screen_write(const char *text, size_t len)
{
	if (!the_screen)
		return;
	preempt_disable();
	write_anyhow(text, len);
	preempt_enable();
}

void screen_leave_log(void)
{
	if (the_screen)
		unregister_console(&screen_console);
}

unsigned int screen_columns(void)
{
	return the_screen ? the_screen->cols : 0;
}

unsigned int screen_rows(void)
{
	return the_screen ? the_screen->rows : 0;
}

static void report_unusable(const struct boot_screen *info)
{
	if (info->type == BOOT_SCREEN_NONE)
		return;
	pr_warn("screen: %u by %u of %u bits, %u bytes a line at %#llx, red "
		"%u@%u green %u@%u blue %u@%u: cannot be used",
		info->width, info->height, info->bits_per_pixel, info->pitch,
		info->base, info->red_bits, info->red_shift, info->green_bits,
		info->green_shift, info->blue_bits, info->blue_shift);
}

void screen_init(void)
{
	if (!want_screen)
		return;
	if (boot_info.screen.type == BOOT_SCREEN_RGB)
		the_screen = fbcon_init(&boot_info.screen);
	else if (boot_info.screen.type == BOOT_SCREEN_TEXT)
		the_screen = vgacon_init(&boot_info.screen);
	if (!the_screen) {
		report_unusable(&boot_info.screen);
		return;
	}
	the_screen->lazy = true;
	idle_set_chore(draw_when_idle);
	register_console(&screen_console);
	pr_info("screen: %u by %u characters, %s", the_screen->cols,
		the_screen->rows,
		boot_info.screen.type == BOOT_SCREEN_RGB ? "drawn"
							 : "VGA text");
}
