/* SPDX-License-Identifier: MIT */
/* history_impl.h - the lines typed so far, the oldest forgotten first. */
#pragma once
#include <lib/types.h>

#define HISTORY_BYTES 16384

struct history {
	char text[HISTORY_BYTES]; /* line NUL line NUL ..., the oldest first */
	size_t used;
	unsigned int nr;
	unsigned int nr_forgotten;
};

/* Append @line, unless it is blank or the last one again.  One too long for the
 * whole history is not kept. */
void history_add(struct history *h, const char *line);

/* The line @back lines ago, 1 being the last one; NULL when there is none. */
const char *history_get(const struct history *h, unsigned int back);

/*
 * How many lines ago, more than @back, a line was that holds @part; 0 for
 * none.
 */
unsigned int history_find(const struct history *h, const char *part,
			  unsigned int back);
