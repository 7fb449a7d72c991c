/* SPDX-License-Identifier: MIT */
/*
 * workqueue_impl.h - queues, pools and workers, between the files of
 *
 *	workqueue.c		the argument; queues, and queueing on them
 *	workqueue_pool.c	who runs what was queued
 *	workqueue_sync.c	waiting and cancelling
 */
#pragma once
#include <kernel/core/completion.h>
#include <kernel/core/mutex.h>
#include <kernel/core/symbols.h>
#include <kernel/task/workqueue.h>

/* Which list work->entry is on. */
enum work_where {
	WORK_NOWHERE,
	WORK_INACTIVE,	/* pwq->inactive: max_active are under way */
	WORK_LISTED,	/* pool->worklist */
	WORK_SCHEDULED, /* worker->scheduled: that worker runs it now */
};

/* The workers of one CPU, or those of no CPU. */
struct worker_pool {
	/* Fixed at init. */
	int cpu; /* -1: unbound */

	/* Any context but NMI takes it, interrupts off. */
	spinlock_t lock;

	/* Under lock. */
	struct list_head worklist;
	unsigned int nr_pending; /* on worklist */
	unsigned int nr_running; /* bound: busy and not asleep */
	unsigned int nr_waking;	 /* on their way to the lock */
	unsigned int nr_idle;
	unsigned int nr_workers;
	struct list_head idle; /* most recent first */
	struct list_head busy;
	struct list_head waiters; /* flush_work() of queued items */
	struct timer_list mayday_timer;
	struct timer_list idle_timer;
};

/* A workqueue's share of a pool. */
struct pool_workqueue {
	/* Fixed at init. */
	struct worker_pool *pool;
	struct workqueue_struct *wq;
	unsigned int max_active;

	/* Under pool->lock. */
	struct list_head inactive;
	unsigned int nr_active;
	unsigned int in_flight[2]; /* by colour; read freely */
	u8 colour;		   /* of what is queued next */

	/* Under mayday_lock. */
	struct list_head mayday_node;
};

struct workqueue_struct {
	/* Fixed at init. */
	char name[24];
	unsigned int flags;
	struct pool_workqueue __percpu *cpu_pwqs; /* bound */
	struct pool_workqueue *unbound_pwq;
	struct worker *rescuer;

	/* flush_mutex: one flush at a time. */
	struct mutex flush_mutex;
	u8 colour;
	struct wait_queue_head flush_wait;

	/* Any CPU, atomically. */
	atomic_t nr_drainers;

	/* Under mayday_lock. */
	struct list_head maydays;
	struct wait_queue_head rescuer_wait;

	/* "Held" while an item runs, and by who waits for all items. */
	LOCKDEP_MAP(dep_map)
};

/* "Held" while an item of some function runs, and by who waits for one: what
 * one of them takes, all of them may. */
struct work_class {
	LOCKDEP_MAP(dep_map)
};

static inline void work_class_init(struct work_class *class, work_func_t func)
{
	const char *name = "work item";

	if (CONFIG_DEBUG)
		symbol_lookup((unsigned long)func, &name, NULL, NULL);
	lockdep_init_map(&class->dep_map, name, (struct lock_class_key *)func,
			 LOCKDEP_SLEEP);
}

struct worker {
	/* Fixed before it starts. */
	struct task *task;
	struct workqueue_struct *rescues; /* NULL: an ordinary worker */
	bool stays; /* the pool's first: never dismissed */

	/* This worker only; a rescuer goes from pool to pool. */
	struct worker_pool *pool;

	/* Under pool->lock. */
	struct list_head node;	  /* pool->idle or ->busy */
	struct work_struct *work; /* only to compare with */
	work_func_t func;
	struct pool_workqueue *pwq;
	u8 colour;
	bool counted; /* in pool->nr_running */
	bool waking;  /* in pool->nr_waking */
	bool dismissed;
	u64 idle_since;
	struct list_head scheduled;
	struct list_head waiters;
};

/* Somebody in flush_work(); on its stack. */
struct work_waiter {
	struct list_head node;
	struct work_struct *work;
	struct completion done;
};

/* How long a worker too many stays idle; tests shorten it. */
extern u64 worker_idle_ns;

/* -- workqueue.c -------------------------------------------------------------- */

/* Owner of WORK_PENDING, interrupts off. */
bool __queue_work(int cpu, struct workqueue_struct *wq,
		  struct work_struct *work);
void __queue_delayed_work(int cpu, struct workqueue_struct *wq,
			  struct delayed_work *dwork, u64 delay);

/* Every share of @wq: for (cpu = -1; (pwq = next_pwq(wq, &cpu));) */
struct pool_workqueue *next_pwq(struct workqueue_struct *wq, int *cpu);

/* All of these: pool->lock held. */

/* Off its list; still owned by who holds WORK_PENDING. */
void unlink_work(struct worker_pool *pool, struct work_struct *work);

/* One of @pwq has run, or will not. */
void pwq_done(struct pool_workqueue *pwq, u8 colour, bool was_active);

/* -- workqueue_pool.c ---------------------------------------------------------- */

struct worker_pool *cpu_pool(int cpu);
extern struct worker_pool unbound_pool;
void worker_pools_init(void);

/* A rescuer for @wq; false when there is no memory. */
bool rescuer_start(struct workqueue_struct *wq);
void rescuer_stop(struct workqueue_struct *wq);

/* The worker that the current task is, in task context, or NULL. */
struct worker *current_worker(void);

/* pool->lock held: see that somebody will run what is listed. */
void pool_kick(struct worker_pool *pool);

/* pool->lock held: who runs @work's function now. */
struct worker *find_busy(struct worker_pool *pool, struct work_struct *work);
