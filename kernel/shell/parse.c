/* SPDX-License-Identifier: MIT */
/*
 * parse.c - words, quotes and operators.
 *
 * One pass, from left to right, with one character of look-ahead.  A word is
 * copied as it is read, without its quotes, into the command's own text, which
 * is as long as any line, so what a line says always fits or is refused.
 *
 * Context: any.
 */
#include <errno.h>
#include <lib/format.h>
#include <string.h>
#include "parse_impl.h"

struct parser {
	const char *at;
	int status;
	struct parsed *cmd;
	const char *error; /* the first one */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Ends a word where no quotes do. */
static bool is_operator(char c)
{
	return c == ';' || c == '&' || c == '>' || c == '<' || c == '|';
}

static void fail(struct parser *p, const char *error)
{
	if (!p->error)
		p->error = error;
}

static void put(struct parser *p, char c)
{
	if (p->cmd->used == sizeof(p->cmd->text))
		fail(p, "the line is too long");
	else
		p->cmd->text[p->cmd->used++] = c;
}

static void put_status(struct parser *p)
{
	char digits[16];

	format(digits, sizeof(digits), "%d", p->status);
	for (const char *d = digits; *d; d++)
		put(p, *d);
	p->at += 2; /* $? */
}

static void read_single_quotes(struct parser *p)
{
	for (p->at++; *p->at && *p->at != '\''; p->at++)
		put(p, *p->at);
	if (!*p->at)
		fail(p, "a ' is never closed");
	else
		p->at++;
}

/* What no quotes and double quotes have in common. */
static void read_char(struct parser *p)
{
	if (p->at[0] == '$' && p->at[1] == '?') {
		put_status(p);
		return;
	}
	if (p->at[0] == '\\' && p->at[1])
		p->at++;
	put(p, *p->at++);
}

static void read_double_quotes(struct parser *p)
{
	p->at++;
	while (*p->at && *p->at != '"')
		read_char(p);
	if (!*p->at)
		fail(p, "a \" is never closed");
	else
		p->at++;
}

/* There is one.  Returns it, without its quotes. */
static char *read_word(struct parser *p)
{
	size_t start = p->cmd->used;

	while (*p->at && !is_blank(*p->at) && !is_operator(*p->at) &&
	       !p->error) {
		if (*p->at == '\'')
			read_single_quotes(p);
		else if (*p->at == '"')
			read_double_quotes(p);
		else
			read_char(p);
	}
	put(p, '\0');
	return p->cmd->text + start;
}

static void skip_blanks(struct parser *p)
{
	while (is_blank(*p->at))
		p->at++;
	if (*p->at == '#')
		p->at += strlen(p->at);
}

static void read_redirection(struct parser *p)
{
	p->at++;
	p->cmd->append = *p->at == '>';
	p->at += p->cmd->append;
	skip_blanks(p);
	if (p->cmd->file)
		fail(p, "the output can go to one file only");
	else if (!*p->at || is_operator(*p->at))
		fail(p, "the name of a file is missing behind >");
	else
		p->cmd->file = read_word(p);
}

static void add_word(struct parser *p)
{
	struct parsed *cmd = p->cmd;

	if (cmd->argc == PARSE_MAX_WORDS)
		fail(p, "too many words");
	else
		cmd->argv[cmd->argc++] = read_word(p);
}

/* Up to the end of the command, or of the line. */
static void read_words(struct parser *p)
{
	while (!p->error) {
		skip_blanks(p);
		if (!*p->at || *p->at == ';' || *p->at == '&')
			return;
		if (*p->at == '>')
			read_redirection(p);
		else if (*p->at == '|' || *p->at == '<')
			fail(p, "there are no pipes, and no input from files");
		else
			add_word(p);
	}
}

/* ; or & or nothing. */
static void read_end(struct parser *p)
{
	struct parsed *cmd = p->cmd;

	if (cmd->file && !cmd->argc)
		fail(p, "a command is missing before >");
	if (*p->at == '&') {
		if (p->at[1] == '&')
			fail(p, "there is no &&");
		else if (!cmd->argc)
			fail(p, "a command is missing before &");
		cmd->background = true;
	}
	if (*p->at)
		p->at++;
}

int parse_command(const char **cursor, int status, struct parsed *cmd,
		  const char **error)
{
	struct parser p = {.at = *cursor, .status = status, .cmd = cmd};

	do {
		cmd->argc = 0;
		cmd->file = NULL;
		cmd->append = cmd->background = false;
		cmd->used = 0;
		skip_blanks(&p);
		if (!*p.at)
			return 0;
		read_words(&p);
		if (!p.error)
			read_end(&p);
		if (p.error) {
			*error = p.error;
			return -EINVAL;
		}
	} while (!cmd->argc);
	cmd->argv[cmd->argc] = NULL;
	*cursor = p.at;
	return 1;
}

size_t parse_word_at(const char *line, size_t pos, unsigned int *index,
		     char *first, size_t size)
{
	size_t start = 0, first_start = 0, first_end = 0;
	bool in_word = false, is_file = false;
	unsigned int nr = 0;
	char quote = 0;

	for (size_t i = 0; i < pos; i++) {
		char c = line[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (is_blank(c) || is_operator(c)) {
			if (in_word && nr == 1)
				first_end = i;
			/* The file that output goes to is none of the words. */
			if (in_word && is_file)
				nr--;
			if (in_word || c == '>')
				is_file = c == '>';
			in_word = false;
			if (c == ';' || c == '&') {
				nr = 0;
				is_file = false;
			}
		} else {
			if (!in_word) {
				start = i;
				if (!nr++)
					first_start = first_end = i;
			}
			in_word = true;
			quote = c == '\'' || c == '"' ? c : 0;
		}
	}
	if (!in_word) {
		start = pos;
		nr++;
	}
	*index = is_file ? PARSE_FILE : nr - 1;
	strlcpy(first, "", size);
	if (nr > 1 && first_end > first_start)
		scnprintf(first, size, "%.*s", (int)(first_end - first_start),
			  line + first_start);
	return start;
}
