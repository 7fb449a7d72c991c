/* SPDX-License-Identifier: MIT */
/*
 * workqueue_sync.c - wait for items, and take them back.
 *
 * Cancelling is taking WORK_PENDING away from whoever has it.  A timer or a
 * list can be robbed; who holds the bit for a moment only (queue_work(), a timer
 * that fires) has interrupts off, so it is waited for by spinning; and another
 * cancel_work_sync(), which holds it while it sleeps, says so with
 * WORK_CANCELING and is waited for asleep.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <errno.h>
#include <kernel/core/panic.h>
#include "workqueue_impl.h"

/* Those who wait for any WORK_CANCELING to be cleared.  Not in the item: that may
 * be freed as soon as it is. */
static DECLARE_WAIT_QUEUE_HEAD(cancel_wait);

/* The pool that @work was last in, locked; NULL if it never was in one. */
static struct worker_pool *lock_pool_of(struct work_struct *work,
					unsigned long *flags)
{
	struct worker_pool *pool;

	while ((pool = READ_ONCE(work->pool))) {
		spin_lock_irqsave(&pool->lock, *flags);
		if (pool == READ_ONCE(work->pool))
			break;
		spin_unlock_irqrestore(&pool->lock, *flags);
	}
	return pool;
}

/* pool->lock held: is it queued here? */
static bool queued_in(struct worker_pool *pool, struct work_struct *work)
{
	/* Pairs with the release in list_work(): then pool is as new. */
	return smp_load_acquire(&work->where) != WORK_NOWHERE &&
	       READ_ONCE(work->pool) == pool;
}

/* -- Waiting for one item ------------------------------------------------------ */

