/* SPDX-License-Identifier: MIT */
/*
 * page_info.c - how memory is used: for the shell, for tests, for the audit.
 *
 * Counters are read where they lie, without locks: each is right at some
 * moment, their sum only when nobody allocates.
 */
#include <arch/cpumask.h>
#include <kernel/core/report.h>
#include <lib/math.h>
#include <string.h>
#include "page_impl.h"

static void get_pcp_info(const struct zone *zone, struct zone_info *info)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct pcp *pcp = per_cpu_ptr(&zone_pcps[zone->id], cpu);

		for (int i = 0; i < NR_PCP_LISTS; i++) {
			const struct pcp_list *list = &pcp->lists[i];

			info->pcp_lists[i].batch = list->batch;
			info->pcp_lists[i].high = 2 * list->batch;
			info->pcp_lists[i].blocks += pcp_list_blocks(list);
			info->pcp_allocs[i] += list->allocs;
		}
		info->pcp_refills += pcp->refills;
		info->pcp_flushes += pcp->flushes;
	}
	for (int i = 0; i < NR_PCP_LISTS; i++)
		info->pcp += (unsigned long)info->pcp_lists[i].blocks
			     << pcp_order(i);
}

void zone_get_info(struct zone *zone, struct zone_info *info)
{
	*info = (struct zone_info){
		.nid = zone->nid,
		.type = zone->type,
		.name = zone->type == ZONE_DMA32 ? "DMA32" : "Normal",
		.start_pfn = zone->start_pfn,
		.spanned = zone->end_pfn - zone->start_pfn,
		.present = zone->present,
		.managed = zone->managed,
		.free = zone->free,
		.lowmem_reserve = zone->lowmem_reserve,
	};
	for (int i = 0; i < NR_WMARKS; i++)
		info->watermark[i] = zone->watermark[i];
	for (int o = 0; o < NR_PAGE_ORDERS; o++) {
		info->blocks[o] = zone->area[o].nr;
		info->buddy_allocs[o] = zone->allocs[o];
		info->buddy_frees[o] = zone->frees[o];
	}
	get_pcp_info(zone, info);
}

void page_get_info(struct page_info *info)
{
	struct zone *zone;

	*info = (struct page_info){
		.memmap = memmap_pages,
		.failures = page_alloc_failures,
		.errors = report_count(REPORT_PAGE),
	};
	for_each_zone(zone) {
		info->total += zone->managed;
		info->reserved += zone->present - zone->managed;
		info->free += READ_ONCE(zone->free) + zone_pcp_pages(zone);
	}
	info->in_use = info->total - info->free;
}

/* The pages of the block that @pfn leads, as far as they are the zone's; one
 * if blocks change while we look. */
static unsigned long count_block(const struct zone *zone, unsigned long pfn,
				 unsigned long pages[NR_PAGE_TYPES])
{
	const struct page *page = pfn_to_page(pfn);
	unsigned int type = page_type(page), order = READ_ONCE(page->order);

	if (page_zone_id(page) != zone->id)
		return 1;
	if (type >= NR_PAGE_TYPES || order > MAX_PAGE_ORDER)
		type = PAGE_TAIL;
	if (type == PAGE_TAIL || type == PAGE_RESERVED)
		order = 0;
	pages[type] += 1ul << order;
	return 1ul << order;
}

void page_count_types(unsigned long pages[NR_PAGE_TYPES])
{
	struct zone *zone;

	memset(pages, 0, NR_PAGE_TYPES * sizeof(pages[0]));
	for_each_zone(zone) {
		unsigned long pfn = zone->start_pfn;

		while (pfn < zone->end_pfn) {
			if (pfn_valid(pfn))
				pfn += count_block(zone, pfn, pages);
			else
				pfn = ALIGN(pfn + 1, PAGES_PER_SECTION);
		}
	}
}

/* A page that leads no block, which should not be, is looked at all the same. */
static unsigned int walk_order(const struct page *page)
{
	return page_type(page) == PAGE_TAIL
		       ? 0
		       : min_t(unsigned int, page->order, MAX_PAGE_ORDER);
}

void page_walk_blocks(void (*fn)(struct page *head, unsigned int order,
				 void *arg),
		      void *arg)
{
	for (unsigned long s = 0; s < max_pfn / PAGES_PER_SECTION; s++) {
		unsigned long pfn = s * PAGES_PER_SECTION;
		unsigned long end = pfn + PAGES_PER_SECTION;

		while (section_present(s) && pfn < end) {
			struct page *page = pfn_to_page(pfn);
			unsigned int order = walk_order(page);

			fn(page, order, arg);
			pfn += 1ul << order;
		}
	}
}

unsigned long nr_free_pages(void)
{
	struct page_info info;

	page_get_info(&info);
	return info.free;
}

long page_nr_in_use(void)
{
	struct page_info info;

	page_get_info(&info);
	return info.in_use;
}
