/* SPDX-License-Identifier: MIT */
/*
 * owner.c - who pays for an area.
 *
 * What.       An area charged to a group costs it what it takes on every possible
 *             CPU, and nothing besides: pages, chunks and what is below are the
 *             system's.
 * Where.      Small areas with owners have blocks of their own, each with a
 *             vector, two bytes for an area; a large area's owner is in its first
 *             block.  The vector is a kmalloc() object nobody pays for, so it
 *             needs no owner itself, and kmalloc() needs no per-CPU memory:
 *             there is no circle.
 * When.       Charged once the area is ours and before anybody sees it; what a
 *             refusal must undo is then one area.  Uncharged as it is freed,
 *             by whoever does: the owner is taken out under pcpu_lock.
 * Dead.       A vector dies with its block's last area, under pcpu_lock, where
 *             nothing can be freed: it goes on a list, and the balancer frees it.
 * Rejected.   A vector for any block, on the first charged area in it: who frees
 *             an area that nobody pays for has to look, and a vector must be
 *             kept as long as areas without owners keep the block.
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

/* --- vectors ----------------------------------------------------------------- */

u16 *pcpu_alloc_owners(const struct pcpu_class *k, gfp_t gfp)
{
	return kzalloc(max(k->nr * sizeof(u16), sizeof(struct llist_node)),
		       gfp & ~__GFP_ACCOUNT);
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

int pcpu_charge(const struct pcpu_bill *bill, gfp_t gfp)
{
	int owner;

	if (unlikely(!charge_stock(bill->bytes, &owner)))
		owner = __accounting_charge(bill->bytes, MEMCG_PERCPU,
					    COUNTED_ON, gfp);
	if (unlikely(owner < 0))
		return owner;
	*bill->place = owner;
	cpu_store_leave();
	return 0;
}

void pcpu_uncharge(const struct pcpu_bill *bill)
{
	if (unlikely(!cpu_store_enter()))
		__accounting_uncharge(bill->owner, bill->bytes, MEMCG_PERCPU,
				      COUNTED_ON);
	else if (__stock_refill_as(bill->owner, bill->bytes, MEMCG_PERCPU,
				   COUNTED_ON))
		cpu_store_leave();
	else
		accounting_uncharge_leave(bill->owner, bill->bytes,
					  MEMCG_PERCPU, COUNTED_ON);
}

/* --- for audits -------------------------------------------------------------- */

/* What the area at @b, or any in it, takes on all CPUs. */
static size_t charged_bytes(const struct pcpu_block *b)
{
	return pcpu_area_slots(b) * PCPU_SLOT * nr_cpu_ids;
}

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
	if (b->use != PCPU_OWNED)
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

/* Where the owner of the area that begins at @slot, if one does, is written; NULL
 * if it cannot have one. */
static u16 *owner_place(struct pcpu_block *b, unsigned int slot)
{
	unsigned int i;

	if (b->use == PCPU_LARGE)
		return slot ? NULL : &b->owner;
	if (b->use != PCPU_OWNED)
		return NULL;
	i = pcpu_area_index(b, slot);
	if (i >= pcpu_classes[b->class].nr ||
	    i * pcpu_classes[b->class].slots != slot)
		return NULL;
	return &b->owners[i];
}

bool percpu_relabel_owner(const void __percpu *area, u32 from, u32 to)
{
	unsigned int slot;
	struct pcpu_block *b = pcpu_find_block(area, &slot);
	u16 *place = b ? owner_place(b, slot) : NULL;

	if (!place || *place != from)
		return false;
	*place = to;
	return true;
}
