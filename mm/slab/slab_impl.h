/* SPDX-License-Identifier: MIT */
/*
 * slab_impl.h - the layers of SLUB, from the page up.
 *
 *	pages of a slab		slab_page.c	make, shuffle, give back
 *	one slab's free list	slub.c		the pair (freelist, counters)
 *	a node's partial slabs	slub.c		under list_lock
 *	a CPU's slab		cmpxchg.c	the classic shape
 *	a CPU's sheaves, a barn	sheaf.c		today's shape
 *	caches			cache.c		create, merge, shrink, destroy
 *	counts			slab_info.c	what there is of each
 *	sizes			kmalloc.c	kmalloc and friends
 *	layout checks		slab_debug.c	red zones, poison, tracks
 *	who pays		owner.c		an owner for each object
 *
 * Locks, outer first: slab_mutex, then the CPU's own store (preemption off and
 * CPU_STORE_MASK), then a barn's lock, then a node's list_lock.
 */
#pragma once

#include <arch/cpumask.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <kernel/core/preempt.h>
#include <kernel/core/rcu.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/static_key.h>
#include <lib/atomic.h>
#include <lib/list.h>
#include <lib/random.h>
#include <mm/page/page.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/slab.h>

#define SLAB_DEBUG_FLAGS                                                       \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |               \
	 SLAB_STORE_USER)

/* Never share a cache whose objects carry more than their bytes. */
#define SLAB_NEVER_MERGE                                                       \
	(SLAB_DEBUG_FLAGS | SLAB_NO_MERGE | SLAB_TYPESAFE_BY_RCU)
#define SLAB_SAME_MERGE (SLAB_ACCOUNT | SLAB_RECLAIM_ACCOUNT)

/* Internal: no sheaves; other caches' sheaves may come from here. */
#define SLAB_PLAIN 0x00010000u

/* Internal: each slab has its owners at its end. */
#define SLAB_OWNERS_INSIDE 0x00020000u

#define SLAB_INTERNAL_FLAGS (SLAB_PLAIN | SLAB_OWNERS_INSIDE)

#define STRUCT_PAGE_SHIFT 6
_Static_assert(sizeof(struct page) == 1 << STRUCT_PAGE_SHIFT, "see slab_at()");

#define SLAB_MAX_ORDER	 3
#define SLAB_MIN_OBJECTS 8
#define SLAB_MAX_OBJECTS 32767
#define SLAB_TRACK_DEPTH 8

/* What debugging fills memory with. */
#define SLAB_BYTE_PAD	   0x5a /* between objects */
#define SLAB_BYTE_FREE	   0x6b /* a free object */
#define SLAB_BYTE_END	   0xa5 /* its last byte */
#define SLAB_BYTE_RED_FREE 0xbb
#define SLAB_BYTE_RED_USED 0xcc

/*
 * What a slab's free list and counters are at one moment.  They change
 * together, by one 16-byte compare-exchange, or not at all.
 */
struct slab_state {
	void *freelist;
	union {
		u64 counters;
		struct {
			u64 inuse : 16;	  /* objects handed out, or held by a
					   * CPU's store */
			u64 objects : 15; /* fixed when the slab is made */
			u64 frozen : 1;	  /* owned by a CPU; on no list */
		};
	};
};

/* A struct page whose type is PAGE_SLAB, as its owner sees it. */
struct slab {
	unsigned long page_flags;
	struct kmem_cache *cache;
	struct slab_state state __aligned(16);
	union {
		struct list_head list; /* node's partial list: list_lock */
		struct {
			struct slab *next; /* a CPU's partial chain: its own */
			u32 chain_slabs;   /* in the chain from here on */
		};
		struct rcu_head rcu; /* TYPESAFE_BY_RCU: on its way out */
	};
	u64 page_counts;      /* the page allocator's */
	unsigned long owners; /* who pays for each object: owner.c */
};

