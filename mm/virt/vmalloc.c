/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - pages from anywhere, side by side.
 *
 * Making.     Pages first, then addresses, then the mapping: what can sleep and
 *             fail comes first, and undoing goes the same way back.  An area's
 *             blocks are chained through their struct pages, so there is no
 *             array to allocate, and freeing needs no page-table walk.
 * Freeing.    Addresses are unmapped and the pages freed at once, in any
 *             context; only the addresses wait for a TLB flush before they are
 *             used again (vmap_area.c).  Until then another CPU may still reach
 *             a freed page, but only by using what it has freed: a bug, which
 *             page_debug turns into a fault by flushing first, where the
 *             context allows.
 * Charging.   An area made with __GFP_ACCOUNT is charged in one piece once it is
 *             whole (vmalloc_owner.c), so what a refusal must undo is what
 *             vfree() undoes.
 * Large.      From 2 MiB up with such an alignment, blocks of 2 MiB are tried
 *             first, which paging_map() then maps as one.
 * Interrupts. Nothing here waits, so vfree() in an interrupt defers nothing but
 *             the flush; the next task that makes or frees an area sees to it.
 */
#include <arch/irqflags.h>
#include <arch/paging.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include "vmap_impl.h"

#define BATCH	    32
#define LARGE_ORDER 9
#define LARGE_SIZE  (PAGE_SIZE << LARGE_ORDER)

#define here() ((unsigned long)__builtin_return_address(0))

/* --- Pages ---------------------------------------------------------------- */

/* Blocks in the order of their addresses-to-be. */
struct chain {
	struct page *first;
	struct page **last;
	unsigned long nr_pages;
};

static void chain_add(struct chain *chain, struct page *page,
		      enum page_type type)
{
	page_set_type(page, type);
	page->vm_next = NULL;
	*chain->last = page;
	chain->last = &page->vm_next;
	chain->nr_pages += 1ul << compound_order(page);
}

static void free_chain(struct page *page)
{
	while (page) {
		struct page *next = page->vm_next;

		page_set_type(page, PAGE_USED);
		__free_pages(page, compound_order(page));
		page = next;
	}
}

static unsigned long add_large(struct chain *chain, gfp_t gfp, int nid,
			       enum page_type type)
{
	struct page *page = alloc_pages_node(
		nid, gfp | __GFP_NORETRY | __GFP_NOWARN, LARGE_ORDER);

	if (!page)
		return 0;
	chain_add(chain, page, type);
	return 1ul << LARGE_ORDER;
}

static unsigned long add_singles(struct chain *chain, unsigned long nr,
				 gfp_t gfp, int nid, enum page_type type)
{
	struct page *pages[BATCH];

	nr = alloc_pages_bulk_node(nid, gfp, min(nr, (unsigned long)BATCH),
				   pages);
	for (unsigned long i = 0; i < nr; i++)
		chain_add(chain, pages[i], type);
	return nr;
}

static bool alloc_chain(struct chain *chain, unsigned long nr, bool large,
			gfp_t gfp, int nid, enum page_type type)
{
	*chain = (struct chain){.last = &chain->first};
	while (nr) {
		unsigned long got = 0;

		if (large && nr >= 1ul << LARGE_ORDER) {
			got = add_large(chain, gfp, nid, type);
			large = got;
		}
		if (!got)
			got = add_singles(chain, nr, gfp, nid, type);
		if (!got) {
			free_chain(chain->first);
			return false;
		}
		nr -= got;
		cond_resched();
	}
	return true;
}

/* --- Mapping -------------------------------------------------------------- */

/* Neighbouring blocks are mapped together, so that fewer walks are needed and
 * large pages used where they fit. */
struct mapping {
	unsigned long va;
	phys_addr_t pa;
	unsigned long size;
	unsigned int prot;
};

static int mapping_flush(struct mapping *m)
{
	int err = 0;

	if (m->size)
		err = paging_map(m->va, m->pa, m->size, m->prot);
	m->va += m->size;
	m->size = 0;
	return err;
}

static int mapping_add(struct mapping *m, const struct page *page,
		       unsigned long size)
{
	int err = 0;

	if (!m->size || m->pa + m->size != page_to_phys(page)) {
		err = mapping_flush(m);
		m->pa = page_to_phys(page);
	}
	m->size += size;
	return err;
}

static int map_chain(struct vmap_area *area, struct page *page)
{
	struct mapping m = {.va = area->start, .prot = PAGE_KERNEL};
	int err = 0;

	for (; page && !err; page = page->vm_next)
		err = mapping_add(&m, page, PAGE_SIZE << compound_order(page));
	return err ? err : mapping_flush(&m);
}

