/* SPDX-License-Identifier: MIT */
/* parse_test.c - what counts as a number, and what does not. */
#include <errno.h>
#include <string.h>

#include <lib/parse.h>
#include <tests/test.h>

#define UNTOUCHED 77

static const struct {
	const char *text;
	unsigned int base;
	int err;
	u64 value;
} unsigned_cases[] = {
	{"0", 10, 0, 0},
	{"42", 10, 0, 42},
	{"+42", 10, 0, 42},
	{"42\n", 10, 0, 42},
	{"0042", 10, 0, 42},
	{"0x2a", 0, 0, 42},
	{"0X2A", 0, 0, 42},
	{"0x2a", 16, 0, 42},
	{"2a", 16, 0, 42},
	{"0b101", 0, 0, 5},
	{"0b1", 16, 0, 0xb1},
	{"052", 0, 0, 42},
	{"0", 0, 0, 0},
	{"zz", 36, 0, 35 * 36 + 35},
	{"18446744073709551615", 10, 0, U64_MAX},
	{"ffffffffffffffff", 16, 0, U64_MAX},

	{"18446744073709551616", 10, -ERANGE, 0},
	{"99999999999999999999999", 10, -ERANGE, 0},
	{"0x10000000000000000", 0, -ERANGE, 0},

	{"", 10, -EINVAL, 0},
	{"\n", 10, -EINVAL, 0},
	{"+", 10, -EINVAL, 0},
	{"-5", 10, -EINVAL, 0},
	{"++5", 10, -EINVAL, 0},
	{" 5", 10, -EINVAL, 0},
	{"5 ", 10, -EINVAL, 0},
	{"5\n\n", 10, -EINVAL, 0},
	{"5x", 10, -EINVAL, 0},
	{"2a", 10, -EINVAL, 0},
	{"0x", 0, -EINVAL, 0},
	{"0xg", 0, -EINVAL, 0},
	{"0b2", 0, -EINVAL, 0},
	{"08", 0, -EINVAL, 0},
	{"99999999999999999999999x", 10, -EINVAL, 0},
};

TEST(parse, unsigned_numbers)
{
	for (size_t i = 0; i < ARRAY_SIZE(unsigned_cases); i++) {
		u64 value = UNTOUCHED;
		int err = kstrtou64(unsigned_cases[i].text,
				    unsigned_cases[i].base, &value);

		if (err != unsigned_cases[i].err)
			FAIL("\"%s\" gives %d", unsigned_cases[i].text, err);
		EXPECT_EQ(value, err ? UNTOUCHED : unsigned_cases[i].value);
	}
}

TEST(parse, signed_numbers_reach_both_ends)
{
	s64 value = UNTOUCHED;

	EXPECT_EQ(kstrtos64("-9223372036854775809", 10, &value), -ERANGE);
	EXPECT_EQ(kstrtos64("9223372036854775808", 10, &value), -ERANGE);
	EXPECT_EQ(kstrtos64("-", 10, &value), -EINVAL);
	EXPECT_EQ(kstrtos64("+-5", 10, &value), -EINVAL);
	EXPECT_EQ(value, UNTOUCHED);
	EXPECT_EQ(kstrtos64("-9223372036854775808", 10, &value), 0);
	EXPECT_EQ(value, S64_MIN);
	EXPECT_EQ(kstrtos64("9223372036854775807", 10, &value), 0);
	EXPECT_EQ(value, S64_MAX);
	EXPECT_EQ(kstrtos64("-0x10", 0, &value), 0);
	EXPECT_EQ(value, -16);
}

TEST(parse, narrow_types_refuse_what_does_not_fit)
{
	u32 u = UNTOUCHED;
	s32 s = UNTOUCHED;
	long l = UNTOUCHED;
	unsigned long ul = UNTOUCHED;

	EXPECT_EQ(kstrtou32("4294967296", 10, &u), -ERANGE);
	EXPECT_EQ(kstrtos32("2147483648", 10, &s), -ERANGE);
	EXPECT_EQ(kstrtos32("-2147483649", 10, &s), -ERANGE);
	EXPECT_EQ(kstrtol("x", 10, &l), -EINVAL);
	EXPECT_EQ(kstrtoul("-1", 10, &ul), -EINVAL);
	EXPECT_EQ(u, UNTOUCHED);
	EXPECT_EQ(s, UNTOUCHED);
	EXPECT_EQ(l, UNTOUCHED);
	EXPECT_EQ(ul, UNTOUCHED);

	EXPECT_EQ(kstrtouint("4294967295", 10, &u), 0);
	EXPECT_EQ(u, U32_MAX);
	EXPECT_EQ(kstrtoint("-2147483648", 10, &s), 0);
	EXPECT_EQ(s, S32_MIN);
	EXPECT_EQ(kstrtol("-7", 10, &l), 0);
	EXPECT_EQ(l, -7);
	EXPECT_EQ(kstrtoul("7", 10, &ul), 0);
	EXPECT_EQ(ul, 7);
}

