/* SPDX-License-Identifier: MIT */
/*
 * completion.c - a count of "done", under the lock of its wait queue.
 *
 * Everything happens under that lock, the waiter's last look included: when a
 * wait returns, complete() has let go of the completion (its unlock is its last
 * access), so the waiter may free it.
 */
#include <errno.h>
#include <kernel/core/completion.h>

static void complete_n(struct completion *c, bool all)
{
	unsigned long flags;

	spin_lock_irqsave(&c->wait.lock, flags);
	if (all)
		c->done = COMPLETION_ALL;
	else if (c->done < COMPLETION_ALL - 1)
		c->done++;
	__wake_up_locked(&c->wait, TASK_NORMAL, all ? 0 : 1);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void complete(struct completion *c)
{
	complete_n(c, false);
}

void complete_all(struct completion *c)
{
	complete_n(c, true);
}

/* lock held: take one "done" if there is one. */
static bool take_done(struct completion *c)
{
	assert_held(&c->wait.lock);
	if (!c->done)
		return false;
	if (c->done != COMPLETION_ALL)
		c->done--;
	return true;
}

/* What is left of @ns, at least 1; 0 when they passed; -EINTR. */
static s64 wait_common(struct completion *c, unsigned int state, s64 ns)
{
	DEFINE_WAIT(wait);
	bool done, killed = false;

	might_sleep();
	wait.flags = WQ_FLAG_EXCLUSIVE;
	spin_lock_irq(&c->wait.lock);
	while (!(done = take_done(c)) && ns > 0) {
		killed = kill_pending_state(state, current);
		if (killed)
			break;
		if (list_empty(&wait.entry))
			list_add_tail(&wait.entry, &c->wait.head);
		__set_current_state(state); /* complete() needs our lock */
		spin_unlock_irq(&c->wait.lock);
		ns = schedule_timeout(ns);
		spin_lock_irq(&c->wait.lock);
	}
	/* If complete() spent its wakeup on one that gave up, it would have
	 * raised done, and done would have been taken. */
	list_del_init(&wait.entry);
	spin_unlock_irq(&c->wait.lock);
	return done ? max(ns, (s64)1) : killed ? -EINTR : 0;
}

void wait_for_completion(struct completion *c)
{
	wait_common(c, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
}

s64 wait_for_completion_timeout(struct completion *c, s64 ns)
{
	return wait_common(c, TASK_UNINTERRUPTIBLE, ns);
}

int wait_for_completion_killable(struct completion *c)
{
	s64 ret = wait_common(c, TASK_KILLABLE, MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

s64 wait_for_completion_killable_timeout(struct completion *c, s64 ns)
{
	return wait_common(c, TASK_KILLABLE, ns);
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&c->wait.lock, flags);
	done = take_done(c);
	spin_unlock_irqrestore(&c->wait.lock, flags);
	return done;
}

bool completion_done(struct completion *c)
{
	unsigned long flags;
	bool done;

	/* Under the lock, so that complete() is over if this says so. */
	spin_lock_irqsave(&c->wait.lock, flags);
	done = c->done;
	spin_unlock_irqrestore(&c->wait.lock, flags);
	return done;
}