static int map_array(struct vmap_area *area, struct page **pages,
		     unsigned int nr, unsigned int prot)
{
	struct mapping m = {.va = area->start, .prot = prot};
	int err = 0;

	for (unsigned int i = 0; i < nr && !err; i++)
		err = mapping_add(&m, pages[i], PAGE_SIZE);
	return err ? err : mapping_flush(&m);
}

/* Of a claimed area, mapped in whole or in part. */
static void area_free(struct vmap_area *area)
{
	vmap_area_uncharge(area);
	paging_unmap(area->start, vmap_area_size(area));
	if (page_debug_enabled() && preemptible())
		tlb_flush_range(area->start, area->end);
	free_chain(area->pages);
	vmap_area_release(area);
	if (vmap_wants_purge() && preemptible())
		vmalloc_purge();
}

/* --- The interface -------------------------------------------------------- */

/* Do not take everybody's memory before finding out that it is not enough. */
static bool is_hopeless(unsigned long pages)
{
	return pages > MAX_ORDER_PAGES && pages > nr_free_pages();
}

static void *do_vmalloc(size_t size, size_t align, gfp_t gfp,
			unsigned int flags, int nid, unsigned long site)
{
	enum page_type type = flags & VM_STACK ? PAGE_STACK : PAGE_VMALLOC;
	bool large = size >= LARGE_SIZE && align >= LARGE_SIZE;
	struct vmap_area *area;
	struct chain chain;

	size = ALIGN(size, PAGE_SIZE);
	if (!size || is_hopeless(size >> PAGE_SHIFT))
		return NULL;
	/* The area is charged, not its pages. */
	if (!alloc_chain(&chain, size >> PAGE_SHIFT, large,
			 gfp & ~__GFP_ACCOUNT, nid, type))
		return NULL;
	area = vmap_area_alloc(size, max(align, PAGE_SIZE), gfp,
			       flags | VM_ALLOC, site);
	if (!area) {
		free_chain(chain.first);
		return NULL;
	}
	area->pages = chain.first;
	area->nr_pages = chain.nr_pages;
	if (map_chain(area, chain.first) ||
	    ((gfp & __GFP_ACCOUNT) && vmap_area_charge(area, gfp))) {
		area_free(vmap_area_claim(area->start, VM_ALLOC));
		return NULL;
	}
	return (void *)area->start;
}

void *__vmalloc_node(size_t size, size_t align, gfp_t gfp, int nid,
		     unsigned int flags)
{
	if (WARN_ON(!is_power_of_2(align) || (gfp & __GFP_COMP)))
		return NULL;
	return do_vmalloc(size, align, gfp, flags, nid, here());
}

void *__vmalloc(size_t size, gfp_t gfp)
{
	if (WARN_ON(gfp & __GFP_COMP))
		return NULL;
	return do_vmalloc(size, PAGE_SIZE, gfp, 0, NUMA_NO_NODE, here());
}

void *vmalloc(size_t size)
{
	return do_vmalloc(size, PAGE_SIZE, GFP_KERNEL, 0, NUMA_NO_NODE, here());
}

void *vzalloc(size_t size)
{
	return do_vmalloc(size, PAGE_SIZE, GFP_KERNEL | __GFP_ZERO, 0,
			  NUMA_NO_NODE, here());
}

void *vmalloc_node(size_t size, int nid)
{
	return do_vmalloc(size, PAGE_SIZE, GFP_KERNEL, 0, nid, here());
}

void *vzalloc_node(size_t size, int nid)
{
	return do_vmalloc(size, PAGE_SIZE, GFP_KERNEL | __GFP_ZERO, 0, nid,
			  here());
}

void *vmap(struct page **pages, unsigned int nr, bool writable)
{
	struct vmap_area *area = vmap_area_alloc(nr * PAGE_SIZE, PAGE_SIZE,
						 GFP_KERNEL, VM_MAP, here());

	if (!area)
		return NULL;
	if (map_array(area, pages, nr,
		      writable ? PAGE_KERNEL : PAGE_KERNEL_RO)) {
		area_free(vmap_area_claim(area->start, VM_MAP));
		return NULL;
	}
	return (void *)area->start;
}

static void unmake(const void *va, unsigned int kind, const char *who)
{
	struct vmap_area *area;

	if (!va)
		return;
	area = vmap_area_claim((unsigned long)va, kind);
	if (!WARN(!area, "%s: %p is not the start of such an area", who, va))
		area_free(area);
}

void vfree(const void *va)
{
	unmake(va, VM_ALLOC, "vfree");
}

void vunmap(const void *va)
{
	unmake(va, VM_MAP, "vunmap");
}

struct page *vmalloc_to_page(const void *va)
{
	phys_addr_t pa;

	if (!is_vmalloc_addr(va) || !virt_to_phys_any(va, &pa) ||
	    !pfn_valid(PFN_DOWN(pa)))
		return NULL;
	return phys_to_page(pa);
}
