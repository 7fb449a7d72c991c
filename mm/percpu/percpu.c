/* SPDX-License-Identifier: MIT */
/*
 * percpu.c - hand out memory that every CPU has its own copy of.
 *
 * Idea.       The CPUs' static areas are the first chunk: a unit for each CPU, at
 *             fixed distances.  Dynamic memory is what they leave free, and in
 *             further chunks whose units are at the same distances, further
 *             up.  So a CPU's GS base leads from any per-CPU address to its
 *             copy, and this_cpu_*() does not care where the address is from.
 * Chunks.     A chunk is only addresses and a map (map.c) until it is used:
 *             pages are put behind a block, on all CPUs, when something in it
 *             is first handed out, each from its CPU's own node.
 * Bins.       Chunks wait in bins by the logarithm of the longest run they
 *             may have, fullest bin first, so that full chunks are not searched
 *             and emptier ones may become empty.
 * Atomic.     A caller that may not sleep is served from populated blocks only.
 *             A worker keeps ATOMIC_RESERVE free populated blocks in stock,
 *             gives back those beyond twice that, and drops empty chunks but
 *             one.
 * Order.      populate_mutex, then pcpu_lock.  Slots are taken first and populated
 *             after, so a populated block cannot be asked for twice; if
 *             there is no memory, the slots are given back.
 *
 * Context: pcpu_lock is taken with interrupts off; any but NMI.
 */
#define pr_fmt(fmt) "percpu: " fmt
#include <errno.h>
#include <arch/cpumask.h>
#include <arch/paging.h>
#include <arch/smp.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <kernel/core/percpu.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/wait.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include <mm/percpu/percpu.h>
#include <string.h>
#include "chunk_impl.h"

#define MAX_CHUNKS     8192u
#define ATOMIC_RESERVE 4 /* blocks */

static DEFINE_SPINLOCK(pcpu_lock);
static DEFINE_MUTEX(populate_mutex);
static DECLARE_WAIT_QUEUE_HEAD(balance_wait);
static bool balance_wanted;

/* Under pcpu_lock. */
static struct pcpu_chunk *chunks[MAX_CHUNKS];
static struct list_head bins[PCPU_NR_BINS];
static u32 filled_bins; /* a bit for each bin that may have a chunk */
static unsigned int nr_chunks;
static int nr_ready; /* blocks populated and all free, in all chunks */
static unsigned long nr_populated; /* blocks */
static unsigned long nr_areas;
static size_t used_bytes;

/* Fixed by percpu_init(). */
static unsigned long chunk_shift; /* from one chunk's addresses to the next */
static unsigned int unit_slots, unit_blocks;

/* --- addresses --------------------------------------------------------------- */

/* What stands in for a per-CPU address is that of the image's own copy. */
static void __percpu *slot_to_ptr(struct pcpu_chunk *c, unsigned int slot)
{
	return (void *)((unsigned long)__percpu_start +
			((unsigned long)c->index << chunk_shift) +
			slot * PCPU_SLOT);
}

static void *cpu_address(struct pcpu_chunk *c, unsigned int slot,
			 unsigned int cpu)
{
	return per_cpu_ptr(slot_to_ptr(c, slot), cpu);
}

static struct pcpu_chunk *ptr_to_chunk(const void __percpu *ptr,
				       unsigned int *slot)
{
	unsigned long off = (unsigned long)ptr - (unsigned long)__percpu_start;
	unsigned long index = off >> chunk_shift;

	off &= (1ul << chunk_shift) - 1;
	*slot = off >> PCPU_SLOT_SHIFT;
	if (index >= MAX_CHUNKS || off & (PCPU_SLOT - 1))
		return NULL;
	return chunks[index];
}

/* --- bins ------------------------------------------------------------------ */

/* Runs of up to 2^bin - 1 slots are in bin; every area of n slots fits into
 * some run of a bin from bin_for(n) on. */
static unsigned int bin_for(unsigned int slots)
{
	return slots ? min_t(unsigned int, ilog2(slots) + 1, PCPU_NR_BINS - 1)
		     : 0;
}

