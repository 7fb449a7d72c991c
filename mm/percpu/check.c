/* SPDX-License-Identifier: MIT */
/*
 * check.c - recount the books of per-CPU memory.
 *
 * What is said twice must agree: bits with counts, lists with what is in them,
 * totals with the sum of the parts.
 */
#include <lib/bitmap.h>
#include "chunk_impl.h"

/* What a walk over all blocks adds up. */
struct count {
	struct pcpu_totals totals;
	unsigned int nr_partial[PCPU_NR_CLASSES][2]; /* without owners, with */
};

static unsigned int check_small(const struct pcpu_block *b, struct count *sum)
{
	const struct pcpu_class *k = &pcpu_classes[b->class];
	unsigned int nr = bitmap_weight(b->free, PCPU_BLOCK_SLOTS);
	unsigned int errors = 0;

	if (b->class >= PCPU_NR_CLASSES)
		return 1;
	errors += nr != b->nr_free;
	/* Neither beyond the last area, nor before the word to begin at. */
	errors += find_next_bit(b->free, PCPU_BLOCK_SLOTS, k->nr) !=
		  PCPU_BLOCK_SLOTS;
	errors += find_first_bit(b->free, PCPU_BLOCK_SLOTS) / 64 < b->word;
	/* Nobody pays for what is free. */
	for (unsigned int i = 0; b->owners && i < k->nr; i++)
		errors += b->owners[i] && test_bit(i, b->free);
	sum->nr_partial[b->class][b->use == PCPU_OWNED] += b->nr_free != 0;
	sum->totals.nr_areas += k->nr - nr;
	sum->totals.slots += (k->nr - nr) * k->slots;
	return errors;
}

static unsigned int check_block(const struct pcpu_block *b, struct count *sum)
{
	unsigned int i = pcpu_block_index(b), errors = 0;
	bool populated = b->chunk->populated >> i & 1;
	bool free = b->chunk->free >> i & 1;

	errors += free != (b->use == PCPU_FREE);
	errors += !free && !populated;
	errors += b->owner && b->use != PCPU_LARGE;
	errors += !b->owners == (b->use == PCPU_OWNED);
	sum->totals.nr_populated += populated;
	sum->totals.nr_ready += free && populated;
	switch (b->use) {
	case PCPU_SMALL:
	case PCPU_OWNED:
		errors += check_small(b, sum);
		break;
	case PCPU_LARGE:
		for (unsigned int j = 1; j < b->nr_blocks; j++)
			errors += b[j].use != PCPU_TAIL;
		sum->totals.nr_areas++;
		sum->totals.slots += b->nr_blocks * PCPU_BLOCK_SLOTS;
		break;
	case PCPU_TAIL:
		errors += b[-1].use != PCPU_LARGE && b[-1].use != PCPU_TAIL;
		break;
	}
	return errors;
}

/* Are those in the list, as many as there should be, of the class?  An empty
 * one is the last. */
static unsigned int check_partial(unsigned int class, bool owned,
				  unsigned int nr)
{
	const struct pcpu_class *k = &pcpu_classes[class];
	const struct list_head *partial = &k->partial[owned];
	const struct pcpu_block *b;
	unsigned int errors = 0;

	errors += list_count_nodes(partial) != nr;
	list_for_each_entry(b, partial, list) {
		errors += b->use != (owned ? PCPU_OWNED : PCPU_SMALL);
		errors += b->class != class;
		errors += b->nr_free == k->nr &&
			  !list_is_last(&b->list, partial);
	}
	return errors;
}

static unsigned int check_bins(void)
{
	const struct pcpu_chunk *c;
	unsigned int errors = 0, nr = 0;

	for (unsigned int bin = 0; bin <= pcpu_unit_blocks; bin++) {
		list_for_each_entry(c, &pcpu_bins[bin], list) {
			errors += hweight64(c->free) != bin;
			errors += pcpu_chunks[c->index] != c;
			nr++;
		}
	}
	return errors + (nr != pcpu_totals.nr_chunks);
}

static unsigned int check_ready(void)
{
	const struct pcpu_block *b;
	unsigned int errors = 0;

	list_for_each_entry(b, &pcpu_ready, list) {
		u64 ready = b->chunk->free & b->chunk->populated;

		errors += !(ready >> pcpu_block_index(b) & 1);
	}
	return errors + (list_count_nodes(&pcpu_ready) != pcpu_totals.nr_ready);
}

unsigned long pcpu_check(void)
{
	static struct count sum; /* under pcpu_lock, as all this */
	unsigned long errors = 0;

	assert_spin_locked(&pcpu_lock);
	sum = (struct count){0};
	for (unsigned int i = 0; i < PCPU_NR_CHUNKS; i++) {
		if (!pcpu_chunks[i])
			continue;
		sum.totals.nr_chunks++;
		for (unsigned int b = 0; b < pcpu_unit_blocks; b++)
			errors += check_block(&pcpu_chunks[i]->blocks[b], &sum);
	}
	for (unsigned int i = 0; i < PCPU_NR_CLASSES; i++) {
		errors += check_partial(i, false, sum.nr_partial[i][0]);
		errors += check_partial(i, true, sum.nr_partial[i][1]);
	}
	errors += sum.totals.nr_chunks != pcpu_totals.nr_chunks;
	errors += sum.totals.nr_ready != pcpu_totals.nr_ready;
	errors += sum.totals.nr_populated != pcpu_totals.nr_populated;
	errors += sum.totals.nr_areas != pcpu_totals.nr_areas;
	errors += sum.totals.slots != pcpu_totals.slots;
	return errors + check_bins() + check_ready();
}
