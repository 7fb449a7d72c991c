/* SPDX-License-Identifier: MIT */
/*
 * cmpxchg.c - the classic shape: a CPU owns a slab.
 *
 * Idea.       A CPU freezes one slab and takes its whole free list to itself.
 *             From then on allocating, and freeing an object of that slab, is
 *             one compare-exchange of the pair (freelist, tid) in the CPU's
 *             own memory: no lock prefix, no interrupts off, no preemption off.
 * tid.        Starts as the CPU's number and moves on by NR_CPUS with every
 *             change, so no two changes on any CPUs share one.  Who was
 *             preempted, interrupted or moved to another CPU between reading
 *             and exchanging finds another tid, and starts over.
 * Slow path.  Interrupts off: the CPU's slab and partial chain have no other
 *             protection.  It moves tid whenever it touches the free list, so
 *             that a fast path it interrupted starts over.
 * Order.      What slow allocation tries: objects freed to our slab by others;
 *             the next slab of our partial chain; the node's partial list; a
 *             new slab (interrupts as the caller had them); other nodes' lists.
 * Partial.    Freeing into a full slab freezes it onto the freeing CPU's
 *             chain, without the node's lock.  A chain with more than
 *             cpu_partial_slabs moves to the nodes' lists as a whole.
 *
 * After SLUB as it was from 2007 (fast path: 2011) to 2025.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include "owner_impl.h"

#define SLAB_TID_STEP NR_CPUS

/*
 * Change this CPU's pair (freelist, tid), if it is still the one read.  The
 * operand is GS-relative, so pair and CPU are chosen by the same instruction.
 * Decided by what was found, not by ZF (see <lib/atomic.h>).
 */
static __always_inline bool slab_cpu_change(struct slab_cpu __percpu *cpu,
					    void *old_freelist,
					    unsigned long old_tid,
					    void *freelist, unsigned long tid)
{
	u64 lo = (u64)old_freelist, hi = old_tid;

	asm volatile("cmpxchg16b %%gs:%[pair]"
		     : [pair] "+m"(*(u128 *)&cpu->freelist), "+a"(lo), "+d"(hi)
		     : "b"(freelist), "c"(tid)
		     : "memory", "cc");
	return lo == (u64)old_freelist && hi == old_tid;
}

/* Take the free list that others have built on our frozen slab; if there is
 * none, the slab is full: let it go. */
static void *claim_freelist(struct slab *slab)
{
	struct slab_state old, new;

	do {
		old = slab_read(slab);
		new = old;
		new.freelist = NULL;
		new.inuse = old.objects;
		new.frozen = old.freelist != NULL;
	} while (!slab_change(slab, old, new));
	return old.freelist;
}

static void set_freelist(struct slab_cpu *c, void *freelist)
{
	assert_irqs_off();
	WRITE_ONCE(c->freelist, freelist);
	WRITE_ONCE(c->tid, c->tid + SLAB_TID_STEP);
}

/* The CPU has no slab from here on; whoever thought it had starts over. */
static void forget_slab(struct slab_cpu *c)
{
	c->slab = NULL;
	set_freelist(c, NULL);
}

/* Give up the CPU's slab, with what is left of its list. */
static void deactivate(struct kmem_cache *s, struct slab_cpu *c)
{
	struct slab *slab = c->slab;
	void *head = c->freelist, *tail = NULL, *object;
	unsigned int nr = 0;

	for (object = head; object; object = slab_next_free(s, object)) {
		if (!slab_object_valid(s, slab, object)) {
			slab_report(s, slab, object, "free pointer corrupt");
			if (tail)
				slab_link_free(s, tail, NULL);
			break;
		}
		tail = object;
		nr++;
	}
	forget_slab(c);
	slab_unfreeze(s, slab, head, tail, nr);
}

