/* SPDX-License-Identifier: MIT */
/*
 * page_init.c - from memblock's two lists to nodes, zones and free blocks.
 *
 * vmemmap.    struct pages are found by address, so those of absent memory cost
 *             addresses only.  Presence is kept by sections of 4 MiB, the size
 *             of a maximal block: a section's 64 KiB of struct pages are whole
 *             pages, a machine with 32 MiB wastes none of them, and a buddy is
 *             always in a section that is present if its own block is.  Where
 *             all 32 sections of a naturally aligned 128 MiB are present,
 *             their struct pages fill, and are mapped by, one 2 MiB page.
 * Holes.      Frames of a present section that are not RAM are PAGE_RESERVED
 *             and in no zone; RAM that memblock gave away is PAGE_RESERVED in
 *             its zone, and may be freed later (free_reserved_range()).
 * Rejected.   Initialising struct pages late, on all CPUs: with two stores a
 *             page, 20 GiB take a fraction of a second.
 *
 * Context: boot CPU, before the others run.
 */
#define pr_fmt(fmt) "page: " fmt
#include <arch/paging.h>
#include <boot/acpi.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <lib/bitmap.h>
#include <lib/math.h>
#include <mm/page/memblock.h>
#include <mm/page/page_alloc.h>
#include "page_impl.h"

#define SECTIONS_PER_CHUNK (2ul * 1024 * 1024 / SECTION_MEMMAP)

unsigned long max_pfn;
unsigned long memmap_pages;

/* One bit for each section below max_pfn. */
static unsigned long *present_sections;
static unsigned long nr_sections;

bool section_present(unsigned long section)
{
	return section < nr_sections && test_bit(section, present_sections);
}

bool pfn_valid(unsigned long pfn)
{
	return section_present(pfn / PAGES_PER_SECTION);
}

/* --- vmemmap -------------------------------------------------------------- */

static int node_of_section(unsigned long section)
{
	phys_addr_t at = (phys_addr_t)section << SECTION_SHIFT, start, end;
	int nid;
	u64 i;

	for_each_mem_range(i, &start, &end, &nid)
	{
		if (start < at + (1ul << SECTION_SHIFT) && end > at)
			return nid;
	}
	return 0;
}

static void find_sections(void)
{
	phys_addr_t start, end;
	int nid;
	u64 i;

	max_pfn = ALIGN(PFN_UP(memblock_end_of_DRAM()), PAGES_PER_SECTION);
	nr_sections = max_pfn / PAGES_PER_SECTION;
	present_sections = memblock_alloc(BITS_TO_LONGS(nr_sections) * 8, 8);
	if (!present_sections)
		panic("no memory for the map of memory");

	for_each_mem_range(i, &start, &end, &nid)
	{
		u64 last = (end - 1) >> SECTION_SHIFT;

		for (u64 s = start >> SECTION_SHIFT; s <= last; s++)
			__set_bit(s, present_sections);
	}
}

/* Struct pages for @nr sections, of which @nr is 1 or a whole chunk. */
static bool memmap_map(unsigned long section, unsigned long nr)
{
	size_t size = nr * SECTION_MEMMAP;
	struct page *first = pfn_to_page(section * PAGES_PER_SECTION);
	void *mem = memblock_alloc_node(size, nr > 1 ? size : PAGE_SIZE,
					node_of_section(section));

	if (!mem)
		return false;
	if (paging_map((unsigned long)first, virt_to_phys(mem), size,
		       PAGE_KERNEL))
		panic("cannot map the struct pages of section %lu", section);
	memmap_pages += size / PAGE_SIZE;

	for (unsigned long i = 0; i < nr * PAGES_PER_SECTION; i++) {
		first[i].flags = (unsigned long)PAGE_NO_ZONE << PAGE_ZONE_SHIFT;
		first[i].state = PAGE_STATE(PAGE_RESERVED, 0, 0);
	}
	return true;
}

static bool chunk_present(unsigned long first)
{
	return find_next_zero_bit(present_sections, nr_sections, first) >=
	       first + SECTIONS_PER_CHUNK;
}

static void memmap_init(void)
{
	unsigned long s = 0;

	while ((s = find_next_bit(present_sections, nr_sections, s)) <
	       nr_sections) {
		if (IS_ALIGNED(s, SECTIONS_PER_CHUNK) &&
		    s + SECTIONS_PER_CHUNK <= nr_sections && chunk_present(s) &&
		    memmap_map(s, SECTIONS_PER_CHUNK)) {
			s += SECTIONS_PER_CHUNK;
			continue;
		}
		if (!memmap_map(s, 1))
			panic("no memory for struct pages");
		s++;
	}
}

/* --- Zones ---------------------------------------------------------------- */

