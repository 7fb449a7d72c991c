/* SPDX-License-Identifier: MIT */
/* trap_test.c - faults that are allowed, and the stacks for the others. */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/irqflags.h>
#include <arch/layout.h>
#include <arch/trap.h>
#include <errno.h>
#include <kernel/core/irq.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "arch_impl.h"

#define NON_CANONICAL ((void *)0x0000900000000000ul)
#define UNMAPPED      ((void *)(VMALLOC_BASE + VMALLOC_SIZE - PAGE_SIZE))

TEST(trap, probe_reads_what_is_there)
{
	char to[16] = "", from[16] = "fifteen letters";

	EXPECT_EQ(probe_read(to, from, sizeof(from)), 0);
	EXPECT_STREQ(to, from);
	EXPECT_EQ(probe_write(to, "x", 2), 0);
	EXPECT_STREQ(to, "x");
	EXPECT_EQ(probe_read(to, NON_CANONICAL, 0), 0);
}

/* A page fault for a hole, a protection fault for a non-canonical address. */
TEST(trap, probe_of_bad_addresses_is_an_error)
{
	char byte = 0;

	EXPECT_EQ(probe_read(&byte, NULL, 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, UNMAPPED, 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, NON_CANONICAL, 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, (void *)~0ul, 2), -EFAULT);
	EXPECT_EQ(probe_write(NULL, &byte, 1), -EFAULT);
	EXPECT_EQ(probe_write(NON_CANONICAL, &byte, 1), -EFAULT);
}

static void probe_null(void *result)
{
	char byte;

	*(int *)result = probe_read(&byte, NULL, 1);
}

TEST(trap, probe_works_on_every_cpu_with_interrupts_off)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		int err = 0;

		EXPECT_EQ(smp_call_function_single(cpu, probe_null, &err, true),
			  0);
		EXPECT_EQ(err, -EFAULT);
	}
}

/* probe_read() of one byte at NULL, with @words more on the stack. */
static int probe_null_deeper(unsigned long words)
{
	char byte, *dst = &byte;
	const char *src = NULL;
	unsigned long len = 1;
	int err;

	asm volatile("subq %[bytes], %%rsp\n\t"
		     "call probe_copy\n\t"
		     "addq %[bytes], %%rsp"
		     : "=a"(err), "+D"(dst), "+S"(src), "+d"(len)
		     : [bytes] "b"(words * sizeof(long))
		     : "rcx", "memory", "cc");
	return err;
}

/*
 * Inside an NMI a fault returns without IRET.  Pretend, and check that
 * registers, flags and stack come back as they were, whether or not the CPU
 * had to align the stack before it pushed its words.
 */
TEST(trap, fault_inside_nmi_returns_to_where_it_was)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_inc(trap_nmi_depth);
	for (int i = 0; i < 4; i++) {
		unsigned long before, after;
		int err;

		asm volatile("movq %%rsp, %0" : "=r"(before));
		err = probe_null_deeper(i);
		asm volatile("movq %%rsp, %0" : "=r"(after));
		EXPECT_EQ(err, -EFAULT);
		EXPECT_EQ(before, after);
		EXPECT(irqs_disabled());
	}
	this_cpu_dec(trap_nmi_depth);
	local_irq_restore(flags);
}

static void look_at_stacks(void *arg)
{
	unsigned long start, end, addr;
	int *holes = arg;
	char byte;

	for (int i = 0; i < 4; i++) {
		addr = TRAP_STACK_BASE +
		       (smp_processor_id() * 4 + i) * 3 * PAGE_SIZE;
		if (probe_read(&byte, (void *)(addr + PAGE_SIZE - 1), 1) ==
			    -EFAULT &&
		    probe_read(&byte, (void *)(addr + PAGE_SIZE), 1) == 0 &&
		    trap_stack_guard_hit(addr) &&
		    !trap_stack_guard_hit(addr + PAGE_SIZE) &&
		    trap_stack_of(smp_processor_id(), addr + PAGE_SIZE, &start,
				  &end) &&
		    start == addr + PAGE_SIZE && end == start + 2 * PAGE_SIZE)
			++*holes;
	}
}

