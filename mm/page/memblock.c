/* SPDX-License-Identifier: MIT */
/*
 * memblock.c - memory before there is a page allocator.
 *
 * Problem.    The page allocator needs memory (struct pages, page tables,
 *             per-CPU areas) before it can give any out.
 * Idea.       Two sorted lists of ranges, what exists and what is taken.  Both
 *             change by one primitive: cut the list at an address, so that a
 *             change covers whole regions only; merge neighbours afterwards.
 * Top down.   Allocations come from the highest free address that fits.  Low
 *             memory is what devices with 32-bit addresses need later, and
 *             what is taken here is never given back; and as each allocation
 *             touches the one before it, the taken list stays a few regions
 *             long and the rest of memory in one piece.
 * Low 1 MiB.  Taken whole: firmware writes there behind everybody's back (its
 *             data areas, suspend, the screen).  One page of it is what a
 *             starting CPU executes first.
 * Full lists. A list is fixed-size; a machine that needs more than 256 ranges
 *             is told so and stops, as no choice made for it would be right.
 *
 * Context: boot CPU, before other CPUs run; no locks.
 */
#include <arch/early_console.h>
#include <arch/layout.h>
#include <boot/acpi.h>
#include <boot/param.h>
#include <kernel/core/printk.h>
#include <lib/format.h>
#include <lib/math.h>
#include <string.h>
#include "memblock_impl.h"

#define CACHE_LINE	  64
#define LOW_MEMORY_END	  (1ull << 20)
#define LOW_MEMORY_USABLE 0xa0000ull /* above is the screen and ROM */

static struct memblock memblock = {.current_limit = EARLY_MAP_END};

static u64 mem_limit = MEMBLOCK_ANYWHERE;
BOOT_PARAM_SIZE("mem", mem_limit, "use only the lowest SIZE of memory");

/* --- one list --------------------------------------------------------------*/

/* The first region that ends after @addr. */
static unsigned int list_find(const struct memblock_list *l, phys_addr_t addr)
{
	unsigned int i = 0;

	while (i < l->nr && l->r[i].end <= addr)
		i++;
	return i;
}

static void list_open_gap(struct memblock_list *l, unsigned int at)
{
	memmove(&l->r[at + 1], &l->r[at], (l->nr - at) * sizeof(*l->r));
	l->nr++;
}

/* Make @addr an edge: no region has it in its middle. */
static void list_cut(struct memblock_list *l, phys_addr_t addr)
{
	unsigned int i = list_find(l, addr);

	if (i == l->nr || l->r[i].start >= addr)
		return;
	list_open_gap(l, i);
	l->r[i].end = addr;
	l->r[i + 1].start = addr;
}

static void list_merge(struct memblock_list *l)
{
	unsigned int kept = 0;

	for (unsigned int i = 1; i < l->nr; i++) {
		if (l->r[kept].end == l->r[i].start &&
		    l->r[kept].nid == l->r[i].nid)
			l->r[kept].end = l->r[i].end;
		else
			l->r[++kept] = l->r[i];
	}
	l->nr = min(l->nr, kept + 1);
}

/* After two cuts and an insertion. */
static bool list_has_room(const struct memblock_list *l)
{
	return l->nr + 3 <= MEMBLOCK_MAX_REGIONS;
}

bool memblock_list_remove(struct memblock_list *l, phys_addr_t start,
			  phys_addr_t end)
{
	unsigned int first, last;

	if (start >= end)
		return true;
	if (!list_has_room(l))
		return false;
	list_cut(l, start);
	list_cut(l, end);
	first = list_find(l, start);
	last = list_find(l, end);
	memmove(&l->r[first], &l->r[last], (l->nr - last) * sizeof(*l->r));
	l->nr -= last - first;
	return true;
}

bool memblock_list_add(struct memblock_list *l, phys_addr_t start,
		       phys_addr_t end, int nid)
{
	unsigned int at;

	if (start >= end)
		return true;
	if (!memblock_list_remove(l, start, end))
		return false;
	at = list_find(l, start);
	list_open_gap(l, at);
	l->r[at] = (struct memblock_region){start, end, nid};
	list_merge(l);
	return true;
}

bool memblock_list_set_node(struct memblock_list *l, phys_addr_t start,
			    phys_addr_t end, int nid)
{
	if (start >= end)
		return true;
	if (!list_has_room(l))
		return false;
	list_cut(l, start);
	list_cut(l, end);
	for (unsigned int i = list_find(l, start); i < l->nr; i++) {
		if (l->r[i].start >= end)
			break;
		l->r[i].nid = nid;
	}
	list_merge(l);
	return true;
}

