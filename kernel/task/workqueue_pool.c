/* SPDX-License-Identifier: MIT */
/*
 * workqueue_pool.c - workers: woken, made, rescued, dismissed.
 *
 * A pool wants workers by pool_wants(): a bound one wants one that runs, if
 * anything is listed and none does; the unbound one, as many as are listed.
 * Workers that were woken and have not had the lock yet count as there.
 * pool_kick() is called wherever an item is listed or a runner is lost, so that
 * between two holders of the lock one of these holds: nothing more is wanted; or
 * nobody is idle, the maker has been asked, and the mayday timer runs.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/task/kthread.h>
#include <lib/format.h>
#include <mm/slab/slab.h>
#include "task_impl.h"
#include "workqueue_impl.h"

#define MAYDAY_NS (10 * NSEC_PER_MSEC)
#define RETRY_NS  (10 * NSEC_PER_MSEC)

u64 worker_idle_ns = 30 * NSEC_PER_SEC;

static DEFINE_PER_CPU(struct worker_pool, cpu_worker_pools);
struct worker_pool unbound_pool;

static DEFINE_SPINLOCK(mayday_lock);
static DECLARE_WAIT_QUEUE_HEAD(maker_wait);
static atomic_t maker_asked;

struct worker_pool *cpu_pool(int cpu)
{
	return per_cpu_ptr(&cpu_worker_pools, cpu);
}

static struct worker_pool *next_pool(int *cpu)
{
	if (*cpu == NR_CPUS)
		return NULL;
	*cpu = cpumask_next(*cpu, cpu_possible_mask);
	return *cpu < NR_CPUS ? cpu_pool(*cpu) : &unbound_pool;
}

struct worker *current_worker(void)
{
	if (!in_task() || !(current->flags & PF_WQ_WORKER))
		return NULL;
	return current->entry_arg;
}

struct worker *find_busy(struct worker_pool *pool, struct work_struct *work)
{
	struct worker *w;

	assert_held(&pool->lock);
	list_for_each_entry(w, &pool->busy, node) {
		/* Memory may have been freed and become another item. */
		if (w->work == work && w->func == work->func)
			return w;
	}
	return NULL;
}

/* -- How many run ------------------------------------------------------------ */

static unsigned int pool_wants(const struct worker_pool *pool)
{
	if (pool->cpu < 0)
		return pool->nr_pending;
	return pool->nr_pending && !pool->nr_running;
}

static void wake_idle(struct worker_pool *pool)
{
	struct worker *w = list_first_entry(&pool->idle, struct worker, node);

	list_del(&w->node);
	pool->nr_idle--;
	w->waking = true;
	pool->nr_waking++;
	wake_up_process(w->task);
}

void pool_kick(struct worker_pool *pool)
{
	assert_held(&pool->lock);
	while (pool->nr_waking < pool_wants(pool)) {
		if (list_empty(&pool->idle)) {
			atomic_set(&maker_asked, 1);
			wake_up(&maker_wait);
			if (!timer_pending(&pool->mayday_timer))
				mod_timer(&pool->mayday_timer,
					  ktime_get_ns() + MAYDAY_NS);
			return;
		}
		wake_idle(pool);
	}
}

/* From schedule(): the current task, a worker, is about to sleep. */
static void worker_sleeps(struct task *t)
{
	struct worker *w = t->entry_arg;
	struct worker_pool *pool = w->pool;

	if (!w->counted)
		return;
	spin_lock_irq(&pool->lock);
	pool->nr_running--;
	pool_kick(pool);
	spin_unlock_irq(&pool->lock);
}

/* ... has slept. */
static void worker_runs(struct task *t)
{
	struct worker *w = t->entry_arg;
	struct worker_pool *pool = w->pool;

	if (!w->counted)
		return;
	spin_lock_irq(&pool->lock);
	pool->nr_running++;
	spin_unlock_irq(&pool->lock);
}

static const struct sched_worker_ops worker_ops = {
	.sleeps = worker_sleeps,
	.runs = worker_runs,
};

/* -- One item ---------------------------------------------------------------- */

