/* SPDX-License-Identifier: MIT */
/* panic_impl.h - between panic.c, exception.c, nmi.c and the watchdog. */
#pragma once
#include <kernel/core/panic.h>

/* In NMI context: does not return if some other CPU has panicked. */
void panic_stop_here(const struct trap_frame *frame);

/* The registers, four to a line, and the code around the instruction. */
void regs_print(const struct trap_frame *regs);

/* In NMI context: print this CPU's backtrace if somebody asked for it; false if
 * nobody did. */
bool backtrace_nmi(const struct trap_frame *frame);

/* Begin with the caller of the function whose frame @frame is
 * (__builtin_frame_address(0)): leaves out the reporting code itself. */
void backtrace_print_from(const void *frame);

unsigned int backtrace_save_from(const void *frame, unsigned long *pcs,
				 unsigned int max);

/* A backtrace of what @cpu, which stands still, was interrupted in; or of where it
 * stands, from the caller of the function whose frame is @frame. */
void backtrace_print_cpu(unsigned int cpu, const struct trap_frame *regs);
void backtrace_print_cpu_from(unsigned int cpu, const void *frame);
