/* SPDX-License-Identifier: MIT */
/* bringup.h - from one CPU to all of them. */
#pragma once
#include <lib/types.h>

/* An idle task runs interrupts and softirqs on its stack, and nothing else. */
#define IDLE_STACK_SIZE (16u * 1024)

/*
 * Start all possible CPUs; say which did not come up, and go on without them.
 * Boot CPU, interrupts on.  @startup_page lies below 1 MiB (0: there is none,
 * and one CPU it is); @alloc_stack gives the lowest address of IDLE_STACK_SIZE
 * bytes, or NULL.
 */
void smp_init(phys_addr_t startup_page, void *(*alloc_stack)(unsigned int cpu));
