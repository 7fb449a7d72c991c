/* SPDX-License-Identifier: MIT */
/*
 * rcu.c - grace periods: when has every CPU been outside of all readers?
 *
 * Readers.    run with preemption off, and that is all they do: one instruction
 *             to begin, two to end.
 * Rejected.   Preemptible readers, counted in the task.  They cost as much, and
 *             then a list of the tasks that were switched out in mid-read, with
 *             a lock that schedule() takes.  They buy latency where readers are
 *             long; ours walk short lists, and most of them want to stay on
 *             their CPU anyway, for this_cpu_ptr().
 * So.         A CPU that switches tasks, that a tick finds in preemptible code,
 *             or that is idle, is outside of all readers.  The first two count
 *             in `passes`, idle is the parity of `active`; both are plain
 *             per-CPU words that only their CPU writes.
 * Period.     Whoever runs a grace period notes both words of every CPU, then
 *             looks again until each has moved or is idle.  A CPU that takes
 *             long is interrupted: preemptible code is a pass there and then,
 *             and otherwise it is told to reschedule, so that its reader's end
 *             is a switch.  Idle CPUs are only looked at: it wakes nobody.
 * Who.        One at a time, under gp_lock.  synchronize_rcu() runs its own, if
 *             none that was run meanwhile will do: often all other CPUs are
 *             idle, and it is over before a thread could have been woken.  For
 *             callbacks there is a thread; it waits GATHER_NS before it begins,
 *             so that many share the period.
 * Order.      The full barrier after raising rcu_gp_seq comes before the words
 *             are read; the CPU's full barrier after changing them comes
 *             before its next reader.  So either we see the old word and wait,
 *             or that reader sees everything from before the grace period.
 *             On the way out, x86 keeps a reader's loads before the later store
 *             to the word.
 * Numbers.    rcu_gp_seq is even between grace periods and odd in one.  Who
 *             asks while one runs needs the end of the next: its readers may
 *             have begun before.
 * Stall.      After rcu_stall_ms the CPUs that hold up a grace period are named
 *             and their backtraces printed, and again each time that has
 *             doubled.
 *
 * Asking on behalf of callbacks wakes the thread.  With a runqueue locked that
 * is not possible, so atomic contexts leave a note (wake_thread) and ask for a
 * reschedule; schedule(), the tick and the idle loop act on it.
 */
#include <arch/clock.h>
#include <arch/ipi.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include "rcu_impl.h"

/* Sleeps before a period that nobody waits for, and between looks; the number
 * of looks before CPUs are interrupted. */
#define GATHER_NS	  1000000ull
#define LOOK_NS		  1000000ull
#define LOOK_EXPEDITED_NS 50000ull
#define PATIENT_LOOKS	  3

unsigned long rcu_gp_seq;
unsigned long rcu_gp_wanted;

DEFINE_PER_CPU(struct rcu_watch, rcu_watch) = {.active = 1};

unsigned long rcu_stall_ms = 10000;
BOOT_PARAM_ULONG("rcu_stall_ms", rcu_stall_ms, 10, 3600000,
		 "report grace periods that take longer");

/* The thread; NULL until it runs. */
static struct task *thread;

/* Held by who runs a grace period. */
static DEFINE_MUTEX(gp_lock);

/* How many wait in a hurry. */
static atomic_t nr_expedited;

/* What is noted of each CPU, under gp_lock. */
struct watched {
	unsigned long active;
	unsigned long passes;
	struct call_single_data nudge;
};
static DEFINE_PER_CPU(struct watched, watched);

/* -- On the watched CPU ---------------------------------------------------- */

static void pass(void)
{
	this_cpu_inc(rcu_watch.passes);
	/* The count, then the next reader: pairs with begin(). */
	smp_mb();
}

/* Full barriers around every change of `active`: pairs with begin() and
 * is_past(). */
static void toggle_active(void)
{
	struct rcu_watch *watch = this_cpu_ptr(&rcu_watch);

	smp_mb();
	WRITE_ONCE(watch->active, watch->active + 1);
	smp_mb();
}

static bool is_active(void)
{
	return this_cpu_read(rcu_watch.active) & 1;
}

void rcu_wake_thread(void)
{
	this_cpu_write(rcu_watch.wake_thread, false);
	wake_up_process(thread);
}

