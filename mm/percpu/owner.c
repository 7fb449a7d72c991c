/* SPDX-License-Identifier: MIT */
/*
 * owner.c - who pays for an area.
 *
 * What.       An area charged to a group costs it what it takes on every possible
 *             CPU, and nothing besides: pages, chunks and what is below are the
 *             system's.
 * Where.      A block of small areas gets a vector of owners, two bytes for each
 *             area, when the first of them is charged; a large area's owner is in
 *             its first block.  The vector is a kmalloc() object nobody pays
 *             for, so it needs no owner itself, and kmalloc() needs no
 *             per-CPU memory: there is no circle.
 * When.       Charged once the area is ours and before anybody sees it; what a
 *             refusal must undo is then one area.  Uncharged as it is freed,
 *             by whoever does: the owner is taken out under pcpu_lock.
 * Dead.       A vector dies with its block's last area, under pcpu_lock, where
 *             nothing can be freed: it goes on a list, and the balancer frees it.
 *             percpu_drain() looks for others that nobody needs any more.
 * Nodes.      The copies lie on all nodes; they are counted on the first.
 *
 * Context: as its callers, any but NMI.
 */
#include <errno.h>
#include <arch/smp.h>
#include <kernel/core/panic.h>
#include <lib/llist.h>
#include <lib/math.h>
#include <mm/accounting.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/slab/slab.h>
#include "chunk_impl.h"

#define COUNTED_ON 0 /* the node */

/* Under pcpu_lock. */
static struct llist_node *dead;

/* What the area at @b, or any in it, takes on all CPUs. */
static size_t charged_bytes(const struct pcpu_block *b)
{
	return pcpu_area_slots(b) * PCPU_SLOT * nr_cpu_ids;
}

/* --- vectors ----------------------------------------------------------------- */

static bool add_owners(struct pcpu_block *b, gfp_t gfp)
{
	size_t size = max(pcpu_classes[b->class].nr * sizeof(*b->owners),
			  sizeof(struct llist_node));
	u16 *owners = kzalloc(size, gfp & ~__GFP_ACCOUNT);

	if (!owners)
		return false;
	/* Whoever comes second uses the first one's. */
	if (cmpxchg(&b->owners, NULL, owners))
		kfree(owners);
	return true;
}

void pcpu_bury_owners(struct pcpu_block *b)
{
	struct llist_node *vector = (void *)b->owners;

	assert_spin_locked(&pcpu_lock);
	b->owners = NULL;
	vector->next = dead;
	dead = vector;
	pcpu_want_balance();
}

void pcpu_free_owners(void)
{
	struct llist_node *vector;
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	vector = dead;
	dead = NULL;
	spin_unlock_irqrestore(&pcpu_lock, flags);
	while (vector) {
		struct llist_node *next = vector->next;

		kfree(vector);
		vector = next;
	}
}

/* Nobody pays for anything in it, or nobody does yet: see write_owner(). */
static bool is_unused(const struct pcpu_block *b)
{
	for (unsigned int i = 0; i < pcpu_classes[b->class].nr; i++)
		if (b->owners[i])
			return false;
	return true;
}

void pcpu_bury_unused_owners(void)
{
	assert_held(&pcpu_populate_mutex); /* so the chunks stay */
	for (unsigned int i = 0; i < PCPU_NR_CHUNKS; i++) {
		struct pcpu_chunk *c = READ_ONCE(pcpu_chunks[i]);
		unsigned long flags;

		if (!c)
			continue;
		spin_lock_irqsave(&pcpu_lock, flags);
		for (unsigned int b = 0; b < pcpu_unit_blocks; b++)
			if (c->blocks[b].owners && is_unused(&c->blocks[b]))
				pcpu_bury_owners(&c->blocks[b]);
		spin_unlock_irqrestore(&pcpu_lock, flags);
	}
}

/* Where the owner of the area that begins at @slot, if one does, is written; NULL
 * if it has none. */
static u16 *owner_if_any(struct pcpu_block *b, unsigned int slot)
{
	unsigned int i;

	if (unlikely(b->use == PCPU_LARGE))
		return slot ? NULL : &b->owner;
	if (b->use != PCPU_SMALL || !b->owners)
		return NULL;
	i = pcpu_area_index(b, slot);
	if (i >= pcpu_classes[b->class].nr ||
	    i * pcpu_classes[b->class].slots != slot)
		return NULL;
	return &b->owners[i];
}

