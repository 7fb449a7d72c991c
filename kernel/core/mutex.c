/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - a lock whose waiters sleep.
 *
 * Problem.    Usually nobody waits: then lock and unlock should be one atomic
 *             operation each.  When somebody does, he must not starve.
 * Idea.       One word holds the owner and two flags:
 *
 *		MUTEX_WAITERS	somebody waits: unlock has to look at the list
 *		MUTEX_HANDOFF	unlock gives it to the first waiter
 *
 *             Without flags, both are a compare-and-exchange.  Once a waiter has
 *             set MUTEX_WAITERS, letting go happens under wait_lock, where
 *             waiters also test the word before they sleep: no wakeup is lost.
 * Fairness.   A woken waiter may find that another was faster: that keeps the
 *             lock busy while the waiter is on its way.  But when it loses, it
 *             asks for a hand-off, and the next owner is that waiter.
 * Order.      Whoever takes it (_acquire) sees what its last owner did before
 *             letting go (_release): each of the one pairs with each of the other.
 * Rejected.   Spinning while the owner runs: with virtual CPUs, the owner's
 *             may not be running although it looks so, and whoever spins for it
 *             uses up the time that it needs.
 *
 * Locks: wait_lock, then what waking takes.  Tasks only, so interrupts stay on.
 */
#include <errno.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>

#define MUTEX_WAITERS 1ul
#define MUTEX_HANDOFF 2ul
#define MUTEX_FLAGS   3ul

struct mutex_waiter {
	struct list_head entry; /* under wait_lock */
	struct task *task;
};

static inline struct task *owner_of(unsigned long word)
{
	return (struct task *)(word & ~MUTEX_FLAGS);
}

void __mutex_init(struct mutex *m, const char *name, struct lock_class_key *key)
{
	atomic_long_set(&m->owner, 0);
	spin_lock_init(&m->wait_lock);
	INIT_LIST_HEAD(&m->waiters);
	lockdep_init_map(&m->dep_map, name, key, LOCKDEP_SLEEP);
}

void mutex_destroy(struct mutex *m)
{
	WARN_ON(atomic_long_read(&m->owner));
	WARN_ON(!list_empty(&m->waiters));
	lockdep_check_freed(m, sizeof(*m));
}

/* -- Taking ------------------------------------------------------------------ */

static inline bool take_uncontended(struct mutex *m)
{
	long unlocked = 0;

	return atomic_long_try_cmpxchg_acquire(&m->owner, &unlocked,
					       (long)current);
}

/* Whether it is ours now.  Flags stay as they are. */
static bool take_if_free(struct mutex *m)
{
	long word = atomic_long_read(&m->owner);

	do {
		if (owner_of(word))
			return owner_of(word) == current;
	} while (!atomic_long_try_cmpxchg_acquire(&m->owner, &word,
						  word | (long)current));
	return true;
}

/* wait_lock held. */
static void remove_waiter(struct mutex *m, struct mutex_waiter *w)
{
	list_del(&w->entry);
	atomic_long_andnot(list_empty(&m->waiters) ? MUTEX_FLAGS
						   : MUTEX_HANDOFF,
			   &m->owner);
}

static int lock_slow(struct mutex *m, unsigned int state)
{
	struct mutex_waiter w = {.task = current};
	bool lost = false;
	int err = 0;

	BUG_ON(owner_of(atomic_long_read(&m->owner)) == current);
	spin_lock(&m->wait_lock);
	list_add_tail(&w.entry, &m->waiters);
	atomic_long_or(MUTEX_WAITERS, &m->owner);
	/* take_if_free() also finds that it was handed to us. */
	while (!take_if_free(m)) {
		if (kill_pending_state(state, current)) {
			err = -EINTR;
			break;
		}
		if (lost && list_first_entry(&m->waiters, struct mutex_waiter,
					     entry) == &w)
			atomic_long_or(MUTEX_HANDOFF, &m->owner);
		__set_current_state(state); /* unlock needs wait_lock */
		spin_unlock(&m->wait_lock);
		schedule();
		lost = true;
		spin_lock(&m->wait_lock);
	}
	remove_waiter(m, &w);
	spin_unlock(&m->wait_lock);
	return err;
}

void mutex_lock(struct mutex *m)
{
	might_sleep();
	lock_acquire(&m->dep_map, 0, 0, lockdep_here());
	if (unlikely(!take_uncontended(m)))
		lock_slow(m, TASK_UNINTERRUPTIBLE);
}

void mutex_lock_nested(struct mutex *m, unsigned int subclass)
{
	might_sleep();
	lock_acquire(&m->dep_map, subclass, 0, lockdep_here());
	if (unlikely(!take_uncontended(m)))
		lock_slow(m, TASK_UNINTERRUPTIBLE);
}

int mutex_lock_killable(struct mutex *m)
{
	int err = 0;

	might_sleep();
	lock_acquire(&m->dep_map, 0, 0, lockdep_here());
	if (unlikely(!take_uncontended(m)))
		err = lock_slow(m, TASK_KILLABLE);
	if (err)
		lock_release(&m->dep_map, lockdep_here());
	return err;
}

bool mutex_trylock(struct mutex *m)
{
	/* What an interrupt takes in a task's name, the task may release. */
	DEBUG_WARN_ON(!in_task());
	/* Waiters come first: only a word of 0 will do. */
	if (!take_uncontended(m))
		return false;
	lock_acquire(&m->dep_map, 0, LOCKDEP_TRY, lockdep_here());
	return true;
}

/* -- Letting go -------------------------------------------------------------- */

static void unlock_slow(struct mutex *m)
{
	struct mutex_waiter *first;
	unsigned long word;

	spin_lock(&m->wait_lock);
	word = atomic_long_read(&m->owner);
	BUG_ON(owner_of(word) != current);
	first = list_first_entry_or_null(&m->waiters, struct mutex_waiter,
					 entry);
	/* Nobody else changes the word while it has an owner, but for flags,
	 * and those under wait_lock. */
	if (first && (word & MUTEX_HANDOFF))
		atomic_long_set_release(&m->owner,
					(long)first->task | MUTEX_WAITERS);
	else
		atomic_long_set_release(&m->owner, first ? MUTEX_WAITERS : 0);
	if (first)
		wake_up_process(first->task);
	spin_unlock(&m->wait_lock);
}

void mutex_unlock(struct mutex *m)
{
	long mine = (long)current;

	lock_release(&m->dep_map, lockdep_here());
	if (unlikely(!atomic_long_try_cmpxchg_release(&m->owner, &mine, 0)))
		unlock_slow(m);
}

/* -- Asking ------------------------------------------------------------------ */

bool mutex_is_locked(struct mutex *m)
{
	return owner_of(atomic_long_read(&m->owner));
}

bool mutex_is_held(struct mutex *m)
{
	return owner_of(atomic_long_read(&m->owner)) == current;
}
