/* SPDX-License-Identifier: MIT */
/* newlib_test.c - to newlib, every task is a process. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <reent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/lock.h>
#include <sys/wait.h>
#include <unistd.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/heap.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <mm/virt/vmalloc.h>
#include <tests/test.h>

/* Runs @fn(@arg) in a task of its own; its exit code. */
static int outcome_of(int (*fn)(void *arg), void *arg)
{
	struct task *t = task_run(fn, arg, "newlib-test");

	return t ? task_join(t) : -ENOMEM;
}

/* A reent is made with its first use and stays with its task: so the runner's
 * is there before what tests take is counted. */
TEST_QUIESCE(reent)
{
	errno = 0;
}

/* -- errno -- */

static int set_errno(void *arg)
{
	int before = errno;

	errno = ERANGE;
	usleep(1000);
	return errno == ERANGE ? before : -1;
}

TEST(newlib, errno_is_each_tasks_own)
{
	errno = EDOM;
	EXPECT_EQ(outcome_of(set_errno, NULL), 0);
	EXPECT_EQ(errno, EDOM);
	EXPECT_EQ(strtol("99999999999999999999", NULL, 10), LONG_MAX);
	EXPECT_EQ(errno, ERANGE);
	errno = 0;
}

TEST(newlib, code_that_cannot_sleep_leaves_errno_alone)
{
	errno = EDOM;
	preempt_disable();
	local_bh_disable();
	EXPECT_EQ(strtoul("99999999999999999999999", NULL, 10), ULONG_MAX);
	local_bh_enable();
	preempt_enable();
	EXPECT_EQ(errno, EDOM);
	errno = 0;
}

static int set_errno_without_memory(void *arg)
{
	fault_fail_from(&fail_page_alloc, 1);
	errno = EDOM;
	EXPECT_EQ(malloc(10), NULL);
	EXPECT_EQ(errno, ENOMEM);
	EXPECT_EQ(current->heap, NULL);
	fault_off(&fail_page_alloc);

	/* Now there is memory for one of its own. */
	EXPECT_EQ(errno, 0);
	EXPECT(current->heap && current->reent);
	return 0;
}

TEST(newlib, errno_works_without_memory)
{
	EXPECT_EQ(outcome_of(set_errno_without_memory, NULL), 0);
}

/* -- Memory -- */

static int leak(void *arg)
{
	for (int i = 0; i < 100; i++) {
		if (!malloc(i * 100))
			return 1;
	}
	return !malloc(1 << 20);
}

TEST(newlib, what_a_task_leaks_ends_with_it)
{
	struct vmalloc_info before, after;

	/* Once for what is made once. */
	EXPECT_EQ(outcome_of(leak, NULL), 0);
	vmalloc_get_info(&before);
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(outcome_of(leak, NULL), 0);
	vmalloc_get_info(&after);
	/* A dead task's own stack may take a moment; its heap may not. */
	EXPECT_LT(after.pages, before.pages + 20 * 256);
}

static int free_it(void *arg)
{
	free(arg);
	return 0;
}

TEST(newlib, a_block_may_be_freed_by_another_task)
{
	struct heap_stats before, after;
	void *p;

	ASSERT(task_heap());
	heap_get_stats(task_heap(), &before);
	p = malloc(1000);
	ASSERT(p);
	EXPECT_EQ(outcome_of(free_it, p), 0);
	heap_get_stats(task_heap(), &after);
	EXPECT_EQ(after.blocks, before.blocks);
	EXPECT_EQ(after.used, before.used);
}

static int free_twice(void *arg)
{
	void *p = malloc(100);

	free(p);
	free(p);
	return 0;
}

TEST(newlib, freeing_twice_ends_the_task_and_no_more)
{
	EXPECT_EQ(outcome_of(free_twice, NULL), 128 + SIGABRT);
}

TEST(newlib, calloc_zeroes_and_refuses_overflow)
{
	volatile size_t huge = 1ul << 40; /* unseen by the compiler */
	unsigned char *p = malloc(5000);

	ASSERT(p);
	memset(p, 0xff, 5000);
	free(p);
	p = calloc(50, 100);
	ASSERT(p);
	for (int i = 0; i < 5000; i++) {
		if (!EXPECT_EQ(p[i], 0))
			break;
	}
	free(p);
	errno = 0;
	EXPECT_EQ(calloc(huge, huge), NULL);
	EXPECT_EQ(errno, ENOMEM);
	EXPECT_EQ(memalign(48, 10), NULL);
	EXPECT_EQ(errno, EINVAL);
	errno = 0;
}

TEST(newlib, a_block_too_big_for_the_machine_is_refused)
{
	volatile size_t huge = 32ul << 40;
	struct heap_stats before, after;

	ASSERT(task_heap());
	heap_get_stats(task_heap(), &before);
	errno = 0;
	EXPECT_EQ(malloc(huge), NULL);
	EXPECT_EQ(errno, ENOMEM);
	errno = 0;
	heap_get_stats(task_heap(), &after);
	EXPECT_EQ(after.held, before.held);
}

/* -- Exit -- */

static int handlers_run;

static void handler(void)
{
	handlers_run++;
}

static int return_with_handlers(void *arg)
{
	atexit(handler);
	atexit(handler);
	return 7;
}

static int exit_with_handlers(void *arg)
{
	atexit(handler);
	exit(8);
}

static int leave_at_once(void *arg)
{
	atexit(handler);
	_exit(9);
}

static int without_handlers(void *arg)
{
	return 10;
}

static int call_abort(void *arg)
{
	atexit(handler);
	abort();
}

