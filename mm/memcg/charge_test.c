/* SPDX-License-Identifier: MIT */
/* charge_test.c - who is let through, who waits, and who is refused. */
#include <arch/irqflags.h>
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <mm/page/page_alloc.h>
#include <mm/reclaim/shrinker.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"

/* --- a group at its limit, and a cache that reclaim asks ------------------------- */

static atomic_t nr_asked;	 /* how often reclaim came by */
static unsigned long nr_to_give; /* pages the cache can still give */
static int given_owner;		 /* whose they are */

static unsigned long cache_count(struct shrinker *s, struct shrink_control *sc)
{
	atomic_inc(&nr_asked);
	return READ_ONCE(nr_to_give);
}

static unsigned long cache_scan(struct shrinker *s, struct shrink_control *sc)
{
	if (!nr_to_give)
		return SHRINK_STOP;
	nr_to_give--;
	uncharge_bytes(given_owner, PAGE_SIZE);
	return 1;
}

static struct shrinker cache = {
	.count_objects = cache_count,
	.scan_objects = cache_scan,
	.seeks = DEFAULT_SEEKS,
	.batch = 1,
};

static struct mem_cgroup *full_group(unsigned long pages)
{
	struct mem_cgroup *memcg = group_make("/t");

	ASSERT(memcg);
	group_limit(memcg, pages);
	given_owner = charge_bytes(memcg, pages * PAGE_SIZE, GFP_KERNEL);
	EXPECT_GT(given_owner, 0);
	EXPECT_EQ(usage_of(memcg), pages);
	atomic_set(&nr_asked, 0);
	nr_to_give = 0;
	ASSERT(!register_shrinker(&cache, "test"));
	return memcg;
}

