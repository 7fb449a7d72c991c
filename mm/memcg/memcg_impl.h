/* SPDX-License-Identifier: MIT */
/*
 * memcg_impl.h - a group's memory, for mm/memcg itself.
 *
 * Lock order: cgroup_mutex; then objcg_lock, peaks_lock.  Charging takes none.
 */
#pragma once
#include <arch/smp.h>
#include <boot/numa.h>
#include <kernel/task/workqueue.h>
#include <mm/memcg/memcg.h>
#include <mm/memcg/objcg.h>
#include <mm/memcg/page_counter.h>

/* Pages that a CPU charges ahead. */
#define MEMCG_CHARGE_BATCH 64ul

/* Rounds of reclaim before the killing begins. */
#define MAX_RECLAIM_RETRIES 16

/* -- What is counted for each group (stat.c) --------------------------------- */

/*
 * Numbered through: bytes of each enum memcg_kind; these events; and for each
 * node but the first, bytes of those kinds for which nodes matter.
 */
enum memcg_vm_event { MEMCG_PGFAULT, MEMCG_PGMAJFAULT, MEMCG_NR_VM_EVENTS };

#define MEMCG_NR_NODE_KINDS (MEMCG_KERNEL_STACK + 1)
#define MEMCG_NODE_COUNTS   (MEMCG_NR_KINDS + MEMCG_NR_VM_EVENTS)

extern unsigned int memcg_nr_counts;

struct memcg_count {
	long now;     /* own CPU, by this_cpu_add(), any context */
	long flushed; /* what of it is in the sums; flush mutex */
};

/* Under the flush mutex; `all` is read freely. */
struct memcg_sum {
	long all;	 /* of the group and all below */
	long from_below; /* not yet in it */
};

struct mem_cgroup {
	struct cgroup_subsys_state css; /* first */

	/* Fixed at init. */
	struct memcg_count __percpu *counts; /* memcg_nr_counts on each CPU */

	/* Under objcg_lock, read under RCU: NULL from offline on. */
	struct obj_cgroup *objcg;

	struct page_counter memory;

	/* The file's writer; read freely. */
	bool oom_group; /* who kills one task here kills all */

	/* Brings the usage down to memory.high. */
	struct work_struct high_work;

	/* Any CPU, atomically. */
	atomic_long_t events[MEMCG_NR_EVENTS];
	atomic_long_t events_local[MEMCG_NR_EVENTS];

	struct memcg_sum sums[]; /* memcg_nr_counts */
};

#define memcg_from_counter(c) container_of(c, struct mem_cgroup, memory)

/* --- stat.c ----------------------------------------------------------------- */

static __always_inline unsigned int memcg_node_count(enum memcg_kind kind,
						     int nid)
{
	return MEMCG_NODE_COUNTS + (nid - 1) * MEMCG_NR_NODE_KINDS + kind;
}

/*
 * Count @bytes, of either sign, on @nid (NUMA_NO_NODE: this CPU's).  Preemption
 * off, any context.  slab_unreclaimable memory that went through a stock's fast
 * path is not here but in the slot, until a slow path folds it.
 */
static __always_inline void memcg_state_count(struct mem_cgroup *memcg,
					      enum memcg_kind kind, int nid,
					      long bytes)
{
	struct memcg_count __percpu *counts = memcg->counts;

	this_cpu_add(counts[kind].now, bytes);
	if (kind >= MEMCG_NR_NODE_KINDS)
		return;
	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();
	if (unlikely(nid))
		this_cpu_add(counts[memcg_node_count(kind, nid)].now, bytes);
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

/* Bring the sums of @memcg and below up to date.  May sleep. */
void mem_cgroup_flush_stats(struct mem_cgroup *memcg);

/* Sums as the last flush left them: of the group and all below, never negative.
 * Bytes. */
u64 mem_cgroup_state(struct mem_cgroup *memcg, enum memcg_kind kind);

/* As memory.stat names it, where it has a line of its own. */
const char *memcg_kind_name(enum memcg_kind kind);
u64 mem_cgroup_node_state(struct mem_cgroup *memcg, enum memcg_kind kind,
			  int nid);
u64 mem_cgroup_vm_events(struct mem_cgroup *memcg, enum memcg_vm_event event);

/* What of it is not its children's, those that went offline not counted as such:
 * what its own obj_cgroup and those that it inherited own. */
long mem_cgroup_local_state(struct mem_cgroup *memcg, enum memcg_kind kind);

/* For memcg.c. */
void memcg_stat_init(void);
int memcg_stat_alloc(struct mem_cgroup *memcg);
void memcg_stat_free(struct mem_cgroup *memcg);
void memcg_css_rstat_flush(struct cgroup_subsys_state *css, unsigned int cpu);

/* The text of memory.stat and memory.numa_stat, after a flush. */
void memcg_stat_show(struct seq_text *out, struct mem_cgroup *memcg);
void memcg_numa_stat_show(struct seq_text *out, struct mem_cgroup *memcg);

/* --- events.c, files.c ------------------------------------------------------- */

/* Numbers for cgroup_file_notify(). */
enum { MEMCG_EVENTS_FILE = 1, MEMCG_EVENTS_LOCAL_FILE };

extern const struct cftype memcg_files[];

/* Offline: what it claimed of its parent's protection is the siblings'. */
void memcg_drop_shields(struct mem_cgroup *memcg);

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

/* --- sweep.c ---------------------------------------------------------------- */

/*
 * Let whatever belongs to obj_cgroups of the dead belong to their heirs that are
 * online, so that their ids become free a grace period later.  Stops the world.
 * -ENOMEM, or 0.  May sleep.
 */
int objcg_sweep(void);

/* The highest id to be given out; tests make do with less. */
extern u32 objcg_max_id;

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

/* --- high.c ------------------------------------------------------------------- */

/* @nr pages more have been charged to @memcg: see whether it, or an ancestor, is
 * above memory.high, and note what is to be done.  Preemption off. */
void memcg_high_charged(struct mem_cgroup *memcg, unsigned long nr, gfp_t gfp);

/* Do it (current->over_high): nothing is in hand.  May sleep. */
void memcg_high_pay(gfp_t gfp);

/* How long a task that charged @nr pages waits, in a group that uses @usage. */
u64 memcg_high_delay(unsigned long usage, unsigned long high, unsigned long nr);

void memcg_high_init(struct mem_cgroup *memcg);

/* --- protection.c -------------------------------------------------------------- */

/*
 * How much of @memcg reclaim should leave alone when @root is short of memory:
 * to be called for each group from @root downwards, before looking at those below
 * it.  Then: is so little in use that it must not be touched (min), or not
 * unless nothing else is left (low)?
 */
void mem_cgroup_calculate_protection(struct mem_cgroup *root,
				     struct mem_cgroup *memcg);
bool mem_cgroup_below_min(struct mem_cgroup *root, struct mem_cgroup *memcg);
bool mem_cgroup_below_low(struct mem_cgroup *root, struct mem_cgroup *memcg);
