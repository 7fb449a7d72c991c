/* SPDX-License-Identifier: MIT */
/*
 * slab.h - objects smaller than pages.
 *
 * A cache hands out objects of one size.  kmalloc() has a cache for each size
 * class, and goes to the page allocator above KMALLOC_MAX_CACHE_SIZE.  The
 * cache of an object is found from its page, so kfree() takes objects of any
 * cache.
 *
 * Context: allocating with a flag that includes __GFP_DIRECT_RECLAIM may sleep;
 * otherwise, and for freeing, any context but NMI.  Creating, shrinking and
 * destroying a cache may sleep.
 * Errors: an allocation returns NULL; nothing is half-done.
 */
#pragma once

#include <lib/compiler.h>
#include <lib/types.h>
#include <kernel/core/rcu.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

struct kmem_cache;

typedef u32 slab_flags_t;

/* Debugging, for one cache (slab_debug=FZPU,name sets them at boot). */
#define SLAB_CONSISTENCY_CHECKS 0x00000001u /* F */
#define SLAB_RED_ZONE		0x00000002u /* Z */
#define SLAB_POISON		0x00000004u /* P */
#define SLAB_STORE_USER		0x00000008u /* U */

/* How the cache behaves. */
#define SLAB_HWCACHE_ALIGN 0x00000100u /* start on a cache line */
#define SLAB_PANIC	   0x00000200u /* creation cannot fail */
#define SLAB_NO_MERGE	   0x00000400u /* never share with a like cache */

/*
 * A freed object's memory stays an object of this cache until a grace period
 * has passed: a reader under rcu_read_lock() may look at it, and must then check
 * that it still is what it looked for.
 */
#define SLAB_TYPESAFE_BY_RCU 0x00000800u

/* Objects are charged to the allocating task's group. */
#define SLAB_ACCOUNT 0x00001000u

/* Objects can be reclaimed by a shrinker: they count as slab_reclaimable. */
#define SLAB_RECLAIM_ACCOUNT 0x00002000u

/*
 * Create a cache of objects of @size bytes, aligned to @align (0: natural).
 * @ctor, if any, runs once for each object when its slab is made, and an object
 * must be freed as it was constructed.  Returns NULL when there is no memory, or
 * the arguments make no sense (which is also warned about).
 */
struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *object));

/*
 * The same, for objects of which only [useroffset, useroffset + usersize) may be
 * copied wholesale to or from outside; see slab_check_copy().
 */
struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *object));

/*
 * Destroy @s, which may be NULL.  Waits for what RCU still holds.  Every object
 * still in use is reported, with the site that allocated it if the cache stores
 * users, and then the cache stays as it was, rather than being pulled from under
 * its users.
 */
void kmem_cache_destroy(struct kmem_cache *s);

/* Give empty slabs back.  Returns 0 if none is left, 1 otherwise. */
int kmem_cache_shrink(struct kmem_cache *s);

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) __malloc;
void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node) __malloc;
void kmem_cache_free(struct kmem_cache *s, void *object);

/*
 * Allocate @nr objects into @objects, all or none: returns @nr or 0.  Free
 * takes objects of @s only.
 */
unsigned int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
				   unsigned int nr, void **objects);
void kmem_cache_free_bulk(struct kmem_cache *s, unsigned int nr,
			  void **objects);

static inline void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp)
{
	return kmem_cache_alloc(s, gfp | __GFP_ZERO);
}

/* Bytes of an object, and the cache's name. */
unsigned int kmem_cache_size(const struct kmem_cache *s);
const char *kmem_cache_name(const struct kmem_cache *s);

/* --- kmalloc --------------------------------------------------------------- */

#define KMALLOC_MIN_SIZE       8ul
#define KMALLOC_MAX_CACHE_SIZE 8192ul
#define KMALLOC_MAX_SIZE       (PAGE_SIZE << MAX_PAGE_ORDER)
#define KMALLOC_NR_CLASSES     14

/* For who does not ask to be charged, and for who does (__GFP_ACCOUNT). */
extern struct kmem_cache *kmalloc_caches[KMALLOC_NR_CLASSES];
extern struct kmem_cache *kmalloc_cg_caches[KMALLOC_NR_CLASSES];

static __always_inline struct kmem_cache *
kmalloc_class_cache(unsigned int class, gfp_t gfp)
{
	return gfp & __GFP_ACCOUNT ? kmalloc_cg_caches[class]
				   : kmalloc_caches[class];
}

/*
 * The class of @size: 2^class bytes, except that 96 and 192 have classes 1 and
 * 2, which no power of two needs.  For a constant size this is a constant.
 */
