/* SPDX-License-Identifier: MIT */
/*
 * fpu.c - floating-point state of the tasks that have some.
 *
 * XSAVE with the components x87, SSE and AVX: what a compiler may be told to
 * use.  AVX-512 stays off, since its registers would triple what each task
 * keeps.  A CPU without XSAVE has FXSAVE, whose format is XSAVE's first part.
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/task.h>
#include <string.h>
#include "fpu_impl.h"

#define XSTATE_X87 (1u << 0)
#define XSTATE_SSE (1u << 1)
#define XSTATE_AVX (1u << 2)

#define FXSAVE_SIZE    512
#define CONTROL_WORD   0x037f /* all exceptions masked, full precision */
#define SSE_CONTROL    0x1f80 /* the same */
#define CONTROL_OFFSET 0
#define MXCSR_OFFSET   24

static u32 components; /* 0: FXSAVE */

static void write_xcr0(u32 value)
{
	asm volatile("xsetbv" ::"c"(0), "a"(value), "d"(0));
}

void fpu_init_cpu(void)
{
	if (!cpu_features.xsave)
		return;
	components = cpuid_count(0xd, 0).eax &
		     (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX);
	write_xcr0(components);
}

size_t arch_fpu_size(void)
{
	/* EBX: what the components now enabled in XCR0 take. */
	return cpu_features.xsave ? cpuid_count(0xd, 0).ebx : FXSAVE_SIZE;
}

/*
 * In XSAVE's header, zero says of each component that it is in its first
 * state; the two control words are loaded whatever the header says.
 */
void arch_fpu_init(void *area)
{
	const u16 control = CONTROL_WORD;
	const u32 mxcsr = SSE_CONTROL;

	memset(area, 0, arch_fpu_size());
	memcpy((char *)area + CONTROL_OFFSET, &control, sizeof(control));
	memcpy((char *)area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

void fpu_save(void *area)
{
	if (components)
		asm volatile("xsave64 (%0)" ::"r"(area), "a"(components), "d"(0)
			     : "memory");
	else
		asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

void fpu_restore(const void *area)
{
	if (components)
		asm volatile("xrstor64 (%0)" ::"r"(area), "a"(components),
			     "d"(0)
			     : "memory");
	else
		asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}
