/* SPDX-License-Identifier: MIT */
/*
 * irq.h - interrupts, from the vector to the device's handler.
 *
 * A vector has at most one handler.  Handlers run with interrupts off, on the
 * CPU that was interrupted, between irq_enter() and irq_exit(); they may wake
 * tasks and raise softirqs, and must not sleep.
 */
#pragma once
#include <lib/types.h>

/* @nr is the vector, @data what the handler was registered with. */
typedef void (*irq_handler_t)(unsigned int nr, void *data);

/*
 * Registers @fn for @nr, of VECTOR_DEVICE_FIRST to VECTOR_DEVICE_LAST.  @name
 * must outlive the registration.  Returns -EINVAL for a vector out of range and
 * -EBUSY for one that is taken.  Any context but NMI.
 */
int request_irq(unsigned int nr, irq_handler_t fn, const char *name,
		void *data);

/*
 * Finds an unused vector and registers @fn for it.  Returns the vector, or
 * -ENOSPC.
 */
int irq_alloc(irq_handler_t fn, const char *name, void *data);

/*
 * Undoes either.  When it returns, @fn no longer runs on any CPU.  May spin
 * until a running handler ends, so not from that handler.
 */
void free_irq(unsigned int nr);

/* How often @nr has been served, by all CPUs; and by one. */
u64 irq_count(unsigned int nr);
u64 irq_count_cpu(unsigned int nr, unsigned int cpu);

/* NULL when nobody handles @nr. */
const char *irq_name(unsigned int nr);

/* How often @cpu was interrupted by vectors that nobody handles. */
u64 irq_spurious_count(unsigned int cpu);

/* irq_enter() and irq_exit(), around every interrupt, are in arch/upcalls.h. */

/* Around an NMI: counts only. */
void nmi_enter(void);
void nmi_exit(void);
