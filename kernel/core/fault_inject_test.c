/* SPDX-License-Identifier: MIT */
/* fault_inject_test.c - what is to fail fails, and nothing else. */
#include <kernel/core/fault_inject.h>
#include <tests/test.h>

static struct fault_attr fail_test = {.key = STATIC_KEY_FALSE_INIT,
				      .name = "fail_test"};

static noinline bool ask(void)
{
	return should_fail(&fail_test);
}

TEST(fault_inject, the_nth_call_fails_once)
{
	EXPECT(!ask());
	fault_fail_nth(&fail_test, 3);
	for (int i = 1; i <= 6; i++)
		EXPECT_EQ(ask(), i == 3);
	EXPECT_EQ(fault_off(&fail_test), 1);
	EXPECT(!ask());
}

TEST(fault_inject, from_the_nth_on_all_fail)
{
	fault_fail_from(&fail_test, 3);
	for (int i = 1; i <= 6; i++)
		EXPECT_EQ(ask(), i >= 3);
	EXPECT_EQ(fault_off(&fail_test), 4);
}

TEST(fault_inject, random_is_as_often_as_asked_and_repeats)
{
	u64 seed = test_seed();
	bool first[64];

	fault_fail_randomly(&fail_test, 100000, seed);
	for (int i = 0; i < 64; i++)
		first[i] = ask();
	for (int i = 64; i < 10000; i++)
		ask();
	EXPECT_LE(fault_off(&fail_test), 1200);
	fault_fail_randomly(&fail_test, 100000, seed);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(ask(), first[i]);
	for (int i = 64; i < 10000; i++)
		ask();
	EXPECT_GE(fault_off(&fail_test), 800);
}

/* --- sweeps ---------------------------------------------------------------- */

static noinline bool three_steps(void)
{
	if (ask())
		return false;
	if (ask())
		return false;
	return !ask();
}

TEST(fault_inject, a_sweep_fails_each_call_and_ends)
{
	unsigned long n, done = 0;

	FAULT_SWEEP(&fail_test, n) {
		bool ok = three_steps();

		EXPECT_EQ(ok, !fault_fired(&fail_test));
		done += ok;
	}
	EXPECT_GE(n, 4);
	EXPECT_EQ(done, 1);
	EXPECT(!ask());
}

/* A step whose result is kept, and two that are taken each time. */
static noinline bool kept_and_taken(bool *have_first, unsigned int *failed)
{
	if (!*have_first && ask()) {
		*failed |= 1;
		return false;
	}
	*have_first = true;
	if (ask()) {
		*failed |= 2;
		return false;
	}
	if (ask()) {
		*failed |= 4;
		return false;
	}
	return true;
}

/* What is made once and kept must not hide what comes after it. */
TEST(fault_inject, a_sweep_misses_nothing_when_calls_grow_fewer)
{
	bool have_first = false;
	unsigned int failed = 0;
	unsigned long n;

	FAULT_SWEEP(&fail_test, n)
		kept_and_taken(&have_first, &failed);
	EXPECT_EQ(failed, 7);
}
