/* SPDX-License-Identifier: MIT */
/*
 * workqueue.h - have a function called soon, by a task.
 *
 *	INIT_WORK(&dev->reset, dev_reset);
 *	queue_work(system_wq, &dev->reset);	any context but NMI
 *	...
 *	cancel_work_sync(&dev->reset);		before dev is freed
 *
 * An item is queued once however often it is asked for, until its function
 * begins; from then on it may be queued again, by its own function too, and then
 * runs again after it.  On one queue it never runs on two CPUs at once.  The
 * function may sleep, and may free its item.  What was written before
 * queue_work() is visible to the function, even when the item was queued
 * already.
 *
 * Delays are nanoseconds.  The waiting calls (flush, _sync, drain, destroy) are
 * for tasks that may sleep, and not for the function they would wait for.
 */
#pragma once
#include <kernel/core/lockdep.h>
#include <kernel/core/timer.h>
#include <lib/bitops.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct pool_workqueue;
struct work_struct;
struct worker_pool;
struct workqueue_struct;

typedef void (*work_func_t)(struct work_struct *work);

/* Bits of work->flags. */
#define WORK_PENDING   0 /* queued, or on its way there, or being cancelled */
#define WORK_CANCELING 1 /* cancel_work_sync() holds WORK_PENDING */

struct work_struct {
	/* Fixed at init. */
	work_func_t func;

	/* Any CPU, atomically.  Who sets WORK_PENDING may queue the item. */
	unsigned long flags;

	/* Under pool->lock; changed by whoever owns WORK_PENDING. */
	struct worker_pool *pool;   /* where it was last; read freely */
	struct pool_workqueue *pwq; /* while it is queued */
	struct list_head entry;
	u8 where; /* enum work_where */
	u8 colour;
};

struct delayed_work {
	struct work_struct work;
	struct timer_list timer;

	/* Owner of WORK_PENDING. */
	struct workqueue_struct *wq;
	int cpu;
};

#define INIT_WORK(w, fn)       (*(w) = (struct work_struct){.func = (fn)})
#define DECLARE_WORK(name, fn) struct work_struct name = {.func = (fn)}

#define INIT_DELAYED_WORK(dw, fn)                                              \
	do {                                                                   \
		INIT_WORK(&(dw)->work, fn);                                    \
		timer_setup(&(dw)->timer, delayed_work_timer, TIMER_HARDIRQ);  \
	} while (0)
#define DECLARE_DELAYED_WORK(name, fn)                                         \
	struct delayed_work name = {                                           \
		.work.func = (fn),                                             \
		.timer = TIMER_INITIALIZER(delayed_work_timer, TIMER_HARDIRQ), \
	}
void delayed_work_timer(struct timer_list *t);

/* On a stack they are as good as anywhere, if they do not outlast it. */
#define INIT_WORK_ONSTACK(w, fn)	  INIT_WORK(w, fn)
#define INIT_DELAYED_WORK_ONSTACK(dw, fn) INIT_DELAYED_WORK(dw, fn)

static inline struct delayed_work *to_delayed_work(struct work_struct *work)
{
	return container_of(work, struct delayed_work, work);
}

/* -- Queues ------------------------------------------------------------------ */

/* Items run wherever there is room, rather than on the CPU that queued them;
 * right for long computations. */
#define WQ_UNBOUND     (1u << 0)
/* Memory may depend on it: it gets a task of its own, made now, that runs items
 * when no worker can be made for them. */
#define WQ_MEM_RECLAIM (1u << 1)
/* One item at a time, in the order of queueing. */
#define WQ_ORDERED     ((1u << 2) | WQ_UNBOUND)

/*
 * Named by @fmt, a string constant, and what follows; cut to fit.  @max_active:
 * how many items may be under way at once, on each CPU if bound; 0 for a sensible
 * number.  NULL when there is no memory.  May sleep.
 */
