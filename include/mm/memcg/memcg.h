/* SPDX-License-Identifier: MIT */
/*
 * memcg.h - groups that pay for memory, for whoever deals with them as a whole.
 *
 * What is charged belongs to an obj_cgroup (objcg.h), and its counters belong to
 * a group.  The door through which allocators charge is <mm/accounting.h>.
 */
#pragma once
#include <kernel/cgroup/cgroup.h>
#include <lib/compiler.h>
#include <mm/accounting.h>

struct mem_cgroup;

extern struct cgroup_subsys memory_cgrp_subsys;
extern struct mem_cgroup *root_mem_cgroup;

/* The css is the first member. */
static inline struct mem_cgroup *
mem_cgroup_from_css(struct cgroup_subsys_state *css)
{
	return (struct mem_cgroup *)css;
}

static inline struct cgroup_subsys_state *mem_cgroup_css(struct mem_cgroup *m)
{
	return (struct cgroup_subsys_state *)m;
}

/* NULL for the root. */
static inline struct mem_cgroup *parent_mem_cgroup(struct mem_cgroup *memcg)
{
	return mem_cgroup_from_css(mem_cgroup_css(memcg)->parent);
}

/* The group that @t belongs to; never NULL.  Under RCU. */
static inline struct mem_cgroup *mem_cgroup_from_task(const struct task *t)
{
	return mem_cgroup_from_css(task_css(t, &memory_cgrp_subsys));
}

/* Is @memcg @root, or below it? */
bool mem_cgroup_is_descendant(struct mem_cgroup *memcg,
			      struct mem_cgroup *root);

/*
 * Until it is set back, what this context allocates is charged to @memcg, which
 * the caller keeps from going away, rather than to its own group; NULL: to its
 * own group again (an interrupt's is nobody).  Returns what was set before.
 * Nests, in tasks, softirqs and hard interrupts; each sees its own only.
 *
 *	old = set_active_memcg(memcg);
 *	...
 *	set_active_memcg(old);
 */
struct mem_cgroup *set_active_memcg(struct mem_cgroup *memcg);

/* Pages charged to the group and below, right now. */
unsigned long mem_cgroup_usage(struct mem_cgroup *memcg);

/*
 * Give back what the CPUs have charged ahead for @memcg and below (NULL: for
 * everybody).  When it returns, nothing that was in a stock when it was called is
 * there any more, whoever else is draining.  May sleep.
 */
void mem_cgroup_drain_stocks(struct mem_cgroup *memcg);

/*
 * Count what the CPUs' fast paths have handed out of their stocks, so that a
 * cgroup_rstat_flush() after it is exact: it has everything that happened before
 * this call.  May sleep.
 */
void mem_cgroup_fold_stocks(struct mem_cgroup *memcg);

/* -- What happens to a group: counted here and in all its ancestors ----------- */

enum memcg_event {
	MEMCG_LOW,
	MEMCG_HIGH,
	MEMCG_MAX,
	MEMCG_OOM,
	MEMCG_OOM_KILL,
	MEMCG_OOM_GROUP_KILL,
	MEMCG_SOCK_THROTTLED,
	MEMCG_NR_EVENTS
};

/* Any context but NMI. */
void memcg_event(struct mem_cgroup *memcg, enum memcg_event event);

/* How often, in the group and below. */
long mem_cgroup_events(struct mem_cgroup *memcg, enum memcg_event event);

/* Wait until that is not @seen any more: 0, -ETIMEDOUT, -EINTR when killed,
 * -ENODEV when the group goes. */
int mem_cgroup_wait_event(struct mem_cgroup *memcg, enum memcg_event event,
			  long seen, s64 timeout_ns);

/* -- Boot ------------------------------------------------------------------------ */

/* By name from kernel_main(), after cgroup_init(). */
void memcg_init(void);
