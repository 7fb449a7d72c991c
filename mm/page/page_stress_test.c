/* SPDX-License-Identifier: MIT */
/*
 * page_stress_test.c - all CPUs allocate and free at once, and then everything
 * is as it was.
 *
 * Each CPU has a task that draws orders, sizes and ways of allocating from the
 * test's seed.  Every page carries its owner's mark while it is held, and is
 * checked before it goes: a page given out twice shows at once.  Some blocks
 * are freed by another CPU than the one that took them, and interrupts
 * allocate and free meanwhile.
 */
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/rcu.h>
#include <kernel/core/smp.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include <tests/test.h>
#include "page_test_impl.h"

#define MAX_WORKERS 64
#define SLOTS	    48
#define BULK	    40
#define EXACT_MAX   23

enum kind { NOTHING, BLOCK, COMPOUND, BULK_PAGES, EXACT, AREA };

struct slot {
	enum kind kind;
	unsigned int order;
	size_t size;
	u64 mark;
	union {
		struct page *page;
		struct page *pages[BULK];
		void *va;
	};
};

struct worker {
	struct task *task;
	struct prng rng;
	struct slot slots[SLOTS];
	unsigned int rounds;
	bool with_areas;
	unsigned long wrong, refused;
};

/* Blocks on their way to be freed by somebody else. */
static struct page *exchange[16];

static struct worker *workers;

/* --- Marks ---------------------------------------------------------------- */

/* First and last word of each page. */
static void mark(void *va, size_t size, u64 value)
{
	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		*(u64 *)(va + at) = value + at;
		*(u64 *)(va + at + PAGE_SIZE - 8) = ~value - at;
	}
}

static unsigned long check(const void *va, size_t size, u64 value)
{
	unsigned long wrong = 0;

	for (size_t at = 0; at < size; at += PAGE_SIZE)
		wrong += *(u64 *)(va + at) != value + at ||
			 *(u64 *)(va + at + PAGE_SIZE - 8) != ~value - at;
	return wrong;
}

/* --- One allocation, one free --------------------------------------------- */

static bool slot_take(struct slot *slot, enum kind kind, struct prng *rng,
		      gfp_t gfp)
{
	slot->mark = prng_u64(rng);
	slot->order = min(__ffs(prng_u64(rng) | 1ul << 63), 10u);
	switch (kind) {
	case COMPOUND:
		gfp |= __GFP_COMP;
		fallthrough;
	case BLOCK:
		slot->page = alloc_pages(gfp, slot->order);
		if (!slot->page)
			return false;
		mark(page_address(slot->page), PAGE_SIZE << slot->order,
		     slot->mark);
		break;
	case BULK_PAGES:
		slot->size = alloc_pages_bulk(gfp, prng_range(rng, 1, BULK),
					      slot->pages);
		if (!slot->size)
			return false;
		for (size_t i = 0; i < slot->size; i++)
			mark(page_address(slot->pages[i]), PAGE_SIZE,
			     slot->mark + i);
		break;
	case EXACT:
		slot->size = prng_range(rng, 1, EXACT_MAX) * PAGE_SIZE;
		slot->va = alloc_pages_exact(slot->size, gfp);
		if (!slot->va)
			return false;
		mark(slot->va, slot->size, slot->mark);
		break;
	default:
		slot->size = prng_range(rng, 1, EXACT_MAX) * PAGE_SIZE;
		slot->va = vmalloc(slot->size);
		if (!slot->va)
			return false;
		mark(slot->va, slot->size, slot->mark);
		break;
	}
	slot->kind = kind;
	return true;
}

static void free_block(struct page *page, unsigned int order, struct prng *rng)
{
	struct page **place = &exchange[prng_below(rng, ARRAY_SIZE(exchange))];

	/* The order travels in the page; the block that was waiting goes. */
	page->private = order;
	page = xchg(place, page);
	if (page)
		__free_pages(page, page->private);
}

static unsigned long slot_give(struct slot *slot, struct prng *rng)
{
	unsigned long wrong = 0;

	switch (slot->kind) {
	case NOTHING:
		break;
	case BLOCK:
	case COMPOUND:
		wrong = check(page_address(slot->page),
			      PAGE_SIZE << slot->order, slot->mark);
		free_block(slot->page, slot->order, rng);
		break;
	case BULK_PAGES:
		for (size_t i = 0; i < slot->size; i++)
			wrong += check(page_address(slot->pages[i]), PAGE_SIZE,
				       slot->mark + i);
		if (prng_one_in(rng, 2))
			prng_shuffle(rng, slot->pages, slot->size,
				     sizeof(slot->pages[0]));
		free_pages_bulk(slot->size, slot->pages);
		break;
	case EXACT:
		wrong = check(slot->va, slot->size, slot->mark);
		free_pages_exact(slot->va, slot->size);
		break;
	case AREA:
		wrong = check(slot->va, slot->size, slot->mark);
		vfree(slot->va);
		break;
	}
	slot->kind = NOTHING;
	return wrong;
}

/* --- The tasks ------------------------------------------------------------ */

