/* SPDX-License-Identifier: MIT */
/*
 * arena_fault.c - pages come when they are touched, and go together.
 *
 * Coming.     A fault looks its area up, makes a zeroed page and has it charged
 *             with no lock held, since both may wait for memory that somebody
 *             else must give up first; then it looks again, and only if all is
 *             as it was does the page go in.  Of two tasks that touch one page,
 *             one finds it there and gives its own back.
 * Going.      Pages are unmapped, table by table, onto a list; one flush serves
 *             them all; only then are they freed.  So no CPU can write to a
 *             page that is somebody else's already.  A big range goes in slices,
 *             so that the first of it is free before the last is looked at.
 * Who pays.   The group of the arena's owner, whoever touches: the memory ends
 *             with its owner, and so must its charge.
 * Invariant.  A page in an arena is PAGE_ANON, knows arena and address, and is
 *             mapped there, once.  All of that changes under arena->lock.
 */
#include <arch/paging.h>
#include <arch/trap.h>
#include <errno.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/accounting.h>
#include <mm/page/page_alloc.h>
#include "arena_impl.h"

/* In page->mapping, beside the arena's address: what kind of mapping it is. */
#define MAPPING_ANON 1ul

#define ZAP_SLICE (64ul << 20)
#define BATCH	  64

/* How often to try again for a program, when someone ended or may have freed. */
#define MAX_OOM_ROUNDS 16

/* -- A page and its place: lock held ------------------------------------------ */

static void page_enter(struct page *page, struct anon_arena *arena,
		       unsigned long addr)
{
	page->mapping = (void *)((unsigned long)arena | MAPPING_ANON);
	page->index = addr >> PAGE_SHIFT;
	page->mapcount = 1;
}

static void page_leave(struct page *page)
{
	page->mapping = NULL;
	page->mapcount = 0;
	page_set_type(page, PAGE_USED);
}

struct anon_arena *page_arena(const struct page *page, unsigned long *addr)
{
	unsigned long mapping = (unsigned long)READ_ONCE(page->mapping);

	if (page_type(page) != PAGE_ANON || !(mapping & MAPPING_ANON))
		return NULL;
	*addr = READ_ONCE(page->index) << PAGE_SHIFT;
	return (struct anon_arena *)(mapping - MAPPING_ANON);
}

/* -- Coming ------------------------------------------------------------------- */

static bool is_allowed(const struct anon_area *area, unsigned long error)
{
	if (error & (FAULT_INSTRUCTION | FAULT_RESERVED))
		return false;
	return area->prot &
	       (error & FAULT_WRITE ? ARENA_WRITE : ARENA_READ | ARENA_WRITE);
}

/* Lock held.  What is to be said without a page; else -EAGAIN. */
static int fault_look(struct anon_arena *arena, unsigned long addr,
		      unsigned long error, bool must)
{
	struct anon_area *area = area_find(arena, addr);
	struct paging_entry entry;

	if (!area || !is_allowed(area, error))
		return ARENA_FAULT_BAD;
	if (paging_lookup(addr, &entry))
		return ARENA_FAULT_DONE;
	if (arena->reaped && !must)
		return ARENA_FAULT_REAPED;
	return -EAGAIN;
}

static void page_drop(struct page *page)
{
	page_leave(page);
	__free_page(page);
}

/* When the machine is full, and it is a program that touched, somebody ends: the
 * log has it from there. */
static struct page *page_alloc(gfp_t gfp)
{
	unsigned int rounds = current->kernel_depth ? 0 : MAX_OOM_ROUNDS;
	struct page *page;

	gfp |= __GFP_ZERO | (rounds ? __GFP_NOWARN : 0);
	do
		page = alloc_page(gfp);
	while (!page && rounds-- && __accounting_out_of_memory(gfp, 0));
	return page;
}

static struct page *page_make(const struct task *owner, bool must)
{
	gfp_t gfp = GFP_KERNEL | (must ? __GFP_NOFAIL : 0);
	struct page *page = page_alloc(gfp);

	if (!page)
		return NULL;
	page_set_type(page, PAGE_ANON);
	if (!accounting_charge_page_for(owner, page, gfp, MEMCG_ANON)) {
		page_drop(page);
		return NULL;
	}
	return page;
}

/* Lock held. */
static int page_install(struct anon_arena *arena, unsigned long addr,
			struct page *page)
{
	bool writable = area_find(arena, addr)->prot & ARENA_WRITE;
	int err;

