/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - split blocks of pages in halves and merge the halves again.
 *
 * Problem.    Give out runs of 2^n pages for ever without crumbling memory.
 * Idea.       A block of order o starts at a multiple of 2^o pages, so the
 *             block it was split from is known from its address: its buddy is
 *             pfn ^ 2^o.  Freed, a block merges with its buddy if that is free
 *             and whole, and so on upwards.
 * Invariant.  No two buddies of the same order are both on free lists; the
 *             head of a free block says PAGE_FREE and its order, its tails are
 *             PAGE_TAIL.  page_validate_all() checks it.
 * Safe looks. A buddy's struct page always exists, because a section is as
 *             large as a maximal block; but it may be another zone's, or a
 *             hole, or in use: then its state says so.
 * Best fit.   zone->orders has a bit for each order with free blocks, so the
 *             smallest sufficient order is one bit search away.
 * Rejected.   Lists by kind of mobility: nothing in Tally moves its pages.
 *
 * Context: zone->lock held, so interrupts are off.
 */
#include <kernel/core/lockdep.h>
#include <lib/math.h>
#include "page_impl.h"

static void area_add(struct zone *zone, struct page *page, unsigned int order)
{
	struct free_area *area = &zone->area[order];

	page->state = PAGE_STATE(PAGE_FREE, order, 0);
	list_add(&page->buddy_list, &area->blocks);
	area->nr++;
	zone->orders |= 1u << order;
}

static void area_del(struct zone *zone, struct page *page, unsigned int order)
{
	struct free_area *area = &zone->area[order];

	__list_del_entry(&page->buddy_list);
	page->state = 0;
	if (!--area->nr)
		zone->orders &= ~(1u << order);
}

/* Cut the first 2^@order pages off a block; the rest goes on the lists. */
static struct page *split(struct zone *zone, struct page *page,
			  unsigned int from, unsigned int order)
{
	while (from > order) {
		from--;
		area_add(zone, page + (1ul << from), from);
	}
	return page;
}

static struct page *take_from(struct zone *zone, unsigned int from,
			      unsigned int order)
{
	struct page *page = list_first_entry(&zone->area[from].blocks,
					     struct page, buddy_list);

	area_del(zone, page, from);
	zone->free -= 1ul << order;
	zone->allocs[order]++;
	zone->changes++;
	return split(zone, page, from, order);
}

struct page *buddy_take(struct zone *zone, unsigned int order)
{
	unsigned int sufficient = zone->orders >> order;

	assert_held(&zone->lock);
	if (!sufficient)
		return NULL;
	return take_from(zone, order + __ffs(sufficient), order);
}

struct page *buddy_take_any(struct zone *zone, unsigned int max_order,
			    unsigned int *order)
{
	unsigned int from;

	assert_held(&zone->lock);
	if (!zone->orders)
		return NULL;
	from = __ffs(zone->orders);
	*order = min(from, max_order);
	return take_from(zone, from, *order);
}

void buddy_put(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);

	assert_held(&zone->lock);
	zone->free += 1ul << order;
	zone->frees[order]++;
	zone->changes++;

	while (order < MAX_PAGE_ORDER) {
		struct page *buddy = pfn_to_page(pfn ^ (1ul << order));

		if (buddy->state != PAGE_STATE(PAGE_FREE, order, 0) ||
		    page_zone_id(buddy) != zone->id)
			break;
		area_del(zone, buddy, order);
		if (buddy < page)
			swap(page, buddy);
		buddy->state = 0;
		pfn &= ~(1ul << order);
		order++;
	}
	area_add(zone, page, order);
}

void buddy_put_run(struct zone *zone, unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr;

	while (pfn < end) {
		unsigned int order =
			min_t(unsigned int, MAX_PAGE_ORDER, ilog2(end - pfn));

		if (pfn)
			order = min(order, __ffs(pfn));
		buddy_put(zone, pfn_to_page(pfn), order);
		pfn += 1ul << order;
	}
}

void buddy_remove(struct zone *zone, struct page *page)
{
	unsigned int order = page->order;

	assert_held(&zone->lock);
	area_del(zone, page, order);
	zone->free -= 1ul << order;
	zone->changes++;
}
