/* SPDX-License-Identifier: MIT */
/*
 * sheaf.c - today's shape: a CPU owns sheaves of free objects.
 *
 * Problem.    In the classic shape only objects of the CPU's one slab are fast
 *             to free; all others pay a locked exchange on their slab.
 * Idea.       A sheaf is an array of free objects, of any slabs.  A CPU has
 *             two: main, which allocation pops and freeing pushes, and spare.
 *             When main is at its end, they trade places; when both are, the
 *             sheaf is traded for another at the node's barn, which keeps some
 *             full and some empty ones; and only when the barn cannot help are
 *             objects taken from, or returned to, slabs - a sheaf at a time.
 * Two.        With one sheaf, a task that allocates and frees at the boundary
 *             would go to the barn each time.  With two, a trip to the barn is
 *             followed by at least a sheaf's worth of operations without one.
 * Remote.     A consumer that frees what a producer on another CPU allocates
 *             fills sheaves, which the barn hands to the producer whole: one
 *             lock for a sheaf, where the classic shape pays for each object.
 * Entering.   Preemption off and a mark in the preemption count, which only an
 *             interrupt on the same CPU can find set.  It then works on slabs
 *             directly.  A flush comes as an interrupt too, and asks again when
 *             it finds the mark.  Rejected: interrupts off, which costs as
 *             many instructions, each slow on real machines and under TCG; and
 *             a mark for each cache: two instructions more on the way in.
 * Invariant.  In slabs' counters, objects in sheaves are in use.  Objects in
 *             sheaves belong to the node of the CPU or barn that holds them.
 * Growth.     A CPU that never uses a cache has no sheaf of it: main is the
 *             one sheaf that is full and empty at once.  The first slow path
 *             gets main, the first overflow gets spare.  Without memory for
 *             them the CPU works on slabs, an object at a time.
 *
 * After Vlastimil Babka's sheaves (2025).  Context: any but NMI.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <kernel/core/panic.h>
#include <lib/math.h>
#include <string.h>
#include "sheaf_impl.h"

/* Full and empty at once: a cache without sheaves always goes the slow way. */
struct slab_sheaf slab_no_sheaf;

/* --- sheaves --------------------------------------------------------------- */

/*
 * Small objects come and go in greater numbers.  Each capacity makes a sheaf
 * that fills its size class exactly.
 */
static const struct sheaf_class {
	unsigned int object_size; /* for objects of up to these bytes */
	unsigned int bytes;	  /* of the sheaf */
	const char *name;
} sheaf_classes[] = {
	{256, 512, "sheaf-512"},
	{1024, 256, "sheaf-256"},
	{4096, 128, "sheaf-128"},
	{8192, 64, "sheaf-64"},
};

static struct kmem_cache *sheaf_caches[ARRAY_SIZE(sheaf_classes)];

static int sheaf_class_of(struct kmem_cache *s)
{
	for (int i = 0; i < ARRAY_SIZE(sheaf_classes); i++)
		if (s->size <= sheaf_classes[i].object_size)
			return i;
	return -1;
}

/* The caches that sheaves come from have none: the descent ends there. */
void slab_sheaf_boot(void)
{
	for (int i = 0; i < ARRAY_SIZE(sheaf_classes); i++)
		sheaf_caches[i] = slab_create_plain(sheaf_classes[i].name,
						    sheaf_classes[i].bytes);
}

static struct slab_sheaf *sheaf_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct slab_sheaf *sheaf;

	/* Past failslab: it counts the allocations of those who asked. */
	sheaf = slab_sheaf_get(sheaf_caches[sheaf_class_of(s)],
			       gfp | __GFP_NOWARN);
	if (!sheaf)
		return NULL;
	sheaf->cache = s;
	sheaf->size = 0;
	sheaf->capacity = s->sheaf_capacity;
	return sheaf;
}

static void sheaf_free(struct slab_sheaf *sheaf)
{
	kmem_cache_free(sheaf_caches[sheaf_class_of(sheaf->cache)], sheaf);
}

/* Return what the sheaf holds to slabs. */
static void sheaf_flush(struct kmem_cache *s, struct slab_sheaf *sheaf)
{
	slab_put_objects(s, sheaf->objects, sheaf->size);
	sheaf->size = 0;
}

