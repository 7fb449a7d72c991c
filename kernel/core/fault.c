/* SPDX-License-Identifier: MIT */
/*
 * fault.c - from a page fault to whoever can mend it.
 *
 * The kernel's own memory is always present, so a fault is a bug unless it is
 * a task's touch of memory that is made on demand (mm/virt).  Making a page
 * sleeps; where that is not allowed the touch is a bug as well, and the
 * fault is reported as one.
 */
#include <arch/cpu.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <kernel/core/fault.h>
#include <kernel/core/preempt.h>
#include <lib/atomic.h>

/* Set once. */
static page_fault_resolver_t resolver;

void page_fault_set_resolver(page_fault_resolver_t resolve)
{
	smp_store_release(&resolver, resolve); /* pairs with the fault */
}

/* Upcall. */
bool page_fault_resolve(struct trap_frame *frame, unsigned long addr)
{
	page_fault_resolver_t resolve = smp_load_acquire(&resolver);

	if (!resolve || in_atomic() || !(frame->rflags & RFLAGS_IF))
		return false;
	return resolve(frame, addr);
}
