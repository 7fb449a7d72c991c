/* SPDX-License-Identifier: MIT */
/* page_test.c - blocks are given out whole, once, and come back whole. */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <arch/paging.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/irq.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <kernel/core/smp.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/page/memblock.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <string.h>
#include <tests/test.h>
#include "page_impl.h"
#include "page_test_impl.h"

/* --- Blocks --------------------------------------------------------------- */

/* Of every order: naturally aligned, one reference, marked as a used block. */
TEST(page, block_is_aligned_and_marked)
{
	for (unsigned int o = 0; o <= MAX_PAGE_ORDER; o++) {
		struct page *page = alloc_pages(GFP_KERNEL, o);

		ASSERT(page);
		EXPECT(IS_ALIGNED(page_to_pfn(page), 1ul << o));
		EXPECT_EQ(page_count(page), 1);
		EXPECT_EQ(page_type(page), PAGE_USED);
		EXPECT_EQ(compound_order(page), o);
		EXPECT_EQ(page_block_head(page + (1ul << o) - 1), page);
		__free_pages(page, o);
	}
}

/* By address; dirty pages just freed are the next to be given out. */
TEST(page, zeroed_page_is_zero_though_the_last_user_left_it_dirty)
{
	static unsigned long va[16];

	for (int i = 0; i < 16; i++) {
		va[i] = __get_free_page(GFP_KERNEL);
		ASSERT(va[i]);
		memset((void *)va[i], 0xa5, PAGE_SIZE);
	}
	for (int i = 0; i < 16; i++)
		free_page(va[i]);
	for (int i = 0; i < 16; i++) {
		u64 *words, wrong = 0;

		va[i] = get_zeroed_page(GFP_KERNEL);
		ASSERT(va[i]);
		EXPECT(!(va[i] & ~PAGE_MASK));
		words = (u64 *)va[i];
		for (u64 w = 0; w < PAGE_SIZE / 8; w++)
			wrong += words[w] != 0;
		EXPECT_EQ(wrong, 0);
	}
	for (int i = 0; i < 16; i++)
		free_page(va[i]);
	fault_fail_nth(&fail_page_alloc, 1);
	EXPECT_EQ(get_zeroed_page(GFP_KERNEL), 0);
	EXPECT_EQ(fault_off(&fail_page_alloc), 1);
}

/* Two live blocks never overlap: each is filled with its own number. */
TEST(page, blocks_do_not_overlap)
{
	static struct page *pages[256];
	u64 *word;

	for (u64 i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_pages(GFP_KERNEL, i % 4);
		ASSERT(pages[i]);
		word = page_address(pages[i]);
		for (u64 w = 0; w < PAGE_SIZE / 8 << i % 4; w++)
			word[w] = i;
	}
	for (u64 i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 wrong = 0;

		word = page_address(pages[i]);
		for (u64 w = 0; w < PAGE_SIZE / 8 << i % 4; w++)
			wrong += word[w] != i;
		EXPECT_EQ(wrong, 0);
		__free_pages(pages[i], i % 4);
	}
}

TEST(page, order_above_the_largest_is_refused)
{
	report_expect(REPORT_WARN);
	EXPECT_EQ(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1), NULL);
	EXPECT_EQ(alloc_pages(GFP_KERNEL | __GFP_NOFAIL, 64), NULL);
	report_expected(REPORT_WARN);
	/* Who expects it hears nothing. */
	EXPECT_EQ(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER + 1),
		  NULL);
	EXPECT_EQ(alloc_pages_node(0, GFP_NOWAIT, ~0u), NULL);
	EXPECT_EQ(__get_free_pages(GFP_NOWAIT, MAX_PAGE_ORDER + 1), 0);
}

TEST(page, order_of_a_size_is_the_least_that_holds_it)
{
	EXPECT_EQ(get_order(1), 0);
	EXPECT_EQ(get_order(PAGE_SIZE), 0);
	EXPECT_EQ(get_order(PAGE_SIZE + 1), 1);
	EXPECT_EQ(get_order(5 * PAGE_SIZE), 3);
	EXPECT_EQ(get_order(MAX_ORDER_PAGES * PAGE_SIZE), MAX_PAGE_ORDER);
	EXPECT_GT(get_order(~0ul), MAX_PAGE_ORDER);
}

/* An NMI may have come while a zone was locked, or a list: what would need the
 * zone's lock is refused, and nobody waits. */
TEST(page, nmi_is_refused_what_would_need_a_lock)
{
	struct page *page, *bulk[4];
	unsigned long flags, got;

	report_expect(REPORT_WARN);
	local_irq_save(flags);
	nmi_enter();
	page = alloc_pages(GFP_ATOMIC, 5);
	got = alloc_pages_bulk(GFP_ATOMIC, ARRAY_SIZE(bulk), bulk);
	nmi_exit();
	local_irq_restore(flags);
	report_expected(REPORT_WARN);
	EXPECT_EQ(page, NULL);
	EXPECT_EQ(got, 0);
}

