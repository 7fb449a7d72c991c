/* SPDX-License-Identifier: MIT */
/*
 * wait.h - sleep until something is true.
 *
 *	wait_event(q, done);		smp_store_release(&done, true);
 *					wake_up(&q);
 *
 * The waiter queues itself and sets its state before it tests the condition;
 * the waker makes the condition true before it looks at the queue.  Whoever
 * comes second sees the other, so no wakeup is lost and wake_up() needs no
 * lock around the condition.
 *
 * Conditions are evaluated many times, some of them with the task's state no
 * longer TASK_RUNNING: they must not sleep.  Waiting needs a task that can
 * sleep; waking is safe in any context but NMI.
 */
#pragma once
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <lib/list.h>

struct wait_queue_head {
	spinlock_t lock;
	struct list_head head; /* under lock */
};
typedef struct wait_queue_head wait_queue_head_t;

/* Only one exclusive waiter is woken by a wake_up(); they queue at the end. */
#define WQ_FLAG_EXCLUSIVE 1u

struct wait_queue_entry {
	/* Fixed while queued. */
	unsigned int flags;
	struct task *task;
	/* Returns whether it woke somebody; called under the queue's lock. */
	bool (*func)(struct wait_queue_entry *e, unsigned int state);

	/* Under the queue's lock. */
	struct list_head entry;
};
typedef struct wait_queue_entry wait_queue_entry_t;

#define __WAIT_QUEUE_HEAD_INIT(name)                                           \
	{                                                                      \
		.lock = __SPIN_LOCK_UNLOCKED((name).lock),                     \
		.head = LIST_HEAD_INIT((name).head),                           \
	}
#define DECLARE_WAIT_QUEUE_HEAD(name)                                          \
	struct wait_queue_head name = __WAIT_QUEUE_HEAD_INIT(name)

#define init_waitqueue_head(q)                                                 \
	do {                                                                   \
		spin_lock_init(&(q)->lock);                                    \
		INIT_LIST_HEAD(&(q)->head);                                    \
	} while (0)

/* Wakes the task and takes itself off the queue. */
bool autoremove_wake_function(struct wait_queue_entry *e, unsigned int state);
/* Wakes the task and stays. */
bool default_wake_function(struct wait_queue_entry *e, unsigned int state);

#define DEFINE_WAIT_FUNC(name, function)                                       \
	struct wait_queue_entry name = {                                       \
		.task = current,                                               \
		.func = (function),                                            \
		.entry = LIST_HEAD_INIT((name).entry),                         \
	}
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)

/* For add_wait_queue(): stays on the queue until it is taken off. */
#define DECLARE_WAITQUEUE(name, tsk)                                           \
	struct wait_queue_entry name = {                                       \
		.task = (tsk),                                                 \
		.func = default_wake_function,                                 \
		.entry = LIST_HEAD_INIT((name).entry),                         \
	}
static inline void init_waitqueue_entry(struct wait_queue_entry *e,
					struct task *task)
{
	*e = (struct wait_queue_entry){.task = task,
				       .func = default_wake_function};
	INIT_LIST_HEAD(&e->entry);
}

/* The entry as the caller filled it; its state is the caller's business. */
void add_wait_queue(struct wait_queue_head *q, struct wait_queue_entry *e);
void add_wait_queue_exclusive(struct wait_queue_head *q,
			      struct wait_queue_entry *e);
void remove_wait_queue(struct wait_queue_head *q, struct wait_queue_entry *e);

/* Queue @e unless it is queued, and set the state.  The condition is tested
 * after this. */
void prepare_to_wait(struct wait_queue_head *q, struct wait_queue_entry *e,
		     unsigned int state);
void prepare_to_wait_exclusive(struct wait_queue_head *q,
			       struct wait_queue_entry *e, unsigned int state);

/* prepare_to_wait(), or -EINTR, with @e off the queue, when @state lets a kill
 * through and the task has been killed. */
int prepare_to_wait_event(struct wait_queue_head *q, struct wait_queue_entry *e,
			  unsigned int state);

/* TASK_RUNNING, and @e off the queue. */
void finish_wait(struct wait_queue_head *q, struct wait_queue_entry *e);

/* Wakes all ordinary waiters and up to @nr_exclusive exclusive ones (0: all)
 * whose state is in @state. */
void __wake_up(struct wait_queue_head *q, unsigned int state, int nr_exclusive);
void __wake_up_locked(struct wait_queue_head *q, unsigned int state,
		      int nr_exclusive);

#define wake_up(q)		     __wake_up(q, TASK_NORMAL, 1)
#define wake_up_nr(q, nr)	     __wake_up(q, TASK_NORMAL, nr)
#define wake_up_all(q)		     __wake_up(q, TASK_NORMAL, 0)
#define wake_up_interruptible(q)     __wake_up(q, TASK_INTERRUPTIBLE, 1)
#define wake_up_interruptible_all(q) __wake_up(q, TASK_INTERRUPTIBLE, 0)
#define wake_up_locked(q)	     __wake_up_locked(q, TASK_NORMAL, 1)
#define wake_up_all_locked(q)	     __wake_up_locked(q, TASK_NORMAL, 0)

/*
 * A hint only, unless the caller orders its store of the condition before this
 * load (smp_mb(), pairing with set_current_state() in prepare_to_wait()).
 */
static inline bool waitqueue_active(struct wait_queue_head *q)
{
	return !list_empty(&q->head);
}

/* As above, with that barrier inside. */
static inline bool wq_has_sleeper(struct wait_queue_head *q)
{
	smp_mb(); /* pairs with set_current_state() in prepare_to_wait() */
	return waitqueue_active(q);
}

