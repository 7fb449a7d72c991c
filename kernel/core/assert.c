/* SPDX-License-Identifier: MIT */
/*
 * assert.c - what a debug build says about the context it is called in.
 *
 * Before the scheduler runs there is one context, and nothing can go wrong by
 * sleeping in it, because nothing sleeps.
 */
#include <arch/irqflags.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/lockdep.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>

static void failed(enum report_kind kind, const char *what, const char *file,
		   int line)
{
	if (!report_note(kind))
		return;
	pr_crit("%s at %s:%d\n", what, file, line);
	pr_crit("cpu%u, task %s (pid %d), preempt count %#x, interrupts %s\n",
		smp_processor_id(), current->comm, current->pid,
		preempt_count(), irqs_disabled() ? "off" : "on");
	lockdep_print_held();
	backtrace_print();
}

static bool is_checking(void)
{
	return scheduler_running && !panic_in_progress();
}

void __might_sleep(const char *file, int line)
{
	if (unlikely(!preemptible()) && is_checking())
		failed(REPORT_ATOMIC, "sleeping is not allowed here", file,
		       line);
}

void __assert_preempt_off(const char *file, int line)
{
	if (unlikely(preemptible()) && is_checking())
		failed(REPORT_ATOMIC, "preemption should be off", file, line);
}

void __assert_irqs_off(const char *file, int line)
{
	if (unlikely(!irqs_disabled()) && is_checking())
		failed(REPORT_ATOMIC, "interrupts should be off", file, line);
}
