/* SPDX-License-Identifier: MIT */
/*
 * panic.c - the kernel's last words, in an order that a person can read.
 *
 * One CPU panics; it is the first that says so.  It turns its interrupts off,
 * stops the others by NMI, takes the consoles, and then has the machine to
 * itself: the others stand in their NMI handlers with their registers saved,
 * and it walks their stacks for them, one after the other.
 *
 * Twice.      A panic inside the panic, on the same CPU, prints its message
 *             and leaves out the rest; a third one ends the machine in silence.
 *             A second CPU that panics meanwhile stands where it is and leaves
 *             its reason for the first to print: it may be in an NMI already,
 *             as when one from outside reaches all CPUs, and gets no other.
 * Ending.     panic=halt stays on the screen, for people.  panic=reboot is for
 *             machines that nobody watches, panic=exit ends QEMU with a status
 *             that means failure, for the test runner.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/ipi.h>
#include <arch/smp.h>
#include <arch/trap.h>
#include <boot/param.h>
#include <errno.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/lockdep.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include <lib/format.h>
#include <string.h>
#include "panic_impl.h"

#define DEBUG_EXIT_PORT	 0xf4
#define DEBUG_EXIT_PANIC 45 /* QEMU's status is 2 * 45 + 1 */

#define RULER "----------------------------------------------------------\n"

#define STOP_PATIENCE_NS 1000000000ull
#define STOP_MAX_LOOPS	 100000000u /* while the clock still stands */

enum panic_end { PANIC_HALT, PANIC_REBOOT, PANIC_EXIT };

static enum panic_end panic_end;

/* CPU + 1 of the one that panicked, or 0.  Any CPU, atomically; set once. */
static u32 panicking;

/* Panicking CPU only. */
static unsigned int depth;

/* By each stopped CPU, once; then read by the panicking one. */
static cpumask_t stopped;
static DEFINE_PER_CPU(
	struct {
		const struct trap_frame *regs; /* of what was interrupted, or */
		const void *frame;	       /* that of who called panic() */
		const char *why; /* it was to panic as well, or NULL */
	},
	stopped_at);

static int set_panic_end(const struct boot_param *param, const char *value)
{
	static const char *const words[] = {"halt", "reboot", "exit"};

	for (int i = 0; value && i < ARRAY_SIZE(words); i++) {
		if (!strcmp(value, words[i])) {
			panic_end = i;
			return 0;
		}
	}
	return -EINVAL;
}
BOOT_PARAM("panic", set_panic_end, "halt, reboot or exit",
	   "what to do after a panic");

bool panic_in_progress(void)
{
	return READ_ONCE(panicking) != 0;
}

int panic_cpu(void)
{
	return (int)READ_ONCE(panicking) - 1;
}

