/* SPDX-License-Identifier: MIT */
/*
 * semaphore.c - a count, and those who wait for it in order.
 *
 * up() hands its unit straight to the first waiter instead of adding it to the
 * count: nobody who comes later can take it first, so waiters never starve, and
 * a waiter that is woken need not look again.
 */
#include <errno.h>
#include <kernel/core/sched.h>
#include <kernel/core/semaphore.h>

struct semaphore_waiter {
	/* Under the semaphore's lock. */
	struct list_head entry;
	struct task *task;
	bool granted;
};

int down_trylock(struct semaphore *s)
{
	unsigned long flags;
	bool got;

	spin_lock_irqsave(&s->lock, flags);
	got = s->count > 0;
	if (got)
		s->count--;
	spin_unlock_irqrestore(&s->lock, flags);
	return !got;
}

/* lock held, dropped while asleep. */
static int wait_granted(struct semaphore *s, unsigned int state, s64 ns)
{
	struct semaphore_waiter w = {.task = current};
	int err = 0;

	list_add_tail(&w.entry, &s->waiters);
	while (!w.granted) {
		if (kill_pending_state(state, current))
			err = -EINTR;
		else if (ns <= 0)
			err = -ETIME;
		if (err) {
			list_del(&w.entry);
			break;
		}
		__set_current_state(state); /* up() needs our lock */
		spin_unlock_irq(&s->lock);
		ns = schedule_timeout(ns);
		spin_lock_irq(&s->lock);
	}
	return err;
}

static int down_common(struct semaphore *s, unsigned int state, s64 ns)
{
	int err = 0;

	might_sleep();
	spin_lock_irq(&s->lock);
	if (s->count > 0)
		s->count--;
	else
		err = wait_granted(s, state, ns);
	spin_unlock_irq(&s->lock);
	return err;
}

void down(struct semaphore *s)
{
	down_common(s, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
}

int down_killable(struct semaphore *s)
{
	return down_common(s, TASK_KILLABLE, MAX_SCHEDULE_TIMEOUT);
}

int down_timeout(struct semaphore *s, s64 ns)
{
	return down_common(s, TASK_UNINTERRUPTIBLE, ns);
}

void up(struct semaphore *s)
{
	struct semaphore_waiter *w;
	unsigned long flags;

	spin_lock_irqsave(&s->lock, flags);
	w = list_first_entry_or_null(&s->waiters, struct semaphore_waiter,
				     entry);
	if (w) {
		list_del(&w->entry);
		w->granted = true;
		wake_up_process(w->task);
	} else {
		s->count++;
	}
	spin_unlock_irqrestore(&s->lock, flags);
}