/* Whatever was allocated in whatever order and size: when all is back, the
 * free blocks are what they were.  (A set of free pages has one shape only in
 * which no two buddies are both free.) */
TEST(page, random_orders_merge_back_to_the_same_blocks)
{
	static struct {
		struct page *page;
		unsigned int order;
	} held[512];
	struct shape before, after;
	struct prng rng;

	memset(held, 0, sizeof(held));
	prng_init(&rng, test_seed());
	shape_get(&before);
	for (int i = 0; i < 20000; i++) {
		unsigned int n = prng_below(&rng, ARRAY_SIZE(held));

		if (held[n].page) {
			__free_pages(held[n].page, held[n].order);
			held[n].page = NULL;
			continue;
		}
		/* Small orders often, each further one half as often. */
		held[n].order = __ffs(prng_u64(&rng) | 1ul << MAX_PAGE_ORDER);
		held[n].page =
			alloc_pages(GFP_KERNEL | __GFP_NOWARN, held[n].order);
	}
	EXPECT_EQ(page_validate_all(), 0);
	for (unsigned int n = 0; n < ARRAY_SIZE(held); n++)
		if (held[n].page)
			__free_pages(held[n].page, held[n].order);
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
	EXPECT(memory_is_whole());
	EXPECT_EQ(page_validate_all(), 0);
}

TEST(page, zeroed_block_is_zero_to_its_end)
{
	for (unsigned int o = 0; o <= MAX_PAGE_ORDER; o++) {
		struct page *page = alloc_pages(GFP_KERNEL, o);
		u64 *word, wrong = 0;

		ASSERT(page);
		memset(page_address(page), 0x5a, PAGE_SIZE << o);
		__free_pages(page, o);
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, o);
		ASSERT(page);
		word = page_address(page);
		for (u64 w = 0; w < PAGE_SIZE / 8 << o; w++)
			wrong += word[w] != 0;
		EXPECT_EQ(wrong, 0);
		__free_pages(page, o);
	}
}

/* --- References and compound blocks --------------------------------------- */

TEST(page, block_lives_until_the_last_reference)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	long in_use = page_nr_in_use();

	ASSERT(page);
	get_page(page);
	__free_pages(page, 2);
	EXPECT_EQ(page_nr_in_use(), in_use);
	EXPECT_EQ(page_count(page), 1);
	put_page(page);
	EXPECT_EQ(page_nr_in_use(), in_use - 4);
	EXPECT(!get_page_unless_zero(page));
}

TEST(page, compound_tails_know_their_head_while_allocated)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	char *last;

	ASSERT(page);
	last = (char *)page_address(page) + 8 * PAGE_SIZE - 1;
	EXPECT(PageHead(page) && PageCompound(page) && !PageTail(page));
	EXPECT(PageTail(page + 7) && PageCompound(page + 7));
	EXPECT_EQ(virt_to_head_page(last), page);
	EXPECT_EQ(virt_to_head_page(page_address(page)), page);
	get_page(page + 5);
	EXPECT_EQ(page_count(page), 2);
	put_page(page + 7);
	put_page(page + 1);
	EXPECT(!PageCompound(page) && !PageTail(page + 7));
	EXPECT_EQ(page[7].compound_head & 1, 0);
}

/* --- Struct pages --------------------------------------------------------- */

static unsigned long memmap_bytes;

/* Whose struct pages are these? */
static void check_memmap(unsigned long va, const struct paging_entry *entry,
			 void *unused)
{
	if (va < VMEMMAP_BASE || va >= VMEMMAP_BASE + VMEMMAP_SIZE)
		return;
	memmap_bytes += entry->size;
	for (unsigned long at = va; at < va + entry->size; at += PAGE_SIZE)
		EXPECT(pfn_valid(page_to_pfn((struct page *)at)));
}

static bool has_memory(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t from, to;
	int nid;
	u64 i;

	for_each_mem_range(i, &from, &to,
			   &nid) if (from < end && start < to) return true;
	return false;
}

/* A section is present if it holds any memory; and all of vmemmap is struct
 * pages of present ones. */
