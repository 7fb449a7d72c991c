/* SPDX-License-Identifier: MIT */
/* faults.c - what a failed allocation excuses, and what it does not. */
#include <mm/slab/slab.h>
#include <tests/test.h>

static void *kept;

static void *ask(void)
{
	return kmalloc(64, GFP_KERNEL);
}

TEST(faulty, ends_early_with_what_it_had)
{
	void *p = NULL;

	/* One of two fails; the other is never given back. */
	while (!p)
		p = ask();
	ASSERT(ask());
	FAIL("every second allocation was to fail");
}

TEST(faulty, comes_after_it)
{
	EXPECT_EQ(1 + 1, 2);
}

TEST(faulty, leaks_and_reaches_its_end)
{
	do
		kept = ask();
	while (!kept);
	EXPECT(ask());
}

TEST(faulty, says_that_it_tolerates_it)
{
	test_tolerates_faults();
	for (int i = 0; i < 2; i++) {
		void *p = ask();

		EXPECT(p);
		kfree(p);
	}
}

TEST(faulty, fails_without_a_fault)
{
	EXPECT_EQ(1 + 1, 3);
}

TEST(faulty, does_not_look)
{
	for (int i = 0; i < 2; i++) {
		int *p = ask();

		*(volatile int *)p = 1;
		kfree(p);
	}
}
