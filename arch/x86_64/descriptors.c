/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - each CPU's GDT, TSS and exception stacks; everyone's IDT.
 *
 * Problem.   Some exceptions come when the current stack cannot be trusted: a
 *            double fault because it has overflowed, an NMI at any instruction.
 * Idea.      Those switch to stacks of their own through the TSS.  Each lies in
 *            a slot of its own, in a region of its own, above an unmapped
 *            page:
 *
 *		TRAP_STACK_BASE + cpu * CPU_SPAN
 *		+------+---------+------+---------+------+--- - - -
 *		| hole | NMI     | hole | double  | hole | machine check, debug
 *		|      |         |      | fault   |      |
 *		+------+---------+------+---------+------+--- - - -
 *
 * Early.     Until trap_init_cpu(0) the boot CPU takes everything on its boot
 *            stack: the stacks need page tables, and those need memblock.
 * Segments.  Flat, and the same numbers in every table (arch_impl.h), so that
 *            loading another CPU's table changes nothing but the TSS.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/trap.h>
#include <errno.h>
#include <lib/compiler.h>
#include <string.h>
#include "arch_impl.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __packed;

struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off */

/* IST numbers count from 1. */
enum trap_stack {
	STACK_NMI,
	STACK_DOUBLE_FAULT,
	STACK_MACHINE_CHECK,
	STACK_DEBUG,
	NR_TRAP_STACKS,
};

static const char *const stack_names[NR_TRAP_STACKS] = {
	"NMI", "double fault", "machine check", "debug"};

#define STACK_SIZE (2 * PAGE_SIZE)
#define SLOT_SIZE  (STACK_SIZE + PAGE_SIZE)
#define CPU_SPAN   (NR_TRAP_STACKS * SLOT_SIZE)

static DEFINE_PER_CPU_ALIGNED(u64, gdt[5]);
static DEFINE_PER_CPU(struct tss, tss) __aligned(128);

static struct gate idt[NR_VECTORS] __aligned(4096);
extern char trap_stubs[]; /* 16 bytes each, trap_entry.asm */

extern char boot_stack_guard[], boot_stack[];

static unsigned long stack_bottom(unsigned int cpu, enum trap_stack which)
{
	return TRAP_STACK_BASE + cpu * CPU_SPAN + which * SLOT_SIZE + PAGE_SIZE;
}

static void set_gate(unsigned int vector, unsigned int ist)
{
	unsigned long stub = (unsigned long)trap_stubs + vector * 16;

	idt[vector] = (struct gate){
		.offset_low = stub,
		.selector = SELECTOR_CODE,
		.ist = ist,
		.type = GATE_INTERRUPT,
		.offset_middle = stub >> 16,
		.offset_high = stub >> 32,
	};
}

static void load_idt(void)
{
	struct table_pointer ptr = {sizeof(idt) - 1, (u64)idt};

	asm volatile("lidt %0" ::"m"(ptr));
}

static void load_gdt_and_tss(void)
{
	u64 *table = this_cpu_ptr(&gdt[0]);
	u64 base = (u64)this_cpu_ptr(&tss);
	struct table_pointer ptr = {sizeof(gdt) - 1, (u64)table};

	table[0] = 0;
	table[SELECTOR_CODE / 8] = 0x00af9b000000ffff;
	table[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
	/* Available 64-bit TSS, its base in three pieces. */
	table[SELECTOR_TSS / 8] = (sizeof(struct tss) - 1) |
				  (base & 0xffffff) << 16 | 0x89ull << 40 |
				  (base >> 24 & 0xff) << 56;
	table[SELECTOR_TSS / 8 + 1] = base >> 32;

	asm volatile("lgdt %0" ::"m"(ptr));
	asm volatile("ltr %w0" ::"r"(SELECTOR_TSS));
}

void trap_init_boot(void)
{
	for (int v = 0; v < NR_VECTORS; v++)
		set_gate(v, 0);
	load_idt();
}

int trap_map_stacks(unsigned int cpu, arch_alloc_node_fn alloc, int node)
{
	for (int i = 0; i < NR_TRAP_STACKS; i++) {
		void *stack = alloc(STACK_SIZE, PAGE_SIZE, node);
		int err;

		if (!stack)
			return -ENOMEM;
		err = paging_map(stack_bottom(cpu, i), virt_to_phys(stack),
				 STACK_SIZE, PAGE_KERNEL);
		if (err)
			return err;
	}
	return 0;
}

void trap_init_cpu(unsigned int cpu)
{
	struct tss *t = this_cpu_ptr(&tss);

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < NR_TRAP_STACKS; i++)
		t->ist[i] = stack_bottom(cpu, i) + STACK_SIZE;
	t->io_map_base = sizeof(*t); /* beyond the limit: none */
	load_gdt_and_tss();

	if (cpu == 0) { /* the gates are everyone's, and it comes first */
		set_gate(TRAP_NMI, STACK_NMI + 1);
		set_gate(TRAP_DOUBLE_FAULT, STACK_DOUBLE_FAULT + 1);
		set_gate(TRAP_MACHINE_CHECK, STACK_MACHINE_CHECK + 1);
		set_gate(TRAP_DEBUG, STACK_DEBUG + 1);
	}
	load_idt();
}

const char *trap_stack_of(unsigned int cpu, unsigned long addr,
			  unsigned long *start, unsigned long *end)
{
	for (int i = 0; i < NR_TRAP_STACKS; i++) {
		*start = stack_bottom(cpu, i);
		*end = *start + STACK_SIZE;
		if (addr >= *start && addr < *end)
			return stack_names[i];
	}
	return NULL;
}

bool trap_stack_guard_hit(unsigned long addr)
{
	if (addr >= (unsigned long)boot_stack_guard &&
	    addr < (unsigned long)boot_stack)
		return true;
	if (addr < TRAP_STACK_BASE ||
	    addr >= TRAP_STACK_BASE + NR_CPUS * CPU_SPAN)
		return false;
	return (addr - TRAP_STACK_BASE) % SLOT_SIZE < PAGE_SIZE;
}
