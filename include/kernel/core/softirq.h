/* SPDX-License-Identifier: MIT */
/*
 * softirq.h - the part of an interrupt that may be interrupted.
 *
 * A softirq is raised on a CPU and served there soon after, interrupts on,
 * sleeping forbidden, never two at once on one CPU: at the end of the
 * interrupt, at local_bh_enable(), or, when too many follow one another, by
 * that CPU's ksoftirqd, which competes for the CPU like any task.
 */
#pragma once
#include <kernel/core/preempt.h>
#include <lib/types.h>

struct task;

struct task;

/* In the order they are served. */
enum softirq_nr {
	TIMER_SOFTIRQ,
	NET_TX_SOFTIRQ,
	NET_RX_SOFTIRQ,
	RCU_SOFTIRQ,
	TEST_SOFTIRQ, /* for tests: open_softirq() it, raise it */
	NR_SOFTIRQS,
};

/* Once for each number, before anyone raises it; TEST_SOFTIRQ as often as
 * wanted, while it is not pending. */
void open_softirq(enum softirq_nr nr, void (*action)(void));

/* On this CPU.  Any context but NMI; the second with interrupts already off. */
void raise_softirq(enum softirq_nr nr);
void raise_softirq_irqoff(enum softirq_nr nr);

/* What is raised and not yet served on this CPU, as a mask of 1 << nr. */
u32 local_softirq_pending(void);

/*
 * Hold softirqs off on this CPU (and with them preemption).  Nests.  Not with
 * interrupts off, since the last enable serves what came meanwhile.
 */
static __always_inline void local_bh_disable(void)
{
	preempt_count_add(SOFTIRQ_DISABLE_STEP);
}

void local_bh_enable(void);

/* How often @nr was served on @cpu. */
u64 softirq_count_cpu(enum softirq_nr nr, unsigned int cpu);

/* By irq_exit(), interrupts off. */
void softirq_irq_exit(void);

/* ksoftirqd, of which kernel/task starts one for each CPU. */
int softirq_daemon(void *unused);
void softirq_set_daemon(unsigned int cpu, struct task *daemon);
