/* SPDX-License-Identifier: MIT */
/*
 * sched_params.c - change where a task may run, and how urgently.
 *
 * A queued task is taken off its runqueue, changed and put back, so that the
 * queue's sums stay right.  A task that runs on a CPU it may no longer use is
 * moved when it is next switched out (settle_prev() in sched.c); its CPU is told
 * to do so at once, and set_cpus_allowed() waits for it.
 *
 * Locks: affinity_mutex, then wake_lock, then rq->lock.
 */
#include <errno.h>
#include <kernel/core/completion.h>
#include <kernel/core/mutex.h>
#include "sched_impl.h"

/* One change at a time: there is one task->moved. */
static DEFINE_MUTEX(affinity_mutex);

static struct rq *lock_task(struct task *t, unsigned long *flags)
{
	spin_lock_irqsave(&t->wake_lock, *flags);
	return task_rq_lock(t);
}

static void unlock_task(struct rq *rq, struct task *t, unsigned long flags)
{
	rq_unlock(rq);
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

/* -- Affinity ---------------------------------------------------------------- */

int set_cpus_allowed(struct task *t, const struct cpumask *mask)
{
	DECLARE_COMPLETION_ONSTACK(moved);
	bool wait = false;
	unsigned long flags;
	struct rq *rq;

	might_sleep();
	if (!cpumask_intersects(mask, cpu_online_mask))
		return -EINVAL;

	mutex_lock(&affinity_mutex);
	rq = lock_task(t, &flags);
	t->cpus_allowed = *mask;
	if (t->on_rq && !task_allowed_on(t, rq->cpu)) {
		if (rq->curr == t) {
			t->moved = &moved;
			wait = true;
			rq_resched(rq);
			unlock_task(rq, t, flags);
		} else {
			detach_task(rq, t);
			rq_unlock(rq);
			attach_task(t, select_cpu(t, false));
			spin_unlock_irqrestore(&t->wake_lock, flags);
		}
	} else {
		unlock_task(rq, t, flags);
	}
	if (wait)
		wait_for_completion(&moved);
	mutex_unlock(&affinity_mutex);
	return 0;
}

/* -- Urgency ----------------------------------------------------------------- */

static int set_scheduler(struct task *t, enum sched_policy policy, int nice,
			 int rt_prio)
{
	unsigned long flags;
	struct rq *rq;

	rq = lock_task(t, &flags);
	rq_update_curr(rq);
	if (t->on_rq)
		rq_dequeue(rq, t, QUEUE_CHANGE);
	t->policy = policy;
	t->nice = nice;
	t->rt_prio = rt_prio;
	t->se.weight = fair_weight(nice);
	if (t->on_rq)
		rq_enqueue(rq, t, QUEUE_CHANGE);

	/* Whoever should run now, let the queue decide. */
	if (t->on_rq && rq->nr_running > 1)
		rq_resched(rq);
	unlock_task(rq, t, flags);
	return 0;
}

int sched_set_normal(struct task *t, int nice)
{
	if (nice < NICE_MIN || nice > NICE_MAX)
		return -EINVAL;
	return set_scheduler(t, SCHED_NORMAL, nice, 0);
}

int sched_set_fifo(struct task *t, int rt_prio)
{
	if (rt_prio < RT_PRIO_MIN || rt_prio > RT_PRIO_MAX)
		return -EINVAL;
	return set_scheduler(t, SCHED_FIFO, t->nice, rt_prio);
}

int sched_set_rr(struct task *t, int rt_prio)
{
	if (rt_prio < RT_PRIO_MIN || rt_prio > RT_PRIO_MAX)
		return -EINVAL;
	return set_scheduler(t, SCHED_RR, t->nice, rt_prio);
}
