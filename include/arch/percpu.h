/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - variables with one copy for each CPU, reached in one instruction.
 *
 * Problem.    A CPU must find its own copy without a lookup that preemption
 *             could tear from its use.
 * Idea.       The image holds one copy.  Each CPU's GS base is the distance
 *             from that copy to its own, so `%gs:var(%rip)` is the variable:
 *             address and access are one instruction, which cannot migrate
 *             half-way.  GS base 0, as at boot, is the image's copy itself.
 * Dynamic.    alloc_percpu() returns such a distance-free address too: the
 *             chunks keep the units' spacing, so the same macros serve both.
 *
 * this_cpu_*  one instruction, safe against interrupts and preemption; not atomic
 *             towards other CPUs.  __this_cpu_*, for those who have kept both
 *             away, cannot be cheaper and is the same.
 * raw_cpu_ptr / this_cpu_ptr  an address: the caller stays on the CPU.
 */
#pragma once
#include <lib/compiler.h>
#include <lib/types.h>

/* Highest number of CPUs the build can describe. */
#define NR_CPUS 256

#define DEFINE_PER_CPU(type, name)                                             \
	__attribute__((section(".percpu"))) __typeof__(type) name
#define DEFINE_PER_CPU_ALIGNED(type, name)                                     \
	__attribute__((section(".percpu"), aligned(64))) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

extern char __percpu_start[], __percpu_end[];

/* Distance from the image's copy to CPU n's.  Until the areas exist, only CPU
 * 0 has one. */
extern unsigned long __per_cpu_offset[NR_CPUS];

/* This CPU's own distance, kept in its area.  Same value as its GS base. */
DECLARE_PER_CPU(unsigned long, this_cpu_offset);
DECLARE_PER_CPU(unsigned int, cpu_number);

#define per_cpu_ptr(ptr, cpu)                                                  \
	((__typeof__(ptr))((unsigned long)(ptr) + __per_cpu_offset[cpu]))
#define per_cpu(var, cpu) (*per_cpu_ptr(&(var), cpu))

#define __this_cpu_check(var)                                                  \
	_Static_assert(sizeof(var) == 1 || sizeof(var) == 2 ||                 \
			       sizeof(var) == 4 || sizeof(var) == 8,           \
		       "not a size that one instruction can access")

/* The memory operand of a per-CPU lvalue, and the suffix for its size. */
#define this_cpu_read(var)                                                     \
	({                                                                     \
		__typeof__(var) __v;                                           \
		__this_cpu_check(var);                                         \
		switch (sizeof(var)) {                                         \
		case 1:                                                        \
			asm volatile("movb %%gs:%1, %0"                        \
				     : "=q"(__v)                               \
				     : "m"(var));                              \
			break;                                                 \
		case 2:                                                        \
			asm volatile("movw %%gs:%1, %0"                        \
				     : "=r"(__v)                               \
				     : "m"(var));                              \
			break;                                                 \
		case 4:                                                        \
			asm volatile("movl %%gs:%1, %0"                        \
				     : "=r"(__v)                               \
				     : "m"(var));                              \
			break;                                                 \
		case 8:                                                        \
			asm volatile("movq %%gs:%1, %0"                        \
				     : "=r"(__v)                               \
				     : "m"(var));                              \
			break;                                                 \
		}                                                              \
		__v;                                                           \
	})

#define __this_cpu_binary(insn, var, val)                                      \
	do {                                                                   \
		__typeof__(var) __x = (val);                                   \
		__this_cpu_check(var);                                         \
		switch (sizeof(var)) {                                         \
		case 1:                                                        \
			asm volatile(insn "b %1, %%gs:%0"                      \
				     : "+m"(var)                               \
				     : "qi"(__x)                               \
				     : "cc");                                  \
			break;                                                 \
		case 2:                                                        \
			asm volatile(insn "w %1, %%gs:%0"                      \
				     : "+m"(var)                               \
				     : "ri"(__x)                               \
				     : "cc");                                  \
			break;                                                 \
		case 4:                                                        \
			asm volatile(insn "l %1, %%gs:%0"                      \
				     : "+m"(var)                               \
				     : "ri"(__x)                               \
				     : "cc");                                  \
			break;                                                 \
		case 8:                                                        \
			asm volatile(insn "q %1, %%gs:%0"                      \
				     : "+m"(var)                               \
				     : "re"(__x)                               \
				     : "cc");                                  \
			break;                                                 \
		}                                                              \
	} while (0)

#define this_cpu_write(var, val) __this_cpu_binary("mov", var, val)
#define this_cpu_add(var, val)	 __this_cpu_binary("add", var, val)
#define this_cpu_sub(var, val)	 __this_cpu_binary("sub", var, val)
#define this_cpu_or(var, val)	 __this_cpu_binary("or", var, val)
#define this_cpu_and(var, val)	 __this_cpu_binary("and", var, val)
#define this_cpu_inc(var)	 this_cpu_add(var, 1)
#define this_cpu_dec(var)	 this_cpu_sub(var, 1)

