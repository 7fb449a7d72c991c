/* SPDX-License-Identifier: MIT */
/*
 * zone.h - what memory there is, how it is used, and whether that adds up.
 *
 * Figures are snapshots taken without stopping anybody.  In pages unless a
 * name says otherwise.
 */
#pragma once
#include <boot/numa.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

/* A node's memory below 4 GiB, and above. */
enum zone_type { ZONE_DMA32, ZONE_NORMAL, NR_ZONE_TYPES };

#define MAX_ZONES (MAX_NUMNODES * NR_ZONE_TYPES)

/* Orders that per-CPU lists keep: 0 to 3, and 9 (2 MiB). */
#define PCP_MAX_SMALL_ORDER 3
#define PCP_HUGE_ORDER	    9
#define NR_PCP_LISTS	    (PCP_MAX_SMALL_ORDER + 2)

enum zone_watermark { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARKS };

struct zone;

/* NULL at the end; zones without memory are left out. */
struct zone *zone_first(void);
struct zone *zone_next(struct zone *zone);

#define for_each_zone(zone)                                                    \
	for ((zone) = zone_first(); (zone); (zone) = zone_next(zone))

/* The node's zone, or NULL if it has no memory. */
struct zone *node_zone(int nid, enum zone_type type);
struct zone *page_zone(const struct page *page);

/* Would an allocation of this order and gfp get past the zone's @mark? */
bool zone_watermark_ok(struct zone *zone, unsigned int order,
		       enum zone_watermark mark, gfp_t gfp);

struct pcp_info {
	unsigned int batch;  /* blocks moved between list and buddy at once */
	unsigned int high;   /* blocks a list keeps at most */
	unsigned int blocks; /* now, on all CPUs */
};

struct zone_info {
	int nid;
	enum zone_type type;
	const char *name; /* "DMA32", "Normal" */
	unsigned long start_pfn;
	unsigned long spanned; /* from the first page to the last */
	unsigned long present; /* without the holes */
	unsigned long managed; /* given to the allocator at boot or since */
	unsigned long free;    /* on buddy lists */
	unsigned long pcp;     /* free, on per-CPU lists */
	unsigned long watermark[NR_WMARKS];
	unsigned long
		lowmem_reserve; /* kept from requests that could go higher */
	unsigned long blocks[NR_PAGE_ORDERS]; /* free, of each order */
	struct pcp_info pcp_lists[NR_PCP_LISTS];

	/* Events since boot. */
	unsigned long pcp_allocs[NR_PCP_LISTS]; /* served by a per-CPU list */
	unsigned long pcp_refills, pcp_flushes;
	unsigned long buddy_allocs[NR_PAGE_ORDERS];
	unsigned long buddy_frees[NR_PAGE_ORDERS];
};

void zone_get_info(struct zone *zone, struct zone_info *info);

struct page_info {
	unsigned long total;	/* managed, all zones */
	unsigned long free;	/* buddy and per-CPU lists */
	unsigned long in_use;	/* total - free */
	unsigned long reserved; /* present but never managed */
	unsigned long memmap;	/* of that: struct pages */
	unsigned long failures; /* allocations refused */
	unsigned long errors;	/* bad frees, corrupted pages: REPORT_PAGE */
};

void page_get_info(struct page_info *info);
unsigned long nr_free_pages(void);

/* Walk all blocks and add up the pages of each type; together they are all
 * that is present.  Approximate while others allocate. */
void page_count_types(unsigned long pages[NR_PAGE_TYPES]);

/* With the world stopped: call @fn for every block there is, in use, free or
 * reserved, holes included. */
void page_walk_blocks(void (*fn)(struct page *head, unsigned int order,
				 void *arg),
		      void *arg);

/* Pages handed out and not given back.  Exact when nobody allocates. */
long page_nr_in_use(void);

/* --- Checking ------------------------------------------------------------- */

/*
 * Walk every free list and every struct page, and compare with the counts.
 * Returns the number of errors; prints the first few unless REPORT_PAGE is
 * expected (report.h).  Others may go on allocating: sums are then compared
 * only if nothing moved meanwhile.  Tasks only.
 */
unsigned long page_validate_all(void);

/*
 * With page_debug on (boot parameter, or DEBUG=1): pages are poisoned while
 * free and the poison is checked, and the site of each allocation is known.
 */
bool page_debug_enabled(void);

/* Up to @max return addresses of who allocated the block; their number. */
unsigned int page_owner(const struct page *page, unsigned long *addrs,
			unsigned int max);

/* Counts allocations: for page_owner_report(). */
unsigned int page_owner_mark(void);

/* Log the sites that hold most of what was allocated since @mark (0: since
 * boot) and not freed, most first; @sites of them.  Tasks only. */
void page_owner_report(unsigned int sites, unsigned int mark);
