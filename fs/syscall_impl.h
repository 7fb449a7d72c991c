/* SPDX-License-Identifier: MIT */
/* syscall_impl.h - how newlib's system calls return. */
#pragma once
#include <errno.h>
#include <reent.h>
#include <lib/err.h>

/* Ends the task if it has been killed: the boundary of newlib is where the
 * dead stop. */
void syscall_leave(void);

/* @ret, or -1 with the caller's errno set when it is a negative errno. */
static inline long syscall_return(struct _reent *r, long ret)
{
	syscall_leave();
	if (!IS_ERR_VALUE(ret))
		return ret;
	r->_errno = -ret;
	return -1;
}