static void __noreturn halt_for_ever(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

static void __noreturn end_machine(void)
{
	if (panic_end == PANIC_EXIT)
		outl(DEBUG_EXIT_PANIC, DEBUG_EXIT_PORT);
	if (panic_end == PANIC_REBOOT)
		arch_reboot();
	halt_for_ever();
}

/* -- The other CPUs -------------------------------------------------------- */

static void __noreturn stand_still(const struct trap_frame *regs,
				   const void *frame, const char *why)
{
	unsigned int cpu = smp_processor_id();

	/* The NMI that stops all may come on top of this. */
	if (!cpumask_test_cpu(cpu, &stopped)) {
		per_cpu(stopped_at, cpu).regs = regs;
		per_cpu(stopped_at, cpu).frame = frame;
		per_cpu(stopped_at, cpu).why = why;
		/* A full barrier: where it stands, then the bit. */
		cpumask_set_cpu(cpu, &stopped);
	}
	halt_for_ever();
}

void panic_stop_here(const struct trap_frame *regs)
{
	if (panic_in_progress() && panic_cpu() != smp_processor_id())
		stand_still(regs, NULL, NULL);
}

static bool all_stopped(void)
{
	cpumask_t running;

	cpumask_andnot(&running, cpu_online_mask, &stopped);
	cpumask_clear_cpu(smp_processor_id(), &running);
	return cpumask_empty(&running);
}

static void stop_other_cpus(void)
{
	u64 end = arch_clock_ns() + STOP_PATIENCE_NS;

	if (num_online_cpus() <= 1)
		return;
	arch_send_nmi_mask(cpu_online_mask);
	for (u32 i = 0; i < STOP_MAX_LOOPS && !all_stopped(); i++) {
		if (arch_clock_ns() > end)
			break;
		cpu_relax();
	}
}

/* In its idle loop, and not in an interrupt on top of it?  The NMI that stopped
 * it counts as one hard interrupt. */
static bool stopped_idle(unsigned int cpu)
{
	u32 count = per_cpu(__preempt_count, cpu);

	return per_cpu(current_task, cpu)->flags & PF_IDLE &&
	       count & NMI_MASK && (count & HARDIRQ_MASK) == HARDIRQ_OFFSET &&
	       !(count & SOFTIRQ_MASK);
}

static void print_stopped_cpu(unsigned int cpu)
{
	const struct task *task = per_cpu(current_task, cpu);
	const __typeof__(stopped_at) *at = per_cpu_ptr(&stopped_at, cpu);

	spin_print_wait(cpu);
	if (!cpumask_test_cpu(cpu, &stopped)) {
		pr_emerg("cpu%u: does not answer, in task %s\n", cpu,
			 task->comm);
		return;
	}
	if (!at->why && stopped_idle(cpu)) {
		pr_emerg("cpu%u: idle\n", cpu);
		return;
	}
	pr_emerg("cpu%u: in task %s (pid %d)\n", cpu, task->comm, task->pid);
	if (at->why)
		pr_emerg("cpu%u: panics as well: %s\n", cpu, at->why);
	if (at->regs)
		backtrace_print_cpu(cpu, at->regs);
	else
		backtrace_print_cpu_from(cpu, at->frame);
}

static void print_other_cpus(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			print_stopped_cpu(cpu);
}

/* -- The one that panics --------------------------------------------------- */

/* Returns on one CPU, with all others standing; of the arguments there is one
 * that says where we are.  Interrupts are off. */
static void panic_begin(const struct trap_frame *regs, const void *frame,
			const char *why)
{
	u32 me = smp_processor_id() + 1, found;

	found = cmpxchg(&panicking, 0, me);
	if (found && found != me)
		stand_still(regs, frame, why);
	depth++;
	if (depth > 2)
		end_machine();
	if (depth > 1)
		return;
	stop_other_cpus();
	printk_panic_begin();
}

static void print_backtrace(const struct trap_frame *regs, const void *frame)
{
	pr_emerg("Backtrace:\n");
	if (regs)
		backtrace_print_regs(regs);
	else
		backtrace_print_from(frame);
}

/* What is left of the registers where panic() was called as a function: those
 * that functions keep. */
struct kept_registers {
	unsigned long rbx, r12, r13, r14, r15, rsp, rflags;
};

static __always_inline void keep_registers(struct kept_registers *kept)
{
	asm volatile("mov %%rbx, 0(%0)\n\t"
		     "mov %%r12, 8(%0)\n\t"
		     "mov %%r13, 16(%0)\n\t"
		     "mov %%r14, 24(%0)\n\t"
		     "mov %%r15, 32(%0)\n\t"
		     "mov %%rsp, 40(%0)\n\t"
		     "pushfq\n\t"
		     "popq 48(%0)"
		     :
		     : "r"(kept)
		     : "memory");
}

static void print_kept_registers(const struct kept_registers *kept)
{
	pr_emerg("rsp %016lx  rflags %06lx%s  preempt %08x\n", kept->rsp,
		 kept->rflags,
		 kept->rflags & RFLAGS_IF ? "" : " (interrupts off)",
		 preempt_count());
	pr_emerg("rbx %016lx  r12 %016lx  r13 %016lx\n", kept->rbx, kept->r12,
		 kept->r13);
	pr_emerg("r14 %016lx  r15 %016lx  cr3 %08lx\n", kept->r14, kept->r15,
		 read_cr3());
}

/* Of @regs and @kept there is one; @frame is the frame of who has @kept. */
static void __noreturn panic_common(const struct trap_frame *regs,
				    const struct kept_registers *kept,
				    const void *frame, const char *fmt,
				    va_list ap)
{
	char why[256];

	arch_local_irq_disable();
	vscnprintf(why, sizeof(why), fmt, ap);
	panic_begin(regs, frame, why);
	if (depth > 1) {
		printk_panic_again();
		pr_emerg("PANIC inside the panic: %s\n", why);
		/* The stack shows both; if it is what is broken, the next
		 * panic ends it. */
		print_backtrace(regs, frame);
		end_machine();
	}
	/* One call, so that it is in the log before a console can fail. */
	pr_emerg(RULER "PANIC on cpu%u in task %s (pid %d): %s\n",
		 smp_processor_id(), current->comm, current->pid, why);
	if (regs)
		regs_print(regs);
	else
		print_kept_registers(kept);
	print_backtrace(regs, frame);
	lockdep_print_held();
	print_other_cpus();
	pr_emerg("PANIC: %s\n" RULER, why);
	end_machine();
}

void panic(const char *fmt, ...)
{
	struct kept_registers kept;
	va_list ap;

	keep_registers(&kept);
	va_start(ap, fmt);
	panic_common(NULL, &kept, __builtin_frame_address(0), fmt, ap);
}

void panic_regs(const struct trap_frame *regs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_common(regs, NULL, NULL, fmt, ap);
}

/* -- BUG and WARN ---------------------------------------------------------- */

void bug_panic(const struct bug_site *site)
{
	panic("BUG: %s at %s:%d", site->what, site->file, site->line);
}

static void warn(const struct bug_site *site, const char *text,
		 const void *frame)
{
	if (!report_note(REPORT_WARN))
		return;
	pr_crit("WARNING: %s at %s:%d%s%s\n", site->what, site->file,
		site->line, *text ? ": " : "", text);
	pr_crit("in task %s (pid %d)\n", current->comm, current->pid);
	backtrace_print_from(frame);
}

void bug_warn(const struct bug_site *site)
{
	warn(site, "", __builtin_frame_address(0));
}

void bug_warn_text(const struct bug_site *site, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	warn(site, text, __builtin_frame_address(0));
}
