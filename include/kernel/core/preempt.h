/* SPDX-License-Identifier: MIT */
/*
 * preempt.h - who may interrupt whom on this CPU, in one word.
 *
 * Problem.   "May I be switched out?", "am I in an interrupt?" and "does
 *            somebody more urgent want this CPU?" are asked on every unlock,
 *            so together they must cost an instruction or two.
 * Idea.      One per-CPU word counts every reason not to switch:
 *
 *		bits  0-7	preempt_disable() depth, spinlocks included
 *		bits  8-15	softirq: +1 serving, +2 local_bh_disable()
 *		bits 16-19	hardirq depth
 *		bits 20-23	NMI depth
 *		bits 24-26	inside this CPU's stores (cpu_store_enter)
 *		bit  31		set while nobody wants the CPU
 *
 *            The last bit is inverted so that the word reaches 0 exactly when
 *            switching is both allowed and wanted: preempt_enable() is a
 *            decrement and a branch.
 * Per CPU.   The word belongs to the CPU, not to the task, and is changed by
 *            its own CPU only.  schedule() is always entered with the same
 *            count, so a switch need not save it.
 */
#pragma once
#include <arch/percpu.h>
#include <lib/compiler.h>
#include <lib/types.h>

#define PREEMPT_OFFSET	     (1u << 0)
#define SOFTIRQ_OFFSET	     (1u << 8)
#define SOFTIRQ_DISABLE_STEP (2u << 8)
#define HARDIRQ_OFFSET	     (1u << 16)
#define NMI_OFFSET	     (1u << 20)
#define CPU_STORE_OFFSET     (1u << 24)

#define PREEMPT_MASK	   0x000000ffu
#define SOFTIRQ_MASK	   0x0000ff00u
#define HARDIRQ_MASK	   0x000f0000u
#define NMI_MASK	   0x00f00000u
#define CPU_STORE_MASK	   0x07000000u
#define PREEMPT_NO_RESCHED 0x80000000u

DECLARE_PER_CPU(u32, __preempt_count);

/* The count without the resched bit: 0 means that nothing forbids a switch. */
static __always_inline u32 preempt_count(void)
{
	return this_cpu_read(__preempt_count) & ~PREEMPT_NO_RESCHED;
}

/* Add and subtract without looking at need_resched. */
static __always_inline void preempt_count_add(u32 val)
{
	this_cpu_add(__preempt_count, val);
	barrier();
}

static __always_inline void preempt_count_sub(u32 val)
{
	barrier();
	this_cpu_sub(__preempt_count, val);
}

/* Is one of the bits @mask set? */
static __always_inline bool preempt_count_test(u32 mask)
{
	bool set;

	asm volatile("testl %2, %%gs:%1"
		     : "=@ccnz"(set)
		     : "m"(__preempt_count), "i"(mask));
	return set;
}

/* -- What runs here? --------------------------------------------------------- */

#define in_nmi()     (!!(preempt_count() & NMI_MASK))
#define in_hardirq() (!!(preempt_count() & HARDIRQ_MASK))

/* Serving a softirq, or softirqs held off. */
#define in_softirq()	     (!!(preempt_count() & SOFTIRQ_MASK))
#define in_serving_softirq() (!!(preempt_count() & SOFTIRQ_OFFSET))

/* Anything but a task that could sleep if it held no locks. */
#define in_interrupt()                                                         \
	(!!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK)))
#define in_task()                                                              \
	(!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)))
#define in_atomic() (preempt_count() != 0)

bool preemptible(void);

/* -- Does somebody want this CPU? -------------------------------------------- */

static __always_inline bool need_resched(void)
{
	return !(this_cpu_read(__preempt_count) & PREEMPT_NO_RESCHED);
}

/* This CPU only; another is told with resched_cpu() (sched.h). */
static __always_inline void set_need_resched(void)
{
	this_cpu_and(__preempt_count, ~PREEMPT_NO_RESCHED);
}

static __always_inline void clear_need_resched(void)
{
	this_cpu_or(__preempt_count, PREEMPT_NO_RESCHED);
}

/* -- Off and on -------------------------------------------------------------- */

