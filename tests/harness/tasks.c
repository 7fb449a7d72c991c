/* SPDX-License-Identifier: MIT */
/* tasks.c - misdeeds that take more than one task, or leave a CPU unusable. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/panic.h>
#include <kernel/core/preempt.h>
#include <kernel/core/report.h>
#include <kernel/core/timer.h>
#include <kernel/task/task.h>
#include <tests/test.h>

static int expect_in_vain(void *unused)
{
	EXPECT(!"the other task's expectation");
	return 7;
}

TEST(culprit, fails_in_another_task)
{
	struct task *t = task_run(expect_in_vain, NULL, "other");

	EXPECT_EQ(task_join(t), 7);
}

static int assert_in_vain(void *unused)
{
	ASSERT(!"the other task's assertion");
	FAIL("an assertion let the task go on");
	return 7;
}

/* It ends that task; this one goes on. */
TEST(culprit, asserts_in_another_task)
{
	struct task *t = task_run(assert_in_vain, NULL, "other");

	EXPECT_NE(task_join(t), 7);
	FAIL("and here it goes on");
}

static int sleep_long(void *unused)
{
	while (!kill_pending())
		sleep_ns_killable(3600 * NSEC_PER_SEC);
	return 0;
}

static struct task *left_behind;

/* Joined by the bystander, so that later tests start clean. */
TEST(culprit, leaves_a_task)
{
	left_behind = task_run(sleep_long, NULL, "left");
}

TEST(framework_after, ends_what_was_left)
{
	if (!left_behind)
		SKIP("nothing was left");
	task_kill(left_behind);
	task_join(left_behind);
}

TEST_T(culprit, waits_for_ever, 1)
{
	struct completion never;

	init_completion(&never);
	wait_for_completion(&never);
}

TEST(culprit, ends_with_irqs_off)
{
	local_irq_disable();
}

TEST(culprit, ends_with_preemption_off)
{
	preempt_disable();
}

static void assert_in_interrupt(struct timer *unused)
{
	ASSERT(!"an interrupt's assertion");
}

TEST(culprit, asserts_in_an_interrupt)
{
	struct timer t;

	timer_setup(&t, assert_in_interrupt, TIMER_HARDIRQ);
	mod_timer(&t, ktime_get_ns());
	msleep(100);
	del_timer_sync(&t);
}

TEST(culprit, warns)
{
	WARN_ON(left_behind == NULL);
}

TEST(culprit, expects_a_report_for_ever)
{
	report_expect(REPORT_WARN);
}

TEST(culprit, panics)
{
	panic("on purpose: %d", 42);
}