/* @pages are still charged to it. */
static void full_group_end(struct mem_cgroup *memcg, unsigned long pages)
{
	unregister_shrinker(&cache);
	EXPECT_EQ(settled_usage(memcg), pages);
	uncharge_bytes(given_owner, pages * PAGE_SIZE);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

/* Times that reclaim asked the cache in a whole round of it. */
static int asked_per_round(struct mem_cgroup *memcg)
{
	atomic_set(&nr_asked, 0);
	mem_cgroup_reclaim(memcg, 1, GFP_KERNEL);
	return atomic_xchg(&nr_asked, 0);
}

/* --- refusals -------------------------------------------------------------------------- */

/* Old bug 3: an error is not "nobody pays". */
TEST(charge, old_bug_3_a_refused_charge_is_not_taken_for_nobody)
{
	struct mem_cgroup *memcg = full_group(4), *old;
	struct page *page;

	EXPECT_EQ(charge_bytes(memcg, 1, GFP_KERNEL), -ENOMEM);
	EXPECT_EQ(charge_bytes(memcg, 1, GFP_NOWAIT), -ENOMEM);
	old = set_active_memcg(memcg);
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	EXPECT(!page);
	EXPECT_EQ(usage_of(memcg), 4ul);
	full_group_end(memcg, 4);
}

TEST(charge, an_ancestors_limit_is_a_limit)
{
	struct mem_cgroup *parent = full_group(4), *child;

	ASSERT((child = group_make("/t/c")));
	EXPECT_EQ(charge_bytes(child, 1, GFP_KERNEL), -ENOMEM);
	EXPECT_EQ(usage_of(child), 0ul);
	EXPECT_EQ(event_count(parent, MEMCG_MAX), 1l);
	EXPECT_EQ(event_count(child, MEMCG_MAX), 0l);
	group_remove("/t/c");
	full_group_end(parent, 4);
}

TEST(charge, who_cannot_wait_never_waits)
{
	struct mem_cgroup *memcg = full_group(4);
	unsigned long flags;

	/* Sleeping here would be reported. */
	preempt_disable();
	EXPECT_EQ(charge_bytes(memcg, PAGE_SIZE, GFP_NOWAIT), -ENOMEM);
	preempt_enable();
	local_irq_save(flags);
	EXPECT_EQ(charge_bytes(memcg, PAGE_SIZE, GFP_NOWAIT), -ENOMEM);
	local_irq_restore(flags);
	EXPECT_EQ(atomic_read(&nr_asked), 0);
	EXPECT_EQ(event_count(memcg, MEMCG_MAX), 2l);
	full_group_end(memcg, 4);
}

/* But it may have what its own CPU keeps for another group below the limit. */
TEST(charge, who_cannot_wait_drains_its_own_cpu)
{
	struct mem_cgroup *parent = group_make("/t"), *child;

	ASSERT(parent && (child = group_make("/t/c")));
	group_limit(parent, 64);
	preempt_disable();
	EXPECT_GT(charge_bytes(child, PAGE_SIZE, GFP_NOWAIT), 0);
	EXPECT_EQ(usage_of(parent), 64ul);
	EXPECT_GT(charge_bytes(parent, 63 * PAGE_SIZE, GFP_NOWAIT), 0);
	EXPECT_EQ(charge_bytes(parent, 1, GFP_NOWAIT), -ENOMEM);
	preempt_enable();
	uncharge_bytes(parent->objcg->id, 63 * PAGE_SIZE);
	uncharge_bytes(child->objcg->id, PAGE_SIZE);
	EXPECT_EQ(settled_usage(parent), 0ul);
	group_remove("/t/c");
	group_remove("/t");
}

TEST(charge, gfp_high_goes_beyond_the_limit)
{
	struct mem_cgroup *memcg = full_group(4);
	unsigned long flags;
	int owner;

	local_irq_save(flags);
	owner = charge_bytes(memcg, 2 * PAGE_SIZE, GFP_ATOMIC);
	local_irq_restore(flags);
	EXPECT_EQ(owner, given_owner);
	EXPECT_EQ(settled_usage(memcg), 6ul);
	EXPECT_EQ(event_count(memcg, MEMCG_MAX), 1l);
	EXPECT_EQ(atomic_read(&nr_asked), 0);
	full_group_end(memcg, 6);
}

TEST(charge, gfp_noretry_is_refused_after_one_round_of_reclaim)
{
	struct mem_cgroup *memcg = full_group(4);
	int round = asked_per_round(memcg);

	EXPECT_EQ(charge_bytes(memcg, 1, GFP_KERNEL | __GFP_NORETRY), -ENOMEM);
	EXPECT_EQ(atomic_read(&nr_asked), round);
	full_group_end(memcg, 4);
}

TEST(charge, gfp_retry_mayfail_tries_long_and_kills_nobody)
{
	struct mem_cgroup *memcg = full_group(4);
	int round = asked_per_round(memcg);

	EXPECT_EQ(charge_bytes(memcg, 1, GFP_KERNEL | __GFP_RETRY_MAYFAIL),
		  -ENOMEM);
	EXPECT_EQ(atomic_read(&nr_asked), MAX_RECLAIM_RETRIES * round);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM), 0l);
	EXPECT_EQ(event_count(memcg, MEMCG_OOM_KILL), 0l);
	full_group_end(memcg, 4);
}

TEST(charge, gfp_nofail_forces_its_own_group_and_counts_max)
{
	struct mem_cgroup *memcg = full_group(4);

	EXPECT_EQ(charge_bytes(memcg, PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL),
		  given_owner);
	EXPECT_EQ(settled_usage(memcg), 5ul);
	EXPECT_EQ(event_count(memcg, MEMCG_MAX), 1l);
	EXPECT_GT(atomic_read(&nr_asked), 0);
	full_group_end(memcg, 5);
}

/* With nobody to kill, an ordinary request is refused in the end. */
TEST(charge, gfp_kernel_is_refused_when_all_has_been_tried)
{
	struct mem_cgroup *memcg = full_group(4);
	int round = asked_per_round(memcg);

	EXPECT_EQ(charge_bytes(memcg, 1, GFP_KERNEL), -ENOMEM);
	EXPECT_EQ(atomic_read(&nr_asked), MAX_RECLAIM_RETRIES * round);
	EXPECT_EQ(atomic_long_read(&memcg->events[MEMCG_MAX]), 1l);
	EXPECT_EQ(atomic_read(&memcg->memory.squeezed), 0);
	full_group_end(memcg, 4);
}

