/* SPDX-License-Identifier: MIT */
/* sched_test.h - tasks to test the scheduler with. */
#pragma once
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <tests/test.h>
#include "sched_impl.h"

#define MS NSEC_PER_MSEC

/*
 * A host that takes its CPU away for a while makes that time look like one
 * task's.  That does not happen each time; an unfair scheduler does.
 */
#define TRIES 20

static inline void spin_for(u64 ns)
{
	u64 end = ktime_get_ns() + ns;

	while (ktime_get_ns() < end)
		cpu_relax();
}

/* The nth online CPU, round and round. */
static inline unsigned int nth_cpu(unsigned int n)
{
	return cpumask_nth(n % num_online_cpus(), cpu_online_mask);
}

/* Stay on one CPU for the rest of the test. */
static inline unsigned int pin_here(void)
{
	unsigned int cpu = nth_cpu(test_random_below(num_online_cpus()));
	struct cpumask mask = *cpumask_of(cpu);

	EXPECT_EQ(set_cpus_allowed(current, &mask), 0);
	EXPECT_EQ(smp_processor_id(), cpu);
	return cpu;
}

static inline void unpin(void)
{
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

static inline struct task *make(int (*fn)(void *), void *arg)
{
	struct task *t = kthread_create(fn, arg, "test");

	ASSERT(!IS_ERR(t));
	return t;
}

static inline struct task *make_on(int (*fn)(void *), void *arg,
				   unsigned int cpu)
{
	struct task *t = make(fn, arg);

	kthread_bind(t, cpu);
	return t;
}

/* Notes where it ran, and as the how many-th of those with the same count. */
struct mark {
	atomic_t *count;
	int order;
	unsigned int cpu;
	bool ran;
};

static inline int leave_mark(void *arg)
{
	struct mark *m = arg;

	if (m->count)
		m->order = atomic_inc_return(m->count);
	m->cpu = smp_processor_id();
	WRITE_ONCE(m->ran, true);
	return 0;
}

/* Counts as long as it may. */
struct spinner {
	struct task *task;
	u64 count;
	bool stop;
	unsigned int cpu;
};

static inline int spin_and_count(void *arg)
{
	struct spinner *s = arg;

	while (!READ_ONCE(s->stop)) {
		WRITE_ONCE(s->count, s->count + 1);
		WRITE_ONCE(s->cpu, smp_processor_id());
		cpu_relax();
	}
	return 0;
}

static inline void stop_spinner(struct spinner *s)
{
	WRITE_ONCE(s->stop, true);
	task_join(s->task);
}