_Static_assert(sizeof(struct slab) == sizeof(struct page), "an overlay");
_Static_assert(offsetof(struct slab, state) == offsetof(struct page, freelist),
	       "the pair that changes together");
_Static_assert(offsetof(struct slab, page_counts) ==
		       offsetof(struct page, state),
	       "the page allocator's words stay its own");

static inline struct page *slab_page(const struct slab *slab)
{
	return (struct page *)slab;
}

static inline void *slab_base(const struct slab *slab)
{
	return page_address(slab_page(slab));
}

static inline int slab_nid(const struct slab *slab)
{
	return page_to_nid(slab_page(slab));
}

/*
 * What would be the slab of @object, a direct-map address, if it lay in a
 * slab's first page.  Half of what a free costs: struct pages are as much
 * smaller than pages as one shift tells.
 */
static __always_inline struct slab *slab_at(const void *object)
{
	unsigned long at = (unsigned long)object;

	/* Where it is: the compiler would change registers on the way. */
	asm("shrq %1, %0\n\t"
	    "andq %2, %0\n\t"
	    "addq %3, %0"
	    : "+r"(at)
	    : "i"(PAGE_SHIFT - STRUCT_PAGE_SHIFT), "i"(-sizeof(struct page)),
	      "r"(VMEMMAP_BASE -
		  (DIRECT_MAP_BASE >> (PAGE_SHIFT - STRUCT_PAGE_SHIFT)))
	    : "cc");
	return (struct slab *)at;
}

/* The slab that @object lies in, or NULL when its page is none. */
static __always_inline struct slab *slab_of(const void *object)
{
	struct page *page = slab_page(slab_at(object));

	if (likely(page->type == PAGE_SLAB))
		return (struct slab *)page;
	page = compound_head(page);
	return likely(page->type == PAGE_SLAB) ? (struct slab *)page : NULL;
}

/* Which path served. */
enum slab_stat {
	SLAB_ALLOC_FAST,
	SLAB_ALLOC_SLOW,
	SLAB_FREE_SLOW,
	SLAB_NR_STATS,
};

struct slab_sheaf {
	union {
		struct list_head list; /* in a barn: its lock */
		struct rcu_head rcu;   /* full of objects that wait */
	};
	struct kmem_cache *cache;
	u32 size; /* objects held */
	u16 capacity;
	u16 node; /* that it waits on */
	void *objects[];
};

#define SHEAF_MAX_CAPACITY ((512 - sizeof(struct slab_sheaf)) / sizeof(void *))

/*
 * A CPU's own store of a cache.  Own CPU only, and entered (cpu_store_enter), but
 * for what shape cmpxchg says.
 */
struct slab_cpu {
	/* Shape cmpxchg: changed together, without entering. */
	void *freelist __aligned(16);
	unsigned long tid;
	struct slab *slab;
	struct slab *partial;

	/* Shape sheaves.  Free places and objects of main: base <= top <= end;
	 * main->size is stale meanwhile. */
	void **top, **base, **end;
	struct slab_sheaf *main;  /* never NULL */
	struct slab_sheaf *spare; /* or NULL */
	struct slab_sheaf *rcu;	  /* collecting kfree_rcu() objects, or NULL */

	unsigned long stat[SLAB_NR_STATS];
};

struct slab_barn {
	spinlock_t lock;
	struct list_head full;
	struct list_head empty;
	unsigned int nr_full;
	unsigned int nr_empty;
};

#define BARN_MAX_FULL  10
#define BARN_MAX_EMPTY 10

struct kmem_cache_node {
	spinlock_t list_lock;
	/* Under list_lock; read freely. */
	unsigned long nr_partial;
	struct list_head partial;

	/* Any CPU. */
	atomic_long_t nr_slabs;
	atomic_long_t total_objects;
	atomic_long_t nr_vectors; /* slabs with owners */

	struct slab_barn barn;
};

/* How a cache's free objects point to the next one. */
struct slab_link {
	unsigned long secret; /* hides the pointer */
	u32 offset;	      /* of the pointer in the object */
};

