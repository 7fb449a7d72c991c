/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c - get memory back for one group.
 *
 * What can be reclaimed so far are the caches of shrinkers, which know nothing of
 * groups: they are all asked, harder from step to step, until the group has room.
 */
#include <boot/numa.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/reclaim/shrinker.h>
#include "memcg_impl.h"

/* One part in 4096 first, and everything at last. */
#define FIRST_PRIORITY 12

unsigned long mem_cgroup_reclaim(struct mem_cgroup *memcg, unsigned long nr,
				 gfp_t gfp)
{
	unsigned long freed = 0;

	for (int priority = FIRST_PRIORITY; priority >= 0; priority--) {
		for (int nid = 0; nid < MAX_NUMNODES; nid++)
			if (node_zone(nid, ZONE_NORMAL) ||
			    node_zone(nid, ZONE_DMA32))
				freed += shrink_slab(gfp, nid, priority);
		if (freed >= nr)
			break;
	}
	return freed;
}
