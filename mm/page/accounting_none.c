/* SPDX-License-Identifier: MIT */
/*
 * accounting_none.c - floor 5's answers while there is no floor 5.
 *
 * The keys are off, so nothing here is called until a policy replaces it.
 */
#include <mm/accounting.h>

DEFINE_STATIC_KEY_FALSE(accounting_enabled);
DEFINE_STATIC_KEY_FALSE(accounting_kernel);
DEFINE_STATIC_KEY_FALSE(reclaim_enabled);
DEFINE_PER_CPU(struct stock_slot[STOCK_SLOTS], stock);

u32 __accounting_owner_interrupt(void)
{
	return 0;
}

bool __stock_consume_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid)
{
	return false;
}

bool __stock_refill_as(u32 owner, u32 bytes, enum memcg_kind kind, int nid)
{
	return false;
}

int __accounting_charge(size_t bytes, enum memcg_kind kind, int nid, gfp_t gfp)
{
	cpu_store_enter_over();
	return 0;
}

void __accounting_uncharge(u32 owner, size_t bytes, enum memcg_kind kind,
			   int nid)
{
}

void accounting_uncharge_leave(u32 owner, size_t bytes, enum memcg_kind kind,
			       int nid)
{
	cpu_store_leave();
}

bool __accounting_charge_page(struct page *page, gfp_t gfp, unsigned int order)
{
	return true;
}

bool __accounting_charge_page_as(struct page *page, gfp_t gfp,
				 unsigned int order, enum memcg_kind kind)
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
