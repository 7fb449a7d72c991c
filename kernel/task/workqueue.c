/* SPDX-License-Identifier: MIT */
/*
 * workqueue.c - queue functions for tasks to call.
 *
 * Problem.    Interrupts and holders of locks have things to do that sleep.  A
 *             task for each user would mostly idle; one task for all would
 *             stand still whenever a function sleeps, and could wait for
 *             itself.
 * Idea.       Users have queues, tasks (workers) belong to pools, one for each
 *             CPU and one for all.  A bound pool lets one worker run at a time,
 *             for more would only take turns, but as soon as that one sleeps,
 *             the next goes on.  The unbound pool has a worker for each item.
 * Sleeping.   schedule() calls worker_sleeps() and worker_runs() (sched.h's
 *             sched_worker_ops, registered downward) around a sleep of a task
 *             with PF_WQ_WORKER: the cost for all others is a test of a flag.
 * Workers.    Made on demand, by one task that does nothing else: a worker that
 *             made its successor could itself be stuck in reclaim.  Those too
 *             many leave after a while.
 * Memory.     If an item waits for 10 ms with nobody to run it, its queue's
 *             rescuer is called, made with the queue, so a WQ_MEM_RECLAIM queue
 *             goes on when nothing can be allocated.  A timer does that, since
 *             the maker may not have failed yet: it may wait for memory that
 *             this very queue would free.
 * Ownership.  Who sets WORK_PENDING owns the item until it is on a list, and
 *             then pool->lock does, until a worker takes it off and clears the
 *             bit, or a canceller keeps it.  work->pool is stored before
 *             work->where, so under the lock of P, where != 0 and pool == P
 *             means that it is queued here, and stays.
 * Alone.      An item is queued where its function still runs, if it does; a
 *             worker that finds an item running beside it hands it over
 *             (worker->scheduled).
 * Flushing.   Each share of a queue counts what is in flight in two colours.  A
 *             flush changes the colour of what is queued next and waits for the
 *             old one's counts to reach 0; flushes of a queue take turns, so
 *             two colours do.  flush_work() hangs a waiter on the item, or on
 *             the worker that runs it: no memory, no barrier items.
 * Rejected.   A pool for each node: worth it once somebody computes on unbound
 *             queues.  Hashing busy workers: there are few.
 *
 * Locks: flush_mutex; then one pool->lock (never two); then mayday_lock, wait
 * queues, timers, and what wakes tasks.
 */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <lib/format.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include "workqueue_impl.h"

struct workqueue_struct *system_wq, *system_unbound_wq;

/* -- Queueing ---------------------------------------------------------------- */

static struct pool_workqueue *pwq_for(struct workqueue_struct *wq, int cpu)
{
	if (wq->flags & WQ_UNBOUND)
		return wq->unbound_pwq;
	if (cpu < 0 || WARN_ON_ONCE(!cpu_online(cpu)))
		cpu = smp_processor_id();
	return per_cpu_ptr(wq->cpu_pwqs, cpu);
}

struct pool_workqueue *next_pwq(struct workqueue_struct *wq, int *cpu)
{
	if (wq->flags & WQ_UNBOUND)
		return (*cpu)++ < 0 ? wq->unbound_pwq : NULL;
	*cpu = cpumask_next(*cpu, cpu_possible_mask);
	return *cpu < NR_CPUS ? per_cpu_ptr(wq->cpu_pwqs, *cpu) : NULL;
}

static void list_work(struct pool_workqueue *pwq, struct work_struct *work)
{
	struct worker_pool *pool = pwq->pool;

	pwq->nr_active++;
	pool->nr_pending++;
	list_add_tail(&work->entry, &pool->worklist);
	/* Pairs with the acquire in lock_queued(). */
	smp_store_release(&work->where, WORK_LISTED);
}

