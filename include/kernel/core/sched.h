/* SPDX-License-Identifier: MIT */
/*
 * sched.h - tasks, and who of them runs.
 *
 * kernel/core switches tasks, kernel/task makes and ends them (task.h), and
 * everybody sleeps and wakes through the calls below.
 *
 * To sleep by hand:			To wake:
 *
 *	for (;;) {			WRITE_ONCE(done, true);
 *		set_current_state(...);	wake_up_process(t);
 *		if (READ_ONCE(done))
 *			break;
 *		schedule();
 *	}
 *	__set_current_state(TASK_RUNNING);
 *
 * set_current_state() and wake_up_process() both contain a full barrier, so
 * either the sleeper sees `done` or the waker sees the sleeper.  Most sleepers
 * want wait_event() (wait.h), a mutex or a completion.
 */
#pragma once
#include <arch/cpumask.h>
#include <arch/task.h>
#include <kernel/core/lockdep.h>
#include <kernel/core/preempt.h>
#include <kernel/core/spinlock.h>
#include <lib/atomic.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <lib/refcount.h>

struct completion;
struct rq;

/* -- States ------------------------------------------------------------------ */

/* task->state.  A sleeper is woken by those whose mask has one of its bits. */
#define TASK_RUNNING	     0u
#define TASK_INTERRUPTIBLE   (1u << 0)
#define TASK_UNINTERRUPTIBLE (1u << 1)
#define TASK_WAKEKILL	     (1u << 2) /* a kill wakes it too */
#define TASK_NEW	     (1u << 3) /* made, not yet started */
#define TASK_WAKING	     (1u << 4) /* being moved to a runqueue */
#define TASK_DEAD	     (1u << 5) /* never runs again */

#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_NORMAL   (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* task->flags, fixed at creation. */
#define PF_IDLE	     (1u << 0) /* a CPU's idle task */
#define PF_KTHREAD   (1u << 1) /* made by kthread_create() */
#define PF_WQ_WORKER (1u << 2) /* tell sched_worker_ops when it sleeps */

/* -- Priorities -------------------------------------------------------------- */

/* newlib's headers may have given some of these names already, as macros with
 * the same values; whichever comes first, these stand. */
#include <sys/sched.h>
#undef SCHED_FIFO
#undef SCHED_RR

enum sched_policy {
	SCHED_NORMAL, /* fair shares, by nice value */
	SCHED_FIFO,   /* until it sleeps; before all fair tasks */
	SCHED_RR,     /* as FIFO, but equals take turns */
	SCHED_IDLE,   /* idle tasks only */
};

#define NICE_MIN    (-20)
#define NICE_MAX    19
#define RT_PRIO_MIN 1 /* least urgent */
#define RT_PRIO_MAX 63

/* What the fair class knows about one task. */
struct sched_entity {
	struct rb_node node;
	u64 vruntime; /* ns, scaled by weight; while
						 * on no runqueue, less that
						 * one's minimum */
	u64 slept_at; /* ns; 0: not asleep */
	unsigned int weight;
};

/* Values of task->on_rq. */
#define TASK_ON_RQ_QUEUED    1 /* on its CPU's runqueue, or running there */
#define TASK_ON_RQ_MIGRATING 2 /* between two runqueues */

struct task {
	/* First.  arch/x86_64 knows its layout: saved stack pointer, XSAVE
	 * area.  Own CPU, while switching. */
	struct arch_task arch;

	/* Fixed at creation. */
	int pid;
	unsigned int flags; /* PF_* */
	void *stack;	    /* lowest usable address */
	size_t stack_size;
	u64 start_time; /* ns since boot */
	int (*entry)(void *arg);
	void *entry_arg;
	/* Last reference gone: give the memory back.  Tasks only. */
	void (*release)(struct task *t);

	/* Any CPU, atomically. */
	refcount_t refs;
	unsigned int state; /* TASK_*; sched.c's protocol */
	int on_cpu;	    /* on some CPU's registers */
	bool kill_pending;  /* set once, by task_kill() */

