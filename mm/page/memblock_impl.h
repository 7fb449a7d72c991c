/* SPDX-License-Identifier: MIT */
/* memblock_impl.h - the lists themselves, for memblock.c and its test. */
#pragma once
#include <boot/boot_info.h>
#include <mm/page/memblock.h>

/* All of boot_info's ranges, each cut by nodes, and room for what is taken:
 * neighbours merge, so the taken list stays short. */
#define MEMBLOCK_MAX_REGIONS 256

struct memblock_region {
	phys_addr_t start;
	phys_addr_t end; /* exclusive */
	int nid;
};

/* Sorted, disjoint; neighbours that touch differ in their node. */
struct memblock_list {
	unsigned int nr;
	struct memblock_region r[MEMBLOCK_MAX_REGIONS];
};

struct memblock {
	struct memblock_list memory;   /* what exists */
	struct memblock_list reserved; /* what is taken, existing or not */
	phys_addr_t current_limit;
	phys_addr_t startup_page;
};

/* These return false, with nothing changed, when a list has no room left. */
bool memblock_list_add(struct memblock_list *l, phys_addr_t start,
		       phys_addr_t end, int nid);
bool memblock_list_remove(struct memblock_list *l, phys_addr_t start,
			  phys_addr_t end);
bool memblock_list_set_node(struct memblock_list *l, phys_addr_t start,
			    phys_addr_t end, int nid);
/* Is all of [@start, @end) in the list, whatever the nodes? */
bool memblock_list_covers(const struct memblock_list *l, phys_addr_t start,
			  phys_addr_t end);
phys_addr_t memblock_list_size(const struct memblock_list *l);

/* Keep the lowest @bytes of what exists. */
void memblock_trim(struct memblock *mb, phys_addr_t bytes);

/* The highest fitting place in [min, max), 0 if there is none. */
phys_addr_t memblock_find(const struct memblock *mb, size_t size, size_t align,
			  phys_addr_t min, phys_addr_t max, int nid);
bool memblock_next_free_of(const struct memblock *mb, u64 *i, int nid,
			   phys_addr_t *start, phys_addr_t *end, int *out_nid);
