/* SPDX-License-Identifier: MIT */
/*
 * complete.c - what Tab finds.
 *
 * The first word is a command or a program.  What an argument can be is said by
 * the usage line that `help' shows: a word in capitals names its kind, and
 * words with | between them are the choices; an option in brackets may be left
 * out.  Behind > comes a file.  Every candidate is offered once; the longest
 * beginning they share is put in, and when that is nothing new, a
 * second round lists them.
 *
 * Context: the shell's task.
 */
#include <dirent.h>
#include <fcntl.h>
#include <drivers/tty.h>
#include <fs/vfs.h>
#include <lib/err.h>
#include <lib/math.h>
#include <string.h>
#include <boot/param.h>
#include <tests/run.h>
#include "edit_impl.h"
#include "parse_impl.h"
#include "shell_impl.h"

#define NAME_MAX_CHARS 128
#define MAX_LISTED     200

struct completion {
	/* What has been typed. */
	char word[NAME_MAX_CHARS];
	size_t word_len;

	/* What all candidates so far begin with. */
	char common[NAME_MAX_CHARS];
	unsigned int nr;
	size_t longest;
	bool whole; /* nothing can follow in the same word */

	bool listing; /* second round: into listed[] */
};

/* In order; of the one shell. */
static char listed[MAX_LISTED][NAME_MAX_CHARS];
static unsigned int nr_listed;

static void list(const char *name)
{
	unsigned int at = nr_listed;

	if (nr_listed == MAX_LISTED)
		return;
	for (; at && strcmp(listed[at - 1], name) > 0; at--)
		strcpy(listed[at], listed[at - 1]);
	strcpy(listed[at], name);
	nr_listed++;
}

static void print_listed(unsigned int width)
{
	unsigned int column = 0;

	for (unsigned int i = 0; i < nr_listed; i++) {
		if (column && column + width > tty_columns()) {
			sh_error("\n");
			column = 0;
		}
		sh_error("%-*s", (int)width, listed[i]);
		column += width;
	}
	sh_error("\n");
}

/* Whether it could be what was meant. */
static bool offer(struct completion *c, const char *name)
{
	size_t len = strlen(name), same = 0;

	if (strncmp(name, c->word, c->word_len) || len >= sizeof(c->common))
		return false;
	c->nr++;
	if (c->listing) {
		list(name);
		return true;
	}
	c->longest = max(c->longest, len);
	if (c->nr == 1) {
		strcpy(c->common, name);
		return true;
	}
	while (c->common[same] && c->common[same] == name[same])
		same++;
	c->common[same] = '\0';
	return true;
}

/* -- What there is ----------------------------------------------------------- */

static void offer_apps(struct completion *c)
{
	const struct app *const *p;

	for_each_app(p)
		offer(c, (*p)->name);
}

static void offer_commands(struct completion *c)
{
	const struct command *const *cmd;
	const struct app *const *app;

	for_each_command(cmd)
		offer(c, (*cmd)->app.name);
	for_each_app(app) {
		if (!command_find((*app)->name)) /* which comes before it */
			offer(c, (*app)->name);
	}
}

static void offer_params(struct completion *c)
{
	const struct boot_param *const *p;

	for (p = __registry_params_start; p < __registry_params_end; p++)
		offer(c, (*p)->name);
}

typedef bool names_fn(unsigned int i, const char **suite, const char **name);

static bool suite_seen(names_fn *names, unsigned int i, const char *suite)
{
	const char *other, *name;

	for (unsigned int j = 0; j < i && names(j, &other, &name); j++) {
		if (!strcmp(other, suite))
			return true;
	}
	return false;
}

/* Suites first; a suite's tests once it is certain. */
static void offer_tests(struct completion *c, names_fn *names)
{
	bool whole = strchr(c->word, '.');
	const char *suite, *name;
	char full[NAME_MAX_CHARS];

	for (unsigned int i = 0; names(i, &suite, &name); i++) {
		if (!whole && suite_seen(names, i, suite))
			continue;
		scnprintf(full, sizeof(full), "%s.%s", suite,
			  whole ? name : "");
		offer(c, full);
	}
	c->whole = whole;
}

