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
#include <arch/cpumask.h>
#include <arch/layout.h>
#include <fs/files.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/accounting.h>
#include <mm/page/zone.h>
#include "syscall_impl.h"

void syscall_leave(void)
{
	DEBUG_BUG_ON(!current->kernel_depth);
	if (!--current->kernel_depth) {
		lockdep_assert_none_held();
		accounting_settle();
	}
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
	int err = 0;

	syscall_enter();
	if (signal < 0 || signal >= NSIG)
		return syscall_return(r, -EINVAL);
	if (pid == current->pid && signal)
		_exit(128 + signal);
	t = task_find(pid);
	if (!t)
		return syscall_return(r, -ESRCH);
	/* A thread of the kernel would not end, and never sleep again. */
	if (t->flags & PF_KTHREAD)
		err = -EPERM;
	else if (signal)
		task_kill(t);
	put_task(t);
	return syscall_return(r, err);
}

int _gettimeofday_r(struct _reent *r, struct timeval *tv, void *zone)
{
	u64 now = ktime_get_ns();
	int err = 0;

	syscall_enter();
	if (tv)
		err = syscall_may_write(tv, sizeof(*tv));
	if (tv && !err) {
		tv->tv_sec = now / NSEC_PER_SEC;
		tv->tv_usec = now % NSEC_PER_SEC / NSEC_PER_USEC;
	}
	return syscall_return(r, err);
}

/* Both results in clock_t: the task's own time, and since boot. */
clock_t _times_r(struct _reent *r, struct tms *buf)
{
	const u64 ns_per_clock = NSEC_PER_SEC / CLOCKS_PER_SEC;
	int err = 0;

	syscall_enter();
	if (buf)
		err = syscall_may_write(buf, sizeof(*buf));
	if (buf && !err) {
		memset(buf, 0, sizeof(*buf));
		buf->tms_utime = task_cpu_time(current) / ns_per_clock;
	}
	return syscall_return(r, err ?: (long)(ktime_get_ns() / ns_per_clock));
}

/* -- The plain names -- */

pid_t getpid(void)
{
	return _getpid_r(_REENT);
}

/* Whoever started a task is no parent to it: nobody need wait. */
pid_t getppid(void)
{
	return 0;
}

/* Everybody may do everything. */
uid_t getuid(void)
{
	return 0;
}

uid_t geteuid(void)
{
	return 0;
}

gid_t getgid(void)
{
	return 0;
}

gid_t getegid(void)
{
	return 0;
}

int getpagesize(void)
{
	return PAGE_SIZE;
}

long sysconf(int name)
{
	struct page_info pages;

	switch (name) {
	case _SC_PAGESIZE:
		return PAGE_SIZE;
	case _SC_CLK_TCK:
		return CLOCKS_PER_SEC;
	case _SC_OPEN_MAX:
		return FILES_MAX;
	case _SC_NPROCESSORS_CONF:
		return num_possible_cpus();
	case _SC_NPROCESSORS_ONLN:
		return num_online_cpus();
	case _SC_PHYS_PAGES:
		page_get_info(&pages);
		return pages.total;
	}
	syscall_enter();
	return syscall_return(_REENT, -EINVAL);
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

/* ns; or negative: there is no such clock. */
static s64 read_clock(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
		return ktime_get_ns();
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return task_cpu_time(current);
	}
	return -EINVAL;
}

static struct timespec timespec_of(u64 ns)
{
	return (struct timespec){
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	s64 now = read_clock(clock);
	int err = now < 0 ? now : 0;

	syscall_enter();
	if (!err)
		err = syscall_may_write(ts, sizeof(*ts));
	if (!err)
		*ts = timespec_of(now);
	return syscall_return(_REENT, err);
}

/* All count single nanoseconds, as far as the TSC can tell them apart. */
int clock_getres(clockid_t clock, struct timespec *ts)
{
	int err = read_clock(clock) < 0 ? -EINVAL : 0;

	syscall_enter();
	if (!err && ts)
		err = syscall_may_write(ts, sizeof(*ts));
	if (!err && ts)
		*ts = timespec_of(1);
	return syscall_return(_REENT, err);
}

static u64 timespec_ns(const struct timespec *ts)
{
	u64 ns;

	if (check_mul_overflow((u64)ts->tv_sec, (u64)NSEC_PER_SEC, &ns) ||
	    check_add_overflow(ns, (u64)ts->tv_nsec, &ns))
		return U64_MAX;
	return ns;
}

/* Cut short only by the task's end: nothing is ever left to sleep. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	int err;

	syscall_enter();
	err = syscall_may_read(time, sizeof(*time));
	if (!err && (time->tv_sec < 0 || time->tv_nsec < 0 ||
		     time->tv_nsec >= (long)NSEC_PER_SEC))
		err = -EINVAL;
	if (!err)
		sleep_ns_killable(timespec_ns(time));
	return syscall_return(_REENT, err);
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
