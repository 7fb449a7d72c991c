/* SPDX-License-Identifier: MIT */
/* owner_impl.h - the vectors of owners, for the rest of mm/slab; see owner.c. */
#pragma once
#include <mm/slab/owner.h>
#include "slab_impl.h"

/* Bytes of a vector for a slab of 2^@order pages. */
static inline unsigned long slab_owner_bytes(const struct kmem_cache *s,
					     unsigned int order)
{
	return (PAGE_SIZE << order >> s->owner_shift) * sizeof(u16);
}

/*
 * Where a vector keeps the owner of @object.  @owners is slab->owners and not
 * 0: where the entry of address 0 would be.
 */
static __always_inline u16 *
slab_owner_entry(u32 owner_shift, unsigned long owners, const void *object)
{
	return (u16 *)owners + ((unsigned long)object >> owner_shift);
}

static inline enum memcg_kind slab_memcg_kind(const struct kmem_cache *s)
{
	return s->flags & SLAB_RECLAIM_ACCOUNT ? MEMCG_SLAB_RECLAIMABLE
					       : MEMCG_SLAB_UNRECLAIMABLE;
}

/*
 * The same where the vector ends with the object's page: counted from there,
 * without a look at the slab.
 */
static __always_inline u16 *slab_owner_entry_near(u32 owner_shift,
						  const void *object)
{
	unsigned long last = (unsigned long)object | (PAGE_SIZE - 1);
	long from_end = (unsigned long)object | -PAGE_SIZE;

	return (u16 *)(last + 1) + (from_end >> owner_shift);
}

/* Erase it if it is @owner. */
static __always_inline bool slab_owner_erase(u16 *entry, u32 owner)
{
	asm goto("cmpw %w[owner], %[entry]\n\t"
		 "jne %l[other]\n\t"
		 "movw $0, %[entry]"
		 :
		 : [owner] "r"(owner), [entry] "m"(*entry)
		 : "cc", "memory"
		 : other);
	return true;
other:
	return false;
}

/* Read an owner and erase it.  The compiler would spend three instructions more
 * on it. */
static __always_inline u32 slab_owner_take(u16 *entry)
{
	u32 owner;

	asm volatile("movzwl %1, %0\n\t"
		     "movw $0, %1"
		     : "=&r"(owner), "+m"(*entry));
	return owner;
}

/* Do all slabs of @s have their owners near, and on this node? */
static __always_inline bool slab_owners_near(const struct kmem_cache *s)
{
	return static_branch_likely(&slab_simple) &&
	       !(s->account & SLAB_GFP_FAR);
}

/* Decide where the vectors of a cache go; the rest is laid out. */
void slab_owner_lay_out(struct kmem_cache *s);

/* The caches of vectors.  No object is charged before. */
void slab_owner_boot(void);

/* A slab begins and ends: all its objects are nobody's. */
void slab_owner_init(struct kmem_cache *s, struct slab *slab);
void slab_owner_release(struct slab *slab);

/*
 * See that @slab, which has an object in use, has a vector: returns
 * slab->owners, or 0 without memory.  The context is @gfp's.
 */
unsigned long slab_owner_make(struct kmem_cache *s, struct slab *slab,
			      gfp_t gfp);

/* --- charging -------------------------------------------------------------- */

/* Is an allocation with these flags charged?  Groups exist. */
static __always_inline bool slab_charges(const struct kmem_cache *s, gfp_t gfp)
{
	return (gfp | s->account) & __GFP_ACCOUNT;
}

/*
 * What an object that was just taken still needs before its user sees it: an
 * owner, and zeroing.  @object may be NULL.  Returns it, or NULL when nobody can
 * pay; then it has been freed.  Not entered.
 */
void *slab_alloc_finish(struct kmem_cache *s, gfp_t gfp, void *object);

/* Owners for many objects, of any slabs of @s, without zeroing.  False: refused; who
 * then frees them all gives back what was charged for some. */
bool slab_charge_bulk(struct kmem_cache *s, gfp_t gfp, unsigned int nr,
		      void **objects);

/*
 * Give back what was charged for an object that is about to be freed, and is
 * nobody's from now on.  Any context.
 */
void slab_uncharge(struct kmem_cache *s, struct slab *slab, void *object);

/* The store is entered, @owner erased, and did not fit into the stock. */
void slab_uncharge_leave(struct slab *slab, u32 owner);

/* For objects in bulk whose owners are near; as many, from the first on, as are of
 * @s and in slabs' first pages: returns how many. */
unsigned int slab_uncharge_near(struct kmem_cache *s, unsigned int nr,
				void **objects);

/* For objects in bulk, once for each run of one owner. */
void slab_uncharge_bulk(struct kmem_cache *s, unsigned int nr, void **objects);
