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

/* The list is walked once and closed behind the last: no links are mended for
 * those in between. */
unsigned long buddy_take_singles(struct zone *zone, unsigned long nr, u64 state,
				 struct page **pages)
{
	struct free_area *area = &zone->area[0];
	struct list_head *link = area->blocks.next;

	assert_held(&zone->lock);
	nr = min(nr, area->nr);
	for (unsigned long i = 0; i < nr; i++) {
		pages[i] = list_entry(link, struct page, buddy_list);
		link = link->next;
		pages[i]->state = state;
	}
	area->blocks.next = link;
	link->prev = &area->blocks;
	area->nr -= nr;
	if (!area->nr)
		zone->orders &= ~1u;
	zone->free -= nr;
	zone->allocs[0] += nr;
	zone->changes++;
	return nr;
}

/* Is it a free block of this order, and the zone's? */
static __always_inline bool is_free(const struct zone *zone,
				    const struct page *page, unsigned int order)
{
	return page->state == PAGE_STATE(PAGE_FREE, order, 0) &&
	       page_zone_id(page) == zone->id;
}

static __always_inline struct page *buddy_of(const struct page *page,
					     unsigned int order)
{
	return pfn_to_page(page_to_pfn(page) ^ (1ul << order));
}

/* The block's buddy is free, and perhaps that of what they make. */
static noinline void merge(struct zone *zone, struct page *page,
			   unsigned int order)
{
	struct page *buddy = buddy_of(page, order);

	do {
		area_del(zone, buddy, order);
		if (buddy < page)
			swap(page, buddy);
		buddy->state = 0;
		order++;
		buddy = buddy_of(page, order);
	} while (order < MAX_PAGE_ORDER && is_free(zone, buddy, order));
	area_add(zone, page, order);
}

static __always_inline void put(struct zone *zone, struct page *page,
				unsigned int order)
{
	if (order < MAX_PAGE_ORDER &&
	    is_free(zone, buddy_of(page, order), order))
		merge(zone, page, order);
	else
		area_add(zone, page, order);
}

void buddy_put(struct zone *zone, struct page *page, unsigned int order)
{
	assert_held(&zone->lock);
	zone->free += 1ul << order;
	zone->frees[order]++;
	zone->changes++;
	put(zone, page, order);
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

void buddy_put_pages(struct zone *zone, struct page **pages, unsigned long nr)
{
	unsigned long lone = 0;

	assert_held(&zone->lock);
	for (unsigned long i = 0; i < nr;) {
		struct page *page = pages[i++], *end = page + 1;

		for (; i < nr && pages[i] == end; i++, end++)
			end->state = 0;
		if (end == page + 1) {
			put(zone, page, 0);
			lone++;
		} else {
			buddy_put_run(zone, page_to_pfn(page), end - page);
		}
	}
	zone->free += lone;
	zone->frees[0] += lone;
	zone->changes++;
}

void buddy_remove(struct zone *zone, struct page *page)
{
	unsigned int order = page->order;

	assert_held(&zone->lock);
	area_del(zone, page, order);
	zone->free -= 1ul << order;
	zone->changes++;
}
