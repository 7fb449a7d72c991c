/* SPDX-License-Identifier: MIT */
/*
 * sched_impl.h - the runqueue, between the files of the scheduler:
 *
 *	sched.c		the argument; the switch
 *	sched_queue.c	the queue, its clock and its tick
 *	sched_fair.c	the class of most tasks
 *	sched_rt.c	the class of urgent ones
 *	sched_wake.c	from asleep to queued
 *	sched_balance.c	on which CPU
 *	sched_params.c	affinity and priority
 *	sched_task.c	what a task starts with, and figures
 */
#pragma once
#include <kernel/core/sched.h>

/* Load a real-time task stands for, in units of nice-0 tasks' weight. */
#define NICE_0_WEIGHT 1024u
#define RT_WEIGHT     (8 * NICE_0_WEIGHT)

/* How often a CPU with too much to do looks for one with less. */
#define BALANCE_INTERVAL_NS 10000000ull

struct fair_rq {
	struct rb_root_cached tree; /* by vruntime; without the current */
	u64 min_vruntime;	    /* never goes back */
	unsigned long load;	    /* weights, the current's included */
	unsigned int nr;	    /* likewise */
};

struct rt_rq {
	u64 levels; /* bit n: queue[n] is not empty */
	struct list_head queue[RT_PRIO_MAX + 1];
	unsigned int nr;
};

struct rq {
	/* Fixed at init. */
	unsigned int cpu;
	struct task *idle;

	spinlock_t lock;

	/* Under lock; the counts are read freely by who balances. */
	struct task *curr;
	unsigned int nr_running; /* idle task not included */
	struct fair_rq fair;
	struct rt_rq rt;
	bool resched_sent; /* another CPU has sent an IPI */
	bool overloaded;   /* as in overloaded_cpus */
	u64 next_balance;

	/* Under lock, own CPU: from __schedule() to finish_switch(). */
	struct task *migrating;
	struct completion *moved;

	/* Own CPU, interrupts off: its own IPI is on its way. */
	bool self_sent;

	/* Under lock; read freely. */
	u64 nr_switches;
	u64 nr_pulled;
	u64 nr_pushed;
	u64 nr_ticks;
};

DECLARE_PER_CPU(struct rq, runqueues);

#define cpu_rq(cpu) per_cpu_ptr(&runqueues, cpu)
#define this_rq()   this_cpu_ptr(&runqueues)

/* CPUs in their idle loop that nobody has chosen for a task yet. */
extern struct cpumask idle_cpus;

/* CPUs with a task that waits: where an idle CPU looks. */
extern struct cpumask overloaded_cpus;

static inline bool task_is_rt(const struct task *t)
{
	return t->rt_prio != 0;
}

static inline bool task_is_idle(const struct task *t)
{
	return t->flags & PF_IDLE;
}

static inline bool task_allowed_on(const struct task *t, unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &t->cpus_allowed);
}

/* A snapshot, without the lock. */
static inline unsigned long rq_load(const struct rq *rq)
{
	return READ_ONCE(rq->fair.load) + READ_ONCE(rq->rt.nr) * RT_WEIGHT;
}

static inline unsigned long task_load(const struct task *t)
{
	return task_is_rt(t) ? RT_WEIGHT : t->se.weight;
}

/* -- sched_queue.c ----------------------------------------------------------- */

/* How a task comes to or leaves a runqueue. */
enum queue_why {
	QUEUE_SLEEP,  /* it sleeps, or wakes */
	QUEUE_MOVE,   /* it goes to another CPU */
	QUEUE_CHANGE, /* it comes back at once, with other parameters */
};

/* All of these: rq->lock held. */
void rq_enqueue(struct rq *rq, struct task *t, enum queue_why why);
void rq_dequeue(struct rq *rq, struct task *t, enum queue_why why);
void rq_update_curr(struct rq *rq);
void rq_resched(struct rq *rq);
void rq_check_preempt(struct rq *rq, struct task *t);

/* The same, own CPU: the next tick, given what runs and who waits. */
void rq_arm_tick(struct rq *rq);

/* Take @t off; until attach_task() it is on no runqueue and everyone who wants
 * to change it waits, so interrupts stay off in between. */
void detach_task(struct rq *rq, struct task *t);

/* No runqueue locked, interrupts off. */
void attach_task(struct task *t, unsigned int cpu);

/*
 * Locks the runqueue @t is on or was last on.  Interrupts off.  @t stays there
 * until rq_unlock() if it is on it; if it sleeps, hold wake_lock too.
 */
struct rq *task_rq_lock(struct task *t);
static inline void rq_unlock(struct rq *rq)
{
	spin_unlock(&rq->lock);
}

/* -- sched.c ----------------------------------------------------------------- */

/* From the idle loop: switch away. */
void schedule_idle(void);

/* -- sched_fair.c ------------------------------------------------------------ */

unsigned int fair_weight(int nice);
void fair_init_task(struct task *t);
void fair_enqueue(struct rq *rq, struct task *t, enum queue_why why);
void fair_dequeue(struct rq *rq, struct task *t, enum queue_why why);
void fair_charge(struct rq *rq, struct task *curr, u64 ns);
struct task *fair_pick(struct rq *rq, struct task *curr);
void fair_put_prev(struct rq *rq, struct task *prev);
void fair_set_next(struct rq *rq, struct task *next);
void fair_yield(struct rq *rq, struct task *curr);
u64 fair_slice(struct rq *rq, struct task *t);
bool fair_preempts(struct rq *rq, struct task *t, struct task *curr);

/* -- sched_rt.c -------------------------------------------------------------- */

#define RR_SLICE_NS 20000000ull

void rt_enqueue(struct rq *rq, struct task *t);
void rt_dequeue(struct rq *rq, struct task *t);
struct task *rt_pick(struct rq *rq);
void rt_rotate(struct rq *rq, struct task *t);
bool rt_alone_at_level(struct rq *rq, struct task *t);

/* -- sched_balance.c --------------------------------------------------------- */

/* A CPU for @t, which is on no runqueue. */
unsigned int select_cpu(struct task *t, bool is_new);

/* rq->lock held: after any change of nr_running. */
void balance_note_load(struct rq *rq);

/* rq->lock held, from the tick: detaches a task that @dst should have. */
struct task *balance_tick(struct rq *rq, u64 now, unsigned int *dst);

/* From the idle loop, interrupts off: whether a task was fetched. */
bool balance_pull(struct rq *rq);
