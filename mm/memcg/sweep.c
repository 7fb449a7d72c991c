/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - get the ids of dead owners back.
 *
 * Problem.    An obj_cgroup keeps its id until the last thing that it owns has gone.
 *             Groups that come and go, each leaving one object somewhere, use
 *             ids up, and there are 65,535.
 * Idea.       When few are left, stop the world and relabel: whatever belongs to a
 *             dead owner belongs to its heir from then on.  In a stopped world
 *             nobody is between reading an owner and acting on it (accounting.h,
 *             Books), so labels are simply written.
 * The books.  For each dead owner the bytes relabelled are added up, uncharged
 *             from it and charged to the heir.  Both are the same group's counters;
 *             taking off comes first, so no counter and no peak rises.  The pages'
 *             references go the same way, and with the last one the dead owner is
 *             released, as always.
 * The root's  memory is nobody's: what falls to it is uncharged for good.
 * Cost.       A walk over all memory, with nothing else running: fractions of a
 *             second, once in thousands of groups, and only if they leave
 *             something behind.
 *
 * Context: tasks; the walk itself has interrupts off, takes no lock and does not
 * allocate.
 */
#include <errno.h>
#include <kernel/core/stop_machine.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/slab/owner.h>
#include <mm/slab/slab.h>
#include <mm/virt/vmalloc_owner.h>
#include "memcg_impl.h"

struct sweep {
	/* By id: bytes relabelled. */
	size_t moved[OBJCG_MAX_ID + 1];
};

/* The dead owner with this id; *@heir is online.  NULL if it is not dead. */
static struct obj_cgroup *find_dead(u32 owner, struct obj_cgroup **heir)
{
	struct obj_cgroup *objcg = obj_cgroup_find(owner);

	if (!objcg || !objcg->heir)
		return NULL;
	*heir = obj_cgroup_online(objcg);
	return objcg;
}

static void note_moved(struct sweep *sweep, u32 from, struct obj_cgroup *heir,
		       size_t bytes, enum memcg_kind kind, int nid)
{
	sweep->moved[from] += bytes;
	if (heir == &root_objcg)
		memcg_state_add(root_mem_cgroup, kind, nid, -(long)bytes);
}

/* --- what has an owner ------------------------------------------------------------ */

static void sweep_object(const struct slab_owned *what, void *arg)
{
	struct obj_cgroup *heir;

	if (find_dead(what->owner, &heir) &&
	    slab_relabel_owner(what->object, what->owner, heir->id))
		note_moved(arg, what->owner, heir, what->bytes, what->kind,
			   what->nid);
}

static void sweep_percpu_area(const struct percpu_owned *what, void *arg)
{
	struct obj_cgroup *heir;

	if (find_dead(what->owner, &heir) &&
	    percpu_relabel_owner(what->area, what->owner, heir->id))
		note_moved(arg, what->owner, heir, what->bytes, what->kind,
			   what->nid);
}

static void sweep_vmalloc_area(const struct vmalloc_owned *what, void *arg)
{
	struct obj_cgroup *heir;

	if (find_dead(what->owner, &heir) &&
	    vmalloc_relabel_owner(what->va, what->owner, heir->id))
		note_moved(arg, what->owner, heir, what->bytes, what->kind,
			   what->nid);
}

static void sweep_page(struct page *page, struct sweep *sweep)
{
	enum memcg_kind kind = page_memcg_kind(page);
	struct obj_cgroup *objcg = page_objcg(page), *heir;

	if (!objcg || !find_dead(objcg->id, &heir))
		return;
	page->memcg_data = heir == &root_objcg ? 0 : (unsigned long)heir | kind;
	note_moved(sweep, objcg->id, heir, PAGE_SIZE << page->order, kind,
		   page_to_nid(page));
}

static void sweep_pages(struct sweep *sweep)
{
	struct zone_info info;
	struct zone *zone;

	for_each_zone(zone) {
		unsigned long pfn, end;

		zone_get_info(zone, &info);
		end = info.start_pfn + info.spanned;
		for (pfn = info.start_pfn; pfn < end; pfn++) {
			struct page *page;

			if (!pfn_valid(pfn))
				continue;
			page = pfn_to_page(pfn);
			if (page_type(page) == PAGE_TAIL ||
			    page_type(page) == PAGE_SLAB)
				continue;
			sweep_page(page, sweep);
		}
	}
}

/* --- the books ---------------------------------------------------------------------- */

/* As if @bytes were freed by one and allocated by the other. */
static void move_charge(struct obj_cgroup *from, struct obj_cgroup *to,
			size_t bytes)
{
	unsigned long nr = DIV_ROUND_UP(bytes, PAGE_SIZE);

	objcg_leave_over(from, bytes);
	if (to == &root_objcg)
		return;
	page_counter_charge(&to->memcg->memory, nr);
	objcg_get_pages(to, nr);
	if (nr * PAGE_SIZE > bytes)
		objcg_leave_over(to, nr * PAGE_SIZE - bytes);
}

static int sweep_stopped(void *arg)
{
	struct sweep *sweep = arg;
	struct obj_cgroup *objcg, *heir;

	slab_walk_owners(sweep_object, sweep);
	percpu_walk_owners(sweep_percpu_area, sweep);
	vmalloc_walk_owners(sweep_vmalloc_area, sweep);
	sweep_pages(sweep);
	for (u32 id = 1; (objcg = obj_cgroup_next(&id)); id++) {
		if (sweep->moved[id] && find_dead(id, &heir))
			move_charge(objcg, heir, sweep->moved[id]);
	}
	return 0;
}

int objcg_sweep(void)
{
	struct sweep *sweep = kvzalloc(sizeof(*sweep), GFP_KERNEL);

	if (!sweep)
		return -ENOMEM;
	stop_machine(sweep_stopped, sweep);
	kvfree(sweep);
	return 0;
}
