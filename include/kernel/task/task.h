/* SPDX-License-Identifier: MIT */
/*
 * task.h - make tasks, end them, wait for them, find them.
 */
#pragma once
#include <kernel/core/sched.h>

/* A task's stack, and at its top what the kernel knows about the task. */
#define TASK_AREA_SIZE (32u * 1024)

/*
 * Makes a task that will run fn(arg), returning its exit code, when started
 * with wake_up_process().  The caller gets one reference.  It may use floating
 * point, and inherits the creator's nice value; the creator's group pays for
 * its area.  NULL when there is no memory, or the group may not have more;
 * nothing is left then.  May sleep.
 */
struct task *task_create(int (*fn)(void *arg), void *arg, const char *name);

/* task_create() and start. */
struct task *task_run(int (*fn)(void *arg), void *arg, const char *name);

/* Undo task_create() of a task that was never started; drops the reference. */
void task_abandon(struct task *t);

/* End the current task. */
void __noreturn task_exit(int code);

/* End it as if killed by a signal, or by its number if @code is above 128: no
 * exit handlers, nothing flushed. */
void __noreturn task_end(int code);

/* The code of a task that was killed. */
#define TASK_KILLED (128 + 9)

/* For task_leave_kernel(): it was killed, or owes for memory. */
void task_has_left_kernel(void);

/*
 * A task that was killed ends where it next runs code of its own: when it comes
 * back from the kernel, or when it touches memory that is not there yet.  There
 * it also waits, if its group has more memory than it should (memory.high).  What
 * must not be cut off in the middle is put between these two; they nest.
 * System calls, malloc and newlib's locks do so themselves.  Back in its own code
 * it holds no lock of the kernel's; a debug build checks that.
 */
static inline void task_enter_kernel(void)
{
	current->kernel_depth++;
}

static inline void task_leave_kernel(void)
{
	struct task *t = current;

	if (--t->kernel_depth)
		return;
	lockdep_assert_none_held();
	if (unlikely(READ_ONCE(t->kill_pending) || t->over_high))
		task_has_left_kernel();
}

/* The current task is no program: all that it runs is the kernel's, it is never
 * cut off, and its memory never taken from it.  Kernel threads are like that
 * by themselves. */
void task_set_kernel_code(void);

/* By name from kernel_main(): touches of tasks' memory are resolved. */
void task_fault_init(void);

/* Wait until @t has exited, drop the caller's reference, return exit code. */
int task_join(struct task *t);

/* The same, keeping the reference.  The killable one returns 0 and sets *@code,
 * or -EINTR when the caller was killed first. */
int task_wait(struct task *t);
int task_wait_killable(struct task *t, int *code);

/* Has it exited? */
bool task_exited(const struct task *t);

/*
 * Ask @t to end: it is woken from killable sleeps with -EINTR, and sees
 * kill_pending().  Any context but NMI.
 */
void task_kill(struct task *t);

/* A reference to the task with @pid, or NULL. */
struct task *task_find(int pid);

/*
 * For walks that sleep on the way: a reference to the task with the least pid
 * above @prev's (NULL: the first), and @prev's is dropped.  NULL at the end.
 *
 *	for (t = task_next(NULL); t; t = task_next(t))
 */
struct task *task_next(struct task *prev);

/* Every task that has not exited, but the idle ones; under rcu_read_lock(). */
extern struct list_head task_list;
#define for_each_task(t) list_for_each_entry_rcu(t, &task_list, tasks)

/* Changes what ps shows; cut to fit. */
void task_set_comm(struct task *t, const char *name);

/* How many tasks exist and are not yet freed; idle tasks not counted. */
long task_nr_live(void);

/* Give back the areas kept for new tasks. */
void task_drain_cache(void);

/* For smp_init(): IDLE_STACK_SIZE bytes for @cpu, or NULL. */
void *idle_stack_alloc(unsigned int cpu);

/* By name from the first task: one ksoftirqd for each CPU. */
void ksoftirqd_start(void);
