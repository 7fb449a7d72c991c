/* SPDX-License-Identifier: MIT */
/*
 * framework_test.c - the framework's own parts, where it can test itself.
 *
 * What it does about tests that misbehave is tested from outside, by
 * tools/harness-selftest.
 */
#include <string.h>
#include "framework_impl.h"

/* The reference vector of SipHash's authors: key and text count from 0. */
TEST(framework, seal_is_siphash_2_4)
{
	struct seal_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	unsigned char text[15];

	for (int i = 0; i < 15; i++)
		text[i] = i;
	EXPECT_EQ(seal_compute(&key, text, 15), 0xa129ca6149be45e5);
}

/* Evaluated once, whatever the type; compared as numbers, not as C would. */
TEST(framework, compares_as_numbers)
{
	struct {
		unsigned int bits : 3;
	} s = {.bits = 5};
	unsigned int u = 1;
	int i = 0;

	EXPECT_LT(-1, u);
	EXPECT_GT(u, -1);
	EXPECT_EQ(s.bits, 5);
	EXPECT_EQ(i++, 0);
	EXPECT_EQ(i, 1);
	EXPECT_EQ(&s, (void *)&s);
	EXPECT_NE(&u, NULL);
	EXPECT_LE(~0ul - 1, ~0ul);
	EXPECT_GE(~0ul, 0);
	EXPECT_STREQ("a", "a");
}

TEST(framework, random_repeats_with_the_seed)
{
	u64 seed = test_seed(), first = test_random(), second = test_random();

	EXPECT_EQ(test_seed(), seed);
	EXPECT_NE(first, second);
	for (int i = 0; i < 100; i++)
		EXPECT_LT(test_random_below(7), 7);
}

TEST(framework, text_stops_when_full)
{
	char buf[8];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_add(&t, "%s", "12345");
	text_add(&t, "%s", "67890");
	EXPECT_STREQ(buf, "1234567");
	text_add(&t, "x");
	EXPECT_EQ(t.len, 7);
	EXPECT_STREQ(buf, "1234567");
}

TEST(framework, quotes_keep_a_line_a_line)
{
	char buf[64];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	text_add_quoted(&t, "a\"b\\c\nok 1");
	EXPECT_STREQ(buf, "\"a\\\"b\\\\c\\x0aok 1\"");
}
