/* SPDX-License-Identifier: MIT */
/*
 * task.h - the machine's part of a task, and the switch between two.
 *
 * The callee-saved registers live on the stack of a task that is switched
 * out, so all that is left to remember is where that stack ends.
 *
 * Floating point.  Kernel code has none.  A task that may use it owns a save
 * area (@fpu); its registers are saved and restored at every switch, with no
 * first-use trap.  A task without an area leaves the registers alone.
 */
#pragma once
#include <lib/types.h>

struct arch_task {
	unsigned long sp; /* while switched out */
	void *fpu;	  /* save area, or NULL; set before it first runs */
};

/*
 * Make @task start in task_entry(prev, fn, arg) (an upcall) on its stack, with
 * interrupts off, the first time it is switched to.
 */
void arch_task_init(struct arch_task *task, void *stack_top, void (*fn)(void *),
		    void *arg);

/*
 * Leave @prev, go on in @next.  Interrupts off.  Returns, some time later, in
 * @prev: the task that was left to come back here.
 */
struct arch_task *arch_switch_to(struct arch_task *prev,
				 struct arch_task *next);

/* The save area: its size, how it must be aligned, its clean first content. */
#define ARCH_FPU_ALIGN 64
size_t arch_fpu_size(void);
void arch_fpu_init(void *area);
