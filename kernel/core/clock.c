/* SPDX-License-Identifier: MIT */
/* clock.c - the machine's clock under the name everybody knows. */
#include <arch/clock.h>
#include <kernel/core/clock.h>

u64 ktime_get_ns(void)
{
	return arch_clock_ns();
}

void ndelay(u64 ns)
{
	arch_delay_ns(ns);
}

void udelay(u64 us)
{
	arch_delay_ns(us * NSEC_PER_USEC);
}
