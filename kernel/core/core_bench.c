/* SPDX-License-Identifier: MIT */
/* core_bench.c - what the words cost that every path is made of. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/rcu.h>
#include <kernel/core/smp.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/static_key.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <tests/bench.h>

#define COUNT 1000

BENCH(core, spinlock)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;

	bench_begin(b);
	for (int i = 0; i < COUNT; i++) {
		spin_lock(&lock);
		spin_unlock(&lock);
	}
	bench_end(b, "spinlock.pair", COUNT);

	bench_begin(b);
	for (int i = 0; i < COUNT; i++) {
		spin_lock_irqsave(&lock, flags);
		spin_unlock_irqrestore(&lock, flags);
	}
	bench_end(b, "spinlock.irqsave_pair", COUNT);
}

static DEFINE_SPINLOCK(contended);

/* 2 us inside, nothing outside: everybody always wants it. */
static int take_turns(void *unused)
{
	for (int i = 0; i < COUNT; i++) {
		spin_lock(&contended);
		ndelay(2000);
		spin_unlock(&contended);
	}
	return 0;
}

/*
 * With as many CPUs as the host has, and with more (in the shell of `make run
 * CPUS=8': bench core.*): what a turn costs must stay near what is done in it.
 */
BENCH_WHEN(core, spinlock_contended, BENCH_WALL, TEST_SECONDS)
{
	static struct task *tasks[NR_CPUS];
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(take_turns, NULL, "turns");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
	}
	bench_begin(b);
	for_each_online_cpu(cpu)
		wake_up_process(tasks[cpu]);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
	bench_end(b, "spinlock.contended.turn", COUNT * num_online_cpus());
}

BENCH(core, rcu_reader)
{
	bench_begin(b);
	for (int i = 0; i < COUNT; i++) {
		rcu_read_lock();
		rcu_read_unlock();
	}
	bench_end(b, "rcu.reader.pair", COUNT);
}

static void no_callback(struct rcu_head *head)
{
}

BENCH(core, rcu_callback)
{
	static struct rcu_head heads[COUNT];

	rcu_barrier();
	bench_begin(b);
	for (int i = 0; i < COUNT; i++)
		call_rcu(&heads[i], no_callback);
	bench_end(b, "rcu.call_rcu", COUNT);
	rcu_barrier();
}

BENCH_WHEN(core, rcu_grace_period, BENCH_WALL, TEST_SECONDS)
{
	bench_begin(b);
	for (int i = 0; i < 20; i++)
		synchronize_rcu();
	bench_end(b, "rcu.synchronize", 20);

	bench_begin(b);
	for (int i = 0; i < 20; i++)
		synchronize_rcu_expedited();
	bench_end(b, "rcu.synchronize_expedited", 20);
}

static DEFINE_STATIC_KEY_FALSE(bench_key);

/* With the loop's own two instructions. */
BENCH(core, static_key)
{
	bench_begin(b);
	for (int i = 0; i < COUNT; i++) {
		if (static_branch_unlikely(&bench_key))
			barrier();
		barrier();
	}
	bench_end(b, "static_key.off", COUNT);
}

static void nothing(void *unused)
{
}

BENCH_WHEN(core, smp_call, BENCH_WALL, TEST_SECONDS)
{
	bench_begin(b);
	for (int i = 0; i < 100; i++)
		on_each_cpu(nothing, NULL, true);
	bench_end(b, "smp.on_each_cpu", 100);
}
