/* SPDX-License-Identifier: MIT */
/*
 * smp_boot.c - start the other CPUs, all at once.
 *
 * Problem.   A CPU is started by INIT, a wait of 10 ms, and a start-up
 *            interrupt; one after the other, 64 CPUs take the better part of
 *            a second.
 * Idea.      INIT to all, one wait, start-up to all.  They run the trampoline
 *            at the same time and sort themselves out by APIC id.
 * Claims.    A CPU may come too late.  So each claims its start: STARTING to
 *            STARTED, by compare-exchange, against the one who waits and gives
 *            up: STARTING to ABANDONED.  An abandoned CPU gets INIT again,
 *            which stops it wherever it is, before the trampoline goes.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <lib/atomic.h>
#include <string.h>
#include "apic_impl.h"
#include "arch_impl.h"
#include "paging_impl.h"

#define MS 1000000ull

#define INIT_WAIT_NS	(10 * MS)
#define SECOND_START_NS (100 * MS)  /* the first may get lost, they say */
#define START_WAIT_NS	(5000 * MS) /* a busy host may not run it sooner */
#define WARP_CHECKS	64

enum start_state { NOT_ASKED, STARTING, STARTED, ABANDONED };

/* In the copy of the trampoline, at trampoline_data. */
struct trampoline_data {
	u16 gdt_limit;
	u32 gdt_base;
	u32 far_offset;
	u16 far_selector;
	u32 cr3;
} __packed;

extern char trampoline_start[], trampoline_data[], trampoline_end[];

/* For the trampoline; fixed while CPUs start. */
u32 secondary_ids[NR_CPUS];
void *secondary_stacks[NR_CPUS];
u32 secondary_count;
bool secondary_by_x2apic;

/* Any CPU, atomically. */
static u32 state[NR_CPUS];

void arch_cpu_prepare(unsigned int cpu, void *stack_top)
{
	secondary_stacks[cpu] = (void *)((unsigned long)stack_top & ~15ul);
	state[cpu] = STARTING;
}

static void copy_trampoline(phys_addr_t page)
{
	char *copy = phys_to_virt(page);
	struct trampoline_data *data;

	memcpy(copy, trampoline_start, trampoline_end - trampoline_start);
	data = (void *)(copy + (trampoline_data - trampoline_start));
	data->gdt_base += page;
	data->far_offset += page;
	data->cr3 = virt_to_phys(kernel_pml4);
}

static void __noreturn too_late(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

/* First C of a started CPU.  No per-CPU variable before the base is set. */
void __noreturn secondary_start(unsigned int cpu);
void __noreturn secondary_start(unsigned int cpu)
{
	u32 expected = STARTING;

	percpu_switch_base(cpu);
	trap_init_cpu(cpu);
	cpu_enable_features();
	if (!try_cmpxchg(&state[cpu], &expected, STARTED))
		too_late();
	lapic_init_cpu();
	for (int i = 0; i < WARP_CHECKS; i++) {
		clock_check_warp();
		cpu_relax();
	}
	secondary_cpu_main(cpu);
}

static void send_startups(phys_addr_t page)
{
	for (unsigned int cpu = 1; cpu < nr_cpu_ids; cpu++)
		if (READ_ONCE(state[cpu]) == STARTING)
			lapic_send_startup(cpu_apic_id(cpu), page);
}

static bool all_online(void)
{
	for (unsigned int cpu = 1; cpu < nr_cpu_ids; cpu++)
		if (state[cpu] != NOT_ASKED && !cpu_online(cpu))
			return false;
	return true;
}

static bool wait_online(u64 ns)
{
	u64 end = arch_clock_ns() + ns;

	while (!all_online()) {
		if (arch_clock_ns() > end)
			return false;
		clock_check_warp();
		cpu_relax();
	}
	return true;
}

static void abandon_late(void)
{
	for (unsigned int cpu = 1; cpu < nr_cpu_ids; cpu++) {
		u32 expected = STARTING;

		if (try_cmpxchg(&state[cpu], &expected, ABANDONED))
			lapic_send_init(cpu_apic_id(cpu));
	}
	arch_delay_ns(INIT_WAIT_NS);
}

static void start_all(phys_addr_t page)
{
	for (unsigned int cpu = 1; cpu < nr_cpu_ids; cpu++)
		if (state[cpu] == STARTING)
			lapic_send_init(cpu_apic_id(cpu));
	arch_delay_ns(INIT_WAIT_NS);
	send_startups(page);
	if (wait_online(SECOND_START_NS))
		return;
	send_startups(page);
	if (!wait_online(START_WAIT_NS))
		abandon_late();
}

unsigned int arch_cpus_start(phys_addr_t page)
{
	unsigned int before = num_online_cpus();

	if (!page || nr_cpu_ids == 1)
		return 0;
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		secondary_ids[cpu] = cpu_apic_id(cpu);
	secondary_by_x2apic = cpu_features.x2apic;
	secondary_count = nr_cpu_ids;

	copy_trampoline(page);
	if (paging_map(page, page, PAGE_SIZE, PAGE_KERNEL_RX))
		return 0;
	start_all(page);
	paging_unmap(page, PAGE_SIZE);
	tlb_flush_range(page, page + PAGE_SIZE);
	paging_free_tables(0, level_size(TOP_LEVEL));
	return num_online_cpus() - before;
}