/* Until the queued instance has run, if @queued_too, else the running one. */
static bool wait_for_work(struct work_struct *work, bool queued_too)
{
	struct work_waiter waiter = {.work = work};
	struct work_class class __maybe_unused;
	struct worker_pool *pool;
	struct worker *w;
	unsigned long flags;

	assert_can_sleep();
	if (WARN_ON(current_work() == work))
		return false;
	/* Whether or not there is something to wait for today. */
	work_class_init(&class, work->func);
	lock_acquire(&class.dep_map, 0, 0, lockdep_here());
	lock_release(&class.dep_map, lockdep_here());

	pool = lock_pool_of(work, &flags);
	if (!pool)
		return false;
	init_completion(&waiter.done);
	if (queued_too && queued_in(pool, work)) {
		list_add_tail(&waiter.node, &pool->waiters);
	} else if ((w = find_busy(pool, work))) {
		list_add_tail(&waiter.node, &w->waiters);
	} else {
		spin_unlock_irqrestore(&pool->lock, flags);
		return false;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	wait_for_completion(&waiter.done);
	return true;
}

bool flush_work(struct work_struct *work)
{
	return wait_for_work(work, true);
}

bool flush_delayed_work(struct delayed_work *dwork)
{
	unsigned long flags;

	local_irq_save(flags);
	if (del_timer(&dwork->timer))
		__queue_work(dwork->cpu, dwork->wq, &dwork->work);
	local_irq_restore(flags);
	return flush_work(&dwork->work);
}

bool work_busy(struct work_struct *work)
{
	struct worker_pool *pool;
	unsigned long flags;
	bool busy;

	if (work_pending(work))
		return true;
	pool = lock_pool_of(work, &flags);
	if (!pool)
		return false;
	busy = find_busy(pool, work);
	spin_unlock_irqrestore(&pool->lock, flags);
	return busy;
}

struct work_struct *current_work(void)
{
	struct worker *w = current_worker();

	return w ? w->work : NULL;
}

/* -- Cancelling ---------------------------------------------------------------- */

/* Who waited for the queued instance waits for the running one, if any. */
static void move_waiters(struct worker_pool *pool, struct work_struct *work)
{
	struct worker *w = find_busy(pool, work);
	struct work_waiter *waiter, *n;

	list_for_each_entry_safe(waiter, n, &pool->waiters, node) {
		if (waiter->work != work)
			continue;
		if (w) {
			list_move_tail(&waiter->node, &w->waiters);
		} else {
			list_del(&waiter->node);
			complete(&waiter->done);
		}
	}
}

static bool take_from_list(struct work_struct *work)
{
	struct pool_workqueue *pwq;
	struct worker_pool *pool;
	unsigned long flags;
	bool queued, active;

	pool = lock_pool_of(work, &flags);
	if (!pool)
		return false;
	queued = queued_in(pool, work);
	if (queued) {
		pwq = work->pwq;
		active = work->where != WORK_INACTIVE;
		unlink_work(pool, work);
		move_waiters(pool, work);
		pwq_done(pwq, work->colour, active);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return queued;
}

/*
 * Interrupts off.  The caller has WORK_PENDING then: 1 if it was queued, 0 if
 * not.  Or it has not: -EBUSY when another cancels, -EAGAIN: soon.
 */
static int grab_pending(struct work_struct *work, struct timer_list *timer)
{
	if (timer && del_timer(timer))
		return 1;
	if (!test_and_set_bit(WORK_PENDING, &work->flags))
		return 0;
	if (take_from_list(work))
		return 1;
	return test_bit(WORK_CANCELING, &work->flags) ? -EBUSY : -EAGAIN;
}

/* The same, patiently: 0, 1 or -EBUSY; interrupts are off on return. */
static int grab_pending_irqsave(struct work_struct *work,
				struct timer_list *timer, unsigned long *flags)
{
	for (;;) {
		int ret;

		local_irq_save(*flags);
		ret = grab_pending(work, timer);
		if (ret != -EAGAIN)
			return ret;
		local_irq_restore(*flags);
		cpu_relax();
	}
}

static bool cancel(struct work_struct *work, struct timer_list *timer)
{
	unsigned long flags;
	int ret = grab_pending_irqsave(work, timer, &flags);

	if (ret >= 0)
		clear_bit(WORK_PENDING, &work->flags);
	local_irq_restore(flags);
	return ret > 0;
}

static bool cancel_sync(struct work_struct *work, struct timer_list *timer)
{
	unsigned long flags;
	int ret;

	assert_can_sleep();
	for (;;) {
		ret = grab_pending_irqsave(work, timer, &flags);
		if (ret >= 0)
			break;
		local_irq_restore(flags);
		wait_event(cancel_wait,
			   !test_bit(WORK_CANCELING, &work->flags));
	}
	set_bit(WORK_CANCELING, &work->flags);
	local_irq_restore(flags);

	/* The bit is ours: its function cannot queue it again. */
	wait_for_work(work, false);

	smp_store_release(&work->flags, 0);
	wake_up_all(&cancel_wait);
	return ret > 0;
}

bool cancel_work(struct work_struct *work)
{
	return cancel(work, NULL);
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	return cancel(&dwork->work, &dwork->timer);
}

bool cancel_work_sync(struct work_struct *work)
{
	return cancel_sync(work, NULL);
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	return cancel_sync(&dwork->work, &dwork->timer);
}

bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq,
			 struct delayed_work *dwork, u64 delay)
{
	unsigned long flags;
	int ret = grab_pending_irqsave(&dwork->work, &dwork->timer, &flags);

	if (ret >= 0)
		__queue_delayed_work(cpu, wq, dwork, delay);
	local_irq_restore(flags);
	return ret > 0;
}

/* -- Waiting for a queue ------------------------------------------------------- */

static bool flushed(struct workqueue_struct *wq, u8 colour)
{
	struct pool_workqueue *pwq;
	int cpu;

	for (cpu = -1; (pwq = next_pwq(wq, &cpu));) {
		/* Pairs with the release in pwq_done(). */
		if (smp_load_acquire(&pwq->in_flight[colour]))
			return false;
	}
	return true;
}

void flush_workqueue(struct workqueue_struct *wq)
{
	struct worker *w = current_worker();
	struct pool_workqueue *pwq;
	u8 old;
	int cpu;

	assert_can_sleep();
	if (WARN(w && w->pwq && w->pwq->wq == wq,
		 "an item of %s would wait for itself", wq->name))
		return;
	lock_acquire(&wq->dep_map, 0, 0, lockdep_here());
	lock_release(&wq->dep_map, lockdep_here());

	mutex_lock(&wq->flush_mutex);
	old = wq->colour;
	wq->colour ^= 1;
	for (cpu = -1; (pwq = next_pwq(wq, &cpu));) {
		spin_lock_irq(&pwq->pool->lock);
		pwq->colour = wq->colour;
		spin_unlock_irq(&pwq->pool->lock);
	}
	wait_event(wq->flush_wait, flushed(wq, old));
	mutex_unlock(&wq->flush_mutex);
}

void drain_workqueue(struct workqueue_struct *wq)
{
	atomic_inc(&wq->nr_drainers);
	do {
		flush_workqueue(wq);
	} while (!flushed(wq, 0) || !flushed(wq, 1));
	atomic_dec(&wq->nr_drainers);
}