static enum kind draw_kind(struct prng *rng, bool with_areas)
{
	switch (prng_below(rng, 16)) {
	case 0:
		return COMPOUND;
	case 1:
		return BULK_PAGES;
	case 2:
		return EXACT;
	case 3:
	case 4:
		return with_areas ? AREA : BLOCK;
	default:
		return BLOCK;
	}
}

static int work(void *arg)
{
	struct worker *w = arg;

	for (unsigned int i = 0; i < w->rounds; i++) {
		struct slot *slot = &w->slots[prng_below(&w->rng, SLOTS)];
		gfp_t gfp = prng_one_in(&w->rng, 4) ? GFP_ATOMIC : GFP_KERNEL;

		if (slot->kind)
			w->wrong += slot_give(slot, &w->rng);
		else if (!slot_take(slot, draw_kind(&w->rng, w->with_areas),
				    &w->rng,
				    gfp | __GFP_NOWARN | __GFP_NORETRY))
			w->refused++;
		if (prng_one_in(&w->rng, 400))
			drain_all_pages();
		if (prng_one_in(&w->rng, 100))
			cond_resched();
	}
	for (int n = 0; n < SLOTS; n++)
		w->wrong += slot_give(&w->slots[n], &w->rng);
	return 0;
}

/* --- Interrupts ----------------------------------------------------------- */

#define IRQ_PAGES 6

/* Own CPU only, in interrupts. */
static DEFINE_PER_CPU(struct page *[IRQ_PAGES], irq_pages);

/* On every CPU, in an interrupt that came wherever it came. */
static void irq_work(void *arg)
{
	struct page **pages = *this_cpu_ptr(&irq_pages);

	for (int i = 0; i < IRQ_PAGES; i++) {
		if (pages[i])
			__free_pages(pages[i], i % 4);
		pages[i] = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, i % 4);
	}
}

static void irq_stop(void *arg)
{
	struct page **pages = *this_cpu_ptr(&irq_pages);

	for (int i = 0; i < IRQ_PAGES; i++) {
		if (pages[i])
			__free_pages(pages[i], i % 4);
		pages[i] = NULL;
	}
}

/* Let go of the stacks of tasks that have ended. */
static void settle(void)
{
	synchronize_rcu();
	rcu_barrier();
	task_drain_cache();
	vmalloc_purge();
}

/* --- The tests ------------------------------------------------------------ */

static unsigned int start_workers(unsigned int rounds, bool with_areas,
				  struct prng *rng)
{
	unsigned int nr = min(num_online_cpus(), (unsigned int)MAX_WORKERS);

	workers = vzalloc(nr * sizeof(*workers));
	ASSERT(workers);
	for (unsigned int i = 0; i < nr; i++) {
		workers[i].rng = prng_fork(rng);
		workers[i].rounds = rounds / nr;
		workers[i].with_areas = with_areas;
		workers[i].task = task_create(work, &workers[i], "stress");
		ASSERT(workers[i].task);
		kthread_bind(workers[i].task, i);
		wake_up_new_task(workers[i].task);
	}
	return nr;
}

static bool any_running(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (!task_exited(workers[i].task))
			return true;
	return false;
}

static void stress(unsigned int rounds, bool with_areas)
{
	unsigned long wrong = 0, refused = 0;
	struct prng rng;
	unsigned int nr;

	prng_init(&rng, test_seed());
	nr = start_workers(rounds, with_areas, &rng);
	while (any_running(nr)) {
		on_each_cpu(irq_work, NULL, true);
		/* What moves must look whole at every moment. */
		EXPECT_EQ(page_validate_all(), 0);
		sleep_ns(500 * NSEC_PER_USEC);
	}
	on_each_cpu(irq_stop, NULL, true);
	for (unsigned int i = 0; i < nr; i++) {
		task_join(workers[i].task);
		wrong += workers[i].wrong;
		refused += workers[i].refused;
	}
	vfree(workers);
	for (unsigned int i = 0; i < ARRAY_SIZE(exchange); i++) {
		struct page *page = xchg(&exchange[i], NULL);

		if (page)
			__free_pages(page, page->private);
	}
	EXPECT_EQ(wrong, 0);
	EXPECT_EQ(page_validate_all(), 0);
	EXPECT(memory_is_whole());
	test_log("%u CPUs, %lu refused", nr, refused);
}

/* Nothing is given to two, and everything merges again: the free blocks are
 * exactly those of before. */
TEST_T(page_stress, pages_on_all_cpus, 60)
{
	struct shape before, after;

	/* Once for the stacks that stay with their makers. */
	stress(1000, false);
	settle();
	shape_get(&before);
	/* Poison makes each page a hundred times as dear. */
	stress(page_debug_enabled() ? 40000 : 200000, false);
	settle();
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
}

/* Also with vmalloc, which takes page tables on the way and keeps them. */
TEST_T(page_stress, pages_and_areas_on_all_cpus, 60)
{
	stress(40000, true);
	EXPECT_EQ(vmalloc_validate(), 0);
}

/* --- Waiting for memory --------------------------------------------------- */

static struct completion got_it;

static int must_have(void *arg)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);

	complete(&got_it);
	if (!page)
		return 1;
	__free_page(page);
	return 0;
}

