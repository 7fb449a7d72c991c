/* SPDX-License-Identifier: MIT */
/*
 * idle.c - what a CPU does with nothing to do, and how it comes to that.
 *
 * Each CPU's first context ends its boot in cpu_idle_loop() and is its idle task
 * from then on: never queued, picked when nobody else is, always with
 * preemption off.
 *
 * Before it halts, a CPU looks for a task to fetch, shows itself in idle_cpus,
 * and sets its timer to exactly the next timer's deadline, or off.  The last test
 * and the halt are one step (STI; HLT): an interrupt that comes between them
 * ends the halt, so a wakeup is never slept through.
 */
#include <arch/irqflags.h>
#include <arch/layout.h>
#include <arch/smp.h>
#include <arch/upcalls.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/timer.h>
#include <kernel/core/watchdog.h>
#include <lib/format.h>
#include <string.h>
#include "sched_impl.h"

extern char boot_stack[], boot_stack_top[];

static void idle_release(struct task *t)
{
	panic("the idle task of CPU %u lost its last reference", t->cpu);
}

/* The boot CPU's: `current` from the first line of C on. */
struct task init_task = {
	.flags = PF_IDLE,
	.comm = "idle/0",
	.policy = SCHED_IDLE,
	.state = TASK_RUNNING,
	.on_cpu = 1,
	.refs = REFCOUNT_INIT(1),
	.wake_lock = __SPIN_LOCK_UNLOCKED(init_task.wake_lock),
	.release = idle_release,
};

/* All others'; they exist in each CPU's area, but CPU 0 uses the one above. */
static DEFINE_PER_CPU(struct task, idle_task);

DEFINE_PER_CPU(struct task *, current_task) = &init_task;

bool scheduler_running;

static void rq_init(unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	spin_lock_init(&rq->lock);
	rq->cpu = cpu;
	rq->fair.tree = RB_ROOT_CACHED;
	for (int i = 0; i <= RT_PRIO_MAX; i++)
		INIT_LIST_HEAD(&rq->rt.queue[i]);
}

static void rq_set_idle_task(unsigned int cpu, struct task *idle, void *stack,
			     size_t stack_size)
{
	struct rq *rq = cpu_rq(cpu);

	idle->cpu = cpu;
	idle->stack = stack;
	idle->stack_size = stack_size;
	idle->exec_start = ktime_get_ns();
	idle->cpus_allowed = *cpumask_of(cpu);
	rq->idle = idle;
	rq->curr = idle;
}

void sched_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		rq_init(cpu);
	rq_set_idle_task(0, &init_task, boot_stack,
			 boot_stack_top - boot_stack);
}

void sched_prepare_cpu(unsigned int cpu, void *stack, size_t stack_size)
{
	struct task *idle = per_cpu_ptr(&idle_task, cpu);

	memset(idle, 0, sizeof(*idle));
	idle->flags = PF_IDLE;
	idle->policy = SCHED_IDLE;
	idle->on_cpu = 1;
	idle->release = idle_release;
	refcount_set(&idle->refs, 1);
	spin_lock_init(&idle->wake_lock);
	scnprintf(idle->comm, sizeof(idle->comm), "idle/%u", cpu);
	rq_set_idle_task(cpu, idle, stack, stack_size);

	per_cpu(current_task, cpu) = idle;
	per_cpu(__preempt_count, cpu) = PREEMPT_NO_RESCHED | PREEMPT_OFFSET;
}

/* Upcall. */
void secondary_cpu_main(unsigned int cpu)
{
	this_rq()->idle->exec_start = ktime_get_ns();
	rcu_cpu_starting();
	cpu_set_online(cpu);
	cpu_idle_loop();
}

/* Set once. */
static bool (*idle_chore)(void);

void idle_set_chore(bool (*chore)(void))
{
	smp_store_release(&idle_chore, chore); /* pairs with do_chore() */
}

static bool do_chore(void)
{
	bool (*chore)(void) = smp_load_acquire(&idle_chore);
	bool more;

	if (!chore)
		return false;
	local_irq_enable();
	more = chore();
	local_irq_disable();
	return more;
}

/* Interrupts off, and off again when it returns. */
static void idle_halt(struct rq *rq)
{
	if (unlikely(printk_pending()))
		printk_flush();
	/* Whoever became ready meanwhile comes first. */
	if (do_chore() || need_resched())
		return;
	if (!rcu_idle_enter()) {
		/* Callbacks wait: let their softirq have the CPU. */
		local_irq_enable();
		cpu_relax();
		local_irq_disable();
		return;
	}
	timer_idle_enter();
	if (!cpumask_test_cpu(rq->cpu, &idle_cpus))
		cpumask_set_cpu(rq->cpu, &idle_cpus);
	arch_idle();
	local_irq_disable();
	rcu_idle_exit();
}

void cpu_idle_loop(void)
{
	struct rq *rq = this_rq();

	/* The boot CPU's boot context must not sleep, and until here it is
	 * still in it, even if others are idle already. */
	if (current == &init_task)
		WRITE_ONCE(scheduler_running, true);
	for (;;) {
		local_irq_disable();
		while (!need_resched()) {
			if (balance_pull(rq))
				continue;
			idle_halt(rq);
		}
		cpumask_clear_cpu(rq->cpu, &idle_cpus);
		watchdog_idle_exit();
		local_irq_enable();
		schedule_idle();
	}
}