static void drop_sheaf(struct kmem_cache *s, struct slab_sheaf *sheaf)
{
	if (!sheaf || sheaf == &slab_no_sheaf)
		return;
	sheaf_flush(s, sheaf);
	sheaf_free(sheaf);
}

/* --- the barn -------------------------------------------------------------- */

static struct slab_barn *local_barn(struct kmem_cache *s)
{
	return &s->node[numa_mem_id()]->barn;
}

static struct slab_sheaf *barn_pop_locked(struct list_head *list,
					  unsigned int *nr)
{
	struct slab_sheaf *sheaf;

	if (!*nr)
		return NULL;
	sheaf = list_first_entry(list, struct slab_sheaf, list);
	list_del(&sheaf->list);
	--*nr;
	return sheaf;
}

static bool barn_push_locked(struct list_head *list, unsigned int *nr,
			     unsigned int max, struct slab_sheaf *sheaf)
{
	if (*nr >= max)
		return false;
	list_add(&sheaf->list, list);
	++*nr;
	return true;
}

/* Give an empty sheaf, get a full one; NULL and unchanged if there is none. */
static struct slab_sheaf *barn_trade_empty(struct slab_barn *barn,
					   struct slab_sheaf *empty)
{
	struct slab_sheaf *full;
	unsigned long flags;

	if (!READ_ONCE(barn->nr_full))
		return NULL;

	spin_lock_irqsave(&barn->lock, flags);
	full = barn_pop_locked(&barn->full, &barn->nr_full);
	if (full) {
		/* There is room for one: the full one left it. */
		list_add(&empty->list, &barn->empty);
		barn->nr_empty++;
	}
	spin_unlock_irqrestore(&barn->lock, flags);
	return full;
}

/* Give a full sheaf, get an empty one; NULL and unchanged if either cannot. */
static struct slab_sheaf *barn_trade_full(struct slab_barn *barn,
					  struct slab_sheaf *full)
{
	struct slab_sheaf *empty = NULL;
	unsigned long flags;

	spin_lock_irqsave(&barn->lock, flags);
	if (barn->nr_full < BARN_MAX_FULL) {
		empty = barn_pop_locked(&barn->empty, &barn->nr_empty);
		if (empty)
			barn_push_locked(&barn->full, &barn->nr_full,
					 BARN_MAX_FULL, full);
	}
	spin_unlock_irqrestore(&barn->lock, flags);
	return empty;
}

/* Keep the sheaf if there is room: full with full, empty with empty. */
static bool barn_put(struct slab_barn *barn, struct slab_sheaf *sheaf)
{
	unsigned long flags;
	bool kept;

	spin_lock_irqsave(&barn->lock, flags);
	if (sheaf->size)
		kept = barn_push_locked(&barn->full, &barn->nr_full,
					BARN_MAX_FULL, sheaf);
	else
		kept = barn_push_locked(&barn->empty, &barn->nr_empty,
					BARN_MAX_EMPTY, sheaf);
	spin_unlock_irqrestore(&barn->lock, flags);
	return kept;
}

static struct slab_sheaf *barn_get_empty(struct slab_barn *barn)
{
	struct slab_sheaf *sheaf;
	unsigned long flags;

	if (!READ_ONCE(barn->nr_empty))
		return NULL;
	spin_lock_irqsave(&barn->lock, flags);
	sheaf = barn_pop_locked(&barn->empty, &barn->nr_empty);
	spin_unlock_irqrestore(&barn->lock, flags);
	return sheaf;
}

static void barn_flush(struct kmem_cache *s, struct slab_barn *barn)
{
	LIST_HEAD(sheaves);
	struct slab_sheaf *sheaf, *next;
	unsigned long flags;

	spin_lock_irqsave(&barn->lock, flags);
	list_splice_init(&barn->full, &sheaves);
	list_splice_init(&barn->empty, &sheaves);
	barn->nr_full = 0;
	barn->nr_empty = 0;
	spin_unlock_irqrestore(&barn->lock, flags);

	list_for_each_entry_safe(sheaf, next, &sheaves, list)
		drop_sheaf(s, sheaf);
}

