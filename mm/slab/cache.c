/* SPDX-License-Identifier: MIT */
/*
 * cache.c - caches: lay out, make, share, shrink and unmake them.
 *
 * Layout.     An object's own bytes are followed, as far as the cache's flags
 *             ask for it, by a red zone, the free pointer, and who had it.
 *             Without debugging, a constructor or RCU readers, the free pointer
 *             lies in the middle of the free object, out of reach of small
 *             overflows from either side.  Behind the last object there may be
 *             the slab's owners.
 * Sharing.    A new cache like an old one (size, alignment, behaviour) is
 *             the old one under a second name: fewer half-empty slabs.  Debugged
 *             caches, and those with constructors, are never shared, nor any
 *             with slab_nomerge on the boot line.
 * Boot.       Two caches cannot be allocated from themselves: that of struct
 *             kmem_cache and that of struct kmem_cache_node.  They are static.
 * Unmaking.   Flush what CPUs and barns hold, wait out RCU, give back empty
 *             slabs.  Slabs that remain have objects in use: they are
 *             reported, and the cache stays, for those who still free into it.
 *
 * slab_mutex guards the list of caches and their refcounts.
 */
#define pr_fmt(fmt) "slab: " fmt
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <boot/param.h>
#include <errno.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu.h>
#include <string.h>
#include "owner_impl.h"

LIST_HEAD(slab_caches);
DEFINE_MUTEX(slab_mutex);
DEFINE_STATIC_KEY_TRUE(slab_use_sheaves);
DEFINE_STATIC_KEY_FALSE(slab_numa);
DEFINE_STATIC_KEY_TRUE(slab_simple);

static struct kmem_cache cache_cache, node_cache;
static struct kmem_cache_node boot_nodes[2][MAX_NUMNODES];
static DEFINE_PER_CPU(struct slab_cpu, boot_cpu_stores[2]);

int slab_nr_nodes;
static bool no_merge;
static bool booting = true;

/* --- slab=cmpxchg|sheaves[,nomerge] ------------------------------------------- */

static bool want_cmpxchg;

static int set_shape(const struct boot_param *param, const char *value)
{
	const char *merge = value ? strchr(value, ',') : NULL;
	size_t len = merge ? merge - value : value ? strlen(value) : 0;

	if (merge && strcmp(merge, ",nomerge"))
		return -EINVAL;
	if (len == 7 && !strncmp(value, "cmpxchg", len))
		want_cmpxchg = true;
	else if (len == 7 && !strncmp(value, "sheaves", len))
		want_cmpxchg = false;
	else
		return -EINVAL;
	no_merge |= merge != NULL;
	return 0;
}
BOOT_PARAM("slab", set_shape, "cmpxchg or sheaves, perhaps ,nomerge",
	   "what a CPU keeps of a cache: a slab, or sheaves of objects");
BOOT_PARAM_BOOL("slab_nomerge", no_merge, "like caches are not shared");

const char *slab_shape_name(void)
{
	return static_key_enabled(&slab_use_sheaves) ? "sheaves" : "cmpxchg";
}

bool slab_merging(void)
{
	return !no_merge;
}

/* --- secrets ----------------------------------------------------------------- */

static struct prng secrets;
static DEFINE_SPINLOCK(secrets_lock);

/* Mixed with the clock: what a slab's order begins with nobody need replay. */
u64 slab_random(void)
{
	unsigned long flags;
	u64 r;

	spin_lock_irqsave(&secrets_lock, flags);
	r = prng_u64(&secrets);
	spin_unlock_irqrestore(&secrets_lock, flags);
	return r;
}

/* Draw the order in which slabs hand out their objects first.  Without memory
 * for it, that is the order of addresses. */
static void make_shuffle(struct kmem_cache *s)
{
	u16 *order;

	if (booting || s->objects < 2)
		return;
	order = kmalloc(s->objects * sizeof(u16), GFP_KERNEL | __GFP_NOWARN);
	if (!order)
		return;
	for (unsigned int i = 0; i < s->objects; i++)
		order[i] = i;
	for (unsigned int i = s->objects - 1; i; i--) {
		unsigned int j = slab_random() % (i + 1);

		swap(order[i], order[j]);
	}
	/* Published last: slabs may be made already. */
	smp_store_release(&s->shuffle, order);
}

