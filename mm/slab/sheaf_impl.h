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
#include "owner_impl.h"

/* One word after the other, without the cost of a call. */
static __always_inline void slab_copy_pointers(void **to, void *const *from,
					       unsigned long nr)
{
	asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(nr)::"memory");
}

/* Take an object out of main, if there is one.  The store is entered. */
static __always_inline bool slab_sheaf_pop(struct slab_cpu __percpu *c,
					   void **object)
{
	void **top = this_cpu_read(c->top);

	if (unlikely(this_cpu_equals(c->base, top)))
		return false;
	*object = top[-1];
	this_cpu_sub(c->top, (void **)sizeof(*top));
	this_cpu_inc(c->stat[SLAB_ALLOC_FAST]);
	return true;
}

/* Put one into main, if there is room.  The store is entered. */
static __always_inline bool slab_sheaf_push(struct slab_cpu __percpu *c,
					    void *object)
{
	void **top = this_cpu_read(c->top);

	if (unlikely(this_cpu_equals(c->end, top)))
		return false;
	*top = object;
	this_cpu_add(c->top, (void **)sizeof(*top));
	return true;
}

/* The same for many at once, all or none. */
static __always_inline bool slab_sheaf_pop_many(struct slab_cpu __percpu *c,
						unsigned int nr, void **objects)
{
	void **top = this_cpu_read(c->top) - nr;

	if (unlikely(top < this_cpu_read(c->base)))
		return false;
	slab_copy_pointers(objects, top, nr);
	this_cpu_write(c->top, top);
	this_cpu_add(c->stat[SLAB_ALLOC_FAST], nr);
	return true;
}

static __always_inline bool slab_sheaf_push_many(struct slab_cpu __percpu *c,
						 unsigned int nr,
						 void *const *objects)
{
	void **top = this_cpu_read(c->top);

	if (unlikely(top + nr > this_cpu_read(c->end)))
		return false;
	slab_copy_pointers(top, objects, nr);
	this_cpu_write(c->top, top + nr);
	return true;
}

/* Many objects out of main, or into it; false, and nothing done, if it has not so
 * many, or no room. */
static __always_inline bool slab_sheaf_get_many(struct kmem_cache *s,
						unsigned int nr, void **objects)
{
	bool done;

	if (!static_branch_likely(&slab_use_sheaves) || !cpu_store_enter())
		return false;
	done = slab_sheaf_pop_many(s->cpu, nr, objects);
	cpu_store_leave();
	return done;
}

static __always_inline bool
slab_sheaf_put_many(struct kmem_cache *s, unsigned int nr, void *const *objects)
{
	bool done;

	if (!cpu_store_enter())
		return false;
	done = slab_sheaf_push_many(s->cpu, nr, objects);
	cpu_store_leave();
	return done;
}

/* Not zeroed, and nobody pays. */
static __always_inline void *slab_sheaf_alloc_bare(struct kmem_cache *s,
						   gfp_t gfp)
{
	void *object;

	if (unlikely(!cpu_store_enter()))
		return slab_sheaf_alloc_slow(s, gfp);
	if (unlikely(!slab_sheaf_pop(s->cpu, &object))) {
		cpu_store_leave();
		return slab_sheaf_alloc_slow(s, gfp);
	}
	cpu_store_leave();
	return object;
}

/* While there are groups.  The usual two first: neither charged nor zeroed, and
 * charged the short way. */
static __always_inline void *slab_sheaf_alloc_asked(struct kmem_cache *s,
						    gfp_t gfp)
{
	gfp |= s->account;
	if (likely(!(gfp & (__GFP_ZERO | __GFP_ACCOUNT))))
		return slab_sheaf_alloc_bare(s, gfp);
	if (unlikely(gfp & (__GFP_ZERO | SLAB_GFP_FAR)))
		return slab_sheaf_alloc_special(s, gfp);
	return slab_sheaf_alloc_charged(s, gfp);
}

static __always_inline void *slab_sheaf_alloc(struct kmem_cache *s, gfp_t gfp)
{
	void *object;

	if (static_branch_unlikely(&accounting_kernel))
		return slab_sheaf_alloc_asked(s, gfp);
	if (unlikely(!cpu_store_enter()))
		return slab_sheaf_alloc_slow(s, gfp);
	if (unlikely(!slab_sheaf_pop(s->cpu, &object))) {
		cpu_store_leave();
		return slab_sheaf_alloc_slow(s, gfp);
	}
	cpu_store_leave();
	if (unlikely(gfp & __GFP_ZERO))
		return slab_zero(s, object);
	return object;
}

/* Of this CPU's node: a sheaf holds no other.  Nobody has paid for any object of
 * its slab. */
static __always_inline void
slab_sheaf_free_bare(struct kmem_cache *s, struct slab *slab, void *object)
{
	if (unlikely(!cpu_store_enter())) {
		slab_free_direct(slab, object);
		return;
	}
	if (unlikely(!slab_sheaf_push(s->cpu, object))) {
		cpu_store_leave();
		slab_sheaf_free_slow(slab, object);
		return;
	}
	cpu_store_leave();
}

/* Somebody may have paid for it: give that back to the stock, in the same
 * section. */
static __always_inline void
slab_sheaf_free_owned(struct kmem_cache *s, struct slab *slab, void *object)
{
	u32 owner;

	if (unlikely(!cpu_store_enter())) {
		slab_free_owned_slow(slab, object);
		return;
	}
	if (unlikely(!slab_sheaf_push(s->cpu, object))) {
		cpu_store_leave();
		slab_free_owned_slow(slab, object);
		return;
	}
	/* Nobody takes it out again before we leave. */
	owner = slab_owner_take(
		slab_owner_entry(s->owner_shift, slab->owners, object));
	if (likely(owner) &&
	    unlikely(!stock_refill_below(owner, s->size, s->stock_below))) {
		slab_uncharge_leave(slab, owner);
		return;
	}
	cpu_store_leave();
}

static __always_inline void slab_sheaf_free(struct kmem_cache *s,
					    struct slab *slab, void *object)
{
	if (static_branch_unlikely(&accounting_enabled) && slab->owners)
		slab_sheaf_free_owned(s, slab, object);
	else
		slab_sheaf_free_bare(s, slab, object);
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
