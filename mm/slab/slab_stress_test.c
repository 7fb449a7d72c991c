/* SPDX-License-Identifier: MIT */
/*
 * slab_stress_test.c - everybody at once, and nothing lost.
 *
 * A task on each CPU does at random what users do: allocates from shared caches
 * of many sizes, fills objects with a pattern of their own, checks and frees
 * them, or hands them to another CPU to free; makes caches and destroys
 * them; shrinks. A timer on each CPU does the same in softirq and interrupt
 * context meanwhile.  An object handed out twice shows as a broken pattern.
 */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/random.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>

#define NR_CACHES   6
#define NR_HELD	    200
#define NR_ROUNDS   4000
#define NR_MAILBOX  64
#define MAX_WORKERS 8

static struct kmem_cache *caches[NR_CACHES];
static const unsigned int sizes[NR_CACHES] = {16, 64, 96, 256, 1000, 4096};

struct item {
	u64 *object;
	int cache;
	u64 pattern;
};

/* Objects on their way to whoever looks first. */
static struct item mailbox[NR_MAILBOX];
static DEFINE_SPINLOCK(mailbox_lock);

static void fill(struct item *it)
{
	for (unsigned int i = 0; i < sizes[it->cache] / 8; i++)
		it->object[i] = it->pattern;
}

static bool intact(const struct item *it)
{
	for (unsigned int i = 0; i < sizes[it->cache] / 8; i++)
		if (it->object[i] != it->pattern)
			return false;
	return true;
}

static bool take(struct item *it, struct prng *rng, gfp_t gfp)
{
	it->cache = prng_below(rng, NR_CACHES);
	it->pattern = prng_u64(rng);
	it->object = kmem_cache_alloc(caches[it->cache], gfp);
	if (it->object)
		fill(it);
	return it->object;
}

static void drop(struct item *it)
{
	if (!it->object)
		return;
	EXPECT(intact(it));
	if (it->pattern & 1)
		kfree(it->object);
	else
		kmem_cache_free(caches[it->cache], it->object);
	it->object = NULL;
}

/* Put ours in the mailbox, take what was there. */
static void trade(struct item *it, struct prng *rng)
{
	unsigned int slot = prng_below(rng, NR_MAILBOX);
	struct item other;
	unsigned long flags;

	spin_lock_irqsave(&mailbox_lock, flags);
	other = mailbox[slot];
	mailbox[slot] = *it;
	spin_unlock_irqrestore(&mailbox_lock, flags);
	*it = other;
}

static void make_and_destroy(struct prng *rng)
{
	unsigned int size = prng_range(rng, 8, 2000);
	struct kmem_cache *s =
		kmem_cache_create("stress-tmp", size, 0, SLAB_NO_MERGE, NULL);
	void *objects[50];

	if (!s)
		return;
	for (int i = 0; i < 50; i++)
		objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
	for (int i = 0; i < 50; i++)
		if (objects[i])
			kmem_cache_free(s, objects[i]);
	kmem_cache_destroy(s);
}

static void bulk(struct prng *rng)
{
	struct kmem_cache *s = caches[prng_below(rng, NR_CACHES)];
	void *objects[40];
	unsigned int nr = prng_range(rng, 1, 40);

	if (kmem_cache_alloc_bulk(s, GFP_KERNEL, nr, objects))
		kmem_cache_free_bulk(s, nr, objects);
}

struct worker {
	struct task *task;
	struct timer timer;
	struct prng rng, timer_rng;
	struct item held[NR_HELD];
	struct item timer_held[8];
	bool stop;
};

static struct worker workers[MAX_WORKERS];

/* In softirq or hard interrupt, by the timer's flags. */
static void interrupt_work(struct timer *t)
{
	struct worker *w = from_timer(t, struct worker, timer);

	for (int i = 0; i < 8; i++) {
		if (w->timer_held[i].object)
			drop(&w->timer_held[i]);
		else
			take(&w->timer_held[i], &w->timer_rng, GFP_ATOMIC);
	}
	if (!READ_ONCE(w->stop))
		mod_timer(t, ktime_get_ns() + 200 * 1000);
}

static int stress(void *arg)
{
	struct worker *w = arg;

	mod_timer(&w->timer, ktime_get_ns());
	for (int round = 0; round < NR_ROUNDS; round++) {
		struct item *it = &w->held[prng_below(&w->rng, NR_HELD)];

		switch (prng_below(&w->rng, 16)) {
		case 0:
			bulk(&w->rng);
			break;
		case 1:
			trade(it, &w->rng);
			break;
		case 2:
			if (prng_one_in(&w->rng, 50))
				make_and_destroy(&w->rng);
			else if (prng_one_in(&w->rng, 20))
				kmem_cache_shrink(
					caches[prng_below(&w->rng, NR_CACHES)]);
			break;
		default:
			if (it->object)
				drop(it);
			else
				take(it, &w->rng, GFP_KERNEL);
		}
	}
	WRITE_ONCE(w->stop, true);
	del_timer_sync(&w->timer);
	del_timer_sync(&w->timer); /* it may have re-armed itself */
	for (int i = 0; i < NR_HELD; i++)
		drop(&w->held[i]);
	for (int i = 0; i < 8; i++)
		drop(&w->timer_held[i]);
	return 0;
}

static void run_stress(slab_flags_t flags, unsigned int timer_flags)
{
	struct prng rng;
	int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);

	prng_init(&rng, test_seed());
	for (int i = 0; i < NR_CACHES; i++) {
		caches[i] = kmem_cache_create("stress", sizes[i], 0,
					      flags | SLAB_NO_MERGE, NULL);
		ASSERT(caches[i]);
	}
	memset(workers, 0, sizeof(workers));
	for (int i = 0; i < nr; i++) {
		struct worker *w = &workers[i];

		w->rng = prng_fork(&rng);
		w->timer_rng = prng_fork(&rng);
		timer_setup(&w->timer, interrupt_work, timer_flags);
		w->task = kthread_create(stress, w, "stress/%d", i);
		ASSERT(!IS_ERR(w->task));
		kthread_bind(w->task, i);
		wake_up_process(w->task);
	}
	for (int i = 0; i < nr; i++)
		kthread_stop(workers[i].task);
	for (int i = 0; i < NR_MAILBOX; i++)
		drop(&mailbox[i]);
	for (int i = 0; i < NR_CACHES; i++) {
		EXPECT_EQ(kmem_cache_validate(caches[i]), 0);
		kmem_cache_destroy(caches[i]);
	}
}

TEST_T(slab_stress, tasks_and_softirqs_on_every_cpu, 60)
{
	run_stress(0, 0);
}

TEST_T(slab_stress, tasks_and_interrupts_on_every_cpu, 60)
{
	run_stress(0, TIMER_HARDIRQ);
}

TEST_T(slab_stress, debugged_caches, 60)
{
	run_stress(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |
			   SLAB_STORE_USER,
		   TIMER_HARDIRQ);
}
