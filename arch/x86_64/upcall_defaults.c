/* SPDX-License-Identifier: MIT */
/*
 * upcall_defaults.c - what the machine does while a part above is missing.
 *
 * Weak: each gives way to the real one.
 */
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <arch/early_console.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <lib/compiler.h>

__weak void irq_enter(void)
{
}

__weak void irq_exit(void)
{
}

__weak void sched_irq_return(void)
{
}

__weak void timer_interrupt(void)
{
}

__weak void resched_interrupt(void)
{
}

__weak void irq_interrupt(unsigned int vector, struct trap_frame *frame)
{
}

__weak bool page_fault_resolve(struct trap_frame *frame, unsigned long addr)
{
	return false;
}

__weak void secondary_cpu_main(unsigned int cpu)
{
	cpu_set_online(cpu);
	for (;;)
		cpu_enable_irqs_and_halt();
}

__weak void task_entry(struct arch_task *prev, void (*fn)(void *), void *arg)
{
	fn(arg);
	early_die("a task's function returned");
}
