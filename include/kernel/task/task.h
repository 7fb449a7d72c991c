/* SPDX-License-Identifier: MIT */
/*
 * task.h - make tasks, end them, wait for them, find them.
 */
#pragma once
#include <kernel/core/sched.h>

/* Kernel stack of a task, not counting its guard page. */
#define TASK_STACK_SIZE (32u * 1024)

/* task_create() flags. */
#define TASK_FP (1u << 0) /* may use floating point */

/*
 * Makes a task that will run fn(arg), returning its exit code, when started
 * with wake_up_new_task().  The caller gets one reference.  It inherits the
 * creator's nice value and group.  NULL when there is no memory; nothing is
 * left then.  May sleep.
 */
struct task *task_create(int (*fn)(void *arg), void *arg, const char *name);

/* task_create() and start. */
struct task *task_run(int (*fn)(void *arg), void *arg, const char *name);

/* Undo task_create() of a task that was never started: ends and frees it. */
void task_abandon(struct task *t);

/* End the current task. */
void __noreturn task_exit(int code);

/*
 * Wait until @t has exited, give its exit code, and drop the caller's
 * reference.  task_wait() keeps the reference; the killable one gives -EINTR,
 * and keeps it, when the caller was killed first.
 */
int task_join(struct task *t);
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
 * A reference to the live task with the least pid above @pid, or NULL.  Start
 * with 0.  For walks that sleep on the way:
 *
 *	for (t = task_next(0); t; t = next) { ...; next = task_next(t->pid);
 *		put_task(t); }
 */
struct task *task_next(int pid);

/* Every live task but the idle ones; under rcu_read_lock(). */
extern struct list_head task_list;
#define for_each_task(t) list_for_each_entry_rcu(t, &task_list, tasks)

/* Changes what ps shows; cut to fit. */
void task_set_comm(struct task *t, const char *name);

/* How many tasks exist and are not yet freed. */
long task_nr_live(void);

/* By name from kernel_main(), once pages and vmalloc work. */
void tasks_init(void);
