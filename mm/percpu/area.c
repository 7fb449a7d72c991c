/* SPDX-License-Identifier: MIT */
/*
 * area.c - cut blocks into areas.
 *
 * Problem.    Whatever is asked for must be found, and taken back, in the same
 *             few instructions however much is in use.
 * Idea.       Areas of one size share blocks, as objects of one size share
 *             slabs.  Such a block is a bit for each area; a class is a list of
 *             its blocks with a free one.  Nothing is searched.
 * Classes.    Steps of one slot up to 64 bytes, then four for each doubling:
 *             what an area wastes is less than a fifth up to 512 bytes, and
 *             less than two fifths up to half a block.  Sizes that are
 *             multiples of a cache line are kept so, for an area then lies in
 *             as few lines as it can.  Above that an area is whole blocks.
 * Lists.      A full block that gets an area back goes to the front, so the
 *             fullest serve first and emptier ones may become empty.
 * Idle.       An empty block goes back, but if it is its class's only one with
 *             room it stays: with one area coming and going, blocks would too.
 *             So each class keeps at most one, last in its list; whoever finds
 *             no ready block, and the balancer, collects them.
 * Owners.     Areas that somebody pays for have blocks of their own, so that all
 *             others need not be asked who pays for them (owner.c).
 * Rejected.   One map of slots for areas of all sizes, with bounds on the free
 *             runs of each block: it wastes nothing at the end of an area and
 *             more between them, and took 690 instructions for a pair.
 *
 * Context: any; the caller holds pcpu_lock.
 */
#include <arch/smp.h>
#include <lib/bitmap.h>
#include <lib/math.h>
#include "chunk_impl.h"

struct pcpu_class pcpu_classes[PCPU_NR_CLASSES];

static const u16 class_slots[PCPU_NR_CLASSES] = {
	1,  2,	3,  4,	5,  6,	7,  8,	10, 12, 14,  16,  20,
	24, 28, 32, 40, 48, 56, 64, 72, 80, 96, 128, 168, 256,
};

u8 pcpu_class_of[PCPU_SMALL_SLOTS + 1];

void pcpu_classes_init(void)
{
	unsigned int slots = 0;

	for (unsigned int i = 0; i < PCPU_NR_CLASSES; i++) {
		struct pcpu_class *k = &pcpu_classes[i];

		k->slots = class_slots[i];
		k->nr = PCPU_BLOCK_SLOTS / k->slots;
		k->inverse = DIV_ROUND_UP(1u << 20, k->slots);
		INIT_LIST_HEAD(&k->partial[0]);
		INIT_LIST_HEAD(&k->partial[1]);
		while (slots <= k->slots)
			pcpu_class_of[slots++] = i;
	}
}

static struct list_head *partial_of(struct pcpu_block *b)
{
	return &pcpu_classes[b->class].partial[b->use == PCPU_OWNED];
}

/* --- blocks come and go ------------------------------------------------------ */

static struct pcpu_block *take_blocks(unsigned int nr, bool spare)
{
	struct pcpu_block *b = pcpu_take_blocks(nr, spare);

	if (!b) {
		pcpu_give_idle();
		b = pcpu_take_blocks(nr, spare);
	}
	return b;
}

/* With a @vector it becomes one for areas with owners. */
static noinline struct pcpu_block *add_block(struct pcpu_class *k, bool spare,
					     u16 *vector)
{
	struct pcpu_block *b = take_blocks(1, spare);

	if (!b)
		return NULL;
	b->use = vector ? PCPU_OWNED : PCPU_SMALL;
	b->owners = vector;
	b->class = k - pcpu_classes;
	b->word = 0;
	b->nr_free = k->nr;
	bitmap_zero(b->free, PCPU_BLOCK_SLOTS);
	bitmap_fill(b->free, k->nr);
	list_add(&b->list, partial_of(b));
	return b;
}

static void give_idle(struct list_head *partial)
{
	struct pcpu_block *b;

	if (list_empty(partial))
		return;
	b = list_last_entry(partial, struct pcpu_block, list);
	if (b->nr_free == pcpu_classes[b->class].nr) {
		list_del(&b->list);
		pcpu_give_blocks(b, 1);
	}
}

void pcpu_give_idle(void)
{
	for (unsigned int i = 0; i < PCPU_NR_CLASSES; i++) {
		give_idle(&pcpu_classes[i].partial[0]);
		give_idle(&pcpu_classes[i].partial[1]);
	}
}

/* --- small areas ------------------------------------------------------------- */

/* A free area of @b, which has one. */
static __always_inline unsigned int take_area(struct pcpu_class *k,
					      struct pcpu_block *b)
{
	unsigned int i;

	assert_spin_locked(&pcpu_lock);
	while (unlikely(!b->free[b->word]))
		b->word++;
	i = b->word * 64 + __ffs(b->free[b->word]);
	b->free[b->word] &= b->free[b->word] - 1;
	if (unlikely(!--b->nr_free))
		list_del(&b->list);
	pcpu_totals.nr_areas++;
	pcpu_totals.slots += k->slots;
	return i;
}

static __always_inline void __percpu *
area_address(struct pcpu_class *k, struct pcpu_block *b, unsigned int i)
{
	return (void *)(b->address + i * k->slots * PCPU_SLOT);
}