struct kmem_cache {
	/* Read on every allocation and free; fixed at creation. */
	struct slab_cpu __percpu *cpu;
	slab_flags_t flags;
	struct slab_link link;
	u32 size;	    /* from one object to the next */
	u32 object_size;    /* what the user asked for */
	u32 inverse;	    /* of size: see slab_object_index() */
	u32 sheaf_capacity; /* 0: no sheaves */
	u32 slab_bytes;	    /* of the usual order */
	gfp_t account;	    /* added to each request while groups exist */
	u32 owner_shift;    /* of an address: its place among owners */
	u32 stock_below;    /* what has room for one more; 0: never */
	bool has_owners;    /* set, once, when an object may be charged */

	/* Fixed at creation, but for the tunables: slab_mutex. */
	u32 inuse; /* where the object's own bytes end */
	u32 align;
	u32 left_pad; /* red zone before the object */
	u32 useroffset, usersize;
	u32 order, objects;
	u32 min_order, min_objects;
	gfp_t gfp;
	char name[32];
	unsigned long min_partial;
	u16 *shuffle;	 /* a permutation of objects, or NULL */
	u32 cpu_partial; /* objects to keep on a CPU's partial chain */
	u32 cpu_partial_slabs;
	void (*ctor)(void *object);

	/* slab_mutex. */
	struct list_head list;
	int refcount; /* 1 + caches merged into this one */

	/* Any CPU, atomically. */
	atomic_long_t errors;

	struct kmem_cache_node *node[MAX_NUMNODES];
};

extern struct list_head slab_caches;
extern struct mutex slab_mutex;
extern struct slab_sheaf slab_no_sheaf;

/*
 * A flag of kmem_cache.account alone: this cache's owners are not at the end of
 * single pages, or its objects are reclaimable, so charging takes longer.
 */
#define SLAB_GFP_FAR 0x80000000u

/* On when there is memory on more than one node. */
DECLARE_STATIC_KEY_FALSE(slab_numa);

/* True in the shape "sheaves".  Decided once, before the first cache. */
DECLARE_STATIC_KEY_TRUE(slab_use_sheaves);

/* Both at once: sheaves, and no memory of other nodes. */
DECLARE_STATIC_KEY_TRUE(slab_simple);

/* Is the slab's memory on another node than this CPU? */
static __always_inline bool slab_foreign(const struct slab *slab)
{
	return static_branch_unlikely(&slab_numa) &&
	       slab_nid(slab) != numa_mem_id();
}

#define for_each_cache_node(s, nid, n)                                         \
	for ((nid) = 0; (nid) < MAX_NUMNODES; (nid)++)                         \
		if (!((n) = (s)->node[nid])) {                                 \
		} else

static __always_inline bool cache_debug(const struct kmem_cache *s)
{
	return unlikely(s->flags & SLAB_DEBUG_FLAGS);
}

/* --- free pointers --------------------------------------------------------- */

/*
 * A free object's first or middle word points to the next free one, hidden:
 * mixed with a secret of the cache and with the place it is stored at, bytes
 * swapped, so that an overflow that overwrites it lands nowhere useful, and
 * that leaking one does not tell the secret's low bits.
 */
static __always_inline unsigned long
slab_hide(struct slab_link link, unsigned long ptr, unsigned long place)
{
	return ptr ^ link.secret ^ __builtin_bswap64(place);
}

static __always_inline void *slab_link_next(struct slab_link link, void *object)
{
	unsigned long *place = object + link.offset;

	return (void *)slab_hide(link, READ_ONCE(*place), (unsigned long)place);
}

static __always_inline void slab_link_set(struct slab_link link, void *object,
					  void *next)
{
	unsigned long *place = object + link.offset;

	WRITE_ONCE(*place,
		   slab_hide(link, (unsigned long)next, (unsigned long)place));
}

/* The same for one object; loops keep a copy of the cache's link. */
static __always_inline void *slab_next_free(const struct kmem_cache *s,
					    void *object)
{
	return slab_link_next(s->link, object);
}

