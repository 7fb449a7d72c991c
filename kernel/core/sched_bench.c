/* SPDX-License-Identifier: MIT */
/* sched_bench.c - what waiting for each other costs. */
#include <kernel/core/completion.h>
#include <kernel/core/mutex.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <tests/bench.h>

#define LOOPS 1000

BENCH(sched, preempt)
{
	bench_begin(b);
	for (int i = 0; i < LOOPS; i++) {
		preempt_disable();
		preempt_enable();
	}
	bench_end(b, "sched.preempt.pair", LOOPS);
}

BENCH(sched, mutex)
{
	static DEFINE_MUTEX(lock);

	bench_begin(b);
	for (int i = 0; i < LOOPS; i++) {
		mutex_lock(&lock);
		mutex_unlock(&lock);
	}
	bench_end(b, "sched.mutex.pair", LOOPS);
}

/* Bound to the CPU that the benchmark is pinned to. */
static struct task *start_here(int (*fn)(void *), void *arg)
{
	struct cpumask here = *cpumask_of(smp_processor_id());
	struct task *t = kthread_create(fn, arg, "bench");

	ASSERT(!IS_ERR(t));
	set_cpus_allowed(current, &here);
	kthread_bind(t, cpumask_first(&here));
	wake_up_process(t);
	return t;
}

static int yield_until_stopped(void *arg)
{
	while (!kthread_should_stop())
		yield();
	return 0;
}

/* Two tasks take turns: each loop is two switches. */
BENCH(sched, yield)
{
	struct task *t = start_here(yield_until_stopped, NULL);

	yield();
	bench_begin(b);
	for (int i = 0; i < LOOPS; i++)
		yield();
	bench_end(b, "sched.yield.two_switches", LOOPS);
	kthread_stop(t);
	set_cpus_allowed(current, cpu_online_mask);
}

struct pair {
	struct completion ping, pong;
};

static int answer(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < LOOPS; i++) {
		wait_for_completion(&p->ping);
		complete(&p->pong);
	}
	return 0;
}

/* Sleep and be woken, there and back, on one CPU. */
BENCH(sched, pingpong)
{
	struct pair p;
	struct task *t;

	init_completion(&p.ping);
	init_completion(&p.pong);
	t = start_here(answer, &p);
	bench_begin(b);
	for (int i = 0; i < LOOPS; i++) {
		complete(&p.ping);
		wait_for_completion(&p.pong);
	}
	bench_end(b, "sched.pingpong.round", LOOPS);
	task_join(t);
	set_cpus_allowed(current, cpu_online_mask);
}

static int nothing(void *arg)
{
	return 0;
}

BENCH(sched, task)
{
	bench_begin(b);
	for (int i = 0; i < 100; i++)
		task_join(task_run(nothing, NULL, "bench"));
	bench_end(b, "task.run_join", 100);
}

static void never(struct timer_list *t)
{
}

BENCH(sched, timer)
{
	struct timer_list t;

	timer_setup(&t, never, 0);
	bench_begin(b);
	for (int i = 0; i < LOOPS; i++) {
		mod_timer(&t, U64_MAX / 2 + i);
		del_timer(&t);
	}
	bench_end(b, "timer.mod_del.pair", LOOPS);
}
