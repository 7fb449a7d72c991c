/* SPDX-License-Identifier: MIT */
/*
 * chunk.c - chunks of blocks, and the pages behind them.
 *
 * Chunks.   The CPUs' static areas are the first chunk: a unit for each CPU, at
 *           fixed distances.  Further chunks have units at the same distances,
 *           further up, so a CPU's GS base leads from any per-CPU address to
 *           its copy, and this_cpu_*() does not care where the address is from.
 * Ready.    A chunk is only addresses until pages are put behind a block, on all
 *           CPUs, each from its CPU's own node: the block is then ready, and
 *           in a list of such.  Only ready blocks are taken into use.
 * Bins.     A chunk is in the bin of its number of free blocks.  What needs new
 *           pages goes to the fullest chunk with room, and a chunk in the last
 *           bin is empty.
 * Order.    populate_mutex, then pcpu_lock.  Who has the mutex alone puts pages
 *           behind free blocks or takes them away, and may do so without the
 *           lock, since nobody uses a block that is not ready.
 *
 * Context: as declared.
 */
#include <errno.h>
#include <arch/cpumask.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include "chunk_impl.h"

DEFINE_SPINLOCK(pcpu_lock);
DEFINE_MUTEX(pcpu_populate_mutex);

unsigned int pcpu_unit_blocks;
static unsigned int chunk_shift; /* from one chunk's addresses to the next */

struct pcpu_chunk *pcpu_chunks[PCPU_NR_CHUNKS];
struct list_head pcpu_bins[PCPU_NR_BLOCKS + 1];
LIST_HEAD(pcpu_ready);
struct pcpu_totals pcpu_totals;

/* --- the book of blocks ------------------------------------------------------ */

struct pcpu_block *pcpu_find_block(const void __percpu *ptr, unsigned int *slot)
{
	unsigned long off = (unsigned long)ptr - (unsigned long)__percpu_start;
	unsigned long index = off >> chunk_shift;
	unsigned long b = (off & ((1ul << chunk_shift) - 1)) / PAGE_SIZE;

	*slot = off % PAGE_SIZE / PCPU_SLOT;
	if (unlikely(index >= PCPU_NR_CHUNKS || !pcpu_chunks[index] ||
		     b >= pcpu_unit_blocks || off % PCPU_SLOT))
		return NULL;
	return &pcpu_chunks[index]->blocks[b];
}

/* @nr bits from @from on. */
static u64 block_mask(unsigned int from, unsigned int nr)
{
	return ~0ull >> (64 - nr) << from;
}

/* Where @nr ones in a row begin in @mask, or 64. */
static unsigned int find_ones(u64 mask, unsigned int nr)
{
	while (--nr)
		mask &= mask >> 1;
	return mask ? __ffs(mask) : 64;
}

static void rebin(struct pcpu_chunk *c)
{
	list_move(&c->list, &pcpu_bins[hweight64(c->free)]);
}

static void make_ready(struct pcpu_block *b)
{
	list_add(&b->list, &pcpu_ready);
	pcpu_totals.nr_ready++;
}

static void make_unready(struct pcpu_block *b)
{
	list_del(&b->list);
	pcpu_totals.nr_ready--;
}

/* The first of @nr ready blocks in a row. */
static struct pcpu_block *find_ready(unsigned int nr)
{
	struct pcpu_block *b;

	list_for_each_entry(b, &pcpu_ready, list) {
		struct pcpu_chunk *c = b->chunk;
		unsigned int i = find_ones(c->free & c->populated, nr);

		if (i < 64)
			return &c->blocks[i];
	}
	return NULL;
}

struct pcpu_block *pcpu_take_blocks(unsigned int nr, bool spare)
{
	struct pcpu_block *b;

	assert_spin_locked(&pcpu_lock);
	if (pcpu_totals.nr_ready < nr + (spare ? PCPU_RESERVE : 0))
		return NULL;
	b = find_ready(nr);
	if (!b)
		return NULL;
	for (unsigned int i = 0; i < nr; i++)
		make_unready(&b[i]);
	b->chunk->free &= ~block_mask(pcpu_block_index(b), nr);
	rebin(b->chunk);
	if (pcpu_totals.nr_ready < PCPU_RESERVE)
		pcpu_want_balance();
	return b;
}

