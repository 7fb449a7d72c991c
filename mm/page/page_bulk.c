/* SPDX-License-Identifier: MIT */
/*
 * page_bulk.c - many pages at once, and runs that are no power of two.
 *
 * Idea.       A run of single pages is a block that was cut into pieces: it is
 *             taken as few large blocks, and freed as few large blocks, under
 *             one hold of the zone's lock.  So 256 pages cost about 256 writes
 *             to struct pages, not 256 walks through the allocator.
 * Freeing.    Pages are first taken from their users, then given to the zone
 *             64 at a time.  What alloc_pages_bulk() filled is ascending, so
 *             neighbours are next to each other in the array, and go as blocks.
 * Best fit.   The smallest free blocks are cut up first, so that bulk requests
 *             tidy up rather than break 4 MiB blocks.  Where memory is in
 *             crumbs, they come off their list all at once.
 *
 * Contexts and locks: see pcp.c.
 */
#include <arch/smp.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/panic.h>
#include <lib/math.h>
#include <mm/accounting.h>
#include <mm/page/page_alloc.h>
#include "page_impl.h"

/* Pages freed under one hold of the zone's lock; fewer than MIN_BATCH go one by
 * one through the per-CPU lists. */
#define BATCH	  64
#define MIN_BATCH 8

/* Pages moved, or blocks looked at, before the zone's lock is let go once. */
#define MAX_HOLD 512

/* --- Allocating ----------------------------------------------------------- */

/* Every page of a block becomes a block of its own, in use. */
static void make_singles(struct page *page, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		page[i].state = PAGE_STATE(PAGE_USED, 0, 1);
}

static unsigned long zone_take_singles(struct zone *zone, unsigned long nr,
				       unsigned long floor, struct page **pages)
{
	struct page **to = pages,
		    **end = pages + min(nr, (unsigned long)MAX_HOLD);
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	while (to < end && zone->free > floor) {
		unsigned long want =
			min((unsigned long)(end - to), zone->free - floor);
		unsigned int order, most = min(ilog2(want), MAX_PAGE_ORDER);
		struct page *page;

		if (zone->area[0].nr) {
			to += buddy_take_singles(
				zone, want, PAGE_STATE(PAGE_USED, 0, 1), to);
			continue;
		}
		page = buddy_take_any(zone, most, &order);
		if (!page)
			break;
		for (struct page *stop = page + (1ul << order); page < stop;
		     page++) {
			page->state = PAGE_STATE(PAGE_USED, 0, 1);
			*to++ = page;
		}
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return to - pages;
}

/* Up to the first that the policy refuses: the others would be, too. */
static unsigned long prepare_each(struct page **pages, unsigned long nr,
				  gfp_t gfp)
{
	unsigned long kept = 0;

	while (kept < nr && page_prepare(pages[kept], gfp, 0))
		kept++;
	for (unsigned long i = kept + 1; i < nr; i++)
		page_free_block(pages[i], 0);
	return kept;
}

unsigned long alloc_pages_bulk_node(int nid, gfp_t gfp, unsigned long nr,
				    struct page **pages)
{
	unsigned long got = 0;
	struct zone **next, *zone;

	if (nid == NUMA_NO_NODE)
		nid = numa_node_id();
	if (WARN_ON_ONCE((unsigned int)nid >= MAX_NUMNODES || in_nmi()))
		return 0;
	if (fault_active(&fail_page_alloc) && !(gfp & __GFP_NOFAIL) &&
	    __should_fail(&fail_page_alloc))
		return 0;

	next = zonelists[nid][gfp_zone(gfp)].zones;
	while (got < nr && (zone = *next)) {
		unsigned long floor = zone_floor(zone, WMARK_LOW, gfp), n = 0;

		if (!(gfp & __GFP_THISNODE) || zone->nid == nid)
			n = zone_take_singles(zone, nr - got, floor,
					      pages + got);
		got += n;
		if (!n)
			next++;
	}
	if (page_needs_prepare(gfp))
		got = prepare_each(pages, got, gfp);

	/* Nothing to be had the cheap way: let one page try everything. */
	if (unlikely(!got && nr)) {
		pages[0] = alloc_pages_node(nid, gfp, 0);
		got = pages[0] != NULL;
	}
	return got;
}

unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr, struct page **pages)
{
	return alloc_pages_bulk_node(NUMA_NO_NODE, gfp, nr, pages);
}

/* --- Freeing -------------------------------------------------------------- */

/* Drop one reference of a single page that has these flags: was it the last, so
 * that nobody else can reach it? */
static __always_inline bool put_last(struct page *page, unsigned long flags)
{
	u64 state = PAGE_STATE(PAGE_USED, 0, 1);

	if (unlikely(flags & PAGE_FLAGS_CHECK_AT_FREE) ||
	    unlikely(!try_cmpxchg(&page->state, &state,
				  PAGE_STATE(PAGE_USED, 0, 0))))
		if (!page_put_checked(page, 0))
			return false;
	if (page_needs_retire(page))
		page_retire(page, 0);
	return true;
}

/* Pages that nobody can reach, perhaps of one zone. */
static void give_back(struct page **pages, unsigned long nr, bool one_zone)
{
	struct zone *zone = zone_of(pages[0]);
	unsigned long flags;

	if (nr < MIN_BATCH || !one_zone) {
		for (unsigned long i = 0; i < nr; i++)
			page_free_block(pages[i], 0);
		return;
	}
	spin_lock_irqsave(&zone->lock, flags);
	buddy_put_pages(zone, pages, nr);
	spin_unlock_irqrestore(&zone->lock, flags);
}

