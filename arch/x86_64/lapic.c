/* SPDX-License-Identifier: MIT */
/*
 * lapic.c - the local APIC: interrupts to other CPUs, and end of interrupt.
 *
 * Two ways to reach the same registers: xAPIC through a page of memory, x2APIC
 * through MSRs.  x2APIC wherever CPUID has it: ids above 254, and a send is one
 * write that nothing can come between.
 *
 * Under xAPIC a send is two writes.  Interrupts are off around them; an NMI
 * may still come between, so one that sends puts the first half back.
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/io.h>
#include <arch/ipi.h>
#include <arch/paging.h>
#include <arch/early_console.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <lib/barrier.h>
#include "apic_impl.h"
#include "arch_impl.h"

/* Byte offsets in the page; the MSR is MSR_X2APIC + offset / 16. */
#define REG_ID		0x20
#define REG_TPR		0x80
#define REG_EOI		0xb0
#define REG_SPURIOUS	0xf0
#define REG_ESR		0x280
#define REG_ICR		0x300
#define REG_ICR_HIGH	0x310
#define REG_LVT_TIMER	0x320
#define REG_LVT_THERMAL 0x330
#define REG_LVT_PERF	0x340
#define REG_LVT_LINT0	0x350
#define REG_LVT_LINT1	0x360
#define REG_LVT_ERROR	0x370
#define REG_TIMER_START 0x380
#define REG_TIMER_NOW	0x390
#define REG_TIMER_DIV	0x3e0
#define REG_VERSION	0x30

#define SPURIOUS_ENABLE	   (1u << 8)
#define LVT_MASKED	   (1u << 16)
#define LVT_NMI		   (4u << 8)
#define LVT_ACTIVE_LOW	   (1u << 13)
#define LVT_LEVEL	   (1u << 15)
#define LVT_TIMER_DEADLINE (2u << 17)
#define DIVIDE_BY_16	   3u

#define ICR_NMI		 (4u << 8)
#define ICR_INIT	 (5u << 8)
#define ICR_STARTUP	 (6u << 8)
#define ICR_PENDING	 (1u << 12)
#define ICR_ASSERT	 (1u << 14)
#define ICR_ALL_BUT_SELF (3u << 18)

#define APIC_BASE_X2APIC  (1u << 10)
#define APIC_BASE_ENABLE  (1u << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

static volatile char *registers; /* NULL in x2APIC mode */

static u32 lapic_read(unsigned int reg)
{
	if (registers)
		return readl(registers + reg);
	return rdmsr(MSR_X2APIC + reg / 16);
}

static void lapic_write(unsigned int reg, u32 value)
{
	if (registers)
		writel(value, registers + reg);
	else
		wrmsr(MSR_X2APIC + reg / 16, value);
}

void lapic_eoi(void)
{
	lapic_write(REG_EOI, 0);
}

u32 lapic_own_id(void)
{
	if (cpu_features.x2apic)
		return cpuid_count(0xb, 0).edx;
	return cpuid(1).ebx >> 24;
}

static void lapic_init(void)
{
	if (cpu_features.x2apic)
		return;
	registers =
		mmio_map(rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDRESS, PAGE_SIZE);
	if (!registers)
		early_die("the local APIC cannot be mapped");
}

/* The NMI button, where the firmware says it is wired to this CPU. */
static void wire_nmis(void)
{
	u32 id = lapic_own_id();
	u32 uid = ACPI_NMI_ALL_CPUS;

	for (unsigned int i = 0; i < acpi_info.nr_cpus; i++)
		if (acpi_info.cpus[i].apic_id == id)
			uid = acpi_info.cpus[i].uid;

	for (unsigned int i = 0; i < acpi_info.nr_nmis; i++) {
		const struct acpi_nmi *nmi = &acpi_info.nmis[i];
		u32 lvt = LVT_NMI;

		if (nmi->uid != ACPI_NMI_ALL_CPUS && nmi->uid != uid)
			continue;
		if (nmi->active_low)
			lvt |= LVT_ACTIVE_LOW;
		lapic_write(nmi->lint ? REG_LVT_LINT1 : REG_LVT_LINT0, lvt);
	}
}

