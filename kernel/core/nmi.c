/* SPDX-License-Identifier: MIT */
/*
 * nmi.c - an NMI is a question from another CPU; answer it.
 *
 * Two are asked: stop, somebody panics (never returns); show your backtrace.
 * What nobody asked comes from outside: a button, or a test runner whose guest
 * does not answer any more and should say where it stands.  It does.
 */
#include <arch/upcalls.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include "panic_impl.h"

static bool nmi_panics;
BOOT_PARAM_BOOL("nmi_panic", nmi_panics,
		"panic when an NMI comes from outside");

static void nmi_from_outside(const struct trap_frame *frame)
{
	if (nmi_panics)
		panic_regs(frame, "NMI from outside");
	pr_crit("NMI from outside: cpu%u is in task %s (pid %d)\n",
		smp_processor_id(), current->comm, current->pid);
	backtrace_print_regs(frame);
}

void nmi_interrupt(struct trap_frame *frame)
{
	nmi_enter();
	panic_stop_here(frame);
	if (!backtrace_nmi(frame))
		nmi_from_outside(frame);
	nmi_exit();
}
