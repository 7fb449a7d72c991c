/* SPDX-License-Identifier: MIT */
/* glob_test.c - what each pattern matches and what it does not. */
#include <lib/compiler.h>
#include <lib/glob.h>
#include <tests/test.h>

static const struct {
	const char *pattern, *text;
	bool match;
} cases[] = {
	{"", "", true},
	{"", "a", false},
	{"a", "", false},
	{"abc", "abc", true},
	{"abc", "abd", false},
	{"abc", "abcd", false},
	{"?", "a", true},
	{"?", "", false},
	{"a?c", "abc", true},

	{"*", "", true},
	{"*", "anything.at/all", true},
	{"**", "x", true},
	{"a*", "a", true},
	{"*a", "bca", true},
	{"*a", "bcab", false},
	{"a*c", "abbbc", true},
	{"a*b*c", "axbxbxc", true},
	{"*ab", "aab", true},
	{"*aab*", "aaaaab", true},
	{"slab.*", "slab.64.hot_pair", true},
	{"slab.*", "slabs.64", false},
	{"*.*.hot*", "slab.64.hot_pair", true},

	{"[abc]", "b", true},
	{"[abc]", "d", false},
	{"[a-c]x", "bx", true},
	{"[!a-c]", "d", true},
	{"[!a-c]", "b", false},
	{"[^a-c]", "b", false},
	{"[]]", "]", true},
	{"[!]]", "]", false},
	{"[a-]", "-", true},
	{"[a-]", "b", false},
	{"x[0-9][0-9]", "x42", true},
	{"*[0-9]", "cpu7", true},
	{"[\x80-\xff]", "\xc3", true},

	{"[abc", "[abc", true},
	{"[abc", "a", false},
	{"a[", "a[", true},
	{"\\*", "*", true},
	{"\\*", "a", false},
	{"\\[a]", "[a]", true},
	{"a\\", "a\\", true},
};

TEST(glob, patterns)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (glob_match(cases[i].pattern, cases[i].text) !=
		    cases[i].match)
			FAIL("\"%s\" on \"%s\"", cases[i].pattern,
			     cases[i].text);
}

/* A matcher that tries every star again needs years for this. */
TEST(glob, many_stars_take_no_exponential_time)
{
	char text[201];

	for (int i = 0; i < 200; i++)
		text[i] = 'a';
	text[200] = '\0';
	EXPECT(!glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
	EXPECT(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", text));
}
