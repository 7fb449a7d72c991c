/* SPDX-License-Identifier: MIT */
/*
 * stop_machine.c - a rendezvous of all CPUs.
 *
 * The caller asks every other CPU, by a function call, to come to a meeting
 * point with its interrupts off.  They count themselves in; when all are there
 * the caller (or everybody) calls the function, and they count themselves out.
 * A CPU that comes late keeps the others waiting with interrupts off, so what
 * holds interrupts off for long is felt here: the watchdog says who.
 *
 * Rejected.   A thread of the highest priority on each CPU, so that tasks are
 *             stopped at a scheduling point: it takes a context switch on each
 *             CPU, and nobody here needs more than "not inside a section that
 *             has interrupts off".
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/core/mutex.h>
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

/* CPUID is serialising: instructions fetched before it are forgotten. */
static void attend(struct meeting *meeting, bool calls)
{
	atomic_inc_return(&meeting->nr_here);
	wait_for(&meeting->nr_here, meeting->nr_cpus);
	if (calls)
		atomic_or(meeting->fn(meeting->arg), &meeting->result);
	/* A full barrier: what fn did, then the count. */
	atomic_inc_return(&meeting->nr_done);
	wait_for(&meeting->nr_done, meeting->nr_cpus);
	cpuid(0);
}

static void attend_other(void *info)
{
	struct meeting *meeting = info;

	attend(meeting, meeting->everybody);
	atomic_inc_return(&meeting->nr_left);
}

static int hold(struct meeting *meeting)
{
	unsigned long flags;

	assert_can_sleep();
	mutex_lock(&stop_machine_lock);
	preempt_disable();
	meeting->nr_cpus = num_online_cpus();
	smp_call_function(attend_other, meeting, false);
	local_irq_save(flags);
	attend(meeting, true);
	local_irq_restore(flags);
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
