/* SPDX-License-Identifier: MIT */
/*
 * slab.c - allocate and free an object: the walk's first step, in both shapes.
 *
 * Here are the fast paths as they run: everything inline up to the first thing
 * that is not in the CPU's own store.  Which shape a kernel has is decided at
 * boot and patched into the text (slab_use_sheaves), so neither pays for the
 * other.
 *
 * Debugging.  A cache with debug flags has neither a CPU slab nor sheaves, so
 *             its every operation comes out at the slow end, and slab_debug.c
 *             works object by object, under the node's list_lock.
 * Checked.    Freeing always finds the slab from the object: what is not an
 *             object of that cache is reported and left alone.
 *
 * Context: any but NMI; may sleep if the flags say so.
 */
#include <kernel/core/fault_inject.h>
#include <lib/math.h>
#include <string.h>
#include "cmpxchg_impl.h"
#include "sheaf_impl.h"

static __always_inline void *slab_alloc(struct kmem_cache *s, gfp_t gfp,
					int node)
{
	void *object;

	if (fault_active(&failslab) && !(gfp & __GFP_NOFAIL) &&
	    __should_fail(&failslab))
		return NULL;

	if (cache_debug(s))
		object = slab_debug_alloc(s, gfp, node);
	else if (static_branch_likely(&slab_use_sheaves))
		object = slab_sheaf_alloc(s, gfp, node);
	else
		object = slab_cmpxchg_alloc(s, gfp, node);

	if (unlikely(gfp & __GFP_ZERO) && likely(object))
		memset(object, 0, s->object_size);
	return object;
}

static __always_inline void slab_free(struct kmem_cache *s, struct slab *slab,
				      void *object)
{
	if (cache_debug(s))
		slab_debug_free(s, slab, object);
	else if (static_branch_likely(&slab_use_sheaves))
		slab_sheaf_free(s, slab, object);
	else
		slab_cmpxchg_free(s, slab, object, object, 1);
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	return slab_alloc(s, gfp, NUMA_NO_NODE);
}

void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	return slab_alloc(s, gfp, node);
}

/* @object is none of @s's. */
static noinline __cold void bad_free(struct kmem_cache *s, struct slab *slab,
				     const void *object)
{
	slab_report(s, slab, (void *)object,
		    slab ? "freed to another cache than its own"
			 : "freed, but no slab object");
}

void kmem_cache_free(struct kmem_cache *s, void *object)
{
	struct slab *slab = slab_of(object);

	if (unlikely(!slab || slab->cache != s)) {
		bad_free(s, slab, object);
		return;
	}
	slab_free(s, slab, object);
}

/* --- kmalloc's two ends, here for the inlining ------------------------------ */

void *__kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large(size, gfp);
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	return slab_alloc(kmalloc_cache_of(size), gfp, NUMA_NO_NODE);
}

void *__kmalloc_node(size_t size, gfp_t gfp, int node)
{
	if (unlikely(size > KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_large_node(size, gfp, node);
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	return slab_alloc(kmalloc_cache_of(size), gfp, node);
}

void kfree(const void *object)
{
	struct slab *slab;

	if (unlikely(ZERO_OR_NULL_PTR(object)))
		return;
	slab = slab_of(object);
	if (unlikely(!slab)) {
		kfree_large(object);
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

	if (!cache_debug(s) && static_branch_likely(&slab_use_sheaves))
		got = slab_sheaf_alloc_bulk(s, gfp, nr, objects);

	/* One by one: what the shape or the memory left over. */
	for (; got < nr; got++) {
		objects[got] = slab_alloc(s, gfp & ~__GFP_ZERO, NUMA_NO_NODE);
		if (unlikely(!objects[got])) {
			kmem_cache_free_bulk(s, got, objects);
			return 0;
		}
	}
	if (unlikely(gfp & __GFP_ZERO))
		for (unsigned int i = 0; i < nr; i++)
			memset(objects[i], 0, s->object_size);
	return nr;
}

void kmem_cache_free_bulk(struct kmem_cache *s, unsigned int nr, void **objects)
{
	bool direct = !cache_debug(s) &&
		      static_branch_likely(&slab_use_sheaves);
	unsigned int kept = 0;

	/* Sort out what cannot go into sheaves: wrong, or another node's. */
	for (unsigned int i = 0; i < nr; i++) {
		struct slab *slab = slab_of(objects[i]);

		if (unlikely(!slab || slab->cache != s))
			bad_free(s, slab, objects[i]);
		else if (direct && !slab_foreign(slab))
			objects[kept++] = objects[i];
		else
			slab_free(s, slab, objects[i]);
	}
	if (kept)
		slab_sheaf_free_bulk(s, kept, objects);
}