TEST(parse, truth_in_words)
{
	static const char *const yes[] = {"1", "y", "YES", "on\n", "True"};
	static const char *const no[] = {"0", "N", "no", "Off", "false\n"};
	static const char *const neither[] = {"",   "2",    "yess",   "ye", "o",
					      "of", "\x11", "on\n\n", "on "};
	bool value;

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		value = false;
		EXPECT_EQ(kstrtobool(yes[i], &value), 0);
		EXPECT(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		value = true;
		EXPECT_EQ(kstrtobool(no[i], &value), 0);
		EXPECT(!value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		EXPECT_EQ(kstrtobool(neither[i], &value), -EINVAL);
}

/* @past is how many characters memparse() understands; kstrtosize() wants all
 * of them. */
static const struct {
	const char *text;
	u64 bytes;
	size_t past;
	int err;
} sizes[] = {
	{"0", 0, 1, 0},
	{"4096", 4096, 4, 0},
	{"64K", 64 << 10, 3, 0},
	{"64k", 64 << 10, 3, 0},
	{"512M", 512 << 20, 4, 0},
	{"20G", 20ULL << 30, 3, 0},
	{"3t", 3ULL << 40, 2, 0},
	{"3P", 3ULL << 50, 2, 0},
	{"15E", 15ULL << 60, 3, 0},
	{"0x10M", 16 << 20, 5, 0},
	{"1M\n", 1 << 20, 2, 0},
	{"16M@4G", 16 << 20, 3, -EINVAL},
	{"64KB", 64 << 10, 3, -EINVAL},
	{"1MM", 1 << 20, 2, -EINVAL},
	{"12 ", 12, 2, -EINVAL},
	{"16E", 0, 0, -ERANGE},
	{"18446744073709551616", 0, 0, -ERANGE},
	{"18014398509481984K", 0, 0, -ERANGE},
	{"", 0, 0, -EINVAL},
	{"K", 0, 0, -EINVAL},
	{"-1K", 0, 0, -EINVAL},
	{"+1K", 0, 0, -EINVAL},
	{"max", 0, 0, -EINVAL},
};

TEST(parse, sizes)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 bytes = UNTOUCHED;
		char *end;
		int err = kstrtosize(sizes[i].text, &bytes);

		if (err != sizes[i].err)
			FAIL("\"%s\" gives %d", sizes[i].text, err);
		EXPECT_EQ(bytes, err ? UNTOUCHED : sizes[i].bytes);

		EXPECT_EQ(memparse(sizes[i].text, &end), sizes[i].bytes);
		EXPECT_EQ(end - sizes[i].text, sizes[i].past);
	}
	EXPECT_EQ(memparse("1K", NULL), 1024);
}

TEST(parse, split_cuts_at_the_first_separator)
{
	char pair[] = "mem=1=2", bare[] = "quiet";

	EXPECT_STREQ(parse_split(pair, '='), "1=2");
	EXPECT_STREQ(pair, "mem");
	EXPECT(!parse_split(bare, '='));
	EXPECT_STREQ(bare, "quiet");
}

TEST(parse, words_with_and_without_quotes)
{
	char line[] = "  run hog\t\"two words\" name=\"a b\"c \"\" \"open end ";
	char blank[] = " \t\n";
	static const char *const want[] = {"run",	"hog", "two words",
					   "name=a bc", "",    "open end "};
	char *cursor = line;

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		char *word = parse_word(&cursor);

		ASSERT(word);
		EXPECT_STREQ(word, want[i]);
	}
	EXPECT(!parse_word(&cursor));
	EXPECT(!parse_word(&cursor));

	cursor = blank;
	EXPECT(!parse_word(&cursor));
}
