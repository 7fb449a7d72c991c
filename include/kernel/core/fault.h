/* SPDX-License-Identifier: MIT */
/* fault.h - pages that come into being when they are touched. */
#pragma once
#include <lib/types.h>

struct trap_frame;

/*
 * Who makes pages present on demand.  @resolve runs in the task that faulted,
 * interrupts on, and may sleep; it returns false for addresses that are not
 * its own, or that it has no page for.  It may also end the task.
 * frame->error is the FAULT_* bits (arch/trap.h).  Once, at init.
 */
typedef bool (*page_fault_resolver_t)(const struct trap_frame *frame,
				      unsigned long addr);
void page_fault_set_resolver(page_fault_resolver_t resolve);
