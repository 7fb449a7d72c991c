/* SPDX-License-Identifier: MIT */
/*
 * ps2kbd.h - the keyboard of a PC, or of QEMU's window: types on the terminal.
 */
#pragma once
#include <lib/types.h>

/* Turn it on if there is one.  A task, once. */
void ps2kbd_init(void);

/* What is held down, or half received.  All zero at the start. */
struct ps2kbd {
	bool shift, control, alt, caps;
	bool extended; /* the code before was the prefix 0xe0 */
	u8 skip;       /* codes of a sequence that means nothing to us */
};

#define PS2KBD_MAX_BYTES 8

/*
 * One scan code (set 1) as the bytes that a terminal would send for the key, US
 * layout.  Returns how many, often none.
 */
size_t ps2kbd_decode(struct ps2kbd *kbd, u8 code, u8 bytes[PS2KBD_MAX_BYTES]);