void pcpu_give_blocks(struct pcpu_block *b, unsigned int nr)
{
	struct list_head *empty = &pcpu_bins[pcpu_unit_blocks];

	assert_spin_locked(&pcpu_lock);
	for (unsigned int i = 0; i < nr; i++) {
		if (unlikely(b[i].owners))
			pcpu_bury_owners(&b[i]);
		b[i].use = PCPU_FREE;
		make_ready(&b[i]);
	}
	b->chunk->free |= block_mask(pcpu_block_index(b), nr);
	rebin(b->chunk);
	if (pcpu_totals.nr_ready > 2 * PCPU_RESERVE ||
	    (!list_empty(empty) && !list_is_singular(empty)))
		pcpu_want_balance();
}

/* --- pages ------------------------------------------------------------------- */

static unsigned long copy_address(struct pcpu_block *b, unsigned int cpu)
{
	return b->address + __per_cpu_offset[cpu];
}

/* Pages on their way out: no longer mapped, but a TLB may remember. */
struct unmapped {
	struct list_head pages;
	unsigned long from, to;
};

#define UNMAPPED(name)                                                         \
	struct unmapped name = {.pages = LIST_HEAD_INIT((name).pages),         \
				.from = ~0ul}

/* Take the pages of the first @nr_cpus CPUs away, or of all. */
static void unmap_block(struct pcpu_block *b, unsigned int nr_cpus,
			struct unmapped *out)
{
	struct paging_entry entry;

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		unsigned long va = copy_address(b, cpu);

		BUG_ON(!paging_lookup(va, &entry));
		list_add(&phys_to_page(entry.pa)->lru, &out->pages);
		paging_unmap(va, PAGE_SIZE);
		out->from = min(out->from, va);
		out->to = max(out->to, va + PAGE_SIZE);
	}
}

/* One flush for all of them, which every CPU hears. */
static void free_unmapped(struct unmapped *out)
{
	struct page *page, *next;

	if (list_empty(&out->pages))
		return;
	tlb_flush_range(out->from, out->to);
	list_for_each_entry_safe(page, next, &out->pages, lru) {
		page_set_type(page, PAGE_USED);
		__free_page(page);
	}
}

static int map_block(struct pcpu_block *b)
{
	UNMAPPED(undone);
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page =
			alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL, 0);

		if (!page)
			goto no_memory;
		if (paging_map(copy_address(b, cpu), page_to_phys(page),
			       PAGE_SIZE, PAGE_KERNEL | PAGE_SMALL)) {
			__free_page(page);
			goto no_memory;
		}
		page_set_type(page, PAGE_PERCPU);
		page->private = copy_address(b, cpu);
	}
	return 0;

no_memory:
	unmap_block(b, cpu, &undone);
	free_unmapped(&undone);
	return -ENOMEM;
}

static void set_populated(struct pcpu_block *b)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	b->chunk->populated |= block_mask(pcpu_block_index(b), 1);
	pcpu_totals.nr_populated++;
	make_ready(b);
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

static void clear_populated_locked(struct pcpu_block *b)
{
	assert_spin_locked(&pcpu_lock);
	make_unready(b);
	b->chunk->populated &= ~block_mask(pcpu_block_index(b), 1);
	pcpu_totals.nr_populated--;
}

void pcpu_depopulate(unsigned int most)
{
	struct pcpu_block *b;
	unsigned long flags;
	LIST_HEAD(blocks);
	UNMAPPED(out);

	assert_held(&pcpu_populate_mutex);
	spin_lock_irqsave(&pcpu_lock, flags);
	while (pcpu_totals.nr_ready > most) {
		b = list_last_entry(&pcpu_ready, struct pcpu_block, list);
		clear_populated_locked(b);
		list_add(&b->list, &blocks);
	}
	spin_unlock_irqrestore(&pcpu_lock, flags);
	list_for_each_entry(b, &blocks, list)
		unmap_block(b, nr_cpu_ids, &out);
	free_unmapped(&out);
}

/* --- chunks ------------------------------------------------------------------ */

static size_t chunk_bytes(void)
{
	return sizeof(struct pcpu_chunk) +
	       pcpu_unit_blocks * sizeof(struct pcpu_block);
}

static struct pcpu_chunk *chunk_alloc(unsigned int index)
{
	struct pcpu_chunk *c =
		alloc_pages_exact(chunk_bytes(), GFP_KERNEL | __GFP_ZERO);

	if (!c)
		return NULL;
	c->index = index;
	c->free = block_mask(0, pcpu_unit_blocks);
	for (unsigned int i = 0; i < pcpu_unit_blocks; i++) {
		c->blocks[i].chunk = c;
		c->blocks[i].address = (unsigned long)__percpu_start +
				       ((unsigned long)index << chunk_shift) +
				       i * PAGE_SIZE;
	}
	return c;
}

