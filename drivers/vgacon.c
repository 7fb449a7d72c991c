/* SPDX-License-Identifier: MIT */
/*
 * vgacon.c - the VGA's text screen: two bytes a character, drawn by hardware.
 *
 * screen.c shows the cursor as an inverted cell, so the hardware's is off.
 *
 * Context: any; the callers are screen.c's.
 */
#include <arch/io.h>
#include <arch/paging.h>
#include <lib/math.h>
#include <mm/page/memblock.h>
#include "screen_impl.h"

#define VGA_WINDOW_SIZE 0x8000
#define CRTC_INDEX	0x3d4
#define CRTC_DATA	0x3d5
#define CRTC_CURSOR	0x0a
#define CURSOR_OFF	0x20

#define MAX_COLS 132
#define MAX_ROWS 60

static struct screen vga;
static volatile u8 *window;
static u32 pitch;

static void vga_draw(struct screen *s, unsigned int col, unsigned int row,
		     cell_t old, cell_t new)
{
	*(volatile u16 *)(window + row * pitch + col * sizeof(u16)) = new;
}

struct screen *vgacon_init(const struct boot_screen *info)
{
	unsigned int cols = min(info->width, (u32)MAX_COLS);
	unsigned int rows = min(info->height, (u32)MAX_ROWS);
	cell_t *cells;

	if (!cols || !rows || info->pitch < cols * sizeof(u16) ||
	    !IS_ALIGNED(info->base, PAGE_SIZE) ||
	    (u64)rows * info->pitch > VGA_WINDOW_SIZE)
		return NULL;
	cells = memblock_alloc(2 * cols * rows * sizeof(*cells), 0);
	window = mmio_map(info->base, VGA_WINDOW_SIZE);
	if (!cells || !window)
		return NULL;

	pitch = info->pitch;
	vga.draw = vga_draw;
	screen_setup(&vga, cols, rows, cells);
	for (unsigned int row = 0; row < rows; row++) {
		for (unsigned int col = 0; col < cols; col++)
			vga_draw(&vga, col, row, 0, CELL_NORMAL | ' ');
	}
	outb(CRTC_CURSOR, CRTC_INDEX);
	outb(CURSOR_OFF, CRTC_DATA);
	return &vga;
}
