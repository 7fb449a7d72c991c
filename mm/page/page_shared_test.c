/* SPDX-License-Identifier: MIT */
/*
 * page_shared_test.c - what the page allocator's tests share, and what every
 * test is held to: no page is lost, and every zone adds up.
 */
#include <arch/paging.h>
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