void free_pages_bulk(unsigned long nr, struct page **pages)
{
	struct page *batch[BATCH];

	while (nr) {
		unsigned long n = min(nr, (unsigned long)BATCH), kept = 0;
		unsigned long first = pages[0]->flags, unlike = 0;

		for (unsigned long i = 0; i < n; i++) {
			struct page *page = pages[i];
			unsigned long flags = READ_ONCE(page->flags);

			if (!put_last(page, flags))
				continue;
			unlike |= flags ^ first;
			batch[kept++] = page;
		}
		if (kept)
			give_back(batch, kept, !(unlike >> PAGE_ZONE_SHIFT));
		pages += n;
		nr -= n;
	}
}

static void free_singles(struct page *page, unsigned long nr)
{
	struct page *pages[BATCH];

	while (nr) {
		unsigned long n = min(nr, (unsigned long)BATCH);

		for (unsigned long i = 0; i < n; i++)
			pages[i] = page++;
		free_pages_bulk(n, pages);
		nr -= n;
	}
}

/* --- Splitting ------------------------------------------------------------ */

void split_page(struct page *page, unsigned int order)
{
	struct zone *zone = zone_of(page);
	unsigned long flags;

	if (WARN_ON(page->state != PAGE_STATE(PAGE_USED, order, 1) ||
		    PageHead(page)))
		return;
	if (static_branch_unlikely(&page_debug_key))
		page_debug_split(page, order);
	/* Who walks memory sees the block, or its pages, but nothing between. */
	spin_lock_irqsave(&zone->lock, flags);
	make_singles(page, 1ul << order);
	accounting_split_page(page, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

void *alloc_pages_exact_node(int nid, size_t size, gfp_t gfp)
{
	unsigned long nr = PFN_UP(size);
	unsigned int order = get_order(size);
	struct page *page;

	if (WARN_ON(!size || (gfp & __GFP_COMP)) || order > MAX_PAGE_ORDER)
		return NULL;
	page = alloc_pages_node(nid, gfp, order);
	if (!page)
		return NULL;
	split_page(page, order);
	free_singles(page + nr, (1ul << order) - nr);
	return page_address(page);
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_pages_exact_node(NUMA_NO_NODE, size, gfp);
}

void free_pages_exact(void *va, size_t size)
{
	free_singles(virt_to_page(va), PFN_UP(size));
}

/* --- Runs of any length --------------------------------------------------- */

/* Zone locked: is all of [@pfn, @pfn + @nr) free and the zone's?  If not,
 * *@next is where a run might start. */
static bool run_is_free(struct zone *zone, unsigned long pfn, unsigned long nr,
			unsigned long *next)
{
	unsigned long end = pfn + nr;

	while (pfn < end) {
		struct page *head = NULL;

		*next = pfn + 1;
		if (pfn_valid(pfn) &&
		    page_zone_id(pfn_to_page(pfn)) == zone->id)
			head = page_block_head(pfn_to_page(pfn));
		if (!head)
			return false;
		pfn = page_to_pfn(head) + (1ul << head->order);
		*next = pfn;
		if (page_type(head) != PAGE_FREE)
			return false;
	}
	return true;
}

/* Zone locked: cut [@pfn, @pfn + @nr) out of the free blocks that hold it. */
static void take_run(struct zone *zone, unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr, at = pfn;

	while (at < end) {
		struct page *head = page_block_head(pfn_to_page(at));
		unsigned long start = page_to_pfn(head);
		unsigned long stop = start + (1ul << head->order);

		buddy_remove(zone, head);
		make_singles(pfn_to_page(at), min(stop, end) - at);
		if (start < pfn)
			buddy_put_run(zone, start, pfn - start);
		if (stop > end)
			buddy_put_run(zone, end, stop - end);
		at = stop;
	}
}

static struct page *zone_take_run(struct zone *zone, unsigned long nr,
				  unsigned long align, unsigned long floor)
{
	unsigned long pfn = ALIGN(zone->start_pfn, align), flags, next;
	struct page *page = NULL;
	unsigned int looks = 0;

	spin_lock_irqsave(&zone->lock, flags);
	while (zone->free >= floor + nr && pfn + nr <= zone->end_pfn) {
		if (run_is_free(zone, pfn, nr, &next)) {
			take_run(zone, pfn, nr);
			page = pfn_to_page(pfn);
			break;
		}
		pfn = ALIGN(next, align);
		if (!(++looks % MAX_HOLD)) {
			spin_unlock_irqrestore(&zone->lock, flags);
			spin_lock_irqsave(&zone->lock, flags);
		}
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

struct page *alloc_contig_pages(int nid, unsigned long nr, unsigned long align,
				gfp_t gfp)
{
	struct zone **next, *zone;
	struct page *page = NULL;

	if (WARN_ON(!nr || !is_power_of_2(align) || (gfp & __GFP_COMP)))
		return NULL;
	if (nid == NUMA_NO_NODE)
		nid = numa_node_id();
	if (WARN_ON_ONCE((unsigned int)nid >= MAX_NUMNODES) || nr > max_pfn ||
	    should_fail(&fail_page_alloc))
		return NULL;
	pcp_try_drain_all();

	next = zonelists[nid][gfp_zone(gfp)].zones;
	while (!page && (zone = *next++)) {
		if ((gfp & __GFP_THISNODE) && zone->nid != nid)
			continue;
		page = zone_take_run(zone, nr, align,
				     zone_floor(zone, WMARK_LOW, gfp));
	}
	if (!page || !page_needs_prepare(gfp))
		return page;
	for (unsigned long i = 0; i < nr; i++)
		if (!page_prepare(page + i, gfp, 0)) {
			free_singles(page, i);
			for (i++; i < nr; i++)
				page_free_block(page + i, 0);
			return NULL;
		}
	return page;
}

void free_contig_pages(struct page *first, unsigned long nr)
{
	free_singles(first, nr);
}
