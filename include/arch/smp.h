/* SPDX-License-Identifier: MIT */
/*
 * smp.h - which CPUs there are, and how the others are started.
 *
 * The firmware tables name CPUs by APIC id, with gaps and in any order; here
 * each gets a dense number, the boot CPU 0.
 */
#pragma once
#include <arch/cpumask.h>

/* Number the CPUs that acpi_info names, which makes them possible and present.
 * Once, before the per-CPU areas. */
void cpu_topology_init(void);

/* The number of the CPU with this APIC id, or -ENOENT; and back. */
int cpu_from_apic_id(u32 apic_id);
u32 cpu_apic_id(unsigned int cpu);

/* Which node a CPU is on, 0 unless SRAT said otherwise; this CPU's. */
extern int __cpu_to_node[NR_CPUS];

static inline int cpu_to_node(unsigned int cpu)
{
	return __cpu_to_node[cpu];
}

static inline int numa_node_id(void)
{
	return cpu_to_node(smp_processor_id());
}

/* The node whose memory is nearest to a CPU: its own, if that has any. */
extern int __cpu_to_mem[NR_CPUS];

static inline int cpu_to_mem(unsigned int cpu)
{
	return __cpu_to_mem[cpu];
}

static inline int numa_mem_id(void)
{
	return cpu_to_mem(smp_processor_id());
}

/* Once, by who knows where memory is; before that it is the CPU's node. */
void set_cpu_numa_mem(unsigned int cpu, int node);

/*
 * Start CPUs.  arch_cpu_prepare() says on which stack @cpu is to run; then
 * arch_cpus_start() starts all that are prepared, together, and waits until
 * they are online or it is clear that they will not be.  Each runs
 * secondary_cpu_main() (an upcall), interrupts off, and calls cpu_set_online()
 * when it is ready.  Returns how many came up; the others stay offline for
 * good.  @startup_page is a page of RAM below 1 MiB that nobody uses.
 */
void arch_cpu_prepare(unsigned int cpu, void *stack_top);
unsigned int arch_cpus_start(phys_addr_t startup_page);

/*
 * Halt until an interrupt comes.  Called with interrupts off and returns with
 * them on; an interrupt that is pending already ends the halt at once.  Nothing
 * that this CPU has cached of page tables or code holds it up: see tlb.c.
 */
void arch_idle(void);

/* Find the local APIC and turn on this CPU's.  Boot CPU, once. */
void arch_apic_init(void);

/* Put the machine back to its start; for ever. */
void __attribute__((noreturn)) arch_reboot(void);