TEST(page, struct_pages_are_mapped_for_present_sections_only)
{
	const unsigned long step = PAGES_PER_SECTION;
	unsigned long nr = 0;

	for (unsigned long pfn = 0; pfn < max_pfn; pfn += step) {
		bool present =
			has_memory((phys_addr_t)pfn << PAGE_SHIFT,
				   (phys_addr_t)(pfn + step) << PAGE_SHIFT);

		EXPECT_EQ(pfn_valid(pfn), present);
		EXPECT_EQ(pfn_valid(pfn + step - 1), present);
		nr += present;
	}
	memmap_bytes = 0;
	paging_for_each(check_memmap, NULL);
	EXPECT_EQ(memmap_bytes, nr * step * sizeof(struct page));
	EXPECT_EQ(memmap_bytes, memmap_pages * PAGE_SIZE);
	EXPECT(!pfn_valid(max_pfn));
	EXPECT(!pfn_valid(~0ul));
}

TEST(page, addresses_and_pages_convert_both_ways)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char *va;

	ASSERT(page);
	va = page_address(page);
	EXPECT_EQ(virt_to_page(va), page);
	EXPECT_EQ(virt_to_page(va + PAGE_SIZE - 1), page);
	EXPECT_EQ(virt_to_page(va + PAGE_SIZE), page + 1);
	EXPECT_EQ(phys_to_page(page_to_phys(page)), page);
	EXPECT_EQ(pfn_to_page(page_to_pfn(page)), page);
	EXPECT_EQ(page_to_phys(page), virt_to_phys(va));
	__free_page(page);
}

TEST(page, types_add_up_to_all_there_is)
{
	unsigned long before[NR_PAGE_TYPES], after[NR_PAGE_TYPES];
	unsigned long sum = 0, present = 0;
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	struct zone *zone;

	ASSERT(page);
	page_count_types(before);
	page_set_type(page, PAGE_STACK);
	page_count_types(after);
	page_set_type(page, PAGE_USED);
	EXPECT_EQ(after[PAGE_STACK], before[PAGE_STACK] + 8);
	EXPECT_EQ(after[PAGE_TAIL], 0);
	for (int type = 0; type < NR_PAGE_TYPES; type++)
		sum += after[type];
	for_each_zone(zone)
		present += zone->present;
	EXPECT_EQ(sum, present);
	__free_pages(page, 3);
}

/* --- Where from ----------------------------------------------------------- */

TEST(page, dma32_comes_from_below_4_gib)
{
	for (int i = 0; i < 200; i++) {
		struct page *page =
			alloc_pages(GFP_KERNEL | __GFP_DMA32, i % 4);

		ASSERT(page);
		EXPECT_LT(page_to_pfn(page), DMA32_END_PFN);
		__free_pages(page, i % 4);
	}
}

/* While it has memory, whether or not others would do. */
TEST(page, node_asked_for_is_the_node_given)
{
	struct page *bulk[20];
	struct zone *zone;

	for_each_zone(zone) {
		for (int order = 0; order < 6; order++) {
			gfp_t gfp = GFP_KERNEL |
				    (order % 2 ? __GFP_THISNODE : 0);
			struct page *page =
				alloc_pages_node(zone->nid, gfp, order);

			ASSERT(page);
			EXPECT_EQ(page_to_nid(page), zone->nid);
			__free_pages(page, order);
		}
		ASSERT_EQ(
			alloc_pages_bulk_node(zone->nid, GFP_KERNEL, 20, bulk),
			20);
		for (int i = 0; i < 20; i++)
			EXPECT_EQ(page_to_nid(bulk[i]), zone->nid);
		free_pages_bulk(20, bulk);
	}
}

struct wanderer {
	int nid;
	bool stop;
	unsigned long strays, pages;
};

static int take_from_one_node(void *arg)
{
	struct wanderer *w = arg;

	while (!READ_ONCE(w->stop)) {
		struct page *page = alloc_pages_node(
			w->nid, GFP_KERNEL | __GFP_THISNODE, 0);

		if (!page)
			continue;
		w->strays += page_to_nid(page) != w->nid;
		w->pages++;
		__free_page(page);
		cpu_relax();
	}
	return 0;
}

/* However often who asks is moved between looking where it is and taking. */
TEST(page, node_asked_for_is_the_node_given_while_moving)
{
	struct wanderer w = {.nid = cpu_to_mem(0)};
	unsigned int away = nr_cpu_ids;
	struct task *task;

	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (cpu_online(cpu) && cpu_to_node(cpu) != w.nid)
			away = cpu;
	if (away == nr_cpu_ids)
		SKIP("all CPUs are of one node");
	task = task_create(take_from_one_node, &w, "wanderer");
	ASSERT(task);
	wake_up_new_task(task);
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(set_cpus_allowed(task, cpumask_of(i % 2 ? away : 0)),
			  0);
		sleep_ns(200 * NSEC_PER_USEC);
	}
	WRITE_ONCE(w.stop, true);
	task_join(task);
	EXPECT_GT(w.pages, 0);
	EXPECT_EQ(w.strays, 0);
}

