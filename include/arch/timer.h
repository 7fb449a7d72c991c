/* SPDX-License-Identifier: MIT */
/*
 * timer.h - this CPU's one timer, one shot at a time.
 *
 * The local APIC's timer: TSC-deadline where the CPU has it, a calibrated
 * countdown otherwise.  When it fires, timer_interrupt() (an upcall) runs with
 * interrupts off.  It may fire early, when the deadline is beyond what the
 * counter can hold: the handler looks at the clock and sets it again.
 *
 * Own CPU, interrupts off.
 */
#pragma once
#include <lib/types.h>

/* @deadline is on the scale of arch_clock_ns(); one in the past fires at once.
 * Replaces the deadline that was set. */
void arch_timer_set_deadline_ns(u64 deadline);
void arch_timer_stop(void);
