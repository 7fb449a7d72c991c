/* SPDX-License-Identifier: MIT */
/*
 * task.c - tasks come and go.
 *
 * Life.       task_create() builds a task in one area (task_impl.h), gives it a
 *             pid and puts it on the list; the first wakeup starts it.
 *             task_exit() takes it off the list, tells who waits, and leaves the
 *             CPU for good.
 * References. One is the creator's, dropped by task_join(), task_abandon() or
 *             put_task(); one is the task's own, dropped by the task that
 *             follows it on its last CPU (finish_switch() in sched.c), because
 *             until then its stack is in use.  After the last one, RCU's readers
 *             of the lists get their grace period, then the area is free.
 * Pids.       From 1, going up, wrapping at PID_MAX: a number is not used again
 *             soon after its task has gone.
 *
 * Locks: task_list_lock (interrupts off, since pids return in softirqs); inside
 * it nothing.
 */
#include <errno.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/task/newlib.h>
#include <lib/bitmap.h>
#include <lib/rculist.h>
#include <string.h>
#include "task_impl.h"

#define PID_HASH_LEN 256

static DEFINE_SPINLOCK(task_list_lock);

/* Under task_list_lock; the lists are walked under RCU. */
LIST_HEAD(task_list);
static struct hlist_head pid_hash[PID_HASH_LEN];
static DECLARE_BITMAP(pids, PID_MAX);
static unsigned int last_pid;

/* From creation until the area is free. */
static atomic_long_t nr_live;

long task_nr_live(void)
{
	return atomic_long_read(&nr_live);
}

/* -- Pids and the lists ------------------------------------------------------ */

static struct hlist_head *pid_bucket(int pid)
{
	return &pid_hash[pid % PID_HASH_LEN];
}

/* task_list_lock held.  0 when all are taken. */
static int pid_take(void)
{
	unsigned long pid = find_next_zero_bit(pids, PID_MAX, last_pid + 1);

	if (pid >= PID_MAX)
		pid = find_next_zero_bit(pids, PID_MAX, 1);
	if (pid >= PID_MAX)
		return 0;
	__set_bit(pid, pids);
	last_pid = pid;
	return pid;
}

static bool task_publish(struct task_area *area)
{
	struct task *t = &area->task;
	unsigned long flags;

	spin_lock_irqsave(&task_list_lock, flags);
	t->pid = pid_take();
	if (t->pid) {
		list_add_tail_rcu(&t->tasks, &task_list);
		hlist_add_head_rcu(&area->by_pid, pid_bucket(t->pid));
	}
	spin_unlock_irqrestore(&task_list_lock, flags);
	return t->pid;
}

/* The pid stays taken as long as somebody may still name the task by it. */
static void task_unpublish(struct task_area *area)
{
	unsigned long flags;

	spin_lock_irqsave(&task_list_lock, flags);
	list_del_rcu(&area->task.tasks);
	hlist_del_rcu(&area->by_pid);
	spin_unlock_irqrestore(&task_list_lock, flags);
}

static void pid_put(int pid)
{
	unsigned long flags;

	spin_lock_irqsave(&task_list_lock, flags);
	__clear_bit(pid, pids);
	spin_unlock_irqrestore(&task_list_lock, flags);
}

long pid_nr_taken(void)
{
	return bitmap_weight(pids, PID_MAX);
}

void pid_seek(int pid)
{
	unsigned long flags;

	spin_lock_irqsave(&task_list_lock, flags);
	last_pid = pid;
	spin_unlock_irqrestore(&task_list_lock, flags);
}

/* -- Making ------------------------------------------------------------------ */

static void area_free_rcu(struct rcu_head *head)
{
	struct task_area *area = container_of(head, struct task_area, rcu);

	pid_put(area->task.pid);
	task_area_free(area);
	atomic_long_dec(&nr_live);
}

static void task_release(struct task *t)
{
	struct task_area *area = task_area_of(t);

	lockdep_check_freed(task_area_start(area), TASK_AREA_SIZE);
	call_rcu(&area->rcu, area_free_rcu);
}

/* The first function of every task. */
static void task_main(void *arg)
{
	struct task *t = arg;

	task_exit(t->entry(t->entry_arg));
}

/* Lays out the area; what lies below it is the stack.  Returns its top. */
static void *area_init(struct task_area *area, unsigned int flags)
{
	struct task *t = &area->task;
	void *top = area;

	memset(area, 0, sizeof(*area));
	init_completion(&area->exited);
	if (!(flags & PF_KTHREAD)) {
		top = PTR_ALIGN_DOWN(top - arch_fpu_size(), ARCH_FPU_ALIGN);
		t->arch.fpu = top;
		arch_fpu_init(t->arch.fpu);
	}
	t->flags = flags;
	t->stack = task_area_start(area);
	t->stack_size = top - t->stack;
	return top;
}

