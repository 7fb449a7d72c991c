/* SPDX-License-Identifier: MIT */
/*
 * sched_balance.c - on which CPU a task runs.
 *
 * Problem.    A runqueue per CPU is fast, but a CPU must not idle while tasks
 *             wait elsewhere, and tasks should stay where their cache is warm.
 * Idea.       Three occasions, each cheap where nothing is wrong:
 *
 *		waking	its previous CPU if that is idle; another idle one, near
 *			first; else its previous one, or the waker's if that has
 *			clearly less to do.
 *		idling	a CPU that runs dry fetches a task that waits elsewhere.
 *		ticking	a CPU with waiting tasks has a tick anyway: there it
 *			gives one to an idle CPU, and now and then to one that
 *			has less to do.  So CPUs with nothing to do need no tick
 *			to find that out.
 *
 * Claiming.   idle_cpus says who idles.  Who places a task takes the CPU's bit
 *             out first, so that two wakers never choose the same idle CPU; the
 *             CPU sets it again when it next runs dry.
 * When.       A task moves between busy CPUs only if the larger of the two loads
 *             becomes smaller by it.  So it never moves back and forth, and a
 *             difference of one task stays.  A real-time task moves to where
 *             it can run at once.  Each task is held to its own mask: the CPU
 *             with the least to do may be closed to all that wait.
 * Races.      Loads are read without locks.  A stale one costs a placement that
 *             is not the best, corrected by the next tick.
 * Rejected.   Scheduling domains: with one level (node) and two scans they would
 *             be more text than what they organise.
 */
#include <arch/smp.h>
#include <kernel/core/clock.h>
#include "sched_impl.h"

/* How many waiting tasks are looked at for one that may move. */
#define MAX_LOOK 32

struct cpumask idle_cpus;
struct cpumask overloaded_cpus;

void balance_note_load(struct rq *rq)
{
	bool overloaded = rq->nr_running > 1;

	if (overloaded == rq->overloaded)
		return;
	rq->overloaded = overloaded;
	if (overloaded) {
		rq->next_balance = rq->curr->exec_start + BALANCE_INTERVAL_NS;
		cpumask_set_cpu(rq->cpu, &overloaded_cpus);
	} else {
		cpumask_clear_cpu(rq->cpu, &overloaded_cpus);
	}
}

/* -- Choosing ---------------------------------------------------------------- */

static bool claim_idle(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &idle_cpus) &&
	       cpumask_test_and_clear_cpu(cpu, &idle_cpus);
}

/* The CPU after @cpu in @mask, round and round. */
static unsigned int next_cpu_wrap(unsigned int cpu, const struct cpumask *mask)
{
	cpu = cpumask_next(cpu, mask);
	return cpu < NR_CPUS ? cpu : cpumask_first(mask);
}

/* An idle CPU of @mask, taken out of idle_cpus: @near's node first. */
static unsigned int claim_idle_of(const struct cpumask *mask, unsigned int near)
{
	struct cpumask idle;
	unsigned int cpu, left;

	cpumask_and(&idle, &idle_cpus, mask);
	if (cpumask_empty(&idle))
		return NR_CPUS;
	for (int same_node = 1; same_node >= 0; same_node--) {
		cpu = near;
		for (left = cpumask_weight(&idle); left; left--) {
			cpu = next_cpu_wrap(cpu, &idle);
			if (same_node !=
			    (cpu_to_node(cpu) == cpu_to_node(near)))
				continue;
			if (claim_idle(cpu))
				return cpu;
		}
	}
	return NR_CPUS;
}

static unsigned int least_loaded_of(const struct cpumask *mask,
				    unsigned int first)
{
	unsigned long best_load = ~0ul;
	unsigned int cpu, best = NR_CPUS;

	if (cpumask_test_cpu(first, mask) && cpu_online(first)) {
		best = first;
		best_load = rq_load(cpu_rq(first));
	}
	for_each_online_cpu(cpu) {
		unsigned long load = rq_load(cpu_rq(cpu));

		if (cpumask_test_cpu(cpu, mask) && load < best_load) {
			best = cpu;
			best_load = load;
		}
	}
	return best;
}

/* The most urgent level with tasks, 0 if none is real-time.  A snapshot. */
static int rq_urgency(const struct rq *rq)
{
	u64 levels = READ_ONCE(rq->rt.levels);

	return levels ? 63 - __builtin_clzll(levels) : 0;
}

/* For a real-time task: where the least urgent task runs. */
static unsigned int least_urgent_of(const struct cpumask *mask,
				    unsigned int first)
{
	int lowest = RT_PRIO_MAX + 1;
	unsigned int cpu, best = first;

	for_each_online_cpu(cpu) {
		int prio = rq_urgency(cpu_rq(cpu));

		if (cpumask_test_cpu(cpu, mask) &&
		    (prio < lowest || (prio == lowest && cpu == first))) {
			best = cpu;
			lowest = prio;
		}
	}
	return best;
}

/*
 * @t is on no runqueue, and its mask stands still: the caller holds wake_lock
 * or is moving it.
 */