bool rcu_idle_enter(void)
{
	if (this_cpu_read(rcu_watch.wake_thread)) {
		rcu_wake_thread();
		return false;
	}
	if (rcu_callbacks_due()) {
		raise_softirq_irqoff(RCU_SOFTIRQ);
		return false;
	}
	toggle_active();
	return true;
}

void rcu_idle_exit(void)
{
	if (!is_active())
		toggle_active();
}

/*
 * An NMI between the two changes of enter() or of exit() finds the CPU active
 * and no depth, as if it were not idle, and leaves both alone.
 */
void rcu_irq_enter(void)
{
	if (likely(is_active() && !this_cpu_read(rcu_watch.irq_depth)))
		return;
	if (!is_active())
		toggle_active();
	this_cpu_inc(rcu_watch.irq_depth);
}

void rcu_irq_exit(void)
{
	if (likely(!this_cpu_read(rcu_watch.irq_depth)))
		return;
	this_cpu_dec(rcu_watch.irq_depth);
	if (!this_cpu_read(rcu_watch.irq_depth))
		toggle_active();
}

/* In a hard interrupt that interrupted nothing but preemptible code? */
static bool interrupted_preemptible(void)
{
	return preempt_count() == HARDIRQ_OFFSET;
}

void rcu_tick(void)
{
	if (interrupted_preemptible())
		pass();
	if (this_cpu_read(rcu_watch.wake_thread))
		rcu_wake_thread();
	if (rcu_callbacks_due())
		raise_softirq_irqoff(RCU_SOFTIRQ);
}

/* On a CPU that has been waited for, in the interrupt for that. */
static void nudged(void *unused)
{
	if (interrupted_preemptible())
		pass();
	else
		set_need_resched();
}

bool rcu_cpu_is_idle(unsigned int cpu)
{
	return !(READ_ONCE(per_cpu(rcu_watch, cpu).active) & 1);
}

void rcu_cpu_starting(void)
{
	BUG_ON(!is_active());
}

/* -- A grace period, under gp_lock ----------------------------------------- */

/* Note where every CPU is; those that may hold a reader go into @pending. */
static void begin(cpumask_t *pending)
{
	unsigned int cpu;

	preempt_disable();
	WRITE_ONCE(rcu_gp_seq, rcu_gp_seq + 1);
	/* The number, then the words: pairs with pass(), toggle_active(),
	 * rcu_note_context_switch() and cpu_set_online(). */
	smp_mb();
	cpumask_copy(pending, cpu_online_mask);
	/* This one runs us, and we are no reader. */
	cpumask_clear_cpu(smp_processor_id(), pending);
	for_each_cpu(cpu, pending) {
		struct rcu_watch *watch = per_cpu_ptr(&rcu_watch, cpu);
		struct watched *seen = per_cpu_ptr(&watched, cpu);

		seen->active = READ_ONCE(watch->active);
		seen->passes = READ_ONCE(watch->passes);
	}
	preempt_enable();
}

/* Has @cpu been outside of readers since begin()? */
static bool is_past(unsigned int cpu)
{
	struct rcu_watch *watch = per_cpu_ptr(&rcu_watch, cpu);
	struct watched *seen = per_cpu_ptr(&watched, cpu);

	if (!(seen->active & 1))
		return true;
	/* The word, then what the grace period was for: pairs with pass(),
	 * toggle_active() and rcu_note_context_switch(), before which its
	 * readers had done all they did. */
	return smp_load_acquire(&watch->active) != seen->active ||
	       smp_load_acquire(&watch->passes) != seen->passes;
}

static void strike_off(cpumask_t *pending)
{
	unsigned int cpu;

	for_each_cpu(cpu, pending)
		if (is_past(cpu))
			cpumask_clear_cpu(cpu, pending);
}

static void nudge(const cpumask_t *pending)
{
	unsigned int cpu;

	for_each_cpu(cpu, pending)
		smp_call_function_single_async(cpu,
					       &per_cpu(watched, cpu).nudge);
}

static void report_stall(const cpumask_t *pending, u64 ms)
{
	unsigned int cpu;

	if (!report_note(REPORT_RCU_STALL))
		return;
	for_each_cpu(cpu, pending)
		pr_crit("RCU: cpu%u has been in a reader for %llu ms\n", cpu,
			ms);
	backtrace_print_all_cpus();
}

