/* SPDX-License-Identifier: MIT */
/*
 * rstat.c - statistics that are counted per CPU and summed up the tree when
 * somebody asks.
 *
 * Problem.    There are groups times CPUs counters, a change must cost next to
 *             nothing, and who reads one group's sum must not look at all of
 *             them.
 * Idea.       Each CPU keeps a tree of the states that changed there since they
 *             were last flushed: a changed one is linked below its parent, and
 *             that below its own, up to the root or to one that is linked
 *             already.  A flush takes a part of each CPU's tree off and looks
 *             at what it finds, children first.
 * Links.      updated_children is a state's first changed child,
 *             updated_next its next changed sibling; the last one's is its
 *             parent, the root's is itself.  So NULL means that it is not
 *             linked, and the test for that is all that most updates do.
 *             updated_link points at whichever of these leads to it, so one of
 *             many siblings is unlinked without a search.
 * Exact.      A CPU stores its count and then tests whether the state is
 *             linked; a flush unlinks it and then reads the count.  Done so,
 *             both could miss: the count may still be in the store buffer when
 *             the test finds the link of before.  A barrier would double
 *             the cost of an update, so the flush has one run on every CPU
 *             that had changes, between unlinking and reading.
 *
 * Locks: flush_mutex, for a whole flush; a CPU's updated_lock, interrupts off,
 * for its tree.  Nothing is taken inside the latter.
 *
 * After Tejun Heo's rstat.
 */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/core/smp.h>
#include "cgroup_impl.h"

static DEFINE_MUTEX(flush_mutex);
static DEFINE_PER_CPU(spinlock_t, updated_lock);

/* Under flush_mutex: what was taken off a CPU's tree. */
static DEFINE_PER_CPU(struct cgroup_subsys_state *, taken);

static struct css_rstat_cpu *rstat_of(struct cgroup_subsys_state *css,
				      unsigned int cpu)
{
	return per_cpu_ptr(css->rstat, cpu);
}

/* -- One among its siblings: that CPU's lock is held ------------------------------------ */

static void link_to_parent(struct cgroup_subsys_state *css, unsigned int cpu)
{
	struct css_rstat_cpu *self = rstat_of(css, cpu);
	struct cgroup_subsys_state **link =
		&rstat_of(css->parent, cpu)->updated_children;

	self->updated_next = *link ? *link : css->parent;
	self->updated_link = link;
	if (*link)
		rstat_of(*link, cpu)->updated_link = &self->updated_next;
	*link = css;
}

/* Take @css, which is linked, off its parent's children. */
static void unlink_from_parent(struct cgroup_subsys_state *css,
			       unsigned int cpu)
{
	struct css_rstat_cpu *self = rstat_of(css, cpu);
	struct cgroup_subsys_state **link = self->updated_link;

	if (!css->parent)
		return;
	if (self->updated_next != css->parent) {
		*link = self->updated_next;
		rstat_of(*link, cpu)->updated_link = link;
	} else {
		/* It was the last; if it was the only one, too, there is none. */
		*link = link == &rstat_of(css->parent, cpu)->updated_children
				? NULL
				: css->parent;
	}
}

/* -- Updating ------------------------------------------------------------------------- */

void __cgroup_rstat_updated(struct cgroup_subsys_state *css)
{
	unsigned int cpu = smp_processor_id();
	spinlock_t *lock = per_cpu_ptr(&updated_lock, cpu);
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	while (!rstat_of(css, cpu)->updated_next) {
		if (!css->parent) {
			rstat_of(css, cpu)->updated_next = css;
			break;
		}
		link_to_parent(css, cpu);
		css = css->parent;
	}
	spin_unlock_irqrestore(lock, flags);
}

/* -- Flushing ------------------------------------------------------------------------- */

/* The children of @css go before @todo. */
static struct cgroup_subsys_state *
push_children(struct cgroup_subsys_state *css, unsigned int cpu,
	      struct cgroup_subsys_state *todo)
{
	struct cgroup_subsys_state *child =
		rstat_of(css, cpu)->updated_children;

	for (; child && child != css;
	     child = rstat_of(child, cpu)->updated_next) {
		rstat_of(child, cpu)->flush_next = todo;
		todo = child;
	}
	rstat_of(css, cpu)->updated_children = NULL;
	return todo;
}