static void rebin(struct pcpu_chunk *c)
{
	unsigned int bin = bin_for(c->bound);

	assert_spin_locked(&pcpu_lock);
	if (bin == c->bin)
		return;
	c->bin = bin;
	list_move(&c->list, &bins[bin]);
	filled_bins |= 1u << bin;
}

/* --- chunks ---------------------------------------------------------------- */

static size_t chunk_bytes(void)
{
	return ALIGN(sizeof(struct pcpu_chunk) +
			     unit_blocks * sizeof(struct pcpu_block),
		     8) +
	       2 * BITS_TO_LONGS(unit_slots + 1) * sizeof(long);
}

static void chunk_init(struct pcpu_chunk *c, unsigned int index)
{
	c->index = index;
	c->nr_slots = unit_slots;
	c->nr_blocks = unit_blocks;
	c->used = (void *)c + chunk_bytes() -
		  2 * BITS_TO_LONGS(unit_slots + 1) * sizeof(long);
	c->bounds = c->used + BITS_TO_LONGS(unit_slots + 1);
	pcpu_map_init(c);
	c->bin = bin_for(c->bound);
}

static void chunk_add_locked(struct pcpu_chunk *c)
{
	assert_spin_locked(&pcpu_lock);
	chunks[c->index] = c;
	nr_chunks++;
	list_add_tail(&c->list, &bins[c->bin]);
	filled_bins |= 1u << c->bin;
}

/* A chunk of addresses, without a page behind it. */
static int chunk_create(void)
{
	struct pcpu_chunk *c;
	unsigned long flags;
	unsigned int i;

	assert_held(&populate_mutex);
	for (i = 0; i < MAX_CHUNKS && chunks[i]; i++)
		;
	if (i == MAX_CHUNKS || ((i + 1ul) << chunk_shift) > PERCPU_SIZE)
		return -ENOMEM;
	c = alloc_pages_exact(chunk_bytes(), GFP_KERNEL | __GFP_ZERO);
	if (!c)
		return -ENOMEM;
	chunk_init(c, i);
	spin_lock_irqsave(&pcpu_lock, flags);
	chunk_add_locked(c);
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return 0;
}

/* --- pages ----------------------------------------------------------------- */

static unsigned long block_address(struct pcpu_chunk *c, unsigned int b,
				   unsigned int cpu)
{
	return (unsigned long)cpu_address(c, b * PCPU_BLOCK_SLOTS, cpu);
}

/* Take the pages of the first @nr_cpus CPUs away again, or of all. */
static void unmap_block(struct pcpu_chunk *c, unsigned int b,
			unsigned int nr_cpus)
{
	struct paging_entry entry;
	struct page *pages[8];
	unsigned int cpu = 0, n;

	while (cpu < nr_cpus) {
		unsigned long from = block_address(c, b, cpu), to = from;

		for (n = 0; n < ARRAY_SIZE(pages) && cpu < nr_cpus; cpu++) {
			to = block_address(c, b, cpu);
			BUG_ON(!paging_lookup(to, &entry));
			pages[n++] = phys_to_page(entry.pa);
			paging_unmap(to, PAGE_SIZE);
		}
		tlb_flush_range(from, to + PAGE_SIZE);
		while (n) {
			page_set_type(pages[--n], PAGE_USED);
			__free_page(pages[n]);
		}
	}
}

static int map_block(struct pcpu_chunk *c, unsigned int b)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page =
			alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL, 0);

		if (!page)
			goto no_memory;
		if (paging_map(block_address(c, b, cpu), page_to_phys(page),
			       PAGE_SIZE, PAGE_KERNEL | PAGE_SMALL)) {
			__free_page(page);
			goto no_memory;
		}
		page_set_type(page, PAGE_PERCPU);
		page->private = block_address(c, b, cpu);
	}
	return 0;

no_memory:
	unmap_block(c, b, cpu);
	return -ENOMEM;
}

