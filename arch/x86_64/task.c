/* SPDX-License-Identifier: MIT */
/* task.c - a task's machine state: its stack pointer, its floating point. */
#include <arch/task.h>
#include <lib/types.h>
#include <string.h>
#include "fpu_impl.h"

/* What switch_stacks() pops, lowest address first. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 ret;
	/* task_start() begins with RSP here, aligned as at any call. */
	u64 end_of_stack[2];
};

extern char task_start[];
struct arch_task *switch_stacks(struct arch_task *prev, struct arch_task *next);

void arch_task_init(struct arch_task *task, void *stack_top, void (*fn)(void *),
		    void *arg)
{
	unsigned long top = (unsigned long)stack_top & ~15ul;
	struct switch_frame *frame = (struct switch_frame *)top - 1;

	memset(frame, 0, sizeof(*frame));
	frame->r12 = (u64)fn;
	frame->r13 = (u64)arg;
	frame->ret = (u64)task_start;
	task->sp = (unsigned long)frame;
}

struct arch_task *arch_switch_to(struct arch_task *prev, struct arch_task *next)
{
	if (prev->fpu)
		fpu_save(prev->fpu);
	if (next->fpu)
		fpu_restore(next->fpu);
	return switch_stacks(prev, next);
}
