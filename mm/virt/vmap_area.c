/* SPDX-License-Identifier: MIT */
/*
 * vmap_area.c - hand out addresses, in pieces of any size.
 *
 * Problem.    Areas of all sizes come and go; finding a gap must not mean
 *             walking over all of them.
 * Idea.       Areas, used and free, tile the address space, each linked to its
 *             neighbours (boundary tags).  Free ones are also kept in buckets
 *             by the power of two of their size: any area in the bucket above
 *             the wanted size fits, so finding one is a bit search, and
 *             freeing merges with the neighbours at once.  (After the vmem of
 *             Bonwick and Adams, USENIX 2001.)  Used ones are in a tree by
 *             address, for vfree() and for those who ask whose an address is.
 * Lazy.       An address may be used again only when no CPU remembers what it
 *             was mapped to.  Flushing all TLBs for each area would cost more
 *             than all else, so released areas wait on a list until there are
 *             LAZY_MAX_PAGES of them, and one flush serves all.
 * Rejected.   A tree of gaps, augmented by the largest gap below: best fit of
 *             addresses, of which there is 1 TiB, is not worth its rotations.
 * Records.    There may be no slab yet, so the records come from pages of our
 *             own, each with its own free list; empty pages go back.
 *
 * Locks. vmap_lock, interrupts off, never held while allocating.  purge_mutex
 * outside it, so that whoever needs addresses waits for a purge under way.
 */
#include <arch/paging.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/spinlock.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include "vmap_impl.h"

#define NR_BUCKETS     29 /* 2^28 pages are 1 TiB */
#define LAZY_MAX_PAGES (32ul << (20 - PAGE_SHIFT))

static DEFINE_SPINLOCK(vmap_lock);
static DEFINE_MUTEX(purge_mutex);

/* Under vmap_lock. */
static LIST_HEAD(neighbours);
static struct rb_root busy = RB_ROOT;
static struct list_head buckets[NR_BUCKETS];
static unsigned long nonempty; /* bit b: bucket b has areas */
static LIST_HEAD(lazy_areas);
static unsigned long lazy_pages;
static unsigned long nr_busy, nr_purges;

/* --- Records -------------------------------------------------------------- */

/*
 * A page of records: page->index is the first free record's address, linked
 * through its first word; page->private counts those in use.
 */
#define RECORDS_PER_PAGE (PAGE_SIZE / sizeof(struct vmap_area))

/* Under vmap_lock. */
static LIST_HEAD(record_pages); /* that have a free record */
static unsigned long nr_records_free, nr_record_pages;

static void records_add_page(struct page *page)
{
	struct vmap_area *record = page_address(page);
	unsigned long first = 0;

	for (unsigned int i = 0; i < RECORDS_PER_PAGE; i++) {
		*(unsigned long *)&record[i] = first;
		first = (unsigned long)&record[i];
	}
	page->index = first;
	page->private = 0;
	list_add(&page->lru, &record_pages);
	nr_records_free += RECORDS_PER_PAGE;
	nr_record_pages++;
}

/* Lock, with @nr records to be had; false, unlocked, if there is no memory. */
static bool lock_with_records(unsigned int nr, gfp_t gfp, unsigned long *flags)
{
	for (;;) {
		struct page *page;

		spin_lock_irqsave(&vmap_lock, *flags);
		if (nr_records_free >= nr)
			return true;
		spin_unlock_irqrestore(&vmap_lock, *flags);

		page = alloc_page(gfp & ~(__GFP_ZERO | __GFP_ACCOUNT));
		if (!page)
			return false;
		spin_lock_irqsave(&vmap_lock, *flags);
		records_add_page(page);
		spin_unlock_irqrestore(&vmap_lock, *flags);
	}
}

static struct vmap_area *record_get(void)
{
	struct page *page = list_first_entry(&record_pages, struct page, lru);
	unsigned long *record = (unsigned long *)page->index;

	assert_held(&vmap_lock);
	page->index = *record;
	page->private ++;
	nr_records_free--;
	if (!page->index)
		list_del(&page->lru);
	return (struct vmap_area *)record;
}

