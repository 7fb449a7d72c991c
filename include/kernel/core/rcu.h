/* SPDX-License-Identifier: MIT */
/*
 * rcu.h - read what others change, without a lock.
 *
 *	rcu_read_lock();			new = make(old);
 *	p = rcu_dereference(shared);		rcu_assign_pointer(shared, new);
 *	use(p);					synchronize_rcu();
 *	rcu_read_unlock();			free(old);
 *
 * A reader runs with preemption off; a grace period is over when every CPU
 * has been seen outside of all readers since it began (rcu.c has the argument).
 * So anything that has preemption, softirqs or interrupts off is a reader too.
 *
 * Readers: any context but NMI.  They nest, and do not sleep.
 */
#pragma once
#include <kernel/core/softirq.h>
#include <lib/barrier.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/rculist.h>
#include <lib/types.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

typedef void (*rcu_callback_t)(struct rcu_head *head);

/* -- Readers --------------------------------------------------------------- */

static __always_inline void rcu_read_lock(void)
{
	preempt_disable();
}

static __always_inline void rcu_read_unlock(void)
{
	preempt_enable();
}

/* Softirqs are held off too: against callbacks that run in them. */
static __always_inline void rcu_read_lock_bh(void)
{
	local_bh_disable();
}

#define rcu_read_unlock_bh() local_bh_enable()

/* May this context use rcu_dereference()? */
#define rcu_read_lock_held() (!preemptible())

#if CONFIG_DEBUG
void __rcu_check_reader(const char *file, int line);
#define rcu_check_reader() __rcu_check_reader(__FILE__, __LINE__)
#else
#define rcu_check_reader() ((void)0)
#endif

/* A published pointer, to be followed until the reader ends. */
#define rcu_dereference(p)                                                     \
	({                                                                     \
		rcu_check_reader();                                            \
		READ_ONCE(p);                                                  \
	})

/* The same where @cond (a lock held) protects as well as a reader would. */
#define rcu_dereference_check(p, cond)                                         \
	({                                                                     \
		if (!(cond))                                                   \
			rcu_check_reader();                                    \
		READ_ONCE(p);                                                  \
	})

/* By the writer, under the lock that @cond asserts: nobody changes it. */
#define rcu_dereference_protected(p, cond)                                     \
	({                                                                     \
		DEBUG_WARN_ON(!(cond));                                        \
		(p);                                                           \
	})

/* Followed where neither can be said; the caller knows why it may. */
#define rcu_dereference_raw(p) READ_ONCE(p)

/* Only to compare or test, not to follow. */
#define rcu_access_pointer(p) READ_ONCE(p)

/* Publish: whoever sees the pointer sees what it points to. */
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

/* Where nobody can be looking, or @v is NULL. */
#define RCU_INIT_POINTER(p, v) WRITE_ONCE(p, v)

/* Publish @v; the pointer that it replaces, under the lock that @cond asserts. */
#define rcu_replace_pointer(p, v, cond)                                        \
	({                                                                     \
		__typeof__(p) old_ = rcu_dereference_protected(p, cond);       \
		rcu_assign_pointer(p, v);                                      \
		old_;                                                          \
	})

/* -- Waiting for readers --------------------------------------------------- */

/*
 * Call @func(@head) after a grace period, in a softirq of this CPU.  @head is
 * RCU's until then.  Any context but NMI; no lock is too deep.
 */
void call_rcu(struct rcu_head *head, rcu_callback_t func);

/* Wait for every reader that runs now.  May sleep. */
void synchronize_rcu(void);

/* The same, sooner, at the price of an interrupt to every busy CPU. */
void synchronize_rcu_expedited(void);

/* Wait until every callback queued so far has been called.  May sleep. */
void rcu_barrier(void);

/*
 * A callback that is a small number is the offset of its rcu_head in an object
 * to be freed; the allocator says how.  See kfree_rcu() in <mm/slab/slab.h>.
 */
#define RCU_MAX_OFFSET 4096

/* Returns the one before. */
typedef void (*rcu_kfree_t)(const void *object);
rcu_kfree_t rcu_set_kfree(rcu_kfree_t kfree);

/* -- Grace periods by number, for those who poll --------------------------- */

/* A number to give to poll_state_synchronize_rcu() later: has a whole grace
 * period passed since? */
unsigned long get_state_synchronize_rcu(void);
bool poll_state_synchronize_rcu(unsigned long state);

/* Like get_state_, and makes sure that one will begin. */
unsigned long start_poll_synchronize_rcu(void);

/* Wait, unless a grace period has passed since @state was taken. */
static inline void cond_synchronize_rcu(unsigned long state)
{
	if (!poll_state_synchronize_rcu(state))
		synchronize_rcu();
}

/* Callbacks queued and not yet called, on all CPUs. */
unsigned long rcu_nr_pending(void);

/* -- What others tell RCU -------------------------------------------------- */

/* What tells the grace-period thread that a CPU has left its readers behind.
 * Written by the own CPU only. */
struct rcu_watch {
	/* Odd: readers may be here; even: idle, none can be.  Changes with a
	 * full barrier. */
	unsigned long active;

	/* Counts moments outside of all readers. */
	unsigned long passes;

	/* Interrupts and NMIs that are on top of idle. */
	unsigned int irq_depth;

	/* The thread should be woken, from where that is possible. */
	bool wake_thread;
};
DECLARE_PER_CPU(struct rcu_watch, rcu_watch);

void rcu_wake_thread(void);

/* By schedule(), preemption off, before it locks the runqueue: that lock is the
 * full barrier after the count. */
static __always_inline void rcu_note_context_switch(void)
{
	this_cpu_inc(rcu_watch.passes);
	if (unlikely(this_cpu_read(rcu_watch.wake_thread)))
		rcu_wake_thread();
}

/*
 * By the idle loop, interrupts off, around the halt.  enter() returns false
 * when it has woken somebody instead: then there must be no halt, and no
 * exit().
 */
bool rcu_idle_enter(void);
void rcu_idle_exit(void);

/* First in irq_enter() and nmi_enter(), last in irq_exit() (after softirqs) and
 * nmi_exit(). */
void rcu_irq_enter(void);
void rcu_irq_exit(void);

/* By the tick, in hard interrupt, no runqueue locked. */
void rcu_tick(void);

/* Is there no reader on @cpu because it is idle, right now? */
bool rcu_cpu_is_idle(unsigned int cpu);

/* By name from kernel_main(), boot CPU, after the per-CPU areas.  call_rcu()
 * may be used before. */
void rcu_init(void);

/* By a new CPU, before it is online. */
void rcu_cpu_starting(void);

/*
 * The grace-period thread's function: kernel_main() makes one task of it.
 * Until it runs, grace periods wait; but with one CPU online synchronize_rcu()
 * returns at once, since a caller that may sleep is the proof.
 */
int rcu_thread(void *unused);