static void take_waiters(struct worker *w, struct work_struct *work)
{
	struct work_waiter *waiter, *n;

	list_for_each_entry_safe(waiter, n, &w->pool->waiters, node)
		if (waiter->work == work)
			list_move_tail(&waiter->node, &w->waiters);
}

static void release_waiters(struct worker *w)
{
	struct work_waiter *waiter, *n;

	list_for_each_entry_safe(waiter, n, &w->waiters, node) {
		list_del(&waiter->node);
		complete(&waiter->done);
	}
}

static void call_func(struct worker *w, struct work_struct *work)
{
	struct workqueue_struct *wq = w->pwq->wq;
	work_func_t func = w->func;
	struct work_class class __maybe_unused;

	work_class_init(&class, func);
	lock_acquire(&wq->dep_map, 0, 0, lockdep_here());
	lock_acquire(&class.dep_map, 0, 0, lockdep_here());
	func(work);
	lock_release(&class.dep_map, lockdep_here());
	lock_release(&wq->dep_map, lockdep_here());
	if (WARN(in_atomic(), "%s: %p returned with preemption off: %x",
		 wq->name, func, preempt_count()))
		panic("workqueue: nothing can run here any more");
	lockdep_assert_none_held();
}

/* pool->lock held, and again on return. */
static void run_work(struct worker *w, struct work_struct *work)
{
	struct worker_pool *pool = w->pool;

	w->work = work;
	w->func = work->func;
	w->pwq = work->pwq;
	w->colour = work->colour;
	list_add(&w->node, &pool->busy);
	take_waiters(w, work);
	unlink_work(pool, work);
	if (pool->cpu >= 0 && !w->rescues) {
		w->counted = true;
		pool->nr_running++;
	}
	pool_kick(pool);
	/*
	 * A full barrier, pairing with the one in queue_work_on(): who finds
	 * the bit still set has its stores seen by the function.  The item may
	 * change hands from here on.
	 */
	clear_bit(WORK_PENDING, &work->flags);
	smp_mb__after_atomic();
	spin_unlock_irq(&pool->lock);

	call_func(w, work);

	/* An item that queues itself holds the lock most of the time; locks are
	 * not fair, and somebody may want to cancel it. */
	cpu_relax();
	spin_lock_irq(&pool->lock);
	if (w->counted) {
		w->counted = false;
		pool->nr_running--;
	}
	list_del(&w->node);
	release_waiters(w);
	pwq_done(w->pwq, w->colour, true);
	w->work = NULL;
	w->pwq = NULL;
}

/* The same, unless its function runs already: then that worker goes on with it.
 * And whatever was handed to us meanwhile. */
static void run_alone(struct worker *w, struct work_struct *work)
{
	struct worker_pool *pool = w->pool;
	struct worker *other = find_busy(pool, work);

	if (other) {
		list_move_tail(&work->entry, &other->scheduled);
		pool->nr_pending--;
		work->where = WORK_SCHEDULED;
		return;
	}
	run_work(w, work);
	while (!list_empty(&w->scheduled))
		run_work(w, list_first_entry(&w->scheduled, struct work_struct,
					     entry));
}

/* -- Workers ----------------------------------------------------------------- */

static void become_idle(struct worker *w)
{
	struct worker_pool *pool = w->pool;

	w->idle_since = ktime_get_ns();
	list_add(&w->node, &pool->idle);
	pool->nr_idle++;
	if (!w->stays && !timer_pending(&pool->idle_timer))
		mod_timer(&pool->idle_timer,
			  w->idle_since + READ_ONCE(worker_idle_ns));
	/* Under the lock that who wakes us takes too. */
	__set_current_state(TASK_UNINTERRUPTIBLE);
}

static int worker_main(void *arg)
{
	struct worker *w = arg;
	struct worker_pool *pool = w->pool;

	spin_lock_irq(&pool->lock);
	for (;;) {
		if (w->waking) {
			w->waking = false;
			pool->nr_waking--;
		}
		while (pool_wants(pool))
			run_alone(w,
				  list_first_entry(&pool->worklist,
						   struct work_struct, entry));
		become_idle(w);
		do {
			spin_unlock_irq(&pool->lock);
			schedule();
			spin_lock_irq(&pool->lock);
			if (w->waking || w->dismissed)
				break;
			__set_current_state(TASK_UNINTERRUPTIBLE);
		} while (true);
		__set_current_state(TASK_RUNNING);
		if (w->dismissed)
			break;
	}
	spin_unlock_irq(&pool->lock);
	kfree(w);
	return 0;
}

