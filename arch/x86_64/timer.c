/* SPDX-License-Identifier: MIT */
/* timer.c - the local APIC's timer, told in nanoseconds. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/timer.h>
#include "apic_impl.h"
#include "arch_impl.h"

#define MAX_COUNT 0xffffffffull

/* Further away than an hour is never. */
#define MAX_DELAY_NS 3600000000000ull

static u64 delay_until(u64 deadline)
{
	u64 now = arch_clock_ns();
	u64 delay = deadline > now ? deadline - now : 0;

	return delay < MAX_DELAY_NS ? delay : MAX_DELAY_NS;
}

/* Rounded up: a timer that fires early has to be set again. */
static void start_countdown(u64 delay)
{
	u64 count = clock_ns_to_lapic_ticks(delay) + 1;

	lapic_timer_start(count < MAX_COUNT ? count : MAX_COUNT);
}

void arch_timer_set_deadline_ns(u64 deadline)
{
	u64 delay = delay_until(deadline);

	if (cpu_features.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE,
		      rdtsc() + clock_ns_to_cycles(delay) + 1);
	else
		start_countdown(delay);
}

void arch_timer_stop(void)
{
	if (cpu_features.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		lapic_timer_start(0);
}