static __always_inline void slab_link_free(const struct kmem_cache *s,
					   void *object, void *next)
{
	slab_link_set(s->link, object, next);
}

/* Which object of its slab @object is: a multiplication instead of a division,
 * exact for offsets below 2^17 (cache.c proves it when the cache is made). */
static __always_inline unsigned int
slab_object_index(const struct kmem_cache *s, const struct slab *slab,
		  const void *object)
{
	u64 off = (unsigned long)object - (unsigned long)slab_base(slab);

	return off * s->inverse >> 32;
}

static inline void *slab_object_at(const struct kmem_cache *s,
				   const struct slab *slab, unsigned int index)
{
	return slab_base(slab) + index * s->size + s->left_pad;
}

/* Is @object where an object of @slab can begin? */
bool slab_object_valid(const struct kmem_cache *s, const struct slab *slab,
		       const void *object);

/* --- slab_page.c ----------------------------------------------------------- */

/* A new slab of @s on @node; NULL without memory.  Of its objects up to @max
 * are in use and in @taken, state.inuse says how many; the others are free. */
struct slab *slab_page_alloc(struct kmem_cache *s, gfp_t gfp, int node,
			     void **taken, unsigned int max);

/* The same, from @node or else this CPU's alone, and without trying hard.  NULL
 * also where that makes no difference: then ask for any node's at once. */
struct slab *slab_page_alloc_near(struct kmem_cache *s, gfp_t gfp, int node,
				  void **taken, unsigned int max);

/* Give an empty slab's pages back, after a grace period if @s wants one. */
void slab_page_free(struct kmem_cache *s, struct slab *slab);

/* --- slub.c: slabs and nodes ----------------------------------------------- */

static __always_inline struct slab_state slab_read(const struct slab *slab)
{
	struct slab_state st;

	st.counters = READ_ONCE(slab->state.counters);
	st.freelist = READ_ONCE(slab->state.freelist);
	return st;
}

/* Change @slab from @old to @new, or return false when it is not @old. */
static __always_inline bool
slab_change(struct slab *slab, struct slab_state old, struct slab_state new)
{
	return cmpxchg_double(&slab->state, (u64)old.freelist, old.counters,
			      (u64) new.freelist, new.counters);
}

/* Give the chain @head..@tail of @nr objects back to the slab they came from. */
void slab_put_chain(struct kmem_cache *s, struct slab *slab, void *head,
		    void *tail, unsigned int nr);

/* The same for loose objects of any slabs of @s. */
void slab_put_objects(struct kmem_cache *s, void **objects, unsigned int nr);

/* Give up a frozen slab, and the owner's chain of @nr free objects with it. */
void slab_unfreeze(struct kmem_cache *s, struct slab *slab, void *head,
		   void *tail, unsigned int nr);

/*
 * Take up to @max objects off the partial slabs of @node.  Never allocates.
 * Returns how many.
 */
unsigned int slab_take_partial(struct kmem_cache *s, int node, void **objects,
			       unsigned int max);

/* The same from any node: one object, or NULL. */
void *slab_take_anywhere(struct kmem_cache *s);

/* The same from a new slab, whose rest goes to its node's partial list; where
 * @node, or else this CPU's, has no page for it, an object from anywhere comes
 * first. */
unsigned int slab_take_new(struct kmem_cache *s, gfp_t gfp, int node,
			   void **objects, unsigned int max);

/* Take a partial slab of @node off its list and freeze it; NULL if none. */
struct slab *slab_freeze_partial(struct kmem_cache *s, int node);

/* --- cmpxchg.c and sheaf.c: a CPU's store ---------------------------------- */

/* get: an object that nobody has paid for, not zeroed.  alloc: the whole of it,
 * debugging included, as slab.c leaves it. */
