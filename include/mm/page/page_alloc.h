/* SPDX-License-Identifier: MIT */
/*
 * page_alloc.h - page frames, in blocks of 2^order.
 *
 * Any function here may be called in tasks, softirqs and interrupts, with
 * interrupts on or off, but not in NMIs.  Those given a gfp with
 * __GFP_DIRECT_RECLAIM (GFP_KERNEL) may sleep.  Freeing never sleeps.
 *
 * What is returned is one block with one reference, owned by the caller; its
 * contents are undefined without __GFP_ZERO.
 */
#pragma once
#include <boot/numa.h>
#include <kernel/core/static_key.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

/* The two functions below, for order 0 and for any. */
struct page *__alloc_page(gfp_t gfp);
struct page *__alloc_pages(gfp_t gfp, unsigned int order);
void __free_page_one(struct page *page);
void __free_pages_any(struct page *page, unsigned int order);

/* A block of 2^@order pages, order 0 to MAX_PAGE_ORDER, naturally aligned;
 * NULL if there is none.  From the CPU's own node if it has any left. */
static __always_inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	if (__builtin_constant_p(order) && !order)
		return __alloc_page(gfp);
	return __alloc_pages(gfp, order);
}

/* The same, nearest to @nid (NUMA_NO_NODE: the CPU's own). */
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);

/* Drop the caller's reference; the last one frees.  @order must be that of
 * the allocation. */
static __always_inline void __free_pages(struct page *page, unsigned int order)
{
	if (__builtin_constant_p(order) && !order)
		__free_page_one(page);
	else
		__free_pages_any(page, order);
}

#define alloc_page(gfp)	  alloc_pages(gfp, 0)
#define __free_page(page) __free_pages(page, 0)

/* By direct-map address; 0 if there is no memory. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
unsigned long get_zeroed_page(gfp_t gfp);
void free_pages(unsigned long addr, unsigned int order);

#define __get_free_page(gfp)	   __get_free_pages(gfp, 0)
#define get_free_pages(gfp, order) __get_free_pages(gfp, order)
#define free_page(addr)		   free_pages(addr, 0)

/* Fill @pages[0 .. nr) with single pages.  Returns how many it got: all of
 * them, or as many as there were without waiting, but one at least if
 * alloc_page(gfp) would have found one. */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long nr,
			       struct page **pages);
unsigned long alloc_pages_bulk_node(int nid, gfp_t gfp, unsigned long nr,
				    struct page **pages);

#define alloc_pages_bulk_array(gfp, nr, pages) alloc_pages_bulk(gfp, nr, pages)

/* Drop one reference to each.  Frees fastest what is contiguous and
 * ascending in the array. */
void free_pages_bulk(unsigned long nr, struct page **pages);

/* Turn an allocated block, not compound and with one reference, into 2^order
 * single pages, each with its own reference and charge. */
void split_page(struct page *page, unsigned int order);

/* @size bytes in whole pages, contiguous, the rest of the power of two given
 * back.  Up to 4 MiB.  No __GFP_COMP.  Free with the same size. */
void *alloc_pages_exact(size_t size, gfp_t gfp);
void *alloc_pages_exact_node(int nid, size_t size, gfp_t gfp);
void free_pages_exact(void *va, size_t size);

/* @nr contiguous pages of any number, @align a power of two in pages, each
 * page its own block; NULL if no such run is free.  Slow: walks zones. */
struct page *alloc_contig_pages(int nid, unsigned long nr, unsigned long align,
				gfp_t gfp);
void free_contig_pages(struct page *first, unsigned long nr);

/* Give what memblock or the image kept to the allocator, whole pages of
 * [start, end) only.  Returns the number of pages. */
unsigned long free_reserved_range(phys_addr_t start, phys_addr_t end);

/* --- Per-CPU lists -------------------------------------------------------- */

/* Return every page on this CPU's lists, or on all CPUs', to the zones.
 * drain_all_pages(): tasks only, waits for lists in use. */
void drain_local_pages(void);
void drain_all_pages(void);

/* --- Starting ------------------------------------------------------------- */

/* Build nodes, zones, vmemmap and free lists from what memblock has left, and
 * per-CPU lists for all possible CPUs.  Boot CPU, after paging_init() and
 * percpu_areas_init(). */
void page_alloc_init(void);
