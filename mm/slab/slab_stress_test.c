/* SPDX-License-Identifier: MIT */
/*
 * slab_stress_test.c - everybody at once, and nothing lost.
 *
 * A task on each CPU does at random what users do: allocates from shared caches
 * of random sizes, one by one and in bulk, fills objects with a pattern of their
 * own, checks and frees them at once or after a grace period, or hands them to
 * other CPUs to free; and what their keepers do: shrinks caches, which flushes
 * every CPU's store, closes a cache, destroys it when its last object is gone,
 * and makes another in its place.  On each CPU two timers do the users' part in
 * softirq and in interrupt context meanwhile.
 *
 * An object handed out twice shows as a broken pattern, one that is lost as a
 * cache that cannot be destroyed, and damage in the validator.
 */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/rcu.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>

#define NR_CACHES	8
#define NR_HELD		150
#define NR_TIMER_HELD	8
#define NR_ROUNDS	10000
#define NR_MAILBOX	64
#define NR_BULK		40
#define MAX_WORKERS	8
#define TIMER_PERIOD_NS 200000

/* A cache that comes and goes. */
struct shop {
	spinlock_t lock;
	struct kmem_cache *cache; /* NULL: there was no memory for one */
	unsigned int size;
	bool open;
	bool rebuilt;		/* somebody is replacing it */
	unsigned long nr_users; /* objects not freed yet, and calls inside */
};

static struct shop shops[NR_CACHES];
static slab_flags_t shop_flags;

struct item {
	struct shop *shop;
	u64 *object;
	u64 pattern;
};

/* What an object is while it waits for readers. */
struct waiting {
	struct rcu_head rcu;
};

/* Objects on their way to whoever looks first. */
static struct item mailbox[NR_MAILBOX];
static DEFINE_SPINLOCK(mailbox_lock);

/* --- shops ----------------------------------------------------------------- */

static void enter_by(struct shop *shop, long nr)
{
	unsigned long flags;

	spin_lock_irqsave(&shop->lock, flags);
	shop->nr_users += nr;
	spin_unlock_irqrestore(&shop->lock, flags);
}

/* A shop that stays as it is until we leave; NULL if this one is closed. */
static struct shop *enter(struct prng *rng)
{
	struct shop *shop = &shops[prng_below(rng, NR_CACHES)];
	unsigned long flags;
	bool open;

	spin_lock_irqsave(&shop->lock, flags);
	open = shop->open;
	shop->nr_users += open;
	spin_unlock_irqrestore(&shop->lock, flags);
	return open ? shop : NULL;
}

static void leave(struct shop *shop)
{
	enter_by(shop, -1);
}

/* Sizes are multiples of a word, so that patterns reach the last byte. */
static void stock(struct shop *shop, struct prng *rng)
{
	slab_flags_t flags = shop_flags;
	unsigned long irqflags;

	if (prng_one_in(rng, 4))
		flags |= SLAB_HWCACHE_ALIGN;
	if (prng_one_in(rng, 4))
		flags |= SLAB_TYPESAFE_BY_RCU;
	if (!prng_one_in(rng, 4))
		flags |= SLAB_NO_MERGE;
	shop->size = 8 * (1 + prng_below(rng, 1u << prng_range(rng, 2, 10)));
	shop->size = max(shop->size, (unsigned int)sizeof(struct waiting));
	shop->cache = kmem_cache_create("stress", shop->size, 0, flags, NULL);

	spin_lock_irqsave(&shop->lock, irqflags);
	shop->open = shop->cache;
	shop->rebuilt = false;
	spin_unlock_irqrestore(&shop->lock, irqflags);
}

/* Close it; if nobody has anything of it any more, have another one instead. */
static void replace(struct prng *rng)
{
	struct shop *shop = &shops[prng_below(rng, NR_CACHES)];
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&shop->lock, flags);
	shop->open = false;
	ours = !shop->nr_users && !shop->rebuilt;
	shop->rebuilt |= ours;
	spin_unlock_irqrestore(&shop->lock, flags);
	if (ours) {
		kmem_cache_destroy(shop->cache);
		stock(shop, rng);
	}
}

/* --- what users do --------------------------------------------------------- */

static bool take(struct item *it, struct prng *rng, gfp_t gfp)
{
	struct shop *shop = enter(rng);

	if (!shop)
		return false;
	*it = (struct item){.shop = shop, .pattern = prng_u64(rng)};
	it->object = kmem_cache_alloc(shop->cache, gfp);
	if (!it->object) {
		leave(shop);
		return false;
	}
	for (unsigned int i = 0; i < shop->size / 8; i++)
		it->object[i] = it->pattern;
	return true;
}

static bool intact(const struct item *it)
{
	for (unsigned int i = 0; i < it->shop->size / 8; i++)
		if (it->object[i] != it->pattern)
			return false;
	return true;
}

