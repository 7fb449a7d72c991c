/* SPDX-License-Identifier: MIT */
/*
 * map.c - find, take and give back runs of slots in a chunk.
 *
 * Problem.   A map of thousands of bits must not be searched bit by bit for
 *            each allocation, nor searched again to keep hints exact.
 * Idea.      Each block knows an upper bound of the free runs that begin in it.
 *            A search skips blocks whose bound is too small, and where it finds
 *            nothing it lowers the bound to what it learned.  Giving back
 *            raises it to the merged run's length.  So a bound may be too
 *            high, which costs one search, but is never too low; nothing is
 *            recomputed on the way.
 * where.     A block also remembers where its last long run began, and looks
 *            there first: with one area coming and going, there is no search.
 * Runs.      A run may reach into following blocks.  It counts from its first
 *            slot in a block, so giving back may lengthen runs of the blocks
 *            before, as far as those are free up to their end.
 * Rejected.  Exact hints for each block (Linux): each allocation rescans one.
 *            Boundary tags in the memory itself: it belongs to the CPUs.
 *
 * Context: any; the caller holds pcpu_lock.
 */
#include <kernel/core/panic.h>
#include <lib/math.h>
#include "chunk_impl.h"

static unsigned int block_of(unsigned int slot)
{
	return slot / PCPU_BLOCK_SLOTS;
}

static unsigned int block_start(unsigned int b)
{
	return b * PCPU_BLOCK_SLOTS;
}

/* --- runs within a word, which most areas are, need no call ------------------ */

static __always_inline bool in_one_word(unsigned int start, unsigned int n)
{
	return start % 64 + n <= 64;
}

static __always_inline unsigned long word_mask(unsigned int start,
					       unsigned int n)
{
	return ~0ul >> (64 - n) << start % 64;
}

static __always_inline void mark_used(struct pcpu_chunk *c, unsigned int start,
				      unsigned int n)
{
	if (likely(in_one_word(start, n)))
		c->used[start / 64] |= word_mask(start, n);
	else
		bitmap_set(c->used, start, n);
}

static __always_inline void mark_free(struct pcpu_chunk *c, unsigned int start,
				      unsigned int n)
{
	if (likely(in_one_word(start, n)))
		c->used[start / 64] &= ~word_mask(start, n);
	else
		bitmap_clear(c->used, start, n);
}

/* The first bit set in @map from @from on, or @limit. */
static __always_inline unsigned int
next_set(const unsigned long *map, unsigned int limit, unsigned int from)
{
	unsigned long word = map[from / 64] >> from % 64;

	if (likely(word))
		return min(from + __builtin_ctzl(word), limit);
	return find_next_bit(map, limit, ALIGN(from + 1, 64));
}

static __always_inline bool is_free(const struct pcpu_chunk *c,
				    unsigned int start, unsigned int n)
{
	if (unlikely(start + n > c->nr_slots))
		return false;
	if (likely(in_one_word(start, n)))
		return !(c->used[start / 64] & word_mask(start, n));
	return find_next_bit(c->used, start + n, start) >= start + n;
}

/* --- runs within a chunk ----------------------------------------------------- */

/* The first used slot from @slot on, skipping blocks that are all free. */
static unsigned int run_end(const struct pcpu_chunk *c, unsigned int slot)
{
	unsigned int b = block_of(slot), end;

	end = find_next_bit(c->used, block_start(b + 1), slot);
	while (end == block_start(b + 1) && ++b < c->nr_blocks) {
		if (c->blocks[b].free == PCPU_BLOCK_SLOTS)
			end = block_start(b + 1);
		else
			end = find_next_bit(c->used, block_start(b + 1), end);
	}
	return end;
}

/*
 * Where the run that @slot is in ends at the latest.  Exact when it ends in this
 * word or the next; a longer one has no more slots than are free in its block
 * and can run into.
 */
