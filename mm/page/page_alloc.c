/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.c - who may have which pages, and what to do when there are none.
 *
 * Fast path.  Pop a block of the right order from this CPU's list for the
 *             nearest zone; push it back when it is freed.  About thirty
 *             instructions each, no lock waited for, no interrupts turned off.
 *             There is no watermark to check: what lies on the lists has left
 *             the zone already, and was let out by refill under the watermark.
 * Slow path.  alloc_slow(), to be read from top to bottom: every zone at the
 *             low watermark; every zone at min or what the flags allow; drain
 *             all lists; and for those who may wait, reclaim and try again.
 * Freeing.    One compare-exchange on page->state says that the block is in
 *             use, of this order, and that this is the last reference, and
 *             takes that reference.  Anything else is sorted out in
 *             page_put_checked(): another reference remains, or it is a double
 *             free, a wrong order, a page that is no block's head or nobody's
 *             to free.  Those are reported and change nothing.
 * NOFAIL.     Never returns NULL and never panics: it has somebody killed, and
 *             waits, loudly.
 *
 * Contexts and locks: see pcp.c.
 */
#define pr_fmt(fmt) "page: " fmt
#include <arch/smp.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <mm/accounting.h>
#include <mm/page/page_alloc.h>
#include "page_impl.h"

/* Rounds of reclaim that find nothing before a request fails. */
#define MAX_FRUITLESS_ROUNDS 16

#define WARN_INTERVAL (5 * NSEC_PER_SEC)

unsigned long page_alloc_failures;

/* --- A block's way to its user and back ----------------------------------- */

static void clear_pages(struct page *page, unsigned int order)
{
	void *to = page_address(page);
	unsigned long words = PAGE_SIZE / 8 << order;

	asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0ul) : "memory");
}

static void make_compound(struct page *head, unsigned int order)
{
	for (unsigned long i = 1; i < 1ul << order; i++)
		head[i].compound_head = (unsigned long)head | 1;
	SetPageHead(head);
}

static void dissolve_compound(struct page *head, unsigned int order)
{
	ClearPageHead(head);
	for (unsigned long i = 1; i < 1ul << order; i++)
		head[i].compound_head = 0;
}

/* Everything that may have to be done, or undone, to a block. */
struct page *page_prepare(struct page *page, gfp_t gfp, unsigned int order)
{
	if (static_branch_unlikely(&page_debug_key))
		page_debug_alloc(page, order, gfp);
	if (gfp & __GFP_ZERO)
		clear_pages(page, order);
	if ((gfp & __GFP_COMP) && order)
		make_compound(page, order);
	if (!accounting_charge_page(page, gfp, order)) {
		__free_pages(page, order);
		return NULL;
	}
	return page;
}

void page_retire(struct page *page, unsigned int order)
{
	accounting_uncharge_page(page, order);
	if (static_branch_unlikely(&page_debug_key))
		page_debug_free(page, order);
}

/* --- Zones ---------------------------------------------------------------- */

struct page *zone_take_block(struct zone *zone, unsigned int order,
			     unsigned long floor)
{
	struct page *page = NULL;
	unsigned long flags;

	if (!zone_has(zone, order, floor))
		return NULL;
	spin_lock_irqsave(&zone->lock, flags);
	if (zone_has(zone, order, floor))
		page = buddy_take(zone, order);
	if (page)
		page->state = PAGE_STATE(PAGE_USED, order, 1);
	spin_unlock_irqrestore(&zone->lock, flags);
	return page;
}

