/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time, in nanoseconds since boot.
 *
 * Monotonic, the same on every CPU, and readable in any context, NMI included.
 * Durations and deadlines are u64 or s64 nanoseconds everywhere: there are no
 * jiffies.
 */
#pragma once
#include <lib/types.h>

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull

u64 ktime_get_ns(void);

/* Spin.  For devices and other waits too short to sleep. */
void ndelay(u64 ns);
void udelay(u64 us);