static __always_inline unsigned int kmalloc_class(size_t size)
{
	if (size <= 8)
		return 3;
	if (size > 64 && size <= 96)
		return 1;
	if (size > 128 && size <= 192)
		return 2;
	return 64 - __builtin_clzl(size - 1);
}

void *__kmalloc(size_t size, gfp_t gfp) __malloc;
void *__kmalloc_node(size_t size, gfp_t gfp, int node) __malloc;
void *kmalloc_large(size_t size, gfp_t gfp) __malloc;

/* @size 0 gives ZERO_SIZE_PTR, which kfree() takes and nobody may touch. */
static __always_inline __malloc void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size) {
		if (size > KMALLOC_MAX_CACHE_SIZE)
			return kmalloc_large(size, gfp);
		return kmem_cache_alloc(
			kmalloc_class_cache(kmalloc_class(size), gfp), gfp);
	}
	return __kmalloc(size, gfp);
}

static __always_inline __malloc void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline void *kmalloc_node(size_t size, gfp_t gfp, int node)
{
	return __kmalloc_node(size, gfp, node);
}

/* NULL when @n * @size does not fit. */
static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return __kmalloc(bytes, gfp);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

#define ZERO_SIZE_PTR	    ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((unsigned long)(p) <= (unsigned long)ZERO_SIZE_PTR)

/* Takes NULL, ZERO_SIZE_PTR, and objects of any cache. */
void kfree(const void *object);

/*
 * Free the object that @ptr's struct rcu_head @field is in, after a grace
 * period, in batches.  @ptr may be NULL, and of any cache.
 */
#define kfree_rcu(ptr, field)                                                  \
	do {                                                                   \
		__typeof__(ptr) object_ = (ptr);                               \
		_Static_assert(offsetof(__typeof__(*object_), field) <         \
				       RCU_MAX_OFFSET,                         \
			       "kfree_rcu: the rcu_head lies too far in");     \
		if (object_)                                                   \
			kvfree_call_rcu(&object_->field, object_);             \
	} while (0)
void kvfree_call_rcu(struct rcu_head *head, void *object);

/* Wait until what kfree_rcu() took before this call is freed. */
void kfree_rcu_barrier(void);

/*
 * Make @object hold @size bytes, moving it if it must.  NULL and unchanged when
 * there is no memory; @size 0 frees.
 */
void *krealloc(const void *object, size_t size, gfp_t gfp) __must_check;

/* Bytes that may be used of @object, at least what was asked for. */
size_t ksize(const void *object);

char *kstrdup(const char *text, gfp_t gfp) __malloc;

/* From kmalloc() if it fits easily, else from vmalloc().  May sleep. */
void *kvmalloc(size_t size, gfp_t gfp) __malloc;
void kvfree(const void *object);

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	return kvmalloc(size, gfp | __GFP_ZERO);
}

/* --- inspection ------------------------------------------------------------ */

/* May @n bytes at @ptr be copied to or from outside?  True for what is no slab
 * object at all. */
bool slab_check_copy(const void *ptr, size_t n);

/*
 * Check every slab of @s (of all caches): free lists, counters, red zones and
 * poison where the cache has them.  Prints what is wrong and repairs it.
 * Returns the number of errors found.
 */
long kmem_cache_validate(struct kmem_cache *s);
long slab_validate_all(void);

/* Objects in use, of all caches. */
long slab_nr_objects(void);

/* Empty every CPU's and node's stores back into slabs, and shrink all. */
void slab_drain_all(void);

struct slabinfo {
	const char *name;
	slab_flags_t flags;
	unsigned int aliases; /* caches that share this one */
	unsigned int object_size;
	unsigned int size; /* with what surrounds it */
	unsigned int order;
	unsigned int objects_per_slab;
	unsigned long slabs;
	unsigned long partial_slabs; /* on node lists */
	unsigned long objects;	     /* in use */
	unsigned long capacity;	     /* in all slabs */
	unsigned long cpu_objects;   /* free, held by CPUs and barns */
	unsigned long owner_bytes;   /* for saying who pays for them */
	unsigned long errors;	     /* corruption found so far */

	/* Which path served, since the cache was made. */
	unsigned long alloc_fast, alloc_slow;
	unsigned long free_fast, free_slow;
};

/* Calls @fn for each cache, in the order they were created. */
void slab_for_each_cache(void (*fn)(const struct slabinfo *info, void *arg),
			 void *arg);

/* --- boot ------------------------------------------------------------------ */

/* Needs the page allocator and the static per-CPU areas. */
void slab_init(void);

/* "cmpxchg" or "sheaves". */
const char *slab_shape_name(void);

/* Do like caches share?  Not with slab_nomerge. */
bool slab_merging(void);