bool memblock_list_covers(const struct memblock_list *l, phys_addr_t start,
			  phys_addr_t end)
{
	unsigned int i = list_find(l, start);

	for (; i < l->nr && l->r[i].start <= start; i++) {
		if (l->r[i].end >= end)
			return true;
		start = l->r[i].end;
	}
	return false;
}

phys_addr_t memblock_list_size(const struct memblock_list *l)
{
	phys_addr_t size = 0;

	for (unsigned int i = 0; i < l->nr; i++)
		size += l->r[i].end - l->r[i].start;
	return size;
}

/* --- both lists ------------------------------------------------------------*/

void memblock_trim(struct memblock *mb, phys_addr_t bytes)
{
	for (unsigned int i = 0; i < mb->memory.nr; i++) {
		struct memblock_region *r = &mb->memory.r[i];

		if (bytes <= r->end - r->start) {
			r->end = r->start + bytes;
			mb->memory.nr = bytes ? i + 1 : i;
			return;
		}
		bytes -= r->end - r->start;
	}
}

/* The highest place for @size bytes in [min, max) of one region. */
static phys_addr_t find_in_region(const struct memblock *mb, size_t size,
				  size_t align, phys_addr_t min,
				  phys_addr_t max)
{
	while (max >= size) {
		phys_addr_t start = ALIGN_DOWN(max - size, align);
		const struct memblock_region *taken;
		unsigned int i;

		if (start < min)
			return 0;
		i = list_find(&mb->reserved, start);
		taken = &mb->reserved.r[i];
		if (i == mb->reserved.nr || taken->start >= start + size)
			return start;
		max = taken->start;
	}
	return 0;
}

phys_addr_t memblock_find(const struct memblock *mb, size_t size, size_t align,
			  phys_addr_t min, phys_addr_t max, int nid)
{
	for (unsigned int i = mb->memory.nr; i-- > 0;) {
		const struct memblock_region *r = &mb->memory.r[i];
		phys_addr_t found;

		if (nid != NUMA_NO_NODE && r->nid != nid)
			continue;
		found = find_in_region(mb, size, align, max(r->start, min),
				       min(r->end, max));
		if (found)
			return found;
	}
	return 0;
}

/* *i is the address to go on from. */
bool memblock_next_free_of(const struct memblock *mb, u64 *i, int nid,
			   phys_addr_t *start, phys_addr_t *end, int *out_nid)
{
	unsigned int m = list_find(&mb->memory, *i);

	for (; m < mb->memory.nr; m++) {
		const struct memblock_region *r = &mb->memory.r[m];
		phys_addr_t s = max(r->start, (phys_addr_t)*i);
		unsigned int t = list_find(&mb->reserved, s);

		if (nid != NUMA_NO_NODE && r->nid != nid)
			continue;
		for (; t < mb->reserved.nr && mb->reserved.r[t].start <= s; t++)
			s = mb->reserved.r[t].end;
		if (s >= r->end)
			continue;
		*start = s;
		*end = r->end;
		if (t < mb->reserved.nr)
			*end = min(*end, mb->reserved.r[t].start);
		*out_nid = r->nid;
		*i = *end;
		return true;
	}
	return false;
}

/* --- the machine's ---------------------------------------------------------*/

static void check_room(bool done)
{
	if (!done)
		early_die("memory is in more pieces than memblock can list");
}

phys_addr_t memblock_phys_alloc_range(size_t size, size_t align,
				      phys_addr_t min, phys_addr_t max, int nid)
{
	phys_addr_t pa;

	if (!size)
		return 0;
	pa = memblock_find(&memblock, size, align ? align : CACHE_LINE, min,
			   min(max, memblock.current_limit), nid);
	if (pa)
		memblock_reserve(pa, size);
	return pa;
}

phys_addr_t memblock_phys_alloc(size_t size, size_t align)
{
	return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ANYWHERE,
					 NUMA_NO_NODE);
}

void *memblock_alloc_node(size_t size, size_t align, int nid)
{
	phys_addr_t pa = memblock_phys_alloc_range(size, align, 0,
						   MEMBLOCK_ANYWHERE, nid);

	if (!pa && nid != NUMA_NO_NODE)
		pa = memblock_phys_alloc(size, align);
	return pa ? memset(phys_to_virt(pa), 0, size) : NULL;
}

void *memblock_alloc(size_t size, size_t align)
{
	return memblock_alloc_node(size, align, NUMA_NO_NODE);
}

void memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	check_room(memblock_list_add(&memblock.reserved, base, base + size,
				     NUMA_NO_NODE));
}

