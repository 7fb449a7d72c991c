/* SPDX-License-Identifier: MIT */
/*
 * stop_machine.c - a rendezvous of all CPUs, each between two sections.
 *
 * Problem.    Who wants to look at everything at once must not find anything in
 *             the middle of being changed.  What is changed without a lock, on one
 *             CPU, is changed with preemption off.
 * Idea.       Every other CPU is invited by an interrupt that only makes it want to
 *             switch tasks.  It attends when it next enters the scheduler: it has
 *             then left every section that has preemption or interrupts off, and
 *             every interrupt and softirq.
 * Meeting.    First all arrive, with their interrupts on: one that is still on its
 *             way may be waiting for another to answer an interrupt.  Then all turn
 *             them off; then the caller (or everybody) calls the function; then
 *             all leave.  A CPU that comes late keeps the others waiting, so what
 *             has preemption off for long is felt here: the watchdog says who.
 * Rejected.   Meeting in the interrupt: whoever was interrupted may have taken bytes
 *             out of one book and not yet written them into the next.
 *             A thread of the highest priority on each CPU: the scheduler's own
 *             entrance does as well, without switching to anything.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/core/mutex.h>
#include <kernel/core/preempt.h>
#include <kernel/core/smp.h>
#include <kernel/core/stop_machine.h>
#include <lib/atomic.h>

struct meeting {
	/* Fixed. */
	int (*fn)(void *arg);
	void *arg;
	bool everybody;
	int nr_cpus;

	/* Any CPU, atomically. */
	atomic_t nr_here;
	atomic_t nr_quiet; /* with interrupts off */
	atomic_t nr_done;
	atomic_t nr_left; /* its last touch: then the meeting may vanish */
	atomic_t result;
};

static DEFINE_MUTEX(stop_machine_lock);

static void wait_for(atomic_t *count, int nr)
{
	while (atomic_read_acquire(count) < nr)
		cpu_relax();
}

/* Interrupts on, and on again after it.  CPUID is serialising: instructions
 * fetched before it are forgotten. */
static void attend(struct meeting *meeting, bool calls)
{
	atomic_inc_return(&meeting->nr_here);
	wait_for(&meeting->nr_here, meeting->nr_cpus);
	local_irq_disable();
	atomic_inc_return(&meeting->nr_quiet);
	wait_for(&meeting->nr_quiet, meeting->nr_cpus);
	if (calls)
		atomic_or(meeting->fn(meeting->arg), &meeting->result);
	/* A full barrier: what fn did, then the count. */
	atomic_inc_return(&meeting->nr_done);
	wait_for(&meeting->nr_done, meeting->nr_cpus);
	cpuid(0);
	local_irq_enable();
}

/* Own CPU, interrupts off. */
DEFINE_PER_CPU(struct meeting *, stop_machine_invitation);

static void invite(void *meeting)
{
	this_cpu_write(stop_machine_invitation, meeting);
	set_need_resched();
}

void stop_machine_attend(void)
{
	struct meeting *meeting = this_cpu_read(stop_machine_invitation);

	this_cpu_write(stop_machine_invitation, NULL);
	local_irq_enable();
	attend(meeting, meeting->everybody);
	atomic_inc_return(&meeting->nr_left);
	local_irq_disable();
}

static int hold(struct meeting *meeting)
{
	assert_can_sleep();
	mutex_lock(&stop_machine_lock);
	preempt_disable();
	meeting->nr_cpus = num_online_cpus();
	smp_call_function(invite, meeting, false);
	attend(meeting, true);
	wait_for(&meeting->nr_left, meeting->nr_cpus - 1);
	preempt_enable();
	mutex_unlock(&stop_machine_lock);
	return atomic_read(&meeting->result);
}

int stop_machine(int (*fn)(void *arg), void *arg)
{
	struct meeting meeting = {.fn = fn, .arg = arg};

	return hold(&meeting);
}

int stop_machine_all(int (*fn)(void *arg), void *arg)
{
	struct meeting meeting = {.fn = fn, .arg = arg, .everybody = true};

	return hold(&meeting);
}
