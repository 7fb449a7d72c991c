/* SPDX-License-Identifier: MIT */
/*
 * sched_fair.c - give each task of a CPU its share of it.
 *
 * Problem.    Tasks of one CPU should progress in proportion to their weights,
 *             whatever mixture of computing and sleeping they do, and one that
 *             wakes should run soon.
 * Idea.       A task's virtual runtime is its CPU time divided by its weight.
 *             In an ideal machine all runnable tasks would have the same; so run
 *             the one that is furthest behind.  A tree keeps them in order; its
 *             leftmost task is next.
 * Weights.    Each step of nice is 1.25 times its neighbour: one step between
 *             two tasks shifts about 10 % of the CPU from one to the other.
 * Slice.      Everyone should have a turn in PERIOD, in proportion to weight,
 *             but a turn below MIN_SLICE would be mostly switching.
 * Sleepers.   Virtual time has no meaning on another CPU, so a task that leaves
 *             a runqueue takes only its distance from that queue's minimum.
 *             Time asleep counts as being behind, up to SLEEPER_CREDIT: enough
 *             to preempt who computes, too little to save up a burst.  New tasks
 *             start a slice ahead, or a task that spawns and spawns would own
 *             the CPU.
 * Invariant.  min_vruntime never goes back; a queued task is behind it by at
 *             most SLEEPER_CREDIT.  load and nr are the sums over the queue and
 *             the current task.
 * Rejected.   Multi-level feedback: its constants guess what virtual time
 *             measures.  Deadlines on top (EEVDF): they buy latency classes,
 *             which here the real-time class gives to the few that need them,
 *             for an augmented tree.
 *
 * Everything here runs under the runqueue's lock.
 */
#include <kernel/core/clock.h>
#include "sched_impl.h"

#define PERIOD_NS	  12000000ull
#define MIN_SLICE_NS	  3000000ull
#define SLEEPER_CREDIT_NS 6000000ull
#define WAKEUP_GRAN_NS	  1000000ull

/* 1024 / 1.25^nice, rounded, from nice -20 to 19. */
static const unsigned int nice_weights[] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537,  7629,  6104,  4883,  3906,  3125,  2500,	 2000,	1600,  1280,
	1024,  819,   655,   524,   419,   336,	  268,	 215,	172,   137,
	110,   88,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

unsigned int fair_weight(int nice)
{
	return nice_weights[nice - NICE_MIN];
}

#define se_task(node_) rb_entry(node_, struct task, se.node)

/* Virtual times wrap in theory: compare by difference. */
static inline bool vruntime_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static bool se_less(const struct rb_node *a, const struct rb_node *b)
{
	return vruntime_before(
		rb_entry(a, struct sched_entity, node)->vruntime,
		rb_entry(b, struct sched_entity, node)->vruntime);
}

static u64 scale_to_virtual(u64 ns, unsigned int weight)
{
	return weight == NICE_0_WEIGHT ? ns : ns * NICE_0_WEIGHT / weight;
}

void fair_init_task(struct task *t)
{
	t->se.weight = fair_weight(t->nice);
	t->se.vruntime = scale_to_virtual(MIN_SLICE_NS, t->se.weight);
	t->se.slept_at = 0;
}

void fair_charge(struct rq *rq, struct task *curr, u64 ns)
{
	struct fair_rq *fair = &rq->fair;
	struct rb_node *first = rb_first_cached(&fair->tree);
	u64 min;

	curr->se.vruntime += scale_to_virtual(ns, curr->se.weight);
	min = curr->se.vruntime;
	if (first && vruntime_before(se_task(first)->se.vruntime, min))
		min = se_task(first)->se.vruntime;
	if (vruntime_before(fair->min_vruntime, min))
		fair->min_vruntime = min;
}

void fair_enqueue(struct rq *rq, struct task *t, enum queue_why why)
{
	s64 lag = t->se.vruntime; /* relative, since it left a queue */

	if (why == QUEUE_SLEEP && t->se.slept_at) {
		lag -= ktime_get_ns() - t->se.slept_at;
		lag = max_t(s64, lag, -(s64)SLEEPER_CREDIT_NS);
	}
	t->se.slept_at = 0;
	t->se.vruntime = rq->fair.min_vruntime + lag;
	rq->fair.load += t->se.weight;
	rq->fair.nr++;
	if (t != rq->curr)
		rb_add_cached(&t->se.node, &rq->fair.tree, se_less);
}

void fair_dequeue(struct rq *rq, struct task *t, enum queue_why why)
{
	if (t != rq->curr)
		rb_erase_cached(&t->se.node, &rq->fair.tree);
	rq->fair.load -= t->se.weight;
	rq->fair.nr--;
	t->se.vruntime -= rq->fair.min_vruntime;
	if (why == QUEUE_SLEEP)
		t->se.slept_at = ktime_get_ns();
}

/* The task to run: @curr, if it may go on (else NULL), or a waiting one. */
struct task *fair_pick(struct rq *rq, struct task *curr)
{
	struct rb_node *first = rb_first_cached(&rq->fair.tree);
	struct task *t = first ? se_task(first) : NULL;

	if (t && curr && !vruntime_before(t->se.vruntime, curr->se.vruntime))
		return curr;
	return t ? t : curr;
}

/* The current task is kept out of the tree: its key changes all the time. */
void fair_put_prev(struct rq *rq, struct task *prev)
{
	rb_add_cached(&prev->se.node, &rq->fair.tree, se_less);
}

void fair_set_next(struct rq *rq, struct task *next)
{
	rb_erase_cached(&next->se.node, &rq->fair.tree);
}

/* Behind everyone: what it was behind by, it gives up. */
void fair_yield(struct rq *rq, struct task *curr)
{
	struct rb_node *last = rb_last(&rq->fair.tree.rb_root);

	if (last &&
	    !vruntime_before(se_task(last)->se.vruntime, curr->se.vruntime))
		curr->se.vruntime = se_task(last)->se.vruntime + 1;
}

u64 fair_slice(struct rq *rq, struct task *t)
{
	return max_t(u64, PERIOD_NS * t->se.weight / rq->fair.load,
		     MIN_SLICE_NS);
}

/* Far enough behind that the switch is worth it? */
bool fair_preempts(struct rq *rq, struct task *t, struct task *curr)
{
	return vruntime_before(
		t->se.vruntime + scale_to_virtual(WAKEUP_GRAN_NS, t->se.weight),
		curr->se.vruntime);
}
