/* SPDX-License-Identifier: MIT */
/*
 * lockdep.c - would these locks, taken in other orders or contexts, deadlock?
 *
 * Problem.    A deadlock needs two CPUs at two places in the same microsecond.
 *             Waiting for that to happen in a test is no test.
 * Idea.       Each acquisition leaves facts behind that stay true: "B was taken
 *             while A was held", "C was taken in an interrupt", "D was held
 *             with interrupts on".  If the facts of separate moments could
 *             deadlock together, say so, though they never met.
 * Classes.    Facts are about classes of locks, all those one line of code
 *             initialises, so one object's path speaks for all objects.
 * What.       Taking what is held (recursion).  Taking in the other order, over
 *             any number of steps (cycle).  A lock both taken in an interrupt
 *             and held where that interrupt may come (usage), or an interrupt's
 *             lock that waits, over any number of steps, for one that is held
 *             where that interrupt may come (inversion).
 * Each once.  A known edge is not looked at again, and a class reports its own
 *             state once; so each fault is one report.
 * Trying.     A trylock does not wait: it puts no edge before itself.  Once
 *             held it is a lock like any other.
 * NMI.        Is not looked at: only trylocks are allowed there.
 *
 * Held locks are in the task, for interrupts on top of it too; an entry's
 * context keeps the chains apart.  Own CPU, interrupts off.
 */
#include <arch/cpumask.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include "lockdep_impl.h"

#define BIT_OF(usage) (1u << (usage))

void lockdep_init_map(struct lockdep_map *map, const char *name,
		      struct lock_class_key *key, enum lockdep_type type)
{
	*map = (struct lockdep_map){.name = name, .key = key, .type = type};
}

void lockdep_forget(struct lockdep_map *map)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lockdep_lock, flags);
	for (int i = 0; i < LOCKDEP_SUBCLASSES; i++)
		if (map->classes[i])
			lockdep_forget_class(map->classes[i]);
	raw_spin_unlock_irqrestore(&lockdep_lock, flags);
}

/* -- What was the context? ------------------------------------------------- */

static enum lockdep_context context_now(void)
{
	if (in_hardirq())
		return CONTEXT_HARDIRQ;
	return in_serving_softirq() ? CONTEXT_SOFTIRQ : CONTEXT_TASK;
}

/* The facts that taking a lock now establishes. */
static u8 usage_now(enum lockdep_context context, bool irqs_on, bool is_try)
{
	u8 usage = 0;

	if (context == CONTEXT_HARDIRQ && !is_try)
		usage |= BIT_OF(USED_IN_HARDIRQ);
	if (context == CONTEXT_SOFTIRQ && !is_try)
		usage |= BIT_OF(USED_IN_SOFTIRQ);
	if (irqs_on)
		usage |= BIT_OF(HELD_HARDIRQ_ON);
	if (irqs_on && !in_softirq())
		usage |= BIT_OF(HELD_SOFTIRQ_ON);
	return usage;
}

/* -- Usage ----------------------------------------------------------------- */

static const struct {
	enum lockdep_usage used, on;
} pairs[] = {
	{USED_IN_HARDIRQ, HELD_HARDIRQ_ON},
	{USED_IN_SOFTIRQ, HELD_SOFTIRQ_ON},
};

/* @class has come to have one of the pair's bits; may the other one, here or
 * within reach, meet it? */
static void check_usage(u16 class, unsigned int pair, bool got_used)
{
	enum lockdep_usage used = pairs[pair].used, on = pairs[pair].on;
	u8 both = BIT_OF(used) | BIT_OF(on);
	u16 other;

	if ((lockdep_classes[class].usage & both) == both) {
		if (!lockdep_classes[class].reported)
			lockdep_report_usage(class, used, on);
		lockdep_classes[class].reported = 1;
		return;
	}
	other = lockdep_search(class, got_used, 0,
			       BIT_OF(got_used ? on : used));
	if (other)
		lockdep_report_inversion(got_used ? class : other,
					 got_used ? other : class, used, on, 0,
					 0, NULL, NULL);
}

static void mark_usage(u16 class, u8 usage, unsigned long pc)
{
	struct lock_class *c = &lockdep_classes[class];
	u8 new = usage & ~c->usage;

	for (int bit = 0; bit < NR_LOCKDEP_USAGES; bit++)
		if (new &BIT_OF(bit))
			c->usage_pc[bit] = pc;
	c->usage |= new;
	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (new &BIT_OF(pairs[i].used))
			check_usage(class, i, true);
		if (new &BIT_OF(pairs[i].on))
			check_usage(class, i, false);
	}
}

/* Interrupts are on: what the task still holds is held that way. */
static void mark_held(struct lockdep_task *task, unsigned long pc)
{
	u8 usage = usage_now(CONTEXT_TASK, true, false);

	for (unsigned int i = 0; i < task->depth; i++) {
		struct held_lock *held = &task->held[i];

		if (held->context == CONTEXT_TASK &&
		    usage & ~lockdep_classes[held->class].usage)
			mark_usage(held->class, usage, pc);
	}
}

/* -- Order ----------------------------------------------------------------- */

/* With the new edge, can an interrupt's lock come to wait for one that is held
 * with that interrupt on? */
static void check_inversion(const struct held_lock *held,
			    const struct held_lock *new)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++) {
		enum lockdep_usage used = pairs[i].used, on = pairs[i].on;
		u16 safe, unsafe;

		safe = lockdep_search(held->class, false, 0, BIT_OF(used));
		if (!safe)
			continue;
		unsafe = lockdep_search(new->class, true, 0, BIT_OF(on));
		if (unsafe)
			lockdep_report_inversion(safe, unsafe, used, on,
						 held->class, new->class, held,
						 new);
	}
}