static void unfreeze_chain(struct kmem_cache *s, struct slab *slab)
{
	while (slab) {
		struct slab *next = slab->next;

		slab_unfreeze(s, slab, NULL, NULL, 0);
		slab = next;
	}
}

void slab_cmpxchg_put_partial(struct kmem_cache *s, struct slab *slab)
{
	struct slab *overflow = NULL, *first;
	struct slab_cpu *c;
	unsigned long flags;

	local_irq_save(flags);
	c = this_cpu_ptr(s->cpu);
	first = c->partial;
	if (first && first->chain_slabs >= READ_ONCE(s->cpu_partial_slabs)) {
		overflow = first;
		first = NULL;
	}
	slab->next = first;
	slab->chain_slabs = first ? first->chain_slabs + 1 : 1;
	c->partial = slab;
	local_irq_restore(flags);

	unfreeze_chain(s, overflow);
}

void slab_cmpxchg_flush_cpu(struct kmem_cache *s, struct slab_cpu *c)
{
	struct slab *chain;
	unsigned long flags;

	local_irq_save(flags);
	if (c->slab)
		deactivate(s, c);
	chain = c->partial;
	c->partial = NULL;
	local_irq_restore(flags);

	unfreeze_chain(s, chain);
}

/* Make @slab, frozen, the CPU's. */
static void *adopt(struct kmem_cache *s, struct slab_cpu *c, struct slab *slab)
{
	if (c->slab)
		deactivate(s, c);
	c->slab = slab;
	return claim_freelist(slab);
}

/* From what the CPU has or its node's list has: no new pages. */
static void *find_freelist(struct kmem_cache *s, struct slab_cpu *c, int node)
{
	void *freelist;
	struct slab *slab;

	if (c->slab && node != NUMA_NO_NODE && slab_nid(c->slab) != node)
		deactivate(s, c);
	if (c->slab) {
		/* An interrupt may have been here before us. */
		freelist = c->freelist ?: claim_freelist(c->slab);
		if (freelist)
			return freelist;
		forget_slab(c);
	}
	while ((slab = c->partial)) {
		c->partial = slab->next;
		if (node == NUMA_NO_NODE || slab_nid(slab) == node)
			return adopt(s, c, slab);
		slab_unfreeze(s, slab, NULL, NULL, 0);
	}
	slab = slab_freeze_partial(s,
				   node == NUMA_NO_NODE ? numa_mem_id() : node);
	return slab ? adopt(s, c, slab) : NULL;
}

static struct slab *other_nodes_slab(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	struct slab *slab;
	int nid;

	for_each_cache_node(s, nid, n) {
		slab = slab_freeze_partial(s, nid);
		if (slab)
			return slab;
	}
	return NULL;
}

/* A new slab, frozen; or, at the end of the node's memory or of all, what other
 * nodes have. */
static struct slab *obtain_slab(struct kmem_cache *s, gfp_t gfp, int node)
{
	bool anywhere = !(gfp & __GFP_THISNODE);
	struct slab *slab = slab_page_alloc_near(s, gfp, node, NULL, 0);
	struct slab *other = NULL;

	if (!slab && anywhere && static_branch_unlikely(&slab_numa))
		other = other_nodes_slab(s);
	if (!slab && !other)
		slab = slab_page_alloc(s, gfp, node, NULL, 0);
	if (slab)
		slab->state.frozen = 1;
	else if (!other && anywhere)
		other = other_nodes_slab(s);
	return slab ?: other;
}

