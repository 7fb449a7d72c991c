/* SPDX-License-Identifier: MIT */
/*
 * accounting_none.c - floor 5's answers while there is no floor 5.
 *
 * The keys are off, so nothing here is called until a policy replaces it.
 */
#include <mm/accounting.h>

DEFINE_STATIC_KEY_FALSE(accounting_enabled);
DEFINE_STATIC_KEY_FALSE(reclaim_enabled);

bool __accounting_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	return true;
}

void __accounting_uncharge_page(struct page *page, unsigned int order)
{
}

void __accounting_split_page(struct page *page, unsigned int order)
{
}

unsigned long __accounting_reclaim_pages(int nid, gfp_t gfp, unsigned int order)
{
	return 0;
}

void __accounting_wake_reclaim(int nid, gfp_t gfp, unsigned int order)
{
}
