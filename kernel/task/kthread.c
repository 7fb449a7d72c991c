/* SPDX-License-Identifier: MIT */
/*
 * kthread.c - tasks of the kernel's own.
 *
 * Stopping is a flag and a wakeup.  A thread that sets its state before it looks
 * at kthread_should_stop() cannot miss it: the flag is stored before the
 * wakeup, and wake_up_process() holds the barrier between them.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/task/kthread.h>
#include <lib/format.h>
#include "task_impl.h"

struct task *kthread_create(int (*fn)(void *arg), void *arg, const char *fmt,
			    ...)
{
	char name[sizeof_field(struct task, comm)];
	struct task *t;
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	t = task_create_flags(fn, arg, name, PF_KTHREAD);
	return t ? t : ERR_PTR(-ENOMEM);
}

struct task *kthread_create_on_cpu(int (*fn)(void *arg), void *arg,
				   unsigned int cpu, const char *fmt)
{
	struct task *t = kthread_create(fn, arg, fmt, cpu);

	if (!IS_ERR(t))
		kthread_bind(t, cpu);
	return t;
}

void kthread_bind(struct task *t, unsigned int cpu)
{
	unsigned long flags;

	spin_lock_irqsave(&t->wake_lock, flags);
	BUG_ON(t->state != TASK_NEW);
	BUG_ON(!cpu_online(cpu)); /* it could never run */
	t->cpus_allowed = *cpumask_of(cpu);
	spin_unlock_irqrestore(&t->wake_lock, flags);
}

int kthread_stop(struct task *t)
{
	if (READ_ONCE(t->state) == TASK_NEW) {
		task_abandon(t);
		return -EINTR;
	}
	WRITE_ONCE(task_area_of(t)->should_stop, true);
	wake_up_process(t);
	return task_join(t);
}

bool kthread_should_stop(void)
{
	return READ_ONCE(task_area_of(current)->should_stop);
}