/* In the directory that the word names, if it names one. */
static void offer_files(struct completion *c)
{
	char path[VFS_PATH_MAX], name[NAME_MAX_CHARS];
	const char *slash = strrchr(c->word, '/');
	size_t dir_len = slash ? slash + 1 - c->word : 0;
	struct dirent entry;
	struct file *dir;

	scnprintf(path, sizeof(path), "%.*s", (int)dir_len, c->word);
	dir = vfs_open(dir_len ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	if (IS_ERR(dir))
		return;
	while (file_readdir(dir, &entry) > 0) {
		bool is_dir = entry.d_type == DT_DIR;

		if (entry.d_name[0] == '.')
			continue;
		scnprintf(name, sizeof(name), "%.*s%s%s", (int)dir_len, c->word,
			  entry.d_name, is_dir ? "/" : "");
		if (offer(c, name))
			c->whole = !is_dir;
	}
	file_put(dir);
}

static void offer_jobs(struct completion *c)
{
	char name[8];

	for (unsigned int nr = 1; nr <= MAX_JOBS; nr++) {
		format(name, sizeof(name), "%%%u", nr);
		if (job_exists(nr))
			offer(c, name);
	}
}

/* Up to a "=", if there is one; unless it only stands for something. */
static void offer_literal(struct completion *c, char *word)
{
	char *end = strchr(word, '=');

	if (end)
		end[1] = '\0';
	for (const char *at = word; *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			return;
	}
	if (offer(c, word) && end)
		c->whole = false;
}

/* One word of a usage line: "[APP]", "[bug|null]", "FILE..." */
static void offer_kind(struct completion *c, const char *kind, size_t len)
{
	char words[64], *next = words, *word;

	scnprintf(words, sizeof(words), "%.*s", (int)len, kind);
	while ((word = strsep(&next, "[]|. "))) {
		if (!strcmp(word, "APP"))
			offer_apps(c);
		else if (!strcmp(word, "COMMAND"))
			offer_commands(c);
		else if (!strcmp(word, "PARAMETER"))
			offer_params(c);
		else if (!strcmp(word, "TESTS"))
			offer_tests(c, tests_name);
		else if (!strcmp(word, "BENCHES"))
			offer_tests(c, benches_name);
		else if (!strcmp(word, "FILE") || !strcmp(word, "DIRECTORY") ||
			 !strcmp(word, "ARGUMENT"))
			offer_files(c);
		else if (!strcmp(word, "%JOB"))
			offer_jobs(c);
		else if (*word)
			offer_literal(c, word);
	}
}

/* The @index-th argument; the last word of a usage line stands for the rest. */
static void offer_argument(struct completion *c, const char *command,
			   unsigned int index)
{
	const struct command *cmd = command_find(command);
	const char *at = cmd ? cmd->usage : "FILE", *word = at;
	size_t len = 0;

	for (unsigned int i = 0; i < index && *at; i++) {
		word = at;
		len = strcspn(at, " ");
		at += len;
		at += strspn(at, " ");
	}
	offer_kind(c, word, len);
	/* Without the option, and its value, it is the word behind. */
	if (!strncmp(word, "[-", 2)) {
		at = word + strcspn(word, "]");
		at += strspn(at, "] ");
		offer_kind(c, at, strcspn(at, " "));
	}
}

static void offer_all(struct completion *c, const char *command,
		      unsigned int index)
{
	c->nr = 0;
	c->whole = true;
	if (index == PARSE_FILE)
		offer_files(c);
	else if (index)
		offer_argument(c, command, index);
	else
		offer_commands(c);
}

/* -- Tab --------------------------------------------------------------------- */

static void list_all(struct completion *c, struct edit *e, const char *command,
		     unsigned int index)
{
	char text[64];
	struct shell_text leave = SHELL_TEXT(text);

	edit_leave(e, &leave);
	tty_edit_end();
	tty_write(leave.data, leave.len);
	c->listing = true;
	nr_listed = 0;
	offer_all(c, command, index);
	print_listed(c->longest + 2);
	if (c->nr > MAX_LISTED)
		sh_error("... and %u more\n", c->nr - MAX_LISTED);
	e->shown_cursor = 0;
	e->redraw = true;
}

void shell_complete(struct edit *e)
{
	struct completion c = {};
	char command[32];
	unsigned int index;
	size_t start = parse_word_at(e->line, e->pos, &index, command,
				     sizeof(command));
	size_t len;

	if (e->pos - start >= sizeof(c.word)) {
		e->bell = true;
		return;
	}
	c.word_len = e->pos - start;
	memcpy(c.word, e->line + start, c.word_len);
	offer_all(&c, command, index);
	len = strlen(c.common);
	if (!c.nr) {
		e->bell = true;
	} else if (len > c.word_len || c.nr == 1) {
		edit_insert(e, c.common + c.word_len, len - c.word_len);
		if (c.nr == 1 && c.whole)
			edit_insert(e, " ", 1);
	} else {
		list_all(&c, e, command, index);
	}
}