struct task *task_create_flags(int (*fn)(void *arg), void *arg,
			       const char *name, unsigned int flags)
{
	struct task_area *area;
	struct task *t;
	void *top;

	might_sleep();
	area = task_area_alloc(!(flags & PF_KTHREAD));
	if (!area)
		return NULL;

	top = area_init(area, flags);
	t = &area->task;
	t->entry = fn;
	t->entry_arg = arg;
	t->release = task_release;
	t->start_time = ktime_get_ns();
	t->nice = flags & PF_KTHREAD ? 0 : current->nice;
	t->is_kernel_code = flags & PF_KTHREAD;
	t->kernel_depth = t->is_kernel_code;
	t->oom_score_adj = flags & PF_KTHREAD ? 0 : current->oom_score_adj;
	strlcpy(t->comm, name, sizeof(t->comm));
	sched_task_init(t);
	refcount_set(&t->refs, 2); /* the creator's and its own */
	arch_task_init(&t->arch, top, task_main, t);

	if (!task_publish(area)) {
		task_area_free(area);
		return NULL;
	}
	cgroup_fork(t);
	atomic_long_inc(&nr_live);
	return t;
}

struct task *task_create(int (*fn)(void *arg), void *arg, const char *name)
{
	return task_create_flags(fn, arg, name, 0);
}

struct task *task_run(int (*fn)(void *arg), void *arg, const char *name)
{
	struct task *t = task_create(fn, arg, name);

	if (t)
		wake_up_new_task(t);
	return t;
}

void task_abandon(struct task *t)
{
	BUG_ON(READ_ONCE(t->state) != TASK_NEW);
	WRITE_ONCE(t->state, TASK_DEAD);
	task_newlib_exit(t, 0);
	cgroup_exit(t);
	task_unpublish(task_area_of(t));
	put_task(t); /* its own */
	put_task(t);
}

void task_set_comm(struct task *t, const char *name)
{
	strlcpy(t->comm, name, sizeof(t->comm));
}

/* -- Ending ------------------------------------------------------------------ */

void task_exit(int code)
{
	struct task *t = current;
	struct task_area *area = task_area_of(t);

	might_sleep();
	BUG_ON(t->flags & PF_IDLE);
	t->kernel_depth++;
	task_newlib_exit(t, code);
	t->exit_code = code;
	cgroup_exit(t);
	task_unpublish(area);
	/* Not preempted from here on: who has joined it and then waits for a
	 * grace period knows that it is off its stack. */
	preempt_disable();
	complete_all(&area->exited);
	sched_exit();
}

bool task_exited(const struct task *t)
{
	return completion_done(&task_area_of(t)->exited);
}

int task_wait(struct task *t)
{
	wait_for_completion(&task_area_of(t)->exited);
	return t->exit_code;
}

int task_wait_killable(struct task *t, int *code)
{
	int err = wait_for_completion_killable(&task_area_of(t)->exited);

	if (!err)
		*code = t->exit_code;
	return err;
}

int task_join(struct task *t)
{
	int code = task_wait(t);

	put_task(t);
	return code;
}

void task_kill(struct task *t)
{
	WRITE_ONCE(t->kill_pending, true);
	/* A full barrier inside: pairs with the one in __schedule(), where the
	 * sleeper looks at kill_pending after it stored its state. */
	wake_up_state(t, TASK_INTERRUPTIBLE | TASK_WAKEKILL);
}

/* -- Finding ----------------------------------------------------------------- */

struct task *task_find(int pid)
{
	struct task_area *area;
	struct task *found = NULL;

	if (pid <= 0 || pid >= PID_MAX)
		return NULL;
	rcu_read_lock();
	hlist_for_each_entry_rcu(area, pid_bucket(pid), by_pid) {
		if (area->task.pid == pid &&
		    refcount_inc_not_zero(&area->task.refs)) {
			found = &area->task;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

struct task *task_next(struct task *prev)
{
	unsigned long pid = prev ? prev->pid : 0;
	struct task *t;

	if (prev)
		put_task(prev);
	do {
		/* A stale bit is a pid that task_find() does not find, or a
		 * task that came after the walk began. */
		pid = find_next_bit(pids, PID_MAX, pid + 1);
		if (pid >= PID_MAX)
			return NULL;
		t = task_find(pid);
	} while (!t);
	return t;
}