void lapic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;
	u32 timer_mode = cpu_features.tsc_deadline ? LVT_TIMER_DEADLINE : 0;
	unsigned int max_lvt;

	wrmsr(MSR_APIC_BASE, base);
	if (cpu_features.x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);

	max_lvt = lapic_read(REG_VERSION) >> 16 & 0xff;
	lapic_write(REG_TPR, 0);
	lapic_write(REG_LVT_TIMER, LVT_MASKED);
	lapic_write(REG_LVT_LINT0, LVT_MASKED);
	lapic_write(REG_LVT_LINT1, LVT_MASKED);
	if (max_lvt >= 4)
		lapic_write(REG_LVT_PERF, LVT_MASKED);
	if (max_lvt >= 5)
		lapic_write(REG_LVT_THERMAL, LVT_MASKED);
	lapic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	/* Only now: while the APIC is off, what is masked stays so. */
	lapic_write(REG_LVT_ERROR, VECTOR_APIC_ERROR);
	lapic_write(REG_ESR, 0);
	lapic_eoi(); /* whatever firmware left in service */

	lapic_write(REG_TIMER_DIV, DIVIDE_BY_16);
	lapic_write(REG_LVT_TIMER, VECTOR_TIMER | timer_mode);
	/* The deadline's MSR must not be written before the mode is. */
	if (cpu_features.tsc_deadline)
		mb();
	wire_nmis();
}

void lapic_timer_start(u32 count)
{
	lapic_write(REG_TIMER_START, count);
}

u32 lapic_timer_read(void)
{
	return lapic_read(REG_TIMER_NOW);
}

static void wait_sent(void)
{
	while (lapic_read(REG_ICR) & ICR_PENDING)
		cpu_relax();
}

static void send_icr(u32 apic_id, u32 icr)
{
	unsigned long flags;
	u32 interrupted;

	if (!registers) {
		/* The MSR write does not order earlier stores by itself. */
		mb();
		wrmsr(MSR_X2APIC + REG_ICR / 16, (u64)apic_id << 32 | icr);
		return;
	}

	flags = arch_local_irq_save();
	interrupted = lapic_read(REG_ICR_HIGH);
	wait_sent();
	lapic_write(REG_ICR_HIGH, apic_id << 24);
	lapic_write(REG_ICR, icr);
	if (trap_in_nmi()) {
		wait_sent();
		lapic_write(REG_ICR_HIGH, interrupted);
	}
	arch_local_irq_restore(flags);
}

static u32 icr_of(unsigned int vector)
{
	return vector == TRAP_NMI ? ICR_NMI : vector;
}

void lapic_send(unsigned int cpu, unsigned int vector)
{
	if (cpu_online(cpu))
		send_icr(cpu_apic_id(cpu), icr_of(vector) | ICR_ASSERT);
}

/*
 * A broadcast is one write for all, but reaches every CPU there is, also those
 * we know nothing of: it will do if all are known, online and wanted.
 */
static bool can_broadcast(const cpumask_t *mask)
{
	cpumask_t others = *cpu_present_mask;

	cpumask_clear_cpu(smp_processor_id(), &others);
	return cpu_topology_complete() &&
	       cpumask_equal(cpu_present_mask, cpu_online_mask) &&
	       cpumask_subset(&others, mask);
}

void lapic_send_mask(const cpumask_t *mask, unsigned int vector)
{
	unsigned int self = smp_processor_id(), cpu;

	if (can_broadcast(mask)) {
		if (num_online_cpus() > 1)
			send_icr(0, icr_of(vector) | ICR_ASSERT |
					    ICR_ALL_BUT_SELF);
		return;
	}
	for_each_cpu(cpu, mask)
		if (cpu != self)
			lapic_send(cpu, vector);
}

void lapic_send_init(u32 apic_id)
{
	send_icr(apic_id, ICR_INIT | ICR_ASSERT);
}

void lapic_send_startup(u32 apic_id, phys_addr_t page)
{
	send_icr(apic_id, ICR_STARTUP | ICR_ASSERT | page >> PAGE_SHIFT);
}

void arch_apic_init(void)
{
	lapic_init();
	lapic_init_cpu();
}

/* -- <arch/ipi.h> ---------------------------------------------------------- */

void arch_send_reschedule(unsigned int cpu)
{
	lapic_send(cpu, VECTOR_RESCHEDULE);
}

void arch_send_call_function(unsigned int cpu)
{
	lapic_send(cpu, VECTOR_CALL_FUNCTION);
}

void arch_send_call_function_mask(const cpumask_t *mask)
{
	lapic_send_mask(mask, VECTOR_CALL_FUNCTION);
}

void arch_send_nmi(unsigned int cpu)
{
	lapic_send(cpu, TRAP_NMI);
}

void arch_send_nmi_mask(const cpumask_t *mask)
{
	lapic_send_mask(mask, TRAP_NMI);
}
