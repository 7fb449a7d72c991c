/* SPDX-License-Identifier: MIT */
/* failures.c - tests that fail as tests do, and must be seen to. */
#include <tests/test.h>

TEST(culprit, expects_in_vain)
{
	int apples = 3;

	EXPECT_EQ(apples, 4);
	EXPECT_STREQ("pear", "quince");
}

static bool went_on;

TEST(culprit, asserts_in_vain)
{
	went_on = false;
	ASSERT_LT(2, 1);
	went_on = true;
	FAIL("an assertion let the test go on");
}

#define LONG_STORY (once_upon_a_time == 1)

/* What is reported is what was written, not what the preprocessor made of it. */
TEST(culprit, expects_a_macro_in_vain)
{
	int once_upon_a_time = 2;

	EXPECT_EQ(LONG_STORY, true);
	ASSERT(LONG_STORY);
}

TEST(culprit, fails_then_skips)
{
	EXPECT(false);
	SKIP("a skip must not hide a failure");
}

TEST(culprit, fails_a_hundred_times)
{
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(i, -1);
}

TEST(culprit, fails_with_awkward_words)
{
	FAIL("%s", "\"ok 1 - quoted\" # SKIP\n    ok 1 - newline\n\x01\x7f\\");
}