/* -- wait_event -------------------------------------------------------------- */

#define ___wait_event(q, cond, state, exclusive_flag, ret_type, ret_init,      \
		      sleep)                                                   \
	({                                                                     \
		ret_type __ret = (ret_init);                                   \
		DEFINE_WAIT(__wait);                                           \
                                                                               \
		__wait.flags = (exclusive_flag);                               \
		for (;;) {                                                     \
			int __err =                                            \
				prepare_to_wait_event(&(q), &__wait, state);   \
                                                                               \
			if (cond)                                              \
				break;                                         \
			if (__err) {                                           \
				__ret = __err;                                 \
				break;                                         \
			}                                                      \
			sleep;                                                 \
		}                                                              \
		finish_wait(&(q), &__wait);                                    \
		__ret;                                                         \
	})

/* Until @cond, whatever happens. */
#define wait_event(q, cond)                                                    \
	do {                                                                   \
		might_sleep();                                                 \
		if (cond)                                                      \
			break;                                                 \
		(void)___wait_event(q, cond, TASK_UNINTERRUPTIBLE, 0, int, 0,  \
				    schedule());                               \
	} while (0)

/*
 * One of many that would each do: wake_up() wakes only one of these.  It may be
 * one that just found @cond true by itself, for another's sake, and is about to
 * leave: so whoever may be the last to take one for a while calls wake_up()
 * once more, for what may be left.
 */
#define wait_event_exclusive(q, cond)                                          \
	do {                                                                   \
		might_sleep();                                                 \
		if (cond)                                                      \
			break;                                                 \
		(void)___wait_event(q, cond, TASK_UNINTERRUPTIBLE,             \
				    WQ_FLAG_EXCLUSIVE, int, 0, schedule());    \
	} while (0)

/* 0 once @cond holds; -EINTR when the task was killed first. */
#define wait_event_killable(q, cond)                                           \
	({                                                                     \
		int __r = 0;                                                   \
                                                                               \
		might_sleep();                                                 \
		if (!(cond))                                                   \
			__r = ___wait_event(q, cond, TASK_KILLABLE, 0, int, 0, \
					    schedule());                       \
		__r;                                                           \
	})
#define wait_event_interruptible(q, cond)                                      \
	({                                                                     \
		int __r = 0;                                                   \
                                                                               \
		might_sleep();                                                 \
		if (!(cond))                                                   \
			__r = ___wait_event(q, cond, TASK_INTERRUPTIBLE, 0,    \
					    int, 0, schedule());               \
		__r;                                                           \
	})

/* The same, as exclusive waiters.  A wakeup spent on one that was killed is not
 * lost: it has its condition tested first, and takes what it came for. */
#define __wait_event_exclusive_state(q, cond, state)                           \
	({                                                                     \
		int __r = 0;                                                   \
                                                                               \
		might_sleep();                                                 \
		if (!(cond))                                                   \
			__r = ___wait_event(q, cond, state, WQ_FLAG_EXCLUSIVE, \
					    int, 0, schedule());               \
		__r;                                                           \
	})
#define wait_event_killable_exclusive(q, cond)                                 \
	__wait_event_exclusive_state(q, cond, TASK_KILLABLE)
#define wait_event_interruptible_exclusive(q, cond)                            \
	__wait_event_exclusive_state(q, cond, TASK_INTERRUPTIBLE)

/* @lock, taken with spin_lock_irq(), protects the condition: it is held whenever
 * @cond is evaluated, and on return, and released meanwhile. */
#define wait_event_lock_irq(q, cond, lock)                                     \
	do {                                                                   \
		if (cond)                                                      \
			break;                                                 \
		(void)___wait_event(q, cond, TASK_UNINTERRUPTIBLE, 0, int, 0,  \
				    spin_unlock_irq(&(lock));                  \
				    schedule(); spin_lock_irq(&(lock)));       \
	} while (0)

/* For loops with a timeout in ns: true ends the loop, and *@left is then at
 * least 1 if @held. */
static inline bool __wait_timed_out(bool held, s64 *left)
{
	if (held && !*left)
		*left = 1;
	return held || !*left;
}

/*
 * 0 when @ns nanoseconds passed and @cond still does not hold; otherwise what
 * was left of them, at least 1.
 */
#define wait_event_timeout(q, cond, ns)                                        \
	({                                                                     \
		s64 __left = (ns);                                             \
                                                                               \
		might_sleep();                                                 \
		if (!__wait_timed_out(cond, &__left))                          \
			(void)___wait_event(                                   \
				q, __wait_timed_out(cond, &__left),            \
				TASK_UNINTERRUPTIBLE, 0, int, 0,               \
				__left = schedule_timeout(__left));            \
		__left;                                                        \
	})

/* The same, or -EINTR when the task was killed first. */
#define wait_event_killable_timeout(q, cond, ns)                               \
	__wait_event_state_timeout(q, cond, TASK_KILLABLE, ns)
#define wait_event_interruptible_timeout(q, cond, ns)                          \
	__wait_event_state_timeout(q, cond, TASK_INTERRUPTIBLE, ns)
#define __wait_event_state_timeout(q, cond, state, ns)                         \
	({                                                                     \
		s64 __left = (ns);                                             \
		int __r = 0;                                                   \
                                                                               \
		might_sleep();                                                 \
		if (!__wait_timed_out(cond, &__left))                          \
			__r = ___wait_event(                                   \
				q, __wait_timed_out(cond, &__left), state, 0,  \
				int, 0, __left = schedule_timeout(__left));    \
		__r ? (s64)__r : __left;                                       \
	})
