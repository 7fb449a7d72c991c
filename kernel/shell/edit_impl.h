/* SPDX-License-Identifier: MIT */
/*
 * edit_impl.h - edit a line on a terminal.
 *
 * Pure: keys go in byte by byte, what to show comes out as text.  The caller
 * reads the one and writes the other.
 */
#pragma once
#include <lib/types.h>
#include "history_impl.h"
#include "text_impl.h"

#define EDIT_MAX 8192 /* with the NUL */

enum edit_event {
	EDIT_MORE,     /* go on */
	EDIT_DONE,     /* Enter: the line is in line[] */
	EDIT_CANCEL,   /* ^C */
	EDIT_END,      /* ^D on an empty line */
	EDIT_COMPLETE, /* Tab: see what could come at pos */
};

struct edit {
	/* Fixed by the owner. */
	const char *prompt;
	unsigned int columns;
	struct history *history;

	/* The line, NUL-terminated, and the cursor. */
	char line[EDIT_MAX];
	size_t len, pos;

	/* What ^K, ^U and ^W took last. */
	char killed[EDIT_MAX];
	size_t killed_len;

	/* While an older line is looked at: which, and what was typed. */
	unsigned int back;
	char typed[EDIT_MAX];

	/* ^R: what is searched for. */
	bool searching;
	char sought[64];
	size_t sought_len;

	/* A key sequence, half received. */
	enum { EDIT_TEXT, EDIT_ESCAPE, EDIT_SEQUENCE, EDIT_LETTER } state;
	unsigned int params[2], nr_params;
	u8 last_key;

	/* The terminal: columns from the prompt's start to the cursor and to
	 * the end; and the first byte that is not as shown. */
	size_t shown_cursor, shown_end;
	size_t changed_from;
	bool redraw;	   /* nothing of it is shown */
	bool clear_screen; /* and the screen is to be cleared */
	bool bell;
};

/* An empty line.  Killed text stays. */
void edit_start(struct edit *e);

enum edit_event edit_key(struct edit *e, u8 byte);

/* At the cursor.  False, and nothing changed, when it does not fit. */
bool edit_insert(struct edit *e, const char *text, size_t len);

/* Append to @out what makes the terminal show the line as it is now. */
void edit_render(struct edit *e, struct shell_text *out);

/* What wipes the line, shown as edit_render() left it, and what shows it again
 * from there. */
void edit_erase(const struct edit *e, struct shell_text *out);
void edit_redraw(const struct edit *e, struct shell_text *out);

/* Move the cursor behind the line, to a new one. */
void edit_leave(const struct edit *e, struct shell_text *out);
