/* SPDX-License-Identifier: MIT */
/*
 * zone.c - which memory to try in which order, and when to leave it alone.
 *
 * Fallback.   By distance first, then from NORMAL down to DMA32 on each node:
 *             near memory is worth more than saving memory below 4 GiB, of
 *             which a reserve is kept anyway (lowmem_reserve).  Nodes equally
 *             far are tried starting behind the own number, so that neighbours
 *             do not all crowd the first one.
 * Watermarks. min is what only the urgent may use, and grows with the square
 *             root of memory, as the number of those in a hurry does not grow
 *             with its size.  Requests are first tried against low, which
 *             wakes background reclaim when it refuses, and then against min.
 */
#include <arch/smp.h>
#include <boot/acpi.h>
#include <lib/math.h>
#include "page_impl.h"

struct zone zones[MAX_ZONES];
struct zonelist zonelists[MAX_NUMNODES][NR_ZONE_TYPES];

#define MIN_FREE_LEAST (128ul << 10)
#define MIN_FREE_MOST  (64ul << 20)
#define LOWMEM_RATIO   256

static struct zone *zone_from(unsigned int id)
{
	for (; id < MAX_ZONES; id++)
		if (zones[id].managed)
			return &zones[id];
	return NULL;
}

struct zone *zone_first(void)
{
	return zone_from(0);
}

struct zone *zone_next(struct zone *zone)
{
	return zone_from(zone->id + 1);
}

struct zone *node_zone(int nid, enum zone_type type)
{
	struct zone *zone = &zones[nid * NR_ZONE_TYPES + type];

	return zone->managed ? zone : NULL;
}

struct zone *page_zone(const struct page *page)
{
	return &zones[page_zone_id(page)];
}

/* --- Watermarks ----------------------------------------------------------- */

static unsigned long square_root(unsigned long n)
{
	unsigned long root = 0;

	for (unsigned long bit = 1ul << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

void zone_set_watermarks(void)
{
	unsigned long total = 0, min_pages;
	struct zone *zone;

	for_each_zone(zone)
		total += zone->managed;
	/* 4 * sqrt(KiB) KiB: 2.9 MiB of 512 MiB, 18 MiB of 20 GiB. */
	min_pages = clamp(square_root(total * PAGE_SIZE / 1024) * 4096,
			  MIN_FREE_LEAST, MIN_FREE_MOST) /
		    PAGE_SIZE;

	for_each_zone(zone) {
		unsigned long min = min_pages * zone->managed / total;

		zone->watermark[WMARK_MIN] = min;
		zone->watermark[WMARK_LOW] = min + min / 4;
		zone->watermark[WMARK_HIGH] = min + min / 2;
		if (zone->type == ZONE_DMA32)
			zone->lowmem_reserve =
				zones[zone->id + 1].managed / LOWMEM_RATIO;
	}
}

unsigned long zone_floor(const struct zone *zone, enum zone_watermark mark,
			 gfp_t gfp)
{
	unsigned long floor = zone->watermark[mark];

	if ((gfp & (__GFP_MEMALLOC | __GFP_NOMEMALLOC)) == __GFP_MEMALLOC)
		return 0;
	if (gfp & __GFP_HIGH) {
		floor /= 2;
		if (!(gfp & __GFP_DIRECT_RECLAIM))
			floor /= 2;
	}
	if (gfp_zone(gfp) > zone->type)
		floor += zone->lowmem_reserve;
	return floor;
}

bool zone_watermark_ok(struct zone *zone, unsigned int order,
		       enum zone_watermark mark, gfp_t gfp)
{
	return zone_has(zone, order, zone_floor(zone, mark, gfp));
}

/* --- Fallback ------------------------------------------------------------- */

static unsigned int nr_nodes(void)
{
	return max(acpi_info.nr_nodes, 1u);
}

static unsigned int distance(int from, int to)
{
	if (from == to)
		return 0;
	return acpi_info.nr_nodes ? acpi_info.distance[from][to]
				  : REMOTE_DISTANCE;
}

/* The nearest node not in *@done; -1 when all are. */
static int next_nearest(int from, unsigned long *done)
{
	unsigned int n = nr_nodes();
	int best = -1;

	for (unsigned int i = 0; i < n; i++) {
		int nid = (from + i) % n;

		if (test_bit(nid, done))
			continue;
		if (best < 0 || distance(from, nid) < distance(from, best))
			best = nid;
	}
	if (best >= 0)
		__set_bit(best, done);
	return best;
}

static void zonelist_build(struct zonelist *list, int from, int highest)
{
	unsigned long done = 0;
	int nid, n = 0;

	while ((nid = next_nearest(from, &done)) >= 0)
		for (int type = highest; type >= 0; type--) {
			struct zone *zone = node_zone(nid, type);

			if (zone)
				list->zones[n++] = zone;
		}
	list->zones[n] = NULL;
}

void zonelists_init(void)
{
	unsigned int cpu;

	for (int nid = 0; nid < MAX_NUMNODES; nid++)
		for (int type = 0; type < NR_ZONE_TYPES; type++)
			zonelist_build(&zonelists[nid][type], nid, type);
	for_each_possible_cpu(cpu) {
		struct zonelist *all =
			&zonelists[cpu_to_node(cpu)][NR_ZONE_TYPES - 1];

		set_cpu_numa_mem(cpu, all->zones[0]->nid);
	}
}
