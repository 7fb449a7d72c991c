/* SPDX-License-Identifier: MIT */
/*
 * screen_impl.h - a terminal of cells, and what draws a cell.
 */
#pragma once
#include <boot/boot_info.h>
#include <lib/types.h>

#define FONT_WIDTH  8
#define FONT_HEIGHT 16

/* A character, and its colours above it as VGA has them: foreground in bits
 * 8-11, background in bits 12-14. */
typedef u16 cell_t;

#define CELL_NORMAL	0x0700
#define CELL_CHAR(cell) ((u8)(cell))
#define CELL_FG(cell)	((cell) >> 8 & 0xf)
#define CELL_BG(cell)	((cell) >> 12 & 0x7)

#define SCREEN_MAX_PARAMS 4

struct screen {
	/* Fixed at setup. */
	void (*draw)(struct screen *s, unsigned int col, unsigned int row,
		     cell_t old, cell_t new);
	unsigned int cols, rows;
	cell_t *cells; /* what should show; row 0 is at cells[top * cols] */
	cell_t *shown; /* what does show, in the screen's own order */
	bool lazy;     /* scrolling may be drawn later: screen.c */

	/* Whoever is writing; see screen.c for two at once. */
	unsigned int top;
	unsigned int col, row; /* col == cols: wrap before the next one */
	unsigned int dirty_first, dirty_end; /* rows that may differ */
	u16 attr;
	bool cursor_hidden;
	bool scrolled; /* since it was last drawn */
	u64 drawn_ns;  /* when that was */
	enum { TEXT, ESCAPE, SEQUENCE } state;
	unsigned int params[SCREEN_MAX_PARAMS];
	unsigned int nr_params;
};

/* @cells has room for 2 * cols * rows; the display is blank. */
void screen_setup(struct screen *s, unsigned int cols, unsigned int rows,
		  cell_t *cells);
void screen_put(struct screen *s, const char *text, size_t len);

/* Pixels in memory. */
struct framebuffer {
	struct screen screen;
	volatile u8 *pixels;
	u32 pitch;
	u32 bytes_per_pixel;
	u32 colours[16];
};

/* Can it be drawn on?  Then fill in all but pixels and screen. */
bool framebuffer_setup(struct framebuffer *fb, const struct boot_screen *info);
void framebuffer_draw(struct screen *s, unsigned int col, unsigned int row,
		      cell_t old, cell_t new);

/* Each makes its kind of screen, or returns NULL. */
struct screen *fbcon_init(const struct boot_screen *info);
struct screen *vgacon_init(const struct boot_screen *info);

/* FONT_HEIGHT rows, the leftmost pixel in the highest bit. */
const u8 *font_glyph(u8 c);
void font_init(void);