static void check_order(const struct held_lock *held,
			const struct held_lock *new)
{
	if (held->class == new->class ||
	    lockdep_has_edge(held->class, new->class))
		return;
	if (lockdep_search(new->class, true, held->class, 0))
		lockdep_report_cycle(held, new);
	else
		check_inversion(held, new);
	lockdep_add_edge(held, new);
}

/* Two locks of a class are the same lock as far as order is concerned, unless
 * both are only shared. */
static bool is_recursion(const struct held_lock *held,
			 const struct held_lock *new)
{
	if (held->class != new->class)
		return false;
	if ((held->how & new->how &LOCKDEP_READ))
		return false;
	/* An interrupt's lock of the same class may be another lock: usage
	 * says when that is dangerous. */
	return held->map == new->map || held->context == new->context;
}

static void check_against_held(struct lockdep_task *task,
			       const struct held_lock *new)
{
	bool ordered = true;

	for (unsigned int i = task->depth; i-- > 0;) {
		const struct held_lock *held = &task->held[i];

		if (is_recursion(held, new) &&
		    !lockdep_classes[new->class].reported) {
			lockdep_report_recursion(held, new);
			lockdep_classes[new->class].reported = 1;
		}
		if (!ordered || held->context != new->context)
			continue;
		check_order(held, new);
		/* What is below has its own edge to this one. */
		ordered = held->how & LOCKDEP_TRY;
	}
}

/* -- Acquire and release --------------------------------------------------- */

static bool is_watching(void)
{
	return lockdep_on && !in_nmi() && !panic_in_progress();
}

static void acquire(struct lockdep_task *task, struct lockdep_map *map,
		    unsigned int subclass, unsigned int how, unsigned long pc,
		    bool irqs_on)
{
	struct held_lock new = {
		.map = map,
		.pc = pc,
		.how = how,
		.context = context_now(),
		.class = lockdep_class_of(map, subclass),
	};

	if (!new.class)
		return;
	if (task->depth == LOCKDEP_MAX_HELD) {
		lockdep_report_misuse("too many locks held, taking", map, pc);
		lockdep_on = false;
		return;
	}
	if (!(how & LOCKDEP_TRY))
		check_against_held(task, &new);
	if (irqs_on && new.context == CONTEXT_TASK)
		mark_held(task, pc);
	mark_usage(new.class,
		   usage_now(new.context, irqs_on, how & LOCKDEP_TRY), pc);
	task->held[task->depth++] = new;
}

void lock_acquire(struct lockdep_map *map, unsigned int subclass,
		  unsigned int how, unsigned long pc)
{
	bool irqs_on = !irqs_disabled();
	unsigned long flags;

	if (!is_watching())
		return;
	raw_spin_lock_irqsave(&lockdep_lock, flags);
	acquire(&current->lockdep, map, subclass, how, pc, irqs_on);
	raw_spin_unlock_irqrestore(&lockdep_lock, flags);
}

static void release(struct lockdep_task *task, struct lockdep_map *map,
		    unsigned long pc, bool irqs_on)
{
	unsigned int i = task->depth;

	if (irqs_on && context_now() == CONTEXT_TASK)
		mark_held(task, pc);
	while (i-- > 0) {
		if (task->held[i].map != map)
			continue;
		for (task->depth--; i < task->depth; i++)
			task->held[i] = task->held[i + 1];
		return;
	}
	lockdep_report_misuse("released, but not held:", map, pc);
}

void lock_release(struct lockdep_map *map, unsigned long pc)
{
	bool irqs_on = !irqs_disabled();
	unsigned long flags;

	if (!is_watching())
		return;
	raw_spin_lock_irqsave(&lockdep_lock, flags);
	release(&current->lockdep, map, pc, irqs_on);
	raw_spin_unlock_irqrestore(&lockdep_lock, flags);
}

/* -- Questions and assertions ---------------------------------------------- */

bool lock_is_held(const struct lockdep_map *map)
{
	const struct lockdep_task *task = &current->lockdep;

	if (!is_watching())
		return true;
	for (unsigned int i = 0; i < task->depth; i++)
		if (task->held[i].map == map)
			return true;
	return false;
}

void lockdep_assert_none_held(void)
{
	const struct lockdep_task *task = &current->lockdep;
	unsigned long flags;

	if (!is_watching() || !task->depth)
		return;
	raw_spin_lock_irqsave(&lockdep_lock, flags);
	lockdep_report_misuse("still held at the end:", task->held[0].map,
			      task->held[0].pc);
	raw_spin_unlock_irqrestore(&lockdep_lock, flags);
}

void lockdep_check_freed(const void *start, size_t size)
{
	const struct lockdep_task *task = &current->lockdep;

	if (!is_watching())
		return;
	for (unsigned int i = 0; i < task->depth; i++) {
		const char *map = (const char *)task->held[i].map;
		unsigned long flags;

		if (map < (const char *)start ||
		    map >= (const char *)start + size)
			continue;
		raw_spin_lock_irqsave(&lockdep_lock, flags);
		lockdep_report_misuse("freed while held:", task->held[i].map,
				      task->held[i].pc);
		raw_spin_unlock_irqrestore(&lockdep_lock, flags);
	}
}

void lockdep_print_held(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		const struct task *task = per_cpu(current_task, cpu);

		if (task->lockdep.depth) {
			pr_crit("Held on cpu%u, task %s:\n", cpu, task->comm);
			lockdep_print_task(&task->lockdep, "");
		}
	}
}

void __assert_held(const struct lockdep_map *map, const char *what,
		   const char *file, int line)
{
	if (likely(lock_is_held(map)) || !report_note(REPORT_LOCKDEP))
		return;
	pr_crit("lockdep: should be held: %s at %s:%d\n", what, file, line);
	backtrace_print();
}
