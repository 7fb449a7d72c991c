/* SPDX-License-Identifier: MIT */
/*
 * sheaf_impl.h - the fast paths of today's shape; see sheaf.c.
 *
 * Written for what they compile to.  Main's pointers lie in the CPU's store
 * itself (top, base, end), so a pop is a load, a compare and a subtraction;
 * all that is not usual leaves by a tail call, so that no register is
 * saved for it; and zeroing and debugging are the slow path's business.
 */
#pragma once
#include "slab_impl.h"

static __always_inline void *slab_sheaf_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct slab_cpu __percpu *c = s->cpu;
	void **top, *object;

	if (unlikely(!cpu_store_enter()))
		return slab_sheaf_alloc_slow(s, gfp);
	top = this_cpu_read(c->top);
	if (unlikely(this_cpu_equals(c->base, top))) {
		cpu_store_leave();
		return slab_sheaf_alloc_slow(s, gfp);
	}
	object = top[-1];
	this_cpu_sub(c->top, (void **)sizeof(*top));
	this_cpu_inc(c->stat[SLAB_ALLOC_FAST]);
	cpu_store_leave();
	if (unlikely(gfp & __GFP_ZERO))
		return slab_zero(s, object);
	return object;
}

static __always_inline void slab_sheaf_free(struct kmem_cache *s,
					    struct slab *slab, void *object)
{
	struct slab_cpu __percpu *c = s->cpu;
	void **top;

	/* A sheaf holds memory of its CPU's node only. */
	if (unlikely(slab_foreign(slab)) || unlikely(!cpu_store_enter())) {
		slab_free_direct(s, slab, object);
		return;
	}
	top = this_cpu_read(c->top);
	if (unlikely(this_cpu_equals(c->end, top))) {
		cpu_store_leave();
		slab_sheaf_free_slow(s, slab, object);
		return;
	}
	*top = object;
	this_cpu_add(c->top, (void **)sizeof(*top));
	cpu_store_leave();
}

/*
 * Let the fast paths see main: from here on its size is what top says, until
 * sheaf.c enters again and carries it back.  The store is entered, or not in
 * use yet.
 */
static inline void sheaf_show_main(struct slab_cpu *c)
{
	c->base = c->main->objects;
	c->top = c->base + c->main->size;
	c->end = c->base + c->main->capacity;
}

/* One word after the other, without the cost of a call. */
static __always_inline void slab_copy_pointers(void **to, void *const *from,
					       unsigned long nr)
{
	asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(nr)::"memory");
}