static void chunk_add(struct pcpu_chunk *c)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	pcpu_chunks[c->index] = c;
	pcpu_totals.nr_chunks++;
	list_add(&c->list, &pcpu_bins[hweight64(c->free)]);
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

/* A chunk of addresses, without a page behind it. */
static struct pcpu_chunk *chunk_create(void)
{
	struct pcpu_chunk *c;
	unsigned int i;

	assert_held(&pcpu_populate_mutex);
	for (i = 0; i < PCPU_NR_CHUNKS && pcpu_chunks[i]; i++)
		;
	if (i == PCPU_NR_CHUNKS || (i + 1ul) << chunk_shift > PERCPU_SIZE)
		return NULL;
	c = chunk_alloc(i);
	if (c)
		chunk_add(c);
	return c;
}

bool pcpu_drop_empty_chunk(bool keep_one)
{
	struct list_head *empty = &pcpu_bins[pcpu_unit_blocks];
	struct pcpu_chunk *c = NULL;
	unsigned long flags;
	u64 populated = 0;
	UNMAPPED(out);

	assert_held(&pcpu_populate_mutex);
	spin_lock_irqsave(&pcpu_lock, flags);
	if (!list_empty(empty) && !(keep_one && list_is_singular(empty))) {
		c = list_last_entry(empty, struct pcpu_chunk, list);
		list_del(&c->list);
		pcpu_chunks[c->index] = NULL;
		pcpu_totals.nr_chunks--;
		populated = c->populated;
		for (unsigned int i = 0; i < pcpu_unit_blocks; i++)
			if (populated >> i & 1)
				clear_populated_locked(&c->blocks[i]);
	}
	spin_unlock_irqrestore(&pcpu_lock, flags);
	if (!c)
		return false;

	/* Nobody finds it any more: it is ours alone. */
	for (unsigned int i = 0; i < pcpu_unit_blocks; i++)
		if (populated >> i & 1)
			unmap_block(&c->blocks[i], nr_cpu_ids, &out);
	free_unmapped(&out);
	free_pages_exact(c, chunk_bytes());
	return true;
}

/* Free blocks without pages, @nr in a row, in the fullest chunk that has them.
 * They stay so: only who holds the mutex can change that. */
static struct pcpu_block *find_unpopulated(unsigned int nr)
{
	struct pcpu_block *b = NULL;
	struct pcpu_chunk *c;
	unsigned long flags;

	assert_held(&pcpu_populate_mutex);
	spin_lock_irqsave(&pcpu_lock, flags);
	for (unsigned int bin = nr; bin <= pcpu_unit_blocks && !b; bin++) {
		list_for_each_entry(c, &pcpu_bins[bin], list) {
			unsigned int i = find_ones(c->free & ~c->populated, nr);

			if (i < 64) {
				b = &c->blocks[i];
				break;
			}
		}
	}
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return b;
}

int pcpu_grow(unsigned int nr)
{
	struct pcpu_block *b = find_unpopulated(nr);
	struct pcpu_chunk *c;
	int err = 0;

	if (!b) {
		c = chunk_create();
		if (!c)
			return -ENOMEM;
		b = c->blocks;
	}
	for (; nr && !err; nr--, b++) {
		err = map_block(b);
		if (!err)
			set_populated(b);
	}
	return err;
}

/* The first chunk: static variables take its start, for ever. */
static void first_chunk_init(void)
{
	unsigned int taken = percpu_populated_size() / PAGE_SIZE;
	struct pcpu_chunk *c;

	if (taken >= pcpu_unit_blocks)
		panic("percpu: %u pages of static variables", taken);
	c = chunk_alloc(0);
	if (!c)
		panic("percpu: no memory for the first chunk");
	c->populated = block_mask(0, taken);
	c->free &= ~c->populated;
	for (unsigned int i = 0; i < taken; i++)
		c->blocks[i].use = PCPU_STATIC;
	pcpu_totals.nr_populated = taken;
	chunk_add(c);
}

void pcpu_chunks_init(void)
{
	unsigned long unit = percpu_unit_size();

	/* The last page of a unit is never mapped: it guards the next. */
	pcpu_unit_blocks =
		min_t(unsigned long, unit / PAGE_SIZE - 1, PCPU_NR_BLOCKS);
	chunk_shift = ilog2(unit * roundup_pow_of_two(nr_cpu_ids));
	for (unsigned int i = 0; i < ARRAY_SIZE(pcpu_bins); i++)
		INIT_LIST_HEAD(&pcpu_bins[i]);
	first_chunk_init();
}
