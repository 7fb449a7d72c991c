/* SPDX-License-Identifier: MIT */
/*
 * lockdep.h - locks tell what is held; a debug build checks the order.
 *
 * A lock embeds a map, LOCKDEP_MAP(dep_map), initialised with its class: all
 * locks initialised at one place in the source are one class.  It calls
 * lock_acquire() before it waits and lock_release() before it lets go.  Without
 * CONFIG_DEBUG the map is empty and the calls vanish.
 *
 * The asserts say in code what a comment would say in words:
 *
 *	assert_held(&zone->lock);	this task or CPU holds it
 *	assert_irqs_off();		interrupts are off on this CPU
 *	assert_preempt_off();		(preempt.h) so smp_processor_id() stays
 *	assert_can_sleep();		(preempt.h) opens what may sleep
 */
#pragma once
#include <lib/compiler.h>
#include <lib/types.h>

/* Only its address counts. */
struct lock_class_key {
	char unused;
};

enum lockdep_type {
	LOCKDEP_SPIN,  /* waits spinning; may not be held while sleeping */
	LOCKDEP_SLEEP, /* waits sleeping */
};

/* lock_acquire()'s @how, or-ed. */
#define LOCKDEP_TRY  1u /* did not wait, so it orders nothing before it */
#define LOCKDEP_READ 2u /* shared; may nest in itself */

/* Subclasses tell apart locks of one class taken together in a known order:
 * parent before child, lower address first. */
#define LOCKDEP_SUBCLASSES   8
#define SINGLE_DEPTH_NESTING 1

/* How many locks one task may hold together with the interrupts on top. */
#define LOCKDEP_MAX_HELD 32

#if CONFIG_DEBUG

struct lockdep_map {
	const char *name;
	const struct lock_class_key *key; /* NULL: the map's own address */
	u8 type;
	u16 classes[LOCKDEP_SUBCLASSES]; /* looked up once; 0: not yet */
	unsigned long acquired_at;	 /* by the owner */
};

struct held_lock {
	struct lockdep_map *map;
	unsigned long pc; /* who took it */
	u16 class;
	u8 how;
	u8 context; /* of enum lockdep_context: a new one starts a new chain */
};

/* In every struct task. */
struct lockdep_task {
	unsigned int depth;
	struct held_lock held[LOCKDEP_MAX_HELD];
};

#define LOCKDEP_MAP(field)  struct lockdep_map field;
#define LOCKDEP_TASK(field) struct lockdep_task field;
#define LOCKDEP_MAP_INIT_TYPE(field, lockname, type_)                          \
	.field = {.name = #lockname, .type = type_},

/* At run time, for locks made by the same line of code: @key is that line's. */
void lockdep_init_map(struct lockdep_map *map, const char *name,
		      struct lock_class_key *key, enum lockdep_type type);
void lock_acquire(struct lockdep_map *map, unsigned int subclass,
		  unsigned int how, unsigned long pc);
void lock_release(struct lockdep_map *map, unsigned long pc);
bool lock_is_held(const struct lockdep_map *map);

/* Forget what is known of the class of @map, which nobody holds.  For tests. */
void lockdep_forget(struct lockdep_map *map);

/* This task is at a point where it must hold no lock: it exits, or returns to
 * a loop that holds none. */
void lockdep_assert_none_held(void);

/* What every CPU's task holds now; for reports.  Any context. */
void lockdep_print_held(void);

/* How much it has learnt, and whether it still looks: full tables end that. */
struct lockdep_stats {
	unsigned int classes, edges;
	bool on;
};
void lockdep_get_stats(struct lockdep_stats *stats);

/* Does the memory about to be freed hold a lock that is held? */
void lockdep_check_freed(const void *start, size_t size);

void __assert_held(const struct lockdep_map *map, const char *what,
		   const char *file, int line);
void __assert_irqs_off(const char *file, int line);

#define assert_held(lock)                                                      \
	__assert_held(&(lock)->dep_map, #lock, __FILE__, __LINE__)
#define assert_irqs_off() __assert_irqs_off(__FILE__, __LINE__)

#else /* !CONFIG_DEBUG */

#define LOCKDEP_MAP(field)
#define LOCKDEP_TASK(field)
#define LOCKDEP_MAP_INIT_TYPE(field, lockname, type)
#define lockdep_init_map(map, name, key, type) ((void)(name), (void)(key))
#define lock_acquire(map, subclass, how, pc)   ((void)0)
#define lock_release(map, pc)		       ((void)0)
#define lock_is_held(map)		       true
#define lockdep_assert_none_held()	       ((void)0)
#define lockdep_print_held()		       ((void)0)
#define lockdep_check_freed(start, size)       ((void)(start), (void)(size))

#define assert_held(lock) ((void)(lock))
#define assert_irqs_off() ((void)0)

#endif

/* In a static initialiser, after the other members: of a lock that sleeps. */
#define LOCKDEP_MAP_INIT(field, lockname)                                      \
	LOCKDEP_MAP_INIT_TYPE(field, lockname, LOCKDEP_SLEEP)

#define lockdep_assert_held(lock)      assert_held(lock)
#define lockdep_assert_irqs_disabled() assert_irqs_off()

/* For rcu_dereference_protected() and its like; true where nobody watches. */
#define lockdep_is_held(lock) lock_is_held(&(lock)->dep_map)

/* The address to give as @pc. */
#define lockdep_here() ((unsigned long)__builtin_return_address(0))
