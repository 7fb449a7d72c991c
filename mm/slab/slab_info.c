/* SPDX-License-Identifier: MIT */
/*
 * slab_info.c - what there is of each cache.
 *
 * Counted.    Objects are not counted when they come and go: that would cost more
 *             than they do.  In use is what slabs can hold, less what is free:
 *             on nodes' lists, in barns, and in what each CPU keeps.
 * Exact.      At rest.  Each CPU counts its own store, in an interrupt, for only
 *             it may follow what is there; what it was in the middle of, and
 *             what moves from one place to the next meanwhile, may be missed
 *             or counted twice.
 *
 * Context: may sleep, but for the single questions.
 */
#include <arch/cpumask.h>
#include <kernel/core/mutex.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include "owner_impl.h"

unsigned int kmem_cache_size(const struct kmem_cache *s)
{
	return s->object_size;
}

const char *kmem_cache_name(const struct kmem_cache *s)
{
	return s->name;
}

/* --- counting -------------------------------------------------------------- */

static unsigned long slab_nr_free(const struct slab *slab)
{
	struct slab_state st = slab_read(slab);

	return st.objects - st.inuse;
}

/* Free objects on the node's list. */
static unsigned long free_on_node(struct kmem_cache_node *n)
{
	struct slab *slab;
	unsigned long nr = 0, flags;

	spin_lock_irqsave(&n->list_lock, flags);
	list_for_each_entry(slab, &n->partial, list)
		nr += slab_nr_free(slab);
	spin_unlock_irqrestore(&n->list_lock, flags);
	return nr;
}

static unsigned long in_barn(struct kmem_cache *s, struct slab_barn *barn)
{
	return (unsigned long)READ_ONCE(barn->nr_full) * s->sheaf_capacity;
}

/* Free objects of the slab that this CPU owns: on its list and on the slab's. */
static unsigned long in_cpu_slab(struct kmem_cache *s, struct slab_cpu *c)
{
	unsigned long nr = slab_nr_free(c->slab);
	void *object = c->freelist;

	while (object && nr < c->slab->state.objects &&
	       slab_object_valid(s, c->slab, object)) {
		object = slab_next_free(s, object);
		nr++;
	}
	return nr;
}

struct store_count {
	struct kmem_cache *s;
	atomic_long_t objects;
};

static void count_this_cpu(void *arg)
{
	struct store_count *count = arg;
	struct slab_cpu *c = this_cpu_ptr(count->s->cpu);
	unsigned long nr = c->top - c->base;

	if (c->spare)
		nr += c->spare->size;
	if (c->slab)
		nr += in_cpu_slab(count->s, c);
	for (struct slab *slab = c->partial; slab; slab = slab->next)
		nr += slab_nr_free(slab);
	atomic_long_add(nr, &count->objects);
}

static unsigned long in_stores(struct kmem_cache *s)
{
	struct store_count count = {.s = s};
	cpumask_t cpus = slab_cpus_in_use(s);

	on_each_cpu_mask(&cpus, count_this_cpu, &count, true);
	return atomic_long_read(&count.objects);
}

static void get_info(struct kmem_cache *s, struct slabinfo *info)
{
	struct kmem_cache_node *n;
	unsigned long free = 0;
	unsigned int cpu;
	int nid;

	*info = (struct slabinfo){
		.name = s->name,
		.flags = s->flags & ~SLAB_INTERNAL_FLAGS,
		.aliases = s->refcount - 1,
		.object_size = s->object_size,
		.size = s->size,
		.order = s->order,
		.objects_per_slab = s->objects,
		.errors = atomic_long_read(&s->errors),
	};
	for_each_cache_node(s, nid, n) {
		info->slabs += atomic_long_read(&n->nr_slabs);
		info->capacity += atomic_long_read(&n->total_objects);
		info->partial_slabs += READ_ONCE(n->nr_partial);
		info->owner_bytes += atomic_long_read(&n->nr_vectors) *
				     slab_owner_bytes(s, s->order);
		free += free_on_node(n);
		info->cpu_objects += in_barn(s, &n->barn);
	}
	info->cpu_objects += in_stores(s);
	info->objects = info->capacity - free - info->cpu_objects;
	for_each_possible_cpu(cpu) {
		struct slab_cpu *c = per_cpu_ptr(s->cpu, cpu);

		info->alloc_fast += READ_ONCE(c->stat[SLAB_ALLOC_FAST]);
		info->alloc_slow += READ_ONCE(c->stat[SLAB_ALLOC_SLOW]);
		info->free_slow += READ_ONCE(c->stat[SLAB_FREE_SLOW]);
	}
	/* Not counted where it happens: what was allocated, is not in use any
	 * more and did not go the slow way. */
	info->free_fast = info->alloc_fast + info->alloc_slow - info->objects -
			  info->free_slow;
}

void slab_for_each_cache(void (*fn)(const struct slabinfo *info, void *arg),
			 void *arg)
{
	struct slabinfo info;
	struct kmem_cache *s;

	mutex_lock(&slab_mutex);
	list_for_each_entry(s, &slab_caches, list) {
		get_info(s, &info);
		fn(&info, arg);
	}
	mutex_unlock(&slab_mutex);
}

static void add_objects(const struct slabinfo *info, void *sum)
{
	*(long *)sum += info->objects;
}

long slab_nr_objects(void)
{
	long sum = 0;

	slab_for_each_cache(add_objects, &sum);
	return sum;
}