unsigned int select_cpu(struct task *t, bool is_new)
{
	unsigned int prev = t->cpu, this = smp_processor_id(), cpu;
	bool prev_allowed = task_allowed_on(t, prev);

	if (prev_allowed && claim_idle(prev))
		return prev;
	cpu = claim_idle_of(&t->cpus_allowed, prev);
	if (cpu < NR_CPUS)
		return cpu;
	if (task_is_rt(t))
		return least_urgent_of(&t->cpus_allowed, prev);
	if (is_new || !prev_allowed)
		return least_loaded_of(&t->cpus_allowed, prev);
	if (task_allowed_on(t, this) &&
	    rq_load(this_rq()) + task_load(t) < rq_load(cpu_rq(prev)))
		return this;
	return prev;
}

/* -- Moving ------------------------------------------------------------------ */

/* rq->lock held: a waiting task that @suits, real-time ones first. */
static struct task *
find_waiting(struct rq *rq, bool (*suits)(struct task *t, void *arg), void *arg)
{
	unsigned int looked = 0;
	struct rb_node *node;
	struct task *t;
	u64 levels;

	for (levels = rq->rt.levels; levels;) {
		int level = 63 - __builtin_clzll(levels);

		levels &= ~(1ull << level);
		list_for_each_entry(t, &rq->rt.queue[level], rt_node) {
			if (looked++ == MAX_LOOK)
				return NULL;
			if (t != rq->curr && suits(t, arg))
				return t;
		}
	}
	/* The one that would wait longest is the last. */
	for (node = rb_last(&rq->fair.tree.rb_root); node;
	     node = rb_prev(node)) {
		t = rb_entry(node, struct task, se.node);
		if (looked++ == MAX_LOOK)
			return NULL;
		if (suits(t, arg))
			return t;
	}
	return NULL;
}

static bool allowed_on(struct task *t, void *cpu)
{
	return task_allowed_on(t, *(unsigned int *)cpu);
}

static struct task *find_movable(struct rq *rq, unsigned int dst)
{
	return find_waiting(rq, allowed_on, &dst);
}

static struct task *push_to_idle(struct rq *rq, unsigned int *dst)
{
	unsigned int left = cpumask_weight(&idle_cpus), cpu = rq->cpu;
	struct task *t;

	for (; left; left--) {
		cpu = next_cpu_wrap(cpu, &idle_cpus);
		if (cpu >= NR_CPUS)
			break;
		t = find_movable(rq, cpu);
		if (t && claim_idle(cpu)) {
			*dst = cpu;
			return t;
		}
	}
	return NULL;
}

struct place_search {
	struct rq *rq;	    /* where it waits now */
	unsigned long load; /* of the CPU with the least, open to it or not */
	unsigned int dst;
};

static bool runs_sooner_at(struct task *t, unsigned int cpu, struct rq *rq)
{
	if (task_is_rt(t))
		return rq_urgency(cpu_rq(cpu)) < t->rt_prio;
	return rq_load(cpu_rq(cpu)) + task_load(t) < rq_load(rq);
}

/* Is there a CPU where @t would be better off? */
static bool has_better_place(struct task *t, void *search)
{
	struct place_search *s = search;

	if (task_is_rt(t))
		s->dst = least_urgent_of(&t->cpus_allowed, s->rq->cpu);
	else if (s->load + task_load(t) < rq_load(s->rq))
		s->dst = least_loaded_of(&t->cpus_allowed, s->rq->cpu);
	else
		return false;
	return runs_sooner_at(t, s->dst, s->rq);
}

static struct task *push_to_less_loaded(struct rq *rq, unsigned int *dst)
{
	unsigned int least = least_loaded_of(cpu_online_mask, rq->cpu);
	struct place_search s = {.rq = rq, .load = rq_load(cpu_rq(least))};
	struct task *t = find_waiting(rq, has_better_place, &s);

	*dst = s.dst;
	return t;
}

struct task *balance_tick(struct rq *rq, u64 now, unsigned int *dst)
{
	struct task *t;

	assert_held(&rq->lock);
	if (rq->nr_running < 2)
		return NULL;
	t = push_to_idle(rq, dst);
	if (now >= rq->next_balance) {
		rq->next_balance = now + BALANCE_INTERVAL_NS;
		if (!t)
			t = push_to_less_loaded(rq, dst);
	}
	if (t) {
		detach_task(rq, t);
		rq->nr_pushed++;
	}
	return t;
}

static struct task *pull_from(unsigned int src, unsigned int dst)
{
	struct rq *rq = cpu_rq(src);
	struct task *t = NULL;

	spin_lock(&rq->lock);
	if (rq->nr_running > 1)
		t = find_movable(rq, dst);
	if (t)
		detach_task(rq, t);
	spin_unlock(&rq->lock);
	return t;
}

bool balance_pull(struct rq *rq)
{
	unsigned int cpu = rq->cpu, left;
	struct task *t;

	assert_irqs_off();
	for (left = cpumask_weight(&overloaded_cpus); left; left--) {
		cpu = next_cpu_wrap(cpu, &overloaded_cpus);
		if (cpu >= NR_CPUS)
			break;
		t = pull_from(cpu, rq->cpu);
		if (t) {
			rq->nr_pulled++;
			attach_task(t, rq->cpu);
			return true;
		}
	}
	return false;
}
