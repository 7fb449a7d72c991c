/* SPDX-License-Identifier: MIT */
/*
 * percpu_owner.h - who pays for areas of per-CPU memory.
 *
 * An owner is the number of an obj_cgroup (<mm/accounting.h>).  It is kept for
 * each area that alloc_percpu_gfp() made with __GFP_ACCOUNT.
 */
#pragma once
#include <lib/types.h>
#include <mm/accounting.h>
#include <mm/percpu/percpu.h>

/* An area that somebody pays for. */
struct percpu_owned {
	const void __percpu *area;
	u32 owner;
	size_t bytes; /* charged for it: what it takes on all possible CPUs */
	enum memcg_kind kind;
	int nid; /* where it is counted */
};

typedef void(percpu_owned_fn)(const struct percpu_owned *what, void *arg);

/* Call @fn for every area with an owner.  With the world stopped: no lock is
 * taken, and nothing allocated. */
void percpu_walk_owners(percpu_owned_fn *fn, void *arg);

/* The area's owner @from is @to from now on; false if it was not @from.  Only
 * with the world stopped. */
bool percpu_relabel_owner(const void __percpu *area, u32 from, u32 to);
