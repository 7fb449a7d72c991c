/* SPDX-License-Identifier: MIT */
/*
 * wait.c - queues of tasks that wait for something to become true.
 *
 * Ordinary waiters stand at the head, exclusive ones at the end, so one pass
 * wakes all of the former and the first few of the latter.  A woken entry takes
 * itself off, under the lock the waker holds.
 *
 * Locks: queue->lock, then what waking takes.
 */
#include <errno.h>
#include <kernel/core/wait.h>

/* lock held */
static void queue_entry(struct wait_queue_head *q, struct wait_queue_entry *e)
{
	assert_held(&q->lock);
	if (e->flags & WQ_FLAG_EXCLUSIVE)
		list_add_tail(&e->entry, &q->head);
	else
		list_add(&e->entry, &q->head);
}

void add_wait_queue(struct wait_queue_head *q, struct wait_queue_entry *e)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	queue_entry(q, e);
	spin_unlock_irqrestore(&q->lock, flags);
}

void add_wait_queue_exclusive(struct wait_queue_head *q,
			      struct wait_queue_entry *e)
{
	e->flags |= WQ_FLAG_EXCLUSIVE;
	add_wait_queue(q, e);
}

void remove_wait_queue(struct wait_queue_head *q, struct wait_queue_entry *e)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	list_del_init(&e->entry);
	spin_unlock_irqrestore(&q->lock, flags);
}

int prepare_to_wait_event(struct wait_queue_head *q, struct wait_queue_entry *e,
			  unsigned int state)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&q->lock, flags);
	if (unlikely(kill_pending_state(state, current))) {
		/* An exclusive wakeup must not be spent on one that gives up:
		 * if it already was, the caller sees its condition true and
		 * takes it, for that is tested before this error. */
		list_del_init(&e->entry);
		err = -EINTR;
	} else {
		if (list_empty(&e->entry))
			queue_entry(q, e);
		/* Pairs with the barrier in try_to_wake_up(): the condition is
		 * tested after the state is stored. */
		set_current_state(state);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return err;
}

void prepare_to_wait(struct wait_queue_head *q, struct wait_queue_entry *e,
		     unsigned int state)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	if (list_empty(&e->entry))
		queue_entry(q, e);
	set_current_state(state); /* as above */
	spin_unlock_irqrestore(&q->lock, flags);
}

void prepare_to_wait_exclusive(struct wait_queue_head *q,
			       struct wait_queue_entry *e, unsigned int state)
{
	e->flags |= WQ_FLAG_EXCLUSIVE;
	prepare_to_wait(q, e, state);
}

void finish_wait(struct wait_queue_head *q, struct wait_queue_entry *e)
{
	unsigned long flags;

	__set_current_state(TASK_RUNNING);
	/* The lock even if @e is off the queue: its waker may still hold it,
	 * and is not done with @e before it lets go. */
	spin_lock_irqsave(&q->lock, flags);
	list_del_init(&e->entry);
	spin_unlock_irqrestore(&q->lock, flags);
}

bool default_wake_function(struct wait_queue_entry *e, unsigned int state)
{
	return wake_up_state(e->task, state);
}

bool autoremove_wake_function(struct wait_queue_entry *e, unsigned int state)
{
	bool woke = wake_up_state(e->task, state);

	if (woke)
		list_del_init(&e->entry);
	return woke;
}

void __wake_up_locked(struct wait_queue_head *q, unsigned int state,
		      int nr_exclusive)
{
	struct wait_queue_entry *e, *next;

	assert_held(&q->lock);
	list_for_each_entry_safe(e, next, &q->head, entry) {
		bool exclusive = e->flags & WQ_FLAG_EXCLUSIVE;

		if (e->func(e, state) && exclusive && !--nr_exclusive)
			break;
	}
}

void __wake_up(struct wait_queue_head *q, unsigned int state, int nr_exclusive)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	__wake_up_locked(q, state, nr_exclusive);
	spin_unlock_irqrestore(&q->lock, flags);
}
