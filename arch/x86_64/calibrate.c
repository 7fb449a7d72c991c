/* SPDX-License-Identifier: MIT */
/*
 * calibrate.c - how fast do the TSC and the local APIC's timer run?
 *
 * Problem.   Nobody says: CPUID's frequency leaves cannot be believed.
 * Idea.      Let both run for 10 ms of a clock whose rate is known: the HPET,
 *            which tells its own; without one, channel 2 of the PIT, or ACPI's
 *            timer.  One that stands still is as good as none.
 * Exactness. What matters is that the three are read together.  Under a
 *            hypervisor a reading may be torn by milliseconds, so each is taken
 *            several times and the tightest kept.  A clock may also wrap
 *            unnoticed while the host does something else.  So there is a reading
 *            in the middle, and the two halves must agree; if they do not, the
 *            measurement is repeated.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/io.h>
#include <arch/paging.h>
#include <boot/acpi.h>
#include <boot/note.h>
#include <lib/math.h>
#include <lib/types.h>
#include "apic_impl.h"

#define CALIBRATION_HZ 100 /* the interval is 1/100 s */
#define TRIES	       5   /* of one reading */
#define ROUNDS	       10  /* of the whole */
#define AGREED_PPM     500

/* A counter that has not moved for so many cycles, and so many looks (the host
 * may do something else after one), will not: a millisecond and more. */
#define STILL_CYCLES (1u << 24)
#define STILL_LOOKS  1000

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

#define PM_TIMER_HZ   3579545u
#define PM_TIMER_MASK 0xffffffu /* some have 32 bits; 24 will do */

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

static bool pit_open(struct reference *ref)
{
	outb((inb(PIT_GATE) & ~GATE_SPEAKER) | GATE_ON, PIT_GATE);
	outb(PIT_MODE_2, PIT_COMMAND);
	outb(0, PIT_CHANNEL_2); /* 65536 ticks: 55 ms */
	outb(0, PIT_CHANNEL_2);
	*ref = (struct reference){"PIT", PIT_HZ, 0xffff, pit_read};
	return true;
}

static u32 pm_timer_read(void)
{
	return inl(acpi_info.pm_timer_port);
}

static bool pm_timer_open(struct reference *ref)
{
	if (!acpi_info.pm_timer_port)
		return false;
	*ref = (struct reference){"PM timer", PM_TIMER_HZ, PM_TIMER_MASK,
				  pm_timer_read};
	return true;
}

static bool (*const openers[])(struct reference *ref) = {hpet_open, pit_open,
							 pm_timer_open};

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

static u32 ticks_between(const struct reference *ref, u32 start, u32 end)
{
	return (end - start) & ref->mask;
}

/* Until @ref has gone on by @ticks from @start; false if it stands still. */
static bool wait_ticks(const struct reference *ref, u32 start, u32 ticks)
{
	unsigned int looks = 0;
	u64 moved = rdtsc();
	u32 last = start;

	for (;;) {
		u32 now = ref->read();

		if (ticks_between(ref, start, now) >= ticks)
			return true;
		if (now != last) {
			last = now;
			moved = rdtsc();
			looks = 0;
		} else if (++looks > STILL_LOOKS &&
			   rdtsc() - moved > STILL_CYCLES) {
			return false;
		}
		cpu_relax();
	}
}

/* How far the rates of the two halves are apart: in each, cycles by ticks. */
static u32 disagreement_ppm(const struct sample *s, const u64 *ticks)
{
	u64 first = (s[1].tsc - s[0].tsc) * ticks[1];
	u64 second = (s[2].tsc - s[1].tsc) * ticks[0];

	return abs_diff(first, second) / (max(first, second) / 1000000 + 1);
}

/* One round: false if @ref stands still. */
static bool measure(const struct reference *ref, struct calibration *result)
{
	u32 half = ref->hz / CALIBRATION_HZ / 2;
	struct sample s[3];
	u64 ticks[2], all;

	s[0] = take_sample(ref);
	for (int i = 0; i < 2; i++) {
		if (!wait_ticks(ref, s[i].ref, half))
			return false;
		s[i + 1] = take_sample(ref);
		ticks[i] = ticks_between(ref, s[i].ref, s[i + 1].ref);
	}
	all = ticks[0] + ticks[1]; /* it may have wrapped since s[0] */
	*result = (struct calibration){
		.reference = ref->name,
		.tsc_hz = (s[2].tsc - s[0].tsc) * ref->hz / all,
		.lapic_hz = (u64)(s[0].lapic - s[2].lapic) * ref->hz / all,
		.ppm = disagreement_ppm(s, ticks),
	};
	return true;
}

bool calibrate_by(const struct reference *ref, struct calibration *result)
{
	struct calibration c;

	result->ppm = ~0u;
	for (int i = 0; i < ROUNDS && result->ppm > AGREED_PPM; i++) {
		if (!measure(ref, &c))
			return false;
		if (c.ppm < result->ppm)
			*result = c;
	}
	return true;
}

struct reference calibration_reference;

void calibrate(struct calibration *result)
{
	struct reference *ref = &calibration_reference;
	bool done = false;

	lapic_timer_start(~0u);
	for (int i = 0; i < ARRAY_SIZE(openers) && !done; i++)
		done = openers[i](ref) && calibrate_by(ref, result);
	lapic_timer_start(0);
	if (!done)
		early_die("no HPET, PIT or ACPI timer runs, so nothing says "
			  "how fast the TSC does");
	boot_say("clock: TSC %llu kHz, local APIC's timer %llu kHz, by the %s",
		 result->tsc_hz / 1000, result->lapic_hz / 1000,
		 result->reference);
	if (result->ppm > AGREED_PPM)
		boot_warn("clock: the TSC's rate by the %s differs by %u ppm "
			  "from one moment to the next",
			  result->reference, result->ppm);
}
