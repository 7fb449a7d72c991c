/* SPDX-License-Identifier: MIT */
/*
 * shrinker.h - caches that can do with less, asked when memory is short.
 *
 *	static struct shrinker dentries = {
 *		.count_objects = dentries_count,
 *		.scan_objects = dentries_scan,
 *		.seeks = DEFAULT_SEEKS,
 *	};
 *	register_shrinker(&dentries, "dentries");
 *
 * Both functions are called by tasks that reclaim, by several at once perhaps,
 * with sc->gfp_mask saying what they may do; they may sleep as far as that
 * allows.
 */
#pragma once
#include <kernel/core/completion.h>
#include <lib/atomic.h>
#include <lib/list.h>
#include <mm/page/gfp.h>

struct shrink_control {
	gfp_t gfp_mask;
	int nid;		  /* 0 unless SHRINKER_NUMA_AWARE */
	unsigned long nr_to_scan; /* scan_objects(): look at so many */
	unsigned long nr_scanned; /* may say that it was another number */
};

/* From scan_objects(): not now, it might deadlock; ask others. */
#define SHRINK_STOP (~0ul)

#define DEFAULT_SEEKS 2
#define SHRINK_BATCH  128ul

/* Its objects are counted and freed for one node at a time. */
#define SHRINKER_NUMA_AWARE (1u << 0)

struct shrinker {
	/* The owner's, fixed while it is registered. */

	/* How many objects could be freed.  Cheap: a counter. */
	unsigned long (*count_objects)(struct shrinker *s,
				       struct shrink_control *sc);
	/* Free what you can of sc->nr_to_scan; returns how many it freed. */
	unsigned long (*scan_objects)(struct shrinker *s,
				      struct shrink_control *sc);
	unsigned int seeks;  /* what it costs to make one anew; 0: nothing */
	unsigned long batch; /* 0: SHRINK_BATCH */
	unsigned int flags;  /* SHRINKER_* */

	/* shrinker.c's. */
	const char *name;
	atomic_long_t *nr_deferred; /* by node */

	/* Under shrinkers_lock. */
	struct list_head list;
	unsigned int pins;	     /* calls under way */
	struct completion *unpinned; /* it is being unregistered */
};

/* -ENOMEM, or 0.  May sleep. */
int register_shrinker(struct shrinker *s, const char *name);

/* When it returns, neither function is running.  May sleep. */
void unregister_shrinker(struct shrinker *s);

/*
 * Ask every shrinker to look at its share of what it has on @nid: one part in
 * 2^@priority, dearer objects less.  Returns how many objects were freed.  For
 * tasks that may sleep; unregistering waits for them.
 */
unsigned long shrink_slab(gfp_t gfp, int nid, unsigned int priority);