/* --- allocating ------------------------------------------------------------ */

static void swap_sheaves(struct slab_cpu *c)
{
	struct slab_sheaf *main = c->main;

	c->main = c->spare;
	c->spare = main;
}

/* Enter this CPU's store with a sheaf of its own as main, or not at all. */
static struct slab_cpu *enter_with_main(struct kmem_cache *s)
{
	struct slab_sheaf *sheaf;
	struct slab_cpu *c;

	if (!s->sheaf_capacity || !cpu_store_enter())
		return NULL;
	c = this_cpu_ptr(s->cpu);
	if (likely(c->main != &slab_no_sheaf)) {
		c->main->size = c->top - c->base;
		return c;
	}
	sheaf = barn_get_empty(local_barn(s)) ?: sheaf_alloc(s, GFP_NOWAIT);
	if (sheaf) {
		c->main = sheaf;
		return c;
	}
	cpu_store_leave();
	return NULL;
}

/* Show the fast paths what main has become, and leave. */
static void leave_with_main(struct slab_cpu *c)
{
	sheaf_show_main(c);
	cpu_store_leave();
}

/* Get objects into main, without new pages.  The store is entered. */
static bool refill_main(struct kmem_cache *s, struct slab_cpu *c)
{
	struct slab_sheaf *sheaf = c->main, *full;

	if (c->spare && c->spare->size) {
		swap_sheaves(c);
		return true;
	}
	full = barn_trade_empty(local_barn(s), sheaf);
	if (full) {
		c->main = full;
		return true;
	}
	sheaf->size = slab_take_partial(s, numa_mem_id(), sheaf->objects,
					sheaf->capacity);
	return sheaf->size != 0;
}

/*
 * A new slab for a CPU that found nothing else.  Taking it may sleep, so the
 * store is not entered meanwhile, and the objects go to whichever CPU we then
 * are on: into main as far as there is room, else back.
 */
static void *alloc_from_new_slab(struct kmem_cache *s, gfp_t gfp)
{
	void *objects[SHEAF_MAX_CAPACITY], *object;
	unsigned int nr, room;
	struct slab_cpu *c;

	nr = slab_take_new(s, gfp, NUMA_NO_NODE, objects,
			   max(s->sheaf_capacity, 1u));
	if (unlikely(!nr))
		return gfp & __GFP_THISNODE ? NULL : slab_take_anywhere(s);

	object = objects[--nr];
	c = nr ? enter_with_main(s) : NULL;
	if (c) {
		room = slab_foreign(slab_of(object))
			       ? 0
			       : min(nr, (unsigned int)(c->main->capacity -
							c->main->size));
		nr -= room;
		memcpy(&c->main->objects[c->main->size], objects + nr,
		       room * sizeof(void *));
		c->main->size += room;
		leave_with_main(c);
	}
	slab_put_objects(s, objects, nr);
	return object;
}

void *slab_sheaf_get(struct kmem_cache *s, gfp_t gfp)
{
	struct slab_cpu *c;
	void *object = NULL;

	if (cache_debug(s))
		return slab_debug_alloc(s, gfp, NUMA_NO_NODE);
	c = enter_with_main(s);
	if (c) {
		if (c->main->size || refill_main(s, c))
			object = c->main->objects[--c->main->size];
		c->stat[SLAB_ALLOC_SLOW]++;
		leave_with_main(c);
	} else {
		this_cpu_inc(s->cpu->stat[SLAB_ALLOC_SLOW]);
		slab_take_partial(s, numa_mem_id(), &object, 1);
	}
	if (!object)
		object = alloc_from_new_slab(s, gfp);
	return object;
}

/* Everything but the pop that the fast paths are. */
void *slab_sheaf_alloc_slow(struct kmem_cache *s, gfp_t gfp)
{
	return slab_alloc_finish(s, gfp, slab_sheaf_get(s, gfp));
}

/* Whatever the flags want, but quickly if there is an object in main. */
void *slab_sheaf_alloc_special(struct kmem_cache *s, gfp_t gfp)
{
	void *object = NULL;

	if (cpu_store_enter()) {
		slab_sheaf_pop(s->cpu, &object);
		cpu_store_leave();
	}
	return slab_alloc_finish(s, gfp, object ?: slab_sheaf_get(s, gfp));
}

