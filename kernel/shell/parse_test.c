/* SPDX-License-Identifier: MIT */
/* parse_test.c - lines become words, and no line does harm. */
#include <errno.h>
#include <lib/format.h>
#include <string.h>
#include <tests/test.h>
#include "parse_impl.h"

static struct parsed cmd;

/* All commands of @line, written out: "[word][word]>file;" and so on. */
static const char *parsed(const char *line)
{
	static char out[512];
	const char *error = "";
	size_t len = 0;
	int found;

	out[0] = '\0';
	while ((found = parse_command(&line, 7, &cmd, &error)) > 0) {
		for (int i = 0; i < cmd.argc; i++)
			len += scnprintf(out + len, sizeof(out) - len, "[%s]",
					 cmd.argv[i]);
		if (cmd.file)
			len += scnprintf(out + len, sizeof(out) - len, "%s%s",
					 cmd.append ? ">>" : ">", cmd.file);
		len += scnprintf(out + len, sizeof(out) - len, "%c",
				 cmd.background ? '&' : ';');
	}
	if (found < 0)
		scnprintf(out + len, sizeof(out) - len, "error: %s", error);
	return out;
}

TEST(shell_parse, blanks_separate_words)
{
	EXPECT_STREQ(parsed("ps"), "[ps];");
	EXPECT_STREQ(parsed("  test \t list.*  "), "[test][list.*];");
	EXPECT_STREQ(parsed(""), "");
	EXPECT_STREQ(parsed(" \t "), "");
}

TEST(shell_parse, operators_need_no_blanks)
{
	EXPECT_STREQ(parsed("a;b"), "[a];[b];");
	EXPECT_STREQ(parsed("a&b"), "[a]&[b];");
	EXPECT_STREQ(parsed("a &"), "[a]&");
	EXPECT_STREQ(parsed("a;;; b;"), "[a];[b];");
	EXPECT_STREQ(parsed("echo 64M>/max"), "[echo][64M]>/max;");
	EXPECT_STREQ(parsed("echo x >> f y"), "[echo][x][y]>>f;");
	EXPECT_STREQ(parsed("> f echo x"), "[echo][x]>f;");
}

TEST(shell_parse, quotes_hold_words_together)
{
	EXPECT_STREQ(parsed("echo 'a  b;c'"), "[echo][a  b;c];");
	EXPECT_STREQ(parsed("echo \"a # b\""), "[echo][a # b];");
	EXPECT_STREQ(parsed("a'b'\"c\"d"), "[abcd];");
	EXPECT_STREQ(parsed("echo '' \"\""), "[echo][][];");
	EXPECT_STREQ(parsed("a\\ b \\; \\\\ \\'"), "[a b][;][\\]['];");
	EXPECT_STREQ(parsed("'a\\'"), "[a\\];");
	EXPECT_STREQ(parsed("\"a\\\"b\""), "[a\"b];");
}

TEST(shell_parse, status_is_put_in_but_not_in_single_quotes)
{
	EXPECT_STREQ(parsed("echo $? \"=$?\" '$?' $ $x"),
		     "[echo][7][=7][$?][$][$x];");
}

TEST(shell_parse, comments_begin_at_a_words_start)
{
	EXPECT_STREQ(parsed("# nothing"), "");
	EXPECT_STREQ(parsed("ps # all"), "[ps];");
	EXPECT_STREQ(parsed("a#b"), "[a#b];");
	EXPECT_STREQ(parsed("a; # b"), "[a];");
}

TEST(shell_parse, mistakes_are_named)
{
	EXPECT_STREQ(parsed("echo 'a"), "error: a ' is never closed");
	EXPECT_STREQ(parsed("echo \"a"), "error: a \" is never closed");
	EXPECT_STREQ(parsed("echo >"),
		     "error: the name of a file is missing behind >");
	EXPECT_STREQ(parsed("echo > ; a"),
		     "error: the name of a file is missing behind >");
	EXPECT_STREQ(parsed("echo >a >b"),
		     "error: the output can go to one file only");
	EXPECT_STREQ(parsed("> f"), "error: a command is missing before >");
	EXPECT_STREQ(parsed("& a"), "error: a command is missing before &");
	EXPECT_STREQ(parsed("a && b"), "error: there is no &&");
	EXPECT_STREQ(parsed("a | b"), "error: there are no pipes, and no input "
				      "from files");
	EXPECT_STREQ(parsed("a; b 'c"), "[a];error: a ' is never closed");
}

TEST(shell_parse, too_many_words_are_refused)
{
	static char line[2 * PARSE_MAX_WORDS + 8];

	for (int i = 0; i < PARSE_MAX_WORDS; i++)
		memcpy(line + 2 * i, "a ", 2);
	line[2 * PARSE_MAX_WORDS] = '\0';
	parsed(line);
	EXPECT_EQ(cmd.argc, 0); /* the end, behind a command of 64 words */
	strcat(line, "b");
	EXPECT_STREQ(parsed(line), "error: too many words");
}