TEST(newlib, exit_handlers_are_each_tasks_own)
{
	handlers_run = 0;
	EXPECT_EQ(outcome_of(return_with_handlers, NULL), 7);
	EXPECT_EQ(handlers_run, 2);
	EXPECT_EQ(outcome_of(without_handlers, NULL), 10);
	EXPECT_EQ(handlers_run, 2);
	EXPECT_EQ(outcome_of(exit_with_handlers, NULL), 8);
	EXPECT_EQ(handlers_run, 3);
	EXPECT_EQ(outcome_of(leave_at_once, NULL), 9);
	EXPECT_EQ(outcome_of(call_abort, NULL), 128 + SIGABRT);
	EXPECT_EQ(handlers_run, 3);
}

/* A handler that sleeps keeps nobody else from exiting. */
static DECLARE_COMPLETION(handler_may_end);

static void wait_in_handler(void)
{
	wait_for_completion(&handler_may_end);
}

static int exit_slowly(void *arg)
{
	atexit(wait_in_handler);
	return 0;
}

TEST(newlib, a_slow_exit_handler_delays_only_its_own_task)
{
	struct task *slow;

	reinit_completion(&handler_may_end);
	slow = task_run(exit_slowly, NULL, "slow-exit");
	ASSERT(slow);
	handlers_run = 0;
	EXPECT_EQ(outcome_of(exit_with_handlers, NULL), 8);
	EXPECT_EQ(handlers_run, 1);
	complete(&handler_may_end);
	EXPECT_EQ(task_join(slow), 0);
}

/* -- System calls that are not there -- */

TEST(newlib, missing_system_calls_say_so)
{
	int fds[2];

	errno = 0;
	EXPECT_EQ(fork(), -1);
	EXPECT_EQ(errno, ENOSYS);
	errno = 0;
	EXPECT_EQ(wait(NULL), -1);
	EXPECT_EQ(errno, ENOSYS);
	errno = 0;
	EXPECT_EQ(pipe(fds), -1);
	EXPECT_EQ(errno, ENOSYS);
	errno = 0;
	EXPECT_EQ(execve("/bin/sh", NULL, NULL), -1);
	EXPECT_EQ(errno, ENOSYS);
	errno = 0;
}

TEST(newlib, kill_finds_tasks_by_their_number)
{
	EXPECT_EQ(kill(getpid(), 0), 0);
	errno = 0;
	EXPECT_EQ(kill(999999, SIGTERM), -1);
	EXPECT_EQ(errno, ESRCH);
	EXPECT_EQ(kill(getpid(), 1000), -1);
	EXPECT_EQ(errno, EINVAL);
	errno = 0;
}

static int sleep_for_ever(void *arg)
{
	while (!sleep(1000))
		;
	return 0;
}

TEST(newlib, a_killed_task_ends_at_its_next_system_call)
{
	struct task *t = task_run(sleep_for_ever, NULL, "sleeper");

	ASSERT(t);
	msleep(2);
	EXPECT_EQ(kill(t->pid, SIGTERM), 0);
	EXPECT_EQ(task_join(t), 128 + SIGKILL);
}

/* -- Locks -- */

struct contest {
	_LOCK_RECURSIVE_T lock;
	unsigned long count;
};

static int take_turns(void *arg)
{
	struct contest *c = arg;

	for (int i = 0; i < 500; i++) {
		unsigned long seen;

		__retarget_lock_acquire_recursive(c->lock);
		__retarget_lock_acquire_recursive(c->lock);
		seen = READ_ONCE(c->count);
		if (i % 50 == 0)
			yield();
		__retarget_lock_release_recursive(c->lock);
		WRITE_ONCE(c->count, seen + 1);
		__retarget_lock_release_recursive(c->lock);
	}
	return 0;
}

TEST(newlib, recursive_locks_exclude_others_until_the_last_release)
{
	struct contest c = {.count = 0};
	struct task *t[4];

	__retarget_lock_init_recursive(&c.lock);
	for (int i = 0; i < 4; i++) {
		t[i] = task_run(take_turns, &c, "contestant");
		ASSERT(t[i]);
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(task_join(t[i]), 0);
	EXPECT_EQ(c.count, 2000);
	__retarget_lock_close_recursive(c.lock);
}

static int try_it(void *arg)
{
	struct contest *c = arg;
	int taken = !__retarget_lock_try_acquire_recursive(c->lock);

	if (taken)
		__retarget_lock_release_recursive(c->lock);
	return taken;
}

TEST(newlib, a_held_lock_is_refused_to_others)
{
	struct contest c;

	__retarget_lock_init_recursive(&c.lock);
	EXPECT_EQ(outcome_of(try_it, &c), 1);
	__retarget_lock_acquire_recursive(c.lock);
	EXPECT_EQ(__retarget_lock_try_acquire_recursive(c.lock), 0);
	EXPECT_EQ(outcome_of(try_it, &c), 0);
	__retarget_lock_release_recursive(c.lock);
	EXPECT_EQ(outcome_of(try_it, &c), 0);
	__retarget_lock_release_recursive(c.lock);
	EXPECT_EQ(outcome_of(try_it, &c), 1);
	__retarget_lock_close_recursive(c.lock);
}

/* A task that ends with a lock of newlib's own held must not keep it. */
extern struct __lock __lock___env_recursive_mutex;

static int end_with_lock(void *arg)
{
	__retarget_lock_acquire_recursive(&__lock___env_recursive_mutex);
	__retarget_lock_acquire_recursive(&__lock___env_recursive_mutex);
	_exit(3);
}

TEST(newlib, a_task_that_ends_drops_newlibs_locks)
{
	EXPECT_EQ(outcome_of(end_with_lock, NULL), 3);
	EXPECT_EQ(__retarget_lock_try_acquire_recursive(
			  &__lock___env_recursive_mutex),
		  0);
	__retarget_lock_release_recursive(&__lock___env_recursive_mutex);
}
