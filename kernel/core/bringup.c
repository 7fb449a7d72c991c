/* SPDX-License-Identifier: MIT */
/*
 * bringup.c - from one CPU to all of them.
 *
 * A CPU that does not come is not a reason to stop: it is named, and the rest
 * of the machine works without it.
 */
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <kernel/core/bringup.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>

void smp_init(phys_addr_t startup_page, void *(*alloc_stack)(unsigned int cpu))
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		char *stack;

		if (cpu_online(cpu))
			continue;
		stack = alloc_stack(cpu);
		if (!stack) {
			pr_err("cpu%u: no memory for its stack\n", cpu);
			continue;
		}
		sched_prepare_cpu(cpu, stack, IDLE_STACK_SIZE);
		arch_cpu_prepare(cpu, stack + IDLE_STACK_SIZE);
	}

	arch_cpus_start(startup_page);

	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu))
			pr_err("cpu%u (APIC id %u) did not come up\n", cpu,
			       cpu_apic_id(cpu));
	pr_info("%u of %u CPUs online\n", num_online_cpus(),
		num_possible_cpus());
}