static void record_put(struct vmap_area *area)
{
	struct page *page = virt_to_page(area);

	assert_held(&vmap_lock);
	if (!page->index)
		list_add(&page->lru, &record_pages);
	*(unsigned long *)area = page->index;
	page->index = (unsigned long)area;
	nr_records_free++;
	if (--page->private || nr_records_free < RECORDS_PER_PAGE + 2)
		return;
	list_del(&page->lru);
	nr_records_free -= RECORDS_PER_PAGE;
	nr_record_pages--;
	__free_page(page);
}

/* --- Free areas ----------------------------------------------------------- */

static unsigned long area_pages(const struct vmap_area *area)
{
	return (area->end - area->start) >> PAGE_SHIFT;
}

static void bucket_add(struct vmap_area *area)
{
	unsigned int b = ilog2(area_pages(area));

	area->state = VMAP_FREE;
	list_add(&area->bucket, &buckets[b]);
	nonempty |= 1ul << b;
}

static void bucket_del(struct vmap_area *area)
{
	unsigned int b = ilog2(area_pages(area));

	list_del(&area->bucket);
	if (list_empty(&buckets[b]))
		nonempty &= ~(1ul << b);
}

/* A free area of at least @pages.  All in the bucket of the next power of two
 * are; in the one below, some may be. */
static struct vmap_area *find_free(unsigned long pages)
{
	unsigned int enough = order_base_2(pages);
	struct vmap_area *area;

	if (enough < NR_BUCKETS && nonempty >> enough)
		return list_first_entry(
			&buckets[enough + __ffs(nonempty >> enough)],
			struct vmap_area, bucket);
	list_for_each_entry(area, &buckets[ilog2(pages)], bucket)
		if (area_pages(area) >= pages)
			return area;
	return NULL;
}

/* Cut the area at @at: what is behind becomes a free area of its own. */
static void cut(struct vmap_area *area, unsigned long at)
{
	struct vmap_area *rest;

	if (at == area->end)
		return;
	rest = record_get();
	rest->start = at;
	rest->end = area->end;
	area->end = at;
	list_add(&rest->neighbours, &area->neighbours);
	bucket_add(rest);
}

static struct vmap_area *neighbour(struct vmap_area *area, bool next)
{
	struct list_head *link = next ? area->neighbours.next
				      : area->neighbours.prev;

	return link == &neighbours
		       ? NULL
		       : list_entry(link, struct vmap_area, neighbours);
}

static void free_and_merge(struct vmap_area *area)
{
	struct vmap_area *prev = neighbour(area, false);
	struct vmap_area *next = neighbour(area, true);

	if (prev && prev->state == VMAP_FREE) {
		bucket_del(prev);
		area->start = prev->start;
		list_del(&prev->neighbours);
		record_put(prev);
	}
	if (next && next->state == VMAP_FREE) {
		bucket_del(next);
		area->end = next->end;
		list_del(&next->neighbours);
		record_put(next);
	}
	bucket_add(area);
}

/* --- Busy areas ----------------------------------------------------------- */

static bool starts_below(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vmap_area, node)->start <
	       rb_entry(b, struct vmap_area, node)->start;
}

/* The busy area that @addr is in, its guard page included. */
static struct vmap_area *find_busy(unsigned long addr)
{
	struct rb_node *node = busy.rb_node;

	while (node) {
		struct vmap_area *area = rb_entry(node, struct vmap_area, node);

		if (addr < area->start)
			node = node->rb_left;
		else if (addr >= area->end)
			node = node->rb_right;
		else
			return area;
	}
	return NULL;
}

static struct vmap_area *carve(unsigned long size, unsigned long align)
{
	struct vmap_area *area =
		find_free((size + align - PAGE_SIZE) >> PAGE_SHIFT);
	unsigned long start;

