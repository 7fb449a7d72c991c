/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_owner.c - who pays for an area of addresses with pages.
 *
 * The pages, not the guard, and in one piece: the owner is a word in the area's
 * record.  From its erasure until the bytes are back preemption is off, so an
 * area that is found with an owner is charged, whatever state it is in.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/preempt.h>
#include <mm/virt/vmalloc_owner.h>
#include "vmap_impl.h"

static struct vmalloc_owned describe(const struct vmap_area *area)
{
	return (struct vmalloc_owned){
		.va = (void *)area->start,
		.owner = area->objcg_id,
		.bytes = area->nr_pages * PAGE_SIZE,
		.kind = area->flags & VM_STACK ? MEMCG_KERNEL_STACK
					       : MEMCG_VMALLOC,
		.nid = page_to_nid(area->pages),
	};
}

static int charge(struct vmap_area *area, gfp_t gfp)
{
	struct vmalloc_owned what = describe(area);
	int owner = __accounting_charge(what.bytes, what.kind, what.nid, gfp);

	if (owner < 0)
		return owner;
	area->objcg_id = owner;
	cpu_store_leave();
	return 0;
}

static void uncharge(struct vmap_area *area)
{
	struct vmalloc_owned what = describe(area);

	preempt_disable();
	area->objcg_id = 0;
	__accounting_uncharge(what.owner, what.bytes, what.kind, what.nid);
	preempt_enable();
}

int vmap_area_charge(struct vmap_area *area, gfp_t gfp)
{
	if (static_branch_unlikely(&accounting_kernel))
		return charge(area, gfp);
	return 0;
}

void vmap_area_uncharge(struct vmap_area *area)
{
	if (static_branch_unlikely(&accounting_enabled) && area->objcg_id)
		uncharge(area);
}

int vmalloc_charge(const void *va, gfp_t gfp)
{
	struct vmap_area *area;

	if (!static_branch_unlikely(&accounting_kernel))
		return 0;
	area = vmap_area_find((unsigned long)va);
	if (WARN_ON(!area || !area->pages || area->objcg_id))
		return -EINVAL;
	return charge(area, gfp);
}

void vmalloc_uncharge(const void *va)
{
	struct vmap_area *area;

	if (!static_branch_unlikely(&accounting_enabled))
		return;
	area = vmap_area_find((unsigned long)va);
	if (!WARN_ON(!area))
		vmap_area_uncharge(area);
}

/* --- For audits ----------------------------------------------------------- */

struct walk {
	vmalloc_owned_fn *fn;
	void *arg;
};

static void visit(struct vmap_area *area, void *walk_)
{
	struct walk *walk = walk_;
	struct vmalloc_owned what;

	if (!area->objcg_id)
		return;
	what = describe(area);
	walk->fn(&what, walk->arg);
}

void vmalloc_walk_owners(vmalloc_owned_fn *fn, void *arg)
{
	struct walk walk = {.fn = fn, .arg = arg};

	vmap_area_walk(visit, &walk);
}

bool vmalloc_relabel_owner(const void *va, u32 from, u32 to)
{
	struct vmap_area *area = vmap_area_find((unsigned long)va);

	if (!area || area->objcg_id != from)
		return false;
	area->objcg_id = to;
	return true;
}
