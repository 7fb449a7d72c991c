/* SPDX-License-Identifier: MIT */
/* lockdep_impl.h - between lockdep.c, its graph and its reports. */
#pragma once
#include <kernel/core/lockdep.h>
#include <kernel/core/spinlock.h>

#define LOCKDEP_MAX_CLASSES 1024
#define LOCKDEP_MAX_EDGES   8192

/* Where the locks of a class have been seen.  "On" means that such an
 * interrupt could have come while one was held. */
enum lockdep_usage {
	USED_IN_HARDIRQ,
	USED_IN_SOFTIRQ,
	HELD_HARDIRQ_ON,
	HELD_SOFTIRQ_ON,
	NR_LOCKDEP_USAGES,
};

enum lockdep_context {
	CONTEXT_TASK,
	CONTEXT_SOFTIRQ,
	CONTEXT_HARDIRQ,
};

/* All under lockdep_lock.  Class and edge 0 mean "none". */
struct lock_class {
	const void *key;
	const char *name;
	u8 subclass;
	u8 type;
	u8 usage;    /* mask of 1 << enum lockdep_usage */
	u8 reported; /* one report of a class's own is enough */
	u16 next_in_bucket;
	u16 first_after;  /* edges from here */
	u16 first_before; /* edges to here */
	unsigned long usage_pc[NR_LOCKDEP_USAGES];
};

/* "Somebody who held @from took @to." */
struct lock_edge {
	u16 from, to;
	u16 next_after, next_before;
	unsigned long from_pc, to_pc;
};

extern raw_spinlock_t lockdep_lock;
extern struct lock_class lockdep_classes[LOCKDEP_MAX_CLASSES];
extern struct lock_edge lockdep_edges[LOCKDEP_MAX_EDGES];

/* Cleared when a table is full, with a report: none after it are better than
 * wrong ones. */
extern bool lockdep_on;

/* How full the tables are, and the edges that have been forgotten. */
extern unsigned int lockdep_nr_classes, lockdep_nr_edges;
extern u16 lockdep_free_edges;

/* The class of @map's locks at @subclass, made if need be; 0 if tables are
 * full. */
u16 lockdep_class_of(struct lockdep_map *map, unsigned int subclass);

bool lockdep_has_edge(u16 from, u16 to);
void lockdep_add_edge(const struct held_lock *from, const struct held_lock *to);

/* As if no lock of the class had ever been taken. */
void lockdep_forget_class(u16 class);

/* A class within reach of @start, itself included, that has a bit of @usage,
 * or is @target; 0 if none.  @forward: along the order of taking. */
u16 lockdep_search(u16 start, bool forward, u16 target, u8 usage);

/* The edges by which the last search got from its start to @end, in order from
 * start to end; returns how many. */
unsigned int lockdep_path(u16 end, bool forward, u16 *edges, unsigned int max);

/* -- Reports: called under lockdep_lock ------------------------------------ */

void lockdep_report_recursion(const struct held_lock *old,
			      const struct held_lock *new);
void lockdep_report_cycle(const struct held_lock *held,
			  const struct held_lock *new);
void lockdep_report_usage(u16 class, enum lockdep_usage used,
			  enum lockdep_usage on);
void lockdep_report_inversion(u16 safe, u16 unsafe, enum lockdep_usage used,
			      enum lockdep_usage on, u16 from, u16 to,
			      const struct held_lock *held,
			      const struct held_lock *new);
void lockdep_report_misuse(const char *what, const struct lockdep_map *map,
			   unsigned long pc);
void lockdep_print_task(const struct lockdep_task *task, const char *intro);
