/* SPDX-License-Identifier: MIT */
/* sheaf_impl.h - the fast paths of today's shape; see sheaf.c. */
#pragma once
#include "slab_impl.h"

/*
 * Enter this CPU's store.  NULL when an interrupt finds it entered already; its
 * caller then goes to the slabs directly.
 */
static __always_inline struct slab_cpu *slab_cpu_enter(struct kmem_cache *s)
{
	struct slab_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(s->cpu);
	if (unlikely(c->busy)) {
		preempt_enable();
		return NULL;
	}
	c->busy = 1;
	barrier();
	return c;
}

static __always_inline void slab_cpu_leave(struct slab_cpu *c)
{
	barrier();
	c->busy = 0;
	preempt_enable();
}

static __always_inline void *slab_sheaf_alloc(struct kmem_cache *s, gfp_t gfp,
					      int node)
{
	struct slab_sheaf *sheaf;
	struct slab_cpu *c;
	void *object;

	if (unlikely(node != NUMA_NO_NODE))
		return slab_sheaf_alloc_node(s, gfp, node);
	c = slab_cpu_enter(s);
	if (likely(c)) {
		sheaf = c->main;
		if (likely(sheaf->size)) {
			object = sheaf->objects[--sheaf->size];
			c->stat[SLAB_ALLOC_FAST]++;
			slab_cpu_leave(c);
			return object;
		}
		slab_cpu_leave(c);
	}
	return slab_sheaf_alloc_slow(s, gfp);
}

static __always_inline void slab_sheaf_free(struct kmem_cache *s,
					    struct slab *slab, void *object)
{
	struct slab_sheaf *sheaf;
	struct slab_cpu *c;

	/* A sheaf holds memory of its CPU's node only. */
	if (unlikely(slab_foreign(slab))) {
		slab_put_chain(s, slab, object, object, 1);
		return;
	}
	c = slab_cpu_enter(s);
	if (likely(c)) {
		sheaf = c->main;
		if (likely(sheaf->size < sheaf->capacity)) {
			sheaf->objects[sheaf->size++] = object;
			c->stat[SLAB_FREE_FAST]++;
			slab_cpu_leave(c);
			return;
		}
		slab_cpu_leave(c);
	}
	slab_sheaf_free_slow(s, slab, object);
}

/* A handful of words: a call, or a string instruction, would cost more. */
static __always_inline void slab_copy_pointers(void **to, void *const *from,
					       unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		to[i] = from[i];
}