/* --- charging ---------------------------------------------------------------- */

/* Prepaid: this many bytes of the owner's, whom it tells.  Entered if so. */
static bool charge_stock(size_t bytes, int *owner)
{
	if (unlikely(!cpu_store_enter()))
		return false;
	*owner = accounting_owner();
	if (!*owner ||
	    __stock_consume_as(*owner, bytes, MEMCG_PERCPU, COUNTED_ON))
		return true;
	cpu_store_leave();
	return false;
}

/* False if the vector has been buried before anything was in it. */
static bool write_owner(struct pcpu_block *b, unsigned int slot, u32 owner)
{
	unsigned long flags;
	u16 *place;

	spin_lock_irqsave(&pcpu_lock, flags);
	place = owner_if_any(b, slot);
	if (likely(place))
		*place = owner;
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return place;
}

int __pcpu_charge(const void __percpu *p, gfp_t gfp)
{
	unsigned int slot;
	struct pcpu_block *b =
		pcpu_find_block(p, &slot); /* stays: it is ours */
	size_t bytes = charged_bytes(b);
	int owner;

	/* No vector for nobody.  Asked again where it counts. */
	while (accounting_owner()) {
		if (b->use == PCPU_SMALL && !READ_ONCE(b->owners) &&
		    !add_owners(b, gfp))
			return -ENOMEM;
		if (unlikely(!charge_stock(bytes, &owner)))
			owner = __accounting_charge(bytes, MEMCG_PERCPU,
						    COUNTED_ON, gfp);
		if (unlikely(owner < 0))
			return owner;
		if (likely(!owner || write_owner(b, slot, owner))) {
			cpu_store_leave();
			return 0;
		}
		accounting_uncharge_leave(owner, bytes, MEMCG_PERCPU,
					  COUNTED_ON);
	}
	return 0;
}

u32 pcpu_erase_owner(struct pcpu_block *b, unsigned int slot, size_t *bytes)
{
	u16 *place;
	u32 owner;

	assert_spin_locked(&pcpu_lock);
	place = owner_if_any(b, slot);
	if (!place)
		return 0;
	owner = *place;
	*place = 0;
	*bytes = charged_bytes(b);
	return owner;
}

void pcpu_uncharge(u32 owner, size_t bytes)
{
	if (unlikely(!cpu_store_enter()))
		__accounting_uncharge(owner, bytes, MEMCG_PERCPU, COUNTED_ON);
	else if (__stock_refill_as(owner, bytes, MEMCG_PERCPU, COUNTED_ON))
		cpu_store_leave();
	else
		accounting_uncharge_leave(owner, bytes, MEMCG_PERCPU,
					  COUNTED_ON);
}

/* --- for audits -------------------------------------------------------------- */

static void walk_block(struct pcpu_block *b, percpu_owned_fn *fn, void *arg)
{
	struct percpu_owned what = {.bytes = charged_bytes(b),
				    .kind = MEMCG_PERCPU,
				    .nid = COUNTED_ON};

	if (b->use == PCPU_LARGE && b->owner) {
		what.area = (void *)b->address;
		what.owner = b->owner;
		fn(&what, arg);
	}
	if (b->use != PCPU_SMALL || !b->owners)
		return;
	for (unsigned int i = 0; i < pcpu_classes[b->class].nr; i++) {
		what.area = (void *)(b->address +
				     i * pcpu_area_slots(b) * PCPU_SLOT);
		what.owner = b->owners[i];
		if (what.owner)
			fn(&what, arg);
	}
}

void percpu_walk_owners(percpu_owned_fn *fn, void *arg)
{
	for (unsigned int i = 0; i < PCPU_NR_CHUNKS; i++) {
		struct pcpu_chunk *c = pcpu_chunks[i];

		for (unsigned int b = 0; c && b < pcpu_unit_blocks; b++)
			walk_block(&c->blocks[b], fn, arg);
	}
}

bool percpu_relabel_owner(const void __percpu *area, u32 from, u32 to)
{
	unsigned int slot;
	struct pcpu_block *b = pcpu_find_block(area, &slot);
	u16 *place = b ? owner_if_any(b, slot) : NULL;

	if (!place || *place != from)
		return false;
	*place = to;
	return true;
}