/* What is in a register, and what comes back in it. */
#define __this_cpu_swap(insn, var, val)                                        \
	({                                                                     \
		__typeof__(var) __x = (val);                                   \
		__this_cpu_check(var);                                         \
		switch (sizeof(var)) {                                         \
		case 1:                                                        \
			asm volatile(insn "b %0, %%gs:%1"                      \
				     : "+q"(__x), "+m"(var)                    \
				     :                                         \
				     : "cc");                                  \
			break;                                                 \
		case 2:                                                        \
			asm volatile(insn "w %0, %%gs:%1"                      \
				     : "+r"(__x), "+m"(var)                    \
				     :                                         \
				     : "cc");                                  \
			break;                                                 \
		case 4:                                                        \
			asm volatile(insn "l %0, %%gs:%1"                      \
				     : "+r"(__x), "+m"(var)                    \
				     :                                         \
				     : "cc");                                  \
			break;                                                 \
		case 8:                                                        \
			asm volatile(insn "q %0, %%gs:%1"                      \
				     : "+r"(__x), "+m"(var)                    \
				     :                                         \
				     : "cc");                                  \
			break;                                                 \
		}                                                              \
		__x;                                                           \
	})

/* The value before; and, for _return, the value after. */
#define this_cpu_xchg(var, val) __this_cpu_swap("xchg", var, val)
#define this_cpu_add_return(var, val)                                          \
	({                                                                     \
		__typeof__(var) __add = (val);                                 \
		(__typeof__(var))(__this_cpu_swap("xadd", var, __add) +        \
				  __add);                                      \
	})
#define this_cpu_sub_return(var, val)                                          \
	this_cpu_add_return(var, -(__typeof__(var))(val))
#define this_cpu_inc_return(var) this_cpu_add_return(var, 1)
#define this_cpu_dec_return(var) this_cpu_sub_return(var, 1)

/* The value found: @old if and only if @new was stored. */
#define this_cpu_cmpxchg(var, old, new)                                        \
	({                                                                     \
		__typeof__(var) __found = (old), __new = (new);                \
		__this_cpu_check(var);                                         \
		switch (sizeof(var)) {                                         \
		case 1:                                                        \
			asm volatile("cmpxchgb %2, %%gs:%1"                    \
				     : "+a"(__found), "+m"(var)                \
				     : "q"(__new)                              \
				     : "cc");                                  \
			break;                                                 \
		case 2:                                                        \
			asm volatile("cmpxchgw %2, %%gs:%1"                    \
				     : "+a"(__found), "+m"(var)                \
				     : "r"(__new)                              \
				     : "cc");                                  \
			break;                                                 \
		case 4:                                                        \
			asm volatile("cmpxchgl %2, %%gs:%1"                    \
				     : "+a"(__found), "+m"(var)                \
				     : "r"(__new)                              \
				     : "cc");                                  \
			break;                                                 \
		case 8:                                                        \
			asm volatile("cmpxchgq %2, %%gs:%1"                    \
				     : "+a"(__found), "+m"(var)                \
				     : "r"(__new)                              \
				     : "cc");                                  \
			break;                                                 \
		}                                                              \
		__found;                                                       \
	})

/* Whether it stored; if not, *@oldp is what was found. */
#define this_cpu_try_cmpxchg(var, oldp, new)                                   \
	({                                                                     \
		__typeof__(var) *__oldp = (oldp), __old = *__oldp;             \
		*__oldp = this_cpu_cmpxchg(var, __old, new);                   \
		*__oldp == __old;                                              \
	})

#define __this_cpu_read(var)	   this_cpu_read(var)
#define __this_cpu_write(var, val) this_cpu_write(var, val)
#define __this_cpu_add(var, val)   this_cpu_add(var, val)
#define __this_cpu_sub(var, val)   this_cpu_sub(var, val)
#define __this_cpu_and(var, val)   this_cpu_and(var, val)
#define __this_cpu_or(var, val)	   this_cpu_or(var, val)
#define __this_cpu_inc(var)	   this_cpu_inc(var)
#define __this_cpu_dec(var)	   this_cpu_dec(var)

/* The address of this CPU's copy; preemption must be off while it is used. */
#define raw_cpu_ptr(ptr)                                                       \
	({                                                                     \
		unsigned long __p = (unsigned long)(ptr);                      \
		asm volatile("addq %%gs:%1, %0"                                \
			     : "+r"(__p)                                       \
			     : "m"(this_cpu_offset)                            \
			     : "cc");                                          \
		(__typeof__(ptr))__p;                                          \
	})
#define this_cpu_ptr(ptr) raw_cpu_ptr(ptr)

/* Is this CPU's @var equal to @val, or, both unsigned, below it?  One compare,
 * without a load before it. */
#define this_cpu_equals(var, val) __this_cpu_compare("e", var, val)
#define this_cpu_below(var, val)  __this_cpu_compare("b", var, val)

#define __this_cpu_compare(cond, var, val)                                     \
	({                                                                     \
		bool __is;                                                     \
		_Static_assert(sizeof(var) == 8 || sizeof(var) == 4,           \
			       "words only");                                  \
		if (sizeof(var) == 8)                                          \
			asm volatile("cmpq %2, %%gs:%1"                        \
				     : "=@cc" cond(__is)                       \
				     : "m"(var), "re"(val)                     \
				     : "memory");                              \
		else                                                           \
			asm volatile("cmpl %2, %%gs:%1"                        \
				     : "=@cc" cond(__is)                       \
				     : "m"(var),                               \
				       "re"((u32)(unsigned long)(val))         \
				     : "memory");                              \
		__is;                                                          \
	})

#define smp_processor_id() this_cpu_read(cpu_number)

/* Become @cpu as far as per-CPU variables go.  Bring-up only. */
void percpu_switch_base(unsigned int cpu);
