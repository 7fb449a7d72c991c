/* SPDX-License-Identifier: MIT */
/*
 * format_test.c - what each directive prints, to the character.
 *
 * The host also compares thousands of random directives with its libc
 * (tests/host/format_libc_test.c).
 */
#include <string.h>

#include <lib/compiler.h>
#include <lib/format.h>
#include <tests/test.h>

#define EXPECT_FORMAT(want, ...)                                               \
	do {                                                                   \
		char got[160];                                                 \
                                                                               \
		EXPECT_EQ(format(got, sizeof(got), __VA_ARGS__),               \
			  __builtin_strlen(want));                             \
		EXPECT_STREQ(got, want);                                       \
	} while (0)

/* Every case takes one 64-bit argument. */
static const struct {
	const char *fmt;
	u64 value;
	const char *want;
} numbers[] = {
	{"%lld", 0, "0"},
	{"%lld", -1ULL, "-1"},
	{"%lld", 1ULL << 63, "-9223372036854775808"},
	{"%lli", ~0ULL >> 1, "9223372036854775807"},
	{"%llu", ~0ULL, "18446744073709551615"},
	{"%llx", 0xdeadbeefULL, "deadbeef"},
	{"%llX", 0xdeadbeefULL, "DEADBEEF"},
	{"%llo", ~0ULL, "1777777777777777777777"},
	{"%lu", 5, "5"},
	{"%zu", 5, "5"},
	{"%jd", -5ULL, "-5"},
	{"%td", -5ULL, "-5"},

	{"%+lld", 5, "+5"},
	{"%+lld", -5ULL, "-5"},
	{"% lld", 5, " 5"},
	{"%+ lld", 5, "+5"},
	{"%#llx", 0x1fULL, "0x1f"},
	{"%#llX", 0x1fULL, "0X1F"},
	{"%#llx", 0, "0"},
	{"%#llo", 8, "010"},
	{"%#llo", 0, "0"},
	{"%#.0llo", 0, "0"},
	{"%#.4llo", 8, "0010"},

	{"%5lld", 42, "   42"},
	{"%-5lld|", 42, "42   |"},
	{"%05lld", 42, "00042"},
	{"%05lld", -42ULL, "-0042"},
	{"%+05lld", 42, "+0042"},
	{"%1lld", 12345, "12345"},
	{"%#08llx", 0xabULL, "0x0000ab"},
	{"%#8llx", 0xabULL, "    0xab"},
	{"%-#8llx|", 0xabULL, "0xab    |"},
	{"%-05lld|", 42, "42   |"},

	{"%.3lld", 5, "005"},
	{"%.3lld", -5ULL, "-005"},
	{"%.0lld", 0, ""},
	{"%.lld", 0, ""},
	{"%.0lld", 7, "7"},
	{"%5.3lld", 5, "  005"},
	{"%-6.3lld|", 5, "005   |"},
	{"%08.3lld", 5, "     005"},
	{"%#.5llx", 0xabULL, "0x000ab"},
	{"%3.0lld", 0, "   "},
};

TEST(format, numbers_with_every_flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char got[64];
		int len = format(got, sizeof(got), numbers[i].fmt,
				 numbers[i].value);

		EXPECT_STREQ(got, numbers[i].want);
		EXPECT_EQ(len, strlen(numbers[i].want));
	}
}

/* What is wider than the length says is cut off, and then extended. */
TEST(format, lengths_cut_and_extend)
{
	EXPECT_FORMAT("-2147483648", "%d", S32_MIN);
	EXPECT_FORMAT("2147483648", "%u", 1U << 31);
	EXPECT_FORMAT("ffffffff", "%x", -1);
	EXPECT_FORMAT("-1", "%hd", (short)-1);
	EXPECT_FORMAT("65535", "%hu", (unsigned short)-1);
	EXPECT_FORMAT("-128", "%hhd", (signed char)-128);
	EXPECT_FORMAT("80", "%hhx", (unsigned char)128);
	EXPECT_FORMAT("-9223372036854775808", "%ld", (long)S64_MIN);
	EXPECT_FORMAT("-1 1 -2", "%d %lld %hhd", -1, 1LL, (signed char)-2);
}

TEST(format, text)
{
	char unterminated[3] = {'a', 'b', 'c'};

	EXPECT_FORMAT("", "%s", "");
	EXPECT_FORMAT("plain", "plain");
	EXPECT_FORMAT("<abc>", "<%s>", "abc");
	EXPECT_FORMAT("  abc", "%5s", "abc");
	EXPECT_FORMAT("abc  |", "%-5s|", "abc");
	EXPECT_FORMAT("ab", "%.2s", "abc");
	EXPECT_FORMAT("   ab", "%5.2s", "abc");
	EXPECT_FORMAT("abc", "%.3s", unterminated);
	EXPECT_FORMAT("x", "%c", 'x');
	EXPECT_FORMAT("  x", "%3c", 'x');
	EXPECT_FORMAT("x  |", "%-3c|", 'x');
	EXPECT_FORMAT("100%", "%d%%", 100);
	EXPECT_FORMAT("%", "%%");
}

