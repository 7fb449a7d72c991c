/* SPDX-License-Identifier: MIT */
/*
 * timer.h - call a function at a time.
 *
 * Deadlines are absolute, in ktime_get_ns() nanoseconds.  A function is never
 * called early, and on one CPU timers of one kind fire in the order of their
 * deadlines.  It runs on the CPU that armed the timer, in softirq context, or in
 * the interrupt itself for timers set up with TIMER_HARDIRQ; it may re-arm its
 * own timer, even for a time that has passed, and must not sleep.
 */
#pragma once
#include <lib/compiler.h>
#include <lib/rbtree.h>
#include <lib/types.h>

/* Call the function from the timer interrupt, interrupts off: for wakeups and
 * other short work. */
#define TIMER_HARDIRQ (1u << 0)

/* The kernel's own, armed or not as things go: not in timers_nr_armed(). */
#define TIMER_UNCOUNTED (1u << 1)

struct timer_base;

struct timer_list {
	/* Under the lock of the CPU it is on. */
	struct rb_node node;
	u64 expires;
	bool queued; /* read freely */

	/* Changes under that lock, to NULL on the way to another CPU. */
	struct timer_base *base;

	/* Fixed at setup. */
	void (*fn)(struct timer_list *t);
	unsigned int flags;
};

/* In a timer's function: the structure, of the type that @var points to, in which
 * timer @t is embedded as @member. */
#define from_timer(var, t, member) container_of(t, __typeof__(*(var)), member)

/* Where a timer that was set up by the compiler belongs until it is armed. */
extern struct timer_base timer_base_unarmed;

#define TIMER_INITIALIZER(fn_, flags_)                                         \
	{                                                                      \
		.base = &timer_base_unarmed, .fn = (fn_), .flags = (flags_)    \
	}
#define DEFINE_TIMER(name, fn) struct timer_list name = TIMER_INITIALIZER(fn, 0)

void timer_setup(struct timer_list *t, void (*fn)(struct timer_list *t),
		 unsigned int flags);

/*
 * Arm, or move to a new deadline, on this CPU.  Returns whether it was armed
 * before.  Any context but NMI, its own function included.
 */
bool mod_timer(struct timer_list *t, u64 expires);

/* The same for the deadline that is in it, t->expires, if it is not armed. */
static inline void add_timer(struct timer_list *t)
{
	mod_timer(t, t->expires);
}

/* mod_timer() on @cpu, which must be online. */
bool mod_timer_on(struct timer_list *t, u64 expires, unsigned int cpu);

/* Disarm.  Returns whether it was armed.  Its function may still be running. */
bool del_timer(struct timer_list *t);

/*
 * Disarm and wait until the function is not running anywhere.  The caller must
 * see to it that nobody re-arms the timer meanwhile, must not hold what the
 * function waits for, and must be a task (any context for TIMER_HARDIRQ timers,
 * except their own function).
 */
bool del_timer_sync(struct timer_list *t);

/* Armed and not yet called.  A snapshot. */
static inline bool timer_pending(const struct timer_list *t)
{
	return READ_ONCE(t->queued);
}

/* How many are armed, on all CPUs. */
unsigned long timers_nr_armed(void);

/* How many timer interrupts @cpu has taken. */
u64 timer_interrupts(unsigned int cpu);

/* -- For the scheduler: own CPU, interrupts off. ------------------------------ */

/* One call of sched_tick() at @deadline; replaces the last.  U64_MAX: none. */
void timer_set_tick(u64 deadline);

/* About to halt: no interrupt before the next timer is due. */
void timer_idle_enter(void);

/* Another CPU armed a timer here. */
void timers_kick(void);

/* By name from kernel_main(), for all CPUs. */
void timers_init(void);
