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
 * Rejected.   One map of slots for areas of all sizes, with bounds on the free
 *             runs of each block: it wastes nothing at the end of an area and
 *             more between them, and took 690 instructions for a pair.
 *
 * Context: any; the caller holds pcpu_lock.
 */
#include <lib/bitmap.h>
#include <lib/math.h>
#include "chunk_impl.h"

struct pcpu_class pcpu_classes[PCPU_NR_CLASSES];

static const u16 class_slots[PCPU_NR_CLASSES] = {
	1,  2,	3,  4,	5,  6,	7,  8,	10, 12, 14,  16,  20,
	24, 28, 32, 40, 48, 56, 64, 72, 80, 96, 128, 168, 256,
};

/* The first class with as many slots. */
static u8 class_of[PCPU_SMALL_SLOTS + 1];

void pcpu_classes_init(void)
{
	unsigned int slots = 0;

	for (unsigned int i = 0; i < PCPU_NR_CLASSES; i++) {
		struct pcpu_class *k = &pcpu_classes[i];

		k->slots = class_slots[i];
		k->nr = PCPU_BLOCK_SLOTS / k->slots;
		k->inverse = DIV_ROUND_UP(1u << 20, k->slots);
		INIT_LIST_HEAD(&k->partial);
		while (slots <= k->slots)
			class_of[slots++] = i;
	}
}

struct pcpu_class *pcpu_class_for(unsigned int slots, size_t align)
{
	struct pcpu_class *k;

	if (unlikely(slots > PCPU_SMALL_SLOTS))
		return NULL;
	for (k = &pcpu_classes[class_of[slots]];
	     k < &pcpu_classes[PCPU_NR_CLASSES]; k++)
		if (likely(IS_ALIGNED(k->slots * PCPU_SLOT, align)))
			return k;
	return NULL;
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

static noinline bool add_block(struct pcpu_class *k, bool spare)
{
	struct pcpu_block *b = take_blocks(1, spare);

	if (!b)
		return false;
	b->use = PCPU_SMALL;
	b->class = k - pcpu_classes;
	b->word = 0;
	b->nr_free = k->nr;
	bitmap_zero(b->free, PCPU_BLOCK_SLOTS);
	bitmap_fill(b->free, k->nr);
	list_add(&b->list, &k->partial);
	return true;
}

void pcpu_give_idle(void)
{
	for (unsigned int i = 0; i < PCPU_NR_CLASSES; i++) {
		struct pcpu_class *k = &pcpu_classes[i];
		struct pcpu_block *b;

		if (list_empty(&k->partial))
			continue;
		b = list_last_entry(&k->partial, struct pcpu_block, list);
		if (b->nr_free == k->nr) {
			list_del(&b->list);
			pcpu_give_blocks(b, 1);
		}
	}
}

/* --- areas ------------------------------------------------------------------- */

void __percpu *pcpu_take_small(struct pcpu_class *k, bool spare)
{
	struct pcpu_block *b;
	unsigned int i;

	assert_spin_locked(&pcpu_lock);
	if (unlikely(list_empty(&k->partial)) && !add_block(k, spare))
		return NULL;
	b = list_first_entry(&k->partial, struct pcpu_block, list);
	while (unlikely(!b->free[b->word]))
		b->word++;
	i = b->word * 64 + __ffs(b->free[b->word]);
	b->free[b->word] &= b->free[b->word] - 1;
	if (unlikely(!--b->nr_free))
		list_del(&b->list);
	pcpu_totals.nr_areas++;
	pcpu_totals.slots += k->slots;
	return (void *)(b->address + i * k->slots * PCPU_SLOT);
}

void __percpu *pcpu_take_large(unsigned int nr, bool spare)
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
	return (void *)b->address;
}

static bool give_small(struct pcpu_block *b, unsigned int slot)
{
	struct pcpu_class *k = &pcpu_classes[b->class];
	unsigned int i = pcpu_area_index(b, slot), word = i / 64;
	unsigned long bit = 1ul << i % 64;

	if (unlikely(i * k->slots != slot || i >= k->nr || b->free[word] & bit))
		return false;
	b->free[word] |= bit;
	b->word = min_t(u8, b->word, word);
	pcpu_totals.nr_areas--;
	pcpu_totals.slots -= k->slots;
	if (unlikely(!b->nr_free++)) {
		list_add(&b->list, &k->partial);
	} else if (b->nr_free == k->nr && !list_is_singular(&k->partial)) {
		list_del(&b->list);
		pcpu_give_blocks(b, 1);
	}
	return true;
}

static bool give_large(struct pcpu_block *b, unsigned int slot)
{
	if (slot)
		return false;
	pcpu_totals.nr_areas--;
	pcpu_totals.slots -= b->nr_blocks * PCPU_BLOCK_SLOTS;
	pcpu_give_blocks(b, b->nr_blocks);
	return true;
}

bool pcpu_give_area(struct pcpu_block *b, unsigned int slot)
{
	assert_spin_locked(&pcpu_lock);
	if (likely(b->use == PCPU_SMALL))
		return give_small(b, slot);
	return b->use == PCPU_LARGE && give_large(b, slot);
}
