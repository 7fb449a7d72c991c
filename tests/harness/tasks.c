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
#include <stdlib.h>
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

/* Those after it must not meet it: they get another boot. */
TEST(culprit, leaves_a_task)
{
	left_behind = task_run(sleep_long, NULL, "left");
}

TEST(bystander, meets_nobody)
{
	EXPECT_EQ(left_behind, NULL);
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

static void assert_in_interrupt(struct timer_list *unused)
{
	ASSERT(!"an interrupt's assertion");
}

TEST(culprit, asserts_in_an_interrupt)
{
	struct timer_list t;

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

/* Whoever runs when it fires would be blamed. */
static struct timer_list forgotten;

static void complain(struct timer_list *unused)
{
	FAIL("long after the test that armed it");
}

TEST(culprit, leaves_a_timer)
{
	timer_setup(&forgotten, complain, 0);
	mod_timer(&forgotten, ktime_get_ns() + 3 * NSEC_PER_SEC);
}

/* What it expects afterwards it never comes to. */
TEST(culprit, exits_before_it_fails)
{
	exit(0);
	FAIL("exit() came back");
}

TEST(culprit, kills_its_own_task)
{
	task_kill(current);
	sleep_ns_killable(NSEC_PER_SEC);
	task_exit(0);
}