void zone_put_block(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	buddy_put(zone, page, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

static struct page *pcp_take(struct zone *zone, unsigned int index,
			     unsigned int order, unsigned long floor)
{
	struct pcp *pcp = zone_pcp(zone);
	struct page *page;

	for (;;) {
		if (!spin_trylock(&pcp->lock))
			return NULL;
		if (!pcp->lists[index].hot)
			pcp_refill(pcp, index, floor);
		page = pcp_pop(pcp, index);
		spin_unlock(&pcp->lock);
		if (!page || page_claim(page, order))
			return page;
		page_report_free_corruption(page, order);
	}
}

/* Walk the zones in order of preference. */
static struct page *take(int nid, gfp_t gfp, unsigned int order,
			 enum zone_watermark mark)
{
	struct zone **next = zonelists[nid][gfp_zone(gfp)].zones;
	unsigned int index = pcp_index(order);
	struct zone *zone;

	while ((zone = *next++)) {
		unsigned long floor = zone_floor(zone, mark, gfp);
		struct page *page = NULL;

		if ((gfp & __GFP_THISNODE) && zone->nid != nid)
			continue;
		if (index < NR_PCP_LISTS)
			page = pcp_take(zone, index, order, floor);
		if (!page)
			page = zone_take_block(zone, order, floor);
		if (page)
			return page;
	}
	return NULL;
}

/* --- When there is none --------------------------------------------------- */

/* True at most once in WARN_INTERVAL. */
static bool may_warn(void)
{
	static u64 next;
	u64 now = ktime_get_ns(), due = READ_ONCE(next);

	return now >= due && try_cmpxchg(&next, &due, now + WARN_INTERVAL);
}

static noinline __cold void report_failure(int nid, gfp_t gfp,
					   unsigned int order)
{
	struct zone *zone;

	__atomic_fetch_add(&page_alloc_failures, 1, __ATOMIC_RELAXED);
	if ((gfp & __GFP_NOWARN) || !may_warn())
		return;
	pr_warn("no block of order %u, gfp %#x, node %d\n", order, gfp, nid);
	for_each_zone(zone)
		pr_warn("  node %d %s: free %lu, min %lu, orders %#x\n",
			zone->nid,
			zone->type == ZONE_DMA32 ? "DMA32" : "Normal",
			READ_ONCE(zone->free), zone->watermark[WMARK_MIN],
			READ_ONCE(zone->orders));
	backtrace_print();
}

/* Nothing could be reclaimed just now: whoever has memory needs the CPU. */
static void let_others_free(gfp_t gfp)
{
	if (!preemptible())
		cpu_relax();
	else if (gfp & (__GFP_NOFAIL | __GFP_RETRY_MAYFAIL))
		sleep_ns(NSEC_PER_MSEC);
	else
		cond_resched();
}

/* Reclaim until there is a block, or until it is clear that there will not be
 * one; the latter never happens with __GFP_NOFAIL. */
static struct page *take_or_reclaim(int nid, gfp_t gfp, unsigned int order)
{
	unsigned int fruitless = 0;

	if (gfp & __GFP_NOFAIL)
		WARN_ON_ONCE(in_atomic() || irqs_disabled());
	else
		might_sleep();

	for (;;) {
		unsigned long freed = accounting_reclaim_pages(nid, gfp, order);
		struct page *page;

		pcp_try_drain_all();
		page = take(nid, gfp, order, WMARK_MIN);
		/* Who is to end for want of memory would wait for itself. */
		if (!page && (gfp & __GFP_NOFAIL) && kill_pending())
			page = take(nid, gfp | __GFP_MEMALLOC, order,
				    WMARK_MIN);
		if (page)
			return page;

		fruitless = freed ? 0 : fruitless + 1;
		if (gfp & __GFP_NOFAIL) {
			if (fruitless > MAX_FRUITLESS_ROUNDS &&
			    !__accounting_out_of_memory(gfp, order) &&
			    may_warn())
				pr_err("still waiting for a block of order %u "
				       "that must not fail\n",
				       order);
		} else if ((gfp & __GFP_NORETRY) ||
			   fruitless > MAX_FRUITLESS_ROUNDS) {
			return NULL;
		}
		let_others_free(gfp);
	}
}

static noinline struct page *alloc_slow(int nid, gfp_t gfp, unsigned int order)
{
	struct page *page;

	if (order > MAX_PAGE_ORDER) {
		WARN_ON_ONCE(!(gfp & __GFP_NOWARN));
		return NULL;
	}
	/* It may have interrupted who holds a zone's lock. */
	if (WARN_ON_ONCE(in_nmi()))
		return NULL;
	if (nid == NUMA_NO_NODE)
		nid = numa_node_id();

	page = take(nid, gfp, order, WMARK_LOW);
	if (page)
		goto got;

	if (gfp & __GFP_KSWAPD_RECLAIM)
		accounting_wake_reclaim(nid, gfp, order);
	page = take(nid, gfp, order, WMARK_MIN);
	if (page)
		goto got;

	pcp_try_drain_all();
	page = take(nid, gfp, order, WMARK_MIN);
	if (page)
		goto got;

	if (gfp & (__GFP_DIRECT_RECLAIM | __GFP_NOFAIL))
		page = take_or_reclaim(nid, gfp, order);
	if (!page) {
		report_failure(nid, gfp, order);
		return NULL;
	}
got:
	return page_prepare(page, gfp, order);
}

static noinline __cold struct page *alloc_may_fail(int nid, gfp_t gfp,
						   unsigned int order)
{
	if (!(gfp & __GFP_NOFAIL) && __should_fail(&fail_page_alloc))
		return NULL;
	return alloc_slow(nid, gfp, order);
}

static noinline __cold struct page *alloc_another(struct page *bad, int nid,
						  gfp_t gfp, unsigned int order)
{
	page_report_free_corruption(bad, order);
	return alloc_slow(nid, gfp, order);
}

/* --- The fast path -------------------------------------------------------- */

/*
 * Both functions leave for everything unusual by a tail call, so that the
 * compiler has no registers to save around the usual case.  Each is compiled
 * twice, as most requests are for one page, and from a node asked for by name
 * once more.
 */
static __always_inline struct page *alloc_fast(int nid, gfp_t gfp,
					       unsigned int order)
{
	unsigned int index = pcp_index(order);
	struct page *page;
	struct pcp *pcp;

	if (fault_active(&fail_page_alloc))
		return alloc_may_fail(nid, gfp, order);
	if (unlikely(index == NR_PCP_LISTS))
		return alloc_slow(nid, gfp, order);

	pcp = nid == NUMA_NO_NODE ? this_cpu_read(local_pcps[gfp & __GFP_DMA32])
				  : node_pcp(nid, gfp_zone(gfp));
	if (unlikely(!spin_trylock(&pcp->lock)))
		return alloc_slow(nid, gfp, order);
	page = pcp_pop(pcp, index);
	spin_unlock(&pcp->lock);

	if (unlikely(!page))
		return alloc_slow(nid, gfp, order);
	if (unlikely(!page_claim(page, order)))
		return alloc_another(page, nid, gfp, order);
	if (page_needs_setup(gfp))
		return page_prepare(page, gfp, order);
	if (page_needs_charge(gfp))
		return __accounting_admit_page(page, gfp, order);
	return page;
}

struct page *__alloc_page(gfp_t gfp)
{
	return alloc_fast(NUMA_NO_NODE, gfp, 0);
}

struct page *__alloc_pages(gfp_t gfp, unsigned int order)
{
	return alloc_fast(NUMA_NO_NODE, gfp, order);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	if (nid == NUMA_NO_NODE)
		return __alloc_pages(gfp, order);
	if (WARN_ON_ONCE((unsigned int)nid >= MAX_NUMNODES))
		return NULL;
	return alloc_fast(nid, gfp, order);
}

/* The list is full: let go of its spare, or do without it. */
static noinline void free_to_full(struct pcp *pcp, unsigned int index,
				  struct page *page, unsigned int order)
{
	bool room = pcp_make_room(pcp, index);

	if (room)
		pcp_push(pcp, index, page, order);
	spin_unlock(&pcp->lock);
	if (!room)
		zone_put_block(zone_of(page), page, order);
}

static __always_inline void free_block(struct page *page, unsigned int order)
{
	unsigned int index = pcp_index(order);
	struct pcp *pcp;

	if (unlikely(index == NR_PCP_LISTS))
		return zone_put_block(zone_of(page), page, order);
	pcp = page_pcp(page);
	if (unlikely(!spin_trylock(&pcp->lock)))
		return zone_put_block(zone_of(page), page, order);
	if (unlikely(pcp_is_full(pcp, index)))
		return free_to_full(pcp, index, page, order);
	pcp_push(pcp, index, page, order);
	spin_unlock(&pcp->lock);
}

void page_free_block(struct page *page, unsigned int order)
{
	free_block(page, order);
}

static noinline void free_slow(struct page *page, unsigned int order)
{
	page_retire(page, order);
	free_block(page, order);
}

/* Most pages that are charged are single ones. */
static noinline void free_charged_page(struct page *page)
{
	__accounting_uncharge_page(page, 0);
	free_block(page, 0);
}

static noinline void free_checked(struct page *page, unsigned int order)
{
	if (page_put_checked(page, order))
		free_slow(page, order);
}

/* Also what is not a page at all is recognised. */
static noinline void free_debug(struct page *page, unsigned int order)
{
	if (page_is_known(page))
		free_checked(page, order);
	else
		page_report_stranger(page, order);
}

static __always_inline void free_fast(struct page *page, unsigned int order)
{
	u64 state = PAGE_STATE(PAGE_USED, order, 1);

	if (static_branch_unlikely(&page_debug_key))
		return free_debug(page, order);
	if (unlikely(page->flags & PAGE_FLAGS_CHECK_AT_FREE) ||
	    unlikely(!try_cmpxchg(&page->state, &state,
				  PAGE_STATE(PAGE_USED, order, 0))))
		return free_checked(page, order);
	if (static_branch_unlikely(&accounting_enabled) && page->memcg_data)
		return order ? free_slow(page, order) : free_charged_page(page);
	free_block(page, order);
}

void __free_page_one(struct page *page)
{
	free_fast(page, 0);
}

void __free_pages_any(struct page *page, unsigned int order)
{
	free_fast(page, order);
}

void put_page(struct page *page)
{
	page = compound_head(page);
	__free_pages(page, page->order);
}

/* Types whose last user may be anybody with a reference. */
static bool may_free_type(enum page_type type)
{
	return type == PAGE_USED || type == PAGE_ANON || type == PAGE_FILE;
}

bool page_put_checked(struct page *page, unsigned int order)
{
	u64 state = READ_ONCE(page->state);
	int refs;

	do {
		refs = state >> 32;
		if (!may_free_type((u8)state) || (u8)(state >> 8) != order ||
		    refs <= 0 ||
		    (refs == 1 &&
		     ((u16)(state >> 16) || (page->flags & PAGE_FLAGS_BUSY)))) {
			page_report_bad_free(page, order, state);
			return false;
		}
	} while (!try_cmpxchg(&page->state, &state,
			      refs > 1 ? state - PAGE_STATE(0, 0, 1)
				       : PAGE_STATE(PAGE_USED, order, 0)));
	if (refs > 1)
		return false;
	if (PageHead(page))
		dissolve_compound(page, order);
	return true;
}

/* --- By address ----------------------------------------------------------- */

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (!addr)
		return;
	if (WARN((addr & ~PAGE_MASK) ||
			 addr - DIRECT_MAP_BASE >= DIRECT_MAP_SIZE ||
			 !pfn_valid(PFN_DOWN(virt_to_phys((void *)addr))),
		 "free_pages: %#lx is not a page's address", addr))
		return;
	__free_pages(virt_to_page((void *)addr), order);
}
