/* SPDX-License-Identifier: MIT */
/* clock_test.c - one time for all CPUs, measured right. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <kernel/core/preempt.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include <tests/test.h>
#include "apic_impl.h"

TEST(clock, never_goes_back)
{
	u64 last = arch_clock_ns();

	for (int i = 0; i < 10000; i++) {
		u64 now = arch_clock_ns();

		if (now < last)
			FAIL("%llu after %llu", now, last);
		last = now;
	}
}

static void read_clock(void *result)
{
	*(u64 *)result = arch_clock_ns();
}

/* Each reading happens after the one before it, on another CPU. */
TEST(clock, never_goes_back_from_cpu_to_cpu)
{
	u64 last = arch_clock_ns(), now;
	unsigned int cpu;

	for (int round = 0; round < 50; round++) {
		for_each_online_cpu(cpu) {
			smp_call_function_single(cpu, read_clock, &now, true);
			EXPECT_GE(now, last);
			last = now;
		}
	}
}

TEST(clock, delay_takes_as_long_as_the_clock_says)
{
	u64 start = arch_clock_ns();

	arch_delay_ns(2000000);
	EXPECT_GE(arch_clock_ns() - start, 1999900);
	EXPECT_GT(arch_clock_cycles_per_second(), 1000000);
}

/* -- Calibration, against clocks made from the TSC itself ------------------- */

#define FAKE_SHIFT 7 /* a tick is 128 cycles */
#define FAKE_HZ	   10000000u
#define FAKE_TSC   ((u64)FAKE_HZ << FAKE_SHIFT)

/* Half a reading takes some microseconds, of 10 ms. */
#define ALLOWED_PPM 2000

static bool is_about(u64 value, u64 expected, u64 ppm)
{
	return abs_diff(value, expected) <= expected / 1000000 * ppm;
}

static u32 read_fake(void)
{
	return rdtsc() >> FAKE_SHIFT;
}

/* 52 ms, as the PIT: it wraps in every fifth measurement. */
#define NARROW_MASK ((1u << 19) - 1)

TEST(clock, calibration_finds_the_rate)
{
	struct reference fake = {"fake", FAKE_HZ, ~0u, read_fake};
	struct calibration c;

	ASSERT(calibrate_by(&fake, &c));
	EXPECT(is_about(c.tsc_hz, FAKE_TSC, ALLOWED_PPM));
	EXPECT_STREQ(c.reference, "fake");

	fake.mask = NARROW_MASK;
	for (int i = 0; i < 4; i++) {
		ASSERT(calibrate_by(&fake, &c));
		EXPECT(is_about(c.tsc_hz, FAKE_TSC, ALLOWED_PPM));
	}
}

static u32 read_dead(void)
{
	return ~0u; /* what is read where no device is */
}

static u64 dies_at;

static u32 read_dying(void)
{
	return min(rdtsc(), dies_at) >> FAKE_SHIFT;
}

TEST(clock, reference_that_stands_still_is_refused)
{
	struct reference dead = {"dead", FAKE_HZ, ~0u, read_dead};
	struct reference dying = {"dying", FAKE_HZ, ~0u, read_dying};
	struct calibration c;

	EXPECT(!calibrate_by(&dead, &c));
	dies_at = rdtsc() + FAKE_TSC / 200;
	EXPECT(!calibrate_by(&dying, &c));
}

static u64 jumps_at;
static u32 jump_ticks;

/* As if the host had had other things to do, and it had wrapped. */
static u32 read_jumping(void)
{
	u64 now = rdtsc();

	return (now >> FAKE_SHIFT) - (now > jumps_at ? jump_ticks : 0);
}

TEST(clock, measurement_with_a_jump_is_repeated)
{
	struct reference fake = {"jumping", FAKE_HZ, ~0u, read_jumping};
	struct calibration c;

	jump_ticks = FAKE_HZ / 1000;
	for (int ms = 1; ms < 10; ms += 2) {
		jumps_at = rdtsc() + FAKE_TSC / 1000 * ms;
		ASSERT(calibrate_by(&fake, &c));
		EXPECT(is_about(c.tsc_hz, FAKE_TSC, ALLOWED_PPM));
	}
}

/* What the boot measured holds later, too, and whatever the host does. */
TEST(clock, measured_again_the_rate_is_the_same)
{
	struct calibration c;

	preempt_disable();
	EXPECT(calibrate_by(&calibration_reference, &c));
	preempt_enable();
	EXPECT(is_about(c.tsc_hz, arch_clock_cycles_per_second(), ALLOWED_PPM));
	EXPECT_STREQ(c.reference, arch_clock_reference());
}

TEST(clock, far_deadlines_are_far_in_every_unit)
{
	const u64 second = 1000000000, hour = 3600 * second;

	EXPECT(is_about(clock_ns_to_cycles(hour),
			3600 * arch_clock_cycles_per_second(), 1));
	EXPECT(is_about(clock_ns_to_lapic_ticks(hour),
			3600 * clock_ns_to_lapic_ticks(second), 10));
}