static void *alloc_slow(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct slab_cpu *c;
	struct slab *slab;
	unsigned long flags;
	void *object, *next;

	local_irq_save(flags);
	c = this_cpu_ptr(s->cpu);
	object = find_freelist(s, c, node);
	if (!object) {
		local_irq_restore(flags);
		slab = obtain_slab(s, gfp, node);
		if (unlikely(!slab))
			return NULL;
		local_irq_save(flags);
		c = this_cpu_ptr(s->cpu); /* perhaps another */
		object = adopt(s, c, slab);
	}
	if (unlikely(!slab_object_valid(s, c->slab, object))) {
		slab_report(s, c->slab, object, "free pointer corrupt");
		forget_slab(c); /* frozen for ever: none of it is trusted */
		local_irq_restore(flags);
		return alloc_slow(s, gfp, node);
	}
	next = slab_next_free(s, object);
	if (unlikely(next && !slab_object_valid(s, c->slab, next))) {
		/* The rest of the list is lost, and counts as in use. */
		slab_report(s, c->slab, object, "free pointer corrupt");
		next = NULL;
	}
	set_freelist(c, next);
	c->stat[SLAB_ALLOC_SLOW]++;
	local_irq_restore(flags);
	return object;
}

/* --- the fast paths -------------------------------------------------------- */

/* Slabs lie at multiples of their size. */
static __always_inline bool other_slab(const struct kmem_cache *s,
				       const void *object, const void *next)
{
	return ((unsigned long)object ^ (unsigned long)next) >= s->slab_bytes;
}

/* An object of the CPU's own slab; NULL when there is none, or none is sound. */
static __always_inline void *pop(struct kmem_cache *s)
{
	struct slab_cpu __percpu *cpu = s->cpu;
	unsigned long tid;
	void *object, *next;

	do {
		/* tid first: it vouches for what is read after it. */
		tid = this_cpu_read(cpu->tid);
		barrier();
		object = this_cpu_read(cpu->freelist);
		if (unlikely(!object))
			return NULL;
		/*
		 * The object may be taken from under us: then this reads
		 * what its user wrote, and the tid has moved.  Or a user has
		 * written to what was free already: the slow path finds out.
		 */
		next = slab_next_free(s, object);
		if (unlikely(other_slab(s, object, next) && next))
			return NULL;
	} while (unlikely(
		!slab_cpu_change(cpu, object, tid, next, tid + SLAB_TID_STEP)));
	this_cpu_inc(cpu->stat[SLAB_ALLOC_FAST]);
	return object;
}

static void *get_slow(struct kmem_cache *s, gfp_t gfp, int node)
{
	return cache_debug(s) ? slab_debug_alloc(s, gfp, node)
			      : alloc_slow(s, gfp, node);
}

void *slab_cmpxchg_get(struct kmem_cache *s, gfp_t gfp)
{
	return pop(s) ?: get_slow(s, gfp, NUMA_NO_NODE);
}

static noinline void *alloc_unusual(struct kmem_cache *s, gfp_t gfp, int node)
{
	return slab_alloc_finish(s, gfp, get_slow(s, gfp, node));
}

void *slab_cmpxchg_alloc(struct kmem_cache *s, gfp_t gfp, int node)
{
	void *object = likely(node == NUMA_NO_NODE) ? pop(s) : NULL;

	if (unlikely(!object))
		return alloc_unusual(s, gfp, node);
	if (static_branch_unlikely(&accounting_kernel) && slab_charges(s, gfp))
		return slab_alloc_finish(s, gfp, object);
	if (unlikely(gfp & __GFP_ZERO))
		return slab_zero(s, object);
	return object;
}

void slab_cmpxchg_free(struct kmem_cache *s, struct slab *slab, void *object)
{
	struct slab_cpu __percpu *cpu = s->cpu;
	unsigned long tid;
	void *freelist;

	if (static_branch_unlikely(&accounting_enabled) && slab->owners)
		slab_uncharge(s, slab, object);
	do {
		tid = this_cpu_read(cpu->tid);
		barrier();
		if (unlikely(slab != this_cpu_read(cpu->slab))) {
			slab_free_direct(slab, object);
			return;
		}
		freelist = this_cpu_read(cpu->freelist);
		slab_link_free(s, object, freelist);
	} while (unlikely(!slab_cpu_change(cpu, freelist, tid, object,
					   tid + SLAB_TID_STEP)));
}