static void drop(struct item *it)
{
	if (!it->object)
		return;
	EXPECT(intact(it));
	switch (it->pattern % 4) {
	case 0:
		kfree(it->object);
		break;
	case 1:
		kfree_rcu((struct waiting *)it->object, rcu);
		break;
	default:
		kmem_cache_free(it->shop->cache, it->object);
	}
	leave(it->shop);
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

static void bulk(struct prng *rng)
{
	unsigned int nr = prng_range(rng, 1, NR_BULK);
	struct shop *shop = enter(rng);
	void *objects[NR_BULK];

	if (!shop)
		return;
	if (kmem_cache_alloc_bulk(shop->cache, GFP_KERNEL, nr, objects)) {
		for (unsigned int i = 0; i < nr; i++)
			memset(objects[i], i, shop->size);
		kmem_cache_free_bulk(shop->cache, nr, objects);
	}
	leave(shop);
}

static void shrink(struct prng *rng)
{
	struct shop *shop = enter(rng);

	if (!shop)
		return;
	kmem_cache_shrink(shop->cache);
	leave(shop);
}

/* --- workers --------------------------------------------------------------- */

/* The users' part in interrupts of one kind. */
struct ticker {
	struct timer_list timer;
	struct prng rng;
	struct item held[NR_TIMER_HELD];
	bool stop;
};

struct worker {
	struct task *task;
	struct prng rng;
	struct item held[NR_HELD];
	struct ticker softirq, hardirq;
};

static struct worker workers[MAX_WORKERS];

static void tick(struct timer_list *t)
{
	struct ticker *ticker = from_timer(ticker, t, timer);

	for (int i = 0; i < NR_TIMER_HELD; i++) {
		struct item *it = &ticker->held[i];

		if (it->object && prng_one_in(&ticker->rng, 4))
			trade(it, &ticker->rng);
		else if (it->object)
			drop(it);
		else
			take(it, &ticker->rng, GFP_ATOMIC);
	}
	if (!READ_ONCE(ticker->stop))
		mod_timer(t, ktime_get_ns() + TIMER_PERIOD_NS);
}

static void start_ticker(struct ticker *ticker, struct prng *rng,
			 unsigned int flags)
{
	ticker->rng = prng_fork(rng);
	timer_setup(&ticker->timer, tick, flags);
	mod_timer(&ticker->timer, ktime_get_ns());
}

static void stop_ticker(struct ticker *ticker)
{
	WRITE_ONCE(ticker->stop, true);
	del_timer_sync(&ticker->timer);
	del_timer_sync(&ticker->timer); /* it may have re-armed itself */
	for (int i = 0; i < NR_TIMER_HELD; i++)
		drop(&ticker->held[i]);
}

static void do_something(struct worker *w)
{
	struct item *it = &w->held[prng_below(&w->rng, NR_HELD)];

	switch (prng_below(&w->rng, 16)) {
	case 0:
		bulk(&w->rng);
		break;
	case 1:
		trade(it, &w->rng);
		break;
	case 2:
		if (prng_one_in(&w->rng, 8))
			replace(&w->rng);
		else if (prng_one_in(&w->rng, 8))
			shrink(&w->rng);
		break;
	default:
		if (it->object)
			drop(it);
		else
			take(it, &w->rng, GFP_KERNEL);
	}
}

static int work(void *arg)
{
	struct worker *w = arg;

	start_ticker(&w->softirq, &w->rng, 0);
	start_ticker(&w->hardirq, &w->rng, TIMER_HARDIRQ);
	for (int round = 0; round < NR_ROUNDS; round++)
		do_something(w);
	stop_ticker(&w->softirq);
	stop_ticker(&w->hardirq);
	for (int i = 0; i < NR_HELD; i++)
		drop(&w->held[i]);
	return 0;
}

/* Where allocations fail, some CPUs may have to go without. */
static void start_worker(struct worker *w, unsigned int cpu, struct prng *rng)
{
	w->rng = prng_fork(rng);
	w->task = kthread_create(work, w, "stress/%u", cpu);
	if (IS_ERR(w->task)) {
		w->task = NULL;
		return;
	}
	kthread_bind(w->task, cpu);
	wake_up_process(w->task);
}

static void run_stress(slab_flags_t flags)
{
	int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);
	struct prng rng;

	test_tolerates_faults();
	prng_init(&rng, test_seed());
	shop_flags = flags;
	for (int i = 0; i < NR_CACHES; i++) {
		spin_lock_init(&shops[i].lock);
		shops[i].nr_users = 0;
		stock(&shops[i], &rng);
	}
	memset(workers, 0, sizeof(workers));
	for (int i = 0; i < nr; i++)
		start_worker(&workers[i], i, &rng);
	for (int i = 0; i < nr; i++)
		if (workers[i].task)
			kthread_stop(workers[i].task);
	for (int i = 0; i < NR_MAILBOX; i++)
		drop(&mailbox[i]);
	for (int i = 0; i < NR_CACHES; i++) {
		EXPECT_EQ(shops[i].nr_users, 0);
		if (!shops[i].cache)
			continue;
		EXPECT_EQ(kmem_cache_validate(shops[i].cache), 0);
		kmem_cache_destroy(shops[i].cache);
	}
}

TEST_T(slab_stress, caches_and_objects_come_and_go_in_every_context, 60)
{
	run_stress(0);
}

TEST_T(slab_stress, so_do_watched_ones, 60)
{
	run_stress(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |
		   SLAB_STORE_USER);
}
