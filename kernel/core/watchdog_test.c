/* SPDX-License-Identifier: MIT */
/* watchdog_test.c - the stuck are found, the busy and the idle left alone. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/report.h>
#include <kernel/core/watchdog.h>
#include <kernel/task/kthread.h>
#include <tests/test.h>

#define MS	 NSEC_PER_MSEC
#define LIMIT_MS 100

static void spin_for(u64 ns)
{
	u64 end = ktime_get_ns() + ns;

	while (ktime_get_ns() < end)
		cpu_relax();
}

static int stuck_with_irqs_off(void *unused)
{
	local_irq_disable();
	spin_for(5 * LIMIT_MS * MS);
	local_irq_enable();
	return 0;
}

static int stuck_with_preemption_off(void *unused)
{
	preempt_disable();
	spin_for(5 * LIMIT_MS * MS);
	preempt_enable();
	return 0;
}

static int busy_but_preemptible(void *unused)
{
	spin_for(5 * LIMIT_MS * MS);
	return 0;
}

/* Whoever interrupts it finds it not preemptible; and still it is, often. */
static int busy_in_short_sections(void *unused)
{
	u64 end = ktime_get_ns() + 5 * LIMIT_MS * MS;

	while (ktime_get_ns() < end) {
		preempt_disable();
		spin_for(MS);
		preempt_enable();
	}
	return 0;
}

struct found {
	unsigned long hard, soft;
};

/* What the watchdog finds while @fn runs on the last CPU. */
static struct found watch(int (*fn)(void *))
{
	unsigned int cpu = cpumask_nth(num_online_cpus() - 1, cpu_online_mask);
	unsigned long old = watchdog_set_ms(LIMIT_MS);
	struct task *t = kthread_create(fn, NULL, "stuck");
	struct found found;

	ASSERT(!IS_ERR(t));
	kthread_bind(t, cpu);
	report_expect(REPORT_HARD_LOCKUP);
	report_expect(REPORT_SOFT_LOCKUP);
	wake_up_process(t);
	sleep_ns(6 * LIMIT_MS * MS);
	kthread_stop(t);
	watchdog_set_ms(old);
	found.hard = report_expected(REPORT_HARD_LOCKUP);
	found.soft = report_expected(REPORT_SOFT_LOCKUP);
	return found;
}

/* A loaded host may keep a virtual CPU from running for as long as the limit is
 * here, which looks like being stuck: whom nothing is wrong with has more than
 * one try to show it. */
static struct found watch_thrice(int (*fn)(void *))
{
	struct found found, least = watch(fn);

	for (int i = 0; i < 2 && (least.hard || least.soft); i++) {
		found = watch(fn);
		if (found.hard + found.soft < least.hard + least.soft)
			least = found;
	}
	return least;
}

/* Nor does a watcher look that such a host keeps from running. */
static struct found watch_until_found(int (*fn)(void *))
{
	struct found found = watch(fn);

	for (int i = 0; i < 4 && !(found.hard || found.soft); i++)
		found = watch(fn);
	return found;
}

TEST(watchdog, cpu_with_interrupts_off_is_found)
{
	struct found found;

	if (num_online_cpus() < 2)
		SKIP("one CPU cannot notice that its interrupts are off");
	found = watch_until_found(stuck_with_irqs_off);
	EXPECT_GE(found.hard, 1);
}

TEST(watchdog, cpu_that_does_not_switch_is_found)
{
	struct found found = watch_until_found(stuck_with_preemption_off);

	EXPECT_GE(found.soft, 1);
}

TEST(watchdog, computing_task_is_left_alone)
{
	struct found found = watch_thrice(busy_but_preemptible);

	EXPECT_EQ(found.hard, 0);
	EXPECT_EQ(found.soft, 0);
}

TEST(watchdog, task_with_short_sections_is_left_alone)
{
	struct found found = watch_thrice(busy_in_short_sections);

	EXPECT_EQ(found.hard, 0);
	EXPECT_EQ(found.soft, 0);
}

/* When everybody sleeps, the watchers do. */
TEST(watchdog, idle_machine_is_not_watched)
{
	unsigned long old = watchdog_set_ms(LIMIT_MS), before, rounds;

	before = watchdog_nr_rounds();
	sleep_ns(10 * LIMIT_MS * MS);
	rounds = watchdog_nr_rounds() - before;
	watchdog_set_ms(old);
	/* Awake, two watchers would have gone 80 rounds. */
	EXPECT_LT(rounds, 30);
}