TEST(charge, reclaim_makes_room)
{
	struct mem_cgroup *memcg = full_group(8);

	nr_to_give = 3;
	EXPECT_EQ(charge_bytes(memcg, 3 * PAGE_SIZE, GFP_KERNEL), given_owner);
	EXPECT_EQ(usage_of(memcg), 8ul);
	EXPECT_EQ(nr_to_give, 0ul);
	full_group_end(memcg, 8);
}

static int charge_when_killed(void *arg)
{
	struct mem_cgroup *memcg = arg;

	while (!kill_pending())
		yield();
	return charge_bytes(memcg, PAGE_SIZE, GFP_KERNEL);
}

TEST(charge, a_dying_task_is_let_through)
{
	struct mem_cgroup *memcg = full_group(4);
	struct task *t = task_run(charge_when_killed, memcg, "dying");

	ASSERT(t);
	task_kill(t);
	EXPECT_EQ(task_join(t), given_owner);
	EXPECT_EQ(settled_usage(memcg), 5ul);
	EXPECT_EQ(atomic_read(&nr_asked), 0);
	full_group_end(memcg, 5);
}

/* --- without a trace ------------------------------------------------------------------ */

TEST(charge, a_failed_page_allocation_leaves_no_charge)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	unsigned long n;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	FAULT_SWEEP(&fail_page_alloc, n) {
		struct page *page =
			alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP, 2);

		if (page)
			__free_pages(page, 2);
		EXPECT_EQ(settled_usage(memcg), 0ul);
	}
	set_active_memcg(old);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}

/* A refused charge gives the pages back. */
TEST(charge, a_refused_charge_frees_the_pages)
{
	struct mem_cgroup *memcg = full_group(4), *old;

	old = set_active_memcg(memcg);
	for (unsigned int order = 0; order < 4; order++)
		EXPECT(!alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_COMP, order));
	set_active_memcg(old);
	full_group_end(memcg, 4);
}

/* Once a page of many is refused, the others are not even tried. */
TEST(charge, bulk_stops_at_the_first_refusal)
{
	struct mem_cgroup *memcg = full_group(10), *old;
	struct page *pages[64];
	unsigned long nr;
	long max;

	group_limit(memcg, 15);
	old = set_active_memcg(memcg);
	max = event_count(memcg, MEMCG_MAX);
	nr = alloc_pages_bulk(GFP_KERNEL_ACCOUNT | __GFP_NORETRY, 64, pages);
	set_active_memcg(old);
	EXPECT_EQ(nr, 5);
	EXPECT_EQ(settled_usage(memcg), 15);
	EXPECT_LE(event_count(memcg, MEMCG_MAX), max + 4);
	free_pages_bulk(nr, pages);
	full_group_end(memcg, 10);
}

TEST(charge, pages_of_every_order_are_counted_and_returned)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;

	ASSERT(memcg);
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		struct page *page;

		old = set_active_memcg(memcg);
		page = alloc_pages(GFP_KERNEL_ACCOUNT, order);
		set_active_memcg(old);
		if (!page)
			break;
		EXPECT_EQ(settled_usage(memcg), 1ul << order);
		cgroup_rstat_flush(&memcg->css);
		EXPECT_EQ(memcg->sums[MEMCG_PAGES].all,
			  (long)PAGE_SIZE << order);
		__free_pages(page, order);
		EXPECT_EQ(settled_usage(memcg), 0ul);
		EXPECT_EQ(page->memcg_data, 0ul);
	}
	group_remove("/t");
}

TEST(charge, nobody_pays_for_pages_that_were_not_asked_to_be_charged)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	struct page *plain, *anon;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	plain = alloc_page(GFP_KERNEL);
	anon = alloc_page(GFP_KERNEL);
	ASSERT(plain && anon);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	EXPECT(accounting_charge_page_as(anon, GFP_KERNEL, 0, MEMCG_ANON));
	set_active_memcg(old);
	EXPECT_EQ(plain->memcg_data, 0ul);
	EXPECT_EQ(page_memcg_kind(anon), MEMCG_ANON);
	EXPECT_EQ(settled_usage(memcg), 1ul);
	__free_page(plain);
	__free_page(anon);
	EXPECT_EQ(settled_usage(memcg), 0ul);
	group_remove("/t");
}
