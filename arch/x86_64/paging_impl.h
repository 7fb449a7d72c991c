/* SPDX-License-Identifier: MIT */
/*
 * paging_impl.h - the shape of a page-table entry.
 *
 * Levels are numbered from the leaves: 1 is a 4 KiB page's, 4 the root's.
 */
#pragma once
#include <arch/layout.h>
#include <lib/types.h>

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2) /* never */
#define PTE_PWT	     (1ull << 3)
#define PTE_PCD	     (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_LARGE    (1ull << 7) /* levels 2 and 3 */
#define PTE_GLOBAL   (1ull << 8)
#define PTE_OWNED    (1ull << 9) /* ours: the table below can be given back */
#define PTE_NX	     (1ull << 63)
#define PTE_ADDR     0x000ffffffffff000ull

#define TABLE_ENTRIES 512
#define TOP_LEVEL     4

static inline unsigned int level_shift(int level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static inline unsigned long level_size(int level)
{
	return 1ul << level_shift(level);
}

static inline unsigned int level_index(unsigned long va, int level)
{
	return va >> level_shift(level) & (TABLE_ENTRIES - 1);
}

static inline bool entry_is_leaf(u64 entry, int level)
{
	return level == 1 || (entry & PTE_LARGE);
}

static inline u64 *entry_table(u64 entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

/* The root in use, and filling in one of its entries. */
extern u64 *kernel_pml4;
u64 *paging_ensure_table(u64 *entry);

/* Map in a tree that may not be the live one. */
int paging_map_in(u64 *root, unsigned long va, phys_addr_t pa,
		  unsigned long size, unsigned int prot);