static struct worker *worker_alloc(int (*fn)(void *), const char *name)
{
	struct worker *w = kzalloc(sizeof(*w), GFP_KERNEL);

	if (!w)
		return NULL;
	INIT_LIST_HEAD(&w->scheduled);
	INIT_LIST_HEAD(&w->waiters);
	w->task = task_create_flags(fn, w, name, PF_KTHREAD | PF_WQ_WORKER);
	if (!w->task) {
		kfree(w);
		return NULL;
	}
	return w;
}

static bool worker_create(struct worker_pool *pool, bool stays)
{
	char name[sizeof_field(struct task, comm)];
	struct worker *w;
	struct task *t;

	if (pool->cpu < 0)
		scnprintf(name, sizeof(name), "kworker/u");
	else
		scnprintf(name, sizeof(name), "kworker/%d", pool->cpu);
	w = worker_alloc(worker_main, name);
	if (!w)
		return false;
	t = w->task;
	w->pool = pool;
	w->stays = stays;
	w->waking = true;
	if (pool->cpu >= 0)
		kthread_bind(t, pool->cpu);
	spin_lock_irq(&pool->lock);
	pool->nr_workers++;
	pool->nr_waking++;
	spin_unlock_irq(&pool->lock);
	wake_up_process(t);
	put_task(t);
	return true;
}

static bool pool_lacks_worker(struct worker_pool *pool)
{
	bool lacks;

	spin_lock_irq(&pool->lock);
	lacks = list_empty(&pool->idle) && pool->nr_waking < pool_wants(pool);
	spin_unlock_irq(&pool->lock);
	return lacks;
}

/* Makes workers for all pools, and waits for memory so that they need not. */
static int maker_main(void *unused)
{
	struct worker_pool *pool;
	int cpu;

	for (;;) {
		bool failed = false;

		wait_event(maker_wait, atomic_read(&maker_asked));
		/* Full barrier: who asks after this asks anew. */
		atomic_xchg(&maker_asked, 0);
		for (cpu = -1; (pool = next_pool(&cpu));)
			while (pool_lacks_worker(pool) && !failed)
				failed = !worker_create(pool, false);
		if (failed) {
			atomic_set(&maker_asked, 1);
			sleep_ns(RETRY_NS);
		}
	}
	return 0;
}

/* -- Too many workers --------------------------------------------------------- */

/* Who has been idle longest, but for the first worker: that one stays, so that a
 * pool at rest is always the same. */
static struct worker *oldest_idle(struct worker_pool *pool)
{
	struct worker *w;

	list_for_each_entry_reverse(w, &pool->idle, node)
		if (!w->stays)
			return w;
	return NULL;
}

static void dismiss(struct worker *w)
{
	struct worker_pool *pool = w->pool;

	list_del(&w->node);
	pool->nr_idle--;
	pool->nr_workers--;
	w->dismissed = true;
	wake_up_process(w->task);
}