/* All that changed on @cpu at @root and below, unlinked, each before its parent:
 * they are met parents first, and pushed on a stack. */
static struct cgroup_subsys_state *take(struct cgroup_subsys_state *root,
					unsigned int cpu)
{
	struct cgroup_subsys_state *todo = root, *stack = NULL, *css;
	unsigned long flags;

	if (!READ_ONCE(rstat_of(root, cpu)->updated_next))
		return NULL;
	spin_lock_irqsave(per_cpu_ptr(&updated_lock, cpu), flags);
	unlink_from_parent(root, cpu);
	rstat_of(root, cpu)->flush_next = NULL;
	while ((css = todo)) {
		todo = push_children(css, cpu, rstat_of(css, cpu)->flush_next);
		WRITE_ONCE(rstat_of(css, cpu)->updated_next, NULL);
		rstat_of(css, cpu)->flush_next = stack;
		stack = css;
	}
	spin_unlock_irqrestore(per_cpu_ptr(&updated_lock, cpu), flags);
	return stack;
}

static void do_nothing(void *unused)
{
}

/* Every CPU of @cpus has stored what it counted before it found a state still
 * linked that is not any more.  A CPU that is idle has done so on its way there,
 * and on its way back sees that it is unlinked. */
static void fence(cpumask_t *cpus)
{
	unsigned int cpu;

	/* The links, then who is idle: pairs with toggle_active() (rcu.c). */
	smp_mb();
	for_each_cpu(cpu, cpus)
		if (rcu_cpu_is_idle(cpu))
			cpumask_clear_cpu(cpu, cpus);
	if (cpumask_empty(cpus))
		return;
	preempt_disable();
	smp_call_function_many(cpus, do_nothing, NULL, true);
	preempt_enable();
}

/* Fills in `taken` of each CPU; returns on which there was something. */
static void take_all(struct cgroup_subsys_state *root, cpumask_t *cpus)
{
	unsigned int cpu;

	cpumask_clear(cpus);
	for_each_possible_cpu(cpu) {
		per_cpu(taken, cpu) = take(root, cpu);
		if (per_cpu(taken, cpu))
			cpumask_set_cpu(cpu, cpus);
	}
}

static void flush_taken(unsigned int cpu, bool may_sleep)
{
	struct cgroup_subsys_state *css = per_cpu(taken, cpu), *next;

	for (; css; css = next) {
		next = rstat_of(css, cpu)->flush_next;
		css->ss->css_rstat_flush(css, cpu);
		if (may_sleep)
			cond_resched();
	}
}

void cgroup_rstat_flush(struct cgroup_subsys_state *css)
{
	cpumask_t changed, running;
	unsigned int cpu;

	might_sleep();
	mutex_lock(&flush_mutex);
	take_all(css, &changed);
	cpumask_copy(&running, &changed);
	fence(&running);
	for_each_cpu(cpu, &changed)
		flush_taken(cpu, true);
	mutex_unlock(&flush_mutex);
}

void cgroup_rstat_flush_stopped(struct cgroup_subsys_state *css)
{
	cpumask_t changed;
	unsigned int cpu;

	take_all(css, &changed);
	for_each_cpu(cpu, &changed)
		flush_taken(cpu, false);
}

void cgroup_rstat_lock(void)
{
	mutex_lock(&flush_mutex);
}

void cgroup_rstat_unlock(void)
{
	mutex_unlock(&flush_mutex);
}

/* -- Birth and death -------------------------------------------------------------------- */

int rstat_init_css(struct cgroup_subsys_state *css)
{
	if (!css->ss || !css->ss->css_rstat_flush)
		return 0;
	css->rstat = alloc_percpu(struct css_rstat_cpu);
	return css->rstat ? 0 : -ENOMEM;
}

void rstat_exit_css(struct cgroup_subsys_state *css)
{
	if (!css->rstat)
		return;
	/* Linked or not: a flush that is under way may have taken it. */
	cgroup_rstat_flush(css);
	free_percpu(css->rstat);
	css->rstat = NULL;
}

void rstat_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		spin_lock_init(per_cpu_ptr(&updated_lock, cpu));
}
