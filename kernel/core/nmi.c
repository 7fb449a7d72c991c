/* SPDX-License-Identifier: MIT */
/*
 * nmi.c - an NMI is a question from another CPU; answer it.
 *
 * Three may be asked: stop, somebody panics (never returns); show your
 * backtrace; nothing, it was meant for the hardware.
 */
#include <arch/upcalls.h>
#include <kernel/core/irq.h>
#include "panic_impl.h"

void nmi_interrupt(struct trap_frame *frame)
{
	nmi_enter();
	panic_stop_here(frame);
	backtrace_nmi(frame);
	nmi_exit();
}
