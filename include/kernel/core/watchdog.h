/* SPDX-License-Identifier: MIT */
/*
 * watchdog.h - say so when a CPU takes no interrupts, or does not schedule.
 *
 * watchdog_ms= is how long that may last (0: never mind).
 */
#pragma once
#include <lib/types.h>

/* By the idle loop when it has something to run, interrupts off. */
void watchdog_idle_exit(void);

/* Any task: a new limit, at once; returns the old one.  Others pass by. */
unsigned long watchdog_set_ms(unsigned long ms);

/* How often a watcher has looked round; for tests and the curious. */
unsigned long watchdog_nr_rounds(void);

/* By name from kernel_main(), once timers work. */
void watchdog_init(void);