static void set_populated(struct pcpu_chunk *c, unsigned int b, bool populated)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	c->blocks[b].populated = populated;
	nr_populated += populated ? 1 : -1;
	if (c->blocks[b].free == PCPU_BLOCK_SLOTS) {
		c->nr_ready += populated ? 1 : -1;
		nr_ready += populated ? 1 : -1;
	}
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

/* Put pages behind [slot, slot + n), which the caller has taken. */
static int populate(struct pcpu_chunk *c, unsigned int slot, unsigned int n)
{
	unsigned int b = slot / PCPU_BLOCK_SLOTS;
	unsigned int last = (slot + n - 1) / PCPU_BLOCK_SLOTS;
	int err = 0;

	mutex_lock(&populate_mutex);
	for (; b <= last && !err; b++) {
		if (c->blocks[b].populated)
			continue;
		err = map_block(c, b);
		if (!err)
			set_populated(c, b, true);
	}
	mutex_unlock(&populate_mutex);
	return err;
}

/* --- allocating ------------------------------------------------------------ */

/* Every change of a map is made by these two, which keep the sums. */
static unsigned int take_slots(struct pcpu_chunk *c, unsigned int n,
			       unsigned int align, bool populated)
{
	unsigned int bound = c->bound;
	int ready = c->nr_ready;
	unsigned int slot = pcpu_map_take(c, n, align, populated);

	if (slot != PCPU_NOWHERE) {
		nr_ready += c->nr_ready - ready;
		used_bytes += n * PCPU_SLOT;
		nr_areas++;
	}
	if (c->bound != bound)
		rebin(c);
	return slot;
}

static unsigned int give_slots(struct pcpu_chunk *c, unsigned int slot)
{
	unsigned int bound = c->bound;
	int ready = c->nr_ready;
	unsigned int n = pcpu_map_give(c, slot);

	nr_ready += c->nr_ready - ready;
	used_bytes -= n * PCPU_SLOT;
	nr_areas -= n != 0;
	if (c->bound != bound)
		rebin(c);
	return n;
}

/* From the fullest chunk that may have room. */
static struct pcpu_chunk *take_anywhere(unsigned int n, unsigned int align,
					bool populated, unsigned int *slot)
{
	unsigned int bin = bin_for(n), candidates;
	struct pcpu_chunk *c, *next;
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	for (; (candidates = filled_bins & ~0u << bin); bin++) {
		bin = __builtin_ctz(candidates);
		list_for_each_entry_safe(c, next, &bins[bin], list) {
			*slot = take_slots(c, n, align, populated);
			if (*slot != PCPU_NOWHERE)
				goto out;
		}
		if (list_empty(&bins[bin]))
			filled_bins &= ~(1u << bin);
	}
	c = NULL;
out:
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return c;
}

/* The same, making chunks until there is one with room. */
static struct pcpu_chunk *take_or_create(unsigned int n, unsigned int align,
					 unsigned int *slot)
{
	struct pcpu_chunk *c;
	int err = 0;

	while (!(c = take_anywhere(n, align, false, slot)) && !err) {
		mutex_lock(&populate_mutex);
		/* Somebody may have made one while we waited. */
		c = take_anywhere(n, align, false, slot);
		if (!c)
			err = chunk_create();
		mutex_unlock(&populate_mutex);
		if (c)
			break;
	}
	return c;
}

static bool is_populated(struct pcpu_chunk *c, unsigned int slot,
			 unsigned int n)
{
	for (unsigned int b = slot / PCPU_BLOCK_SLOTS;
	     b <= (slot + n - 1) / PCPU_BLOCK_SLOTS; b++)
		if (!READ_ONCE(c->blocks[b].populated))
			return false;
	return true;
}

static void give_back(struct pcpu_chunk *c, unsigned int slot)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	give_slots(c, slot);
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

static void want_balance(void)
{
	if (!READ_ONCE(balance_wanted)) {
		WRITE_ONCE(balance_wanted, true);
		wake_up(&balance_wait);
	}
}

/* At least what its size suggests, up to a cache line: an area then lies in as
 * few lines, and words of the map, as it can. */
