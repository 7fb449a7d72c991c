/* SPDX-License-Identifier: MIT */
/*
 * sched_rt.c - tasks that run before all fair ones, by strict priority.
 *
 * Problem.   A few kernel threads (stopping the machine, expedited grace
 *            periods) must run at once, not when their share allows.
 * Idea.      One list per level and a word with a bit for each list that has
 *            tasks: the next one is found with one instruction.  A running task
 *            stays at the head of its list; FIFO tasks leave it by sleeping,
 *            RR tasks also go to its end when their slice is over.
 * Danger.    Nothing limits them: a real-time task that does not sleep starves
 *            its CPU.  Throttling was rejected, because it makes priorities lie
 *            just when they matter; the watchdog names the culprit instead.
 *
 * Everything here runs under the runqueue's lock.
 */
#include "sched_impl.h"

void rt_enqueue(struct rq *rq, struct task *t)
{
	list_add_tail(&t->rt_node, &rq->rt.queue[t->rt_prio]);
	rq->rt.levels |= 1ull << t->rt_prio;
	rq->rt.nr++;
}

void rt_dequeue(struct rq *rq, struct task *t)
{
	list_del_init(&t->rt_node);
	if (list_empty(&rq->rt.queue[t->rt_prio]))
		rq->rt.levels &= ~(1ull << t->rt_prio);
	rq->rt.nr--;
}

struct task *rt_pick(struct rq *rq)
{
	if (!rq->rt.levels)
		return NULL;
	return list_first_entry(
		&rq->rt.queue[63 - __builtin_clzll(rq->rt.levels)], struct task,
		rt_node);
}

void rt_rotate(struct rq *rq, struct task *t)
{
	list_move_tail(&t->rt_node, &rq->rt.queue[t->rt_prio]);
}

bool rt_alone_at_level(struct rq *rq, struct task *t)
{
	return list_is_singular(&rq->rt.queue[t->rt_prio]);
}
