/* SPDX-License-Identifier: MIT */
/*
 * sched_queue.c - one CPU's runqueue: who is on it, for how long, and how its
 * CPU is told to look.
 *
 * Invariant.  nr_running is the number of tasks with on_rq set whose cpu is this
 *             one, the current task among them and the idle task not.
 * Tick.       Asked for only while tasks wait: at the end of the current one's
 *             slice, or when it is time to balance.  Slices go by CPU time and
 *             outlast being preempted; otherwise a task that often wakes would
 *             keep the others' slices from ever ending.
 */
#include <arch/ipi.h>
#include <arch/upcalls.h>
#include <kernel/core/clock.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/timer.h>
#include "sched_impl.h"

DEFINE_PER_CPU_ALIGNED(struct rq, runqueues);

void rq_enqueue(struct rq *rq, struct task *t, enum queue_why why)
{
	/* A slice outlasts being preempted, but not sleeping or moving. */
	t->slice_start = t->sum_exec;
	if (task_is_rt(t))
		rt_enqueue(rq, t);
	else
		fair_enqueue(rq, t, why);
	rq->nr_running++;
	balance_note_load(rq);
}

void rq_dequeue(struct rq *rq, struct task *t, enum queue_why why)
{
	if (task_is_rt(t))
		rt_dequeue(rq, t);
	else
		fair_dequeue(rq, t, why);
	rq->nr_running--;
	balance_note_load(rq);
}

struct rq *task_rq_lock(struct task *t)
{
	assert_irqs_off();
	for (;;) {
		struct rq *rq = cpu_rq(task_cpu(t));

		spin_lock(&rq->lock);
		if (likely(rq->cpu == task_cpu(t) &&
			   READ_ONCE(t->on_rq) != TASK_ON_RQ_MIGRATING))
			return rq;
		spin_unlock(&rq->lock);
		cpu_relax();
	}
}

void detach_task(struct rq *rq, struct task *t)
{
	assert_held(&rq->lock);
	rq_dequeue(rq, t, QUEUE_MOVE);
	WRITE_ONCE(t->on_rq, TASK_ON_RQ_MIGRATING);
}

void attach_task(struct task *t, unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	assert_irqs_off();
	spin_lock(&rq->lock);
	WRITE_ONCE(t->cpu, cpu);
	t->nr_migrations++;
	rq_update_curr(rq);
	rq_enqueue(rq, t, QUEUE_MOVE);
	/* Pairs with the load in task_rq_lock(): cpu before on_rq. */
	smp_store_release(&t->on_rq, TASK_ON_RQ_QUEUED);
	rq_check_preempt(rq, t);
	spin_unlock(&rq->lock);
}

/* -- Time -------------------------------------------------------------------- */

void rq_update_curr(struct rq *rq)
{
	struct task *curr = rq->curr;
	u64 now = ktime_get_ns();
	u64 ran = now - curr->exec_start;

	curr->exec_start = now;
	WRITE_ONCE(curr->sum_exec, curr->sum_exec + ran);
	if (!task_is_idle(curr) && !task_is_rt(curr))
		fair_charge(rq, curr, ran);
}

static u64 task_slice(struct rq *rq, struct task *t)
{
	if (!task_is_rt(t))
		return fair_slice(rq, t);
	if (t->policy == SCHED_RR && !rt_alone_at_level(rq, t))
		return RR_SLICE_NS;
	return S64_MAX;
}

/* Time is up to date. */
void rq_arm_tick(struct rq *rq)
{
	struct task *curr = rq->curr;
	u64 used, slice, slice_end;

	if (rq->nr_running < 2 || task_is_idle(curr)) {
		timer_set_tick(U64_MAX);
		return;
	}
	used = curr->sum_exec - curr->slice_start;
	slice = task_slice(rq, curr);
	slice_end = curr->exec_start + (used < slice ? slice - used : 0);
	timer_set_tick(min(slice_end, rq->next_balance));
}

void sched_tick(void)
{
	struct rq *rq = this_rq();
	struct task *curr, *moving;
	unsigned int dst;

	spin_lock(&rq->lock);
	rq->nr_ticks++;
	rq_update_curr(rq);
	curr = rq->curr;
	if (rq->nr_running > 1 && !task_is_idle(curr) &&
	    curr->sum_exec - curr->slice_start >= task_slice(rq, curr)) {
		if (task_is_rt(curr))
			rt_rotate(rq, curr);
		curr->slice_start = curr->sum_exec;
		set_need_resched();
	}
	moving = balance_tick(rq, curr->exec_start, &dst);
	rq_arm_tick(rq);
	spin_unlock(&rq->lock);

	if (moving)
		attach_task(moving, dst);
	rcu_tick();
	if (unlikely(printk_pending()))
		printk_flush();
}

/* -- Making a CPU look ------------------------------------------------------- */

void resched_cpu(unsigned int cpu)
{
	unsigned int this = get_cpu();

	if (cpu == this)
		set_need_resched();
	else
		arch_send_reschedule(cpu);
	put_cpu();
}

void rq_resched(struct rq *rq)
{
	assert_held(&rq->lock);
	if (rq->cpu == smp_processor_id()) {
		set_need_resched();
	} else if (!rq->resched_sent) {
		rq->resched_sent = true;
		arch_send_reschedule(rq->cpu);
	}
}

/* Upcall. */
void resched_interrupt(void)
{
	this_rq()->self_sent = false;
	set_need_resched();
	timers_kick();
}

/* @t was just queued: should it run now, or at least end a lonely slice? */
void rq_check_preempt(struct rq *rq, struct task *t)
{
	struct task *curr = rq->curr;
	bool preempt;

	if (t == curr)
		return;
	if (task_is_idle(curr))
		preempt = true;
	else if (task_is_rt(t) || task_is_rt(curr))
		preempt = t->rt_prio > curr->rt_prio;
	else
		preempt = fair_preempts(rq, t, curr);

	if (preempt || (rq->nr_running == 2 && rq != this_rq()))
		rq_resched(rq);
	else if (rq->nr_running == 2)
		rq_arm_tick(rq);
}
