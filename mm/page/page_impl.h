/* SPDX-License-Identifier: MIT */
/*
 * page_impl.h - zones, per-CPU lists and the pieces of the page allocator.
 *
 * From the top: page_alloc.c decides (who may have what, and what to do when
 * there is none), pcp.c keeps blocks per CPU, buddy.c splits and merges.
 *
 * Lock order: a pcp's lock, then its zone's.  A zone's lock is taken with
 * interrupts off; a pcp's is only ever tried (see pcp.c).
 */
#pragma once
#include <arch/percpu.h>
#include <boot/numa.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/static_key.h>
#include <lib/list.h>
#include <mm/accounting.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>
#include <mm/page/zone.h>

/* A section is one maximal block: 4 MiB of memory, 64 KiB of struct pages. */
#define SECTION_SHIFT	  (PAGE_SHIFT + MAX_PAGE_ORDER)
#define PAGES_PER_SECTION MAX_ORDER_PAGES
#define SECTION_MEMMAP	  (PAGES_PER_SECTION * sizeof(struct page))

/* In page->flags of holes, which belong to no zone. */
#define PAGE_NO_ZONE 0xff

#define DMA32_END_PFN (1ul << (32 - PAGE_SHIFT))

struct free_area {
	struct list_head blocks; /* through page->buddy_list */
	unsigned long nr;
};

struct zone {
	/* Fixed at boot. */
	u8 id; /* nid * NR_ZONE_TYPES + type: in page->flags, in zone_pcps */
	u8 type;
	int nid;
	unsigned long start_pfn, end_pfn;
	unsigned long present;
	unsigned long watermark[NR_WMARKS];
	unsigned long lowmem_reserve;

	/* Under lock; free and orders are read without it for a first look. */
	spinlock_t lock __aligned(64);
	unsigned int orders; /* bit o: there is a free block of order o */
	unsigned long free;  /* pages */
	unsigned long managed;
	unsigned long changes; /* every take and put counts one */
	struct free_area area[NR_PAGE_ORDERS];
	unsigned long allocs[NR_PAGE_ORDERS];
	unsigned long frees[NR_PAGE_ORDERS];
};

extern struct zone zones[MAX_ZONES];

/* Zones to try, best first, NULL at the end. */
struct zonelist {
	struct zone *zones[MAX_ZONES + 1];
};

/* By node and by the highest zone type allowed. */
extern struct zonelist zonelists[MAX_NUMNODES][NR_ZONE_TYPES];

static __always_inline struct zone *zone_of(const struct page *page)
{
	return &zones[page_zone_id(page)];
}

