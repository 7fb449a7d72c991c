/* SPDX-License-Identifier: MIT */
/* syscall_test.c - what newlib's system calls say to mistakes, and to the clock. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#include <arch/cpumask.h>
#include <arch/layout.h>
#include <fs/files.h>
#include <kernel/core/clock.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <tests/test.h>

#define PROCS "/sys/fs/cgroup/cgroup.procs"

/* The call fails, and errno says why. */
#define EXPECT_ERRNO(call, error)                                              \
	do {                                                                   \
		errno = 0;                                                     \
		EXPECT_EQ((long)(call), -1);                                   \
		EXPECT_EQ(errno, error);                                       \
	} while (0)

/* Runs @fn in a task of its own: its descriptors and memory end with it. */
static void in_a_task(int (*fn)(void *arg))
{
	struct task *t = task_run(fn, NULL, "syscall-test");

	ASSERT(t);
	EXPECT_EQ(task_join(t), 0);
}

/* -- Pointers ---------------------------------------------------------------- */

/* Not one of them may be followed, by whatever call. */
static void expect_refused(void *p)
{
	int zero = open("/dev/zero", O_RDWR), procs = open(PROCS, O_RDWR);
	struct stat st;

	EXPECT_ERRNO(read(zero, p, 10), EFAULT);
	EXPECT_ERRNO(write(zero, p, 10), EFAULT);
	EXPECT_ERRNO(write(1, p, 10), EFAULT);
	EXPECT_ERRNO(read(procs, p, 10), EFAULT);
	EXPECT_ERRNO(write(procs, p, 10), EFAULT);
	EXPECT_ERRNO(pread(procs, p, 10, 0), EFAULT);
	EXPECT_ERRNO(fstat(zero, p), EFAULT);
	EXPECT_ERRNO(stat("/dev", p), EFAULT);
	EXPECT_ERRNO(stat(p, &st), EFAULT);
	EXPECT_ERRNO(open(p, O_RDONLY), EFAULT);
	EXPECT_ERRNO(mkdir(p, 0755), EFAULT);
	EXPECT_ERRNO(rmdir(p), EFAULT);
	EXPECT_ERRNO(unlink(p), EFAULT);
	EXPECT_ERRNO(rename("/a", p), EFAULT);
	EXPECT_ERRNO(chdir(p), EFAULT);
	EXPECT_ERRNO(poll(p, 1, 0), EFAULT);
	EXPECT_ERRNO(clock_gettime(CLOCK_REALTIME, p), EFAULT);
	EXPECT_ERRNO(nanosleep(p, NULL), EFAULT);
	errno = 0;
	EXPECT_EQ(getcwd(p, 100), NULL);
	EXPECT_EQ(errno, EFAULT);

	/* A file that is not open is the greater mistake; nothing, none. */
	EXPECT_ERRNO(read(FILES_MAX, p, 10), EBADF);
	EXPECT_EQ(write(zero, p, 0), 0);
	EXPECT_EQ(poll(p, 0, 0), 0);
	close(zero);
	close(procs);
}

