/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - memory by size.
 *
 * Idea.      One cache for each power of two from 8 bytes to 8 KiB, and two in
 *            between, 96 and 192, where the gap would waste most.  A constant
 *            size becomes a constant class in the caller; any other up to 192
 *            is one look into a table, above that a bit scan.
 * Large.     More than 8 KiB comes from the page allocator as a compound block,
 *            whose order is remembered in its head: ksize() and kfree() need no
 *            header before the memory.
 * Charged.   Who asks to be charged has caches of his own, kmalloc-cg-*: their
 *            slabs carry owners, and all others need none.
 * Rejected.  Headers: they spoil alignment, and kfree() finds the cache from the
 *            page anyway.
 *
 * The fast ends are in slab.c, next to what they inline.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <lib/math.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include "slab_impl.h"

struct kmem_cache *kmalloc_caches[KMALLOC_NR_CLASSES];
struct kmem_cache *kmalloc_cg_caches[KMALLOC_NR_CLASSES];

#define CLASS(name_, size_)                                                    \
	{                                                                      \
		.name = "kmalloc-" name_, .cg_name = "kmalloc-cg-" name_,      \
		.size = size_                                                  \
	}

static const struct {
	const char *name, *cg_name;
	unsigned int size;
} kmalloc_classes[KMALLOC_NR_CLASSES] = {
	[1] = CLASS("96", 96),	  [2] = CLASS("192", 192),
	[3] = CLASS("8", 8),	  [4] = CLASS("16", 16),
	[5] = CLASS("32", 32),	  [6] = CLASS("64", 64),
	[7] = CLASS("128", 128),  [8] = CLASS("256", 256),
	[9] = CLASS("512", 512),  [10] = CLASS("1k", 1024),
	[11] = CLASS("2k", 2048), [12] = CLASS("4k", 4096),
	[13] = CLASS("8k", 8192),
};

struct kmem_cache *kmalloc_small[KMALLOC_SMALL / 8];
struct kmem_cache *kmalloc_cg_small[KMALLOC_SMALL / 8];

static void create_classes(bool cg)
{
	struct kmem_cache **caches = cg ? kmalloc_cg_caches : kmalloc_caches;
	struct kmem_cache **small = cg ? kmalloc_cg_small : kmalloc_small;
	slab_flags_t flags = SLAB_PANIC | SLAB_NO_MERGE |
			     (cg ? SLAB_ACCOUNT : 0);

	for (int i = 1; i < KMALLOC_NR_CLASSES; i++) {
		unsigned int size = kmalloc_classes[i].size;

		/* Powers of two are aligned to their size. */
		caches[i] = kmem_cache_create(
			cg ? kmalloc_classes[i].cg_name
			   : kmalloc_classes[i].name,
			size,
			is_power_of_2(size) ? min(size, (unsigned)PAGE_SIZE)
					    : 0,
			flags, NULL);
	}
	for (unsigned int size = 8; size <= KMALLOC_SMALL; size += 8)
		small[size / 8 - 1] = caches[kmalloc_class(size)];
}

void kmalloc_init(void)
{
	create_classes(false);
	create_classes(true);
}

/* --- large ----------------------------------------------------------------- */

void *kmalloc_large_node(size_t size, gfp_t gfp, int node)
{
	struct page *page;

	if (size > KMALLOC_MAX_SIZE)
		return NULL;
	page = alloc_pages_node(node, gfp | __GFP_COMP,
				order_base_2(DIV_ROUND_UP(size, PAGE_SIZE)));
	return page ? page_address(page) : NULL;
}

void *kmalloc_large(size_t size, gfp_t gfp)
{
	return kmalloc_large_node(size, gfp, NUMA_NO_NODE);
}

/* The compound block that begins at @object, or NULL. */
static struct page *large_page(const void *object)
{
	struct page *page = virt_to_page(object);

	if (!IS_ALIGNED((unsigned long)object, PAGE_SIZE) ||
	    page_type(page) != PAGE_USED || !PageHead(page))
		return NULL;
	return page;
}

void kfree_large(const void *object)
{
	struct page *page = large_page(object);

	if (unlikely(!page)) {
		if (report_note(REPORT_SLAB))
			WARN(true, "kfree: %p was not allocated", object);
		return;
	}
	__free_pages(page, compound_order(page));
}

/* --- around ---------------------------------------------------------------- */

size_t ksize(const void *object)
{
	struct slab *slab;
	struct page *page;

	if (ZERO_OR_NULL_PTR(object))
		return 0;
	slab = slab_of(object);
	if (slab)
		return slab->cache->object_size;
	page = large_page(object);
	return page ? PAGE_SIZE << compound_order(page) : 0;
}

void *krealloc(const void *object, size_t size, gfp_t gfp)
{
	size_t old = ksize(object);
	void *new;

	if (!size) {
		kfree(object);
		return ZERO_SIZE_PTR;
	}
	if (size <= old)
		return (void *)object;
	new = kmalloc(size, gfp);
	if (!new)
		return NULL;
	if (old) {
		memcpy(new, object, old);
		kfree(object);
	}
	return new;
}

char *kstrdup(const char *text, gfp_t gfp)
{
	size_t len = text ? strlen(text) + 1 : 0;
	char *copy = text ? kmalloc(len, gfp) : NULL;

	return copy ? memcpy(copy, text, len) : NULL;
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	gfp_t try = gfp;
	void *object;

	/* Above a page there is another way: do not try hard. */
	if (size > PAGE_SIZE)
		try = (gfp | __GFP_NORETRY | __GFP_NOWARN) & ~__GFP_NOFAIL;
	object = kmalloc(size, try);
	if (object || size <= PAGE_SIZE)
		return object;
	return __vmalloc(size, gfp);
}

void kvfree(const void *object)
{
	if (is_vmalloc_addr(object))
		vfree(object);
	else
		kfree(object);
}

void kvfree_call_rcu(struct rcu_head *head, void *object)
{
	struct slab *slab = slab_of(object);

	if (static_branch_likely(&slab_use_sheaves) && slab &&
	    slab_sheaf_free_rcu(slab->cache, slab, object))
		return;
	/* RCU takes a small offset for a function that frees. */
	call_rcu(head, (rcu_callback_t)((void *)head - object));
}
