/* SPDX-License-Identifier: MIT */
/* param_test.c - words on the command line, right and wrong. */
#include <boot/note.h>
#include <boot/param.h>
#include <errno.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "boot_impl.h"

static unsigned long count;
static u64 bytes;
static bool flag;
static const char *text;
static char shape;

static int set_shape(const struct boot_param *p, const char *value)
{
	if (!value || (strcmp(value, "round") && strcmp(value, "square")))
		return -EINVAL;
	shape = value[0];
	return 0;
}

static const struct boot_param p_count = {
	.name = "count",
	.expects = "a number",
	.set = boot_param_set_ulong,
	.target = &count,
	.min = 1,
	.max = 64,
};
static const struct boot_param p_bytes = {
	.name = "some.bytes",
	.expects = "a size such as 64M",
	.set = boot_param_set_size,
	.target = &bytes,
};
static const struct boot_param p_flag = {
	.name = "flag",
	.expects = "on or off",
	.set = boot_param_set_bool,
	.target = &flag,
	.max = 1,
};
static const struct boot_param p_text = {
	.name = "text",
	.expects = "text",
	.set = boot_param_set_string,
	.target = &text,
};
static const struct boot_param p_shape = {
	.name = "shape",
	.expects = "round|square",
	.set = set_shape,
};
static const struct boot_param *const table[] = {
	&p_count, &p_bytes, &p_flag, &p_text, &p_shape,
};

static char said[512];

static void hear(enum boot_note_level level, const char *note)
{
	strlcat(said, note, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static char line[256];

static unsigned int parse(const char *words)
{
	boot_note_sink_t old;
	unsigned int complaints;

	count = 5;
	bytes = 7;
	flag = false;
	text = NULL;
	shape = '-';
	strlcpy(line, words, sizeof(line));
	old = boot_note_set_sink(hear);
	/* The first sink hears what was said before it came. */
	said[0] = '\0';
	complaints = boot_param_parse(line, table, table + ARRAY_SIZE(table));
	boot_note_set_sink(old);
	return complaints;
}

TEST(param, every_kind_of_value_is_set)
{
	EXPECT_EQ(parse("count=0x20  some.bytes=64M flag text=hello "
			"shape=square"),
		  0);
	EXPECT_EQ(count, 32);
	EXPECT_EQ(bytes, 64ull << 20);
	EXPECT(flag);
	ASSERT(text);
	EXPECT_STREQ(text, "hello");
	EXPECT_EQ(shape, 's');
	EXPECT_STREQ(said, "");
}

TEST(param, empty_lines_set_nothing)
{
	EXPECT_EQ(parse(""), 0);
	EXPECT_EQ(parse("   \t "), 0);
	EXPECT_EQ(count, 5);
}

TEST(param, quotes_hold_blanks_together)
{
	EXPECT_EQ(parse("text=\"a b=c\" count=9"), 0);
	ASSERT(text);
	EXPECT_STREQ(text, "a b=c");
	EXPECT_EQ(count, 9);
	EXPECT_EQ(parse("\"text=d e\""), 0);
	ASSERT(text);
	EXPECT_STREQ(text, "d e");
}

TEST(param, the_last_of_several_counts)
{
	EXPECT_EQ(parse("count=2 flag=on count=3 flag=off"), 0);
	EXPECT_EQ(count, 3);
	EXPECT(!flag);
}

TEST(param, unknown_words_are_named_and_the_rest_is_set)
{
	EXPECT_EQ(parse("cuont=2 frob count=3"), 2);
	EXPECT(strstr(said, "cuont=2"));
	EXPECT(strstr(said, "frob"));
	EXPECT_EQ(count, 3);
}

TEST(param, refused_values_are_named_and_change_nothing)
{
	static const char *const bad[] = {
		"count=",	  "count=x",	 "count=0",
		"count=65",	  "count=2k",	 "count=-1",
		"count",	  "some.bytes=", "some.bytes=12Q",
		"some.bytes=-5M", "some.bytes",	 "some.bytes=99999999999T",
		"flag=maybe",	  "flag=",	 "text",
		"shape=oval",	  "shape",	 "count=99999999999999999999",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!EXPECT_EQ(parse(bad[i]), 1))
			test_log("accepted: %s", bad[i]);
		EXPECT_EQ(count, 5);
		EXPECT_EQ(bytes, 7);
		EXPECT(!flag);
		EXPECT(!text);
		EXPECT_EQ(shape, '-');
		EXPECT(strstr(said, bad[i]));
		EXPECT(strstr(said, "ignored"));
	}
}

/* A name is declared once; a second declaration would never be set. */
TEST(param, declared_names_are_unique_and_explained)
{
	const struct boot_param *const *a, *const *b;

	for (a = __registry_params_start; a < __registry_params_end; a++) {
		EXPECT((*a)->name[0] && (*a)->expects[0] && (*a)->help[0]);
		EXPECT(!strpbrk((*a)->name, " =\""));
		for (b = a + 1; b < __registry_params_end; b++)
			EXPECT(strcmp((*a)->name, (*b)->name));
	}
}

static struct boot_info bi; /* too big for a stack */

TEST(param, command_lines_join_and_overlong_ones_are_cut_aloud)
{
	static char long_text[BOOT_MAX_CMDLINE + 8];
	boot_note_sink_t old;

	memset(&bi, 0, sizeof(bi));
	boot_info_add_cmdline(&bi, "a=1", 100);
	boot_info_add_cmdline(&bi, "", 100);
	boot_info_add_cmdline(&bi, "b=22", 3);
	EXPECT_STREQ(bi.cmdline, "a=1 b=2");

	said[0] = '\0';
	memset(long_text, 'x', sizeof(long_text) - 1);
	old = boot_note_set_sink(hear);
	boot_info_add_cmdline(&bi, long_text, sizeof(long_text));
	boot_note_set_sink(old);
	EXPECT_EQ(strlen(bi.cmdline), BOOT_MAX_CMDLINE - 1);
	EXPECT(strstr(said, "cut"));

	said[0] = '\0';
	bi.cmdline[0] = '\0';
	old = boot_note_set_sink(hear);
	boot_info_add_cmdline(&bi, long_text, BOOT_MAX_CMDLINE - 1);
	EXPECT_STREQ(said, "");
	bi.cmdline[0] = '\0';
	boot_info_add_cmdline(&bi, long_text, BOOT_MAX_CMDLINE);
	boot_note_set_sink(old);
	EXPECT_EQ(strlen(bi.cmdline), BOOT_MAX_CMDLINE - 1);
	EXPECT(strstr(said, "cut"));
}
