/* SPDX-License-Identifier: MIT */
/*
 * upcall_defaults.c - what the machine does while a part above is missing.
 *
 * Weak: each gives way to the real one.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <lib/compiler.h>
#include <lib/format.h>

__weak void irq_enter(void)
{
}

__weak void irq_exit(void)
{
}

__weak void timer_interrupt(void)
{
}

__weak void resched_interrupt(void)
{
}

__weak void call_function_interrupt(void)
{
}

__weak void irq_interrupt(unsigned int vector, struct trap_frame *frame)
{
}

__weak void nmi_interrupt(struct trap_frame *frame)
{
}

__weak bool page_fault_resolve(struct trap_frame *frame, unsigned long addr)
{
	return false;
}

__weak void exception_report(struct trap_frame *frame, unsigned long addr)
{
	char text[160];

	scnprintf(text, sizeof(text), "%s at %llx, address %lx, error %llx\n",
		 trap_name(frame->vector), frame->rip, addr, frame->error);
	early_puts(text);
	early_die("unhandled exception");
}

__weak void secondary_cpu_main(unsigned int cpu)
{
	for (;;)
		cpu_enable_irqs_and_halt();
}

__weak void task_entry(struct arch_task *prev, void (*fn)(void *), void *arg)
{
	fn(arg);
	early_die("a task's function returned");
}
