/* SPDX-License-Identifier: MIT */
/*
 * page_shared_test.c - what the page allocator's tests share, and what every
 * test is held to: no page is lost, and every zone adds up.
 */
#include <arch/paging.h>
#include <lib/bitmap.h>
#include <lib/math.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include <tests/test.h>
#include "page_impl.h"
#include "page_test_impl.h"

/* Tables of the MMU stay when what they mapped goes, and vmalloc's records
 * share pages with those of others. */
long pages_held(void)
{
	struct vmalloc_info vm;

	vmalloc_get_info(&vm);
	return page_nr_in_use() - paging_nr_tables() - vm.metadata;
}

/* What the test in progress began with.  The counter is read first when a test
 * begins, and the audit when it has ended. */
static struct {
	bool known;
	long pages;
	unsigned int mark;
} start;

TEST_LEAK_COUNTER(pages)
{
	long held = pages_held();

	if (!start.known) {
		start.known = true;
		start.pages = held;
		start.mark = page_owner_mark();
	}
	return held;
}

/* The free lists add up; and who has leaked, if that can be known. */
TEST_AUDIT(pages)
{
	EXPECT_EQ(page_validate_all(), 0);
	if (start.known && pages_held() > start.pages)
		page_owner_report(4, start.mark);
	start.known = false;
}

void shape_get(struct shape *shape)
{
	struct zone *zone;

	memset(shape, 0, sizeof(*shape));
	drain_all_pages();
	for_each_zone(zone)
		for (int o = 0; o < NR_PAGE_ORDERS; o++)
			shape->blocks[zone->id][o] = zone->area[o].nr;
}

bool shape_equal(const struct shape *a, const struct shape *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* How much of a section from its frame @at on is free and the zone's: a bit for
 * each frame. */
static void find_free(const struct zone *zone, unsigned long first,
		      unsigned long *free)
{
	bitmap_zero(free, PAGES_PER_SECTION);
	for (unsigned long i = 0; i < PAGES_PER_SECTION; i++) {
		struct page *page = pfn_to_page(first + i);
		struct page *head = page_block_head(page);

		if (page_zone_id(page) == zone->id && head &&
		    page_type(head) == PAGE_FREE)
			__set_bit(i, free);
	}
}

/* Take the largest aligned pieces first; none is larger than a section. */
static void count_best(unsigned long *free, unsigned long nr[NR_PAGE_ORDERS])
{
	for (int o = MAX_PAGE_ORDER; o >= 0; o--) {
		unsigned long size = 1ul << o;

		for (unsigned long i = 0; i < PAGES_PER_SECTION; i += size) {
			if (find_next_zero_bit(free, PAGES_PER_SECTION, i) <
			    i + size)
				continue;
			bitmap_clear(free, i, size);
			nr[o]++;
		}
	}
}

void shape_best(struct shape *shape)
{
	static DECLARE_BITMAP(free, PAGES_PER_SECTION);
	struct zone *zone;

	memset(shape, 0, sizeof(*shape));
	drain_all_pages();
	for_each_zone(zone) {
		for (unsigned long pfn =
			     ALIGN_DOWN(zone->start_pfn, PAGES_PER_SECTION);
		     pfn < zone->end_pfn; pfn += PAGES_PER_SECTION) {
			if (!pfn_valid(pfn))
				continue;
			find_free(zone, pfn, free);
			count_best(free, shape->blocks[zone->id]);
		}
	}
}

static unsigned long all_changes(void)
{
	unsigned long changes = 0;
	struct zone *zone;

	for_each_zone(zone)
		changes += READ_ONCE(zone->changes);
	return changes;
}

bool memory_is_whole(void)
{
	struct shape is, best;

	for (int i = 0; i < 20; i++) {
		unsigned long before;

		drain_all_pages();
		before = all_changes();
		shape_get(&is);
		shape_best(&best);
		if (shape_equal(&is, &best))
			return true;
		if (all_changes() == before)
			return false;
	}
	return false;
}

unsigned long hoard_all(struct hoard *hoard, int nid, gfp_t gfp)
{
	unsigned long pages = 0;

	for (int order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct page *page;

		while ((page = alloc_pages_node(nid, gfp | __GFP_NOWARN,
						order))) {
			list_add(&page->lru, &hoard->blocks);
			pages += 1ul << order;
		}
	}
	return pages;
}

void hoard_crumbs(struct hoard *hoard)
{
	struct zone *zone;

	drain_all_pages();
	for_each_zone(zone) {
		for (int o = 0; o < MAX_PAGE_ORDER; o++) {
			while (READ_ONCE(zone->area[o].nr)) {
				struct page *page = zone_take_block(zone, o, 0);

				if (page)
					list_add(&page->lru, &hoard->blocks);
			}
		}
	}
}

void hoard_some(struct hoard *hoard, unsigned long nr, unsigned int order)
{
	while (nr--) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		if (!page)
			return;
		list_add(&page->lru, &hoard->blocks);
	}
}

void hoard_free(struct hoard *hoard)
{
	while (!list_empty(&hoard->blocks)) {
		struct page *page =
			list_first_entry(&hoard->blocks, struct page, lru);

		list_del(&page->lru);
		__free_pages(page, page->order);
	}
}
