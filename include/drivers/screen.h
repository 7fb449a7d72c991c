/* SPDX-License-Identifier: MIT */
/*
 * screen.h - the console on the machine's own screen, if it has one.
 *
 * Text or pixels, as the boot loader left it: what goes to the serial line
 * shows here too, so that a PC without one is not a black screen.
 */
#pragma once
#include <lib/types.h>

/* Find the screen and make it a printk console.  After paging_init(), while
 * memblock gives memory. */
void screen_init(void);

/*
 * Show @text, which may hold the escape sequences of a terminal: cursor
 * movement, erasing, colours.  Nothing without a screen.  Tasks; printk's lines
 * come in between as on the serial line.
 */
void screen_write(const char *text, size_t len);