static unsigned int run_end_bound(const struct pcpu_chunk *c, unsigned int slot)
{
	unsigned int b = block_of(slot), limit = block_start(b + 1);
	unsigned int near = min(ALIGN(slot + 1, 64) + 64, limit);
	unsigned int end = next_set(c->used, near, slot);

	if (end < near)
		return end;
	if (near < limit)
		end = min(slot + c->blocks[b].free, limit);
	if (end == limit && b + 1 < c->nr_blocks && !test_bit(limit, c->used))
		end += c->blocks[b + 1].bound;
	return end;
}

/* How many slots right before @slot are free, not looking before @first. */
static unsigned int free_before(const struct pcpu_chunk *c, unsigned int slot,
				unsigned int first)
{
	unsigned int i = slot;

	while (i > first) {
		unsigned int bit = (i - 1) % 64;
		unsigned long used = c->used[(i - 1) / 64] << (63 - bit);

		if (used) {
			i -= __builtin_clzl(used);
			break;
		}
		i -= bit + 1;
	}
	return slot - max(i, first);
}

static bool all_populated(const struct pcpu_chunk *c, unsigned int start,
			  unsigned int n)
{
	for (unsigned int b = block_of(start); b <= block_of(start + n - 1);
	     b++)
		if (!c->blocks[b].populated)
			return false;
	return true;
}

/* A run in block @b for @n slots; lowers the bound when there is none. */
static unsigned int search_block(struct pcpu_chunk *c, unsigned int b,
				 unsigned int n, unsigned int align,
				 bool populated)
{
	struct pcpu_block *blk = &c->blocks[b];
	unsigned int end = block_start(b + 1), longest = 0;
	unsigned int at = ALIGN(blk->where, align), next;

	if (at < end && is_free(c, at, n) &&
	    (!populated || all_populated(c, at, n)))
		return at;

	for (at = block_start(b);; at = next) {
		at = find_next_zero_bit(c->used, end, at);
		if (at >= end)
			break;
		next = run_end(c, at);
		if (next - at > longest) {
			longest = next - at;
			blk->where = at;
		}
		at = ALIGN(at, align);
		if (at < end && at + n <= next &&
		    (!populated || all_populated(c, at, n)))
			return at;
	}
	/* All runs were looked at: this is exact. */
	blk->bound = longest;
	return PCPU_NOWHERE;
}

static __always_inline void adjust_block(struct pcpu_chunk *c,
					 struct pcpu_block *blk, int amount)
{
	if (blk->populated) {
		c->nr_ready -= blk->free == PCPU_BLOCK_SLOTS;
		c->nr_ready += blk->free + amount == PCPU_BLOCK_SLOTS;
	}
	blk->free += amount;
}

/* Count @n slots from @start on as taken (@sign -1), or as given back (1). */
static __always_inline void
adjust_free(struct pcpu_chunk *c, unsigned int start, unsigned int n, int sign)
{
	unsigned int end = start + n, next;

	c->free += sign * (int)n;
	for (; unlikely(block_of(start) != block_of(end - 1)); start = next) {
		next = block_start(block_of(start) + 1);
		adjust_block(c, &c->blocks[block_of(start)],
			     sign * (int)(next - start));
	}
	adjust_block(c, &c->blocks[block_of(start)], sign * (int)(end - start));
}

static void take(struct pcpu_chunk *c, unsigned int start, unsigned int n)
{
	mark_used(c, start, n);
	__set_bit(start, c->bounds);
	__set_bit(start + n, c->bounds);
	adjust_free(c, start, n, -1);
	c->nr_areas++;
	/* What is left of the run begins behind us. */
	if (block_of(start + n) == block_of(start))
		c->blocks[block_of(start)].where = start + n;
}

unsigned int pcpu_map_take(struct pcpu_chunk *c, unsigned int n,
			   unsigned int align, bool populated)
{
	unsigned int at, longest = 0;

	while (c->first < c->nr_blocks && !c->blocks[c->first].free)
		c->first++;
	for (unsigned int b = c->first; b < c->nr_blocks; b++) {
		if (c->blocks[b].bound < n) {
			longest = max(longest, c->blocks[b].bound);
			continue;
		}
		at = search_block(c, b, n, align, populated);
		if (at != PCPU_NOWHERE) {
			take(c, at, n);
			return at;
		}
		longest = max(longest, c->blocks[b].bound);
	}
	c->bound = longest; /* every block has been looked at */
	return PCPU_NOWHERE;
}