static void idle_timer(struct timer_list *t)
{
	struct worker_pool *pool = from_timer(pool, t, idle_timer);
	u64 now = ktime_get_ns(), patience = READ_ONCE(worker_idle_ns);
	unsigned long flags;
	struct worker *w;

	spin_lock_irqsave(&pool->lock, flags);
	while ((w = oldest_idle(pool))) {
		if (w->idle_since + patience > now) {
			mod_timer(t, w->idle_since + patience);
			break;
		}
		dismiss(w);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
}

void workqueue_trim(void)
{
	struct worker_pool *pool;
	struct worker *w;
	int cpu;

	for (cpu = -1; (pool = next_pool(&cpu));) {
		spin_lock_irq(&pool->lock);
		while ((w = oldest_idle(pool)))
			dismiss(w);
		/* It waited for one of those; the next one arms it anew. */
		del_timer(&pool->idle_timer);
		spin_unlock_irq(&pool->lock);
	}
}

/* -- Too few ------------------------------------------------------------------ */

static void call_rescuer(struct pool_workqueue *pwq)
{
	struct workqueue_struct *wq = pwq->wq;

	if (!wq->rescuer)
		return;
	spin_lock(&mayday_lock);
	if (list_empty(&pwq->mayday_node))
		list_add_tail(&pwq->mayday_node, &wq->maydays);
	spin_unlock(&mayday_lock);
	wake_up(&wq->rescuer_wait);
}

/* For 10 ms now items wait, and nobody comes. */
static void mayday_timer(struct timer_list *t)
{
	struct worker_pool *pool = from_timer(pool, t, mayday_timer);
	struct work_struct *work;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (list_empty(&pool->idle) && pool->nr_waking < pool_wants(pool)) {
		list_for_each_entry(work, &pool->worklist, entry)
			call_rescuer(work->pwq);
		mod_timer(t, ktime_get_ns() + MAYDAY_NS);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
}

static struct pool_workqueue *next_mayday(struct workqueue_struct *wq)
{
	struct pool_workqueue *pwq;

	spin_lock_irq(&mayday_lock);
	pwq = list_first_entry_or_null(&wq->maydays, struct pool_workqueue,
				       mayday_node);
	if (pwq)
		list_del_init(&pwq->mayday_node);
	spin_unlock_irq(&mayday_lock);
	return pwq;
}

static struct work_struct *listed_work(struct pool_workqueue *pwq)
{
	struct work_struct *work;

	list_for_each_entry(work, &pwq->pool->worklist, entry)
		if (work->pwq == pwq)
			return work;
	return NULL;
}

static void rescue(struct worker *w, struct pool_workqueue *pwq)
{
	struct worker_pool *pool = pwq->pool;
	const struct cpumask *here = pool->cpu < 0 ? cpu_possible_mask
						   : cpumask_of(pool->cpu);
	struct work_struct *work;

	set_cpus_allowed(current, here);
	w->pool = pool;
	spin_lock_irq(&pool->lock);
	while ((work = listed_work(pwq)))
		run_alone(w, work);
	pool_kick(pool);
	spin_unlock_irq(&pool->lock);
}

static int rescuer_main(void *arg)
{
	struct worker *w = arg;
	struct workqueue_struct *wq = w->rescues;
	struct pool_workqueue *pwq;

	while (!kthread_should_stop()) {
		while ((pwq = next_mayday(wq)))
			rescue(w, pwq);
		wait_event(wq->rescuer_wait,
			   !list_empty(&wq->maydays) || kthread_should_stop());
	}
	return 0;
}

bool rescuer_start(struct workqueue_struct *wq)
{
	struct worker *w = worker_alloc(rescuer_main, wq->name);

	if (!w)
		return false;
	w->rescues = wq;
	wq->rescuer = w;
	wake_up_process(w->task);
	return true;
}

void rescuer_stop(struct workqueue_struct *wq)
{
	kthread_stop(wq->rescuer->task);
	kfree(wq->rescuer);
}

/* -- Boot -------------------------------------------------------------------- */

static void pool_init(struct worker_pool *pool, int cpu)
{
	pool->cpu = cpu;
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->worklist);
	INIT_LIST_HEAD(&pool->idle);
	INIT_LIST_HEAD(&pool->busy);
	INIT_LIST_HEAD(&pool->waiters);
	timer_setup(&pool->mayday_timer, mayday_timer,
		    TIMER_HARDIRQ | TIMER_UNCOUNTED);
	timer_setup(&pool->idle_timer, idle_timer,
		    TIMER_HARDIRQ | TIMER_UNCOUNTED);
}

void worker_pools_init(void)
{
	struct worker_pool *pool;
	int cpu;

	sched_set_worker_ops(&worker_ops);
	for (cpu = -1; (pool = next_pool(&cpu));) {
		pool_init(pool, cpu < NR_CPUS ? cpu : -1);
		if ((cpu >= NR_CPUS || cpu_online(cpu)) &&
		    !worker_create(pool, true))
			panic("no memory for the first workers");
	}
	if (IS_ERR(kthread_run(maker_main, NULL, "kworker/maker")))
		panic("no memory for the maker of workers");
}