TEST(format, stars_take_their_arguments)
{
	EXPECT_FORMAT("   42", "%*d", 5, 42);
	EXPECT_FORMAT("42   |", "%*d|", -5, 42);
	EXPECT_FORMAT("00042", "%.*d", 5, 42);
	/* A negative precision is none at all. */
	EXPECT_FORMAT("0", "%.*d", -5, 0);
	EXPECT_FORMAT("abc", "%.*s", -1, "abc");
	EXPECT_FORMAT("  ab", "%*.*s", 4, 2, "abc");
}

TEST(format, pointers_print_whole_addresses)
{
	phys_addr_t pa = 0x123456000ULL;

	EXPECT_FORMAT("0xffffffff81000000", "%p", (void *)0xffffffff81000000);
	EXPECT_FORMAT("0x0000000000000000", "%p", NULL);
	EXPECT_FORMAT("  0x0000000000001000", "%20p", (void *)0x1000);
	EXPECT_FORMAT("0x0000000123456000", "%pa", (void *)&pa);
	EXPECT_FORMAT("0x0000000000000001x", "%px", (void *)1);
}

static bool fake_symbol(char *buf, size_t size, unsigned long addr)
{
	if (addr != 0x1234)
		return false;
	return format(buf, size, "main+0x4/0x10") > 0;
}

/* The kernel's own hook, if there is one, is back in place at the end. */
TEST(format, symbols_come_from_the_hook)
{
	char unknown[] = "0x0000000000000009";
	format_symbol_fn *before = format_set_symbol_hook(fake_symbol);

	EXPECT_FORMAT("at main+0x4/0x10!", "at %pS!", (void *)0x1234);
	EXPECT_FORMAT("  main+0x4/0x10", "%15pS", (void *)0x1234);
	EXPECT_FORMAT(unknown, "%pS", (void *)9);
	format_set_symbol_hook(NULL);
	EXPECT_FORMAT("0x0000000000001234", "%pS", (void *)0x1234);
	format_set_symbol_hook(before);
}

/* At every size: the prefix that fits, terminated, and nothing beyond. */
TEST(format, truncation_never_writes_beyond)
{
	static const char want[] = "cpu 3: -0042 abc  |0xff";
	char buf[40];

	for (size_t size = 0; size <= sizeof(want) + 2; size++) {
		size_t kept = size < sizeof(want) ? size : sizeof(want);

		memset(buf, '#', sizeof(buf));
		EXPECT_EQ(format(buf, size, "cpu %u: %05d %-5s|%#x", 3, -42,
				 "abc", 0xff),
			  sizeof(want) - 1);
		if (size) {
			EXPECT(!memcmp(buf, want, kept - 1));
			EXPECT_EQ(buf[kept - 1], '\0');
		}
		for (size_t i = size; i < sizeof(buf); i++)
			EXPECT_EQ(buf[i], '#');
	}
	EXPECT_EQ(format(NULL, 0, "%s", "abc"), 3);
}

TEST(format, scn_forms_return_what_was_stored)
{
	char buf[8];
	size_t len = 0;

	EXPECT_EQ(scnprintf(buf, sizeof(buf), "%s", "abc"), 3);
	EXPECT_EQ(scnprintf(buf, sizeof(buf), "%s", "abcdefg"), 7);
	EXPECT_EQ(scnprintf(buf, sizeof(buf), "%s", "abcdefgh"), 7);
	EXPECT_EQ(scnprintf(buf, 1, "%s", "abc"), 0);
	EXPECT_EQ(scnprintf(NULL, 0, "%s", "abc"), 0);

	/* So appending stops at the end by itself. */
	for (int i = 0; i < 10; i++)
		len += scnprintf(buf + len, sizeof(buf) - len, "%d,", i);
	EXPECT_EQ(len, 7);
	EXPECT_STREQ(buf, "0,1,2,3");
}

/* Through a variable, for the compiler would refuse them. */
TEST(format, bad_directives_are_shown_not_obeyed)
{
	static const struct {
		const char *fmt, *want;
	} bad[] = {
		{"%q", "%q"},
		{"%5.3y!", "%5.3y!"},
		{"50%", "50%"},
		{"%-", "%-"},
		{"%ll", "%ll"},
		{"%f then %d", "%f then 7"},
		{"%n and %d", "%n and 7"},
	};
	char got[32];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		format(got, sizeof(got), bad[i].fmt, 7);
		EXPECT_STREQ(got, bad[i].want);
	}
}

/* Counted whole, cut at the buffer, and no wider than the limit.  Through a
 * variable again. */
TEST(format, a_wild_width_is_bounded)
{
	static const struct {
		const char *fmt;
		int field;
	} wild[] = {
		{"%*d", S32_MAX},
		{"%*d", S32_MIN},
		{"%.*d", S32_MAX},
		{"%999999999999d", 1},
	};
	char got[16];

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		EXPECT_EQ(
			format(got, sizeof(got), wild[i].fmt, wild[i].field, 1),
			4096);
		EXPECT_EQ(got[sizeof(got) - 1], '\0');
	}
}