	if (!area)
		return NULL;
	bucket_del(area);
	start = ALIGN(area->start, align);
	if (start != area->start) {
		struct vmap_area *front = area;

		cut(front, start);
		area = neighbour(front, true);
		bucket_del(area);
		bucket_add(front);
	}
	cut(area, area->start + size);
	area->state = VMAP_BUSY;
	return area;
}

static struct vmap_area *try_alloc(size_t size, size_t align, gfp_t gfp,
				   unsigned int kind, unsigned long site,
				   bool *no_memory)
{
	struct vmap_area *area;
	unsigned long flags;

	/* One for what is cut off in front, one for behind. */
	*no_memory = !lock_with_records(2, gfp, &flags);
	if (*no_memory)
		return NULL;
	area = carve(size + PAGE_SIZE, align);
	if (area) {
		area->pages = NULL;
		area->nr_pages = 0;
		area->objcg_id = 0;
		area->flags = kind;
		area->site = site;
		rb_add(&area->node, &busy, starts_below);
		nr_busy++;
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	return area;
}

struct vmap_area *vmap_area_alloc(size_t size, size_t align, gfp_t gfp,
				  unsigned int kind, unsigned long site)
{
	struct vmap_area *area;
	bool no_memory;

	assert_can_sleep();
	if (!size || size > VMALLOC_SIZE / 2 || align > VMALLOC_SIZE / 4)
		return NULL;
	if (vmap_wants_purge())
		vmalloc_purge();
	area = try_alloc(size, align, gfp, kind, site, &no_memory);
	if (!area && !no_memory) {
		vmalloc_purge();
		area = try_alloc(size, align, gfp, kind, site, &no_memory);
	}
	return area;
}

struct vmap_area *vmap_area_claim(unsigned long start, unsigned int kind)
{
	struct vmap_area *area;
	unsigned long flags;

	spin_lock_irqsave(&vmap_lock, flags);
	area = find_busy(start);
	if (area && (area->start != start || !(area->flags & kind)))
		area = NULL;
	if (area) {
		rb_erase(&area->node, &busy);
		nr_busy--;
		area->state = VMAP_LAZY;
		INIT_LIST_HEAD(&area->lazy);
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	return area;
}

struct vmap_area *vmap_area_find(unsigned long start)
{
	struct vmap_area *area;
	unsigned long flags;

	spin_lock_irqsave(&vmap_lock, flags);
	area = find_busy(start);
	spin_unlock_irqrestore(&vmap_lock, flags);
	return area && area->start == start ? area : NULL;
}

void vmap_area_walk(void (*fn)(struct vmap_area *area, void *arg), void *arg)
{
	struct vmap_area *area;

	list_for_each_entry(area, &neighbours, neighbours)
		if (area->state != VMAP_FREE)
			fn(area, arg);
}

/* --- Lazy areas ----------------------------------------------------------- */

void vmap_area_release(struct vmap_area *area)
{
	unsigned long flags;

	spin_lock_irqsave(&vmap_lock, flags);
	list_add(&area->lazy, &lazy_areas);
	lazy_pages += area_pages(area);
	spin_unlock_irqrestore(&vmap_lock, flags);
}

bool vmap_wants_purge(void)
{
	return READ_ONCE(lazy_pages) > LAZY_MAX_PAGES;
}

void vmalloc_purge(void)
{
	unsigned long start = ~0ul, end = 0, flags;
	struct vmap_area *area, *next;
	LIST_HEAD(areas);

	mutex_lock(&purge_mutex);
	spin_lock_irqsave(&vmap_lock, flags);
	list_splice_init(&lazy_areas, &areas);
	lazy_pages = 0;
	spin_unlock_irqrestore(&vmap_lock, flags);

	if (list_empty(&areas))
		goto out;
	list_for_each_entry(area, &areas, lazy) {
		start = min(start, area->start);
		end = max(end, area->end);
	}
	tlb_flush_range(start, end);

	spin_lock_irqsave(&vmap_lock, flags);
	list_for_each_entry_safe(area, next, &areas, lazy)
		free_and_merge(area);
	nr_purges++;
	spin_unlock_irqrestore(&vmap_lock, flags);
out:
	mutex_unlock(&purge_mutex);
}

/* --- Questions ------------------------------------------------------------ */

static struct vmap_area *find_for_report(unsigned long addr)
{
	struct vmap_area *area = find_busy(addr);
	struct vmap_area *behind = find_busy(addr + PAGE_SIZE);

	if (behind && behind != area && (behind->flags & VM_STACK))
		return behind;
	return area;
}

bool vmalloc_find_area(unsigned long addr, struct vm_area_info *info)
{
	struct vmap_area *area;
	unsigned long flags;

	if (!is_vmalloc_addr((void *)addr) ||
	    !spin_trylock_irqsave(&vmap_lock, flags))
		return false;
	area = find_for_report(addr);
	if (area) {
		info->start = area->start;
		info->size = vmap_area_size(area);
		info->flags = area->flags;
		info->site = area->site;
		info->in_guard = addr - area->start >= info->size;
	}
	spin_unlock_irqrestore(&vmap_lock, flags);
	return area;
}

void vmalloc_get_info(struct vmalloc_info *info)
{
	struct rb_node *node;
	unsigned long flags;

	spin_lock_irqsave(&vmap_lock, flags);
	*info = (struct vmalloc_info){
		.areas = nr_busy,
		.lazy = lazy_pages,
		.metadata = nr_record_pages,
		.purges = nr_purges,
	};
	for (node = rb_first(&busy); node; node = rb_next(node))
		info->pages += rb_entry(node, struct vmap_area, node)->nr_pages;
	spin_unlock_irqrestore(&vmap_lock, flags);
}

static unsigned long bad(const struct vmap_area *area, const char *why)
{
	pr_crit("vmalloc: %s: area %#lx-%#lx\n", why, area->start, area->end);
	return 1;
}

unsigned long vmalloc_validate(void)
{
	unsigned long at = VMALLOC_BASE, errors = 0, nr = 0, free = 0, flags;
	bool prev_free = false;
	struct vmap_area *area;

	spin_lock_irqsave(&vmap_lock, flags);
	list_for_each_entry(area, &neighbours, neighbours) {
		if (area->start != at || area->end <= at ||
		    ((area->start | area->end) & ~PAGE_MASK))
			errors += bad(area, "a gap or an overlap");
		if (area->state == VMAP_FREE && prev_free)
			errors += bad(area, "two free neighbours");
		if (area->state == VMAP_BUSY && find_busy(area->start) != area)
			errors += bad(area, "a used area cannot be found");
		nr += area->state == VMAP_BUSY;
		free += area->state == VMAP_FREE;
		prev_free = area->state == VMAP_FREE;
		at = area->end;
	}
	errors += at != VMALLOC_BASE + VMALLOC_SIZE;
	errors += nr != nr_busy;
	for (unsigned int b = 0; b < NR_BUCKETS; b++) {
		list_for_each_entry(area, &buckets[b], bucket) {
			free--;
			if (area->state != VMAP_FREE ||
			    (unsigned int)ilog2(area_pages(area)) != b)
				errors += bad(area, "in a wrong bucket");
		}
		errors += list_empty(&buckets[b]) == !!(nonempty & 1ul << b);
	}
	errors += free != 0;
	errors += rb_validate(&busy, starts_below) < 0;
	spin_unlock_irqrestore(&vmap_lock, flags);
	return errors;
}

void vmalloc_init(void)
{
	struct vmap_area *all;
	unsigned long flags;

	for (unsigned int b = 0; b < NR_BUCKETS; b++)
		INIT_LIST_HEAD(&buckets[b]);
	if (!lock_with_records(1, GFP_KERNEL, &flags))
		panic("no memory for vmalloc");
	all = record_get();
	all->start = VMALLOC_BASE;
	all->end = VMALLOC_BASE + VMALLOC_SIZE;
	list_add(&all->neighbours, &neighbours);
	bucket_add(all);
	spin_unlock_irqrestore(&vmap_lock, flags);
}