void memblock_phys_free(phys_addr_t base, size_t size)
{
	check_room(memblock_list_remove(&memblock.reserved, base, base + size));
}

void memblock_free(void *va, size_t size)
{
	memblock_phys_free(virt_to_phys(va), size);
}

void memblock_set_current_limit(phys_addr_t limit)
{
	memblock.current_limit = limit;
}

phys_addr_t memblock_startup_page(void)
{
	return memblock.startup_page;
}

phys_addr_t memblock_phys_mem_size(void)
{
	return memblock_list_size(&memblock.memory);
}

static phys_addr_t free_size(void)
{
	phys_addr_t start, end, size = 0;
	u64 i;
	int nid;

	for_each_free_mem_range(i, NUMA_NO_NODE, &start, &end, &nid)
		size += end - start;
	return size;
}

phys_addr_t memblock_reserved_size(void)
{
	return memblock_phys_mem_size() - free_size();
}

phys_addr_t memblock_start_of_DRAM(void)
{
	return memblock.memory.r[0].start;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	return memblock.memory.r[memblock.memory.nr - 1].end;
}

bool memblock_next_mem(u64 *i, phys_addr_t *start, phys_addr_t *end, int *nid)
{
	unsigned int m = list_find(&memblock.memory, *i);

	if (m == memblock.memory.nr)
		return false;
	*start = memblock.memory.r[m].start;
	*end = memblock.memory.r[m].end;
	*nid = memblock.memory.r[m].nid;
	*i = *end;
	return true;
}

bool memblock_next_free(u64 *i, int nid, phys_addr_t *start, phys_addr_t *end,
			int *out_nid)
{
	return memblock_next_free_of(&memblock, i, nid, start, end, out_nid);
}

/* --- filling the lists -----------------------------------------------------*/

static void add_usable(void)
{
	for (unsigned int i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];

		if (r->type == BOOT_RANGE_USABLE)
			check_room(memblock_list_add(&memblock.memory, r->start,
						     r->end, 0));
	}
}

/* Memory the SRAT does not speak of stays with node 0. */
static void assign_nodes(void)
{
	for (unsigned int i = 0; i < acpi_info.nr_memory; i++) {
		const struct acpi_memory *m = &acpi_info.memory[i];

		check_room(memblock_list_set_node(&memblock.memory, m->start,
						  m->end, m->node));
	}
}

/* The highest page below the screen; page 0 is the BIOS's for ever. */
static void take_startup_page(void)
{
	memblock.startup_page = memblock_find(&memblock, PAGE_SIZE, PAGE_SIZE,
					      PAGE_SIZE, LOW_MEMORY_USABLE,
					      NUMA_NO_NODE);
	memblock_reserve(0, LOW_MEMORY_END);
}

static void take_image(void)
{
	extern char __image_start[], __image_end[];
	phys_addr_t start = virt_to_phys(__image_start);
	phys_addr_t end = virt_to_phys(__image_end);
	char why[128];

	if (!memblock_list_covers(&memblock.memory, start, end)) {
		scnprintf(why, sizeof(why),
			  "its image, from %llu to %llu KiB, is not in usable "
			  "memory, which is %llu KiB%s",
			  start >> 10, end >> 10,
			  memblock_phys_mem_size() >> 10,
			  mem_limit == MEMBLOCK_ANYWHERE ? "" : " by mem=");
		early_die(why);
	}
	memblock_reserve(start, end - start);
}

static void check_enough(void)
{
	phys_addr_t found = memblock_phys_mem_size();
	phys_addr_t needed = memblock_reserved_size() + MEMBLOCK_MIN_FREE;
	char why[96];

	if (found >= needed)
		return;
	scnprintf(why, sizeof(why),
		  "memory is too small: %llu KiB are usable, %llu are needed",
		  found >> 10, needed >> 10);
	early_die(why);
}

static void apply_limit(void)
{
	phys_addr_t before = memblock_phys_mem_size(), after;

	memblock_trim(&memblock, ALIGN_DOWN(mem_limit, PAGE_SIZE));
	after = memblock_phys_mem_size();
	if (!after)
		early_die("mem= leaves no memory");
	if (after < before)
		pr_info("memory: mem= leaves out %llu of %llu MiB",
			(before - after) >> 20, before >> 20);
}

void memblock_init(void)
{
	add_usable();
	if (!memblock.memory.nr)
		early_die("the firmware lists no usable memory");
	assign_nodes();
	apply_limit();

	take_startup_page();
	take_image();
	memblock_reserve(boot_info.initrd_start,
			 boot_info.initrd_end - boot_info.initrd_start);
	check_enough();
}
