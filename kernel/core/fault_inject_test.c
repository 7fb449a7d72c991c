/* SPDX-License-Identifier: MIT */
/* fault_inject_test.c - what is to fail fails, and nothing else. */
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/preempt.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
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

/* --- whose calls ----------------------------------------------------------- */

static int ask_in_a_task(void *unused)
{
	return ask();
}

TEST(fault_inject, other_tasks_calls_neither_fail_nor_count)
{
	struct task *t;

	fault_fail_from(&fail_test, 2);
	EXPECT(!ask());
	for (int i = 0; i < 3; i++) {
		t = kthread_run(ask_in_a_task, NULL, "asks");
		ASSERT(!IS_ERR(t));
		EXPECT_EQ(task_join(t), 0);
	}
	EXPECT(ask());
	EXPECT_EQ(fault_off(&fail_test), 1);
}

struct asking_timer {
	struct timer_list timer;
	bool fired, failed;
};

static void ask_in_an_interrupt(struct timer_list *t)
{
	struct asking_timer *a = from_timer(a, t, timer);

	a->failed = ask();
	smp_store_release(&a->fired, true);
}

/* What interrupts the task is not the task, though `current` is. */
TEST(fault_inject, an_interrupt_on_top_of_the_task_does_not_fail)
{
	static const unsigned int kinds[] = {0, TIMER_HARDIRQ};

	for (int i = 0; i < 2; i++) {
		struct asking_timer a = {};

		timer_setup(&a.timer, ask_in_an_interrupt, kinds[i]);
		fault_fail_from(&fail_test, 1);
		preempt_disable();
		mod_timer(&a.timer, 0);
		while (!smp_load_acquire(&a.fired))
			cpu_relax();
		preempt_enable();
		del_timer_sync(&a.timer);
		EXPECT(!a.failed);
		EXPECT(ask());
		EXPECT_EQ(fault_off(&fail_test), 1);
	}
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
