/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_owner.h - who pays for areas of vmalloc.
 *
 * An owner is the number of an obj_cgroup (<mm/accounting.h>), kept for each
 * area.  An area is charged when it is made with __GFP_ACCOUNT, or later, here,
 * if it is kept and used again: a task's stack.
 */
#pragma once
#include <lib/types.h>
#include <mm/accounting.h>
#include <mm/virt/vmalloc.h>

/* Who pays in this context pays for the area at @va from now on, which nobody
 * does yet.  0, or -ENOMEM: refused, nothing has changed.  May wait as @gfp says. */
int vmalloc_charge(const void *va, gfp_t gfp);

/* And no longer.  vfree() does this too.  Any context but NMI. */
void vmalloc_uncharge(const void *va);

/* An area that somebody pays for. */
struct vmalloc_owned {
	const void *va;
	u32 owner;
	size_t bytes;
	enum memcg_kind kind; /* MEMCG_KERNEL_STACK of stacks */
	int nid;	      /* where it is counted: of its first page */
};

typedef void(vmalloc_owned_fn)(const struct vmalloc_owned *what, void *arg);

/* Call @fn for every area with an owner.  With the world stopped: no lock is
 * taken, and nothing allocated. */
void vmalloc_walk_owners(vmalloc_owned_fn *fn, void *arg);

/* The area's owner @from is @to from now on; false if it was not @from, or the
 * area is on its way out.  Only with the world stopped. */
bool vmalloc_relabel_owner(const void *va, u32 from, u32 to);
