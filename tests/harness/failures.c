/* SPDX-License-Identifier: MIT */
/* failures.c - tests that fail as tests do, and must be seen to. */
#include <kernel/core/printk.h>
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

/* What looks like the framework's own mark must not hide what comes after. */
TEST(culprit, prints_what_looks_like_a_mark)
{
	pr_notice("test: started\n");
	EXPECT(!"seen");
}

TEST(culprit, fails_with_awkward_words)
{
	FAIL("%s", "\"ok 1 - quoted\" # SKIP\n    ok 1 - newline\n\x01\x7f\\");
}

/* A round fails, or not, by what it draws alone. */
TEST(rounds, draw)
{
	EXPECT_NE(test_random() % 4, 0);
}

/* As no C identifier could be called; registered by hand. */
static void fail(void)
{
	FAIL("whatever its name");
}

static const struct test odd = {
	.suite = "odd suite",
	.name = "ok 1 - \"n.a#m\\e\" # SKIP\n\x01",
	.file = __FILE__,
	.line = __LINE__,
	.seconds = TEST_SECONDS,
	.fn = fail,
};
TEST_REGISTER("tests", test, odd);

#define SIXTY "a_name_of_sixty_characters_which_goes_on_and_on_as_some_do__"
static const struct test unending = {
	.suite = "odd_suite",
	.name = SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY SIXTY,
	.file = __FILE__,
	.line = __LINE__,
	.seconds = TEST_SECONDS,
	.fn = fail,
};
TEST_REGISTER("tests", test, unending);

static const struct test nameless = {
	.suite = "",
	.name = "",
	.file = __FILE__,
	.line = __LINE__,
	.seconds = TEST_SECONDS,
	.fn = fail,
};
TEST_REGISTER("tests", test, nameless);
