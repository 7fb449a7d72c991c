/* SPDX-License-Identifier: MIT */
/*
 * limit.c - a test that takes too long ends the run, and says where it stands.
 *
 * Problem.    A test that hangs may hold anything: a CPU with interrupts off,
 *             locks, the scheduler.  Nothing can take it out of a kernel that
 *             it is part of.
 * Idea.       So the kernel goes: a timer in interrupt context reports, prints
 *             where every task and every CPU stands, and panics; the runner
 *             boots again for the tests after this one.  One timer ticks on
 *             the first CPU and one on the last: a CPU that takes no interrupts
 *             any more is told on by the other.
 * Beyond.     With one CPU, or if printing hangs as well, the host notices, a
 *             few seconds later, and asks by NMI.
 */
#include <kernel/core/backtrace.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/timer.h>
#include <kernel/task/task.h>
#include <lib/format.h>
#include "framework_impl.h"

#define MAX_TASKS_SHOWN 30

static struct timer_list timers[2];
static unsigned int limit_seconds;

/* Those that the test made, or those that were there before it. */
static void print_sleeping_tasks(bool older)
{
	int nr = 0;
	struct task *t;

	rcu_read_lock();
	for_each_task(t) {
		if (older != (t->pid < test_body_pid()) ||
		    READ_ONCE(t->on_cpu) || nr++ >= MAX_TASKS_SHOWN)
			continue;
		pr_crit("task %s (pid %d), not running:\n", t->comm, t->pid);
		backtrace_print_task(t);
	}
	rcu_read_unlock();
}

static void time_is_over(struct timer_list *timer)
{
	static bool one_is_telling;
	char why[64];

	if (__atomic_exchange_n(&one_is_telling, true, __ATOMIC_ACQ_REL))
		return;
	scnprintf(why, sizeof(why), "still ran after its limit of %u s",
		  limit_seconds);
	tap_bail_out(why);
	print_sleeping_tasks(true);
	print_sleeping_tasks(false);
	panic("test %s %s", test_body_name(), why);
}

static unsigned int last_cpu(void)
{
	unsigned int cpu, last = 0;

	for_each_online_cpu(cpu)
		last = cpu;
	return last;
}

void test_limit_start(unsigned int seconds)
{
	u64 end = ktime_get_ns() + seconds * NSEC_PER_SEC;

	limit_seconds = seconds;
	for (int i = 0; i < 2; i++) {
		timer_setup(&timers[i], time_is_over,
			    TIMER_HARDIRQ | TIMER_UNCOUNTED);
		mod_timer_on(&timers[i], end, i ? last_cpu() : 0);
	}
}

void test_limit_stop(void)
{
	for (int i = 0; i < 2; i++)
		del_timer_sync(&timers[i]);
}
