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

/*
 * Charged, of a cache that is not SLAB_GFP_FAR: taking the object, taking its
 * bytes from the payer's stock and writing down who it was are one section.
 * An interrupt, which has to find out who pays, enters the slow way.
 */
void *slab_sheaf_alloc_charged(struct kmem_cache *s, gfp_t gfp)
{
	void *object;
	u32 owner;

	if (unlikely(!cpu_store_enter_task()))
		return slab_sheaf_alloc_slow(s, gfp);
	if (unlikely(!slab_sheaf_pop(s->cpu, &object))) {
		cpu_store_leave();
		return slab_sheaf_alloc_slow(s, gfp);
	}
	owner = READ_ONCE(current->owner);
	/* Nobody's stock is empty. */
	if (unlikely(!stock_consume(owner, s->size))) {
		cpu_store_leave();
		return owner ? slab_alloc_finish(s, gfp, object) : object;
	}
	*slab_owner_entry_near(s->owner_shift, object) = owner;
	cpu_store_leave();
	return object;
}

static __always_inline void *slab_alloc(struct kmem_cache *s, gfp_t gfp)
{
	if (!static_branch_likely(&slab_use_sheaves))
		return slab_cmpxchg_alloc(s, gfp, NUMA_NO_NODE);
	return slab_sheaf_alloc(s, gfp);
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

/* In the other shape, or where there are other nodes. */
static noinline void slab_free_elsewhere(struct slab *slab, void *object)
{
	struct kmem_cache *s = slab->cache;

	if (!static_branch_likely(&slab_use_sheaves)) {
		slab_cmpxchg_free(s, slab, object);
		return;
	}
	/* Near is near this CPU: its sheaves and its stock count on it. */
	preempt_disable();
	if (!slab_foreign(slab))
		slab_sheaf_free(s, slab, object);
	else if (static_branch_unlikely(&accounting_enabled) && slab->owners)
		slab_free_owned_slow(slab, object);
	else
		slab_free_direct(slab, object);
	preempt_enable();
}

static __always_inline void slab_free(struct kmem_cache *s, struct slab *slab,
				      void *object)
{
	if (static_branch_likely(&slab_simple))
		slab_sheaf_free(s, slab, object);
	else
		slab_free_elsewhere(slab, object);
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
	return kmem_cache_alloc(kmalloc_cache_of(size, gfp), gfp);
}

/* Zeroed, charged, or about to fail on purpose. */
static noinline void *kmalloc_flagged(size_t size, gfp_t gfp)
{
	return kmem_cache_alloc(kmalloc_cache_of(size, gfp), gfp);
}

/* Charged, if there are groups and nothing else is asked for. */
static __always_inline void *kmalloc_charged(size_t size, gfp_t gfp)
{
	if (!static_branch_unlikely(&accounting_kernel) ||
	    !static_branch_likely(&slab_use_sheaves) ||
	    fault_active(&failslab) || unlikely(gfp & __GFP_ZERO))
		return kmalloc_flagged(size, gfp);
	return slab_sheaf_alloc_charged(kmalloc_cg_small[(size - 1) / 8], gfp);
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size - 1 >= KMALLOC_SMALL))
		return kmalloc_medium(size, gfp);
	/* Caches for those who do not ask to be charged never charge. */
	if (unlikely(gfp & (__GFP_ZERO | __GFP_ACCOUNT)))
		return kmalloc_charged(size, gfp);
	if (fault_active(&failslab) || !static_branch_likely(&slab_use_sheaves))
		return kmalloc_flagged(size, gfp);
	return slab_sheaf_alloc_bare(kmalloc_small[(size - 1) / 8], gfp);
}

