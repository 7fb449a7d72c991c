/* SPDX-License-Identifier: MIT */
/*
 * backtrace.c - walk the frame pointers, and distrust every one.
 *
 * A frame is two words: the caller's frame pointer, the return address.  One
 * is believed if it lies wholly on a stack that is known (the task's, the boot
 * CPU's first, its CPU's exception stacks) and, on the same stack, above the
 * frame before.  Only these are read, and they are mapped: the walk cannot
 * fault and it ends, because a stack is finite and is entered once.
 *
 * Traps.      The trap stubs leave a frame like a call's, so the walk crosses
 *             them by itself; we only name the vector, and note that what comes
 *             next is an instruction that was interrupted and not a return
 *             address.  From an exception stack it comes back to the task's.
 * Leaves.     A function that calls nobody may have no frame: interrupted
 *             there, its caller is only at the top of its stack.  What looks
 *             like it is printed with a question mark.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/ipi.h>
#include <arch/trap.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <kernel/core/symbols.h>
#include <lib/atomic.h>
#include "panic_impl.h"

#define MAX_LINES	 48
#define CPU_PATIENCE_NS	 500000000ull
#define CPU_PATIENCE_MAX 100000000u /* looks, when the clock stands */

extern char __text_start[], __text_end[];
extern char boot_stack[], boot_stack_top[];

struct walk {
	/* The stack we are on, [low, high), and the next frame's address. */
	unsigned long low, high;
	unsigned long fp;
	/* Whose stacks are known. */
	const struct task *task;
	int cpu; /* -1: the task does not run */
	unsigned int nr_stacks;
};

struct frame {
	unsigned long pc;
	const struct trap_frame *trap; /* pc was interrupted by this */
};

static bool within(unsigned long addr, unsigned long low, unsigned long high)
{
	return addr >= low && addr < high;
}

static bool in_text(unsigned long addr)
{
	return within(addr, (unsigned long)__text_start,
		      (unsigned long)__text_end);
}

static bool find_stack(struct walk *walk, unsigned long addr)
{
	unsigned long low, high;

	if (walk->task && walk->task->stack) {
		low = (unsigned long)walk->task->stack;
		high = low + walk->task->stack_size;
		if (within(addr, low, high))
			goto found;
	}
	low = (unsigned long)boot_stack;
	high = (unsigned long)boot_stack_top;
	if (within(addr, low, high))
		goto found;
	if (walk->cpu < 0 || !trap_stack_of(walk->cpu, addr, &low, &high))
		return false;
found:
	/* Entered once each, so that a loop of frames ends. */
	if (++walk->nr_stacks > 4)
		return false;
	walk->low = low;
	walk->high = high;
	return true;
}

static void walk_begin(struct walk *walk, const struct task *task, int cpu,
		       unsigned long fp)
{
	*walk = (struct walk){.task = task, .cpu = cpu, .fp = fp};
}

static bool walk_next(struct walk *walk, struct frame *frame)
{
	const unsigned long *words = (const unsigned long *)walk->fp;

	if (walk->fp % sizeof(long))
		return false;
	if (!within(walk->fp, walk->low, walk->high) &&
	    !find_stack(walk, walk->fp))
		return false;
	if (walk->high - walk->fp < 2 * sizeof(long))
		return false;
	frame->pc = words[1];
	frame->trap = NULL;
	if (!in_text(frame->pc))
		return false;
	frame->trap = trap_frame_from_stack(words[0], frame->pc);
	/* The next one lies above, or on another stack: here this one ends. */
	if (within(words[0], walk->low, walk->fp + 1))
		walk->fp = 0;
	else
		walk->fp = words[0];
	return true;
}

/* Where arch_switch_to() left the frame pointer of a task switched out. */
static unsigned long saved_frame_pointer(const struct task *task)
{
	return ((unsigned long *)task->arch.sp)[5];
}

/* -- Printing -------------------------------------------------------------- */

static void print_pc(unsigned long pc, bool is_return, const char *mark)
{
	unsigned long offset, size;
	const char *name;

	if (symbol_lookup(pc - is_return, &name, &offset, &size))
		pr_crit("  %016lx  %s%s+%#lx\n", pc, mark, name,
			offset + is_return);
	else
		pr_crit("  %016lx  %s\n", pc, mark);
}

/* The same frame many times over is a recursion: say so once. */
static void print_repeats(unsigned int n)
{
	if (n)
		pr_crit("  ... the same %u more time%s\n", n,
			n == 1 ? "" : "s");
}

static void print_trap(const struct trap_frame *trap)
{
	if (trap->vector < NR_EXCEPTIONS)
		pr_crit("  -- %s --\n", trap_name(trap->vector));
	else
		pr_crit("  -- interrupt %#llx --\n", trap->vector);
}

static void print_walk(struct walk *walk)
{
	unsigned long last = 0;
	unsigned int lines = 0, repeats = 0;
	bool is_return = true;
	struct frame frame;

	while (lines < MAX_LINES && walk_next(walk, &frame)) {
		if (frame.pc == last) {
			repeats++;
			continue;
		}
		print_repeats(repeats);
		repeats = 0;
		lines++;
		last = frame.pc;
		if (frame.trap) {
			/* The stub; the next frame is what it interrupted. */
			print_trap(frame.trap);
			is_return = false;
			continue;
		}
		print_pc(frame.pc, is_return, "");
		is_return = true;
	}
	print_repeats(repeats);
	if (lines == MAX_LINES)
		pr_crit("  ... and more\n");
}

