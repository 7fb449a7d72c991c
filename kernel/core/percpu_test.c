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

/* Every operation, in the width of each type: what it returns, what it leaves, and
 * that the neighbours are untouched. */
#define TEST_WIDTH(type)                                                       \
	struct three_##type {                                                  \
		type before, var, after;                                       \
	};                                                                     \
	static DEFINE_PER_CPU(struct three_##type, in_##type);                 \
	TEST(percpu, operations_on_##type)                                     \
	{                                                                      \
		const type all = (type)~0ull, top = all - all / 2;             \
		type old = 1;                                                  \
                                                                               \
		preempt_disable();                                             \
		this_cpu_write(in_##type.before, 0);                           \
		this_cpu_write(in_##type.after, 0);                            \
		this_cpu_write(in_##type.var, all);                            \
		EXPECT_EQ(this_cpu_read(in_##type.var), all);                  \
		this_cpu_inc(in_##type.var);                                   \
		EXPECT_EQ(this_cpu_read(in_##type.var), 0);                    \
		this_cpu_dec(in_##type.var);                                   \
		EXPECT_EQ(this_cpu_read(in_##type.var), all);                  \
		this_cpu_and(in_##type.var, top | 6);                          \
		EXPECT_EQ(this_cpu_read(in_##type.var), (type)(top | 6));      \
		this_cpu_or(in_##type.var, 1);                                 \
		this_cpu_sub(in_##type.var, top);                              \
		EXPECT_EQ(this_cpu_read(in_##type.var), 7);                    \
		this_cpu_add(in_##type.var, 3);                                \
		EXPECT_EQ(this_cpu_xchg(in_##type.var, 20), 10);               \
		EXPECT_EQ(this_cpu_add_return(in_##type.var, 5), 25);          \
		EXPECT_EQ(this_cpu_sub_return(in_##type.var, 26), all);        \
		EXPECT_EQ(this_cpu_inc_return(in_##type.var), 0);              \
		EXPECT_EQ(this_cpu_dec_return(in_##type.var), all);            \
		EXPECT_EQ(this_cpu_cmpxchg(in_##type.var, 1, 2), all);         \
		EXPECT_EQ(this_cpu_cmpxchg(in_##type.var, all, 2), all);       \
		EXPECT(!this_cpu_try_cmpxchg(in_##type.var, &old, 3));         \
		EXPECT_EQ(old, 2);                                             \
		EXPECT(this_cpu_try_cmpxchg(in_##type.var, &old, 3));          \
		EXPECT_EQ(this_cpu_read(in_##type.var), 3);                    \
		EXPECT_EQ(this_cpu_read(in_##type.before), 0);                 \
		EXPECT_EQ(this_cpu_read(in_##type.after), 0);                  \
		preempt_enable();                                              \
	}

TEST_WIDTH(u8)
TEST_WIDTH(u16)
TEST_WIDTH(u32)
TEST_WIDTH(u64)

/* -- One instruction each -------------------------------------------------- */

/*
 * The length of the instruction at @p, if it is one of those that these macros may
 * become, with a %gs: operand at a fixed address; else 0.
 */
static size_t gs_insn_length(const u8 *p)
{
	const u8 *start = p;
	size_t imm = 4;
	u8 op;

	if (*p++ != 0x65)
		return 0;
	if (*p == 0x66) {
		imm = 2;
		p++;
	}
	if ((*p & 0xf0) == 0x40)
		p++; /* REX */
	op = *p++;
	if (op == 0x0f) { /* cmpxchg, xadd */
		op = *p++;
		if (op != 0xb0 && op != 0xb1 && op != 0xc0 && op != 0xc1)
			return 0;
		imm = 0;
	} else if (op == 0x80 || op == 0x83 || op == 0xc6) {
		imm = 1;
	} else if (op != 0x81 && op != 0xc7) {
		imm = 0; /* a register, or inc and dec */
	}
	if ((*p & 0xc7) == 0x05)
		p += 1; /* relative to %rip */
	else if ((*p & 0xc7) == 0x04 && p[1] == 0x25)
		p += 2; /* absolute */
	else
		return 0;
	return p + 4 + imm - start;
}

/* The code of @op, which has its operands in place, between two labels. */
#define INSN(name, type, op)                                                   \
	static __used noinline type insn_##name(type a, type b)                \
	{                                                                      \
		asm volatile("insn_" #name "_begin:" : "+a"(a), "+r"(b));      \
		op;                                                            \
		asm volatile("insn_" #name "_end:" : "+a"(a));                 \
		return a;                                                      \
	}

#define INSNS(type)                                                            \
	INSN(read_##type, type, a = this_cpu_read(in_##type.var))              \
	INSN(write_##type, type, this_cpu_write(in_##type.var, b))             \
	INSN(zero_##type, type, this_cpu_write(in_##type.var, 0))              \
	INSN(add_##type, type, this_cpu_add(in_##type.var, b))                 \
	INSN(sub_##type, type, this_cpu_sub(in_##type.var, 100))               \
	INSN(and_##type, type, this_cpu_and(in_##type.var, b))                 \
	INSN(or_##type, type, this_cpu_or(in_##type.var, 0x40))                \
	INSN(inc_##type, type, this_cpu_inc(in_##type.var))                    \
	INSN(dec_##type, type, this_cpu_dec(in_##type.var))                    \
	INSN(cmpxchg_##type, type, a = this_cpu_cmpxchg(in_##type.var, a, b))

/* clang-format off */
#define ALL_OF(X, type)                                                        \
	X(read_##type) X(write_##type) X(zero_##type) X(add_##type)            \
	X(sub_##type) X(and_##type) X(or_##type) X(inc_##type) X(dec_##type)   \
	X(cmpxchg_##type)
/* clang-format on */

INSNS(u8)
INSNS(u16)
INSNS(u32)
INSNS(u64)

#define DECLARE_INSN(name)                                                     \
	extern const u8 insn_##name##_begin[], insn_##name##_end[];
ALL_OF(DECLARE_INSN, u8)
ALL_OF(DECLARE_INSN, u16)
ALL_OF(DECLARE_INSN, u32)
ALL_OF(DECLARE_INSN, u64)

/* clang-format off */
#define INSN_ENTRY(name) {#name, insn_##name##_begin, insn_##name##_end},

static const struct {
	const char *name;
	const u8 *begin, *end;
} insns[] = {
	ALL_OF(INSN_ENTRY, u8)
	ALL_OF(INSN_ENTRY, u16)
	ALL_OF(INSN_ENTRY, u32)
	ALL_OF(INSN_ENTRY, u64)
};
/* clang-format on */

/* Looked up in the code that the compiler made: one instruction, so nothing can
 * come between finding this CPU's copy and using it. */
TEST(percpu, each_operation_is_one_instruction)
{
	for (int i = 0; i < ARRAY_SIZE(insns); i++) {
		size_t length = insns[i].end - insns[i].begin;

		if (!EXPECT_EQ(gs_insn_length(insns[i].begin), length))
			test_log("this_cpu_%s", insns[i].name);
	}
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