/* From a node of the caller's choice: sheaves hold their own node's only. */
void *slab_sheaf_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	void *object;

	if (node == numa_mem_id() || node == NUMA_NO_NODE)
		return slab_sheaf_alloc(s, gfp);
	if (cache_debug(s)) {
		object = slab_debug_alloc(s, gfp, node);
	} else {
		this_cpu_inc(s->cpu->stat[SLAB_ALLOC_SLOW]);
		if (!slab_take_partial(s, node, &object, 1) &&
		    !slab_take_new(s, gfp, node, &object, 1))
			object = gfp & __GFP_THISNODE ? NULL
						      : slab_take_anywhere(s);
	}
	return slab_alloc_finish(s, gfp, object);
}

/* --- freeing --------------------------------------------------------------- */

/*
 * Put main, which is full, where it can wait, and make an empty one main.  The
 * store is entered.
 */
static void replace_main(struct kmem_cache *s, struct slab_cpu *c)
{
	struct slab_barn *barn = local_barn(s);
	struct slab_sheaf *full = c->main, *empty;

	if (!c->spare) {
		empty = barn_get_empty(barn) ?: sheaf_alloc(s, GFP_NOWAIT);
		if (empty) {
			c->spare = full;
			c->main = empty;
		}
		return;
	}
	if (c->spare->size < c->spare->capacity) {
		swap_sheaves(c);
		return;
	}
	empty = barn_trade_full(barn, full);
	if (!empty && READ_ONCE(barn->nr_full) < BARN_MAX_FULL) {
		/* The barn has room, but no empty sheaf to give. */
		empty = sheaf_alloc(s, GFP_NOWAIT);
		if (empty && !barn_put(barn, full)) {
			sheaf_free(empty);
			empty = NULL;
		}
	}
	if (empty)
		c->main = empty;
}

/* To the slab itself: no sheaf may have it, or none can be had. */
void slab_free_direct(struct slab *slab, void *object)
{
	struct kmem_cache *s = slab->cache;

	if (cache_debug(s)) {
		slab_debug_free(s, slab, object);
		return;
	}
	this_cpu_inc(s->cpu->stat[SLAB_FREE_SLOW]);
	slab_put_chain(s, slab, object, object, 1);
}

void slab_sheaf_free_slow(struct slab *slab, void *object)
{
	struct kmem_cache *s = slab->cache;
	struct slab_cpu *c = enter_with_main(s);
	struct slab_sheaf *main;

	if (!c) {
		slab_free_direct(slab, object);
		return;
	}
	if (c->main->size == c->main->capacity)
		replace_main(s, c);
	main = c->main;
	if (main->size == main->capacity)
		sheaf_flush(s, main);
	main->objects[main->size++] = object;
	c->stat[SLAB_FREE_SLOW]++;
	leave_with_main(c);
}

/* Whatever stopped the fast path, it had done nothing yet. */
void slab_free_owned_slow(struct slab *slab, void *object)
{
	struct kmem_cache *s = slab->cache;

	slab_uncharge(s, slab, object);
	preempt_disable();
	if (slab_foreign(slab))
		slab_free_direct(slab, object);
	else
		slab_sheaf_free_bare(s, slab, object);
	preempt_enable();
}

/* --- in bulk --------------------------------------------------------------- */

unsigned int slab_sheaf_alloc_bulk(struct kmem_cache *s, gfp_t gfp,
				   unsigned int nr, void **objects)
{
	struct slab_cpu *c = enter_with_main(s);
	unsigned int got = 0, part;

	while (c && got < nr) {
		struct slab_sheaf *main = c->main;

		if (!main->size) {
			if (!refill_main(s, c))
				break;
			continue;
		}
		part = min(nr - got, main->size);
		main->size -= part;
		slab_copy_pointers(objects + got, main->objects + main->size,
				   part);
		got += part;
	}
	if (c) {
		c->stat[SLAB_ALLOC_FAST] += got;
		leave_with_main(c);
	}
	while (got < nr) {
		part = slab_take_new(s, gfp, NUMA_NO_NODE, objects + got,
				     nr - got);
		if (!part)
			break;
		got += part;
		this_cpu_add(s->cpu->stat[SLAB_ALLOC_SLOW], part);
	}
	return got;
}