void backtrace_print_from(const void *frame)
{
	struct walk walk;

	walk_begin(&walk, current, smp_processor_id(), (unsigned long)frame);
	print_walk(&walk);
}

void backtrace_print(void)
{
	backtrace_print_from(__builtin_frame_address(0));
}

/* A return address on top of the stack, unless the frame has it too. */
static void print_leaf_caller(const struct trap_frame *regs)
{
	unsigned long pc = *(const unsigned long *)regs->rsp;

	if (in_text(pc) && regs->rbp != regs->rsp &&
	    regs->rbp != regs->rsp - sizeof(long) &&
	    symbol_lookup(pc - 1, NULL, NULL, NULL))
		print_pc(pc, true, "? ");
}

static void print_regs_walk(const struct trap_frame *regs,
			    const struct task *task, int cpu)
{
	struct walk walk;

	print_pc(regs->rip, false, "");
	walk_begin(&walk, task, cpu, regs->rsp);
	if (regs->rsp % sizeof(long) == 0 && find_stack(&walk, regs->rsp))
		print_leaf_caller(regs);
	walk_begin(&walk, task, cpu, regs->rbp);
	print_walk(&walk);
}

void backtrace_print_regs(const struct trap_frame *regs)
{
	print_regs_walk(regs, current, smp_processor_id());
}

void backtrace_print_cpu(unsigned int cpu, const struct trap_frame *regs)
{
	print_regs_walk(regs, per_cpu(current_task, cpu), cpu);
}

void backtrace_print_cpu_from(unsigned int cpu, const void *frame)
{
	struct walk walk;

	walk_begin(&walk, per_cpu(current_task, cpu), cpu,
		   (unsigned long)frame);
	print_walk(&walk);
}

void backtrace_print_task(struct task *task)
{
	struct walk walk;

	if (task == current) {
		backtrace_print();
		return;
	}
	if (READ_ONCE(task->on_cpu)) {
		pr_crit("  running on cpu%u\n", task_cpu(task));
		return;
	}
	walk_begin(&walk, task, -1, saved_frame_pointer(task));
	print_walk(&walk);
}

static unsigned int save(const void *frame, unsigned long *pcs,
			 unsigned int max, unsigned int skip)
{
	struct frame at;
	struct walk walk;
	unsigned int n = 0;

	walk_begin(&walk, current, smp_processor_id(), (unsigned long)frame);
	while (n < max && walk_next(&walk, &at)) {
		if (at.trap)
			continue;
		if (skip)
			skip--;
		else
			pcs[n++] = at.pc;
	}
	return n;
}

unsigned int backtrace_save_from(const void *frame, unsigned long *pcs,
				 unsigned int max)
{
	return save(frame, pcs, max, 0);
}

unsigned int backtrace_save(unsigned long *pcs, unsigned int max,
			    unsigned int skip)
{
	return save(__builtin_frame_address(0), pcs, max, skip);
}

/* -- All CPUs -------------------------------------------------------------- */

/* One asker at a time. */
static u32 asking;

/* CPU + 1 of who is to print, or 0: set by the asker, cleared by the asked. */
static u32 asked;

/* Whose NMI may still come, though nobody waits for the answer any more. */
static cpumask_t asked_in_vain;

bool backtrace_nmi(const struct trap_frame *frame)
{
	const struct task *task = current;
	unsigned int cpu = smp_processor_id();

	if (READ_ONCE(asked) != cpu + 1)
		return cpumask_test_and_clear_cpu(cpu, &asked_in_vain);
	/* The NMI itself counts as one hard interrupt. */
	if ((task->flags & PF_IDLE) &&
	    (preempt_count() & HARDIRQ_MASK) == HARDIRQ_OFFSET) {
		pr_crit("cpu%u: idle\n", cpu);
	} else {
		pr_crit("cpu%u: in task %s (pid %d)\n", cpu, task->comm,
			task->pid);
		spin_print_wait(cpu);
		backtrace_print_regs(frame);
	}
	/* All is printed, then: pairs with the acquire in ask_cpu(). */
	smp_store_release(&asked, 0);
	return true;
}

static void ask_cpu(unsigned int cpu)
{
	u64 end = arch_clock_ns() + CPU_PATIENCE_NS;

	WRITE_ONCE(asked, cpu + 1);
	arch_send_nmi(cpu);
	for (u32 i = 0; i < CPU_PATIENCE_MAX; i++) {
		/* Pairs with the release in backtrace_nmi(). */
		if (!smp_load_acquire(&asked))
			return;
		if (arch_clock_ns() > end)
			break;
		cpu_relax();
	}
	/* It may still answer: whoever clears it first. */
	cpumask_set_cpu(cpu, &asked_in_vain);
	if (cmpxchg(&asked, cpu + 1, 0))
		pr_crit("cpu%u: does not answer an NMI\n", cpu);
	else
		cpumask_clear_cpu(cpu, &asked_in_vain);
}

void backtrace_print_all_cpus(void)
{
	unsigned int cpu;

	if (xchg(&asking, 1))
		return; /* somebody is at it: the same CPUs, the same lines */
	pr_crit("cpu%u: in task %s (pid %d)\n", smp_processor_id(),
		current->comm, current->pid);
	backtrace_print();
	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			ask_cpu(cpu);
	/* Pairs with the exchange above, by the next asker. */
	smp_store_release(&asking, 0);
}
