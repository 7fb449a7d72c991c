/* SPDX-License-Identifier: MIT */
/*
 * fbcon.c - characters drawn on a linear framebuffer.
 *
 * 16, 24 or 32 bits per pixel, any order of colours.  A cell that changes is
 * drawn by rows, and a row of pixels that looks the same in the old character
 * and the new one is left alone: that is about half of them, as most of a
 * cell's border is blank.
 *
 * Context: any; the callers are screen.c's.
 */
#include <arch/paging.h>
#include <lib/compiler.h>
#include <lib/math.h>
#include <mm/page/memblock.h>
#include <string.h>
#include "screen_impl.h"

/* Beyond these the upper left part is used. */
#define MAX_COLS 240
#define MAX_ROWS 90
#define MIN_COLS 40
#define MIN_ROWS 5

/* How bright: a colour, a bright one's share of every component. */
#define LEVEL_NORMAL 0xaa
#define LEVEL_BRIGHT 0x55

static u32 component(unsigned int level, unsigned int bits, unsigned int shift)
{
	return level >> (8 - bits) << shift;
}

static u32 pixel_colour(const struct boot_screen *info, unsigned int vga)
{
	unsigned int base = vga & 8 ? LEVEL_BRIGHT : 0;
	unsigned int red = base + (vga & 4 ? LEVEL_NORMAL : 0);
	unsigned int green = base + (vga & 2 ? LEVEL_NORMAL : 0);
	unsigned int blue = base + (vga & 1 ? LEVEL_NORMAL : 0);

	return component(red, info->red_bits, info->red_shift) |
	       component(green, info->green_bits, info->green_shift) |
	       component(blue, info->blue_bits, info->blue_shift);
}

static bool fits_pixel(const struct boot_screen *info, unsigned int bits,
		       unsigned int shift)
{
	return bits >= 1 && bits <= 8 && shift + bits <= info->bits_per_pixel;
}

bool framebuffer_setup(struct framebuffer *fb, const struct boot_screen *info)
{
	fb->bytes_per_pixel = DIV_ROUND_UP(info->bits_per_pixel, 8);
	fb->pitch = info->pitch;
	if (fb->bytes_per_pixel < 2 || fb->bytes_per_pixel > 4 ||
	    !fits_pixel(info, info->red_bits, info->red_shift) ||
	    !fits_pixel(info, info->green_bits, info->green_shift) ||
	    !fits_pixel(info, info->blue_bits, info->blue_shift) ||
	    info->width < MIN_COLS * FONT_WIDTH ||
	    info->height < MIN_ROWS * FONT_HEIGHT ||
	    info->pitch < (u64)info->width * fb->bytes_per_pixel)
		return false;
	for (unsigned int i = 0; i < ARRAY_SIZE(fb->colours); i++)
		fb->colours[i] = pixel_colour(info, i);
	return true;
}

static void put_pixel(volatile u8 *at, u32 bytes, u32 colour)
{
	switch (bytes) {
	case 4:
		*(volatile u32 *)at = colour;
		break;
	case 3:
		at[2] = colour >> 16;
		fallthrough;
	case 2:
		at[0] = colour;
		at[1] = colour >> 8;
		break;
	}
}

static void draw_line(const struct framebuffer *fb, volatile u8 *at, u8 bits,
		      cell_t cell)
{
	u32 fg = fb->colours[CELL_FG(cell)];
	u32 bg = fb->colours[CELL_BG(cell)];

	for (int x = 0; x < FONT_WIDTH; x++, at += fb->bytes_per_pixel)
		put_pixel(at, fb->bytes_per_pixel, bits & 0x80 >> x ? fg : bg);
}

void framebuffer_draw(struct screen *s, unsigned int col, unsigned int row,
		      cell_t old, cell_t new)
{
	struct framebuffer *fb = container_of(s, struct framebuffer, screen);
	const u8 *before = font_glyph(CELL_CHAR(old));
	const u8 *glyph = font_glyph(CELL_CHAR(new));
	bool same_colours = old >> 8 == new >> 8;
	volatile u8 *at = fb->pixels + (size_t)row * FONT_HEIGHT * fb->pitch +
			  col * FONT_WIDTH * fb->bytes_per_pixel;

	for (int y = 0; y < FONT_HEIGHT; y++, at += fb->pitch) {
		if (!same_colours || before[y] != glyph[y])
			draw_line(fb, at, glyph[y], new);
	}
}

struct screen *fbcon_init(const struct boot_screen *info)
{
	static struct framebuffer fb;
	unsigned int cols = min(info->width / FONT_WIDTH, (u32)MAX_COLS);
	unsigned int rows = min(info->height / FONT_HEIGHT, (u32)MAX_ROWS);
	size_t size = (size_t)info->pitch * info->height;
	phys_addr_t first = ALIGN_DOWN(info->base, PAGE_SIZE);
	cell_t *cells;
	u8 *page;

	if (!framebuffer_setup(&fb, info))
		return NULL;
	cells = memblock_alloc(2 * cols * rows * sizeof(*cells), 0);
	page = firmware_map(first, ALIGN(info->base + size, PAGE_SIZE) - first,
			    PAGE_WRITE | PAGE_WC);
	if (!cells || !page)
		return NULL;
	fb.pixels = page + (info->base - first);
	memset((void *)fb.pixels, 0, size); /* what the loader left */
	fb.screen.draw = framebuffer_draw;
	font_init();
	screen_setup(&fb.screen, cols, rows, cells);
	return &fb.screen;
}