static unsigned int slots_align(unsigned int n, size_t align)
{
	return max((unsigned int)(align / PCPU_SLOT), n & -n & 7 ?: 8u);
}

static void clear_slots(void *p, unsigned long n)
{
	asm volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	unsigned int n = DIV_ROUND_UP(size, PCPU_SLOT);
	unsigned int align_slots = slots_align(n, align);
	struct pcpu_chunk *c;
	unsigned int slot, cpu;

	if (WARN_ON(!size || size > PERCPU_MAX_SIZE || !is_power_of_2(align) ||
		    align > PAGE_SIZE))
		return NULL;
	if (should_fail(&fail_percpu))
		return NULL;

	if (gfpflags_allow_blocking(gfp))
		c = take_or_create(n, align_slots, &slot);
	else
		c = take_anywhere(n, align_slots, true, &slot);
	if (unlikely(!c))
		return NULL;
	if (unlikely(!is_populated(c, slot, n)) && populate(c, slot, n)) {
		give_back(c, slot);
		return NULL;
	}
	if (unlikely(READ_ONCE(nr_ready) < ATOMIC_RESERVE))
		want_balance();

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		clear_slots(cpu_address(c, slot, cpu), n);
	return slot_to_ptr(c, slot);
}

void free_percpu(const void __percpu *ptr)
{
	struct pcpu_chunk *c;
	unsigned int slot, n = 0;
	unsigned long flags;
	bool surplus = false;

	if (!ptr)
		return;
	spin_lock_irqsave(&pcpu_lock, flags);
	c = ptr_to_chunk(ptr, &slot);
	if (c)
		n = give_slots(c, slot);
	if (n)
		surplus = (!c->nr_areas && !c->permanent) ||
			  nr_ready > 2 * ATOMIC_RESERVE;
	spin_unlock_irqrestore(&pcpu_lock, flags);

	if (unlikely(!n) && report_note(REPORT_PERCPU))
		WARN(true, "free_percpu: nothing allocated at %p", ptr);
	if (unlikely(surplus))
		want_balance();
}

/* --- balance --------------------------------------------------------------- */

/* A free block to populate, or (give) a populated one to take pages from. */
static struct pcpu_chunk *find_block(bool populated, unsigned int *block)
{
	for (unsigned int i = 0; i < MAX_CHUNKS; i++) {
		struct pcpu_chunk *c = chunks[i];

		for (unsigned int b = 0; c && b < c->nr_blocks; b++)
			if (c->blocks[b].free == PCPU_BLOCK_SLOTS &&
			    c->blocks[b].populated == populated) {
				*block = b;
				return c;
			}
	}
	return NULL;
}

/* Take the pages of one all-free block away; nobody can be using them. */
static void depopulate_one(void)
{
	struct pcpu_chunk *c;
	unsigned int b = 0;
	unsigned long flags;

	assert_held(&populate_mutex);
	spin_lock_irqsave(&pcpu_lock, flags);
	c = find_block(true, &b);
	if (c) {
		c->blocks[b].populated = false;
		c->nr_ready--;
		nr_ready--;
		nr_populated--;
	}
	spin_unlock_irqrestore(&pcpu_lock, flags);
	if (c)
		unmap_block(c, b, nr_cpu_ids);
}

/* Drop chunks without areas, but one. */
static void drop_empty_chunks(unsigned int keep)
{
	for (unsigned int i = 0; i < MAX_CHUNKS; i++) {
		struct pcpu_chunk *c = NULL;
		unsigned long flags;

		spin_lock_irqsave(&pcpu_lock, flags);
		if (chunks[i] && !chunks[i]->nr_areas &&
		    !chunks[i]->permanent && !(keep && keep--)) {
			c = chunks[i];
			chunks[i] = NULL;
			list_del(&c->list);
			nr_chunks--;
			nr_ready -= c->nr_ready;
		}
		spin_unlock_irqrestore(&pcpu_lock, flags);
		if (!c)
			continue;
		/* Nobody finds it any more: it is ours alone. */
		for (unsigned int b = 0; b < c->nr_blocks; b++)
			if (c->blocks[b].populated) {
				unmap_block(c, b, nr_cpu_ids);
				nr_populated--;
			}
		free_pages_exact(c, chunk_bytes());
	}
}

