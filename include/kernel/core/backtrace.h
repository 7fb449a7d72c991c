/* SPDX-License-Identifier: MIT */
/*
 * backtrace.h - who called whom, by frame pointers.
 *
 * Never faults: each frame must lie on a stack that the CPU or the task is
 * known to have, above the one before it.  Walks on through interrupts and
 * exceptions onto the stacks they came from.  Any context.
 */
#pragma once
#include <lib/types.h>

struct trap_frame;
struct task;

/* Print the caller's own backtrace, one line a frame. */
void backtrace_print(void);
#define dump_stack() backtrace_print()

/* From where @regs was interrupted on. */
void backtrace_print_regs(const struct trap_frame *regs);

/* Of a task that is not running; of a running one it says where it runs. */
void backtrace_print_task(struct task *task);

/* Store up to @max return addresses, the caller's first, leaving out @skip;
 * returns how many.  For allocation sites. */
unsigned int backtrace_save(unsigned long *pcs, unsigned int max,
			    unsigned int skip);

/* This CPU's, then every other's: each is asked by NMI, in turn, and given a
 * bounded time to print.  Any context. */
void backtrace_print_all_cpus(void);
