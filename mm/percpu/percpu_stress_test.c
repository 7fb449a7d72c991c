/* SPDX-License-Identifier: MIT */
/*
 * percpu_stress_test.c - everybody at once, and every copy kept.
 *
 * A task on each CPU allocates areas of all sizes, writes to each CPU's copy what
 * it will expect there, frees them, or hands them to whoever comes next; one
 * empties the reserve meanwhile.  A timer on each CPU does the same in softirq
 * or interrupt context.  An area handed out twice, or two that overlap, show
 * as a copy that was overwritten.
 */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/random.h>
#include <mm/percpu/percpu.h>
#include <string.h>
#include <tests/test.h>

#define NR_HELD	    100
#define NR_TIMER    8
#define NR_ROUNDS   5000
#define NR_MAILBOX  32
#define MAX_WORKERS 8

struct item {
	u64 __percpu *p;
	unsigned int words;
	u64 mark;
};

struct worker {
	struct task *task;
	struct timer_list timer;
	struct prng rng, timer_rng;
	struct item held[NR_HELD], timer_held[NR_TIMER];
	bool stop;
};

static struct worker workers[MAX_WORKERS];

/* Areas on their way to whoever looks first. */
static struct item mailbox[NR_MAILBOX];
static DEFINE_SPINLOCK(mailbox_lock);

static void take(struct item *it, struct prng *rng, gfp_t gfp)
{
	unsigned int cpu, most = prng_one_in(rng, 20) ? 2000 : 40;

	it->words = prng_range(rng, 1, most);
	it->mark = prng_u64(rng);
	it->p = __alloc_percpu_gfp(it->words * 8, 8, gfp);
	if (!it->p)
		return;
	for_each_possible_cpu(cpu) {
		u64 *copy = per_cpu_ptr(it->p, cpu);

		for (unsigned int i = 0; i < it->words; i++) {
			EXPECT_EQ(copy[i], 0);
			copy[i] = it->mark + cpu;
		}
	}
}

static void drop(struct item *it)
{
	unsigned int cpu;

	if (!it->p)
		return;
	for_each_possible_cpu(cpu)
		for (unsigned int i = 0; i < it->words; i++)
			if (per_cpu_ptr(it->p, cpu)[i] != it->mark + cpu)
				FAIL("copy of CPU %u was overwritten", cpu);
	free_percpu(it->p);
	it->p = NULL;
}

/* Put ours in the mailbox, take what was there. */
static void trade(struct item *it, struct prng *rng)
{
	struct item *slot = &mailbox[prng_below(rng, NR_MAILBOX)];
	unsigned long flags;

	spin_lock_irqsave(&mailbox_lock, flags);
	swap(*it, *slot);
	spin_unlock_irqrestore(&mailbox_lock, flags);
}

static void act(struct item *it, struct prng *rng, gfp_t gfp)
{
	if (prng_one_in(rng, 8))
		trade(it, rng);
	else if (it->p)
		drop(it);
	else
		take(it, rng, gfp);
}

static void interrupt_work(struct timer_list *t)
{
	struct worker *w = from_timer(w, t, timer);

	act(&w->timer_held[prng_below(&w->timer_rng, NR_TIMER)], &w->timer_rng,
	    GFP_ATOMIC);
	if (!READ_ONCE(w->stop))
		mod_timer(t, ktime_get_ns() + 200 * 1000);
}

static int stress(void *arg)
{
	struct worker *w = arg;

	mod_timer(&w->timer, ktime_get_ns());
	for (int round = 0; round < NR_ROUNDS; round++) {
		struct item *it = &w->held[prng_below(&w->rng, NR_HELD)];

		if (w == workers && prng_one_in(&w->rng, 100))
			percpu_drain();
		act(it, &w->rng,
		    prng_one_in(&w->rng, 4) ? GFP_ATOMIC : GFP_KERNEL);
	}
	WRITE_ONCE(w->stop, true);
	del_timer_sync(&w->timer);
	del_timer_sync(&w->timer); /* it may have re-armed itself */
	for (int i = 0; i < NR_HELD; i++)
		drop(&w->held[i]);
	for (int i = 0; i < NR_TIMER; i++)
		drop(&w->timer_held[i]);
	return 0;
}

/* Where allocations fail, some CPUs may have to go without. */
static void make_worker(struct worker *w, unsigned int cpu, struct prng *rng,
			unsigned int timer_flags)
{
	w->rng = prng_fork(rng);
	w->timer_rng = prng_fork(rng);
	timer_setup(&w->timer, interrupt_work, timer_flags);
	w->task = kthread_create(stress, w, "stress/%u", cpu);
	if (IS_ERR(w->task))
		w->task = NULL;
	else
		kthread_bind(w->task, cpu);
}

/* @short_of: of a million page allocations, so many fail. */
static void run_stress(unsigned int timer_flags, unsigned long short_of)
{
	int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);
	struct prng rng;

	prng_init(&rng, test_seed());
	memset(workers, 0, sizeof(workers));
	for (int i = 0; i < nr; i++)
		make_worker(&workers[i], i, &rng, timer_flags);
	if (short_of)
		fault_fail_randomly(&fail_page_alloc, short_of, test_seed());
	for (int i = 0; i < nr; i++)
		if (workers[i].task)
			wake_up_process(workers[i].task);
	for (int i = 0; i < nr; i++)
		if (workers[i].task)
			kthread_stop(workers[i].task);
	if (short_of)
		fault_off(&fail_page_alloc);
	for (int i = 0; i < NR_MAILBOX; i++)
		drop(&mailbox[i]);
	EXPECT_EQ(percpu_validate_all(), 0);
}

TEST_T(percpu_stress, tasks_and_softirqs_keep_every_copy, 60)
{
	test_tolerates_faults();
	run_stress(0, 0);
}

TEST_T(percpu_stress, tasks_and_interrupts_keep_every_copy, 60)
{
	test_tolerates_faults();
	run_stress(TIMER_HARDIRQ, 0);
}

TEST_T(percpu_stress, short_of_memory_every_copy_is_kept, 60)
{
	run_stress(TIMER_HARDIRQ, 300000);
}
