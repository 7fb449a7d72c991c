/* SPDX-License-Identifier: MIT */
/*
 * syscall_none.c - system calls that Tally does not have.
 *
 * They exist so that code that mentions them links, and say ENOSYS: there is
 * one address space, so no fork; programs are part of the image, so no exec.
 *
 * Context: tasks.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "syscall_impl.h"

static long none(struct _reent *r)
{
	syscall_enter();
	return syscall_return(r, -ENOSYS);
}

int _fork_r(struct _reent *r)
{
	return none(r);
}

int _execve_r(struct _reent *r, const char *path, char *const argv[],
	      char *const envp[])
{
	return none(r);
}

int _wait_r(struct _reent *r, int *status)
{
	return none(r);
}

int fork(void)
{
	return none(_REENT);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return none(_REENT);
}

pid_t wait(int *status)
{
	return none(_REENT);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return none(_REENT);
}

int pipe(int fds[2])
{
	return none(_REENT);
}

int ftruncate(int fd, off_t length)
{
	return none(_REENT);
}

int fsync(int fd)
{
	return none(_REENT);
}

/* There is no source of secrets. */
int getentropy(void *buf, size_t size)
{
	return none(_REENT);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return none(_REENT);
}
