/* SPDX-License-Identifier: MIT */
/*
 * percpu.c - lay out the CPUs' areas and move onto them.
 *
 * Unit size. Known only at boot, since it follows from how much is static: a
 *            power of two, so that a CPU's unit is a shift away, with room
 *            for dynamic memory, and a last page that is never mapped, so that
 *            running off a unit's end faults.
 * Copies.    entry.asm gave the boot CPU a copy before the first line of C, so
 *            the one in the image is still as it was linked, and that is what
 *            the other CPUs start from.  The boot CPU keeps its pages and only
 *            gets to see them at another address, so nothing it has set up
 *            is lost.
 */
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <arch/early_console.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <kernel/core/percpu.h>
#include <string.h>

#define MIN_UNIT_SIZE (64ul << 10)
#define MIN_DYNAMIC   (32ul << 10)

extern char __percpu_boot[];

static unsigned long unit_size;

unsigned long percpu_unit_size(void)
{
	return unit_size;
}

unsigned long percpu_static_size(void)
{
	return __percpu_end - __percpu_start;
}

unsigned long percpu_populated_size(void)
{
	return (percpu_static_size() + PAGE_SIZE - 1) & PAGE_MASK;
}

unsigned long percpu_first_chunk(void)
{
	return PERCPU_BASE;
}

static void *make_copy(unsigned int cpu, arch_alloc_node_fn alloc)
{
	void *copy;

	if (cpu == 0)
		return __percpu_boot;
	copy = alloc(percpu_populated_size(), PAGE_SIZE, cpu_to_node(cpu));
	if (copy)
		memcpy(copy, __percpu_start, percpu_static_size());
	return copy;
}

static void area_init(unsigned int cpu, arch_alloc_node_fn alloc)
{
	unsigned long unit = PERCPU_BASE + cpu * unit_size;
	void *copy = make_copy(cpu, alloc);

	if (!copy ||
	    paging_map(unit, virt_to_phys(copy), percpu_populated_size(),
		       PAGE_KERNEL | PAGE_SMALL) ||
	    trap_map_stacks(cpu, alloc, cpu_to_node(cpu)))
		early_die("no memory for the CPUs' areas");

	__per_cpu_offset[cpu] = unit - (unsigned long)__percpu_start;
	per_cpu(this_cpu_offset, cpu) = __per_cpu_offset[cpu];
	per_cpu(cpu_number, cpu) = cpu;
}

void percpu_areas_init(arch_alloc_node_fn alloc)
{
	unsigned int cpu;

	unit_size = MIN_UNIT_SIZE;
	while (unit_size < percpu_populated_size() + MIN_DYNAMIC + PAGE_SIZE)
		unit_size *= 2;

	for_each_possible_cpu(cpu)
		area_init(cpu, alloc);

	percpu_switch_base(0);
	trap_init_cpu(0);
	paging_unmap((unsigned long)__percpu_start, percpu_populated_size());
	tlb_flush_range((unsigned long)__percpu_start,
			(unsigned long)__percpu_end);
}
