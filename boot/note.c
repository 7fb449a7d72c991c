/* SPDX-License-Identifier: MIT */
/*
 * note.c - what boot code has to say, before there is a log and after.
 *
 * The doors, the parameters and the ACPI parser find faults long before the
 * log exists, one floor below it.  They are kept as text until somebody above
 * hands a sink down; tests hand down their own and read what was said.
 *
 * Full buffer: what is said first matters most, so the rest is only counted.
 */
#include <boot/note.h>
#include <lib/format.h>
#include <string.h>

#define NOTE_MAX   160
#define NOTES_SIZE 4096

static char kept[NOTES_SIZE]; /* a level, text and NUL, again and again */
static size_t kept_size;
static unsigned int nr_unkept;
static boot_note_sink_t sink;

static void keep(enum boot_note_level level, const char *text)
{
	size_t len = strlen(text) + 1;

	if (kept_size + 1 + len > NOTES_SIZE) {
		nr_unkept++;
		return;
	}
	kept[kept_size++] = level;
	memcpy(&kept[kept_size], text, len);
	kept_size += len;
}

void boot_note(enum boot_note_level level, const char *fmt, ...)
{
	char text[NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sink)
		sink(level, text);
	else
		keep(level, text);
}

boot_note_sink_t boot_note_set_sink(boot_note_sink_t new)
{
	boot_note_sink_t old = sink;

	sink = new;
	if (!sink)
		return old;
	for (size_t at = 0; at < kept_size;) {
		enum boot_note_level level = kept[at++];

		sink(level, &kept[at]);
		at += strlen(&kept[at]) + 1;
	}
	kept_size = 0;
	if (nr_unkept)
		boot_warn("%u more warnings had no room", nr_unkept);
	nr_unkept = 0;
	return old;
}
