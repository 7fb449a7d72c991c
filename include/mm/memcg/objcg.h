/* SPDX-License-Identifier: MIT */
/*
 * objcg.h - who owns what is charged.
 *
 * A group has one obj_cgroup while it is online.  Whatever is charged names it: a
 * page by a pointer, an object or an area by its id.  When the group goes offline
 * its obj_cgroup gets an heir, the parent's, and stays until the last page that
 * it holds has gone; so nothing that is alive has to be visited.
 */
#pragma once
#include <kernel/core/rcu.h>
#include <lib/atomic.h>
#include <lib/compiler.h>
#include <mm/percpu/percpu_ref.h>

struct mem_cgroup;

#define OBJCG_MAX_ID 65535u

struct obj_cgroup {
	/* Fixed before anybody sees it. */
	u32 id;			  /* 0: the root's */
	struct mem_cgroup *memcg; /* whose it is, or was: see below */

	/* NULL while its group is online; then fixed, and referenced. */
	struct obj_cgroup *heir;

	/* Bytes that are charged, not in use, and in no stock; below a page at
	 * rest.  Any CPU, atomically; preemption off. */
	atomic_long_t leftover;

	/* One for the online group, one for each page that is charged, one from
	 * each obj_cgroup whose heir it is. */
	struct percpu_ref refs;

	struct rcu_head rcu;
};

/* That has this id, or NULL for 0 and for what is not in use.  Any context but
 * NMI, under RCU. */
struct obj_cgroup *obj_cgroup_find(u32 id);

/* The nearest that is online: itself, or its heir's heir.  Under RCU. */
static __always_inline struct obj_cgroup *
obj_cgroup_online(struct obj_cgroup *objcg)
{
	struct obj_cgroup *heir;

	while (unlikely(heir = READ_ONCE(objcg->heir)))
		objcg = heir;
	return objcg;
}

/* The group that pays for what it owns.  Under RCU. */
static __always_inline struct mem_cgroup *
obj_cgroup_memcg(struct obj_cgroup *objcg)
{
	return obj_cgroup_online(objcg)->memcg;
}

static __always_inline bool obj_cgroup_tryget(struct obj_cgroup *objcg)
{
	return percpu_ref_tryget(&objcg->refs);
}

static __always_inline void obj_cgroup_put(struct obj_cgroup *objcg)
{
	percpu_ref_put(&objcg->refs);
}

/* All there are but the root's, @id from 1 upwards; NULL at the end.  For audits
 * with the world stopped, or under RCU.
 *
 *	for (u32 id = 1; (objcg = obj_cgroup_next(&id)); id++)
 */
struct obj_cgroup *obj_cgroup_next(u32 *id);

/* How many there are but the root's. */
long obj_cgroup_nr_live(void);

/* How many there have been since boot. */
unsigned long obj_cgroup_nr_made(void);