static __always_inline enum zone_type gfp_zone(gfp_t gfp)
{
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/* --- buddy.c: zone->lock held --------------------------------------------- */

/* A block of exactly @order, of state 0 (a tail's): the caller gives it its
 * type.  NULL if no block is large enough. */
struct page *buddy_take(struct zone *zone, unsigned int order);

/* The smallest free block there is, but no larger than 2^@max_order: split if
 * it must be.  Sets *@order. */
struct page *buddy_take_any(struct zone *zone, unsigned int max_order,
			    unsigned int *order);

/* Up to @nr of the blocks of order 0, which get this state.  How many. */
unsigned long buddy_take_singles(struct zone *zone, unsigned long nr, u64 state,
				 struct page **pages);

/* @page leads a block that nobody else can reach, whatever its state says. */
void buddy_put(struct zone *zone, struct page *page, unsigned int order);

/* The same for [@pfn, @pfn + @nr), every page of state 0, in as few blocks as
 * alignment allows. */
void buddy_put_run(struct zone *zone, unsigned long pfn, unsigned long nr);

/* Single pages of this zone, whatever their state says; what is side by side in
 * the array goes together. */
void buddy_put_pages(struct zone *zone, struct page **pages, unsigned long nr);

/* Remove one free block, of any order, that the caller found by walking. */
void buddy_remove(struct zone *zone, struct page *page);

/* --- zone.c --------------------------------------------------------------- */

/* How many pages must stay free when a request like this is served. */
unsigned long zone_floor(const struct zone *zone, enum zone_watermark mark,
			 gfp_t gfp);

/* Could a block be taken and leave @floor pages?  A first look. */
static __always_inline bool zone_has(const struct zone *zone,
				     unsigned int order, unsigned long floor)
{
	return READ_ONCE(zone->free) >= floor + (1ul << order) &&
	       READ_ONCE(zone->orders) >> order;
}

void zone_set_watermarks(void);
void zonelists_init(void);

/* --- pcp.c ---------------------------------------------------------------- */

struct pcp_list {
	struct page *hot;   /* stack through page->pcp_next */
	struct page *spare; /* `batch` blocks, or none */
	u16 nr_hot;
	u16 batch; /* 0: this list is not used */
	unsigned long allocs;
};

/* One for each CPU and zone. */
struct pcp {
	spinlock_t lock;

	/* Fixed at boot. */
	struct zone *zone;

	/* Under lock. */
	struct pcp_list lists[NR_PCP_LISTS];
	unsigned long refills, flushes;
} __aligned(64);

DECLARE_PER_CPU(struct pcp[MAX_ZONES], zone_pcps);

/* The pcp of the first zone of this CPU's zonelist, by gfp & __GFP_DMA32. */
DECLARE_PER_CPU(struct pcp *[2], local_pcps);

/* Which list keeps blocks of this order; NR_PCP_LISTS if none does. */
static __always_inline unsigned int pcp_index(unsigned int order)
{
	if (likely(order <= PCP_MAX_SMALL_ORDER))
		return order;
	return order == PCP_HUGE_ORDER ? NR_PCP_LISTS - 1 : NR_PCP_LISTS;
}

static __always_inline unsigned int pcp_order(unsigned int index)
{
	return index <= PCP_MAX_SMALL_ORDER ? index : PCP_HUGE_ORDER;
}

/* Preemption need not be off: another CPU's pcp is as good, only further. */
static __always_inline struct pcp *zone_pcp(const struct zone *zone)
{
	return raw_cpu_ptr(&zone_pcps[zone->id]);
}

/* The same for the first zone of the node's zonelist; an empty one if that is
 * another node's. */
struct pcp *node_pcp(int nid, enum zone_type type);

static __always_inline struct pcp *page_pcp(const struct page *page)
{
	return raw_cpu_ptr(&zone_pcps[page_zone_id(page)]);
}

/* The slow ends of push and pop, pcp->lock held: false if there is no room
 * because the list is not used; false if no block could be had above @floor. */
bool pcp_make_room(struct pcp *pcp, unsigned int index);
bool pcp_refill(struct pcp *pcp, unsigned int index, unsigned long floor);

static __always_inline struct page *pcp_pop(struct pcp *pcp, unsigned int index)
{
	struct pcp_list *list = &pcp->lists[index];
	struct page *page = list->hot;

	if (likely(page)) {
		list->hot = page->pcp_next;
		list->nr_hot--;
		list->allocs++;
	}
	return page;
}

static __always_inline bool pcp_is_full(const struct pcp *pcp,
					unsigned int index)
{
	return pcp->lists[index].nr_hot == pcp->lists[index].batch;
}

/* There is room. */
static __always_inline void pcp_push(struct pcp *pcp, unsigned int index,
				     struct page *page, unsigned int order)
{
	struct pcp_list *list = &pcp->lists[index];

	page->state = PAGE_STATE(PAGE_PCP, order, 0);
	page->pcp_next = list->hot;
	list->hot = page;
	list->nr_hot++;
}

/* A popped block becomes a used one; false if it is not what was pushed. */
static __always_inline bool page_claim(struct page *page, unsigned int order)
{
	if (unlikely(page->state != PAGE_STATE(PAGE_PCP, order, 0)))
		return false;
	page->state = PAGE_STATE(PAGE_USED, order, 1);
	return true;
}

/* A block that was to be free is not: report it and keep it from everybody. */
void page_report_free_corruption(struct page *page, unsigned int order);

/* Give back what is on @cpu's list for the zone; false if it is in use. */
bool pcp_try_drain(struct zone *zone, unsigned int cpu);

/* The same for all CPUs' lists, skipping those in use.  Any context. */
void pcp_try_drain_all(void);

/* Blocks on a list now; pcp->lock held, or a guess. */
static inline unsigned int pcp_list_blocks(const struct pcp_list *list)
{
	return list->nr_hot + (list->spare ? list->batch : 0);
}

unsigned long zone_pcp_pages(const struct zone *zone);
void pcp_init(void);

/* --- page_debug.c --------------------------------------------------------- */

DECLARE_STATIC_KEY_FALSE(page_debug_key);

void page_debug_init(void);
void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp);
void page_debug_free(struct page *page, unsigned int order);
void page_debug_split(struct page *page, unsigned int order);

/* --- page_alloc.c --------------------------------------------------------- */

/* Take a whole request from the buddy lists alone, leaving @floor pages. */
struct page *zone_take_block(struct zone *zone, unsigned int order,
			     unsigned long floor);
void zone_put_block(struct zone *zone, struct page *page, unsigned int order);

/* Drop one reference of a block that the quick check did not recognise.  True
 * if it was the last and the block is the caller's to free: state is that of
 * a used block without references.  Bad ones are reported, and left alone. */
bool page_put_checked(struct page *page, unsigned int order);

/* What a block needs before its user sees it: returns it, or NULL if the
 * charge was refused, and then it has been freed. */
struct page *page_prepare(struct page *page, gfp_t gfp, unsigned int order);

/* What a block needs when its user has gone. */
void page_retire(struct page *page, unsigned int order);

/* The usual case: nothing at all.  The next: to be charged, and no more. */
static __always_inline bool page_needs_setup(gfp_t gfp)
{
	if (static_branch_unlikely(&page_debug_key))
		return true;
	return unlikely(gfp & (__GFP_ZERO | __GFP_COMP));
}

static __always_inline bool page_needs_charge(gfp_t gfp)
{
	return static_branch_unlikely(&accounting_kernel) &&
	       (gfp & __GFP_ACCOUNT);
}

static __always_inline bool page_needs_prepare(gfp_t gfp)
{
	return page_needs_setup(gfp) || page_needs_charge(gfp);
}

static __always_inline bool page_needs_retire(const struct page *page)
{
	if (static_branch_unlikely(&page_debug_key))
		return true;
	return static_branch_unlikely(&accounting_enabled) && page->memcg_data;
}

/* The block is in use without a reference: nobody else can reach it. */
void page_free_block(struct page *page, unsigned int order);

extern unsigned long page_alloc_failures;

/* --- page_check.c --------------------------------------------------------- */

bool page_is_known(const struct page *page);
void page_report_bad_free(struct page *page, unsigned int order, u64 state);
void page_report_stranger(const struct page *page, unsigned int order);
void page_dump(const struct page *page, const char *why);

/* --- page_init.c ---------------------------------------------------------- */

extern unsigned long max_pfn; /* exclusive; no section ends beyond it */
extern unsigned long memmap_pages;
bool section_present(unsigned long section);