/* Every zone is in every list of its type or higher, the near ones first, and
 * on each node the high one first. */
TEST(page, zones_are_tried_from_near_to_far)
{
	for (int nid = 0; nid < (int)acpi_info.nr_nodes; nid++) {
		struct zone **next = zonelists[nid][ZONE_NORMAL].zones;
		struct zone *zone, *before = NULL;
		const u8 *distance = acpi_info.distance[nid];
		unsigned long seen = 0;

		for (; (zone = *next); before = zone, next++) {
			seen |= 1ul << zone->id;
			if (before && before->nid == zone->nid)
				EXPECT_LT(zone->type, before->type);
			else if (before)
				EXPECT_LE(distance[before->nid],
					  distance[zone->nid]);
		}
		for_each_zone(zone)
			EXPECT(seen & 1ul << zone->id);
	}
}

/* With the nearest node used up, memory comes from the next nearest. */
TEST(page, fallback_goes_by_distance)
{
	const u8 *distance = acpi_info.distance[0];
	struct hoard hoard = HOARD_INIT(hoard);
	struct page *page, *bulk[4];
	unsigned long nr;

	if (acpi_info.nr_nodes < 2)
		SKIP("one node only");
	hoard_all(&hoard, 0, GFP_NOWAIT | __GFP_THISNODE);
	page = alloc_pages_node(0, GFP_NOWAIT, 0);
	EXPECT(page);
	if (page) {
		int got = page_to_nid(page);

		EXPECT_NE(got, 0);
		for (int nid = 1; nid < (int)acpi_info.nr_nodes; nid++)
			if (node_zone(nid, ZONE_DMA32) ||
			    node_zone(nid, ZONE_NORMAL))
				EXPECT_LE(distance[got], distance[nid]);
		__free_page(page);
	}
	EXPECT_EQ(alloc_pages_node(0, GFP_NOWAIT | __GFP_THISNODE, 0), NULL);
	EXPECT_EQ(
		alloc_pages_bulk_node(0, GFP_NOWAIT | __GFP_THISNODE, 4, bulk),
		0);
	EXPECT_EQ(alloc_contig_pages(0, 3, 1, GFP_NOWAIT | __GFP_THISNODE),
		  NULL);
	EXPECT_EQ(alloc_pages_exact_node(0, 3 * PAGE_SIZE,
					 GFP_NOWAIT | __GFP_THISNODE),
		  NULL);
	nr = alloc_pages_bulk_node(0, GFP_NOWAIT, 4, bulk);
	EXPECT_EQ(nr, 4);
	for (unsigned long i = 0; i < nr; i++)
		EXPECT_NE(page_to_nid(bulk[i]), 0);
	free_pages_bulk(nr, bulk);
	hoard_free(&hoard);
}

/* --- Watermarks ----------------------------------------------------------- */

/* With all that NOWAIT may have gone, ATOMIC still gets memory, and when that
 * is gone too, those who free memory by allocating do. */
TEST(page, atomic_succeeds_where_others_are_refused)
{
	struct hoard hoard = HOARD_INIT(hoard);
	unsigned long most, atomic, memalloc;

	most = hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT);
	EXPECT_GT(most, 0);
	EXPECT_EQ(alloc_page(GFP_NOWAIT), NULL);
	EXPECT_EQ(alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN), NULL);

	atomic = hoard_all(&hoard, NUMA_NO_NODE, GFP_ATOMIC | __GFP_NOWARN);
	EXPECT_GT(atomic, 0);
	EXPECT_EQ(alloc_page(GFP_NOWAIT), NULL);
	EXPECT_EQ(alloc_page(GFP_ATOMIC | __GFP_NOWARN), NULL);

	memalloc = hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT | __GFP_MEMALLOC);
	EXPECT_GT(memalloc, 0);
	EXPECT_EQ(nr_free_pages(), 0);
	EXPECT_EQ(page_validate_all(), 0);
	hoard_free(&hoard);
}

/* Waiting does not help when there is nothing to reclaim: the request fails
 * in bounded time, and memory that comes back is found. */
TEST(page, exhaustion_fails_and_recovers)
{
	struct hoard hoard = HOARD_INIT(hoard);
	struct page_info before, after;
	struct page *page;

	page_get_info(&before);
	hoard_all(&hoard, NUMA_NO_NODE, GFP_NOWAIT);
	EXPECT_EQ(alloc_page(GFP_KERNEL | __GFP_NOWARN), NULL);
	EXPECT_EQ(alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL,
			      MAX_PAGE_ORDER),
		  NULL);
	page_get_info(&after);
	EXPECT_GT(after.failures, before.failures);
	hoard_free(&hoard);

	page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	EXPECT(page);
	if (page)
		__free_pages(page, MAX_PAGE_ORDER);
}

