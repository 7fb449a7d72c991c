/* SPDX-License-Identifier: MIT */
/* interim.c - stand-ins until the scheduler lands. */
#include <kernel/core/irq.h>
#include <kernel/core/mutex.h>
#include <kernel/core/sched.h>

static struct task boot_task = {.comm = "boot"};

__weak DEFINE_PER_CPU(u32, __preempt_count) = 0x80000001;
__weak DEFINE_PER_CPU(struct task *, current_task) = &boot_task;

__weak void mutex_lock(struct mutex *m)
{
}

__weak void mutex_unlock(struct mutex *m)
{
}

__weak void nmi_enter(void)
{
}

__weak void nmi_exit(void)
{
}

void preempt_schedule_thunk(void);
__weak void preempt_schedule_thunk(void)
{
}

__weak void sched_prepare_cpu(unsigned int cpu, void *stack, size_t stack_size)
{
}