/* With all memory gone, __GFP_NOFAIL waits, and goes on when some is back. */
TEST(page_stress, nofail_waits_until_there_is_memory)
{
	struct hoard hoard = HOARD_INIT(hoard);
	struct task *task = task_create(must_have, NULL, "must-have");

	ASSERT(task);
	init_completion(&got_it);
	hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT | __GFP_MEMALLOC);
	wake_up_new_task(task);
	EXPECT(!wait_for_completion_timeout(&got_it, 50 * NSEC_PER_MSEC));
	hoard_free(&hoard);
	wait_for_completion(&got_it);
	EXPECT_EQ(task_join(task), 0);
}

/* What others free lies on their CPUs' lists: who waits finds it there. */
TEST(page_stress, nofail_finds_what_lies_on_anothers_list)
{
	struct hoard hoard = HOARD_INIT(hoard), near = HOARD_INIT(near);
	unsigned int other = cpumask_next(0, cpu_online_mask);
	unsigned long nr = 2, high;
	struct zone_info info;
	struct zone *zone;
	struct task *task;

	for_each_zone(zone) {
		zone_get_info(zone, &info);
		nr += info.watermark[WMARK_MIN] >> PCP_HUGE_ORDER;
	}
	EXPECT_EQ(set_cpus_allowed(current, cpumask_of(0)), 0);
	__free_page(alloc_page(GFP_KERNEL));
	zone_get_info(node_zone(0, ZONE_DMA32), &info);
	high = info.pcp_lists[NR_PCP_LISTS - 1].high;
	if (other >= nr_cpu_ids || cpu_to_node(0) || nr > high)
		goto not_here;
	task = task_create(must_have, NULL, "must-have");
	ASSERT(task);
	kthread_bind(task, other);
	init_completion(&got_it);
	drain_all_pages();
	for (unsigned long i = 0; i < nr; i++) {
		struct page *page = alloc_pages_node(
			0, GFP_KERNEL | __GFP_DMA32, PCP_HUGE_ORDER);

		if (page)
			list_add(&page->lru, &near.blocks);
	}
	hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT | __GFP_MEMALLOC);
	wake_up_new_task(task);
	EXPECT(!wait_for_completion_timeout(&got_it, 20 * NSEC_PER_MSEC));
	hoard_free(&near);
	EXPECT(wait_for_completion_timeout(&got_it, 5 * NSEC_PER_SEC));
	hoard_free(&hoard);
	EXPECT_EQ(task_join(task), 0);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
	return;
not_here:
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
	SKIP("lists that hold more than the watermark, and another CPU");
}

/* --- All at the watermark at once ------------------------------------------ */

#define RACE_ORDER  4 /* that no list keeps */
#define RACE_BLOCKS 64
#define RACE_ROUNDS 40

struct racer {
	struct task *task;
	struct hoard hoard;
};

static struct racer racers[MAX_WORKERS];
static atomic_t race_round, race_done;

/* Takes what it can get, once in each round. */
static int race(void *arg)
{
	struct racer *r = arg;

	for (int round = 1; round <= RACE_ROUNDS; round++) {
		struct page *page;

		while (atomic_read(&race_round) < round)
			cpu_relax();
		while ((page = alloc_pages(GFP_NOWAIT, RACE_ORDER)))
			list_add(&page->lru, &r->hoard.blocks);
		atomic_inc(&race_done);
	}
	return 0;
}

static void expect_watermarks_hold(void)
{
	struct zone *zone;

	for_each_zone(zone) {
		struct zone_info info;

		zone_get_info(zone, &info);
		EXPECT_GE(info.free, info.watermark[WMARK_MIN]);
	}
}

/* However many look at once: the last block above the watermark goes to one. */
TEST(page_stress, watermark_holds_against_all_cpus)
{
	struct hoard hoard = HOARD_INIT(hoard), blocks = HOARD_INIT(blocks);
	int nr = min(num_online_cpus(), (unsigned int)MAX_WORKERS);

	atomic_set(&race_round, 0);
	atomic_set(&race_done, 0);
	for (int i = 0; i < nr; i++) {
		INIT_LIST_HEAD(&racers[i].hoard.blocks);
		racers[i].task = task_create(race, &racers[i], "racer");
		ASSERT(racers[i].task);
		kthread_bind(racers[i].task, i);
	}
	hoard_some(&blocks, RACE_BLOCKS, RACE_ORDER);
	hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT);
	drain_all_pages();
	for (int i = 0; i < nr; i++)
		wake_up_new_task(racers[i].task);
	for (int round = 1; round <= RACE_ROUNDS; round++) {
		hoard_free(&blocks);
		atomic_set(&race_round, round);
		while (atomic_read(&race_done) < round * nr)
			sleep_ns(20 * NSEC_PER_USEC);
		expect_watermarks_hold();
		for (int i = 0; i < nr; i++)
			list_splice_init(&racers[i].hoard.blocks,
					 &blocks.blocks);
	}
	for (int i = 0; i < nr; i++)
		EXPECT_EQ(task_join(racers[i].task), 0);
	hoard_free(&blocks);
	hoard_free(&hoard);
}