static void raise_bound(struct pcpu_chunk *c, struct pcpu_block *blk,
			unsigned int start, unsigned int end)
{
	c->bound = max(c->bound, end - start);
	if (end - start > blk->bound)
		blk->bound = end - start;
	/* Begin low, and where we were just now. */
	if (end - start >= blk->bound ||
	    (blk->where > start && blk->where < end))
		blk->where = start;
}

/*
 * Slots [from, to) became free, and lengthened runs: those that begin in their
 * blocks, and in blocks before them that are free up to here.  What begins
 * behind them is as it was.
 */
static void raise_bounds(struct pcpu_chunk *c, unsigned int from,
			 unsigned int to)
{
	unsigned int end = run_end_bound(c, to - 1), b = block_of(from);
	unsigned int start = from - free_before(c, from, block_start(b));

	for (; b && start == block_start(b); b--) {
		start -= free_before(c, start, block_start(b - 1));
		if (start == block_start(b))
			break;
	}
	for (b = block_of(start); b <= block_of(to - 1); b++)
		raise_bound(c, &c->blocks[b], max(start, block_start(b)), end);
}

unsigned int pcpu_map_give(struct pcpu_chunk *c, unsigned int start)
{
	unsigned int end, n;

	if (start >= c->nr_slots || !test_bit(start, c->bounds) ||
	    !test_bit(start, c->used))
		return 0;
	end = next_set(c->bounds, c->nr_slots + 1, start + 1);
	n = end - start;
	mark_free(c, start, n);
	c->first = min(c->first, block_of(start));
	adjust_free(c, start, n, 1);
	c->nr_areas--;

	/* A bound stays where a used area begins or ends. */
	if (!start || !test_bit(start - 1, c->used))
		__clear_bit(start, c->bounds);
	if (end < c->nr_slots && !test_bit(end, c->used))
		__clear_bit(end, c->bounds);

	raise_bounds(c, start, end);
	return n;
}

void pcpu_map_reserve(struct pcpu_chunk *c, unsigned int start, unsigned int n)
{
	if (!n)
		return;
	BUG_ON(!is_free(c, start, n));
	take(c, start, n);
	c->nr_areas--;
	c->nr_reserved++;
}

void pcpu_map_init(struct pcpu_chunk *c)
{
	c->free = c->nr_slots;
	c->bound = c->nr_slots;
	for (unsigned int b = 0; b < c->nr_blocks; b++)
		c->blocks[b] = (struct pcpu_block){
			.free = PCPU_BLOCK_SLOTS,
			.bound = c->nr_slots - block_start(b),
			.where = block_start(b),
		};
}

unsigned int pcpu_map_validate(const struct pcpu_chunk *c)
{
	unsigned int errors = 0, free = 0, areas = 0;

	for (unsigned int b = 0; b < c->nr_blocks; b++) {
		unsigned int end = block_start(b + 1), here = 0, longest = 0;

		for (unsigned int i = block_start(b); i < end; i++) {
			bool used = test_bit(i, c->used);
			bool before = i && test_bit(i - 1, c->used);

			here += !used;
			if (!used)
				longest = max(longest, run_end(c, i) - i);
			/* Edges between used and free are bounds. */
			errors += i && used != before &&
				  !test_bit(i, c->bounds);
			errors += !used && !before && i &&
				  test_bit(i, c->bounds);
			areas += used && test_bit(i, c->bounds);
		}
		errors += here != c->blocks[b].free;
		errors += longest > c->blocks[b].bound;
		errors += longest > c->bound;
		free += here;
	}
	errors += free != c->free;
	errors += areas != c->nr_areas + c->nr_reserved;
	return errors;
}
