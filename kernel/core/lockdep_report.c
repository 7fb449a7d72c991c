/* SPDX-License-Identifier: MIT */
/*
 * lockdep_report.c - a deadlock that could be, in words.
 *
 * Each report names the locks, where each was taken, and the chain of facts
 * that leads from one to the other; the reader needs no other tool.
 *
 * Context: interrupts off, lockdep_lock held.  printk takes no locks.
 */
#include <kernel/core/backtrace.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include "lockdep_impl.h"

#define MAX_PATH 32

static const char *name_of(u16 class)
{
	return lockdep_classes[class].name;
}

static const char *interrupt_of(enum lockdep_usage usage)
{
	return usage == USED_IN_HARDIRQ || usage == HELD_HARDIRQ_ON
		       ? "hard interrupt"
		       : "softirq";
}

static bool begin_report(const char *what)
{
	if (!report_note(REPORT_LOCKDEP))
		return false;
	pr_crit("lockdep: ---- %s ----\n", what);
	pr_crit("cpu%u, task %s (pid %d):\n", smp_processor_id(), current->comm,
		current->pid);
	return true;
}

static void end_report(void)
{
	lockdep_print_task(&current->lockdep, "It holds:");
	backtrace_print();
	pr_crit("lockdep: ----\n");
}

void lockdep_print_task(const struct lockdep_task *task, const char *intro)
{
	if (task->depth && *intro)
		pr_crit("%s\n", intro);
	for (unsigned int i = task->depth; i-- > 0;)
		pr_crit("  %s  taken at %pS\n", task->held[i].map->name,
			(void *)task->held[i].pc);
}

static void print_new(const char *intro, const struct held_lock *lock)
{
	pr_crit("  %s %s  at %pS\n", intro, lock->map->name, (void *)lock->pc);
}

/* "A, then B": one fact a line. */
static void print_edges(const u16 *edges, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		const struct lock_edge *edge = &lockdep_edges[edges[i]];

		pr_crit("  %s  taken at %pS, then\n", name_of(edge->from),
			(void *)edge->from_pc);
		pr_crit("    %s  taken at %pS\n", name_of(edge->to),
			(void *)edge->to_pc);
	}
}

void lockdep_report_recursion(const struct held_lock *old,
			      const struct held_lock *new)
{
	if (!begin_report(old->map == new->map
				  ? "a lock is taken that is held"
				  : "two locks of one class are taken"))
		return;
	print_new("holds", old);
	print_new("takes", new);
	end_report();
}

/* The last search found the way from @new to @held. */
void lockdep_report_cycle(const struct held_lock *held,
			  const struct held_lock *new)
{
	u16 edges[MAX_PATH];
	unsigned int len;

	if (!begin_report("locks are taken in a circle"))
		return;
	print_new("holds", held);
	print_new("takes", new);
	pr_crit("but the other way round there has been:\n");
	len = lockdep_path(held->class, true, edges, MAX_PATH);
	print_edges(edges, len);
	end_report();
}

static void print_usage(u16 class, enum lockdep_usage usage)
{
	bool used = usage == USED_IN_HARDIRQ || usage == USED_IN_SOFTIRQ;

	pr_crit("  %s  %s %s at %pS\n", name_of(class),
		used ? "taken in" : "held open to", interrupt_of(usage),
		(void *)lockdep_classes[class].usage_pc[usage]);
}

void lockdep_report_usage(u16 class, enum lockdep_usage used,
			  enum lockdep_usage on)
{
	if (!begin_report("an interrupt takes a lock it may interrupt"))
		return;
	print_usage(class, used);
	print_usage(class, on);
	end_report();
}

/* From @safe along the order to @from, over the new edge to @to, to @unsafe; or
 * from @safe to @unsafe by known edges, when @held is NULL. */
void lockdep_report_inversion(u16 safe, u16 unsafe, enum lockdep_usage used,
			      enum lockdep_usage on, u16 from, u16 to,
			      const struct held_lock *held,
			      const struct held_lock *new)
{
	u16 edges[MAX_PATH];

	if (!begin_report("an interrupt's lock waits for one it may interrupt"))
		return;
	print_usage(safe, used);
	print_usage(unsafe, on);
	pr_crit("and the first is held while taking the second:\n");
	if (!held) {
		lockdep_search(safe, true, unsafe, 0);
		print_edges(edges, lockdep_path(unsafe, true, edges, MAX_PATH));
	} else {
		lockdep_search(safe, true, from, 0);
		print_edges(edges, lockdep_path(from, true, edges, MAX_PATH));
		print_new("holds", held);
		print_new("takes", new);
		lockdep_search(to, true, unsafe, 0);
		print_edges(edges, lockdep_path(unsafe, true, edges, MAX_PATH));
	}
	end_report();
}

void lockdep_report_misuse(const char *what, const struct lockdep_map *map,
			   unsigned long pc)
{
	if (!begin_report("misuse"))
		return;
	pr_crit("  %s %s  at %pS\n", what, map->name, (void *)pc);
	end_report();
}
