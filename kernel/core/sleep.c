/* SPDX-License-Identifier: MIT */
/*
 * sleep.c - sleep for a time.
 *
 * The timer lives on the sleeper's stack and fires in the interrupt: its only
 * work is one wakeup.
 */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/timer.h>
#include <kernel/core/sched.h>

struct sleeper {
	struct timer_list timer;
	struct task *task;
};

static void sleeper_wake(struct timer_list *t)
{
	struct sleeper *s = from_timer(s, t, timer);

	wake_up_process(s->task);
}

/* Until the deadline or a wakeup; the state is set before. */
static void sleep_until(u64 deadline)
{
	struct sleeper s = {.task = current};

	timer_setup(&s.timer, sleeper_wake, TIMER_HARDIRQ | TIMER_UNCOUNTED);
	mod_timer(&s.timer, deadline);
	schedule();
	del_timer_sync(&s.timer);
}

s64 schedule_timeout(s64 ns)
{
	u64 deadline = ktime_get_ns() + ns;

	if (ns == MAX_SCHEDULE_TIMEOUT) {
		schedule();
		return ns;
	}
	if (ns <= 0) {
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	sleep_until(deadline);
	return max((s64)(deadline - ktime_get_ns()), (s64)0);
}

static u64 deadline_in(u64 ns)
{
	return ktime_get_ns() + min(ns, (u64)S64_MAX);
}

void sleep_ns(u64 ns)
{
	u64 deadline = deadline_in(ns);

	might_sleep();
	while (ktime_get_ns() < deadline) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		sleep_until(deadline);
	}
}

void msleep(u64 ms)
{
	sleep_ns(ms * NSEC_PER_MSEC);
}

int sleep_ns_killable(u64 ns)
{
	u64 deadline = deadline_in(ns);

	might_sleep();
	while (ktime_get_ns() < deadline) {
		if (kill_pending())
			return -EINTR;
		set_current_state(TASK_KILLABLE);
		sleep_until(deadline);
	}
	return 0;
}
