/* SPDX-License-Identifier: MIT */
/*
 * slab_memcg_stress_test.c - groups come and go under their objects, and nobody
 * pays for what he has not.
 *
 * A task on each CPU takes objects for groups drawn at random, one by one and in
 * bulk, sometimes beyond a limit and sometimes failing on purpose, hands them to
 * other CPUs and frees what it finds; timers do the same in softirqs and
 * interrupts; and meanwhile groups are removed under their objects and made
 * anew.  Each object knows whose it is.  In the end all is free, and every group
 * that ever was owes nothing.
 */
#include <kernel/core/fault_inject.h>
#include <kernel/core/clock.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/memcg/memcg_test.h>
#include <mm/slab/owner.h>
#include <string.h>
#include <tests/test.h>
#include "owner_impl.h"

#define DEBUG                                                                  \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |               \
	 SLAB_STORE_USER)

#define NR_GROUPS   6
#define NR_HELD	    100
#define NR_ROUNDS   15000
#define NR_MAILBOX  128
#define NR_BULK	    30
#define MAX_WORKERS 8

static const struct {
	unsigned int size;
	slab_flags_t flags;
	gfp_t gfp;
} kinds[] = {
	{64, SLAB_ACCOUNT, 0},
	{96, SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT, 0},
	{512, SLAB_ACCOUNT, 0},
	{2048, 0, __GFP_ACCOUNT},
	{64, 0, __GFP_ACCOUNT},
	{128, SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU, 0},
	{64, SLAB_ACCOUNT | DEBUG, 0},
};

#define NR_KINDS ARRAY_SIZE(kinds)

static struct kmem_cache *caches[NR_KINDS];

/* --- groups that come and go ----------------------------------------------------- */

static struct group {
	/* The lock: memcg.  NULL while it is made anew. */
	spinlock_t lock;
	struct mem_cgroup *memcg;
	char path[16];
} groups[NR_GROUPS];

/* One of them, kept; or NULL. */
static struct mem_cgroup *group_get(struct prng *rng)
{
	struct group *g = &groups[prng_below(rng, NR_GROUPS)];
	struct mem_cgroup *memcg;
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	memcg = g->memcg;
	if (memcg)
		css_get(&memcg->css);
	spin_unlock_irqrestore(&g->lock, flags);
	return memcg;
}

static void group_put(struct mem_cgroup *memcg)
{
	if (memcg)
		css_put(&memcg->css);
}

static void group_show(struct group *g, struct mem_cgroup *memcg)
{
	unsigned long flags;

	spin_lock_irqsave(&g->lock, flags);
	g->memcg = memcg;
	spin_unlock_irqrestore(&g->lock, flags);
}

static void groups_make(void)
{
	ASSERT(group_make("/s"));
	for (int i = 0; i < NR_GROUPS; i++) {
		struct group *g = &groups[i];
		struct mem_cgroup *memcg;

		spin_lock_init(&g->lock);
		strlcpy(g->path, "/s/g0", sizeof(g->path));
		g->path[4] += i;
		memcg = group_make(g->path);
		ASSERT(memcg);
		group_show(g, memcg);
	}
}

/* As often as it takes: allocations fail. */
static struct mem_cgroup *make_again(const char *path)
{
	struct cgroup_subsys_state *css;
	struct cgroup *cgrp;

	do
		cgrp = cgroup_mkdir(path);
	while (IS_ERR(cgrp));
	css = cgrp->subsys[memory_cgrp_subsys.id];
	cgroup_put(cgrp);
	return mem_cgroup_from_css(css);
}

/* Remove a group under its objects, and make another of its name; the last one
 * has a limit that hurts. */
static int groups_change(void *arg)
{
	struct prng *rng = arg;

	while (!kthread_should_stop()) {
		int i = prng_below(rng, NR_GROUPS);
		struct group *g = &groups[i];
		struct mem_cgroup *memcg;

		group_show(g, NULL);
		EXPECT_EQ(cgroup_rmdir(g->path), 0);
		memcg = make_again(g->path);
		if (i == NR_GROUPS - 1)
			group_limit(memcg, 20);
		group_show(g, memcg);
		sleep_ns(2000000);
	}
	return 0;
}

static void groups_remove(void)
{
	for (int i = 0; i < NR_GROUPS; i++)
		group_remove(groups[i].path);
	group_remove("/s");
}

/* --- objects ------------------------------------------------------------------------ */

struct item {
	u64 *object;
	unsigned int kind;
	u64 pattern;
};

static struct item mailbox[NR_MAILBOX];
static DEFINE_SPINLOCK(mailbox_lock);

static void fill(struct item *it)
{
	for (unsigned int i = 0; i < kinds[it->kind].size / 8; i++)
		it->object[i] = it->pattern;
}

