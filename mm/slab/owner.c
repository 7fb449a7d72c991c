/* SPDX-License-Identifier: MIT */
/*
 * owner.c - who pays for each object of a slab.
 *
 * Problem.    A slab serves whoever comes, so its objects belong to many groups,
 *             and whoever frees one, on whatever CPU, must find who paid for
 *             that one: in a few instructions, and in few bytes.
 * Idea.       A slab has a vector of owners, 16 bits for each object.
 * Place.      The entry of an object is its address shifted: by the largest
 *             power of two in the stride, so that no two objects share one.
 *             slab->owners is where address 0 would have its entry; so the way
 *             to it is a shift and an addition, and a division nowhere.  The
 *             price is entries that belong to no object, fewer than half.
 * Inside.     Caches whose objects are all charged have the vector at each
 *             slab's end, if what that displaces is not much more than what it
 *             needs elsewhere: then it is there from the start.
 * Outside.    Else it comes, with the slab's first charged object, from caches
 *             of its own.
 * No circles. Those caches have no sheaves, and are never charged nor shared:
 *             their slabs have no vectors.  So the descent ends at the first
 *             step, and no vector keeps the slab alive that it describes.
 * Race.       Two CPUs may make a slab's vector at once.  The first to install
 *             its own wins, and the loser takes the winner's: also when it had
 *             no memory for one itself.
 * Invariant.  A free object's owner is 0, wherever it waits.
 * Rejected.   A pointer for each object: an eighth of a 64-byte object.  The
 *             owner in the object itself: powers of two would lose their
 *             alignment, and half of what they take.
 */
#include <kernel/core/panic.h>
#include <lib/math.h>
#include <string.h>
#include "owner_impl.h"

/* --- layout ------------------------------------------------------------------ */

/* Vectors of 2^4 to 2^10 bytes. */
#define MIN_VECTOR_SHIFT 4
#define MAX_VECTOR_SHIFT 10
#define NR_VECTOR_CACHES (MAX_VECTOR_SHIFT - MIN_VECTOR_SHIFT + 1)

static struct kmem_cache *vector_caches[NR_VECTOR_CACHES];

static unsigned int vector_class(unsigned long bytes)
{
	return max(order_base_2(bytes), MIN_VECTOR_SHIFT) - MIN_VECTOR_SHIFT;
}

/* Objects of a slab with its vector at the end. */
static unsigned int objects_beside(const struct kmem_cache *s,
				   unsigned int order)
{
	return ((PAGE_SIZE << order) - slab_owner_bytes(s, order)) / s->size;
}

/* What an inside vector displaces at most, in terms of what it holds. */
#define MAX_DISPLACED 2

void slab_owner_lay_out(struct kmem_cache *s)
{
	unsigned int objects, min_objects;

	s->owner_shift = ilog2(s->size);
	BUG_ON(slab_owner_bytes(s, s->order) > 1u << MAX_VECTOR_SHIFT);
	s->account = SLAB_GFP_FAR;
	/* The stock takes for granted what its bytes are for. */
	if (!(s->flags & SLAB_RECLAIM_ACCOUNT))
		s->stock_below = stock_below(s->size);
	if (!(s->flags & SLAB_ACCOUNT))
		return;

	s->account |= __GFP_ACCOUNT;
	s->has_owners = true;
	objects = objects_beside(s, s->order);
	min_objects = objects_beside(s, s->min_order);
	if (!min_objects ||
	    (s->objects - objects) * s->size >
		    MAX_DISPLACED * slab_owner_bytes(s, s->order))
		return;
	s->flags |= SLAB_OWNERS_INSIDE;
	s->objects = objects;
	s->min_objects = min_objects;
	if (!s->order && !s->min_order && !(s->flags & SLAB_RECLAIM_ACCOUNT))
		s->account &= ~SLAB_GFP_FAR;
}

void slab_owner_boot(void)
{
	static const char *const names[NR_VECTOR_CACHES] = {
		"owners-16",  "owners-32",  "owners-64", "owners-128",
		"owners-256", "owners-512", "owners-1k",
	};

	for (int i = 0; i < NR_VECTOR_CACHES; i++)
		vector_caches[i] = slab_create_plain(
			names[i], 1u << (MIN_VECTOR_SHIFT + i));
}

/* --- a slab's vector ------------------------------------------------------- */

static unsigned int slab_order(const struct slab *slab)
{
	return compound_order(slab_page(slab));
}

static struct kmem_cache *vector_cache(const struct kmem_cache *s,
				       const struct slab *slab)
{
	return vector_caches[vector_class(
		slab_owner_bytes(s, slab_order(slab)))];
}

