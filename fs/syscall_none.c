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
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
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

/* -- The plain names: processes -- */

int fork(void)
{
	return none(_REENT);
}

pid_t vfork(void)
{
	return none(_REENT);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return none(_REENT);
}

int execv(const char *path, char *const argv[])
{
	return none(_REENT);
}

int execvp(const char *file, char *const argv[])
{
	return none(_REENT);
}

int execl(const char *path, const char *arg, ...)
{
	return none(_REENT);
}

int execlp(const char *file, const char *arg, ...)
{
	return none(_REENT);
}

int execle(const char *path, const char *arg, ...)
{
	return none(_REENT);
}

/* Without a command: is there anybody to run one? */
int system(const char *command)
{
	return command ? none(_REENT) : 0;
}

pid_t wait(int *status)
{
	return none(_REENT);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return none(_REENT);
}

FILE *popen(const char *command, const char *mode)
{
	none(_REENT);
	return NULL;
}

int pclose(FILE *stream)
{
	return none(_REENT);
}

int pipe(int fds[2])
{
	return none(_REENT);
}

/* -- Files -- */

ssize_t pwrite(int fd, const void *buf, size_t size, off_t pos)
{
	return none(_REENT);
}

int truncate(const char *path, off_t length)
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

int symlink(const char *to, const char *path)
{
	return none(_REENT);
}

ssize_t readlink(const char *path, char *buf, size_t size)
{
	return none(_REENT);
}

int chmod(const char *path, mode_t mode)
{
	return none(_REENT);
}

int fchmod(int fd, mode_t mode)
{
	return none(_REENT);
}

int chown(const char *path, uid_t owner, gid_t group)
{
	return none(_REENT);
}

/* -- Time: nobody knows the date -- */

int settimeofday(const struct timeval *tv, const struct timezone *zone)
{
	return none(_REENT);
}

int clock_settime(clockid_t clock, const struct timespec *ts)
{
	return none(_REENT);
}

/* -- Signals: newlib's signal() and raise() are of the caller's own making -- */

unsigned int alarm(unsigned int seconds)
{
	return none(_REENT);
}

int pause(void)
{
	return none(_REENT);
}

int sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	return none(_REENT);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return none(_REENT);
}

int sigsuspend(const sigset_t *set)
{
	return none(_REENT);
}

int sigpending(sigset_t *set)
{
	return none(_REENT);
}

/* -- There is no source of secrets -- */

int getentropy(void *buf, size_t size)
{
	return none(_REENT);
}
