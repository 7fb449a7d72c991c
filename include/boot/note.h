/* SPDX-License-Identifier: MIT */
/*
 * note.h - what boot code has to say, before there is a log and after.
 *
 * Notes are kept in order until boot_note_set_sink() names who prints them;
 * those kept so far are then handed over, and later ones go there at once.
 * Boot CPU only, or a test's own.
 */
#pragma once

enum boot_note_level { BOOT_NOTE_WARN, BOOT_NOTE_INFO };

typedef void (*boot_note_sink_t)(enum boot_note_level level, const char *text);

void boot_note(enum boot_note_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define boot_warn(...) boot_note(BOOT_NOTE_WARN, __VA_ARGS__)
#define boot_say(...)  boot_note(BOOT_NOTE_INFO, __VA_ARGS__)

/* Returns the sink before it; NULL keeps notes again. */
boot_note_sink_t boot_note_set_sink(boot_note_sink_t sink);
