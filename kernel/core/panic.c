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
 *             A second CPU that panics meanwhile waits for its NMI.
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
static DEFINE_PER_CPU(const struct trap_frame *, stopped_frame);

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

void panic_stop_here(const struct trap_frame *frame)
{
	int cpu = smp_processor_id();

	if (!panic_in_progress() || panic_cpu() == cpu)
		return;
	per_cpu(stopped_frame, cpu) = frame;
	/* A full barrier: the frame, then the bit. */
	cpumask_set_cpu(cpu, &stopped);
	halt_for_ever();
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

static void print_other_cpus(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		const struct task *task = per_cpu(current_task, cpu);

		if (cpu == smp_processor_id())
			continue;
		spin_print_wait(cpu);
		if (!cpumask_test_cpu(cpu, &stopped)) {
			pr_emerg("cpu%u: does not answer, in task %s\n", cpu,
				 task->comm);
			continue;
		}
		if (task->flags & PF_IDLE) {
			pr_emerg("cpu%u: idle\n", cpu);
			continue;
		}
		pr_emerg("cpu%u: in task %s (pid %d)\n", cpu, task->comm,
			 task->pid);
		backtrace_print_cpu(cpu, per_cpu(stopped_frame, cpu));
	}
}

/* -- The one that panics --------------------------------------------------- */

/* Returns on one CPU, once; interrupts off from here on. */
static void panic_begin(void)
{
	u32 me = smp_processor_id() + 1, found;

	arch_local_irq_disable();
	found = cmpxchg(&panicking, 0, me);
	if (found && found != me)
		halt_for_ever(); /* its NMI will find us */
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

	panic_begin();
	vscnprintf(why, sizeof(why), fmt, ap);
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