static __always_inline void preempt_disable(void)
{
	this_cpu_add(__preempt_count, PREEMPT_OFFSET);
	barrier();
}

/*
 * Take @val off and, at 0, switch.  The call goes through a thunk that keeps
 * every register, so that the usual path costs its callers nothing.
 */
static __always_inline void preempt_enable_count(u32 val)
{
	barrier();
	asm volatile("subl %1, %%gs:%0\n\t"
		     "jnz 1f\n\t"
		     "call preempt_schedule_thunk\n"
		     "1:"
		     : "+m"(__preempt_count)
		     : "i"(val)
		     : "cc", "memory");
}

static __always_inline void preempt_enable(void)
{
	preempt_enable_count(PREEMPT_OFFSET);
}

/* For those about to call schedule(), or who must not switch here. */
static __always_inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_sub(__preempt_count, PREEMPT_OFFSET);
}

/* Stay on this CPU (preemption off) and learn its number; give it back. */
#define get_cpu()                                                              \
	({                                                                     \
		preempt_disable();                                             \
		smp_processor_id();                                            \
	})
#define put_cpu() preempt_enable()

/* The same around a per-CPU variable of ours. */
#define get_cpu_var(var)                                                       \
	(*({                                                                   \
		preempt_disable();                                             \
		this_cpu_ptr(&(var));                                          \
	}))
#define put_cpu_var(var) preempt_enable()

#define get_cpu_ptr(ptr)                                                       \
	({                                                                     \
		preempt_disable();                                             \
		this_cpu_ptr(ptr);                                             \
	})
#define put_cpu_ptr(ptr) preempt_enable()

/* -- A CPU's stores ---------------------------------------------------------- */

/*
 * What a CPU keeps for itself alone, and its interrupts may want too: objects
 * (mm/slab), and charges that it has prepaid (mm/memcg).  One section covers all
 * of it, so taking an object and its charge costs one entry.
 *
 * Enter: preemption off, and nested interrupts told to keep out.  False in such
 * an interrupt, which then has to do without the stores.  A task always gets in:
 * who is inside cannot be switched out.
 */
static __always_inline bool cpu_store_enter(void)
{
	if (unlikely(preempt_count_test(CPU_STORE_MASK)))
		return false;
	preempt_count_add(PREEMPT_OFFSET + CPU_STORE_OFFSET);
	return true;
}

/* The same, for tasks only: false in interrupts and softirqs too. */
static __always_inline bool cpu_store_enter_task(void)
{
	if (unlikely(preempt_count_test(CPU_STORE_MASK | NMI_MASK |
					HARDIRQ_MASK | SOFTIRQ_OFFSET)))
		return false;
	preempt_count_add(PREEMPT_OFFSET + CPU_STORE_OFFSET);
	return true;
}

/* Enter whether or not somebody is inside, whose stores are then taboo. */
static __always_inline void cpu_store_enter_over(void)
{
	preempt_count_add(PREEMPT_OFFSET + CPU_STORE_OFFSET);
}

static __always_inline void cpu_store_leave(void)
{
	preempt_enable_count(PREEMPT_OFFSET + CPU_STORE_OFFSET);
}

/* Let interrupts in again, but stay on this CPU until preempt_enable(). */
static __always_inline void cpu_store_leave_preempt_off(void)
{
	preempt_count_sub(CPU_STORE_OFFSET);
}

/* Is this context inside, or one that it interrupted? */
static __always_inline bool cpu_store_entered(void)
{
	return preempt_count_test(CPU_STORE_MASK);
}

/* -- Assertions: checked in debug builds, free otherwise. -------------------- */

void __might_sleep(const char *file, int line);
void __assert_preempt_off(const char *file, int line);

#if CONFIG_DEBUG
/* This function may sleep: nothing here may forbid it. */
#define might_sleep()	     __might_sleep(__FILE__, __LINE__)
#define assert_preempt_off() __assert_preempt_off(__FILE__, __LINE__)
#else
#define might_sleep()	     ((void)0)
#define assert_preempt_off() ((void)0)
#endif
#define assert_can_sleep() might_sleep()