static unsigned long bias(const struct kmem_cache *s, const struct slab *slab)
{
	return ((unsigned long)slab_base(slab) >> s->owner_shift) * sizeof(u16);
}

static struct kmem_cache_node *node_of(const struct kmem_cache *s,
				       const struct slab *slab)
{
	return s->node[slab_nid(slab)];
}

void slab_owner_init(struct kmem_cache *s, struct slab *slab)
{
	unsigned int order = slab_order(slab);
	unsigned long bytes;
	void *vector;

	if (!(s->flags & SLAB_OWNERS_INSIDE))
		return;
	bytes = slab_owner_bytes(s, order);
	vector = slab_base(slab) + (PAGE_SIZE << order) - bytes;
	memset(vector, 0, bytes);
	smp_store_release(&slab->owners, (unsigned long)vector - bias(s, slab));
	atomic_long_inc(&node_of(s, slab)->nr_vectors);
}

unsigned long slab_owner_make(struct kmem_cache *s, struct slab *slab,
			      gfp_t gfp)
{
	struct kmem_cache *cache = vector_cache(s, slab);
	unsigned long owners, none = 0;
	void *vector;

	/* Anywhere will do, and nobody is charged for it. */
	gfp &= ~(__GFP_ACCOUNT | __GFP_THISNODE | __GFP_DMA32 | __GFP_COMP |
		 SLAB_GFP_FAR);
	vector = kmem_cache_alloc_node(cache, gfp | __GFP_ZERO, slab_nid(slab));
	if (!vector)
		return READ_ONCE(slab->owners); /* perhaps by now */

	owners = (unsigned long)vector - bias(s, slab);
	/* Before anything is charged: who frees that has seen it, too. */
	WRITE_ONCE(s->has_owners, true);
	if (!try_cmpxchg(&slab->owners, &none, owners)) {
		kmem_cache_free(cache, vector);
		return none; /* what was found */
	}
	atomic_long_inc(&node_of(s, slab)->nr_vectors);
	return owners;
}

static void check_erased(struct kmem_cache *s, struct slab *slab,
			 const u16 *vector)
{
	unsigned long places =
		slab_owner_bytes(s, slab_order(slab)) / sizeof(u16);

	for (unsigned long i = 0; i < places; i++)
		if (vector[i])
			slab_report(s, slab, slab_base(slab),
				    "free, but somebody still pays for it");
}

void slab_owner_release(struct slab *slab)
{
	struct kmem_cache *s = slab->cache;
	void *vector;

	if (!slab->owners)
		return;
	atomic_long_dec(&node_of(s, slab)->nr_vectors);
	vector = (void *)(slab->owners + bias(s, slab));
	if (CONFIG_DEBUG)
		check_erased(s, slab, vector);
	/* The page allocator has its own use for this word. */
	WRITE_ONCE(slab->owners, 0);
	if (!(s->flags & SLAB_OWNERS_INSIDE))
		kmem_cache_free(vector_cache(s, slab), vector);
}

/* --- charging -------------------------------------------------------------- */

/* Objects charged at once: preemption is off meanwhile. */
#define MAX_RUN 256u

/* May this CPU's stock pay without counting what for?  Entered: it would be
 * another's after a migration. */
static bool implied(const struct kmem_cache *s, int nid)
{
	return slab_memcg_kind(s) == MEMCG_SLAB_UNRECLAIMABLE &&
	       (!static_branch_unlikely(&slab_numa) || nid == numa_mem_id());
}

static bool consume(const struct kmem_cache *s, u32 owner, u32 bytes, int nid)
{
	return implied(s, nid) ? stock_consume(owner, bytes)
			       : __stock_consume_as(owner, bytes,
						    slab_memcg_kind(s), nid);
}

/*
 * Charge @bytes of @s.  Returns who pays, 0 for nobody, and the store is
 * entered: write it down, and leave.  Negative: refused, and not entered.
 */
static int charge_enter(const struct kmem_cache *s, u32 bytes, int nid,
			gfp_t gfp)
{
	u32 owner;

	if (cpu_store_enter()) {
		owner = accounting_owner();
		if (!owner || consume(s, owner, bytes, nid))
			return owner;
		cpu_store_leave();
	}
	return __accounting_charge(bytes, slab_memcg_kind(s), nid, gfp);
}

static bool anybody_pays(void)
{
	bool any;

	preempt_disable();
	any = accounting_owner();
	preempt_enable();
	return any;
}

/* A task that has enough in stock, and a slab that has owners. */
static bool charge_quickly(struct kmem_cache *s, struct slab *slab,
			   void *object)
{
	unsigned long owners = READ_ONCE(slab->owners);
	u32 owner;

	if (!owners || !cpu_store_enter_task())
		return false;
	owner = READ_ONCE(current->owner);
	if (owner &&
	    (!implied(s, slab_nid(slab)) || !stock_consume(owner, s->size))) {
		cpu_store_leave();
		return false;
	}
	*slab_owner_entry(s->owner_shift, owners, object) = owner;
	cpu_store_leave();
	return true;
}