	page_enter(page, arena, addr);
	err = paging_map(addr, page_to_phys(page), PAGE_SIZE,
			 writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
	if (!err)
		atomic_long_inc(&arena->nr_pages);
	return err;
}

/* enum arena_fault. */
static int fault_in(struct anon_arena *arena, unsigned long addr,
		    unsigned long error, bool must)
{
	struct task *owner;
	struct page *page;
	int ret;

	mutex_lock(&arena->lock);
	ret = fault_look(arena, addr, error, must);
	owner = get_task(arena->owner ?: current);
	mutex_unlock(&arena->lock);

	page = ret == -EAGAIN ? page_make(owner, must) : NULL;
	put_task(owner);
	if (ret != -EAGAIN)
		return ret;
	if (!page)
		return ARENA_FAULT_NOMEM;

	mutex_lock(&arena->lock);
	ret = fault_look(arena, addr, error, must);
	if (ret == -EAGAIN)
		ret = page_install(arena, addr, page) ? ARENA_FAULT_NOMEM
						      : -EAGAIN;
	mutex_unlock(&arena->lock);
	if (ret == -EAGAIN)
		return ARENA_FAULT_DONE;
	page_drop(page);
	return ret;
}

enum arena_fault arena_fault(unsigned long addr, unsigned long error, bool must)
{
	struct anon_arena *arena = arena_find(addr);
	int ret;

	if (!arena)
		return ARENA_FAULT_BAD;
	addr &= PAGE_MASK;
	do {
		ret = fault_in(arena, addr, error, must);
		/* No page table: others will have to give something back. */
		if (ret == ARENA_FAULT_NOMEM && must)
			msleep(1);
	} while (ret == ARENA_FAULT_NOMEM && must);
	if (ret == ARENA_FAULT_DONE)
		accounting_count_fault(false);
	arena_put(arena);
	return ret;
}

int arena_populate(struct anon_arena *arena, unsigned long addr, size_t size)
{
	unsigned long end = addr + size;

	for (addr &= PAGE_MASK; addr < end; addr += PAGE_SIZE) {
		switch (fault_in(arena, addr, 0, false)) {
		case ARENA_FAULT_BAD:
			return -EFAULT;
		case ARENA_FAULT_NOMEM:
		case ARENA_FAULT_REAPED:
			return -ENOMEM;
		}
	}
	return 0;
}

bool arena_allows(unsigned long addr, size_t size, unsigned int prot)
{
	struct anon_arena *arena = arena_find(addr);
	unsigned long end = addr + size;
	bool allowed = end >= addr;

	if (!arena)
		return false;
	mutex_lock(&arena->lock);
	while (allowed && addr < end) {
		struct anon_area *area = area_find(arena, addr);

		allowed = area && (area->prot & prot);
		if (allowed)
			addr = area->end;
	}
	mutex_unlock(&arena->lock);
	arena_put(arena);
	return allowed;
}

/* -- Going -------------------------------------------------------------------- */

struct zapped {
	struct list_head pages; /* by page->lru */
	unsigned long nr;
};

static void zap_page(phys_addr_t pa, void *arg)
{
	struct page *page = phys_to_page(pa);
	struct zapped *z = arg;

	page_leave(page);
	list_add_tail(&page->lru, &z->pages);
	z->nr++;
}

static void free_zapped(struct zapped *z)
{
	struct page *batch[BATCH], *page, *next;
	unsigned int nr = 0;

	list_for_each_entry_safe(page, next, &z->pages, lru) {
		batch[nr++] = page;
		if (nr == BATCH) {
			free_pages_bulk(nr, batch);
			nr = 0;
			cond_resched();
		}
	}
	free_pages_bulk(nr, batch);
}

static unsigned long zap_slice(struct anon_arena *arena, unsigned long start,
			       unsigned long size)
{
	struct zapped z = {.pages = LIST_HEAD_INIT(z.pages)};

	paging_unmap_each(start, size, zap_page, &z);
	if (!paging_free_tables(start, size) && z.nr)
		tlb_flush_range(start, start + size);
	atomic_long_sub(z.nr, &arena->nr_pages);
	free_zapped(&z);
	return z.nr;
}

unsigned long arena_zap(struct anon_arena *arena, unsigned long start,
			unsigned long end)
{
	unsigned long nr = 0, size;
	/* What is small goes in one piece, with one flush. */
	bool whole = arena_nr_pages(arena) <= ZAP_SLICE / PAGE_SIZE;

	assert_held(&arena->lock);
	for (; start < end; start += size) {
		size = whole ? end - start : min(end - start, ZAP_SLICE);
		nr += zap_slice(arena, start, size);
		cond_resched();
	}
	return nr;
}

unsigned long arena_reap(struct anon_arena *arena)
{
	struct rb_node *node;
	unsigned long nr = 0;

	mutex_lock(&arena->lock);
	arena->reaped = true;
	for (node = rb_first(&arena->areas); node; node = rb_next(node)) {
		struct anon_area *area = rb_entry(node, struct anon_area, node);

		if (area->keep < area->end)
			nr += arena_zap(arena, max(area->start, area->keep),
					area->end);
	}
	mutex_unlock(&arena->lock);
	return nr;
}