static bool intact(const struct item *it)
{
	for (unsigned int i = 0; i < kinds[it->kind].size / 8; i++)
		if (it->object[i] != it->pattern)
			return false;
	return true;
}

/* Whose it is now: the group's that it was taken for, or nobody's. */
static void check_owner(const void *object, struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg;
	u32 owner = slab_object_owner(object);

	if (!memcg) {
		EXPECT_EQ(owner, 0);
		return;
	}
	rcu_read_lock();
	objcg = obj_cgroup_find(owner);
	/* Removed meanwhile: then the parent pays, with its own or our id. */
	if (EXPECT(objcg))
		EXPECT(objcg->memcg == memcg ||
		       objcg->memcg == parent_mem_cgroup(memcg));
	rcu_read_unlock();
}

static void take(struct item *it, struct prng *rng, gfp_t gfp)
{
	struct mem_cgroup *memcg = group_get(rng), *old;

	it->kind = prng_below(rng, NR_KINDS);
	it->pattern = prng_u64(rng);
	old = set_active_memcg(memcg);
	it->object =
		kmem_cache_alloc(caches[it->kind], gfp | kinds[it->kind].gfp);
	set_active_memcg(old);
	if (it->object) {
		check_owner(it->object, memcg);
		fill(it);
	}
	group_put(memcg);
}

static void drop(struct item *it)
{
	if (!it->object)
		return;
	EXPECT(intact(it));
	if (it->pattern & 1)
		kfree(it->object);
	else
		kmem_cache_free(caches[it->kind], it->object);
	it->object = NULL;
}

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

static void bulk(struct prng *rng, gfp_t gfp)
{
	unsigned int kind = prng_below(rng, NR_KINDS);
	unsigned int nr = prng_range(rng, 1, NR_BULK);
	struct mem_cgroup *memcg = group_get(rng), *old;
	void *objects[NR_BULK];

	old = set_active_memcg(memcg);
	nr = kmem_cache_alloc_bulk(caches[kind], gfp | kinds[kind].gfp, nr,
				   objects);
	set_active_memcg(old);
	for (unsigned int i = 0; i < nr; i++) {
		check_owner(objects[i], memcg);
		memset(objects[i], 0xee, kinds[kind].size);
	}
	group_put(memcg);
	kmem_cache_free_bulk(caches[kind], nr, objects);
}

struct delayed {
	struct rcu_head rcu;
	u64 pad[2];
};

static void free_later(struct prng *rng, gfp_t gfp)
{
	struct mem_cgroup *memcg = group_get(rng), *old;
	struct delayed *d;

	old = set_active_memcg(memcg);
	d = kmalloc(sizeof(*d), gfp | __GFP_ACCOUNT);
	set_active_memcg(old);
	group_put(memcg);
	kfree_rcu(d, rcu);
}

/* --- workers ------------------------------------------------------------------------- */

static struct worker {
	struct task *task;
	struct timer_list timer;
	struct prng rng, timer_rng;
	struct item held[NR_HELD], timer_held[8];
	bool stop;
} workers[MAX_WORKERS];

static void interrupt_work(struct timer_list *t)
{
	struct worker *w = container_of(t, struct worker, timer);

	for (int i = 0; i < 8; i++) {
		struct item *it = &w->timer_held[i];

		if (!it->object)
			take(it, &w->timer_rng, GFP_ATOMIC);
		else if (prng_below(&w->timer_rng, 2))
			trade(it, &w->timer_rng);
		else
			drop(it);
	}
	if (!READ_ONCE(w->stop))
		mod_timer(t, ktime_get_ns() + 50000);
}