static void insert_work(struct pool_workqueue *pwq, struct work_struct *work)
{
	assert_held(&pwq->pool->lock);
	work->colour = pwq->colour;
	WRITE_ONCE(pwq->in_flight[work->colour],
		   pwq->in_flight[work->colour] + 1);
	work->pwq = pwq;
	WRITE_ONCE(work->pool, pwq->pool);
	if (pwq->nr_active < pwq->max_active) {
		list_work(pwq, work);
		pool_kick(pwq->pool);
	} else {
		list_add_tail(&work->entry, &pwq->inactive);
		smp_store_release(&work->where, WORK_INACTIVE);
	}
}

void unlink_work(struct worker_pool *pool, struct work_struct *work)
{
	assert_held(&pool->lock);
	if (work->where == WORK_LISTED)
		pool->nr_pending--;
	list_del(&work->entry);
	work->pwq = NULL;
	WRITE_ONCE(work->where, WORK_NOWHERE);
}

void pwq_done(struct pool_workqueue *pwq, u8 colour, bool was_active)
{
	unsigned int left = pwq->in_flight[colour] - 1;

	assert_held(&pwq->pool->lock);
	if (was_active) {
		pwq->nr_active--;
		if (!list_empty(&pwq->inactive)) {
			struct work_struct *next = list_first_entry(
				&pwq->inactive, struct work_struct, entry);

			list_del(&next->entry);
			list_work(pwq, next);
			pool_kick(pwq->pool);
		}
	}
	/* Pairs with the acquire in flushed(). */
	smp_store_release(&pwq->in_flight[colour], left);
	if (!left && wq_has_sleeper(&pwq->wq->flush_wait))
		wake_up_all(&pwq->wq->flush_wait);
}

static bool is_chained(struct workqueue_struct *wq)
{
	struct worker *w = current_worker();

	return w && w->pwq && w->pwq->wq == wq;
}

/* If the function still runs in another pool, for @wq: its share there, locked.
 * On one queue, an item never runs twice at once. */
static struct pool_workqueue *lock_where_it_runs(struct workqueue_struct *wq,
						 struct work_struct *work,
						 struct worker_pool *not_here)
{
	struct worker_pool *last = READ_ONCE(work->pool);
	struct worker *w;

	if (!last || last == not_here)
		return NULL;
	spin_lock(&last->lock);
	w = find_busy(last, work);
	if (w && w->pwq->wq == wq)
		return w->pwq;
	spin_unlock(&last->lock);
	return NULL;
}

bool __queue_work(int cpu, struct workqueue_struct *wq,
		  struct work_struct *work)
{
	struct pool_workqueue *pwq, *running;

	if (unlikely(atomic_read(&wq->nr_drainers)) && !is_chained(wq)) {
		WARN(true, "queueing on %s while it is drained", wq->name);
		clear_bit(WORK_PENDING, &work->flags);
		return false;
	}
	pwq = pwq_for(wq, cpu);
	running = lock_where_it_runs(wq, work, pwq->pool);
	if (running)
		pwq = running;
	else
		spin_lock(&pwq->pool->lock);
	insert_work(pwq, work);
	spin_unlock(&pwq->pool->lock);
	return true;
}

/* Interrupts are off from taking WORK_PENDING to giving it away, so who finds
 * it taken need not wait long, and never for what it interrupted. */
bool queue_work_on(int cpu, struct workqueue_struct *wq,
		   struct work_struct *work)
{
	unsigned long flags;
	bool queued = false;

	local_irq_save(flags);
	if (!test_and_set_bit(WORK_PENDING, &work->flags))
		queued = __queue_work(cpu, wq, work);
	local_irq_restore(flags);
	return queued;
}

void delayed_work_timer(struct timer_list *t)
{
	struct delayed_work *dwork = from_timer(dwork, t, timer);

	__queue_work(dwork->cpu, dwork->wq, &dwork->work);
}

void __queue_delayed_work(int cpu, struct workqueue_struct *wq,
			  struct delayed_work *dwork, u64 delay)
{
	u64 now = ktime_get_ns();

	dwork->wq = wq;
	dwork->cpu = cpu;
	if (!delay)
		__queue_work(cpu, wq, &dwork->work);
	else
		mod_timer(&dwork->timer,
			  delay < U64_MAX - now ? now + delay : U64_MAX);
}

bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq,
			   struct delayed_work *dwork, u64 delay)
{
	unsigned long flags;
	bool queued = false;

	local_irq_save(flags);
	if (!test_and_set_bit(WORK_PENDING, &dwork->work.flags)) {
		__queue_delayed_work(cpu, wq, dwork, delay);
		queued = true;
	}
	local_irq_restore(flags);
	return queued;
}

/* -- Queues ------------------------------------------------------------------ */

static int default_max_active(unsigned int flags)
{
	if (!(flags & WQ_UNBOUND))
		return 256;
	return nr_cpu_ids * 2 > 16 ? nr_cpu_ids * 2 : 16;
}

static void pwq_init(struct pool_workqueue *pwq, struct workqueue_struct *wq,
		     struct worker_pool *pool, int max_active)
{
	pwq->pool = pool;
	pwq->wq = wq;
	pwq->max_active = max_active;
	INIT_LIST_HEAD(&pwq->inactive);
	INIT_LIST_HEAD(&pwq->mayday_node);
}

static bool alloc_pwqs(struct workqueue_struct *wq, int max_active)
{
	int cpu;

	if (wq->flags & WQ_UNBOUND) {
		wq->unbound_pwq = kzalloc(sizeof(*wq->unbound_pwq), GFP_KERNEL);
		if (!wq->unbound_pwq)
			return false;
		pwq_init(wq->unbound_pwq, wq, &unbound_pool, max_active);
		return true;
	}
	wq->cpu_pwqs = alloc_percpu(struct pool_workqueue);
	if (!wq->cpu_pwqs)
		return false;
	for_each_possible_cpu(cpu)
		pwq_init(per_cpu_ptr(wq->cpu_pwqs, cpu), wq, cpu_pool(cpu),
			 max_active);
	return true;
}

static void free_pwqs(struct workqueue_struct *wq)
{
	kfree(wq->unbound_pwq);
	if (wq->cpu_pwqs)
		free_percpu(wq->cpu_pwqs);
}

struct workqueue_struct *__alloc_workqueue(struct lock_class_key *key,
					   unsigned int flags, int max_active,
					   const char *fmt, ...)
{
	struct workqueue_struct *wq;
	va_list ap;

	assert_can_sleep();
	wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	if (!wq)
		return NULL;
	va_start(ap, fmt);
	vscnprintf(wq->name, sizeof(wq->name), fmt, ap);
	va_end(ap);
	wq->flags = flags;
	mutex_init(&wq->flush_mutex);
	init_waitqueue_head(&wq->flush_wait);
	init_waitqueue_head(&wq->rescuer_wait);
	INIT_LIST_HEAD(&wq->maydays);
	lockdep_init_map(&wq->dep_map, fmt, key, LOCKDEP_SLEEP);

	if (!alloc_pwqs(wq,
			max_active ? max_active : default_max_active(flags)))
		goto free_wq;
	if ((flags & WQ_MEM_RECLAIM) && !rescuer_start(wq))
		goto free_pwqs;
	return wq;

free_pwqs:
	free_pwqs(wq);
free_wq:
	kfree(wq);
	return NULL;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	struct pool_workqueue *pwq;
	int cpu;

	drain_workqueue(wq);
	atomic_inc(&wq->nr_drainers); /* whoever still queues is told */
	if (wq->rescuer)
		rescuer_stop(wq);
	/* Who counted the last item down may still be about to wake us. */
	for (cpu = -1; (pwq = next_pwq(wq, &cpu));) {
		spin_lock_irq(&pwq->pool->lock);
		spin_unlock_irq(&pwq->pool->lock);
	}
	free_pwqs(wq);
	kfree(wq);
}

void workqueue_init(void)
{
	worker_pools_init();
	system_wq = alloc_workqueue("events", 0, 0);
	system_unbound_wq = alloc_workqueue("events_unbound", WQ_UNBOUND, 0);
	if (!system_wq || !system_unbound_wq)
		panic("no memory for the system's workqueues");
}