	/* Who pays for what it allocates, 0 for nobody; changed as one word by
	 * compare-exchange (mm/memcg/active.c). */
	union {
		struct {
			u32 owner;	/* now; read freely */
			u32 home_owner; /* its group's; bit 31: overridden */
		};
		u64 owners;
	};

	/* Under wake_lock: who may change a sleeping task's CPU. */
	spinlock_t wake_lock;

	/* Under the lock of the runqueue of task->cpu (a change of cpu needs
	 * wake_lock too); read freely. */
	unsigned int cpu;
	int on_rq; /* 0 or TASK_ON_RQ_* */

	/* Under wake_lock and the runqueue's lock; either is enough to read. */
	struct cpumask cpus_allowed;
	enum sched_policy policy;
	int nice;
	int rt_prio;		  /* 0 for SCHED_NORMAL */
	struct completion *moved; /* set_cpus_allowed() waits */

	/* Under the runqueue's lock. */
	struct sched_entity se;
	struct list_head rt_node;
	u64 exec_start;	   /* ns, when last accounted */
	u64 sum_exec;	   /* ns of CPU time; read freely */
	u64 slice_start;   /* sum_exec when it began */
	u64 nr_switches;   /* read freely */
	u64 nr_migrations; /* read freely */

	/* This task only. */
	unsigned int kernel_depth; /* task.h: task_enter_kernel() */
	bool is_kernel_code;	   /* task.h: task_set_kernel_code() */
	int oom_score_adj;	   /* mm/memcg/oom.h; set and read by anybody */
	struct _reent *reent;	   /* newlib's state, in the heap */
	struct mem_cgroup *active_memcg; /* mm/memcg: charge this one instead */
	struct obj_cgroup *active_objcg; /* its owner, pinned meanwhile */
	unsigned int over_high;		 /* pages beyond memory.high, unpaid */

	/* Opaque here; each names its owner. */
	char comm[16];		  /* task.h: task_set_comm() */
	struct files *files;	  /* fs */
	struct heap *heap;	  /* kernel/task: malloc */
	struct cgroup *cgroup;	  /* kernel/cgroup, RCU */
	struct anon_arena *arena; /* mm/virt; others look under RCU */

	/* Under task_list_lock (task.c); walked under RCU. */
	struct list_head tasks;

	/* Under cgroup_tasks_lock (kernel/cgroup). */
	struct list_head cgroup_node;
	u64 cgroup_seq; /* in order of joining */

	/* mm/memcg/oom.c: on the list of those that are to end, and since when;
	 * under its victims_lock. */
	struct list_head oom_node;
	u64 oom_since; /* ns */
	unsigned int oom_state;

	/* This task only, until it has exited; then fixed. */
	int exit_code;

	LOCKDEP_TASK(lockdep)
};

/* -- The current task -------------------------------------------------------- */

DECLARE_PER_CPU(struct task *, current_task);
#define current this_cpu_read(current_task)

/* Plain store: for TASK_RUNNING, or when the condition is under a lock that the
 * waker takes too. */
#define __set_current_state(s) WRITE_ONCE(current->state, (s))

/* Store and full barrier, pairing with the one in try_to_wake_up(). */
#define set_current_state(s) smp_store_mb(current->state, (s))

/* Whether the current task has been killed and, in @state, should notice. */
static inline bool kill_pending_state(unsigned int state, struct task *t)
{
	return (state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) &&
	       READ_ONCE(t->kill_pending);
}

/* At a killable point of a long computation: should it give up? */
#define kill_pending() READ_ONCE(current->kill_pending)

/* -- Sleeping and waking ----------------------------------------------------- */

/* Switch to whoever should run.  In TASK_RUNNING it is only a polite offer;
 * otherwise the task sleeps until woken. */
void schedule(void);

/*
 * Told by schedule() that the current task, one with PF_WQ_WORKER, is about to
 * sleep, its state set, and that it has slept.  Preemption on; must not sleep.
 * Registered once, before the first such task.
 */
struct sched_worker_ops {
	void (*sleeps)(struct task *t);
	void (*runs)(struct task *t);
};
void sched_set_worker_ops(const struct sched_worker_ops *ops);

/* Sleep at most @ns; the state is set before.  Returns what is left, 0 when all
 * passed.  MAX_SCHEDULE_TIMEOUT sleeps until woken. */
