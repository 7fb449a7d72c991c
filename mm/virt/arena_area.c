/* SPDX-License-Identifier: MIT */
/*
 * arena_area.c - which addresses of an arena mean something, and what.
 *
 * Areas lie in a tree by address, with a page at least between any two that
 * were mapped apart: running off an end faults.  New ones go into the lowest
 * gap that holds them, so that few page tables serve many.
 *
 * Splitting.  Changing the middle of an area makes three of it, and so needs
 *             up to two more records.  They are allocated before anything is
 *             changed, and not under the lock: reclaim may want that.  What
 *             splits nothing needs none, so that who is short of memory can
 *             always give back what it mapped.
 * Hint.       No gap lies below it, so the search begins there; freeing lowers
 *             it.
 * Growing.    sbrk()'s piece has a span of windows of its own: its neighbours
 *             can never be in its way.
 */
#include <arch/paging.h>
#include <errno.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include "arena_impl.h"

/* The most that sbrk() can grow to. */
#define BRK_MAX (64ul << 30)

static struct kmem_cache *area_cache;

void area_cache_init(void)
{
	area_cache = kmem_cache_create("anon_area", sizeof(struct anon_area), 0,
				       SLAB_PANIC | SLAB_ACCOUNT, NULL);
}

/* -- The tree: lock held ----------------------------------------------------- */

static bool starts_below(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct anon_area, node)->start <
	       rb_entry(b, struct anon_area, node)->start;
}

/* The first area that ends above @addr, or NULL. */
static struct anon_area *area_from(struct anon_arena *arena, unsigned long addr)
{
	struct rb_node *node = arena->areas.rb_node;
	struct anon_area *found = NULL;

