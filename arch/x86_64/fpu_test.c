/* SPDX-License-Identifier: MIT */
/* fpu_test.c - what is saved comes back, and new state is clean. */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/irqflags.h>
#include <arch/task.h>
#include <kernel/core/smp.h>
#include <lib/compiler.h>
#include <string.h>
#include <tests/test.h>
#include "fpu_impl.h"

#define AREA_SIZE     4096
#define CLEAN_MXCSR   0x1f80
#define ROUND_TO_ZERO 0x7f80

static char outside[AREA_SIZE] __aligned(ARCH_FPU_ALIGN);
static char areas[2][AREA_SIZE] __aligned(ARCH_FPU_ALIGN);

static void write_registers(u64 value)
{
	asm volatile("movq %0, %%xmm0\n\t"
		     "movq %1, %%xmm7\n\t"
		     "movq %2, %%xmm15" ::"r"(value),
		     "r"(value + 1), "r"(value + 2));
}

static bool registers_hold(u64 x, u64 y, u64 z)
{
	u64 a, b, c;

	asm volatile("movq %%xmm0, %0\n\t"
		     "movq %%xmm7, %1\n\t"
		     "movq %%xmm15, %2"
		     : "=r"(a), "=r"(b), "=r"(c));
	return a == x && b == y && c == z;
}

/* AVX: 256 bits, of which SSE is the lower half. */
static bool has_avx(void)
{
	return cpu_features.xsave && cpuid(1).ecx >> 28 & 1;
}

static void write_wide(u64 value)
{
	const u64 words[4] = {value, value + 1, value + 2, value + 3};

	if (has_avx())
		asm volatile("vmovdqu %0, %%ymm9" ::"m"(words));
}

static bool wide_holds(u64 w0, u64 w1, u64 w2, u64 w3)
{
	u64 words[4];

	if (!has_avx())
		return true;
	asm volatile("vmovdqu %%ymm9, %0" : "=m"(words));
	return words[0] == w0 && words[1] == w1 && words[2] == w2 &&
	       words[3] == w3;
}

static u32 read_mxcsr(void)
{
	u32 mxcsr;

	asm volatile("stmxcsr %0" : "=m"(mxcsr));
	return mxcsr;
}

static void write_mxcsr(u32 mxcsr)
{
	asm volatile("ldmxcsr %0" ::"m"(mxcsr));
}

struct verdict {
	bool clean, kept, control_kept;
};

/* Interrupts off: the registers are ours.  Two states take turns. */
static void take_turns(void *arg)
{
	struct verdict *v = arg;

	*v = (struct verdict){true, true, true};
	fpu_save(outside);
	for (int i = 0; i < 2; i++) {
		arch_fpu_init(areas[i]);
		fpu_restore(areas[i]);
		v->clean &= registers_hold(0, 0, 0) && wide_holds(0, 0, 0, 0) &&
			    read_mxcsr() == CLEAN_MXCSR;
		write_registers(1000 * i);
		write_wide(1000 * i);
		write_mxcsr(i ? ROUND_TO_ZERO : CLEAN_MXCSR);
		fpu_save(areas[i]);
	}
	for (u64 turn = 0; turn < 20; turn++) {
		for (int i = 0; i < 2; i++) {
			u64 value = 1000 * i + turn;

			fpu_restore(areas[i]);
			v->kept &=
				registers_hold(value, value + 1, value + 2) &&
				wide_holds(value, value + 1, value + 2,
					   value + 3);
			v->control_kept &= read_mxcsr() ==
					   (i ? ROUND_TO_ZERO : CLEAN_MXCSR);
			write_registers(value + 1);
			write_wide(value + 1);
			fpu_save(areas[i]);
		}
	}
	fpu_restore(outside);
}

TEST(fpu, area_fits_what_the_cpu_saves)
{
	EXPECT_GE(arch_fpu_size(), 512);
	EXPECT_LE(arch_fpu_size(), AREA_SIZE);
}

TEST(fpu, states_of_two_do_not_mix_on_any_cpu)
{
	unsigned int cpu;

	ASSERT_LE(arch_fpu_size(), AREA_SIZE);
	for_each_online_cpu(cpu) {
		struct verdict v = {0};

		smp_call_function_single(cpu, take_turns, &v, true);
		EXPECT(v.clean);
		EXPECT(v.kept);
		EXPECT(v.control_kept);
	}
}