void __percpu *pcpu_take_small(struct pcpu_class *k, bool spare)
{
	struct pcpu_block *b;

	if (likely(!list_empty(&k->partial[0])))
		b = list_first_entry(&k->partial[0], struct pcpu_block, list);
	else if (!(b = add_block(k, spare, NULL)))
		return NULL;
	return area_address(k, b, take_area(k, b));
}

void __percpu *pcpu_take_owned(struct pcpu_class *k, bool spare,
			       struct pcpu_bill *bill)
{
	struct pcpu_block *b;
	unsigned int i;

	if (likely(!list_empty(&k->partial[1]))) {
		b = list_first_entry(&k->partial[1], struct pcpu_block, list);
	} else {
		if (!bill->vector || !(b = add_block(k, spare, bill->vector)))
			return NULL;
		bill->vector = NULL;
	}
	i = take_area(k, b);
	bill->place = &b->owners[i];
	bill->bytes = k->slots * PCPU_SLOT * nr_cpu_ids;
	return area_address(k, b, i);
}

/* The area that begins at @slot; -1 if none does. */
static __always_inline int find_area(struct pcpu_class *k, struct pcpu_block *b,
				     unsigned int slot)
{
	unsigned int i = pcpu_area_index(b, slot);

	if (unlikely(i * k->slots != slot || i >= k->nr ||
		     b->free[i / 64] >> i % 64 & 1))
		return -1;
	return i;
}

/* The only one in its list: both its neighbours are the head. */
static __always_inline bool is_alone(const struct pcpu_block *b)
{
	return b->list.next == b->list.prev;
}

static __always_inline void give_area(struct pcpu_class *k,
				      struct pcpu_block *b, unsigned int i)
{
	assert_spin_locked(&pcpu_lock);
	b->free[i / 64] |= 1ul << i % 64;
	if (unlikely(i / 64 < b->word))
		b->word = i / 64;
	pcpu_totals.nr_areas--;
	pcpu_totals.slots -= k->slots;
	if (unlikely(!b->nr_free++)) {
		list_add(&b->list, partial_of(b));
	} else if (b->nr_free == k->nr && !is_alone(b)) {
		list_del(&b->list);
		pcpu_give_blocks(b, 1);
	}
}

bool pcpu_give_small(struct pcpu_block *b, unsigned int slot)
{
	struct pcpu_class *k = &pcpu_classes[b->class];
	int i = find_area(k, b, slot);

	if (unlikely(i < 0))
		return false;
	give_area(k, b, i);
	return true;
}

static u32 erase_owner(u16 *place)
{
	u32 owner = *place;

	*place = 0;
	return owner;
}

static bool give_owned(struct pcpu_block *b, unsigned int slot,
		       struct pcpu_bill *bill)
{
	struct pcpu_class *k = &pcpu_classes[b->class];
	int i = find_area(k, b, slot);

	if (unlikely(i < 0))
		return false;
	bill->owner = erase_owner(&b->owners[i]);
	bill->bytes = k->slots * PCPU_SLOT * nr_cpu_ids;
	give_area(k, b, i);
	return true;
}

/* --- large areas ------------------------------------------------------------- */

static struct pcpu_block *take_large(unsigned int nr, bool spare)
{
	struct pcpu_block *b = take_blocks(nr, spare);

	if (!b)
		return NULL;
	b->use = PCPU_LARGE;
	b->nr_blocks = nr;
	for (unsigned int i = 1; i < nr; i++)
		b[i].use = PCPU_TAIL;
	pcpu_totals.nr_areas++;
	pcpu_totals.slots += nr * PCPU_BLOCK_SLOTS;
	return b;
}

void __percpu *pcpu_take_large(unsigned int nr, bool spare)
{
	struct pcpu_block *b = take_large(nr, spare);

	return b ? (void *)b->address : NULL;
}

void __percpu *pcpu_take_large_owned(unsigned int nr, bool spare,
				     struct pcpu_bill *bill)
{
	struct pcpu_block *b = take_large(nr, spare);

	if (!b)
		return NULL;
	bill->place = &b->owner;
	bill->bytes = nr * PAGE_SIZE * nr_cpu_ids;
	return (void *)b->address;
}

static bool give_large(struct pcpu_block *b, unsigned int slot,
		       struct pcpu_bill *bill)
{
	if (slot)
		return false;
	bill->owner = erase_owner(&b->owner);
	bill->bytes = b->nr_blocks * PAGE_SIZE * nr_cpu_ids;
	pcpu_totals.nr_areas--;
	pcpu_totals.slots -= b->nr_blocks * PCPU_BLOCK_SLOTS;
	pcpu_give_blocks(b, b->nr_blocks);
	return true;
}

bool pcpu_give_other(struct pcpu_block *b, unsigned int slot,
		     struct pcpu_bill *bill)
{
	switch (b->use) {
	case PCPU_SMALL:
		return pcpu_give_small(b, slot);
	case PCPU_OWNED:
		return give_owned(b, slot, bill);
	case PCPU_LARGE:
		return give_large(b, slot, bill);
	}
	return false;
}
