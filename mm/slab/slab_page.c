/* SPDX-License-Identifier: MIT */
/*
 * slab_page.c - cut pages into objects, and give them back.
 *
 * Idea.       A slab is one block of pages.  Its struct page is its descriptor
 *             (struct slab), so an object finds its cache by arithmetic.
 * Order.      Each cache has the order that wastes little, and the least that
 *             holds one object.  The first is asked for politely, the second
 *             with all that the caller allows.
 * Shuffle.    Objects are linked in a random order, so that neighbours in
 *             memory are not neighbours in time: an overflow hits something
 *             the attacker did not choose.  Each cache draws one permutation
 *             when it is made, each slab only where to begin in it.
 * Nodes.      When the node asked for has no page left, what other nodes' slabs
 *             have free comes before more of their pages: a slab elsewhere
 *             gives one object and is then forgotten here, so that each object
 *             would take a page (slab_page_alloc_near() comes first).
 * Invariant.  nr_slabs and total_objects of the node count every slab, on a
 *             list or not.
 *
 * Context: as the caller's flags say; freeing, any but NMI.
 */
#include <kernel/core/panic.h>
#include <kernel/core/rcu.h>
#include <lib/math.h>
#include <string.h>
#include "owner_impl.h"

/* What a caller's flags say that the page allocator should not hear. */
#define SLAB_GFP_OWN (__GFP_ZERO | __GFP_ACCOUNT | SLAB_GFP_FAR)

static struct page *pages_for_slab(struct kmem_cache *s, gfp_t gfp, int node,
				   unsigned int *order)
{
	gfp_t polite = (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	struct page *page;

	*order = s->order;
	if (s->order > s->min_order) {
		page = alloc_pages_node(node, polite & ~__GFP_DIRECT_RECLAIM,
					s->order);
		if (page)
			return page;
		*order = s->min_order;
	}
	return alloc_pages_node(node, gfp, *order);
}

/* The random order in which a slab hands out its objects first. */
struct order {
	void *first;	   /* object in memory */
	unsigned int size; /* from one to the next */
	unsigned int objects;
	const u16 *shuffle; /* or NULL: as they lie */
	unsigned int start; /* in it */
};

static struct order random_order(struct kmem_cache *s, struct slab *slab)
{
	struct order o = {
		.first = slab_base(slab) + s->left_pad,
		.size = s->size,
		.objects = slab->state.objects,
	};

	if (s->shuffle && o.objects == s->objects) {
		o.shuffle = s->shuffle;
		o.start = slab_random() % o.objects;
	}
	return o;
}

static __always_inline void *nth_object(const struct order *o, unsigned int n)
{
	if (o->shuffle) {
		n += o->start;
		if (n >= o->objects)
			n -= o->objects;
		n = o->shuffle[n];
	}
	return o->first + n * o->size;
}

/* What each object is given once, before anybody has it. */
static noinline void init_objects(struct kmem_cache *s, struct order o)
{
	for (unsigned int i = 0; i < o.objects; i++) {
		void *object = nth_object(&o, i);

		if (cache_debug(s))
			slab_debug_init_object(s, object, false);
		if (s->ctor)
			s->ctor(object);
	}
}

/* Make a new slab's objects: the first @max to @taken, all others free. */
static void make_objects(struct kmem_cache *s, struct slab *slab, void **taken,
			 unsigned int max)
{
	const struct order o = random_order(s, slab);
	const struct slab_link link = s->link;
	void *free = NULL, *object;
	unsigned int i;

	if (cache_debug(s) || s->ctor)
		init_objects(s, o);
	/* From the last to the first: a link needs what it leads to. */
	for (i = o.objects; i > max; free = object) {
		object = nth_object(&o, --i);
		slab_link_set(link, object, free);
	}
	slab->state.freelist = free;
	slab->state.inuse = i;
	while (i--)
		taken[i] = nth_object(&o, i);
}

struct slab *slab_page_alloc(struct kmem_cache *s, gfp_t gfp, int node,
			     void **taken, unsigned int max)
{
	struct kmem_cache_node *n;
	unsigned int order, objects;
	struct page *page;
	struct slab *slab;

	gfp = (gfp & ~SLAB_GFP_OWN) | s->gfp;
	page = pages_for_slab(s, gfp, node, &order);
	if (unlikely(!page))
		return NULL;

	objects = order == s->order ? s->objects : s->min_objects;
	slab = (struct slab *)page;
	slab->cache = s;
	slab->state.counters = 0;
	slab->state.objects = objects;
	slab->owners = 0;
	/* Who walks pages while we are switched out believes it. */
	barrier();
	page_set_type(page, PAGE_SLAB);
	if (unlikely(s->flags & SLAB_POISON))
		memset(slab_base(slab), SLAB_BYTE_PAD, PAGE_SIZE << order);
	slab_owner_init(s, slab);
	make_objects(s, slab, taken, max);

	n = s->node[page_to_nid(page)];
	atomic_long_inc(&n->nr_slabs);
	atomic_long_add(objects, &n->total_objects);
	return slab;
}

struct slab *slab_page_alloc_near(struct kmem_cache *s, gfp_t gfp, int node,
				  void **taken, unsigned int max)
{
	const gfp_t not_so_hard = __GFP_RECLAIM | __GFP_NOFAIL | __GFP_HIGH |
				  __GFP_MEMALLOC;

	if (!static_branch_unlikely(&slab_numa) || (gfp & __GFP_THISNODE))
		return NULL;
	return slab_page_alloc(
		s, (gfp & ~not_so_hard) | __GFP_THISNODE | __GFP_NOWARN,
		node == NUMA_NO_NODE ? numa_mem_id() : node, taken, max);
}

static void give_back(struct slab *slab)
{
	struct page *page = slab_page(slab);

	slab_owner_release(slab);
	slab->cache = NULL; /* kmem_cache_free() relies on it */
	page_set_type(page, PAGE_USED);
	__free_pages(page, compound_order(page));
}

static void give_back_rcu(struct rcu_head *head)
{
	give_back(container_of(head, struct slab, rcu));
}

void slab_page_free(struct kmem_cache *s, struct slab *slab)
{
	struct kmem_cache_node *n = s->node[slab_nid(slab)];

	BUG_ON(slab->state.inuse || slab->state.frozen);
	atomic_long_sub(slab->state.objects, &n->total_objects);
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu(&slab->rcu, give_back_rcu);
	else
		give_back(slab);
	/* Last: kmem_cache_destroy() may be waiting for it. */
	atomic_long_dec(&n->nr_slabs);
}

bool slab_object_valid(const struct kmem_cache *s, const struct slab *slab,
		       const void *object)
{
	unsigned long off =
		(unsigned long)object - (unsigned long)slab_base(slab);

	if (off >= PAGE_SIZE << compound_order(slab_page(slab)))
		return false;
	if (slab_object_index(s, slab, object) >= slab->state.objects)
		return false;
	return off ==
	       (unsigned long)slab_object_index(s, slab, object) * s->size +
		       s->left_pad;
}

bool slab_check_copy(const void *ptr, size_t n)
{
	struct slab *slab = slab_of(ptr);
	const struct kmem_cache *s;
	unsigned long off;

	if (!slab)
		return true;
	s = slab->cache;
	if (slab_object_index(s, slab, ptr) >= slab->state.objects)
		return false;
	off = ((unsigned long)ptr - (unsigned long)slab_base(slab)) % s->size;
	if (off < s->left_pad)
		return false;
	off -= s->left_pad;
	if (s->usersize)
		return off >= s->useroffset &&
		       off + n <= s->useroffset + s->usersize;
	return off + n <= s->object_size;
}