	while (node) {
		struct anon_area *area = rb_entry(node, struct anon_area, node);

		if (addr < area->end) {
			found = area;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

struct anon_area *area_find(struct anon_arena *arena, unsigned long addr)
{
	struct anon_area *area = area_from(arena, addr);

	return area && area->start <= addr ? area : NULL;
}

static struct anon_area *area_next(struct anon_area *area)
{
	struct rb_node *next = rb_next(&area->node);

	return next ? rb_entry(next, struct anon_area, node) : NULL;
}

static void area_insert(struct anon_arena *arena, struct anon_area *area)
{
	rb_add(&area->node, &arena->areas, starts_below);
}

static void area_remove(struct anon_arena *arena, struct anon_area *area)
{
	rb_erase(&area->node, &arena->areas);
	kmem_cache_free(area_cache, area);
}

void areas_free_all(struct anon_arena *arena)
{
	struct anon_area *area, *next;

	assert_held(&arena->lock);
	rbtree_postorder_for_each_entry_safe(area, next, &arena->areas, node)
		kmem_cache_free(area_cache, area);
	arena->areas = RB_ROOT;
	arena->brk = NULL;
}

/* -- Records for splitting ----------------------------------------------------- */

struct spares {
	struct anon_area *area[2];
	unsigned int nr;
};

static int spares_get(struct spares *spares, unsigned int nr)
{
	while (spares->nr < nr) {
		struct anon_area *area =
			kmem_cache_alloc(area_cache, GFP_KERNEL);

		if (!area)
			return -ENOMEM;
		spares->area[spares->nr++] = area;
	}
	return 0;
}

static void spares_put(struct spares *spares)
{
	while (spares->nr)
		kmem_cache_free(area_cache, spares->area[--spares->nr]);
}

static bool is_inside(struct anon_arena *arena, unsigned long at)
{
	struct anon_area *area = area_find(arena, at);

	return area && area->start != at;
}

/* Lock, with a record for each area that has @addr or @end inside; -ENOMEM, and
 * not locked.  Whoever came meanwhile may have changed what is needed. */
static int lock_with_spares(struct anon_arena *arena, unsigned long addr,
			    unsigned long end, struct spares *spares)
{
	for (;;) {
		unsigned int needed;

		mutex_lock(&arena->lock);
		needed = is_inside(arena, addr) + is_inside(arena, end);
		if (needed <= spares->nr)
			return 0;
		mutex_unlock(&arena->lock);
		if (spares_get(spares, needed)) {
			spares_put(spares);
			return -ENOMEM;
		}
	}
}

/* If an area has @at inside, it ends there and another begins. */
static void split_at(struct anon_arena *arena, unsigned long at,
		     struct spares *spares)
{
	struct anon_area *area, *rest;

	if (!is_inside(arena, at))
		return;
	area = area_find(arena, at);
	rest = spares->area[--spares->nr];
	*rest = *area;
	rest->start = at;
	area->end = at;
	area_insert(arena, rest);
}

/* -- Mapping ----------------------------------------------------------------- */

/* Where in @span @size bytes and a page on either side are free; 0: nowhere. */
static unsigned long gap_in_span(struct anon_arena *arena,
				 struct arena_span *span, size_t size)
{
	unsigned long at = max(span->start, arena->hint);
	/* From one that ends right there: it wants its page, too. */
	struct anon_area *next = area_from(arena, at - 1);

	for (; at + size < span->end; next = area_next(next)) {
		if (!next || at + size < next->start)
			return at;
		at = max(at, next->end + PAGE_SIZE);
	}
	return 0;
}

static unsigned long find_gap(struct anon_arena *arena, size_t size)
{
	struct arena_span *span;

	list_for_each_entry(span, &arena->spans, link) {
		unsigned long at = span == arena->brk_span
					   ? 0
					   : gap_in_span(arena, span, size);

		if (at)
			return at;
	}
	return 0;
}

/* One more span, for @size bytes; the lock is not held. */
static struct arena_span *span_create(struct anon_arena *arena, size_t size)
{
	struct arena_span *span = kmalloc(sizeof(*span), GFP_KERNEL_ACCOUNT);

	if (span && span_take(arena, span, size)) {
		kfree(span);
		return NULL;
	}
	return span;
}

static void span_insert(struct anon_arena *arena, struct arena_span *new)
{
	struct arena_span *span;

	list_for_each_entry(span, &arena->spans, link) {
		if (span->start > new->start)
			break;
	}
	list_add_tail(&new->link, &span->link);
	arena->hint = min(arena->hint, new->start);
}

/* Give @area addresses; what it finds no gap for gets a span. */
static int area_place(struct anon_arena *arena, struct anon_area *area,
		      size_t size)
{
	struct arena_span *span;
	unsigned long at;

	mutex_lock(&arena->lock);
	at = find_gap(arena, size);
	if (!at) {
		mutex_unlock(&arena->lock);
		span = span_create(arena, size);
		if (!span)
			return -ENOMEM;
		mutex_lock(&arena->lock);
		span_insert(arena, span);
		at = gap_in_span(arena, span, size);
	}
	area->start = at;
	area->end = at + size;
	area->keep += at;
	area_insert(arena, area);
	/* A gap that was passed over because it is small stays one. */
	if (at == arena->hint)
		arena->hint = area->end + PAGE_SIZE;
	mutex_unlock(&arena->lock);
	return 0;
}

unsigned long arena_map(struct anon_arena *arena, size_t size,
			unsigned int prot, size_t keep)
{
	struct anon_area *area;

	if (!size || size >= ARENA_SIZE)
		return size ? -ENOMEM : -EINVAL;
	size = ALIGN(size, PAGE_SIZE);
	area = kmem_cache_alloc(area_cache, GFP_KERNEL);
	if (!area)
		return -ENOMEM;
	area->prot = prot;
	area->keep = ALIGN(min(keep, size), PAGE_SIZE);
	if (area_place(arena, area, size)) {
		kmem_cache_free(area_cache, area);
		return -ENOMEM;
	}
	return area->start;
}

/* -- Unmapping and protecting ------------------------------------------------- */

static bool is_pages_of(struct anon_arena *arena, unsigned long addr,
			size_t size)
{
	struct arena_span *span;

	if (!size || !IS_ALIGNED(addr, PAGE_SIZE))
		return false;
	list_for_each_entry(span, &arena->spans, link) {
		if (addr >= span->start && addr < span->end)
			return span != arena->brk_span &&
			       size <= span->end - addr;
	}
	return false;
}

int arena_unmap(struct anon_arena *arena, unsigned long addr, size_t size)
{
	unsigned long end = addr + ALIGN(size, PAGE_SIZE);
	struct spares spares = {.nr = 0};
	struct anon_area *area, *next;
	int err = lock_with_spares(arena, addr, end, &spares);

	if (err)
		return err;
	if (!is_pages_of(arena, addr, end - addr)) {
		err = -EINVAL;
	} else {
		split_at(arena, addr, &spares);
		split_at(arena, end, &spares);
		for (area = area_from(arena, addr); area && area->start < end;
		     area = next) {
			next = area_next(area);
			arena_zap(arena, area->start, area->end);
			area_remove(arena, area);
		}
		/* A gap may begin a page behind the area before. */
		arena->hint = min(arena->hint, addr);
	}
	mutex_unlock(&arena->lock);
	spares_put(&spares);
	return err;
}

static bool is_all_mapped(struct anon_arena *arena, unsigned long addr,
			  unsigned long end)
{
	while (addr < end) {
		struct anon_area *area = area_find(arena, addr);

		if (!area)
			return false;
		addr = area->end;
	}
	return true;
}

/* Lock held.  Rights are given without a flush: a stale translation faults, and
 * the fault finds that all is well. */
static void area_protect(struct anon_arena *arena, struct anon_area *area,
			 unsigned int prot)
{
	size_t size = area->end - area->start;

	if (!prot)
		arena_zap(arena, area->start, area->end);
	else if ((prot ^ area->prot) & ARENA_WRITE) {
		/* 4 KiB pages: nothing to split, so it cannot fail. */
		paging_protect(area->start, size,
			       prot & ARENA_WRITE ? PAGE_KERNEL
						  : PAGE_KERNEL_RO);
		if (!(prot & ARENA_WRITE))
			tlb_flush_range(area->start, area->end);
	}
	area->prot = prot;
}

int arena_protect(struct anon_arena *arena, unsigned long addr, size_t size,
		  unsigned int prot)
{
	unsigned long end = addr + ALIGN(size, PAGE_SIZE);
	struct spares spares = {.nr = 0};
	struct anon_area *area;
	int err = lock_with_spares(arena, addr, end, &spares);

	if (err)
		return err;
	if (!is_pages_of(arena, addr, end - addr)) {
		err = -EINVAL;
	} else if (!is_all_mapped(arena, addr, end)) {
		err = -ENOMEM;
	} else {
		split_at(arena, addr, &spares);
		split_at(arena, end, &spares);
		for (area = area_find(arena, addr); area && area->start < end;
		     area = area_next(area))
			area_protect(arena, area, prot);
	}
	mutex_unlock(&arena->lock);
	spares_put(&spares);
	return err;
}

/* -- Growing ----------------------------------------------------------------- */

/* sbrk()'s span and, without addresses yet, its area; not under the lock, but
 * only the owner comes here. */
static int brk_create(struct anon_arena *arena)
{
	struct anon_area *area = kmem_cache_alloc(area_cache, GFP_KERNEL);
	struct arena_span *span = area ? span_create(arena, BRK_MAX) : NULL;

	if (!span) {
		if (area)
			kmem_cache_free(area_cache, area);
		return -ENOMEM;
	}
	mutex_lock(&arena->lock);
	span_insert(arena, span);
	area->start = area->end = area->keep = span->start;
	area->prot = ARENA_READ | ARENA_WRITE;
	area_insert(arena, area);
	arena->brk = area;
	arena->brk_span = span;
	arena->brk_end = area->start;
	mutex_unlock(&arena->lock);
	return 0;
}

static int brk_move(struct anon_arena *arena, long increment)
{
	unsigned long old_end = arena->brk->end, brk, end;

	if (check_add_overflow((long)arena->brk_end, increment, (long *)&brk) ||
	    brk < arena->brk->start || brk >= arena->brk_span->end - PAGE_SIZE)
		return -ENOMEM;
	end = ALIGN(brk, PAGE_SIZE);
	arena->brk->end = end;
	arena->brk_end = brk;
	if (end < old_end)
		arena_zap(arena, end, old_end);
	return 0;
}

unsigned long arena_sbrk(struct anon_arena *arena, long increment)
{
	unsigned long before;
	int err;

	if (!arena->brk) {
		err = brk_create(arena);
		if (err)
			return err;
	}
	mutex_lock(&arena->lock);
	before = arena->brk_end;
	err = brk_move(arena, increment);
	mutex_unlock(&arena->lock);
	return err ? err : before;
}