TEST(trap, every_exception_stack_lies_above_a_hole)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		int holes = 0;

		smp_call_function_single(cpu, look_at_stacks, &holes, true);
		EXPECT_EQ(holes, 4);
	}
}

/* The CPU's own tables, as it finds them. */

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static u64 tss_base(void)
{
	struct table_register gdt;
	const u64 *entry;
	u16 selector;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("str %0" : "=r"(selector));
	entry = (const u64 *)(gdt.base + selector);
	return (entry[0] >> 16 & 0xffffff) | (entry[0] >> 56 & 0xff) << 24 |
	       entry[1] << 32;
}

/* Where @vector's handler starts to push. */
static unsigned long stack_of_vector(unsigned int vector)
{
	struct table_register idt;
	const u8 *gate;
	unsigned long top;
	unsigned int ist;

	asm volatile("sidt %0" : "=m"(idt));
	gate = (const u8 *)(idt.base + vector * 16);
	ist = gate[4] & 7;
	if (!ist)
		return 0;
	memcpy(&top, (const char *)tss_base() + 36 + (ist - 1) * 8,
	       sizeof(top));
	return top;
}

static const struct {
	unsigned int vector;
	const char *name;
} on_their_own[] = {
	{TRAP_NMI, "NMI"},
	{TRAP_DOUBLE_FAULT, "double fault"},
	{TRAP_MACHINE_CHECK, "machine check"},
	{TRAP_DEBUG, "debug"},
};

static void look_at_vectors(void *arg)
{
	unsigned long start, end, top;
	unsigned int *right = arg;

	for (unsigned int i = 0; i < ARRAY_SIZE(on_their_own); i++) {
		const char *name;

		top = stack_of_vector(on_their_own[i].vector);
		name = trap_stack_of(smp_processor_id(), top - 1, &start, &end);
		if (name && end == top && !strcmp(name, on_their_own[i].name))
			++*right;
	}
	if (!stack_of_vector(TRAP_PAGE_FAULT))
		++*right;
}

TEST(trap, some_vectors_have_stacks_of_their_own_on_every_cpu)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		unsigned int right = 0;

		smp_call_function_single(cpu, look_at_vectors, &right, true);
		EXPECT_EQ(right, ARRAY_SIZE(on_their_own) + 1);
	}
}

TEST(trap, names_of_exceptions)
{
	EXPECT_STREQ(trap_name(TRAP_PAGE_FAULT), "page fault");
	EXPECT_STREQ(trap_name(9), "unknown exception");
	EXPECT_STREQ(trap_name(200), "unknown exception");
	EXPECT(trap_frame_from_stack(0, 0) == NULL);
}

static void raise_unused_vector(void *unused)
{
	asm volatile("int %0" ::"i"(VECTOR_PIC + 5) : "memory");
}

/* What nobody sent is counted, and goes its way. */
TEST(trap, interrupt_of_a_vector_nobody_uses_is_counted)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		u64 before = irq_spurious_count(cpu);

		smp_call_function_single(cpu, raise_unused_vector, NULL, true);
		EXPECT_EQ(irq_spurious_count(cpu), before + 1);
	}
}

static void look_for_errors(void *nr_errors)
{
	struct machine_check mc;

	for (unsigned int i = 0; i < MAX_MACHINE_CHECK_BANKS; i++)
		*(int *)nr_errors += machine_check_read(i, &mc);
}

TEST(trap, no_cpu_has_an_error_of_the_machine_to_tell)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		int nr_errors = 0;

		smp_call_function_single(cpu, look_for_errors, &nr_errors,
					 true);
		EXPECT_EQ(nr_errors, 0);
	}
}
