/* SPDX-License-Identifier: MIT */
/*
 * accounting.h - where mechanism calls policy.
 *
 * The second upward door: floor 3 asks floor 5 who pays for memory and how to
 * get some back.  Each question is a static-key check inline, a NOP while
 * there is no group, and then a direct call.  Until mm/memcg and mm/reclaim
 * exist the keys are false and mm/page/accounting_none.c gives the default
 * answers: nobody pays, nothing can be reclaimed.
 */
#pragma once
#include <kernel/core/static_key.h>
#include <lib/compiler.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

/* On while a group other than the root has the controller. */
DECLARE_STATIC_KEY_FALSE(accounting_enabled);

/*
 * Charge a block just allocated with __GFP_ACCOUNT; sets page->objcg.  False:
 * refused, and nothing is charged.  The context is the allocation's.
 */
bool __accounting_charge_page(struct page *page, gfp_t gfp, unsigned int order);

/* Undo it: the block is about to be freed, page->memcg_data is not 0.  Leaves
 * it 0.  Any context. */
void __accounting_uncharge_page(struct page *page, unsigned int order);

/* The charge of a block becomes the charges of its 2^order pages. */
void __accounting_split_page(struct page *page, unsigned int order);

/*
 * A node runs low.  reclaim: try to free pages for this request, return how
 * many; may sleep.  wake: ask the background to; any context, but only once
 * memory has been handed out again.
 */
unsigned long __accounting_reclaim_pages(int nid, gfp_t gfp,
					 unsigned int order);
void __accounting_wake_reclaim(int nid, gfp_t gfp, unsigned int order);

/* On once there is anything to reclaim. */
DECLARE_STATIC_KEY_FALSE(reclaim_enabled);

static __always_inline bool accounting_charge_page(struct page *page, gfp_t gfp,
						   unsigned int order)
{
	if (static_branch_unlikely(&accounting_enabled) &&
	    (gfp & __GFP_ACCOUNT))
		return __accounting_charge_page(page, gfp, order);
	return true;
}

static __always_inline void accounting_uncharge_page(struct page *page,
						     unsigned int order)
{
	if (static_branch_unlikely(&accounting_enabled) && page->memcg_data)
		__accounting_uncharge_page(page, order);
}

static __always_inline void accounting_split_page(struct page *page,
						  unsigned int order)
{
	if (static_branch_unlikely(&accounting_enabled) && page->memcg_data)
		__accounting_split_page(page, order);
}

static __always_inline unsigned long
accounting_reclaim_pages(int nid, gfp_t gfp, unsigned int order)
{
	if (static_branch_unlikely(&reclaim_enabled))
		return __accounting_reclaim_pages(nid, gfp, order);
	return 0;
}

static __always_inline void accounting_wake_reclaim(int nid, gfp_t gfp,
						    unsigned int order)
{
	if (static_branch_unlikely(&reclaim_enabled))
		__accounting_wake_reclaim(nid, gfp, order);
}
