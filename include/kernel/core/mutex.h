/* SPDX-License-Identifier: MIT */
/*
 * mutex.h - one task at a time; the others sleep.
 *
 * The owner unlocks, no one else.  Not recursive.  Tasks only: interrupts and
 * holders of spinlocks may not take, try or release one.
 */
#pragma once
#include <kernel/core/lockdep.h>
#include <kernel/core/spinlock.h>
#include <lib/atomic.h>
#include <lib/list.h>

struct task;

struct mutex {
	/* Any CPU, atomically: the owner's struct task, and flags in bits 0-1
	 * (mutex.c). */
	atomic_long_t owner;

	/* Under wait_lock. */
	spinlock_t wait_lock;
	struct list_head waiters;

	LOCKDEP_MAP(dep_map)
};

#define __MUTEX_INITIALIZER(name)                                              \
	{                                                                      \
		.owner = ATOMIC_LONG_INIT(0),                                  \
		.wait_lock = __SPIN_LOCK_UNLOCKED((name).wait_lock),           \
		.waiters = LIST_HEAD_INIT((name).waiters),                     \
		LOCKDEP_MAP_INIT(dep_map, name)                                \
	}
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

/* Each place that initialises a mutex is a lock class of its own. */
#define mutex_init(m)                                                          \
	do {                                                                   \
		static struct lock_class_key __key;                            \
                                                                               \
		__mutex_init(m, #m, &__key);                                   \
	} while (0)
void __mutex_init(struct mutex *m, const char *name,
		  struct lock_class_key *key);

/* Nobody may hold it or wait for it. */
void mutex_destroy(struct mutex *m);

void mutex_lock(struct mutex *m);

/* With others of its class held, in an order that @subclass names. */
void mutex_lock_nested(struct mutex *m, unsigned int subclass);

void mutex_unlock(struct mutex *m);

/* Whether it was taken. */
bool mutex_trylock(struct mutex *m);

/* 0, or -EINTR when the task was killed while it waited; nothing else
 * interrupts it. */
int __must_check mutex_lock_killable(struct mutex *m);
#define mutex_lock_interruptible(m) mutex_lock_killable(m)

/* By anybody; a snapshot. */
bool mutex_is_locked(struct mutex *m);

/* By the current task: exact. */
bool mutex_is_held(struct mutex *m);