static int pass_bad_pointers(void *arg)
{
	char *area = mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_NE(area, MAP_FAILED);
	memset(area, 'x', 3 * PAGE_SIZE);
	EXPECT_EQ(mprotect(area + PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	EXPECT_EQ(chdir("/sys/fs/cgroup"), 0); /* for getcwd() */
	expect_refused(NULL);
	expect_refused((void *)0x1000);
	expect_refused((void *)0x7fffffffe000);	    /* where Linux has stacks */
	expect_refused((void *)0x8000000000000000); /* no address at all */
	expect_refused((void *)-4);		    /* past the end of all */
	expect_refused((void *)(DEVICE_BASE + DEVICE_SIZE - PAGE_SIZE));
	expect_refused(area + PAGE_SIZE);
	expect_refused(area + 3 * PAGE_SIZE);	  /* behind it */
	expect_refused(area + PAGE_SIZE - 4);	  /* into what is forbidden */
	expect_refused(area + 3 * PAGE_SIZE - 4); /* and over the end */
	return 0;
}

TEST(syscall, pointers_that_lead_nowhere_are_refused)
{
	in_a_task(pass_bad_pointers);
}

static int pass_read_only(void *arg)
{
	static const char fixed[64] = "the image's";
	int zero = open("/dev/zero", O_RDWR);
	char *area = mmap(NULL, PAGE_SIZE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_ERRNO(read(zero, (void *)fixed, 1), EFAULT);
	EXPECT_EQ(write(zero, fixed, sizeof(fixed)), sizeof(fixed));
	EXPECT_ERRNO(read(zero, area, 1), EFAULT);
	EXPECT_EQ(write(zero, area, PAGE_SIZE), PAGE_SIZE);
	EXPECT_STREQ(fixed, "the image's");
	return 0;
}

TEST(syscall, nothing_is_read_into_what_is_only_to_be_read)
{
	in_a_task(pass_read_only);
}

/* What follows a string's end does not matter, nor whether pages of it are
 * there yet. */
static int pass_at_the_end(void *arg)
{
	char *area = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *path = area + 2 * PAGE_SIZE - sizeof("/dev/null");
	int fd = open(strcpy(path, "/dev/null"), O_RDWR);
	int zero = open("/dev/zero", O_RDONLY);
	struct stat st;

	EXPECT_GE(fd, 0);
	EXPECT_EQ(read(zero, area, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	EXPECT_EQ(write(fd, area, 2 * PAGE_SIZE), 2 * PAGE_SIZE);

	/* What does not end is too long; unless memory ends first. */
	memset(area, 'x', 2 * PAGE_SIZE);
	EXPECT_ERRNO(stat(area, &st), ENAMETOOLONG);
	EXPECT_ERRNO(stat(area + PAGE_SIZE, &st), ENAMETOOLONG);
	EXPECT_ERRNO(stat(area + 2 * PAGE_SIZE - 8, &st), EFAULT);
	return 0;
}

TEST(syscall, memory_may_be_used_up_to_its_end)
{
	in_a_task(pass_at_the_end);
}

/* -- Files ------------------------------------------------------------------- */

static int look_at_flags(void *arg)
{
	int fd = open("/dev/null", O_RDWR);
	FILE *f;

	EXPECT_EQ(fcntl(fd, F_GETFL), O_RDWR);
	EXPECT_EQ(fcntl(fd, F_SETFL, O_APPEND | O_RDONLY), 0);
	EXPECT_EQ(fcntl(fd, F_GETFL), O_RDWR | O_APPEND);
	EXPECT_EQ(fcntl(fd, F_SETFL, 0), 0);
	EXPECT_EQ(fcntl(fd, F_GETFL), O_RDWR);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
	EXPECT_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	EXPECT_ERRNO(fcntl(fd, 99), EINVAL);
	EXPECT_ERRNO(fcntl(FILES_MAX, F_GETFL), EBADF);
	f = fdopen(fd, "w");
	EXPECT_EQ(fputs("x", f), 0);
	EXPECT_EQ(fclose(f), 0);
	EXPECT_ERRNO(close(fd), EBADF);
	return 0;
}

TEST(syscall, a_files_flags_can_be_looked_at_and_changed)
{
	in_a_task(look_at_flags);
}

static int make_what_is_there(void *arg)
{
	EXPECT_ERRNO(open("/dev/null", O_CREAT | O_EXCL | O_RDWR, 0600),
		     EEXIST);
	EXPECT_ERRNO(mkdir("/sys/fs", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("/dev/null", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("/dev/new", 0755), EPERM);
	EXPECT_ERRNO(rmdir("/nowhere"), ENOENT);
	EXPECT_ERRNO(rmdir("/sys"), EPERM);
	EXPECT_ERRNO(unlink("/dev/nothing"), ENOENT);
	EXPECT_ERRNO(unlink("/dev/null"), EPERM);
	EXPECT_ERRNO(rename("/dev/nothing", "/dev/new"), ENOENT);
	EXPECT_ERRNO(rename("/dev/null", "/dev/new"), EPERM);
	return 0;
}

TEST(syscall, what_cannot_be_made_or_removed_is_refused_for_the_right_reason)
{
	in_a_task(make_what_is_there);
}

static int read_at(void *arg)
{
	char whole[2048], part[8];
	int fd = open(PROCS, O_RDONLY);
	ssize_t len = pread(fd, whole, sizeof(whole), 0);

	EXPECT_GT(len, 8);
	EXPECT_EQ(pread(fd, part, 4, 4), 4);
	EXPECT_EQ(memcmp(part, whole + 4, 4), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	EXPECT_EQ(read(fd, part, 4), 4);
	EXPECT_EQ(memcmp(part, whole, 4), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 4);
	EXPECT_EQ(pread(fd, part, 4, 1 << 20), 0);
	EXPECT_ERRNO(pread(fd, part, 4, -1), EINVAL);
	EXPECT_ERRNO(pread(0, part, 4, 0), ESPIPE);
	EXPECT_ERRNO(pread(FILES_MAX, part, 4, 0), EBADF);
	return 0;
}

TEST(syscall, pread_leaves_the_position_where_it_was)
{
	in_a_task(read_at);
}

/* -- Tasks ------------------------------------------------------------------- */

static int wait_to_be_stopped(void *arg)
{
	while (!kthread_should_stop())
		msleep(1);
	return 0;
}

TEST(syscall, threads_of_the_kernel_are_not_killed)
{
	struct task *t = kthread_run(wait_to_be_stopped, NULL, "syscall-kt");

	ASSERT(!IS_ERR(t));
	EXPECT_ERRNO(kill(t->pid, SIGKILL), EPERM);
	EXPECT_ERRNO(kill(t->pid, 0), EPERM);
	EXPECT(!READ_ONCE(t->kill_pending));
	EXPECT_EQ(kthread_stop(t), 0);
	errno = 0;
}

TEST(syscall, the_machine_can_be_asked_about)
{
	EXPECT_EQ(sysconf(_SC_PAGESIZE), PAGE_SIZE);
	EXPECT_EQ(getpagesize(), PAGE_SIZE);
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN), num_online_cpus());
	EXPECT_GE(sysconf(_SC_NPROCESSORS_CONF), num_online_cpus());
	EXPECT_EQ(sysconf(_SC_OPEN_MAX), FILES_MAX);
	EXPECT_GT(sysconf(_SC_PHYS_PAGES), 1000);
	EXPECT_ERRNO(sysconf(12345), EINVAL);
	EXPECT_EQ(system(NULL), 0);
	errno = 0;
}

/* -- Time -------------------------------------------------------------------- */

static long ns_of(struct timespec ts)
{
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

TEST(syscall, clocks_agree)
{
	struct timespec wall, up, res;
	struct timeval day;
	time_t now;
	long t0 = ktime_get_ns(), t1;

	EXPECT_EQ(clock_gettime(CLOCK_REALTIME, &wall), 0);
	EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &up), 0);
	EXPECT_EQ(gettimeofday(&day, NULL), 0);
	now = time(NULL);
	t1 = ktime_get_ns();

	EXPECT(t0 <= ns_of(wall) && ns_of(wall) <= ns_of(up));
	EXPECT_LE(ns_of(up) / 1000, day.tv_sec * 1000000 + day.tv_usec);
	EXPECT(day.tv_sec <= now && now <= t1 / 1000000000);
	EXPECT_EQ(gettimeofday(NULL, NULL), 0);
	EXPECT_EQ(clock_getres(CLOCK_MONOTONIC, &res), 0);
	EXPECT_EQ(ns_of(res), 1);
	EXPECT_EQ(clock_getres(CLOCK_MONOTONIC, NULL), 0);
	EXPECT_ERRNO(clock_gettime(12345, &up), EINVAL);
	EXPECT_ERRNO(clock_getres(12345, &res), EINVAL);
	errno = 0;
}

/* Sleeping costs none of it, computing does. */
static int use_up_time(void *arg)
{
	struct timespec before, after;
	struct tms used;
	clock_t ticks = clock();
	long slept = 30000000;

	/* The host may take the CPU away while the task is awake. */
	for (int try = 0; try < 20 && slept >= 30000000; try++) {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		usleep(30000);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		slept = ns_of(before) - ns_of(after);
	}
	EXPECT_LT(slept, 30000000);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	while (ns_of(after) - ns_of(before) < 5000000);
	EXPECT_GT(clock(), ticks);
	EXPECT_GT(times(&used), 0);
	EXPECT_GE(used.tms_utime, 5 * CLOCKS_PER_SEC / 1000);
	return 0;
}

TEST(syscall, a_tasks_own_time_is_what_it_computes)
{
	in_a_task(use_up_time);
}

TEST(syscall, sleeps_last_and_bad_ones_are_refused)
{
	u64 start = ktime_get_ns();
	struct timespec time = {.tv_nsec = 3000000};

	EXPECT_EQ(nanosleep(&time, NULL), 0);
	EXPECT_GE(ktime_get_ns() - start, 3000000);
	EXPECT_EQ(usleep(2000), 0);
	EXPECT_GE(ktime_get_ns() - start, 5000000);
	EXPECT_EQ(sleep(0), 0);
	time.tv_nsec = 1000000000;
	EXPECT_ERRNO(nanosleep(&time, NULL), EINVAL);
	time = (struct timespec){.tv_sec = -1};
	EXPECT_ERRNO(nanosleep(&time, NULL), EINVAL);
	errno = 0;
}

/* In nanoseconds this is more than 64 bits, and hardly anything in those. */
static int sleep_for_ages(void *arg)
{
	struct timespec time = {.tv_sec = (~0ul / 1000000000) + 1};

	return nanosleep(&time, NULL);
}

TEST(syscall, a_sleep_too_long_to_count_lasts_until_the_task_is_killed)
{
	struct task *t = task_run(sleep_for_ages, NULL, "long-sleep");

	ASSERT(t);
	/* Cut to 64 bits it would be 0.29 s. */
	msleep(500);
	EXPECT(!task_exited(t));
	task_kill(t);
	EXPECT_EQ(task_join(t), TASK_KILLED);
}
