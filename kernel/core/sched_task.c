/* SPDX-License-Identifier: MIT */
/* sched_task.c - a task as the scheduler sees it: its start, its figures. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include "sched_impl.h"

void sched_task_init(struct task *t)
{
	spin_lock_init(&t->wake_lock);
	refcount_set(&t->refs, 1);
	INIT_LIST_HEAD(&t->rt_node);
	t->state = TASK_NEW;
	t->cpu = smp_processor_id();
	t->policy = SCHED_NORMAL;
	cpumask_setall(&t->cpus_allowed);
	fair_init_task(t);
}

void put_task(struct task *t)
{
	if (refcount_dec_and_test(&t->refs))
		t->release(t);
}

u64 task_cpu_time(struct task *t)
{
	unsigned long flags;
	struct rq *rq;
	u64 ns;

	local_irq_save(flags);
	rq = task_rq_lock(t);
	ns = t->sum_exec;
	if (rq->curr == t)
		ns += ktime_get_ns() - t->exec_start;
	rq_unlock(rq);
	local_irq_restore(flags);
	return ns;
}

void sched_cpu_stats(unsigned int cpu, struct sched_cpu_stats *st)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long flags;

	spin_lock_irqsave(&rq->lock, flags);
	st->curr = rq->curr;
	st->nr_running = rq->nr_running;
	st->nr_switches = rq->nr_switches;
	st->at = ktime_get_ns();
	st->idle_ns = rq->idle->sum_exec;
	if (rq->curr == rq->idle)
		st->idle_ns += st->at - rq->idle->exec_start;
	st->nr_pulled = rq->nr_pulled;
	st->nr_pushed = rq->nr_pushed;
	st->nr_ticks = rq->nr_ticks;
	spin_unlock_irqrestore(&rq->lock, flags);
}

bool cpu_is_idle(unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	return READ_ONCE(rq->curr) == rq->idle && !READ_ONCE(rq->nr_running);
}