/* The last pages of a zone are given out whole, down to what is kept for those
 * who are more urgent: each of them finds some when the one before is refused. */
TEST(page, watermark_is_the_last_page_given)
{
	static const gfp_t urgency[] = {
		GFP_NOWAIT,
		GFP_KERNEL | __GFP_HIGH | __GFP_NORETRY | __GFP_NOWARN,
		GFP_ATOMIC | __GFP_NOWARN,
		GFP_NOWAIT | __GFP_MEMALLOC,
	};
	struct hoard hoard = HOARD_INIT(hoard);
	struct zone *zone;

	for (unsigned int i = 0; i < ARRAY_SIZE(urgency); i++) {
		EXPECT_GT(hoard_all(&hoard, NUMA_NO_NODE, urgency[i]), 0);
		drain_all_pages();
		for_each_zone(zone) {
			unsigned long floor =
				zone_floor(zone, WMARK_MIN, urgency[i]);

			EXPECT_GE(zone->free, floor);
			EXPECT_LE(zone->free, floor + 1);
		}
	}
	hoard_free(&hoard);
}

/* A quarter for who cannot wait, half for who can, all for the others; nothing
 * is kept from who frees memory by taking some. */
TEST(page, reserves_are_parts_of_the_watermark)
{
	struct zone *zone;

	for_each_zone(zone) {
		unsigned long min = zone->watermark[WMARK_MIN];
		gfp_t here = zone->type == ZONE_DMA32 ? __GFP_DMA32 : 0;

#define FLOOR(gfp) zone_floor(zone, WMARK_MIN, (gfp) | here)
		EXPECT_EQ(FLOOR(GFP_KERNEL), min);
		EXPECT_EQ(FLOOR(GFP_NOWAIT), min);
		EXPECT_EQ(FLOOR(GFP_KERNEL | __GFP_HIGH), min / 2);
		EXPECT_EQ(FLOOR(GFP_ATOMIC), min / 4);
		EXPECT_EQ(FLOOR(GFP_ATOMIC | __GFP_MEMALLOC), 0);
		EXPECT_EQ(FLOOR(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC),
			  min);
#undef FLOOR
		EXPECT_LE(min, zone->watermark[WMARK_LOW]);
		EXPECT_LE(zone->watermark[WMARK_LOW],
			  zone->watermark[WMARK_HIGH]);
		EXPECT_LT(zone->watermark[WMARK_HIGH], zone->managed);
	}
}

/* Bulk requests stop where background reclaim begins; the one page that is
 * promised comes from below. */
TEST(page, bulk_stops_at_the_low_watermark)
{
	static struct page *pages[512];
	struct hoard hoard = HOARD_INIT(hoard);
	struct zone *zone;
	unsigned long nr;

	do {
		drain_all_pages();
		nr = alloc_pages_bulk(GFP_NOWAIT, ARRAY_SIZE(pages), pages);
		for (unsigned long i = 0; i < nr; i++)
			list_add(&pages[i]->lru, &hoard.blocks);
	} while (nr > 1);
	EXPECT_EQ(nr, 1);
	drain_all_pages();
	for_each_zone(zone) {
		EXPECT_GE(zone->free + 1,
			  zone_floor(zone, WMARK_LOW, GFP_NOWAIT));
	}
	hoard_free(&hoard);
}

/* Those who could have memory above 4 GiB leave some below it. */
TEST(page, memory_below_4_gib_is_kept_for_those_who_need_it)
{
	struct hoard hoard = HOARD_INIT(hoard);
	struct zone *zone = node_zone(0, ZONE_DMA32);

	if (!zone || !zone->lowmem_reserve)
		SKIP("no memory above 4 GiB");
	hoard_all(&hoard, 0, GFP_NOWAIT);
	EXPECT_GE(zone->free,
		  zone->watermark[WMARK_MIN] + zone->lowmem_reserve);
	EXPECT_GT(hoard_all(&hoard, 0, GFP_NOWAIT | __GFP_DMA32), 0);
	EXPECT_LT(zone->free,
		  zone->watermark[WMARK_MIN] + zone->lowmem_reserve);
	hoard_free(&hoard);
}

/* --- Per-CPU lists -------------------------------------------------------- */

TEST(page, drained_lists_are_empty)
{
	struct page_info drained;
	struct zone *zone;
	struct zone_info info;

	__free_page(alloc_page(GFP_KERNEL));
	drain_all_pages();
	page_get_info(&drained);
	for_each_zone(zone) {
		zone_get_info(zone, &info);
		EXPECT_EQ(info.pcp, 0);
	}
	EXPECT_EQ(drained.free, nr_free_pages());
}

