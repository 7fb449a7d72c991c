/* SPDX-License-Identifier: MIT */
/*
 * kthread.h - tasks that serve the kernel and end when asked.
 *
 * They have no floating point.
 *
 *	t = kthread_run(fn, arg, "name/%u", cpu);
 *	...
 *	kthread_stop(t);
 *
 *	int fn(void *arg)
 *	{
 *		while (!kthread_should_stop())
 *			wait_event(q, work || kthread_should_stop());
 *		return 0;
 *	}
 */
#pragma once
#include <kernel/task/task.h>
#include <lib/err.h>

/* Made and not started: wake_up_process() starts it.  ERR_PTR(-ENOMEM). */
struct task *kthread_create(int (*fn)(void *arg), void *arg, const char *fmt,
			    ...) __printf(3, 4);

/* Confined to @cpu, which is online; a %u in @fmt stands for it. */
struct task *kthread_create_on_cpu(int (*fn)(void *arg), void *arg,
				   unsigned int cpu, const char *fmt);

/* Made and started. */
#define kthread_run(fn, arg, ...)                                              \
	({                                                                     \
		struct task *__t = kthread_create(fn, arg, __VA_ARGS__);       \
                                                                               \
		if (!IS_ERR(__t))                                              \
			wake_up_process(__t);                                  \
		__t;                                                           \
	})

/* Before it is started: confine it to @cpu, which is online. */
void kthread_bind(struct task *t, unsigned int cpu);

/*
 * Ask, wake, wait.  Returns fn's value, or -EINTR when it was never started, and
 * drops the reference that creating it gave.  May sleep.
 */
int kthread_stop(struct task *t);

/* In the thread: has kthread_stop() been called? */
bool kthread_should_stop(void);
