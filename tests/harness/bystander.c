/* SPDX-License-Identifier: MIT */
/* bystander.c - honest tests on both sides of a culprit: they must pass. */
#include <tests/test.h>

TEST(bystander, passes)
{
	EXPECT_EQ(1 + 1, 2);
}

TEST(bystander, passes_too)
{
	EXPECT_NE(test_random(), test_random());
}

TEST(bystander, is_skipped)
{
	SKIP("on purpose");
}