static unsigned long blocks_on_lists(unsigned int cpu)
{
	struct pcp *pcp = per_cpu(local_pcps[0], cpu);
	unsigned long blocks = 0;

	for (int i = 0; i < NR_PCP_LISTS; i++)
		blocks += pcp->lists[i].nr_hot + !!pcp->lists[i].spare;
	return blocks;
}

static void use_a_page(void *unused)
{
	struct page *page = alloc_page(GFP_ATOMIC);

	if (EXPECT(page))
		__free_page(page);
}

TEST(page, a_cpu_drains_its_own_lists_only)
{
	unsigned long flags;
	unsigned int cpu, self;

	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, use_a_page, NULL, true);
	local_irq_save(flags);
	self = smp_processor_id();
	use_a_page(NULL);
	EXPECT_GT(blocks_on_lists(self), 0);
	drain_local_pages();
	EXPECT_EQ(blocks_on_lists(self), 0);
	for_each_online_cpu(cpu)
		if (cpu != self)
			EXPECT_GT(blocks_on_lists(cpu), 0);
	local_irq_restore(flags);
}

TEST(page, list_keeps_no_more_than_its_high_mark)
{
	struct hoard hoard = HOARD_INIT(hoard);
	struct zone *zone;

	hoard_some(&hoard, 1000, 0);
	hoard_free(&hoard);
	for_each_zone(zone) {
		struct zone_info info;

		zone_get_info(zone, &info);
		for (int i = 0; i < NR_PCP_LISTS; i++)
			EXPECT_LE(info.pcp_lists[i].blocks,
				  info.pcp_lists[i].high * nr_cpu_ids);
	}
}

/* What an interrupt finds that came while its CPU was inside a list: the lock
 * is taken, so it is served by the zone. */
TEST(page, list_in_use_is_passed_by)
{
	struct pcp *pcp = this_cpu_read(local_pcps[0]);
	unsigned int kept = pcp_list_blocks(&pcp->lists[0]);
	struct page *page;

	while (!spin_trylock(&pcp->lock))
		;
	kept = pcp_list_blocks(&pcp->lists[0]);
	page = alloc_page(GFP_ATOMIC);
	if (page)
		__free_page(page);
	EXPECT_EQ(pcp_list_blocks(&pcp->lists[0]), kept);
	spin_unlock(&pcp->lock);
	EXPECT(page);
}

/* --- Bulk, split, exact --------------------------------------------------- */

TEST(page, bulk_gives_single_pages_and_takes_them_back)
{
	static struct page *pages[700];
	struct shape before, after;
	struct prng rng;

	prng_init(&rng, test_seed());
	shape_get(&before);
	for (unsigned long nr = 1; nr <= ARRAY_SIZE(pages); nr += 233) {
		ASSERT_EQ(alloc_pages_bulk(GFP_KERNEL, nr, pages), nr);
		for (unsigned long i = 0; i < nr; i++) {
			EXPECT_EQ(page_count(pages[i]), 1);
			EXPECT_EQ(pages[i]->order, 0);
		}
		EXPECT_EQ(page_validate_all(), 0);
		prng_shuffle(&rng, pages, nr, sizeof(pages[0]));
		free_pages_bulk(nr, pages);
	}
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
}

/* Of one block's pages every second goes first, then the others: each then
 * finds both neighbours free.  In one request and in many. */
TEST(page, crumbs_become_whole_blocks_again)
{
	static struct page *pages[MAX_ORDER_PAGES / 2];

	for (unsigned long times = 1; times <= 32; times *= 32) {
		struct page *block = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
		unsigned long nr = ARRAY_SIZE(pages) / times;
		struct shape before, after;

		if (!block)
			SKIP("no maximal block is free");
		shape_get(&before);
		split_page(block, MAX_PAGE_ORDER);
		for (unsigned long odd = 0; odd < 2; odd++) {
			for (unsigned long i = 0; i < ARRAY_SIZE(pages); i++)
				pages[i] = block + 2 * i + odd;
			for (unsigned long i = 0; i < times; i++)
				free_pages_bulk(nr, pages + i * nr);
			EXPECT(memory_is_whole());
			EXPECT_EQ(page_validate_all(), 0);
		}
		shape_get(&after);
		before.blocks[page_zone_id(block)][MAX_PAGE_ORDER]++;
		EXPECT(shape_equal(&before, &after));
	}
}

