/* SPDX-License-Identifier: MIT */
/* apic_impl.h - the local APIC, to this folder. */
#pragma once
#include <arch/cpumask.h>
#include <lib/types.h>

/* Whether every CPU that the firmware lists has a number. */
bool cpu_topology_complete(void);

/* Each CPU its own, once arch_apic_init() has found the registers. */
void lapic_init_cpu(void);

/* This CPU's APIC id, by CPUID alone. */
u32 lapic_own_id(void);

/* The timer counts down at a sixteenth of the APIC's clock. */
void lapic_timer_start(u32 count);
u32 lapic_timer_read(void);

/* Send @vector (TRAP_NMI for an NMI) to one CPU, or to @mask without this
 * CPU. */
void lapic_send(unsigned int cpu, unsigned int vector);
void lapic_send_mask(const cpumask_t *mask, unsigned int vector);

/* Start-up: reset a CPU, and have it begin at a page below 1 MiB. */
void lapic_send_init(u32 apic_id);
void lapic_send_startup(u32 apic_id, phys_addr_t page);

/* Measure the local APIC's timer and the TSC in one go (calibrate.c). */
struct calibration {
	const char *reference;
	u64 tsc_hz;
	u64 lapic_hz; /* after its divider */
	u32 ppm;      /* by which two halves of the measurement disagreed */
};
void calibrate(struct calibration *result);

/* A counter of known rate, which wraps at @mask (a power of two less 1), at
 * least 20 ms later. */
struct reference {
	const char *name;
	u64 hz;
	u32 mask;
	u32 (*read)(void);
};

/* The same against @ref, while the timer counts: false if @ref stands still. */
bool calibrate_by(const struct reference *ref, struct calibration *result);

/* The one that calibrate() found. */
extern struct reference calibration_reference;

/* How far the TSC gets in @ns, and the local APIC's timer. */
u64 clock_ns_to_cycles(u64 ns);
u64 clock_ns_to_lapic_ticks(u64 ns);

/* Publish a reading of the TSC and look at the others'.  By CPUs coming up
 * and by the one that waits for them, over and over. */
void clock_check_warp(void);