#define MAX_SCHEDULE_TIMEOUT S64_MAX
s64 schedule_timeout(s64 ns);

/* Sleep, uninterruptibly; never returns early. */
void sleep_ns(u64 ns);
void msleep(u64 ms);

/* Sleep killably; 0, or -EINTR when killed before the time had passed. */
int sleep_ns_killable(u64 ns);

/* Go behind the others that wait for this CPU. */
void yield(void);

/* In a long loop: switch if somebody is waiting.  Returns whether it did. */
bool cond_resched(void);

/*
 * Wake @t if its state has a bit of @state.  Returns whether this call woke it.
 * Everything before the call is visible to @t afterwards.  Any context but NMI.
 */
bool wake_up_state(struct task *t, unsigned int state);
bool wake_up_process(struct task *t);

/* Start a TASK_NEW task. */
void wake_up_new_task(struct task *t);

/* -- Placement and priority -------------------------------------------------- */

static inline unsigned int task_cpu(const struct task *t)
{
	return READ_ONCE(t->cpu);
}

/*
 * Confine @t to @mask.  When it returns, @t runs there if it runs at all.
 * -EINVAL when no online CPU is in @mask.  May sleep.
 */
int set_cpus_allowed(struct task *t, const struct cpumask *mask);
static inline int set_cpus_allowed_ptr(struct task *t,
				       const struct cpumask *mask)
{
	return set_cpus_allowed(t, mask);
}

/* Any context but NMI.  -EINVAL when out of range. */
int sched_set_normal(struct task *t, int nice);
int sched_set_fifo(struct task *t, int rt_prio);
int sched_set_rr(struct task *t, int rt_prio);

/* As it will weigh among fair tasks, whatever its policy is now. */
static inline int task_nice(const struct task *t)
{
	return READ_ONCE(t->nice);
}

/* Make @cpu look at its runqueue soon.  Any context. */
void resched_cpu(unsigned int cpu);

/* -- References -------------------------------------------------------------- */

/* A task may be looked at as long as somebody holds a reference. */
static inline struct task *get_task(struct task *t)
{
	refcount_inc(&t->refs);
	return t;
}

/* Any context: the memory is given back later, by a task. */
void put_task(struct task *t);

/* -- For kernel/task --------------------------------------------------------- */

/* Fill what the scheduler owns of a zeroed task; arch and stack are done. */
void sched_task_init(struct task *t);

/* The task ends here, with preemption off.  Its successor on this CPU drops the
 * reference that it held to itself. */
void __noreturn sched_exit(void);

/* -- Figures, for ps, top and tests ------------------------------------------ */

struct sched_cpu_stats {
	u64 at;		   /* ns, when this was so */
	struct task *curr; /* only to compare with */
	unsigned int nr_running;
	u64 nr_switches;
	u64 idle_ns;
	u64 nr_pulled; /* tasks fetched when idle */
	u64 nr_pushed; /* tasks given away by the tick */
	u64 nr_ticks;
};
void sched_cpu_stats(unsigned int cpu, struct sched_cpu_stats *st);

/* CPU time of @t so far, the current stretch included. */
u64 task_cpu_time(struct task *t);

bool cpu_is_idle(unsigned int cpu);

/* -- Machine and boot -------------------------------------------------------- */

/* Upcall: the end of an interrupt, interrupts off: switch, if wanted and
 * allowed. */
void sched_irq_return(void);

/* The tick, in hard interrupt: a slice may be over. */
void sched_tick(void);

/* By name from kernel_main(): the boot CPU's first context becomes its idle
 * task, preemption off. */
void sched_init(void);

/* Before @cpu is started: it will begin on this stack, as its idle task. */
void sched_prepare_cpu(unsigned int cpu, void *stack, size_t stack_size);

/* The idle loop, the end of a CPU's boot.  From the first one on, sleeping in
 * the wrong place is reported. */
void __noreturn cpu_idle_loop(void);
extern bool scheduler_running;

/* Something small that may be done when a CPU has nothing else to do, interrupts
 * on, preemption off.  True: there is more of it.  Once, at init. */
void idle_set_chore(bool (*chore)(void));