TEST(shell_parse, longest_word_fits_and_a_longer_one_is_refused)
{
	static char line[PARSE_MAX_TEXT + 2];
	const char *at = line, *error = "";

	memset(line, 0, sizeof(line));
	memset(line, 'x', PARSE_MAX_TEXT - 1);
	EXPECT_EQ(parse_command(&at, 0, &cmd, &error), 1);
	EXPECT_EQ(strlen(cmd.argv[0]), (size_t)PARSE_MAX_TEXT - 1);
	line[PARSE_MAX_TEXT - 1] = 'x';
	at = line;
	EXPECT_EQ(parse_command(&at, 0, &cmd, &error), -EINVAL);
	EXPECT_STREQ(error, "the line is too long");
}

/* What single quotes hold comes out as it went in. */
TEST(shell_parse, any_word_survives_single_quotes)
{
	char word[65], line[80];
	const char *at, *error;

	for (int round = 0; round < 2000; round++) {
		size_t len = test_random_below(sizeof(word));

		for (size_t i = 0; i < len; i++) {
			word[i] = 1 + test_random_below(255);
			if (word[i] == '\'')
				word[i] = '"';
		}
		word[len] = '\0';
		format(line, sizeof(line), "'%s'", word);
		at = line;
		ASSERT_EQ(parse_command(&at, 0, &cmd, &error), 1);
		ASSERT_EQ(cmd.argc, 1);
		ASSERT_STREQ(cmd.argv[0], word);
	}
}

/* Lines made of what means something, in any order. */
static void random_line(char *line, size_t max)
{
	static const char meaning[] = "  ab;&>><|'\"\\#$?\t\r\n\x80\xff";
	size_t len = test_random_below(max);

	for (size_t i = 0; i < len; i++)
		line[i] = meaning[test_random_below(sizeof(meaning) - 1)];
	line[len] = '\0';
}

static void expect_within_text(const char *word)
{
	const char *end = cmd.text + cmd.used;

	ASSERT(word >= cmd.text && word < end);
	ASSERT(memchr(word, '\0', end - word));
}

TEST(shell_parse, hostile_lines_end_and_stay_in_bounds)
{
	char line[200];

	for (int round = 0; round < 20000; round++) {
		const char *at = line, *before, *error = NULL;
		int found;

		random_line(line, sizeof(line));
		do {
			before = at;
			found = parse_command(&at, 0, &cmd, &error);
			if (found <= 0)
				break;
			ASSERT(at > before && at <= line + strlen(line));
			ASSERT(cmd.argc > 0 && cmd.argc <= PARSE_MAX_WORDS);
			ASSERT(!cmd.argv[cmd.argc]);
			for (int i = 0; i < cmd.argc; i++)
				expect_within_text(cmd.argv[i]);
			if (cmd.file)
				expect_within_text(cmd.file);
		} while (found > 0);
		ASSERT(found == 0 || (found == -EINVAL && error));
	}
}

/* "start/index/first" for a line whose cursor is at the end. */
static const char *word_at(const char *line)
{
	static char out[64];
	unsigned int index;
	char first[16];
	size_t start =
		parse_word_at(line, strlen(line), &index, first, sizeof(first));

	format(out, sizeof(out), "%zu/%d/%s", start, (int)index, first);
	return out;
}

TEST(shell_parse, word_being_typed_is_found)
{
	EXPECT_STREQ(word_at(""), "0/0/");
	EXPECT_STREQ(word_at("pr"), "0/0/");
	EXPECT_STREQ(word_at("  pr"), "2/0/");
	EXPECT_STREQ(word_at("run "), "4/1/run");
	EXPECT_STREQ(word_at("run sp"), "4/1/run");
	EXPECT_STREQ(word_at("ps; run sp"), "8/1/run");
	EXPECT_STREQ(word_at("a b c"), "4/2/a");
	EXPECT_STREQ(word_at("spin & te"), "7/0/");
	EXPECT_STREQ(word_at("echo 'a b"), "5/1/echo");
	/* -1: a file's name */
	EXPECT_STREQ(word_at("ps > /de"), "5/-1/ps");
	EXPECT_STREQ(word_at("ps a >>/de"), "7/-1/ps");
	EXPECT_STREQ(word_at("ps >"), "4/-1/ps");
	EXPECT_STREQ(word_at("ps > "), "5/-1/ps");
	EXPECT_STREQ(word_at("ps >f b"), "6/1/ps");
	EXPECT_STREQ(word_at("ps > f "), "7/1/ps");
	EXPECT_STREQ(word_at(">f ps b"), "6/1/ps");
	EXPECT_STREQ(word_at("ps >; b"), "6/0/");
}