static bool charge_object(struct kmem_cache *s, gfp_t gfp, void *object)
{
	struct slab *slab = slab_of(object);
	unsigned long owners;
	int owner;

	if (charge_quickly(s, slab, object))
		return true;
	if (s->flags & SLAB_PLAIN || !anybody_pays())
		return true;
	owners = READ_ONCE(slab->owners) ?: slab_owner_make(s, slab, gfp);
	if (!owners)
		return false;
	owner = charge_enter(s, s->size, slab_nid(slab), gfp);
	if (owner < 0)
		return false;
	*slab_owner_entry(s->owner_shift, owners, object) = owner;
	cpu_store_leave();
	return true;
}

void *slab_alloc_finish(struct kmem_cache *s, gfp_t gfp, void *object)
{
	if (unlikely(!object))
		return NULL;
	if (static_branch_unlikely(&accounting_kernel) &&
	    slab_charges(s, gfp) && !charge_object(s, gfp, object)) {
		kmem_cache_free(s, object);
		return NULL;
	}
	if (gfp & __GFP_ZERO)
		slab_zero(s, object);
	return object;
}

/* How many objects, from the first on, lie on the first one's node and have
 * vectors, made if need be.  0: there is no memory for one. */
static unsigned int prepare_run(struct kmem_cache *s, gfp_t gfp,
				unsigned int nr, void **objects)
{
	int nid = slab_nid(slab_of(objects[0]));
	unsigned int run;

	nr = min(nr, MAX_RUN);
	if (s->flags & SLAB_OWNERS_INSIDE && !static_key_enabled(&slab_numa))
		return nr;
	for (run = 0; run < nr; run++) {
		struct slab *slab = slab_of(objects[run]);

		if (slab_nid(slab) != nid)
			break;
		if (!READ_ONCE(slab->owners) && !slab_owner_make(s, slab, gfp))
			return 0;
	}
	return run;
}

/* Charge as many objects, from the first on, as go together; 0: refused. */
static unsigned int charge_run(struct kmem_cache *s, gfp_t gfp, unsigned int nr,
			       void **objects)
{
	unsigned int run = prepare_run(s, gfp, nr, objects);
	int owner;

	if (!run)
		return 0;
	owner = charge_enter(s, run * s->size, slab_nid(slab_of(objects[0])),
			     gfp);
	if (owner < 0)
		return 0;
	for (unsigned int i = 0; owner && i < run; i++)
		*slab_owner_entry(s->owner_shift, slab_of(objects[i])->owners,
				  objects[i]) = owner;
	cpu_store_leave();
	return run;
}

bool slab_charge_bulk(struct kmem_cache *s, gfp_t gfp, unsigned int nr,
		      void **objects)
{
	unsigned int done, run;

	if (s->flags & SLAB_PLAIN || !anybody_pays())
		return true;
	for (done = 0; done < nr; done += run) {
		run = charge_run(s, gfp, nr - done, objects + done);
		if (!run)
			return false;
	}
	return true;
}

/* --- and giving back --------------------------------------------------------- */

/* Preemption is off since @owner was erased. */
static void give_back(struct kmem_cache *s, u32 owner, u32 bytes, int nid)
{
	enum memcg_kind kind = slab_memcg_kind(s);

	if (!owner)
		return;
	if (!implied(s, nid) || !cpu_store_enter())
		__accounting_uncharge(owner, bytes, kind, nid);
	else if (stock_refill(owner, bytes))
		cpu_store_leave();
	else
		accounting_uncharge_leave(owner, bytes, kind, nid);
}

void slab_uncharge_leave(struct slab *slab, u32 owner)
{
	struct kmem_cache *s = slab->cache;

	accounting_uncharge_leave(owner, s->size, slab_memcg_kind(s),
				  slab_nid(slab));
}

void slab_uncharge(struct kmem_cache *s, struct slab *slab, void *object)
{
	u16 *entry = slab_owner_entry(s->owner_shift, slab->owners, object);
	int nid = slab_nid(slab);
	u32 owner;

	/* What is none will be reported, and is not freed. */
	if (cache_debug(s) && !slab_object_valid(s, slab, object))
		return;
	if (cpu_store_enter()) {
		owner = slab_owner_take(entry);
		if (owner &&
		    (!implied(s, nid) ||
		     !stock_refill_below(owner, s->size, s->stock_below)))
			slab_uncharge_leave(slab, owner);
		else
			cpu_store_leave();
		return;
	}
	preempt_disable();
	owner = slab_owner_take(entry);
	if (owner)
		__accounting_uncharge(owner, s->size, slab_memcg_kind(s), nid);
	preempt_enable();
}