static void zones_clear(void)
{
	for (int id = 0; id < MAX_ZONES; id++) {
		struct zone *zone = &zones[id];

		zone->id = id;
		zone->nid = id / NR_ZONE_TYPES;
		zone->type = id % NR_ZONE_TYPES;
		spin_lock_init(&zone->lock);
		for (int o = 0; o < NR_PAGE_ORDERS; o++)
			INIT_LIST_HEAD(&zone->area[o].blocks);
	}
}

static struct zone *zone_for(int nid, unsigned long pfn)
{
	int type = pfn < DMA32_END_PFN ? ZONE_DMA32 : ZONE_NORMAL;

	return &zones[nid * NR_ZONE_TYPES + type];
}

/* [@start, @end) is RAM of one zone. */
static void zone_add_ram(struct zone *zone, unsigned long start,
			 unsigned long end)
{
	for (unsigned long pfn = start; pfn < end; pfn++)
		pfn_to_page(pfn)->flags = (unsigned long)zone->id
					  << PAGE_ZONE_SHIFT;
	zone->start_pfn = zone->present ? min(zone->start_pfn, start) : start;
	zone->end_pfn = max(zone->end_pfn, end);
	zone->present += end - start;
}

/* Free [@start, @end), reserved pages of one zone, in maximal blocks. */
static void zone_add_free(struct zone *zone, unsigned long start,
			  unsigned long end)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	for (unsigned long pfn = start; pfn < end; pfn++)
		pfn_to_page(pfn)->state = 0;
	zone->managed += end - start;
	buddy_put_run(zone, start, end - start);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* Call @add for the parts of [@start, @end) below and above 4 GiB. */
static unsigned long add_range(int nid, unsigned long start, unsigned long end,
			       void (*add)(struct zone *zone,
					   unsigned long start,
					   unsigned long end))
{
	unsigned long low_end = min(end, DMA32_END_PFN);

	if (start >= end)
		return 0;
	if (start < low_end)
		add(zone_for(nid, start), start, low_end);
	if (end > low_end)
		add(zone_for(nid, low_end), max(start, low_end), end);
	return end - start;
}

static void zones_fill(void)
{
	phys_addr_t start, end;
	int nid;
	u64 i;

	for_each_mem_range(i, &start, &end, &nid)
		add_range(nid, PFN_UP(start), PFN_DOWN(end), zone_add_ram);
	for_each_free_mem_range(i, NUMA_NO_NODE, &start, &end, &nid)
		add_range(nid, PFN_UP(start), PFN_DOWN(end), zone_add_free);
}

unsigned long free_reserved_range(phys_addr_t start, phys_addr_t end)
{
	unsigned long freed = 0;

	for (unsigned long pfn = PFN_UP(start); pfn < PFN_DOWN(end); pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (!pfn_valid(pfn) || page_zone_id(page) == PAGE_NO_ZONE ||
		    page->state != PAGE_STATE(PAGE_RESERVED, 0, 0))
			continue;
		zone_add_free(page_zone(page), pfn, pfn + 1);
		freed++;
	}
	return freed;
}

/* --- Page tables ---------------------------------------------------------- */

/* Tables are wanted in any context, are few, and save much: let them dip. */
static phys_addr_t table_alloc(void)
{
	struct page *page = alloc_page(GFP_ATOMIC | __GFP_ZERO);

	if (!page)
		return 0;
	page_set_type(page, PAGE_TABLE);
	return page_to_phys(page);
}

static void table_free(phys_addr_t pa)
{
	struct page *page = phys_to_page(pa);

	page_set_type(page, PAGE_USED);
	__free_page(page);
}

/* --- Telling -------------------------------------------------------------- */

static unsigned long mib(unsigned long pages)
{
	return pages >> (20 - PAGE_SHIFT);
}

static void report(void)
{
	extern char __image_start[], __image_end[];
	unsigned long managed = 0, kib_image;
	struct zone *zone;

	for_each_zone(zone) {
		managed += zone->managed;
		pr_info("node %d %s: %lu of %lu MiB, watermarks %lu/%lu/%lu\n",
			zone->nid,
			zone->type == ZONE_DMA32 ? "DMA32" : "Normal",
			mib(zone->managed), mib(zone->present),
			zone->watermark[WMARK_MIN], zone->watermark[WMARK_LOW],
			zone->watermark[WMARK_HIGH]);
	}
	kib_image = (__image_end - __image_start) / 1024;
	pr_info("%lu of %lu MiB to give out; of %lu KiB kept: image %lu, struct "
		"pages %lu\n",
		mib(managed), (unsigned long)(memblock_phys_mem_size() >> 20),
		(unsigned long)(memblock_phys_mem_size() >> 10) - managed * 4,
		kib_image, memmap_pages * 4);
}

void page_alloc_init(void)
{
	zones_clear();
	find_sections();
	memmap_init();
	page_debug_init();
	zones_fill();
	zone_set_watermarks();
	zonelists_init();
	pcp_init();
	paging_set_table_allocator(table_alloc, table_free);
	report();
	/* Whoever still asks memblock gets nothing, rather than our pages. */
	memblock_set_current_limit(0);
}
