/* SPDX-License-Identifier: MIT */
/*
 * slab.c - allocate and free an object: the walk's first step, in both shapes.
 *
 * Here are the fast paths as they run: everything inline up to the first thing
 * that is not in the CPU's own store.  Which shape a kernel has is decided at
 * boot and patched into the text (slab_use_sheaves), so neither pays for the
 * other.
 *
 * Shape.      Whatever is not usual - zeroing, debugging, failing on purpose, the
 *             other shape - leaves by a tail call at the latest possible moment,
 *             so that the usual path saves no register and tests no flag twice.
 * Debugging.  A cache with debug flags has neither a CPU slab nor sheaves, so
 *             its every operation comes out at the slow end by itself, where
 *             slab_debug.c works object by object.
 * Checked.    Freeing always finds the slab from the object: what is not an
 *             object of that cache is reported and left alone.
 *
 * Context: any but NMI; may sleep if the flags say so.
 */
#include <kernel/core/fault_inject.h>
#include <lib/math.h>
#include <string.h>
#include "sheaf_impl.h"

void *slab_zero(struct kmem_cache *s, void *object)
{
	return memset(object, 0, s->object_size);
}

static __always_inline void *slab_alloc(struct kmem_cache *s, gfp_t gfp)
{
	if (static_branch_likely(&slab_use_sheaves))
		return slab_sheaf_alloc(s, gfp);
	return slab_cmpxchg_alloc(s, gfp, NUMA_NO_NODE);
}

static __always_inline void *slab_alloc_node(struct kmem_cache *s, gfp_t gfp,
					     int node)
{
	if (static_branch_likely(&slab_use_sheaves))
		return slab_sheaf_alloc_node(s, gfp, node);
	return slab_cmpxchg_alloc(s, gfp, node);
}

static noinline __cold void *alloc_may_fail(struct kmem_cache *s, gfp_t gfp,
					    int node)
{
	if (!(gfp & __GFP_NOFAIL) && __should_fail(&failslab))
		return NULL;
	return slab_alloc_node(s, gfp, node);
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	if (fault_active(&failslab))
		return alloc_may_fail(s, gfp, NUMA_NO_NODE);
	return slab_alloc(s, gfp);
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	if (fault_active(&failslab))
		return alloc_may_fail(s, gfp, node);
	return slab_alloc_node(s, gfp, node);
}

/* --- freeing --------------------------------------------------------------- */

static __always_inline void slab_free(struct kmem_cache *s, struct slab *slab,
				      void *object)
{
	if (static_branch_likely(&slab_use_sheaves))
		slab_sheaf_free(s, slab, object);
	else
		slab_cmpxchg_free(s, slab, object);
}

/* Not in the first page of a slab of @s: further back, or not at all. */
static noinline __cold void free_further(struct kmem_cache *s, void *object)
{
	struct slab *slab = slab_of(object);

	if (likely(slab && slab->cache == s))
		slab_free(s, slab, object);
	else
		slab_report(s, slab, object,
			    slab ? "freed to another cache than its own"
				 : "freed, but no slab object");
}

void kmem_cache_free(struct kmem_cache *s, void *object)
{
	struct slab *slab = slab_at(object);

	/* A page that names our cache is a slab: nobody else leaves such a
	 * pointer there, and slab_page_free() takes it away. */
	if (unlikely(slab->cache != s)) {
		free_further(s, object);
		return;
	}
	slab_free(s, slab, object);
}

/* --- kmalloc's two ends, here for the inlining ------------------------------ */

/* Nothing, or more than a cache has. */
static noinline void *kmalloc_odd(size_t size, gfp_t gfp, int node)
{
	return size ? kmalloc_large_node(size, gfp, node) : ZERO_SIZE_PTR;
}

static noinline void *kmalloc_medium(size_t size, gfp_t gfp)
{
	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_odd(size, gfp, NUMA_NO_NODE);
	return kmem_cache_alloc(kmalloc_cache_of(size), gfp);
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size - 1 >= KMALLOC_SMALL))
		return kmalloc_medium(size, gfp);
	if (fault_active(&failslab))
		return alloc_may_fail(kmalloc_cache_of(size), gfp,
				      NUMA_NO_NODE);
	return slab_alloc(kmalloc_cache_of(size), gfp);
}

void *__kmalloc_node(size_t size, gfp_t gfp, int node)
{
	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_odd(size, gfp, node);
	return kmem_cache_alloc_node(kmalloc_cache_of(size), gfp, node);
}

static noinline void kfree_further(const void *object)
{
	struct slab *slab = slab_of(object);

	if (slab)
		slab_free(slab->cache, slab, (void *)object);
	else
		kfree_large(object);
}

void kfree(const void *object)
{
	struct slab *slab = slab_at(object);

	if (unlikely(ZERO_OR_NULL_PTR(object)))
		return;
	if (unlikely(slab_page(slab)->type != PAGE_SLAB)) {
		kfree_further(object);
		return;
	}
	slab_free(slab->cache, slab, (void *)object);
}

/* --- in bulk --------------------------------------------------------------- */

unsigned int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
				   unsigned int nr, void **objects)
{
	unsigned int got = 0;

	if (fault_active(&failslab) && !(gfp & __GFP_NOFAIL) &&
	    __should_fail(&failslab))
		return 0;

	if (static_branch_likely(&slab_use_sheaves) && !cache_debug(s))
		got = slab_sheaf_alloc_bulk(s, gfp, nr, objects);

	/* One by one: what the shape or the memory left over. */
	for (; unlikely(got < nr); got++) {
		objects[got] = slab_alloc(s, gfp & ~__GFP_ZERO);
		if (unlikely(!objects[got])) {
			kmem_cache_free_bulk(s, got, objects);
			return 0;
		}
	}
	if (unlikely(gfp & __GFP_ZERO))
		for (unsigned int i = 0; i < nr; i++)
			slab_zero(s, objects[i]);
	return nr;
}

/* Free @objects[0 .. nr), sorting out what may not go into a sheaf: wrong,
 * of a page further back, another node's, debugged. */
static noinline void free_bulk_mixed(struct kmem_cache *s, unsigned int nr,
				     void **objects)
{
	for (unsigned int i = 0; i < nr; i++)
		kmem_cache_free(s, objects[i]);
}

/* How many of the objects, from the first on, may go into a sheaf as they are. */
static unsigned int plain_prefix(struct kmem_cache *s, unsigned int nr,
				 void **objects)
{
	void **p = objects, **end = objects + nr;

	if (!static_branch_likely(&slab_use_sheaves) || cache_debug(s))
		return 0;
	if (static_branch_unlikely(&slab_numa))
		while (p < end && slab_at(*p)->cache == s &&
		       !slab_foreign(slab_at(*p)))
			p++;
	else
		while (p < end && slab_at(*p)->cache == s)
			p++;
	return p - objects;
}

void kmem_cache_free_bulk(struct kmem_cache *s, unsigned int nr, void **objects)
{
	unsigned int plain = plain_prefix(s, nr, objects);

	slab_sheaf_free_bulk(s, plain, objects);
	if (unlikely(plain < nr))
		free_bulk_mixed(s, nr - plain, objects + plain);
}
