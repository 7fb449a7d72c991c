/* SPDX-License-Identifier: MIT */
/*
 * undefined_test.c - each check of SANITIZE=undefined ends in a finding.
 *
 * Always compiled with the checks (Makefile): what is tested is that the
 * compiler's calls and kernel/core/undefined.c understand each other.
 */
#include <kernel/core/report.h>
#include <lib/compiler.h>
#include <tests/test.h>

/* Nothing here is known when compiling. */
static volatile int huge = 0x7fffffff, four = 4, far = 40, nothing;

TEST(undefined, shifts_are_checked)
{
	volatile int result;

	report_expect(REPORT_UNDEFINED);
	result = four << far;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);

	report_expect(REPORT_UNDEFINED);
	result = four >> -four;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);

	report_expect(REPORT_UNDEFINED);
	result = four << 20;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 0);
	EXPECT_EQ(result, 4 << 20);
}

/* What follows from it is as it would have been without the check. */
TEST(undefined, overflow_is_checked_and_wraps)
{
	volatile int result;

	report_expect(REPORT_UNDEFINED);
	result = huge + four;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
	EXPECT_EQ(result, -0x7ffffffd);

	report_expect(REPORT_UNDEFINED);
	result = -huge - four;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
	EXPECT_EQ(result, 0x7ffffffd);

	report_expect(REPORT_UNDEFINED);
	result = huge * four;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
	EXPECT_EQ(result, -4);

	report_expect(REPORT_UNDEFINED);
	result = -(-huge - 1);
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
}

TEST(undefined, indices_are_checked)
{
	static struct {
		volatile char five[5], more[3];
	} array, *volatile p = &array;

	report_expect(REPORT_UNDEFINED);
	p->five[four] = 1;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 0);

	report_expect(REPORT_UNDEFINED);
	p->five[four + 1] = 1;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
}

TEST(undefined, values_of_bool_are_checked)
{
	static volatile union {
		char byte;
		bool is;
	} two = {.byte = 2};
	volatile bool copy;

	report_expect(REPORT_UNDEFINED);
	copy = two.is;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
	(void)copy;
}

TEST(undefined, alignment_is_checked)
{
	static u64 words[2];
	u64 *volatile odd = (u64 *)((char *)words + 1);

	report_expect(REPORT_UNDEFINED);
	*odd = 1;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
}

TEST(undefined, members_of_nothing_are_checked)
{
	struct pair {
		int first, second;
	} *pair = (struct pair *)(long)nothing;
	int *volatile member;

	report_expect(REPORT_UNDEFINED);
	member = &pair->second;
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 1);
	(void)member;
}

/* A loop over a bad index is so many findings. */
TEST(undefined, each_time_counts)
{
	report_expect(REPORT_UNDEFINED);
	for (int i = 0; i < 2; i++)
		(void)(four << (far + i));
	EXPECT_EQ(report_expected(REPORT_UNDEFINED), 2);
}