void *slab_cmpxchg_get(struct kmem_cache *s, gfp_t gfp);
void *slab_cmpxchg_alloc(struct kmem_cache *s, gfp_t gfp, int node);
void slab_cmpxchg_free(struct kmem_cache *s, struct slab *slab, void *object);
void slab_cmpxchg_put_partial(struct kmem_cache *s, struct slab *slab);
void slab_cmpxchg_flush_cpu(struct kmem_cache *s, struct slab_cpu *c);

void slab_sheaf_boot(void);
unsigned int slab_sheaf_capacity(struct kmem_cache *s);
void slab_sheaf_init(struct kmem_cache *s);
void *slab_sheaf_get(struct kmem_cache *s, gfp_t gfp);
void *slab_sheaf_alloc_slow(struct kmem_cache *s, gfp_t gfp);
void *slab_sheaf_alloc_charged(struct kmem_cache *s, gfp_t gfp);
void *slab_sheaf_alloc_special(struct kmem_cache *s, gfp_t gfp);
void *slab_sheaf_alloc_node(struct kmem_cache *s, gfp_t gfp, int node);
void slab_free_direct(struct slab *slab, void *object);
void slab_sheaf_free_slow(struct slab *slab, void *object);
void slab_free_owned_slow(struct slab *slab, void *object);
unsigned int slab_sheaf_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
				   unsigned int nr, void **objects);
void slab_sheaf_free_bulk(struct kmem_cache *s, unsigned int nr,
			  void **objects);
bool slab_sheaf_free_rcu(struct kmem_cache *s, struct slab *slab, void *object);
bool slab_sheaf_flush_cpu(struct kmem_cache *s, struct slab_cpu *c);
void slab_sheaf_flush_barns(struct kmem_cache *s);

/* CPUs whose store of @s holds something, at a racy look. */
cpumask_t slab_cpus_in_use(struct kmem_cache *s);

/* Empty every CPU's store and every barn of @s into its slabs. */
void slab_flush(struct kmem_cache *s);

/* --- slab_debug.c ---------------------------------------------------------- */

void *slab_debug_alloc(struct kmem_cache *s, gfp_t gfp, int node);
void slab_debug_free(struct kmem_cache *s, struct slab *slab, void *object);
unsigned int slab_tracks_size(void);
void slab_debug_init_object(struct kmem_cache *s, void *object, bool active);
slab_flags_t slab_debug_flags_for(const char *name, slab_flags_t flags);
void slab_report(struct kmem_cache *s, struct slab *slab, void *object,
		 const char *what);
void slab_report_leaks(struct kmem_cache *s);

/* Calls @fn for every slab of every cache; nobody may be making or freeing any. */
void slab_for_each(void (*fn)(struct slab *slab, void *arg), void *arg);

/* --- cache.c ----------------------------------------------------------------- */

/* Nodes with memory or CPUs, numbered from 0. */
extern int slab_nr_nodes;

u64 slab_random(void);
void *slab_zero(struct kmem_cache *s, void *object);
struct kmem_cache *slab_create_plain(const char *name, unsigned int size);

/* --- kmalloc.c --------------------------------------------------------------- */

void kmalloc_init(void);
void *kmalloc_large_node(size_t size, gfp_t gfp, int node);
void kfree_large(const void *object);

/* The cache for each size up to 192, in steps of 8: for who does not ask to be
 * charged, and who does. */
#define KMALLOC_SMALL 192ul
extern struct kmem_cache *kmalloc_small[KMALLOC_SMALL / 8];
extern struct kmem_cache *kmalloc_cg_small[KMALLOC_SMALL / 8];

/* @size is 1 to KMALLOC_MAX_CACHE_SIZE. */
static __always_inline struct kmem_cache *kmalloc_cache_of(size_t size,
							   gfp_t gfp)
{
	if (likely(size - 1 < KMALLOC_SMALL))
		return gfp & __GFP_ACCOUNT ? kmalloc_cg_small[(size - 1) / 8]
					   : kmalloc_small[(size - 1) / 8];
	return kmalloc_class_cache(64 - __builtin_clzl(size - 1), gfp);
}
