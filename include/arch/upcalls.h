/* SPDX-License-Identifier: MIT */
/*
 * upcalls.h - where the machine calls the kernel.
 *
 * The only upward door of floor 1: declared here, below, and defined above.
 * tools/check-floors lets floor 1 name these symbols and no others.
 *
 * An interrupt runs as irq_enter(), its upcall, end of interrupt, irq_exit(),
 * sched_irq_return(); all with interrupts off, on the stack of whoever was
 * interrupted.
 */
#pragma once
#include <lib/types.h>

struct trap_frame;
struct arch_task;

/* Floor 7, kernel/main.c.  Boot CPU, first stack, interrupts off. */
void __attribute__((noreturn)) kernel_main(void);

/*
 * Floor 2, the scheduler.  A CPU that was just started, on the stack it was
 * prepared with, interrupts off, its per-CPU area, traps and local APIC ready.
 */
void __attribute__((noreturn)) secondary_cpu_main(unsigned int cpu);

/* First code of a new task: finish the switch from @prev, then fn(arg).
 * Interrupts off. */
void __attribute__((noreturn))
task_entry(struct arch_task *prev, void (*fn)(void *), void *arg);

/*
 * Around every interrupt but NMI.  irq_exit() may run softirqs;
 * sched_irq_return() may switch to another task: the interrupted one goes on
 * when it is switched back to.
 */
void irq_enter(void);
void irq_exit(void);
void sched_irq_return(void);

void timer_interrupt(void);
void resched_interrupt(void);
void call_function_interrupt(void);

/* A device's vector, VECTOR_DEVICE_FIRST to _LAST; or one that nobody sends. */
void irq_interrupt(unsigned int vector, struct trap_frame *frame);

/* In NMI context, on the NMI stack: no locks but trylocks.  Faults are safe
 * here (probe_read), as are breakpoints of the text patcher. */
void nmi_interrupt(struct trap_frame *frame);

/*
 * Make the page at @addr accessible and return true: the instruction runs
 * again.  False: it cannot be, or not in this context.  Interrupts are as they
 * were when it faulted.
 */
bool page_fault_resolve(struct trap_frame *frame, unsigned long addr);

/*
 * An exception nobody resolved.  @addr is CR2 for page and double faults.
 * Returning resumes at frame->rip, which the callee may have changed (a WARN
 * steps over its UD2).
 */
void exception_report(struct trap_frame *frame, unsigned long addr);
