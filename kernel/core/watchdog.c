/* SPDX-License-Identifier: MIT */
/*
 * watchdog.c - notice the CPU that is stuck, from outside.
 *
 * Problem.    A CPU that loops with interrupts off cannot say so, and without
 *             a counter that raises NMIs, which few virtual machines have, only
 *             another CPU can notice.  And CPUs that are idle should sleep.
 * Idea.       Two watchers on two CPUs.  Each is a timer that, every quarter of
 *             watchdog_ms, pings every busy CPU with a call that it answers
 *             from its interrupt handler.  A ping unanswered for watchdog_ms is
 *             a CPU with interrupts off: hard lockup.  Two, so that the one on
 *             the stuck CPU is missed by the other.
 * Soft.       The answer looks at what it interrupted.  If that is not
 *             preemptible, it asks for a switch; and if there was none since an
 *             answer watchdog_ms ago, the task keeps the CPU from all others.
 *             Being found so each time would prove little: interrupts that
 *             waited come when a lock lets them in, just before preemption.
 * Idle.       Is not pinged.  A watcher moves from an idle CPU to a busy one if
 *             the other is not there, and when all are idle both stop; the next
 *             CPU that wakes up starts them.  So an idle machine takes no
 *             interrupt for this, and a busy one wakes an idle CPU, if at all,
 *             every quarter of watchdog_ms.
 * One CPU.    Has nobody to notice that its interrupts are off; soft lockups it
 *             finds itself.
 * Rejected.   Every CPU checking its neighbour from its own tick: a CPU alone
 *             with its task has none, and idle neighbours do not look.
 */
#include <arch/clock.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <kernel/core/smp.h>
#include <kernel/core/timer.h>
#include <kernel/core/watchdog.h>
#include <lib/atomic.h>

static unsigned long watchdog_ms = 10000;
BOOT_PARAM_ULONG("watchdog_ms", watchdog_ms, 0, 3600000,
		 "how long a CPU may be stuck; 0 for ever");

/*
 * How often in a row a CPU must be found stuck before that is reported, besides the
 * time: a host that stops it, or us all, for a while lets the clock run on, and the
 * first look after that would find everybody late.  Fewer than come in watchdog_ms.
 */
#define TIMES_FOUND 3

struct watched_cpu {
	/* Any watcher: a late store postpones a report by a round. */
	u64 asked;	    /* when the ping under way was sent */
	s64 hard_limit;	    /* ns without an answer; doubles with each report */
	unsigned int looks; /* in a row that found it unanswered */
	struct call_single_data ping;

	/* Own CPU, in its answer. */
	unsigned long passes; /* of rcu_watch, when last seen to move */
	u64 since;	      /* when that was */
	s64 soft_limit;	      /* as hard_limit */
	unsigned int answers; /* in a row that found no switch */
};
static DEFINE_PER_CPU(struct watched_cpu, watched_cpu);

struct watcher {
	struct timer_list timer;
	unsigned int cpu; /* where it is armed; by itself and start() */
};
static struct watcher watchers[2];

/* 1 while the watchers are armed.  Any CPU, atomically. */
static int watching;
static atomic_long_t nr_rounds;

static u64 limit_ns(void)
{
	return READ_ONCE(watchdog_ms) * 1000000ull;
}

static u64 next_round(void)
{
	return arch_clock_ns() + limit_ns() / 4;
}

/* -- The answer ------------------------------------------------------------ */

/* In hard interrupt, on the CPU that is looked at. */
static void check_soft_lockup(struct watched_cpu *self, u64 now)
{
	unsigned long passes = this_cpu_read(rcu_watch.passes);

	if (preempt_count() == HARDIRQ_OFFSET || (current->flags & PF_IDLE) ||
	    passes != self->passes) {
		self->passes = passes;
		self->since = now;
		self->soft_limit = limit_ns();
		self->answers = 0;
		return;
	}
	set_need_resched();
	if (++self->answers < TIMES_FOUND ||
	    (s64)(now - self->since) < self->soft_limit)
		return;
	self->soft_limit *= 2;
	if (!report_note(REPORT_SOFT_LOCKUP))
		return;
	pr_crit("watchdog: cpu%u, task %s (pid %d): no switch for %llu ms\n",
		smp_processor_id(), current->comm, current->pid,
		(now - self->since) / 1000000);
	backtrace_print_all_cpus();
}

static void answer(void *unused)
{
	check_soft_lockup(this_cpu_ptr(&watched_cpu), arch_clock_ns());
}

/* -- The watchers ---------------------------------------------------------- */