/* Crumbs are what bulk requests take first, each of them once. */
TEST(page, bulk_takes_crumbs_first)
{
	static struct page *pages[MAX_ORDER_PAGES / 2];
	struct page *block = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	struct hoard hoard = HOARD_INIT(hoard);
	unsigned long nr = ARRAY_SIZE(pages), got = 0, strays = 0;
	struct zone *zone;
	bool enough;

	if (!block)
		SKIP("no maximal block is free");
	hoard_crumbs(&hoard);
	split_page(block, MAX_PAGE_ORDER);
	for (unsigned long i = 0; i < nr; i++)
		__free_page(block + 2 * i);
	drain_all_pages();
	zone = page_zone(block);
	enough = zone->free >= zone_floor(zone, WMARK_LOW, GFP_KERNEL) + nr;
	while (got < nr) {
		unsigned long n = alloc_pages_bulk_node(
			page_to_nid(block), GFP_KERNEL, min(nr - got, 100ul),
			pages + got);

		ASSERT(n);
		got += n;
	}
	EXPECT_EQ(page_validate_all(), 0);
	for (unsigned long i = 0; i < nr; i++) {
		strays += pages[i] < block ||
			  pages[i] >= block + MAX_ORDER_PAGES;
		EXPECT_EQ(page_count(pages[i]), 1);
	}
	if (enough) /* a tiny node keeps some of them back */
		EXPECT_EQ(strays, 0);
	for (unsigned long i = 0; i < nr; i++)
		__free_page(block + 2 * i + 1);
	free_pages_bulk(nr, pages);
	hoard_free(&hoard);
	EXPECT(memory_is_whole());
}

/* A block's buddy may be free and still another zone's: then it stays alone. */
TEST(page, neighbours_of_other_zones_do_not_merge)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	unsigned long flags, own;
	struct zone *zone;

	ASSERT(page);
	zone = page_zone(page);
	own = page[1].flags;
	split_page(page, 1);

	spin_lock_irqsave(&zone->lock, flags);
	page[1].flags = (unsigned long)PAGE_NO_ZONE << PAGE_ZONE_SHIFT;
	page[1].state = PAGE_STATE(PAGE_FREE, 0, 0);
	INIT_LIST_HEAD(&page[1].buddy_list);
	buddy_put(zone, page, 0);
	EXPECT_EQ(page->state, PAGE_STATE(PAGE_FREE, 0, 0));
	EXPECT_EQ(page[1].state, PAGE_STATE(PAGE_FREE, 0, 0));
	buddy_remove(zone, page);
	for (int i = 0; i < 2; i++)
		page[i].state = PAGE_STATE(PAGE_USED, 0, 1);
	page[1].flags = own;
	spin_unlock_irqrestore(&zone->lock, flags);
	__free_page(page);
	__free_page(page + 1);
}

/* Each goes back to where it came from. */
TEST(page, bulk_free_of_several_nodes_pages)
{
	static struct page *pages[MAX_NUMNODES * 40];
	unsigned long nr = 0, nodes = 0;
	struct shape before, after;
	struct prng rng;

	prng_init(&rng, test_seed());
	shape_get(&before);
	for (int nid = 0; nid < (int)acpi_info.nr_nodes; nid++) {
		unsigned long got = alloc_pages_bulk_node(
			nid, GFP_KERNEL | __GFP_THISNODE, 40, pages + nr);

		nr += got;
		nodes += got > 0;
	}
	if (nodes > 1)
		prng_shuffle(&rng, pages, nr, sizeof(pages[0]));
	free_pages_bulk(nr, pages);
	EXPECT_EQ(page_validate_all(), 0);
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
	if (nodes < 2)
		SKIP("one node only");
}

/* A page that somebody else holds stays; its neighbours in the run go. */
TEST(page, bulk_free_leaves_what_is_held)
{
	struct page *pages[64];
	long in_use;

	ASSERT_EQ(alloc_pages_bulk(GFP_KERNEL, 64, pages), 64);
	in_use = page_nr_in_use();
	get_page(pages[20]);
	free_pages_bulk(64, pages);
	EXPECT_EQ(page_nr_in_use(), in_use - 63);
	EXPECT_EQ(page_count(pages[20]), 1);
	__free_page(pages[20]);
}

TEST(page, bulk_zeroes_when_asked)
{
	struct page *pages[40];
	u64 wrong = 0;

	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(alloc_pages_bulk(GFP_KERNEL | __GFP_ZERO, 40, pages),
			  40);
		for (int i = 0; i < 40; i++) {
			u64 *word = page_address(pages[i]);

			for (unsigned long w = 0; w < PAGE_SIZE / 8; w++)
				wrong += word[w] != 0;
			memset(word, 0xff, PAGE_SIZE);
		}
		free_pages_bulk(40, pages);
	}
	EXPECT_EQ(wrong, 0);
}

TEST(page, split_block_is_freed_page_by_page)
{
	struct page *page = alloc_pages(GFP_KERNEL, 4);
	struct shape before, after;

	ASSERT(page);
	__free_pages(page, 4);
	shape_get(&before);

	page = alloc_pages(GFP_KERNEL, 4);
	ASSERT(page);
	split_page(page, 4);
	EXPECT_EQ(page_validate_all(), 0);
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(page_count(page + i), 1);
		EXPECT_EQ(page_block_head(page + i), page + i);
	}
	for (int i = 0; i < 16; i++)
		__free_page(page + (i * 5) % 16);
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
}

