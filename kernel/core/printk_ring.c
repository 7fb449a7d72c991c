/* SPDX-License-Identifier: MIT */
/*
 * printk_ring.c - the log: many writers, in any context, none waits.
 *
 * Problem.    A line may be filed by a task, by the interrupt on top of it and
 *             by the NMI on top of that, on every CPU at once.  None may wait
 *             for one that it interrupted.
 * Idea.       Slots of fixed size in a ring.  Record n lives in slot n mod N,
 *             in lap n / N.  Each slot carries its state as one word:
 *
 *		2 * lap		free for that lap: never used, or complete
 *		2 * lap + 1	being written in that lap
 *
 *             so that complete in one lap and free for the next are the same
 *             word, and zeroed memory is an empty ring.  A writer takes the
 *             slot at head by cmpxchg, and whoever finds head's slot taken
 *             moves head on, the taker or anybody else.
 * Full.       A slot still being written one lap later has a writer that was
 *             interrupted for the whole lap.  The new record is dropped and
 *             counted: waiting could be for ourselves.  In a panic such a writer
 *             never comes back, and what has to be said may take more than a
 *             lap: then its slot is left to it, and the next one taken.
 * Readers.    Copy the record and look at the state again: if it changed, what
 *             was copied may be torn and the record is gone.
 * Rejected.   Records of variable length: they save memory, and cost a second
 *             ring of descriptors and wrapping text, the hard half of such a
 *             log.  256 KiB buy a thousand lines here.
 *
 * Context: any, NMI included.
 */
#include <lib/atomic.h>
#include "printk_impl.h"

static struct printk_slot *slot_of(struct printk_ring *ring, u64 seq)
{
	return &ring->slots[seq & ((1ull << ring->order) - 1)];
}

static u64 free_state(struct printk_ring *ring, u64 seq)
{
	return 2 * (seq >> ring->order);
}

struct printk_slot *printk_ring_reserve(struct printk_ring *ring)
{
	for (;;) {
		u64 seq = READ_ONCE(ring->head);
		u64 free = free_state(ring, seq), state = free;
		struct printk_slot *slot = slot_of(ring, seq);
		bool taken = try_cmpxchg(&slot->state, &state, free + 1);

		if (!taken && state < free &&
		    !READ_ONCE(ring->writers_stopped)) {
			__atomic_fetch_add(&ring->nr_dropped, 1,
					   __ATOMIC_RELAXED);
			return NULL;
		}

		/* Whoever took it, or keeps it: the next record goes to the
		 * next slot. */
		cmpxchg(&ring->head, seq, seq + 1);
		if (taken) {
			slot->rec.seq = seq;
			return slot;
		}
	}
}

void printk_ring_commit(struct printk_ring *ring, struct printk_slot *slot)
{
	/* Pairs with the acquire in printk_ring_read(): the record, then its
	 * state.  Locked, so that the console owner's release and re-check
	 * (printk_flush()) cannot both miss this record and leave it. */
	xchg(&slot->state, free_state(ring, slot->rec.seq) + 2);
}

bool printk_ring_read(struct printk_ring *ring, u64 *seq,
		      struct printk_record *rec, bool skip_unfinished)
{
	for (;;) {
		u64 head = READ_ONCE(ring->head), nr = 1ull << ring->order;
		struct printk_slot *slot;
		u64 complete, state;

		if (*seq + nr < head)
			*seq = head - nr;
		if (*seq >= head)
			return false;
		slot = slot_of(ring, *seq);
		complete = free_state(ring, *seq) + 2;
		/* Pairs with the exchange in printk_ring_commit(). */
		state = smp_load_acquire(&slot->state);
		if (state < complete && !skip_unfinished)
			return false;
		if (state == complete) {
			*rec = slot->rec;
			/* The copy, then the state again: pairs with the
			 * cmpxchg that takes the slot for the next lap. */
			smp_rmb();
			if (READ_ONCE(slot->state) == complete) {
				++*seq;
				return true;
			}
		}
		++*seq;
	}
}

bool printk_ring_ready(struct printk_ring *ring, u64 seq)
{
	struct printk_slot *slot = slot_of(ring, seq);

	/* A later lap's state means that @seq is lost, and others are there.
	 * Pairs with the exchange in printk_ring_commit(). */
	return smp_load_acquire(&slot->state) >= free_state(ring, seq) + 2;
}
