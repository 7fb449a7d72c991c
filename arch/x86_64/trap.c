/* SPDX-License-Identifier: MIT */
/*
 * trap.c - from a vector to whoever deals with it.
 *
 * Exceptions first try what makes them harmless: the patcher's breakpoints, an
 * instruction with a fixup, a page that can be made present.  What is left
 * is reported.  Interrupts run between irq_enter() and irq_exit(), and the end
 * of interrupt is told to the APIC before softirqs run and before
 * sched_irq_return(), which may not return for a long time.
 */
#include <arch/cpu.h>
#include <arch/percpu.h>
#include <arch/upcalls.h>
#include "arch_impl.h"
#include "tlb_impl.h"

extern char trap_return_address[];

DEFINE_PER_CPU(unsigned int, trap_nmi_depth);

static const char *const names[NR_EXCEPTIONS] = {
	[TRAP_DIVIDE] = "divide error",
	[TRAP_DEBUG] = "debug",
	[TRAP_NMI] = "NMI",
	[TRAP_BREAKPOINT] = "breakpoint",
	[TRAP_OVERFLOW] = "overflow",
	[TRAP_BOUND] = "bound exceeded",
	[TRAP_INVALID_OPCODE] = "invalid opcode",
	[TRAP_NO_FPU] = "no floating point",
	[TRAP_DOUBLE_FAULT] = "double fault",
	[TRAP_INVALID_TSS] = "invalid TSS",
	[TRAP_NO_SEGMENT] = "segment not present",
	[TRAP_STACK_SEGMENT] = "stack segment fault",
	[TRAP_PROTECTION] = "general protection fault",
	[TRAP_PAGE_FAULT] = "page fault",
	[TRAP_X87] = "x87 floating point error",
	[TRAP_ALIGNMENT] = "alignment check",
	[TRAP_MACHINE_CHECK] = "machine check",
	[TRAP_SIMD] = "SIMD floating point error",
};

const char *trap_name(unsigned int vector)
{
	if (vector >= NR_EXCEPTIONS || !names[vector])
		return "unknown exception";
	return names[vector];
}

struct trap_frame *trap_frame_from_stack(unsigned long caller_fp,
					 unsigned long ret)
{
	if (ret != (unsigned long)trap_return_address)
		return NULL;
	/* The frame that trap_common made: RBP, RIP, then the registers. */
	return (struct trap_frame *)(caller_fp + 16);
}

bool trap_in_nmi(void)
{
	return this_cpu_read(trap_nmi_depth) != 0;
}

static void page_fault(struct trap_frame *frame)
{
	unsigned long addr = read_cr2();
	bool resolved;

	if (fixup_exception(frame))
		return;
	if (frame->rflags & RFLAGS_IF)
		arch_local_irq_enable();
	resolved = page_fault_resolve(frame, addr);
	arch_local_irq_disable();
	if (!resolved)
		exception_report(frame, addr);
}

/* The handler may fault on purpose: keep CR2 for the page fault that this NMI
 * may have interrupted before it was read. */
static void nmi(struct trap_frame *frame)
{
	unsigned long cr2 = read_cr2();

	this_cpu_inc(trap_nmi_depth);
	nmi_interrupt(frame);
	this_cpu_dec(trap_nmi_depth);
	if (read_cr2() != cr2)
		write_cr2(cr2);
}

static void exception(struct trap_frame *frame)
{
	switch (frame->vector) {
	case TRAP_NMI:
		nmi(frame);
		break;
	case TRAP_PAGE_FAULT:
		page_fault(frame);
		break;
	case TRAP_DOUBLE_FAULT:
		exception_report(frame, read_cr2());
		break;
	case TRAP_BREAKPOINT:
		if (text_patch_breakpoint(frame))
			break;
		fallthrough;
	default:
		if (!fixup_exception(frame))
			exception_report(frame, 0);
	}
}

static void interrupt(struct trap_frame *frame)
{
	irq_enter();
	switch (frame->vector) {
	case VECTOR_TIMER:
		timer_interrupt();
		break;
	case VECTOR_RESCHEDULE:
		resched_interrupt();
		break;
	case VECTOR_CALL_FUNCTION:
		call_function_interrupt();
		break;
	case VECTOR_DEVICE_FIRST ... VECTOR_DEVICE_LAST:
		irq_interrupt(frame->vector, frame);
		break;
	default:
		/* An APIC error, or a leftover of the 8259s: nothing is lost
		 * by counting it among those that nobody handles. */
		irq_interrupt(frame->vector, frame);
		break;
	}
	lapic_eoi();
	irq_exit();
	sched_irq_return();
}

/* True if the return must not look like an NMI's end: see trap_entry.asm. */
bool trap_dispatch(struct trap_frame *frame);
bool trap_dispatch(struct trap_frame *frame)
{
	if (unlikely(this_cpu_read(tlb_asleep)))
		tlb_wake();
	if (frame->vector == VECTOR_SPURIOUS)
		return false; /* and no end of interrupt */
	if (frame->vector == VECTOR_TLB) {
		/* Touches nothing above this floor, so it may come at any
		 * time: not even irq_enter(). */
		tlb_interrupt();
		lapic_eoi();
	} else if (frame->vector >= NR_EXCEPTIONS) {
		interrupt(frame);
	} else {
		exception(frame);
	}
	return trap_in_nmi();
}
