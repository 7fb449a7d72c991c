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

/* Where the run from @slot ends at the latest: as run_end(), but what is
 * behind a block that is all free is taken from that block's bound. */
static unsigned int run_end_bound(const struct pcpu_chunk *c, unsigned int slot)
{
	unsigned int next = block_of(slot) + 1;
	unsigned int end = find_next_bit(c->used, block_start(next), slot);

	if (end < block_start(next) || next == c->nr_blocks)
		return end;
	if (c->blocks[next].free == PCPU_BLOCK_SLOTS)
		return end + c->blocks[next].bound;
	return find_next_bit(c->used, block_start(next + 1), end);
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

static bool is_free(const struct pcpu_chunk *c, unsigned int start,
		    unsigned int n)
{
	return start + n <= c->nr_slots &&
	       find_next_bit(c->used, start + n, start) >= start + n;
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

/* Count @n slots from @start on as taken, or as given back. */
static void adjust_free(struct pcpu_chunk *c, unsigned int start,
			unsigned int n, bool give)
{
	c->free += give ? n : -n;
	while (n) {
		unsigned int b = block_of(start);
		unsigned int here = min(n, block_start(b + 1) - start);
		struct pcpu_block *blk = &c->blocks[b];

		bool was_empty = blk->free == PCPU_BLOCK_SLOTS;

		blk->free += give ? here : -here;
		if (blk->populated)
			c->nr_ready +=
				(blk->free == PCPU_BLOCK_SLOTS) - was_empty;
		start += here;
		n -= here;
	}
}

static void take(struct pcpu_chunk *c, unsigned int start, unsigned int n)
{
	bitmap_set(c->used, start, n);
	__set_bit(start, c->bounds);
	__set_bit(start + n, c->bounds);
	adjust_free(c, start, n, false);
	c->nr_areas++;
	/* What is left of the run begins behind us. */
	if (block_of(start + n) == block_of(start))
		c->blocks[block_of(start)].where = start + n;
}

unsigned int pcpu_map_take(struct pcpu_chunk *c, unsigned int n,
			   unsigned int align, bool populated)
{
	unsigned int at, longest = 0;

	for (unsigned int b = 0; b < c->nr_blocks; b++) {
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
	end = find_next_bit(c->bounds, c->nr_slots + 1, start + 1);
	n = end - start;
	bitmap_clear(c->used, start, n);
	adjust_free(c, start, n, true);
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
