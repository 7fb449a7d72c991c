/* SPDX-License-Identifier: MIT */
/*
 * syscall_task.c - newlib's system calls about tasks and time.
 *
 * A program is a task: its process id is the task's, kill() ends one, and a
 * signal that a program sends itself (abort() does) ends it with the exit code
 * a shell would show, 128 and the signal's number.
 *
 * The clock starts at zero with the machine: nobody has told it the date.
 *
 * Context: tasks.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <mm/accounting.h>
#include "syscall_impl.h"

void syscall_leave(void)
{
	DEBUG_BUG_ON(!current->kernel_depth);
	if (!--current->kernel_depth)
		accounting_settle();
	if (unlikely(kill_pending()))
		task_end(TASK_KILLED);
}

void _exit(int code)
{
	task_end(code);
}

int _getpid_r(struct _reent *r)
{
	return current->pid;
}

int _kill_r(struct _reent *r, int pid, int signal)
{
	struct task *t;

	syscall_enter();
	if (signal < 0 || signal >= NSIG)
		return syscall_return(r, -EINVAL);
	if (pid == current->pid && signal)
		_exit(128 + signal);
	t = task_find(pid);
	if (!t)
		return syscall_return(r, -ESRCH);
	if (signal)
		task_kill(t);
	put_task(t);
	return syscall_return(r, 0);
}

int _gettimeofday_r(struct _reent *r, struct timeval *tv, void *zone)
{
	u64 now = ktime_get_ns();

	tv->tv_sec = now / NSEC_PER_SEC;
	tv->tv_usec = now % NSEC_PER_SEC / NSEC_PER_USEC;
	return 0;
}

/* Both results in clock_t: the task's own time, and since boot. */
clock_t _times_r(struct _reent *r, struct tms *buf)
{
	const u64 ns_per_clock = NSEC_PER_SEC / CLOCKS_PER_SEC;

	memset(buf, 0, sizeof(*buf));
	buf->tms_utime = task_cpu_time(current) / ns_per_clock;
	return ktime_get_ns() / ns_per_clock;
}

/* -- The plain names -- */

pid_t getpid(void)
{
	return _getpid_r(_REENT);
}

int kill(pid_t pid, int signal)
{
	return _kill_r(_REENT, pid, signal);
}

int gettimeofday(struct timeval *tv, void *zone)
{
	return _gettimeofday_r(_REENT, tv, zone);
}

clock_t times(struct tms *buf)
{
	return _times_r(_REENT, buf);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	u64 now = ktime_get_ns();

	ts->tv_sec = now / NSEC_PER_SEC;
	ts->tv_nsec = now % NSEC_PER_SEC;
	return 0;
}

/* Cut short only by the task's end: nothing is ever left to sleep. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	syscall_enter();
	if (time->tv_sec < 0 || time->tv_nsec < 0 ||
	    time->tv_nsec >= (long)NSEC_PER_SEC)
		return syscall_return(_REENT, -EINVAL);
	sleep_ns_killable(time->tv_sec * NSEC_PER_SEC + time->tv_nsec);
	return syscall_return(_REENT, 0);
}

unsigned int sleep(unsigned int seconds)
{
	syscall_enter();
	sleep_ns_killable(seconds * NSEC_PER_SEC);
	return syscall_return(_REENT, 0);
}

int usleep(useconds_t us)
{
	syscall_enter();
	sleep_ns_killable(us * NSEC_PER_USEC);
	return syscall_return(_REENT, 0);
}

int sched_yield(void)
{
	syscall_enter();
	yield();
	return syscall_return(_REENT, 0);
}
