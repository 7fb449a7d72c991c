/* SPDX-License-Identifier: MIT */
/*
 * memcg_impl.h - a group's memory, for mm/memcg itself.
 *
 * Lock order: cgroup_mutex; then objcg_lock, peaks_lock.  Charging takes none.
 */
#pragma once
#include <mm/memcg/memcg.h>
#include <mm/memcg/objcg.h>
#include <mm/memcg/page_counter.h>

/* Pages that a CPU charges ahead. */
#define MEMCG_CHARGE_BATCH 64ul

/* Rounds of reclaim before the killing begins. */
#define MAX_RECLAIM_RETRIES 16

/* What a group has on each CPU.  Bytes. */
struct memcg_percpu {
	/* Own CPU, by this_cpu_add(), any context; read by the flusher. */
	long state[MEMCG_NR_KINDS];

	/* The flusher's: what of it is in the sums, with the stock's share. */
	long flushed[MEMCG_NR_KINDS];
};

struct mem_cgroup {
	struct cgroup_subsys_state css; /* first */

	/* Fixed at init. */
	struct memcg_percpu __percpu *percpu;

	/* Under objcg_lock, read under RCU: NULL from offline on. */
	struct obj_cgroup *objcg;

	struct page_counter memory;

	/* Under the flush mutex, read freely: sums of here and below, and what
	 * the children's last flush adds to them. */
	long state[MEMCG_NR_KINDS];
	long state_pending[MEMCG_NR_KINDS];

	/* Any CPU, atomically. */
	atomic_long_t events[MEMCG_NR_EVENTS];
	atomic_long_t events_local[MEMCG_NR_EVENTS];
};

#define memcg_from_counter(c) container_of(c, struct mem_cgroup, memory)

/* --- statistics ------------------------------------------------------------ */

/*
 * Count @bytes, of either sign.  Preemption off, any context.  slab_unreclaimable
 * memory that went through a stock's fast path is not here but in the slot, until
 * a slow path folds it: see stock_handed_out().
 */
static __always_inline void memcg_state_count(struct mem_cgroup *memcg,
					      enum memcg_kind kind, int nid,
					      long bytes)
{
	this_cpu_add(memcg->percpu->state[kind], bytes);
}

static __always_inline void memcg_state_add(struct mem_cgroup *memcg,
					    enum memcg_kind kind, int nid,
					    long bytes)
{
	memcg_state_count(memcg, kind, nid, bytes);
	cgroup_rstat_updated(&memcg->css);
}

/* Is the next flush going to look at this CPU's statistics of @memcg?  Then what
 * is added to them need not say so. */
static __always_inline bool memcg_state_is_marked(struct mem_cgroup *memcg)
{
	return this_cpu_read(memcg->css.rstat->updated_next) != NULL;
}

/* --- objcg.c ---------------------------------------------------------------- */

/* Give @memcg its obj_cgroup: 0, -ENOMEM, or -ENOSPC when all ids are taken.
 * From then on the keys are on.  May sleep. */
int objcg_online(struct mem_cgroup *memcg);

/* The parent's is its heir from now on, and no stock holds bytes of it. */
void objcg_offline(struct mem_cgroup *memcg);

/* @nr pages have come from, or are to go back to, the counters. */
static __always_inline void objcg_get_pages(struct obj_cgroup *objcg,
					    unsigned long nr)
{
	percpu_ref_get_many(&objcg->refs, nr);
}

static __always_inline void objcg_put_pages(struct obj_cgroup *objcg,
					    unsigned long nr)
{
	percpu_ref_put_many(&objcg->refs, nr);
}

/* Bytes that no stock takes.  Preemption off. */
void objcg_leave_over(struct obj_cgroup *objcg, size_t bytes);

extern struct obj_cgroup root_objcg;
extern bool memcg_kmem_off;

/* The cache; and what the root has, which is never charged: the heir of all who
 * die below it. */
void objcg_init(void);
int objcg_online_root(struct mem_cgroup *root);

/* Until the keys are what they have to be.  May sleep. */
void memcg_flush_keys(void);

/* --- active.c ---------------------------------------------------------------- */

/* @t's group is @memcg from now on.  Any task, under cgroup_tasks_lock. */
void memcg_set_home(struct task *t, struct mem_cgroup *memcg);

/* --- what others decide while a charge waits --------------------------------- */

/* Free about @nr pages of @memcg and below; how many it got.  May sleep. */
unsigned long mem_cgroup_reclaim(struct mem_cgroup *memcg, unsigned long nr,
				 gfp_t gfp);

/* The limit of @memcg stands in the way and nothing can be reclaimed: kill
 * someone.  Returns whether it makes sense to try again.  May sleep. */
bool mem_cgroup_out_of_memory(struct mem_cgroup *memcg, gfp_t gfp,
			      unsigned int order);

/* @nr pages more have been charged to @memcg: see whether it, or an ancestor, is
 * above memory.high, and note what is to be done.  Preemption off. */
void memcg_high_charged(struct mem_cgroup *memcg, unsigned long nr, gfp_t gfp);

/* Do it (current->over_high): nothing is in hand.  May sleep. */
void memcg_high_pay(gfp_t gfp);
