/* SPDX-License-Identifier: MIT */
/*
 * reclaim_none.c - what the page allocator asks of reclaim, while there is none:
 * nothing can be reclaimed.
 *
 * The key is off, so nothing here is called until a policy replaces it.
 */
#include <mm/accounting.h>

DEFINE_STATIC_KEY_FALSE(reclaim_enabled);

unsigned long __accounting_reclaim_pages(int nid, gfp_t gfp, unsigned int order)
{
	return 0;
}

void __accounting_wake_reclaim(int nid, gfp_t gfp, unsigned int order)
{
}