/* --- layout ------------------------------------------------------------------ */

static unsigned int object_align(unsigned int size, unsigned int align,
				 slab_flags_t flags)
{
	unsigned int line = 64;

	if (flags & SLAB_HWCACHE_ALIGN) {
		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return ALIGN(max(align, (unsigned int)sizeof(void *)), sizeof(void *));
}

/* The order that wastes least for its size, within reason. */
static unsigned int choose_order(unsigned int size)
{
	unsigned int least = order_base_2(DIV_ROUND_UP(size, PAGE_SIZE));
	unsigned int best = least;

	for (unsigned int share = 16; share >= 4; share /= 2)
		for (unsigned int order = least; order <= SLAB_MAX_ORDER;
		     order++) {
			unsigned int bytes = PAGE_SIZE << order;

			if (bytes / size < SLAB_MIN_OBJECTS &&
			    order < SLAB_MAX_ORDER)
				continue;
			if (bytes % size <= bytes / share)
				return order;
		}
	return best;
}

static bool outside_pointer(const struct kmem_cache *s)
{
	return s->ctor || s->flags & (SLAB_DEBUG_FLAGS | SLAB_TYPESAFE_BY_RCU);
}

static void lay_out(struct kmem_cache *s)
{
	unsigned int size = ALIGN(s->object_size, sizeof(void *));

	/* Poison would be what readers or the next user find. */
	if (s->ctor || s->flags & SLAB_TYPESAFE_BY_RCU)
		s->flags &= ~SLAB_POISON;

	if (s->flags & SLAB_RED_ZONE && size == s->object_size)
		size += sizeof(void *);
	s->inuse = size;
	if (outside_pointer(s)) {
		s->link.offset = size;
		size += sizeof(void *);
	} else {
		s->link.offset = ALIGN_DOWN(s->object_size / 2, sizeof(void *));
	}
	if (s->flags & SLAB_STORE_USER)
		size += slab_tracks_size();
	if (s->flags & SLAB_RED_ZONE) {
		s->left_pad = ALIGN(sizeof(void *), s->align);
		size += s->left_pad;
	}
	s->size = ALIGN(size, s->align);
	s->inverse = DIV_ROUND_UP(1ul << 32, s->size);

	s->order = choose_order(s->size);
	s->slab_bytes = PAGE_SIZE << s->order;
	s->min_order = order_base_2(DIV_ROUND_UP(s->size, PAGE_SIZE));
	s->objects = (PAGE_SIZE << s->order) / s->size;
	s->min_objects = (PAGE_SIZE << s->min_order) / s->size;
	slab_owner_lay_out(s);
	s->gfp = s->order || s->min_order ? __GFP_COMP : 0;
}

/* How many empty slabs a node may keep, and objects a CPU's partial chain. */
static void set_tunables(struct kmem_cache *s)
{
	s->min_partial = clamp_t(unsigned long, ilog2(s->size) / 2, 5, 10);
	if (cache_debug(s) || static_key_enabled(&slab_use_sheaves))
		s->cpu_partial = 0;
	else
		s->cpu_partial = s->size >= PAGE_SIZE ? 6
				 : s->size >= 1024    ? 24
				 : s->size >= 256     ? 52
						      : 120;
	s->cpu_partial_slabs = DIV_ROUND_UP(s->cpu_partial * 2, s->objects);
	s->sheaf_capacity = static_key_enabled(&slab_use_sheaves)
				    ? slab_sheaf_capacity(s)
				    : 0;
}

/* --- a cache's parts ----------------------------------------------------------- */

static void node_init(struct kmem_cache_node *n)
{
	memset(n, 0, sizeof(*n));
	spin_lock_init(&n->list_lock);
	INIT_LIST_HEAD(&n->partial);
	spin_lock_init(&n->barn.lock);
	INIT_LIST_HEAD(&n->barn.full);
	INIT_LIST_HEAD(&n->barn.empty);
}

static void cpu_stores_init(struct kmem_cache *s)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(s->cpu, cpu)->tid = cpu;
	slab_sheaf_init(s);
}

