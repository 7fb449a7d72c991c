/* SPDX-License-Identifier: MIT */
/* clock_test.c - one time for all CPUs, and a timer that keeps it. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <kernel/core/smp.h>
#include <tests/test.h>

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