static void fill_reserve(void)
{
	while (READ_ONCE(nr_ready) < ATOMIC_RESERVE) {
		struct pcpu_chunk *c;
		unsigned int b = 0;
		unsigned long flags;

		spin_lock_irqsave(&pcpu_lock, flags);
		c = find_block(false, &b);
		spin_unlock_irqrestore(&pcpu_lock, flags);
		if (!c && chunk_create())
			return;
		if (c) {
			if (map_block(c, b))
				return;
			set_populated(c, b, true);
		}
	}
}

static void balance(int reserve_max, unsigned int keep)
{
	mutex_lock(&populate_mutex);
	drop_empty_chunks(keep);
	while (READ_ONCE(nr_ready) > reserve_max)
		depopulate_one();
	mutex_unlock(&populate_mutex);
}

void percpu_drain(void)
{
	balance(ATOMIC_RESERVE, 0);
	mutex_lock(&populate_mutex);
	fill_reserve();
	mutex_unlock(&populate_mutex);
}

int percpu_balancer(void *unused)
{
	for (;;) {
		wait_event(balance_wait, READ_ONCE(balance_wanted));
		WRITE_ONCE(balance_wanted, false);
		balance(2 * ATOMIC_RESERVE, 1);
		mutex_lock(&populate_mutex);
		fill_reserve();
		mutex_unlock(&populate_mutex);
	}
	return 0;
}

/* --- asking ---------------------------------------------------------------- */

void percpu_get_info(struct percpu_info *info)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	*info = (struct percpu_info){
		.nr_chunks = nr_chunks,
		.unit_size = unit_slots * PCPU_SLOT,
		.used = used_bytes,
		.populated_pages = nr_populated * nr_cpu_ids,
		.reserve_pages = nr_ready,
		.nr_allocs = nr_areas,
	};
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

unsigned long percpu_validate_all(void)
{
	unsigned long errors = 0, flags;
	int ready = 0;

	spin_lock_irqsave(&pcpu_lock, flags);
	for (unsigned int i = 0; i < MAX_CHUNKS; i++) {
		unsigned int found;

		if (!chunks[i])
			continue;
		found = pcpu_map_validate(chunks[i]);
		if (found && report_note(REPORT_PERCPU))
			pr_crit("chunk %u: %u errors in its map\n", i, found);
		errors += found;
		ready += chunks[i]->nr_ready;
	}
	errors += ready != nr_ready;
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return errors;
}

/* --- boot ------------------------------------------------------------------ */

/* The first chunk: static variables take its start, for ever. */
static void first_chunk_init(void)
{
	unsigned int taken = DIV_ROUND_UP(percpu_static_size(), PCPU_SLOT);
	unsigned int b = percpu_populated_size() / PAGE_SIZE;
	struct pcpu_chunk *c =
		alloc_pages_exact(chunk_bytes(), GFP_KERNEL | __GFP_ZERO);
	unsigned long flags;

	if (!c)
		panic("percpu: no memory for the first chunk");
	chunk_init(c, 0);
	c->permanent = true;
	pcpu_map_reserve(c, 0, taken);
	while (b--) {
		c->blocks[b].populated = true;
		nr_populated++;
	}
	spin_lock_irqsave(&pcpu_lock, flags);
	chunk_add_locked(c);
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

void percpu_init(void)
{
	unsigned long unit = percpu_unit_size();

	/* The last page of a unit is never mapped: it guards the next. */
	unit_blocks = unit / PAGE_SIZE - 1;
	unit_slots = unit_blocks * PCPU_BLOCK_SLOTS;
	chunk_shift = ilog2(unit * roundup_pow_of_two(nr_cpu_ids));
	for (int i = 0; i < PCPU_NR_BINS; i++)
		INIT_LIST_HEAD(&bins[i]);
	first_chunk_init();
	percpu_drain();
}