static void free_parts(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	int nid;

	for_each_cache_node(s, nid, n) {
		s->node[nid] = NULL;
		kmem_cache_free(&node_cache, n);
	}
	if (s->cpu)
		free_percpu(s->cpu);
	kfree(s->shuffle);
}

static int make_parts(struct kmem_cache *s)
{
	for (int nid = 0; nid < slab_nr_nodes; nid++) {
		s->node[nid] =
			kmem_cache_alloc_node(&node_cache, GFP_KERNEL, nid);
		if (!s->node[nid])
			goto no_memory;
		node_init(s->node[nid]);
	}
	s->cpu = alloc_percpu(struct slab_cpu);
	if (!s->cpu)
		goto no_memory;
	cpu_stores_init(s);
	make_shuffle(s);
	return 0;

no_memory:
	free_parts(s);
	return -ENOMEM;
}

struct cache_spec {
	const char *name;
	unsigned int size, align;
	slab_flags_t flags;
	unsigned int useroffset, usersize;
	void (*ctor)(void *);
};

static void set_up(struct kmem_cache *s, const struct cache_spec *spec)
{
	strlcpy(s->name, spec->name, sizeof(s->name));
	s->object_size = spec->size;
	s->flags = slab_debug_flags_for(spec->name, spec->flags);
	s->align = object_align(spec->size, spec->align, spec->flags);
	s->ctor = spec->ctor;
	s->useroffset = spec->useroffset;
	s->usersize = spec->usersize;
	s->link.secret = slab_random();
	s->refcount = 1;
	lay_out(s);
	set_tunables(s);
}

/* --- making ---------------------------------------------------------------- */

static bool spec_valid(const struct cache_spec *spec)
{
	return !WARN(!spec->name || !spec->size ||
			     spec->size > KMALLOC_MAX_CACHE_SIZE ||
			     spec->align & (spec->align - 1) ||
			     spec->align > PAGE_SIZE ||
			     spec->usersize > spec->size ||
			     spec->useroffset > spec->size - spec->usersize,
		     "slab: cache %s of %u bytes makes no sense",
		     spec->name ?: "(unnamed)", spec->size);
}

/* A cache that can serve as well under another name. */
static struct kmem_cache *find_alias(const struct cache_spec *spec)
{
	unsigned int size = ALIGN(spec->size, sizeof(void *));
	unsigned int align = object_align(spec->size, spec->align, spec->flags);
	slab_flags_t flags = slab_debug_flags_for(spec->name, spec->flags);
	struct kmem_cache *s;

	if (no_merge || spec->ctor || spec->usersize ||
	    flags & SLAB_NEVER_MERGE)
		return NULL;
	list_for_each_entry(s, &slab_caches, list) {
		if (s->ctor || s->usersize || s->refcount < 1 ||
		    s->flags & (SLAB_NEVER_MERGE | SLAB_PLAIN))
			continue;
		if ((s->flags ^ flags) & SLAB_SAME_MERGE)
			continue;
		if (s->object_size < spec->size || s->size - size >= 8 ||
		    s->size % align)
			continue;
		return s;
	}
	return NULL;
}

static struct kmem_cache *create_locked(const struct cache_spec *spec)
{
	struct kmem_cache *s;

	assert_held(&slab_mutex);
	s = find_alias(spec);
	if (s) {
		s->refcount++;
		return s;
	}
	s = kmem_cache_zalloc(&cache_cache, GFP_KERNEL);
	if (!s)
		return NULL;
	set_up(s, spec);
	if (make_parts(s)) {
		kmem_cache_free(&cache_cache, s);
		return NULL;
	}
	list_add_tail(&s->list, &slab_caches);
	return s;
}

static struct kmem_cache *create(const struct cache_spec *spec)
{
	struct kmem_cache *s = NULL;

