/* SPDX-License-Identifier: MIT */
/* cpus.c - what each CPU needs that takes memory: a stack, and a ksoftirqd. */
#include <arch/smp.h>
#include <kernel/core/bringup.h>
#include <kernel/core/panic.h>
#include <kernel/core/softirq.h>
#include <kernel/task/kthread.h>
#include <mm/virt/vmalloc.h>

void *idle_stack_alloc(unsigned int cpu)
{
	return __vmalloc_node(IDLE_STACK_SIZE, PAGE_SIZE, GFP_KERNEL,
			      cpu_to_node(cpu), VM_STACK);
}

void ksoftirqd_start(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct task *t = kthread_create_on_cpu(softirq_daemon, NULL,
						       cpu, "ksoftirqd/%u");

		if (IS_ERR(t))
			panic("no memory for ksoftirqd/%u", cpu);
		softirq_set_daemon(cpu, t);
		wake_up_process(t);
	}
}