static void wait_for_readers(cpumask_t *pending)
{
	u64 start = arch_clock_ns(), stall_ns = rcu_stall_ms * 1000000;

	for (unsigned int looks = 1;; looks++) {
		bool expedited = atomic_read(&nr_expedited);
		u64 waited;

		strike_off(pending);
		if (cpumask_empty(pending))
			return;
		if (expedited || looks % PATIENT_LOOKS == 0)
			nudge(pending);
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(expedited ? LOOK_EXPEDITED_NS : LOOK_NS);
		waited = arch_clock_ns() - start;
		if (waited > stall_ns) {
			report_stall(pending, waited / 1000000);
			stall_ns *= 2;
		}
	}
}

static void end(void)
{
	unsigned int cpu;

	/* All that readers did, then the number: pairs with the acquire in
	 * rcu_seq_reached(). */
	smp_mb();
	WRITE_ONCE(rcu_gp_seq, rcu_gp_seq + 1);
	/* The number, then who waits for it: pairs with the barrier in
	 * rcu_callback.c's line_up(). */
	smp_mb();
	for_each_online_cpu(cpu)
		rcu_callbacks_ready(cpu);
}

static void run_grace_period(void)
{
	cpumask_t pending;

	begin(&pending);
	wait_for_readers(&pending);
	end();
}

/* -- The thread ------------------------------------------------------------ */

static bool is_wanted(void)
{
	return !rcu_seq_reached(READ_ONCE(rcu_gp_wanted));
}

int rcu_thread(void *unused)
{
	sched_set_fifo(current, RT_PRIO_MAX / 2);
	/* Pairs with the acquire in rcu_request(). */
	smp_store_release(&thread, current);
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!is_wanted()) {
			schedule();
			continue;
		}
		schedule_timeout(GATHER_NS);
		mutex_lock(&gp_lock);
		if (is_wanted())
			run_grace_period();
		mutex_unlock(&gp_lock);
	}
}

/* -- Asking ---------------------------------------------------------------- */

void rcu_request(unsigned long seq)
{
	unsigned long wanted = READ_ONCE(rcu_gp_wanted);

	do {
		if ((long)(wanted - seq) >= 0)
			return;
	} while (!try_cmpxchg(&rcu_gp_wanted, &wanted, seq));

	/* Pairs with the release in rcu_thread(). */
	if (!smp_load_acquire(&thread))
		return; /* it will look when it starts */
	if (preemptible()) {
		wake_up_process(thread);
	} else {
		this_cpu_write(rcu_watch.wake_thread, true);
		set_need_resched();
		/* Only interrupts are off: nobody looks when they come back on,
		 * so an interrupt has to. */
		if (!preempt_count())
			arch_send_reschedule(smp_processor_id());
	}
}

unsigned long get_state_synchronize_rcu(void)
{
	/* What the caller unlinked, then the number: pairs with begin(). */
	smp_mb();
	return (READ_ONCE(rcu_gp_seq) + 3) & ~1ul;
}

bool poll_state_synchronize_rcu(unsigned long state)
{
	if (!rcu_seq_reached(state))
		return false;
	smp_mb();
	return true;
}

unsigned long start_poll_synchronize_rcu(void)
{
	unsigned long seq = get_state_synchronize_rcu();

	rcu_request(seq);
	return seq;
}

void synchronize_rcu(void)
{
	unsigned long seq;

	assert_can_sleep();
	/* One CPU, and it is here: no reader can be under way.  The barrier is
	 * for what others expect of us: devices, and a CPU that comes up. */
	if (num_online_cpus() == 1) {
		smp_mb(); /* pairs with cpu_set_online() */
		return;
	}
	seq = get_state_synchronize_rcu();
	mutex_lock(&gp_lock);
	if (!poll_state_synchronize_rcu(seq))
		run_grace_period();
	mutex_unlock(&gp_lock);
}

void synchronize_rcu_expedited(void)
{
	/* It counts from the next look on, whoever looks. */
	atomic_inc(&nr_expedited);
	synchronize_rcu();
	atomic_dec(&nr_expedited);
}

void rcu_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(watched, cpu).nudge.func = nudged;
	rcu_callbacks_init();
}

#if CONFIG_DEBUG
void __rcu_check_reader(const char *file, int line)
{
	if (preemptible() && report_note(REPORT_LOCKDEP)) {
		pr_crit("RCU: pointer followed outside of a reader at %s:%d\n",
			file, line);
		backtrace_print();
	}
}
#endif
