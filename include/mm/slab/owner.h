/* SPDX-License-Identifier: MIT */
/*
 * owner.h - who pays for an object.
 *
 * An owner is the number of an obj_cgroup (<mm/accounting.h>), 0 for nobody.
 * mm/slab keeps one for each object and hands it back when the object is freed;
 * what the number means is told on a higher floor.
 */
#pragma once
#include <lib/types.h>
#include <mm/accounting.h>
#include <mm/slab/slab.h>

/* Owners fit into as many bits; numbers above are never handed out. */
#define SLAB_OWNER_BITS 16

/*
 * Who pays for the object that @ptr, a direct-map address, points into?  0: nobody,
 * or it is no slab object.  Any context.  The caller keeps the object from being
 * freed.  Who can only keep its slab (SLAB_TYPESAFE_BY_RCU) gets a number that is
 * perhaps no longer, or not yet, its owner's, and looks that up as one that may
 * be gone.
 */
u32 slab_object_owner(const void *ptr);

/* An object that somebody pays for. */
struct slab_owned {
	const void *object;
	struct kmem_cache *cache;
	u32 owner;
	u32 bytes; /* charged for it: from one object to the next */
	enum memcg_kind kind;
	int nid; /* where it lies */
};

/*
 * Call @fn for every object with an owner.  The world is stopped, or nobody makes
 * or frees slabs: no lock is taken, and nothing allocated.
 */
void slab_walk_owners(void (*fn)(const struct slab_owned *what, void *arg),
		      void *arg);

/*
 * The object's owner @from is @to from now on; false if it was not @from.  Only
 * with the world stopped: a free reads and clears in two steps.
 */
bool slab_relabel_owner(const void *object, u32 from, u32 to);