#define alloc_workqueue(fmt, flags, max_active, ...)                           \
	({                                                                     \
		static struct lock_class_key key_;                             \
		__alloc_workqueue(&key_, flags, max_active,                    \
				  fmt __VA_OPT__(, ) __VA_ARGS__);             \
	})
#define alloc_ordered_workqueue(fmt, flags, ...)                               \
	alloc_workqueue(fmt, (flags) | WQ_ORDERED, 1 __VA_OPT__(, ) __VA_ARGS__)
struct workqueue_struct *__alloc_workqueue(struct lock_class_key *key,
					   unsigned int flags, int max_active,
					   const char *fmt, ...) __printf(4, 5);

/* Runs what is queued, what that queues in turn, and so on; then frees @wq.
 * Nobody else may queue any more, and no delayed item may be under way. */
void destroy_workqueue(struct workqueue_struct *wq);

/* For short items, on the CPU that queues them; and for long ones. */
extern struct workqueue_struct *system_wq, *system_unbound_wq;

/* -- Queueing: any context but NMI.  Returns whether this call queued it. ----- */

#define WORK_CPU_LOCAL (-1)

/* On @cpu (WORK_CPU_LOCAL: this one), unless @wq is unbound. */
bool queue_work_on(int cpu, struct workqueue_struct *wq,
		   struct work_struct *work);
bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq,
			   struct delayed_work *dwork, u64 delay);

/* Queued or not, from now on it waits @delay.  Returns whether it was queued;
 * does nothing while it is being cancelled. */
bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq,
			 struct delayed_work *dwork, u64 delay);

static inline bool queue_work(struct workqueue_struct *wq,
			      struct work_struct *work)
{
	return queue_work_on(WORK_CPU_LOCAL, wq, work);
}

static inline bool queue_delayed_work(struct workqueue_struct *wq,
				      struct delayed_work *dwork, u64 delay)
{
	return queue_delayed_work_on(WORK_CPU_LOCAL, wq, dwork, delay);
}

static inline bool mod_delayed_work(struct workqueue_struct *wq,
				    struct delayed_work *dwork, u64 delay)
{
	return mod_delayed_work_on(WORK_CPU_LOCAL, wq, dwork, delay);
}

static inline bool schedule_work(struct work_struct *work)
{
	return queue_work(system_wq, work);
}

static inline bool schedule_work_on(int cpu, struct work_struct *work)
{
	return queue_work_on(cpu, system_wq, work);
}

static inline bool schedule_delayed_work(struct delayed_work *dwork, u64 delay)
{
	return queue_delayed_work(system_wq, dwork, delay);
}

/* -- Waiting and cancelling --------------------------------------------------- */

/* Until the last queueing before this call has run.  Returns whether it had to
 * wait.  A delayed item is queued at once. */
bool flush_work(struct work_struct *work);
bool flush_delayed_work(struct delayed_work *dwork);

/* Until all items queued before this call have run. */
void flush_workqueue(struct workqueue_struct *wq);

/* Until nothing is queued; meanwhile only its own items may queue more. */
void drain_workqueue(struct workqueue_struct *wq);

/* Returns whether it was queued, and is not any more.  Its function may be
 * running.  Any context but NMI. */
bool cancel_work(struct work_struct *work);
bool cancel_delayed_work(struct delayed_work *dwork);

/* When it returns, the function is not running and the item is not queued,
 * whatever the function does about it. */
bool cancel_work_sync(struct work_struct *work);
bool cancel_delayed_work_sync(struct delayed_work *dwork);

/* -- Questions; all of them snapshots ------------------------------------------ */

static inline bool work_pending(const struct work_struct *work)
{
	return test_bit(WORK_PENDING, &work->flags);
}

static inline bool delayed_work_pending(const struct delayed_work *dwork)
{
	return work_pending(&dwork->work);
}

/* Queued or running. */
bool work_busy(struct work_struct *work);

/* The item whose function this is, or NULL. */
struct work_struct *current_work(void);

/* Dismiss idle workers at once; each pool keeps its first. */
void workqueue_trim(void);

/* By name from the first task, once all CPUs are up. */
void workqueue_init(void);