static void report_hard_lockup(unsigned int cpu, u64 ns)
{
	if (!report_note(REPORT_HARD_LOCKUP))
		return;
	pr_crit("watchdog: cpu%u has had interrupts off for %llu ms\n", cpu,
		ns / 1000000);
	backtrace_print_all_cpus();
}

static void look_at(unsigned int cpu, u64 now)
{
	struct watched_cpu *watched = per_cpu_ptr(&watched_cpu, cpu);
	s64 waited;

	/* Pairs with the exchange in smp_call_function_single_async(). */
	if (!smp_load_acquire(&watched->ping.busy)) {
		watched->hard_limit = limit_ns();
		WRITE_ONCE(watched->looks, 0);
		WRITE_ONCE(watched->asked, now);
		/* Sets `busy', a full barrier after `asked': pairs with the
		 * acquire. */
		smp_call_function_single_async(cpu, &watched->ping);
		return;
	}
	/* When this ping was sent, or a later one, and not the one before it,
	 * which may have been answered an hour ago.  Negative if the other
	 * watcher has asked since @now. */
	waited = now - READ_ONCE(watched->asked);
	WRITE_ONCE(watched->looks, watched->looks + 1);
	if (waited > watched->hard_limit &&
	    READ_ONCE(watched->looks) >= TIMES_FOUND) {
		watched->hard_limit *= 2;
		report_hard_lockup(cpu, waited);
	}
}

static bool is_busy(unsigned int cpu)
{
	if (cpu == smp_processor_id())
		return !(current->flags & PF_IDLE);
	return !rcu_cpu_is_idle(cpu);
}

/* Look at every busy CPU; returns whether there is any. */
static bool look_round(void)
{
	u64 now = arch_clock_ns();
	bool busy = false;
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (!is_busy(cpu))
			continue;
		busy = true;
		if (cpu == smp_processor_id())
			answer(NULL);
		else
			look_at(cpu, now);
	}
	atomic_long_inc(&nr_rounds);
	return busy;
}

/* Where to watch from next: here if busy, else from a busy CPU that the other
 * watcher is not on. */
static unsigned int next_place(const struct watcher *self)
{
	const struct watcher *other = &watchers[self == &watchers[0]];
	unsigned int here = smp_processor_id(), cpu;

	if (!is_busy(here))
		for_each_online_cpu(cpu)
			if (is_busy(cpu) && cpu != READ_ONCE(other->cpu))
				return cpu;
	return here;
}

static void arm(struct watcher *watcher, unsigned int cpu)
{
	WRITE_ONCE(watcher->cpu, cpu);
	mod_timer_on(&watcher->timer, next_round(), cpu);
}

static unsigned int any_other_cpu(void)
{
	unsigned int cpu = cpumask_next(smp_processor_id(), cpu_online_mask);

	return cpu < NR_CPUS ? cpu : cpumask_first(cpu_online_mask);
}

static void start(void)
{
	if (!READ_ONCE(watchdog_ms) || xchg(&watching, 1))
		return;
	arm(&watchers[0], smp_processor_id());
	if (num_online_cpus() > 1)
		arm(&watchers[1], any_other_cpu());
}

static void round(struct timer_list *timer)
{
	struct watcher *self = from_timer(self, timer, timer);
	bool busy = look_round();

	if (!READ_ONCE(watching) || !READ_ONCE(watchdog_ms))
		return;
	if (!busy && self == &watchers[0]) {
		/* The other stops when it sees this.  Who becomes busy just
		 * now either sees it too, and starts us, or is seen by the
		 * second look: a full barrier here, and one in
		 * rcu_idle_exit(). */
		xchg(&watching, 0);
		if (look_round())
			start();
		return;
	}
	arm(self, next_place(self));
}

void watchdog_idle_exit(void)
{
	if (unlikely(!READ_ONCE(watching)))
		start();
}

unsigned long watchdog_set_ms(unsigned long ms)
{
	unsigned long old = xchg(&watchdog_ms, ms);

	WRITE_ONCE(watching, 0);
	for (int i = 0; i < ARRAY_SIZE(watchers); i++)
		del_timer_sync(&watchers[i].timer);
	WRITE_ONCE(watching, 0);
	preempt_disable();
	start();
	preempt_enable();
	return old;
}

unsigned long watchdog_nr_rounds(void)
{
	return atomic_long_read(&nr_rounds);
}

void watchdog_init(void)
{
	unsigned int cpu;

	for (int i = 0; i < ARRAY_SIZE(watchers); i++)
		timer_setup(&watchers[i].timer, round,
			    TIMER_HARDIRQ | TIMER_UNCOUNTED);
	for_each_possible_cpu(cpu)
		per_cpu(watched_cpu, cpu).ping.func = answer;
}