void *__kmalloc_node(size_t size, gfp_t gfp, int node)
{
	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_odd(size, gfp, node);
	return kmem_cache_alloc_node(kmalloc_cache_of(size, gfp), gfp, node);
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

/* An object as the shape has it: nobody has paid for it yet. */
static void *slab_get(struct kmem_cache *s, gfp_t gfp)
{
	if (static_branch_likely(&slab_use_sheaves))
		return slab_sheaf_get(s, gfp);
	return slab_cmpxchg_get(s, gfp);
}

/* Not out of main alone.  Returns @nr, or 0 and has none. */
static noinline unsigned int get_many(struct kmem_cache *s, gfp_t gfp,
				      unsigned int nr, void **objects)
{
	unsigned int got = 0;

	if (static_branch_likely(&slab_use_sheaves) && !cache_debug(s))
		got = slab_sheaf_alloc_bulk(s, gfp, nr, objects);

	/* One by one: what the shape or the memory left over. */
	for (; unlikely(got < nr); got++) {
		objects[got] = slab_get(s, gfp);
		if (unlikely(!objects[got])) {
			kmem_cache_free_bulk(s, got, objects);
			return 0;
		}
	}
	return nr;
}

/*
 * The usual case of charging many: main has them, the task's stock pays for all,
 * and their owners are near.  All in one section, as for one object.
 */
static bool get_many_charged(struct kmem_cache *s, unsigned int nr,
			     void **objects)
{
	void **end = objects + nr;
	const u32 shift = s->owner_shift;
	u32 owner;

	if (!slab_owners_near(s) || !cpu_store_enter_task())
		return false;
	if (unlikely(!slab_sheaf_pop_many(s->cpu, nr, objects)))
		goto out;
	owner = READ_ONCE(current->owner);
	if (owner && unlikely(!stock_consume(owner, nr * s->size))) {
		slab_sheaf_push_many(s->cpu, nr, objects);
		goto out;
	}
	for (; owner && objects < end; objects++)
		*slab_owner_entry_near(shift, *objects) = owner;
	cpu_store_leave();
	return true;
out:
	cpu_store_leave();
	return false;
}

/* While there are groups. */
static noinline unsigned int alloc_bulk_charged(struct kmem_cache *s, gfp_t gfp,
						unsigned int nr, void **objects)
{
	if (get_many_charged(s, nr, objects))
		return nr;
	if (!get_many(s, gfp, nr, objects))
		return 0;
	if (slab_charge_bulk(s, gfp, nr, objects))
		return nr;
	kmem_cache_free_bulk(s, nr, objects);
	return 0;
}

unsigned int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
				   unsigned int nr, void **objects)
{
	if (fault_active(&failslab) && !(gfp & __GFP_NOFAIL) &&
	    __should_fail(&failslab))
		return 0;

	if (static_branch_unlikely(&accounting_kernel) && slab_charges(s, gfp))
		nr = alloc_bulk_charged(s, gfp, nr, objects);
	else if (!slab_sheaf_get_many(s, nr, objects))
		nr = get_many(s, gfp, nr, objects);

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

/* The same, and whoever paid for them has it back. */
static __always_inline unsigned int paid_prefix(struct kmem_cache *s,
						unsigned int nr, void **objects)
{
	unsigned int plain;

	if (static_branch_unlikely(&accounting_enabled)) {
		if (slab_owners_near(s) && !cache_debug(s))
			return slab_uncharge_near(s, nr, objects);
		plain = plain_prefix(s, nr, objects);
		slab_uncharge_bulk(s, plain, objects);
		return plain;
	}
	return plain_prefix(s, nr, objects);
}

/* Those that may go into a sheaf as they are.  How many, from the first on. */
static __always_inline unsigned int free_plain(struct kmem_cache *s,
					       unsigned int nr, void **objects)
{
	unsigned int plain = paid_prefix(s, nr, objects);

	if (!slab_sheaf_put_many(s, plain, objects))
		slab_sheaf_free_bulk(s, plain, objects);
	return plain;
}

/* As in slab_free_elsewhere(). */
static noinline unsigned int free_plain_near(struct kmem_cache *s,
					     unsigned int nr, void **objects)
{
	unsigned int plain;

	preempt_disable();
	plain = free_plain(s, nr, objects);
	preempt_enable();
	return plain;
}

void kmem_cache_free_bulk(struct kmem_cache *s, unsigned int nr, void **objects)
{
	unsigned int plain = static_branch_unlikely(&slab_numa)
				     ? free_plain_near(s, nr, objects)
				     : free_plain(s, nr, objects);

	if (unlikely(plain < nr))
		free_bulk_mixed(s, nr - plain, objects + plain);
}
