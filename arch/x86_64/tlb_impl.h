/* SPDX-License-Identifier: MIT */
/* tlb_impl.h - between the TLB's owner and the traps. */
#pragma once
#include <arch/percpu.h>

/* Catch up with every flush that was asked for so far.  Any context. */
void tlb_interrupt(void);

/* Set while this CPU is halted, and until it has caught up: the first thing
 * any trap asks. */
DECLARE_PER_CPU(u32, tlb_asleep);
void tlb_wake(void);
