/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the TSC as a clock.
 *
 * ns = (tsc - start) * mult / 2^32, with a 128-bit product, so that neither the
 * range (centuries) nor the rounding (below 1 ns in 4 s) ever matters.
 *
 * TSCs of one machine start together and run together, nearly always.  While
 * CPUs come up, they and the boot CPU publish their readings to each other; a
 * reading below one that is known to be older is a warp.  After the first
 * warp the clock costs a shared cache line: nobody is told less than anyone
 * was.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <boot/boot_info.h>
#include <lib/atomic.h>
#include "apic_impl.h"

#define NS_PER_SECOND 1000000000ull
#define RATE_SHIFT    24 /* hz << 24 fits, up to 1 THz */

/* All fixed once arch_clock_init() is done; hz is written last. */
static u64 start_tsc, mult, cycles_mult, lapic_mult, tsc_hz;
static const char *reference = "none";

static bool warped;	/* set once, never cleared */
static u64 latest;	/* once warped: the highest reading given out */
static u64 highest_tsc; /* published by clock_check_warp() */

u64 arch_clock_cycles_per_second(void)
{
	return tsc_hz;
}

const char *arch_clock_reference(void)
{
	return reference;
}

/* Not before what came earlier in the program, either. */
static u64 ordered_tsc(void)
{
	rmb();
	return rdtsc();
}

/* Two readings of one CPU may be compared with another's in between, so what
 * is given out only ever rises. */
static u64 raise_to(u64 *word, u64 value)
{
	u64 seen = READ_ONCE(*word);

	while (value > seen)
		if (try_cmpxchg(word, &seen, value))
			return value;
	return seen;
}

static u64 tsc_to_ns(u64 tsc)
{
	return (u128)(tsc - start_tsc) * mult >> 32;
}

u64 arch_clock_ns(void)
{
	u64 now;

	if (unlikely(!READ_ONCE(tsc_hz)))
		return 0;
	now = tsc_to_ns(ordered_tsc());
	return unlikely(READ_ONCE(warped)) ? raise_to(&latest, now) : now;
}

u64 clock_ns_to_cycles(u64 ns)
{
	return (u128)ns * cycles_mult >> RATE_SHIFT;
}

u64 clock_ns_to_lapic_ticks(u64 ns)
{
	return (u128)ns * lapic_mult >> RATE_SHIFT;
}

void arch_delay_ns(u64 ns)
{
	u64 start = rdtsc();
	u64 cycles = clock_ns_to_cycles(ns);

	while (rdtsc() - start < cycles)
		cpu_relax();
}

void arch_clock_init(void)
{
	struct calibration c;

	start_tsc = boot_info.entry_tsc;
	calibrate(&c);
	reference = c.reference;
	mult = (NS_PER_SECOND << 32) / c.tsc_hz;
	cycles_mult = (c.tsc_hz << RATE_SHIFT) / NS_PER_SECOND;
	lapic_mult = (c.lapic_hz << RATE_SHIFT) / NS_PER_SECOND;
	smp_store_release(&tsc_hz, c.tsc_hz);
}

void clock_check_warp(void)
{
	u64 seen = READ_ONCE(highest_tsc);
	u64 now = ordered_tsc();

	if (now < seen && !READ_ONCE(warped)) {
		raise_to(&latest, tsc_to_ns(seen));
		smp_store_release(&warped, true);
	}
	raise_to(&highest_tsc, now);
}
