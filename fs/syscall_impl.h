/* SPDX-License-Identifier: MIT */
/* syscall_impl.h - how newlib's system calls return. */
#pragma once
#include <errno.h>
#include <reent.h>
#include <kernel/task/task.h>
#include <lib/err.h>

/* First of all in a system call.  From here on the task is the kernel's, and
 * not ended by a page that it cannot have (task_enter_kernel()). */
static inline void syscall_enter(void)
{
	task_enter_kernel();
}

/* Ends the task if it has been killed: the boundary of newlib is where the
 * dead stop, even with newlib's locks held, which task_exit() drops. */
void syscall_leave(void);

/* Last of all: @ret, or -1 with the caller's errno set when it is a negative errno. */
static inline long syscall_return(struct _reent *r, long ret)
{
	syscall_leave();
	if (!IS_ERR_VALUE(ret))
		return ret;
	r->_errno = -ret;
	return -1;
}
