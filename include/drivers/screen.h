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
 * movement, erasing, colours.  Nothing without a screen.  Any context.
 */
void screen_write(const char *text, size_t len);

/* The log comes through screen_write() from now on: be a console no more.  For
 * tty.c, whose log lines step around the line being edited. */
void screen_leave_log(void);

/* Characters in a line, and lines; 0 without a screen. */
unsigned int screen_columns(void);
unsigned int screen_rows(void);