static int work(void *arg)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct worker *w = arg;

	mod_timer(&w->timer, ktime_get_ns());
	for (int i = 0; i < NR_ROUNDS; i++) {
		struct item *it = &w->held[prng_below(&w->rng, NR_HELD)];

		switch (prng_below(&w->rng, 16)) {
		case 0:
			bulk(&w->rng, gfp);
			break;
		case 1:
			free_later(&w->rng, gfp);
			break;
		case 2:
		case 3:
		case 4:
			trade(it, &w->rng);
			break;
		default:
			if (it->object)
				drop(it);
			else
				take(it, &w->rng, gfp);
		}
		cond_resched();
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

static void start(struct worker *w, unsigned int cpu, struct prng *rng,
		  unsigned int timer_flags)
{
	w->rng = prng_fork(rng);
	w->timer_rng = prng_fork(rng);
	timer_setup(&w->timer, interrupt_work, timer_flags);
	w->task = task_create(work, w, "work");
	ASSERT(w->task);
	kthread_bind(w->task, cpu);
	wake_up_process(w->task);
}

static void run_stress(unsigned int timer_flags)
{
	unsigned int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);
	struct prng rng, change_rng;
	struct task *changer;

	prng_init(&rng, test_seed());
	for (int i = 0; i < NR_KINDS; i++) {
		caches[i] = kmem_cache_create("stress", kinds[i].size, 0,
					      kinds[i].flags | SLAB_NO_MERGE,
					      NULL);
		ASSERT(caches[i]);
	}
	memset(workers, 0, sizeof(workers));
	groups_make();
	change_rng = prng_fork(&rng);
	fault_fail_randomly(&failslab, 2000, prng_u64(&rng));
	for (unsigned int i = 0; i < nr; i++)
		start(&workers[i], i, &rng, timer_flags);
	changer = kthread_run(groups_change, &change_rng, "changer");
	ASSERT(!IS_ERR(changer));
	for (unsigned int i = 0; i < nr; i++)
		task_join(workers[i].task);
	kthread_stop(changer);
	fault_off(&failslab);

	for (int i = 0; i < NR_MAILBOX; i++)
		drop(&mailbox[i]);
	kfree_rcu_barrier();
	for (int i = 0; i < NR_GROUPS; i++)
		EXPECT_EQ(settled_usage(groups[i].memcg), 0);
	EXPECT_EQ(settled_usage(parent_mem_cgroup(groups[0].memcg)), 0);
	for (int i = 0; i < NR_KINDS; i++) {
		EXPECT_EQ(kmem_cache_validate(caches[i]), 0);
		kmem_cache_destroy(caches[i]);
	}
	groups_remove();
}

TEST_T(slab_memcg_stress, tasks_and_softirqs_while_groups_change, 60)
{
	run_stress(0);
}

TEST_T(slab_memcg_stress, tasks_and_interrupts_while_groups_change, 60)
{
	run_stress(TIMER_HARDIRQ);
}

/* --- asking while it is freed ----------------------------------------------------------- */

#define NR_ASKED 16

static struct {
	struct kmem_cache *s;
	void *objects[NR_ASKED]; /* any of them may be free */
	u32 id[2];
	bool stop;
} asked;

static int take_and_free(void *memcg)
{
	void *taken[NR_ASKED];

	set_active_memcg(memcg);
	while (!READ_ONCE(asked.stop)) {
		for (int j = 0; j < NR_ASKED; j++) {
			taken[j] = kmem_cache_alloc(asked.s, GFP_KERNEL);
			if (EXPECT(taken[j]))
				WRITE_ONCE(asked.objects[j], taken[j]);
		}
		for (int j = 0; j < NR_ASKED; j++)
			if (taken[j])
				kmem_cache_free(asked.s, taken[j]);
		cond_resched();
	}
	set_active_memcg(NULL);
	return 0;
}

static int ask(void *arg)
{
	unsigned long seen = 0;

	while (seen < NR_ROUNDS) {
		rcu_read_lock();
		for (int j = 0; j < NR_ASKED; j++) {
			void *object = READ_ONCE(asked.objects[j]);
			struct obj_cgroup *objcg;
			u32 owner;

			if (!object)
				continue;
			owner = slab_object_owner(object);
			EXPECT(!owner || owner == asked.id[0] ||
			       owner == asked.id[1]);
			objcg = obj_cgroup_find(owner);
			EXPECT_EQ(!objcg, !owner);
			if (objcg)
				EXPECT_EQ(objcg->id, owner);
			seen++;
		}
		rcu_read_unlock();
		cond_resched();
	}
	WRITE_ONCE(asked.stop, true);
	return 0;
}

/* Old bug: the group of an object that was being freed was read as if it were a
 * pointer.  Here it is nobody's or somebody's, at each moment. */
TEST(slab_memcg, an_objects_owner_may_be_asked_while_it_is_freed)
{
	struct mem_cgroup *memcg[2] = {group_make("/t"), group_make("/u")};
	struct task *tasks[2], *asker;

	asked.s = kmem_cache_create(
		"test-asked", 64, 0,
		SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU | SLAB_NO_MERGE, NULL);
	ASSERT(memcg[0] && memcg[1] && asked.s);
	memset(asked.objects, 0, sizeof(asked.objects));
	asked.stop = false;
	for (int i = 0; i < 2; i++) {
		asked.id[i] = memcg[i]->objcg->id;
		tasks[i] = task_create(take_and_free, memcg[i], "take");
		ASSERT(tasks[i]);
	}
	asker = task_run(ask, NULL, "ask");
	ASSERT(asker);
	for (int i = 0; i < 2; i++)
		wake_up_process(tasks[i]);
	for (int i = 0; i < 2; i++)
		task_join(tasks[i]);
	task_join(asker);
	kmem_cache_destroy(asked.s);
	group_remove("/u");
	group_remove("/t");
}
