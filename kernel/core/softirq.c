/* SPDX-License-Identifier: MIT */
/*
 * softirq.c - serve what interrupts left to be done.
 *
 * Problem.    Work that an interrupt starts (a packet's way up, expired timers)
 *             takes too long to do with interrupts off, and must not wait for a
 *             task to be scheduled.
 * Idea.       A word of pending bits per CPU.  The end of the outermost interrupt
 *             serves them with interrupts on; so does the end of a section that
 *             held them off.  Their own CPU's are the only ones it sees, so
 *             one softirq never meets itself on one CPU.
 * Overload.   New ones may be raised while some are served.  After MAX_ROUNDS, or
 *             MAX_NS, or when a task is to be preempted for another, the rest is
 *             left to ksoftirqd, which is scheduled like any task: an interrupt
 *             storm slows tasks down, but does not stop them.
 * Tasks.      One that raises a softirq outside of all interrupts wakes
 *             ksoftirqd too: nobody else would come soon.
 *
 * pending is changed by its own CPU only, interrupts off or in one instruction.
 */
#include <arch/irqflags.h>
#include <arch/upcalls.h>
#include <kernel/core/clock.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/rcu.h>
#include <kernel/core/sched.h>
#include <kernel/core/softirq.h>

#define MAX_ROUNDS 10
#define MAX_NS	   2000000ull

/* Fixed once the kernel runs, but for TEST_SOFTIRQ. */
static void (*actions[NR_SOFTIRQS])(void);

static DEFINE_PER_CPU(u32, softirq_pending);
static DEFINE_PER_CPU(u64, softirq_counts[NR_SOFTIRQS]);
static DEFINE_PER_CPU(struct task *, ksoftirqd);

void open_softirq(enum softirq_nr nr, void (*action)(void))
{
	WRITE_ONCE(actions[nr], action);
}

u32 local_softirq_pending(void)
{
	return this_cpu_read(softirq_pending);
}

u64 softirq_count_cpu(enum softirq_nr nr, unsigned int cpu)
{
	return READ_ONCE(per_cpu(softirq_counts[nr], cpu));
}

void softirq_set_daemon(unsigned int cpu, struct task *daemon)
{
	WRITE_ONCE(per_cpu(ksoftirqd, cpu), daemon);
}

/* Before there is a daemon, the next interrupt sees to it. */
static void wake_daemon(void)
{
	struct task *daemon = this_cpu_read(ksoftirqd);

	if (daemon)
		wake_up_process(daemon);
}

void raise_softirq_irqoff(enum softirq_nr nr)
{
	assert_irqs_off();
	this_cpu_or(softirq_pending, 1u << nr);
	if (!in_interrupt())
		wake_daemon();
}

void raise_softirq(enum softirq_nr nr)
{
	unsigned long flags;

	local_irq_save(flags);
	raise_softirq_irqoff(nr);
	local_irq_restore(flags);
}

/* Interrupts off; on while the actions run. */
static void serve_pending(void)
{
	u64 end = ktime_get_ns() + MAX_NS;
	unsigned int rounds = 0;
	u32 pending;

	preempt_count_add(SOFTIRQ_OFFSET);
	while ((pending = this_cpu_read(softirq_pending))) {
		if (rounds++ == MAX_ROUNDS || ktime_get_ns() > end ||
		    (rounds > 1 && need_resched())) {
			wake_daemon();
			break;
		}
		this_cpu_write(softirq_pending, 0);
		local_irq_enable();
		for (; pending; pending &= pending - 1) {
			unsigned int nr = __builtin_ctz(pending);
			u32 before = preempt_count();

			this_cpu_inc(softirq_counts[nr]);
			READ_ONCE(actions[nr])();
			WARN(preempt_count() != before,
			     "softirq %u left preemption count %x, not %x", nr,
			     preempt_count(), before);
		}
		local_irq_disable();
	}
	preempt_count_sub(SOFTIRQ_OFFSET);
}

void softirq_irq_exit(void)
{
	assert_irqs_off();
	if (!in_interrupt() && local_softirq_pending())
		serve_pending();
}

void local_bh_enable(void)
{
	DEBUG_WARN_ON(irqs_disabled());
	/* Softirqs on, preemption still off. */
	preempt_count_sub(SOFTIRQ_DISABLE_STEP - PREEMPT_OFFSET);
	if (unlikely(local_softirq_pending()) && !in_interrupt()) {
		local_irq_disable();
		serve_pending();
		local_irq_enable();
	}
	preempt_enable();
}

int softirq_daemon(void *unused)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!local_softirq_pending())
			schedule();
		__set_current_state(TASK_RUNNING);

		/* Serving happens at the end of this section. */
		local_bh_disable();
		local_bh_enable();
		cond_resched();
	}
	return 0;
}

/* -- Around every interrupt (upcalls) ---------------------------------------- */

void irq_enter(void)
{
	preempt_count_add(HARDIRQ_OFFSET);
	rcu_irq_enter();
}

void irq_exit(void)
{
	preempt_count_sub(HARDIRQ_OFFSET);
	softirq_irq_exit();
	rcu_irq_exit();
}

void nmi_enter(void)
{
	preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
	rcu_irq_enter();
}

void nmi_exit(void)
{
	rcu_irq_exit();
	preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
}
