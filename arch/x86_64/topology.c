/* SPDX-License-Identifier: MIT */
/* topology.c - the firmware's CPUs get Tally's numbers. */
#include <arch/features.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <boot/note.h>
#include <errno.h>
#include "apic_impl.h"

#define XAPIC_EVERYBODY 255

static u32 apic_ids[NR_CPUS];
int __cpu_to_node[NR_CPUS];
int __cpu_to_mem[NR_CPUS];

static unsigned int nr_left_out;

bool cpu_topology_complete(void)
{
	return !nr_left_out && !acpi_info.nr_cpus_left_out;
}

/* An xAPIC has eight bits for whom it sends to: another id would be cut to that
 * of some other CPU, or of all. */
static bool can_be_named(u32 apic_id)
{
	return cpu_features.x2apic || apic_id < XAPIC_EVERYBODY;
}

static void add_cpu(u32 apic_id, int node)
{
	if (nr_cpu_ids == NR_CPUS || !can_be_named(apic_id)) {
		nr_left_out++;
		return;
	}
	apic_ids[nr_cpu_ids] = apic_id;
	__cpu_to_node[nr_cpu_ids] = node;
	cpumask_set_cpu(nr_cpu_ids, &__cpu_possible_mask);
	cpumask_set_cpu(nr_cpu_ids, &__cpu_present_mask);
	nr_cpu_ids++;
}

void set_cpu_numa_mem(unsigned int cpu, int node)
{
	__cpu_to_mem[cpu] = node;
}

/* The boot CPU is 0 wherever the firmware lists it; the others follow in the
 * firmware's order, which keeps neighbours neighbours. */
void cpu_topology_init(void)
{
	u32 own = lapic_own_id();

	nr_cpu_ids = 0;
	nr_left_out = 0;
	add_cpu(own, 0);
	for (unsigned int i = 0; i < acpi_info.nr_cpus; i++) {
		const struct acpi_cpu *c = &acpi_info.cpus[i];

		if (c->apic_id == own)
			__cpu_to_node[0] = c->node;
		else
			add_cpu(c->apic_id, c->node);
	}
	if (nr_left_out)
		boot_warn("cpu: %u CPUs cannot be started: for APIC ids above "
			  "254 the boot CPU would need x2APIC",
			  nr_left_out);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		set_cpu_numa_mem(cpu, __cpu_to_node[cpu]);
}

int cpu_from_apic_id(u32 apic_id)
{
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (apic_ids[cpu] == apic_id)
			return cpu;
	return -ENOENT;
}

u32 cpu_apic_id(unsigned int cpu)
{
	return apic_ids[cpu];
}
