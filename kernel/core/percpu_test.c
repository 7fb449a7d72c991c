/* SPDX-License-Identifier: MIT */
/* percpu_test.c - one variable, as many copies as CPUs. */
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <errno.h>
#include <kernel/core/percpu.h>
#include <kernel/core/preempt.h>
#include <kernel/core/smp.h>
#include <tests/test.h>

static DEFINE_PER_CPU(u64, counter) = 77;
static DEFINE_PER_CPU(u8, byte);
static DEFINE_PER_CPU(u16, word);
static DEFINE_PER_CPU(u32, half);
static DEFINE_PER_CPU_ALIGNED(u64, aligned);

static void write_own_number(void *unused)
{
	this_cpu_write(counter, 1000 + smp_processor_id());
}

TEST(percpu, each_cpu_has_a_copy_of_its_own)
{
	unsigned int cpu;

	on_each_cpu(write_own_number, NULL, true);
	for_each_online_cpu(cpu)
		EXPECT_EQ(per_cpu(counter, cpu), 1000 + cpu);
	for_each_possible_cpu(cpu)
		per_cpu(counter, cpu) = 77;
}

/* CPUs that have not written it see what the image was linked with. */
static DEFINE_PER_CPU(u32, untouched) = 0x12345678;

TEST(percpu, copies_start_as_linked)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		EXPECT_EQ(per_cpu(untouched, cpu), 0x12345678);
		EXPECT_EQ(per_cpu(cpu_number, cpu), cpu);
		EXPECT_EQ(per_cpu(this_cpu_offset, cpu), __per_cpu_offset[cpu]);
	}
}

TEST(percpu, operations_of_every_width)
{
	preempt_disable();
	this_cpu_write(byte, 250);
	this_cpu_add(byte, 10); /* wraps, and touches no neighbour */
	EXPECT_EQ(this_cpu_read(byte), 4);
	this_cpu_write(word, 0xfff0);
	this_cpu_or(word, 0x000f);
	EXPECT_EQ(this_cpu_read(word), 0xffff);
	this_cpu_write(half, 5);
	this_cpu_sub(half, 7);
	EXPECT_EQ(this_cpu_read(half), 0xfffffffe);
	this_cpu_write(aligned, 1ull << 40);
	this_cpu_inc(aligned);
	this_cpu_and(aligned, ~0ull << 1);
	EXPECT_EQ(this_cpu_read(aligned), 1ull << 40);
	EXPECT_EQ(*this_cpu_ptr(&aligned), 1ull << 40);
	EXPECT_EQ(this_cpu_ptr(&aligned),
		  per_cpu_ptr(&aligned, smp_processor_id()));
	EXPECT_EQ((unsigned long)this_cpu_ptr(&aligned) % 64, 0);
	preempt_enable();
}

/* The layout that dynamic per-CPU memory builds on. */
TEST(percpu, units_lie_a_power_of_two_apart)
{
	unsigned long unit = percpu_unit_size();
	unsigned int cpu;

	EXPECT_GE(unit, 64ul << 10);
	EXPECT_EQ(unit & (unit - 1), 0);
	EXPECT_LT(percpu_populated_size(), unit);
	for_each_possible_cpu(cpu)
		EXPECT_EQ((unsigned long)__percpu_start + __per_cpu_offset[cpu],
			  percpu_first_chunk() + cpu * unit);
}

TEST(percpu, beyond_a_unit_there_is_nothing)
{
	unsigned int cpu;
	char c;

	for_each_possible_cpu(cpu) {
		char *unit =
			(char *)percpu_first_chunk() + cpu * percpu_unit_size();

		EXPECT_EQ(probe_read(&c, unit, 1), 0);
		EXPECT_EQ(probe_read(&c, unit + percpu_unit_size() - 1, 1),
			  -EFAULT);
		EXPECT_EQ(probe_read(&c, unit + percpu_unit_size() - PAGE_SIZE,
				     1),
			  -EFAULT);
	}
}
