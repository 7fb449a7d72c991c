/* SPDX-License-Identifier: MIT */
/*
 * semaphore.h - up to @count holders at a time; the others sleep, in order.
 *
 * Nobody owns a semaphore: down() in one task and up() in another, or in an
 * interrupt, is its use.
 */
#pragma once
#include <kernel/core/spinlock.h>
#include <lib/list.h>

struct semaphore {
	spinlock_t lock;

	/* Under lock. */
	unsigned int count;
	struct list_head waiters;
};

#define __SEMAPHORE_INITIALIZER(name, n)                                       \
	{                                                                      \
		.lock = __SPIN_LOCK_UNLOCKED((name).lock), .count = (n),       \
		.waiters = LIST_HEAD_INIT((name).waiters),                     \
	}
#define DEFINE_SEMAPHORE(name, n)                                              \
	struct semaphore name = __SEMAPHORE_INITIALIZER(name, n)

#define sema_init(s, n)                                                        \
	do {                                                                   \
		spin_lock_init(&(s)->lock);                                    \
		(s)->count = (n);                                              \
		INIT_LIST_HEAD(&(s)->waiters);                                 \
	} while (0)

void down(struct semaphore *s);

/* 0, or -EINTR when the task was killed while it waited: nothing else
 * interrupts a task, so there is one wait under two names. */
int down_killable(struct semaphore *s);
#define down_interruptible(s) down_killable(s)

/* 0, or -ETIME when @ns nanoseconds passed first. */
int down_timeout(struct semaphore *s, s64 ns);

/* 0 when it was taken, 1 when not: the other way round than spin_trylock() and
 * mutex_trylock(), as ever.  Any context but NMI. */
int __must_check down_trylock(struct semaphore *s);

/* Any context but NMI. */
void up(struct semaphore *s);