	if (spec_valid(spec)) {
		mutex_lock(&slab_mutex);
		s = create_locked(spec);
		mutex_unlock(&slab_mutex);
	}
	if (!s && spec->flags & SLAB_PANIC)
		panic("slab: cannot make cache %s of %u bytes", spec->name,
		      spec->size);
	return s;
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags,
				     void (*ctor)(void *))
{
	return create(&(struct cache_spec){.name = name,
					   .size = size,
					   .align = align,
					   .flags = flags,
					   .ctor = ctor});
}

struct kmem_cache *
kmem_cache_create_usercopy(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags,
			   unsigned int useroffset, unsigned int usersize,
			   void (*ctor)(void *))
{
	return create(&(struct cache_spec){.name = name,
					   .size = size,
					   .align = align,
					   .flags = flags,
					   .useroffset = useroffset,
					   .usersize = usersize,
					   .ctor = ctor});
}

/* For sheaf.c: a cache without sheaves, shared with nobody. */
struct kmem_cache *slab_create_plain(const char *name, unsigned int size)
{
	return kmem_cache_create(name, size, 0,
				 SLAB_PLAIN | SLAB_NO_MERGE | SLAB_PANIC, NULL);
}

/* --- emptying -------------------------------------------------------------- */

struct flush_work {
	struct kmem_cache *s;
	atomic_t busy; /* CPUs found in the middle of something */
};

static void flush_this_cpu(void *arg)
{
	struct flush_work *work = arg;
	struct slab_cpu *c = this_cpu_ptr(work->s->cpu);

	if (!static_branch_likely(&slab_use_sheaves))
		slab_cmpxchg_flush_cpu(work->s, c);
	else if (!slab_sheaf_flush_cpu(work->s, c))
		atomic_inc(&work->busy);
}

/* A racy look at another CPU's store: is it worth an interrupt? */
static bool store_in_use(struct kmem_cache *s, unsigned int cpu)
{
	struct slab_cpu *c = per_cpu_ptr(s->cpu, cpu);

	return READ_ONCE(c->slab) || READ_ONCE(c->partial) ||
	       READ_ONCE(c->main) != &slab_no_sheaf || READ_ONCE(c->rcu);
}

cpumask_t slab_cpus_in_use(struct kmem_cache *s)
{
	cpumask_t cpus;
	unsigned int cpu;

	cpumask_clear(&cpus);
	for_each_online_cpu(cpu)
		if (store_in_use(s, cpu))
			cpumask_set_cpu(cpu, &cpus);
	return cpus;
}

void slab_flush(struct kmem_cache *s)
{
	struct flush_work work = {.s = s};
	cpumask_t cpus;

	/* A CPU interrupted inside its store is asked again: it will have
	 * left it, as it cannot be preempted there. */
	do {
		atomic_set(&work.busy, 0);
		cpus = slab_cpus_in_use(s);
		on_each_cpu_mask(&cpus, flush_this_cpu, &work, true);
	} while (atomic_read(&work.busy));

	if (static_branch_likely(&slab_use_sheaves))
		slab_sheaf_flush_barns(s);
}

static int fuller_first(void *priv, const struct list_head *a,
			const struct list_head *b)
{
	const struct slab *x = list_entry(a, struct slab, list);
	const struct slab *y = list_entry(b, struct slab, list);

	return slab_read(x).inuse < slab_read(y).inuse;
}

/* Give back the node's empty slabs; sort the others so that allocation fills
 * the fullest first, and the emptiest may yet become empty. */
static void shrink_node(struct kmem_cache *s, struct kmem_cache_node *n)
{
	LIST_HEAD(empty);
	struct slab *slab, *next;
	unsigned long flags;

	spin_lock_irqsave(&n->list_lock, flags);
	list_for_each_entry_safe(slab, next, &n->partial, list) {
		if (slab_read(slab).inuse)
			continue;
		list_move(&slab->list, &empty);
		n->nr_partial--;
	}
	list_sort(NULL, &n->partial, fuller_first);
	spin_unlock_irqrestore(&n->list_lock, flags);

	list_for_each_entry_safe(slab, next, &empty, list)
		slab_page_free(s, slab);
}