/* Erase the owner of @object; or leave it, if it or the node is another. */
static bool erase_if(struct kmem_cache *s, void *object, u32 owner, int nid)
{
	struct slab *slab = slab_of(object);
	u16 *entry;

	if (slab_nid(slab) != nid)
		return false;
	if (!slab->owners)
		return !owner;
	entry = slab_owner_entry(s->owner_shift, slab->owners, object);
	if (*entry != owner)
		return false;
	*entry = 0;
	return true;
}

/* The same for as many objects, from the first on, as have one owner. */
static unsigned int uncharge_run(struct kmem_cache *s, unsigned int nr,
				 void **objects)
{
	int nid = slab_nid(slab_of(objects[0]));
	unsigned int run = 0;
	u32 owner;

	nr = min(nr, MAX_RUN);
	preempt_disable();
	owner = slab_object_owner(objects[0]);
	while (run < nr && erase_if(s, objects[run], owner, nid))
		run++;
	give_back(s, owner, run * s->size, nid);
	preempt_enable();
	return run;
}

/* Of a cache whose owners are near: as many, from the first on, as have one owner,
 * are of @s and in a slab's first page. */
static unsigned int uncharge_run_near(struct kmem_cache *s, unsigned int nr,
				      void **objects)
{
	void **p = objects, **end = objects + min(nr, MAX_RUN);
	const u32 shift = s->owner_shift;
	struct slab *slab = slab_at(*p);
	u32 owner, bytes;

	if (unlikely(slab->cache != s) || !cpu_store_enter())
		return 0;
	owner = *slab_owner_entry(shift, slab->owners, *p);
	while (slab->cache == s &&
	       slab_owner_erase(slab_owner_entry(shift, slab->owners, *p),
				owner) &&
	       ++p < end)
		slab = slab_at(*p);

	bytes = (p - objects) * s->size;
	if (owner && !stock_refill(owner, bytes))
		accounting_uncharge_leave(owner, bytes, slab_memcg_kind(s),
					  numa_mem_id());
	else
		cpu_store_leave();
	return p - objects;
}

unsigned int slab_uncharge_near(struct kmem_cache *s, unsigned int nr,
				void **objects)
{
	unsigned int done = 0, run;

	while (done < nr) {
		run = uncharge_run_near(s, nr - done, objects + done);
		if (!run)
			break;
		done += run;
	}
	return done;
}

void slab_uncharge_bulk(struct kmem_cache *s, unsigned int nr, void **objects)
{
	if (!READ_ONCE(s->has_owners))
		return;
	for (unsigned int done = 0; done < nr;)
		done += uncharge_run(s, nr - done, objects + done);
}

/* --- asking ------------------------------------------------------------------ */

u32 slab_object_owner(const void *ptr)
{
	struct slab *slab = slab_of(ptr);
	struct kmem_cache *s;
	unsigned long owners;
	void *object;

	if (!slab)
		return 0;
	owners = READ_ONCE(slab->owners);
	if (!owners)
		return 0;
	s = slab->cache;
	object = slab_object_at(s, slab, slab_object_index(s, slab, ptr));
	return READ_ONCE(*slab_owner_entry(s->owner_shift, owners, object));
}

struct owner_walk {
	void (*fn)(const struct slab_owned *what, void *arg);
	void *arg;
};

static void walk_slab(struct slab *slab, void *walk_)
{
	struct owner_walk *walk = walk_;
	struct kmem_cache *s = slab->cache;
	struct slab_owned what = {
		.cache = s,
		.bytes = s->size,
		.nid = slab_nid(slab),
		.kind = slab_memcg_kind(s),
	};

	if (!slab->owners)
		return;
	for (unsigned int i = 0; i < slab->state.objects; i++) {
		what.object = slab_object_at(s, slab, i);
		what.owner = *slab_owner_entry(s->owner_shift, slab->owners,
					       what.object);
		if (what.owner)
			walk->fn(&what, walk->arg);
	}
}

void slab_walk_owners(void (*fn)(const struct slab_owned *what, void *arg),
		      void *arg)
{
	struct owner_walk walk = {.fn = fn, .arg = arg};

	slab_for_each(walk_slab, &walk);
}

bool slab_relabel_owner(const void *object, u32 from, u32 to)
{
	struct slab *slab = slab_of(object);
	u16 old = from;

	if (!slab || !slab->owners)
		return false;
	return try_cmpxchg(slab_owner_entry(slab->cache->owner_shift,
					    slab->owners, object),
			   &old, (u16)to);
}
