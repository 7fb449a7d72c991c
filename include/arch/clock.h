/* SPDX-License-Identifier: MIT */
/*
 * clock.h - nanoseconds since boot, the same on every CPU.
 *
 * Any context and any time, NMI and before calibration included; until
 * arch_clock_init() has measured the TSC the clock stands at 0.  Never goes
 * back, whichever CPUs read it.
 */
#pragma once
#include <lib/types.h>

u64 arch_clock_ns(void);

/* How fast the TSC runs; 0 before calibration. */
u64 arch_clock_cycles_per_second(void);

/* Spin.  After calibration only. */
void arch_delay_ns(u64 ns);

/* Measure the TSC and the APIC timer against HPET or PIT.  Boot CPU, once. */
void arch_clock_init(void);

/* "HPET", "PIT": what the TSC was measured against. */
const char *arch_clock_reference(void);
