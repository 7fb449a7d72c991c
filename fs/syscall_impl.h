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

/*
 * May the kernel read (write) this memory for its caller?  0, or -EFAULT.  All
 * is one address space, so it is no matter of trust: a program's mistake shall
 * be told to the program, not end the machine.  A path that does not end
 * within a page's length is -ENAMETOOLONG.
 */
int syscall_may_read(const void *p, size_t size);
int syscall_may_write(void *p, size_t size);
int syscall_may_read_path(const char *path);

/* Last of all: @ret, or -1 with the caller's errno set when it is a negative errno. */
static inline long syscall_return(struct _reent *r, long ret)
{
	syscall_leave();
	if (!IS_ERR_VALUE(ret))
		return ret;
	r->_errno = -ret;
	return -1;
}
