/* SPDX-License-Identifier: MIT */
/*
 * calibrate.c - how fast do the TSC and the local APIC's timer run?
 *
 * Problem.   Nobody says: CPUID's frequency leaves cannot be believed.
 * Idea.      Let both run for 10 ms of a clock whose rate is known: the HPET,
 *            which tells its own; without one, channel 2 of the PIT.
 * Exactness. What matters is that the three are read together.  Under a
 *            hypervisor a reading may be torn by milliseconds, so each end of
 *            the interval is read several times and the tightest kept.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <boot/acpi.h>
#include <lib/types.h>
#include "apic_impl.h"

#define CALIBRATION_HZ 100 /* the interval is 1/100 s */
#define TRIES	       5

#define HPET_CAPABILITIES 0x000
#define HPET_CONFIG	  0x010
#define HPET_COUNTER	  0x0f0
#define HPET_ENABLE	  1u
#define HPET_MAX_PERIOD	  100000000u /* femtoseconds, by the standard */
#define FEMTOSECONDS	  1000000000000000ull

#define PIT_HZ	      1193182u
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61
#define PIT_MODE_2    0xb4 /* channel 2, both bytes, rate generator */
#define PIT_LATCH     0x80
#define GATE_ON	      0x01
#define GATE_SPEAKER  0x02

/* A counter of known rate that wraps after @mask, at least 20 ms apart. */
struct reference {
	const char *name;
	u64 hz;
	u32 mask;
	u32 (*read)(void);
};

static volatile char *hpet;

static u32 hpet_read(void)
{
	return readl(hpet + HPET_COUNTER);
}

static bool hpet_open(struct reference *ref)
{
	u32 period;

	if (!acpi_info.hpet_base)
		return false;
	hpet = mmio_map(acpi_info.hpet_base, PAGE_SIZE);
	if (!hpet)
		return false;
	period = readl(hpet + HPET_CAPABILITIES + 4);
	if (!period || period > HPET_MAX_PERIOD)
		return false;
	writel(readl(hpet + HPET_CONFIG) | HPET_ENABLE, hpet + HPET_CONFIG);
	*ref = (struct reference){"HPET", FEMTOSECONDS / period, ~0u,
				  hpet_read};
	return true;
}

/* The PIT counts down; seen from the other end it counts up. */
static u32 pit_read(void)
{
	u32 count;

	outb(PIT_LATCH, PIT_COMMAND);
	count = inb(PIT_CHANNEL_2);
	count |= inb(PIT_CHANNEL_2) << 8;
	return -count & 0xffff;
}

static void pit_open(struct reference *ref)
{
	outb((inb(PIT_GATE) & ~GATE_SPEAKER) | GATE_ON, PIT_GATE);
	outb(PIT_MODE_2, PIT_COMMAND);
	outb(0, PIT_CHANNEL_2); /* 65536 ticks: 55 ms */
	outb(0, PIT_CHANNEL_2);
	*ref = (struct reference){"PIT", PIT_HZ, 0xffff, pit_read};
}

struct sample {
	u64 tsc;
	u32 ref, lapic;
};

static struct sample take_sample(const struct reference *ref)
{
	struct sample best = {0};
	u64 tightest = ~0ull;

	for (int i = 0; i < TRIES; i++) {
		u64 before = rdtsc();
		u32 lapic = lapic_timer_read();
		u32 count = ref->read();
		u64 after = rdtsc();

		if (after - before < tightest) {
			tightest = after - before;
			best = (struct sample){
				.tsc = before + (after - before) / 2,
				.ref = count,
				.lapic = lapic,
			};
		}
	}
	return best;
}

void calibrate(struct calibration *result)
{
	struct sample start, end;
	struct reference ref;
	u64 ticks;

	if (!hpet_open(&ref))
		pit_open(&ref);

	lapic_timer_start(~0u);
	start = take_sample(&ref);
	while (((ref.read() - start.ref) & ref.mask) < ref.hz / CALIBRATION_HZ)
		cpu_relax();
	end = take_sample(&ref);
	lapic_timer_start(0);

	ticks = (end.ref - start.ref) & ref.mask;
	result->reference = ref.name;
	result->tsc_hz = (end.tsc - start.tsc) * ref.hz / ticks;
	result->lapic_hz = (u64)(start.lapic - end.lapic) * ref.hz / ticks;
}
