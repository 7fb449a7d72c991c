/* SPDX-License-Identifier: MIT */
/*
 * parse_impl.h - a line of text as commands, one after the other.
 *
 *	line	 command { (";" | "&") command }
 *	command	 { word | (">" | ">>") word }
 *
 * Blanks separate words; 'single quotes' keep everything as it is, "double
 * quotes" all but $? and \; \ keeps the next character; # at the start of a word
 * begins a comment.  $? is the last command's status.
 *
 * Pure, and as good with hostile input as with any other.
 */
#pragma once
#include <limits.h>
#include <lib/types.h>

#define PARSE_MAX_WORDS 64
#define PARSE_MAX_TEXT	8192

struct parsed {
	int argc; /* 0: there was nothing */
	char *argv[PARSE_MAX_WORDS + 1];
	const char *file; /* where the output goes, or NULL */
	bool append;
	bool background;

	/* Where the words are. */
	char text[PARSE_MAX_TEXT];
	size_t used;
};

/*
 * Reads the command at *@cursor and moves *@cursor behind it.  Returns 1; 0 at
 * the line's end, without a command; or -EINVAL, and *@error says what is wrong
 * with the line.
 */
int parse_command(const char **cursor, int status, struct parsed *cmd,
		  const char **error);

/*
 * For completion, of the line up to @pos: where the word starts that is being
 * typed, and which word of its command it is, from 0, or PARSE_FILE behind >.
 * @first is its command's first word, at most @size - 1 characters of it.
 */
#define PARSE_FILE UINT_MAX
size_t parse_word_at(const char *line, size_t pos, unsigned int *index,
		     char *first, size_t size);
