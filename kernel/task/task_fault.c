/* SPDX-License-Identifier: MIT */
/*
 * task_fault.c - a task touches memory that is not there.
 *
 * Problem.    The one who faults may be a program, or the kernel at work for
 *             it: a page may be refused to the one, and the other is in the
 *             middle of something.
 * Idea.       A task counts how deep it is in the kernel (task.h).  At depth 0
 *             it is a program: it ends here, if it was killed, if it had no
 *             business there, or if there is no memory for it.  Otherwise it
 *             gets its page, over any limit if need be, and a killed task ends
 *             on its way out.
 * Mistakes.   A program's stray touch of an arena ends the program.  The
 *             kernel's is a page fault that nobody resolves: a panic.
 *
 * Context: the task that faulted, interrupts on.
 */
#include <arch/trap.h>
#include <kernel/core/fault.h>
#include <kernel/core/printk.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <mm/accounting.h>
#include <mm/virt/arena.h>

#define CODE_STRAY (128 + 11) /* as SIGSEGV would */

void task_end(int code)
{
	current->kernel_depth++;
	task_newlib_abort();
	task_exit(code);
}

void task_set_kernel_code(void)
{
	current->is_kernel_code = true;
	current->kernel_depth++;
}

void task_has_left_kernel(void)
{
	accounting_settle();
	if (kill_pending())
		task_end(TASK_KILLED);
}

static void __noreturn end_stray(const struct trap_frame *frame,
				 unsigned long addr)
{
	pr_err("%s (pid %d) ends: at %pS it cannot %s %#lx\n", current->comm,
	       current->pid, (void *)frame->rip,
	       frame->error & FAULT_WRITE ? "write" : "read", addr);
	task_end(CODE_STRAY);
}

static void __noreturn end_without_memory(unsigned long addr)
{
	if (!kill_pending())
		pr_err("%s (pid %d) ends: no memory for its page at %#lx\n",
		       current->comm, current->pid, addr);
	task_end(TASK_KILLED);
}

static bool task_fault(const struct trap_frame *frame, unsigned long addr)
{
	bool is_program = !current->kernel_depth;

	if (!is_arena_addr((void *)addr))
		return false;
	if (is_program && kill_pending())
		task_end(TASK_KILLED);

	switch (arena_fault(addr, frame->error, !is_program)) {
	case ARENA_FAULT_DONE:
		/* Perhaps there was no page until somebody was killed: us. */
		if (is_program && kill_pending())
			task_end(TASK_KILLED);
		return true;
	case ARENA_FAULT_BAD:
		if (is_program)
			end_stray(frame, addr);
		return false;
	case ARENA_FAULT_NOMEM:
		end_without_memory(addr);
	case ARENA_FAULT_REAPED:
		task_end(TASK_KILLED);
	}
	return false;
}

void task_fault_init(void)
{
	page_fault_set_resolver(task_fault);
}
