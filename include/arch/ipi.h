/* SPDX-License-Identifier: MIT */
/*
 * ipi.h - interrupts from one CPU to others.
 *
 * Sending never waits for the receiver.  Everything written before the send
 * is visible to the handler.  Sending to a CPU that is not online is ignored;
 * masks may name the sender, who is left out.
 *
 * Any context, NMI included.
 */
#pragma once
#include <arch/cpumask.h>

/* resched_interrupt() (an upcall) runs there. */
void arch_send_reschedule(unsigned int cpu);

/* call_function_interrupt() (an upcall) runs there. */
void arch_send_call_function(unsigned int cpu);
void arch_send_call_function_mask(const cpumask_t *mask);

/* nmi_interrupt() (an upcall) runs there, interrupts off or on. */
void arch_send_nmi(unsigned int cpu);
void arch_send_nmi_mask(const cpumask_t *mask);