TEST(page, exact_size_takes_exactly_that)
{
	drain_all_pages();
	for (size_t size = 1; size < 40 * PAGE_SIZE; size += 3 * PAGE_SIZE) {
		long before = page_nr_in_use();
		char *va = alloc_pages_exact(size, GFP_KERNEL | __GFP_ZERO);

		ASSERT(va);
		EXPECT_EQ(page_nr_in_use() - before, (long)PFN_UP(size));
		EXPECT_EQ(va[size - 1], 0);
		free_pages_exact(va, size);
		EXPECT_EQ(page_nr_in_use(), before);
	}
}

/* Whatever comes out when it is rounded up. */
TEST(page, impossible_size_is_refused)
{
	const size_t most = MAX_ORDER_PAGES * PAGE_SIZE;

	EXPECT_EQ(alloc_pages_exact(most + 1, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_pages_exact(1ul << 63, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_pages_exact(~0ul - PAGE_SIZE + 1, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_pages_exact(~0ul, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_contig_pages(0, max_pfn + 1, 1, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_contig_pages(0, ~0ul, 1, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_contig_pages(0, 1, 1ul << 63, GFP_KERNEL), NULL);
	report_expect(REPORT_WARN);
	EXPECT_EQ(alloc_pages_exact(0, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_contig_pages(0, 0, 1, GFP_KERNEL), NULL);
	EXPECT_EQ(alloc_contig_pages(0, 1, 3, GFP_KERNEL), NULL);
	EXPECT_EQ(report_expected(REPORT_WARN), 3);
}

/* Longer than the largest block, and of no round number. */
TEST(page, contiguous_run_of_any_length)
{
	unsigned long nr = MAX_ORDER_PAGES + 321;
	struct shape before, after;
	struct page *page;

	shape_get(&before);
	page = alloc_contig_pages(NUMA_NO_NODE, nr, 64, GFP_KERNEL);
	if (!page)
		SKIP("no such run is free");
	EXPECT(IS_ALIGNED(page_to_pfn(page), 64));
	for (unsigned long i = 0; i < nr; i++)
		EXPECT_EQ(page_count(page + i), 1);
	EXPECT_EQ(page_validate_all(), 0);
	free_contig_pages(page, nr);
	shape_get(&after);
	EXPECT(shape_equal(&before, &after));
}

/* What was kept at boot and is no longer needed joins the zone for good. */
TEST(page, reserved_range_can_be_freed)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	struct zone *zone;
	phys_addr_t pa;

	ASSERT(page);
	zone = page_zone(page);
	pa = page_to_phys(page);
	split_page(page, 1);
	page[0].state = page[1].state = PAGE_STATE(PAGE_RESERVED, 0, 0);
	zone->managed -= 2;

	EXPECT_EQ(free_reserved_range(pa + 1, pa + 2 * PAGE_SIZE - 1), 0);
	EXPECT_EQ(free_reserved_range(pa, pa + 2 * PAGE_SIZE), 2);
	EXPECT_EQ(free_reserved_range(pa, pa + 2 * PAGE_SIZE), 0);
	EXPECT_EQ(page_type(page + 1) == PAGE_RESERVED, false);
}

/* --- Failing on purpose --------------------------------------------------- */

TEST(page, injected_failure_is_a_plain_refusal)
{
	struct page *pages[3], *one;
	long before = pages_held();

	fault_fail_nth(&fail_page_alloc, 2);
	for (int i = 0; i < 3; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	EXPECT_EQ(fault_off(&fail_page_alloc), 1);
	fault_fail_nth(&fail_page_alloc, 1);
	EXPECT_EQ(alloc_pages_bulk(GFP_KERNEL, 1, &one), 0);
	EXPECT_EQ(fault_off(&fail_page_alloc), 1);
	fault_fail_nth(&fail_page_alloc, 1);
	EXPECT_EQ(alloc_contig_pages(NUMA_NO_NODE, 3, 1, GFP_KERNEL), NULL);
	EXPECT_EQ(fault_off(&fail_page_alloc), 1);
	fault_fail_nth(&fail_page_alloc, 1);
	EXPECT_EQ(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL), NULL);
	EXPECT_EQ(fault_off(&fail_page_alloc), 1);

	EXPECT(pages[0]);
	EXPECT(!pages[1]);
	EXPECT(pages[2]);
	__free_page(pages[0]);
	__free_page(pages[2]);
	EXPECT_EQ(pages_held(), before);
}
