/* SPDX-License-Identifier: MIT */
/* rcu_impl.h - between grace periods (rcu.c) and callbacks (rcu_callback.c). */
#pragma once
#include <kernel/core/rcu.h>
#include <kernel/core/smp.h>

/* The number of the last grace period, times two; plus one while one runs.
 * Written by the thread. */
extern unsigned long rcu_gp_seq;

/* Grace periods up to this number are asked for.  Any CPU, atomically; only
 * grows. */
extern unsigned long rcu_gp_wanted;

/* After how long a grace period is reported. */
extern unsigned long rcu_stall_ms;

static inline bool rcu_seq_reached(unsigned long seq)
{
	return (long)(smp_load_acquire(&rcu_gp_seq) - seq) >= 0;
}

/* Ask for grace periods up to number @seq.  Any context but NMI. */
void rcu_request(unsigned long seq);

/* A grace period has ended: see to @cpu's callbacks, if any waited for it. */
void rcu_callbacks_ready(unsigned int cpu);

/* Has this CPU callbacks that could be called now, or put in order? */
bool rcu_callbacks_due(void);

void rcu_callbacks_init(void);