void slab_sheaf_free_bulk(struct kmem_cache *s, unsigned int nr, void **objects)
{
	struct slab_cpu *c = enter_with_main(s);
	unsigned int part;

	while (c && nr) {
		struct slab_sheaf *main = c->main;

		part = min(nr, main->capacity - main->size);
		if (!part) {
			replace_main(s, c);
			if (c->main->size == c->main->capacity)
				sheaf_flush(s, c->main);
			continue;
		}
		nr -= part;
		slab_copy_pointers(main->objects + main->size, objects + nr,
				   part);
		main->size += part;
	}
	if (c)
		leave_with_main(c);
	if (nr)
		slab_put_objects(s, objects, nr);
}

/* --- after a grace period -------------------------------------------------- */

/* What the sheaf's objects waited for is over; they may be used again. */
static void rcu_sheaf_done(struct rcu_head *head)
{
	struct slab_sheaf *sheaf = container_of(head, struct slab_sheaf, rcu);
	struct kmem_cache *s = sheaf->cache;

	/* Their memory could be nobody else's until now. */
	if (static_branch_unlikely(&accounting_enabled))
		slab_uncharge_bulk(s, sheaf->size, sheaf->objects);
	if (sheaf->size == sheaf->capacity &&
	    barn_put(&s->node[sheaf->node]->barn, sheaf))
		return;
	sheaf_flush(s, sheaf);
	sheaf_free(sheaf);
}

/*
 * Free @object of a sheaf cache after a grace period: collect a sheaf of such
 * objects, then wait once for all.  False: there is no sheaf to be had.
 */
bool slab_sheaf_free_rcu(struct kmem_cache *s, struct slab *slab, void *object)
{
	struct slab_sheaf *sheaf;
	struct slab_cpu *c;

	c = enter_with_main(s);
	if (!c)
		return false;
	if (slab_foreign(slab)) {
		leave_with_main(c);
		return false;
	}

	sheaf = c->rcu;
	if (!sheaf) {
		sheaf = barn_get_empty(local_barn(s))
				?: sheaf_alloc(s, GFP_NOWAIT);
		if (!sheaf) {
			leave_with_main(c);
			return false;
		}
		sheaf->node = numa_mem_id();
		c->rcu = sheaf;
	}
	sheaf->objects[sheaf->size++] = object;
	if (sheaf->size == sheaf->capacity) {
		c->rcu = NULL;
		call_rcu(&sheaf->rcu, rcu_sheaf_done);
	}
	leave_with_main(c);
	return true;
}

/* --- emptying -------------------------------------------------------------- */

/* On the CPU itself.  False: it was in the middle of something. */
bool slab_sheaf_flush_cpu(struct kmem_cache *s, struct slab_cpu *c)
{
	if (!s->sheaf_capacity)
		return true;
	if (!cpu_store_enter())
		return false;

	c->main->size = c->top - c->base;
	drop_sheaf(s, c->main);
	c->main = &slab_no_sheaf;
	drop_sheaf(s, c->spare);
	c->spare = NULL;
	if (c->rcu) {
		call_rcu(&c->rcu->rcu, rcu_sheaf_done);
		c->rcu = NULL;
	}
	leave_with_main(c);
	return true;
}

void slab_sheaf_flush_barns(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	int nid;

	for_each_cache_node(s, nid, n)
		barn_flush(s, &n->barn);
}

/* --- making and unmaking --------------------------------------------------- */

/* Debugged caches, and those whose objects nearly fill slabs, have none. */
unsigned int slab_sheaf_capacity(struct kmem_cache *s)
{
	int class = sheaf_class_of(s);

	if (class < 0 || s->flags & (SLAB_DEBUG_FLAGS | SLAB_PLAIN))
		return 0;
	return (sheaf_classes[class].bytes - sizeof(struct slab_sheaf)) /
	       sizeof(void *);
}

void slab_sheaf_init(struct kmem_cache *s)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct slab_cpu *c = per_cpu_ptr(s->cpu, cpu);

		c->main = &slab_no_sheaf;
		sheaf_show_main(c);
	}
}
