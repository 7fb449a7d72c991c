/* SPDX-License-Identifier: MIT */
/*
 * memblock.h - memory before there is a page allocator.
 *
 * Physical memory as two short sorted lists: what exists, and what of it is
 * taken.  The page allocator takes the difference over and memblock is done.
 * Boot CPU only, before other CPUs run.  Sizes and addresses in bytes.
 */
#pragma once
#include <boot/numa.h>
#include <lib/types.h>

#define MEMBLOCK_ANYWHERE (~(phys_addr_t)0)

/*
 * Build both lists from boot_info and acpi_info: all usable memory with its
 * node, cut to mem=; image, initrd, the low 1 MiB and one start-up page taken.
 * Stops the machine, with the figures, if that leaves too little.
 */
void memblock_init(void);

/* How much there is to pass to the page allocator, at least. */
#define MEMBLOCK_MIN_FREE (6ul << 20)

/*
 * Zeroed memory, as a direct-map address; NULL if there is none.  @align is a
 * power of two, 0 means a cache line.  _node takes it from @nid if it can and
 * from any other node if not.
 */
void *memblock_alloc(size_t size, size_t align);
void *memblock_alloc_node(size_t size, size_t align, int nid);

/* Not zeroed; a physical address in [@min, @max), 0 if there is none.
 * memblock_phys_alloc_range never falls back to another node. */
phys_addr_t memblock_phys_alloc(size_t size, size_t align);
phys_addr_t memblock_phys_alloc_range(size_t size, size_t align,
				      phys_addr_t min, phys_addr_t max,
				      int nid);
void memblock_free(void *va, size_t size);
void memblock_phys_free(phys_addr_t base, size_t size);

/* Take a range, whether or not it exists or is taken already. */
void memblock_reserve(phys_addr_t base, phys_addr_t size);

/* memblock_alloc* stay below @limit: what the page tables of the moment map.
 * 4 GiB until paging_init() lifts it with MEMBLOCK_ANYWHERE. */
void memblock_set_current_limit(phys_addr_t limit);

/* A page below 1 MiB for starting CPUs, taken at init; 0 if there is none. */
phys_addr_t memblock_startup_page(void);

phys_addr_t memblock_phys_mem_size(void); /* all that exists */
phys_addr_t memblock_reserved_size(void); /* taken, of what exists */
phys_addr_t memblock_start_of_DRAM(void);
phys_addr_t memblock_end_of_DRAM(void); /* exclusive */

/*
 * Walk in ascending order; declare u64 i, phys_addr_t start, end, int n.
 *
 *	for_each_mem_range(i, &start, &end, &n)		  all that exists
 *	for_each_free_mem_range(i, nid, &start, &end, &n) not taken, of one
 *							  node or NUMA_NO_NODE
 *
 * Ranges of different nodes are different ranges even if they touch.  The
 * lists must not change meanwhile.
 */
#define for_each_mem_range(i, p_start, p_end, p_nid)                           \
	for (i = 0; memblock_next_mem(&i, p_start, p_end, p_nid);)
#define for_each_free_mem_range(i, nid, p_start, p_end, p_nid)                 \
	for (i = 0; memblock_next_free(&i, nid, p_start, p_end, p_nid);)

bool memblock_next_mem(u64 *i, phys_addr_t *start, phys_addr_t *end, int *nid);
bool memblock_next_free(u64 *i, int nid, phys_addr_t *start, phys_addr_t *end,
			int *out_nid);
