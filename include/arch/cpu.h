/* SPDX-License-Identifier: MIT */
/* cpu.h - single instructions of the CPU that C cannot say. */
#pragma once
#include <lib/types.h>
#include <lib/compiler.h>

#define RFLAGS_IF (1ul << 9)

static __always_inline void cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

static __always_inline void cpu_halt(void)
{
	asm volatile("hlt" ::: "memory");
}

/* STI takes effect after the next instruction, so no wakeup is lost. */
static __always_inline void cpu_enable_irqs_and_halt(void)
{
	asm volatile("sti; hlt" ::: "memory");
}

static __always_inline unsigned long arch_local_save_flags(void)
{
	unsigned long flags;

	asm volatile("pushfq; popq %0" : "=rm"(flags)::"memory");
	return flags;
}

static __always_inline void arch_local_irq_disable(void)
{
	asm volatile("cli" ::: "memory");
}

static __always_inline void arch_local_irq_enable(void)
{
	asm volatile("sti" ::: "memory");
}

static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long flags = arch_local_save_flags();

	arch_local_irq_disable();
	return flags;
}

static __always_inline void arch_local_irq_restore(unsigned long flags)
{
	if (flags & RFLAGS_IF)
		arch_local_irq_enable();
}

static __always_inline bool arch_irqs_disabled(void)
{
	return !(arch_local_save_flags() & RFLAGS_IF);
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" ::"c"(msr), "a"((u32)value),
		     "d"((u32)(value >> 32))
		     : "memory");
}

static __always_inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return lo | (u64)hi << 32;
}

struct cpuid_result {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid_count(u32 leaf, u32 sub)
{
	struct cpuid_result r;

	asm volatile("cpuid"
		     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "a"(leaf), "c"(sub));
	return r;
}

static inline struct cpuid_result cpuid(u32 leaf)
{
	return cpuid_count(leaf, 0);
}

#define DEFINE_CR_ACCESSORS(n)                                                 \
	static inline unsigned long read_cr##n(void)                           \
	{                                                                      \
		unsigned long v;                                               \
		asm volatile("mov %%cr" #n ", %0" : "=r"(v)::"memory");        \
		return v;                                                      \
	}                                                                      \
	static inline void write_cr##n(unsigned long v)                        \
	{                                                                      \
		asm volatile("mov %0, %%cr" #n ::"r"(v) : "memory");           \
	}
DEFINE_CR_ACCESSORS(0)
DEFINE_CR_ACCESSORS(2)
DEFINE_CR_ACCESSORS(3)
DEFINE_CR_ACCESSORS(4)
#undef DEFINE_CR_ACCESSORS

static inline void invlpg(unsigned long va)
{
	asm volatile("invlpg (%0)" ::"r"(va) : "memory");
}