int kmem_cache_shrink(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	int nid, left = 0;

	might_sleep();
	slab_flush(s);
	for_each_cache_node(s, nid, n) {
		shrink_node(s, n);
		left |= atomic_long_read(&n->nr_slabs) != 0;
	}
	return left;
}

void slab_drain_all(void)
{
	struct kmem_cache *s;

	mutex_lock(&slab_mutex);
	/* Sheaves of objects that wait for readers come back full. */
	list_for_each_entry(s, &slab_caches, list)
		slab_flush(s);
	rcu_barrier();
	/* Twice: emptying one cache frees sheaves, objects of another. */
	for (int round = 0; round < 2; round++)
		list_for_each_entry(s, &slab_caches, list)
			kmem_cache_shrink(s);
	mutex_unlock(&slab_mutex);
}

void kfree_rcu_barrier(void)
{
	struct kmem_cache *s;

	mutex_lock(&slab_mutex);
	if (static_key_enabled(&slab_use_sheaves))
		list_for_each_entry(s, &slab_caches, list)
			slab_flush(s);
	mutex_unlock(&slab_mutex);
	rcu_barrier();
}

/* --- unmaking -------------------------------------------------------------- */

void kmem_cache_destroy(struct kmem_cache *s)
{
	if (!s)
		return;
	might_sleep();

	mutex_lock(&slab_mutex);
	if (--s->refcount) {
		mutex_unlock(&slab_mutex);
		return;
	}
	list_del(&s->list);
	mutex_unlock(&slab_mutex);

	/* What RCU still holds goes to sheaves and slabs; then those are
	 * emptied; then a TYPESAFE_BY_RCU cache's slabs wait once more. */
	slab_flush(s);
	rcu_barrier();
	if (kmem_cache_shrink(s)) {
		slab_report_leaks(s);
		mutex_lock(&slab_mutex);
		s->refcount = 1;
		list_add_tail(&s->list, &slab_caches);
		mutex_unlock(&slab_mutex);
		return;
	}
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	free_parts(s);
	kmem_cache_free(&cache_cache, s);
}

/* --- boot ------------------------------------------------------------------ */

static void boot_cache(struct kmem_cache *s, int i, const char *name,
		       unsigned int size)
{
	set_up(s, &(struct cache_spec){.name = name,
				       .size = size,
				       .flags = SLAB_PLAIN | SLAB_NO_MERGE |
						SLAB_HWCACHE_ALIGN});
	for (int nid = 0; nid < slab_nr_nodes; nid++) {
		s->node[nid] = &boot_nodes[i][nid];
		node_init(s->node[nid]);
	}
	s->cpu = &boot_cpu_stores[i];
	cpu_stores_init(s);
	list_add_tail(&s->list, &slab_caches);
}

/* Nodes that have memory or CPUs; both ask for theirs. */
static int count_nodes(void)
{
	struct zone_info info;
	struct zone *zone;
	unsigned int cpu;
	int last = 0;

	for_each_zone(zone) {
		zone_get_info(zone, &info);
		last = max(last, info.nid);
	}
	for_each_possible_cpu(cpu)
		last = max(last, cpu_to_node(cpu));
	return last + 1;
}

void slab_init(void)
{
	struct kmem_cache *s;

	slab_nr_nodes = count_nodes();
	prng_init(&secrets, rdtsc());
	if (want_cmpxchg)
		static_branch_disable(&slab_use_sheaves);
	if (slab_nr_nodes > 1)
		static_branch_enable(&slab_numa);
	if (want_cmpxchg || slab_nr_nodes > 1)
		static_branch_disable(&slab_simple);

	boot_cache(&node_cache, 0, "kmem_cache_node",
		   sizeof(struct kmem_cache_node));
	boot_cache(&cache_cache, 1, "kmem_cache", sizeof(struct kmem_cache));
	slab_sheaf_boot();
	slab_owner_boot();
	kmalloc_init();

	rcu_set_kfree(kfree);

	/* Caches made before kmalloc() worked get their order now. */
	booting = false;
	list_for_each_entry(s, &slab_caches, list)
		make_shuffle(s);
	pr_info("shape %s, %d kmalloc sizes\n", slab_shape_name(),
		KMALLOC_NR_CLASSES - 1);
}
