/* SPDX-License-Identifier: MIT */
/* leaks.c - tests that take and do not give back, give too much, or break. */
#include <tests/test.h>

static long nr_things = 10, nr_promised;
static bool is_broken;

TEST_LEAK_COUNTER(things)
{
	return nr_things;
}

/* Gives back one of the promised things at a time. */
TEST_QUIESCE(things)
{
	if (nr_promised) {
		nr_promised--;
		nr_things--;
	}
}

/* Repairs what it finds, so that the next test is judged by itself. */
TEST_AUDIT(things)
{
	bool was_broken = is_broken;

	is_broken = false;
	ASSERT(!was_broken);
}

TEST(culprit, leaks)
{
	nr_things += 2;
}

TEST(culprit, frees_too_much)
{
	nr_things--;
}

TEST(culprit, breaks_the_books)
{
	is_broken = true;
}

/* Honest: it is given back, a little later. */
TEST(bystander, gives_back_late)
{
	nr_things += 3;
	nr_promised = 3;
}
