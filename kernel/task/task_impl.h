/* SPDX-License-Identifier: MIT */
/* task_impl.h - what kernel/task keeps beside struct task. */
#pragma once
#include <kernel/core/completion.h>
#include <kernel/core/rcu.h>
#include <kernel/task/task.h>
#include <lib/llist.h>

/*
 * One area for all a task needs in the kernel:
 *
 *	guard page | stack ->            <- | save area | struct task_area
 *
 * so that making one is one allocation.  A stack that overflows meets the
 * guard page, not the structure.
 */
struct task_area {
	struct task task;

	/* complete_all() once, with task.exit_code set. */
	struct completion exited;

	/* Set by kthread_stop(), read by the thread. */
	bool should_stop;

	/* Under task_list_lock; walked under RCU. */
	struct hlist_node by_pid;

	/* Once nobody refers to it. */
	union {
		struct rcu_head rcu;
		struct llist_node cached;
	};
};

static inline struct task_area *task_area_of(const struct task *t)
{
	return container_of((struct task *)t, struct task_area, task);
}

/* task_area.c.  Not zeroed; NULL also if it is to be charged and refused.  May
 * sleep.  Freeing: any context but NMI. */
struct task_area *task_area_alloc(bool charged);
void task_area_free(struct task_area *area);
void *task_area_start(struct task_area *area);

/* task.c.  Adds @flags (PF_*); @name is cut to fit. */
struct task *task_create_flags(int (*fn)(void *arg), void *arg,
			       const char *name, unsigned int flags);

/* Pids are below it. */
#define PID_MAX 32768

/* For tests: pids in use, a snapshot; and the next one is sought after @pid. */
long pid_nr_taken(void);
void pid_seek(int pid);
