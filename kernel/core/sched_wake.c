/* SPDX-License-Identifier: MIT */
/*
 * sched_wake.c - make a sleeping task run.
 *
 * What the task may be doing meanwhile, and why no wakeup is lost, is told at the
 * top of sched.c.
 *
 * wake_lock makes one waker at a time; it is held until the task is queued, so
 * nobody else moves a task that is not on a runqueue.
 */
#include <kernel/core/panic.h>
#include "sched_impl.h"

/* wake_lock held.  True if @t was still on its runqueue: it just goes on. */
static bool wake_queued(struct task *t)
{
	struct rq *rq;
	bool queued;

	/* Pairs with the release in settle_prev(). */
	if (!smp_load_acquire(&t->on_rq))
		return false;
	rq = task_rq_lock(t);
	queued = t->on_rq;
	if (queued)
		WRITE_ONCE(t->state, TASK_RUNNING);
	rq_unlock(rq);
	return queued;
}

static void wake_sleeping(struct task *t, bool is_new)
{
	unsigned int cpu;
	struct rq *rq;

	/* Until its last CPU has left its stack; pairs with finish_switch(). */
	while (smp_load_acquire(&t->on_cpu))
		cpu_relax();

	WRITE_ONCE(t->state, TASK_WAKING);
	cpu = select_cpu(t, is_new);
	rq = cpu_rq(cpu);
	spin_lock(&rq->lock);
	if (cpu != t->cpu) {
		t->nr_migrations += !is_new;
		WRITE_ONCE(t->cpu, cpu);
	}
	rq_update_curr(rq);
	rq_enqueue(rq, t, is_new ? QUEUE_MOVE : QUEUE_SLEEP);
	/* Pairs with the acquire in wake_queued(). */
	smp_store_release(&t->on_rq, TASK_ON_RQ_QUEUED);
	WRITE_ONCE(t->state, TASK_RUNNING);
	rq_check_preempt(rq, t);
	spin_unlock(&rq->lock);
}

static bool try_to_wake_up(struct task *t, unsigned int mask)
{
	unsigned long flags;
	unsigned int state;

	/*
	 * The lock is a full barrier on x86: the waker's stores come before
	 * this load of the state.  Pairs with set_current_state() and with
	 * __schedule().
	 */
	spin_lock_irqsave(&t->wake_lock, flags);
	state = READ_ONCE(t->state) & mask;
	if (state && !wake_queued(t))
		wake_sleeping(t, state == TASK_NEW);
	spin_unlock_irqrestore(&t->wake_lock, flags);
	return state;
}

bool wake_up_state(struct task *t, unsigned int mask)
{
	return try_to_wake_up(t, mask);
}

bool wake_up_process(struct task *t)
{
	return try_to_wake_up(t, TASK_NORMAL | TASK_NEW);
}

void wake_up_new_task(struct task *t)
{
	BUG_ON(!try_to_wake_up(t, TASK_NEW));
}
