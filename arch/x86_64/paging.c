/* SPDX-License-Identifier: MIT */
/*
 * paging.c - walk, map, unmap and split.
 *
 * Problem.   Regions with different owners share tables: the end of one
 *            vmalloc area and the start of the next lie in one leaf table.  A
 *            lock over all of it would be taken by everyone, and this floor
 *            has none.
 * Idea.      An entry has one owner, whoever owns its addresses; only the
 *            tables are common.  A missing table is put in place by
 *            compare-exchange, and who loses uses the winner's.  A table is
 *            taken away only when one owner has all of its addresses.
 * Invariant. A table reached from the root is never freed while someone may
 *            walk to it: paging_free_tables() unlinks, flushes, then frees.
 * Memory.    So tables under vmalloc stay once made: 4 KiB for 2 MiB of
 *            addresses ever used.  paging_nr_tables() tells how many.
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/paging.h>
#include <errno.h>
#include <lib/atomic.h>
#include <lib/compiler.h>
#include "arch_impl.h"
#include "paging_impl.h"

u64 *kernel_pml4;

static phys_addr_t (*table_alloc)(void);
static void (*table_free)(phys_addr_t pa);
static u64 table_mark; /* PTE_OWNED once the second allocator serves */
static atomic_long_t nr_tables;

void paging_set_table_allocator(phys_addr_t (*alloc)(void),
				void (*free)(phys_addr_t pa))
{
	table_mark = table_alloc ? PTE_OWNED : 0;
	table_alloc = alloc;
	table_free = free;
}

unsigned long paging_nr_tables(void)
{
	return atomic_long_read(&nr_tables);
}

static u64 prot_to_bits(unsigned int prot)
{
	u64 bits = PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL;

	ARCH_BUG_ON((prot & PAGE_WRITE) && (prot & PAGE_EXEC));
	if (prot & PAGE_WRITE)
		bits |= PTE_WRITE | PTE_DIRTY;
	if (!(prot & PAGE_EXEC))
		bits |= PTE_NX;
	if (prot & PAGE_UNCACHED)
		bits |= PTE_PCD | PTE_PWT;
	else if (prot & PAGE_WC)
		bits |= PTE_PWT; /* PAT entry 1: cpu_enable_features() */
	return bits;
}

static unsigned int bits_to_prot(u64 entry)
{
	unsigned int prot = PAGE_READ;

	if (entry & PTE_WRITE)
		prot |= PAGE_WRITE;
	if (!(entry & PTE_NX))
		prot |= PAGE_EXEC;
	if (entry & PTE_PCD)
		prot |= PAGE_UNCACHED;
	else if (entry & PTE_PWT)
		prot |= PAGE_WC;
	return prot;
}

/*
 * Link a new, zeroed or filled table at @entry unless it has changed from
 * @old; the entry that is there in the end.
 */
static u64 link_table(u64 *entry, u64 old, phys_addr_t table)
{
	u64 new = table | PTE_PRESENT | PTE_WRITE | table_mark;

	if (!try_cmpxchg(entry, &old, new)) {
		table_free(table);
		return old;
	}
	if (table_mark)
		atomic_long_inc(&nr_tables);
	return new;
}

/* The table below @entry, made if there is none.  NULL: no memory. */
u64 *paging_ensure_table(u64 *entry)
{
	u64 e = READ_ONCE(*entry);

	if (!(e & PTE_PRESENT)) {
		phys_addr_t table = table_alloc();

		if (!table)
			return NULL;
		e = link_table(entry, 0, table);
	}
	return entry_table(e);
}

/* Replace a large page by a table of smaller ones that say the same. */
static int split(u64 *entry, int level)
{
	u64 old = READ_ONCE(*entry);
	u64 child = old;
	phys_addr_t table = table_alloc();
	u64 *entries;

	if (!table)
		return -ENOMEM;
	if (level == 2)
		child &= ~PTE_LARGE;
	entries = phys_to_virt(table);
	for (int i = 0; i < TABLE_ENTRIES; i++)
		entries[i] = child + i * level_size(level - 1);
	link_table(entry, old, table);
	return 0;
}

struct map_cursor {
	unsigned long va, end;
	phys_addr_t pa;
	unsigned int prot;
};

static bool large_page_fits(const struct map_cursor *c, int level)
{
	unsigned long size = level_size(level);

	if (c->prot & PAGE_SMALL)
		return false;
	if (level == 3 && !cpu_features.pages_1g)
		return false;
	return level <= 3 && !((c->va | c->pa) & (size - 1)) &&
	       c->end - c->va >= size;
}

/* Fill in @table from the cursor to the cursor's or the table's end. */
static int map_table(u64 *table, int level, struct map_cursor *c)
{
	for (unsigned int i = level_index(c->va, level);
	     i < TABLE_ENTRIES && c->va < c->end; i++) {
		u64 old = READ_ONCE(table[i]);
		u64 *child;
		int err;

		if ((old & PTE_PRESENT) && entry_is_leaf(old, level))
			return -EEXIST;
		if (level == 1 ||
		    (!(old & PTE_PRESENT) && large_page_fits(c, level))) {
			u64 large = level > 1 ? PTE_LARGE : 0;

			WRITE_ONCE(table[i],
				   c->pa | prot_to_bits(c->prot) | large);
			c->va += level_size(level);
			c->pa += level_size(level);
			continue;
		}
		child = paging_ensure_table(&table[i]);
		if (!child)
			return -ENOMEM;
		err = map_table(child, level - 1, c);
		if (err)
			return err;
	}
	return 0;
}

int paging_map_in(u64 *root, unsigned long va, phys_addr_t pa,
		  unsigned long size, unsigned int prot)
{
	struct map_cursor c = {va, va + size, pa, prot};
	int err;

	ARCH_BUG_ON((va | pa | size) & (PAGE_SIZE - 1));
	err = map_table(root, TOP_LEVEL, &c);
	if (err && root == kernel_pml4)
		paging_unmap(va, c.va - va);
	return err;
}

int paging_map(unsigned long va, phys_addr_t pa, unsigned long size,
	       unsigned int prot)
{
	return paging_map_in(kernel_pml4, va, pa, size, prot);
}

/* The end of what one entry of @level covers at @va, or @end. */
static unsigned long entry_end(unsigned long va, unsigned long end, int level)
{
	unsigned long last = va | (level_size(level) - 1);

	return last < end - 1 ? last + 1 : end;
}

/* Who wants to know what was unmapped; @fn may be NULL. */
struct unmap_listener {
	void (*fn)(phys_addr_t pa, void *arg);
	void *arg;
};

static void unmap_table(u64 *table, int level, unsigned long va,
			unsigned long end, const struct unmap_listener *l)
{
	unsigned long next;

	for (; va != end; va = next) {
		u64 *entry = &table[level_index(va, level)];
		u64 e = READ_ONCE(*entry);

		next = entry_end(va, end, level);
		if (!(e & PTE_PRESENT))
			continue;
		if (!entry_is_leaf(e, level)) {
			unmap_table(entry_table(e), level - 1, va, next, l);
			continue;
		}
		ARCH_BUG_ON(next - va != level_size(level));
		WRITE_ONCE(*entry, 0);
		if (l->fn) {
			ARCH_BUG_ON(level > 1);
			l->fn(e & PTE_ADDR, l->arg);
		}
	}
}

void paging_unmap_each(unsigned long va, unsigned long size,
		       void (*fn)(phys_addr_t pa, void *arg), void *arg)
{
	struct unmap_listener l = {fn, arg};

	if (size)
		unmap_table(kernel_pml4, TOP_LEVEL, va, va + size, &l);
}

void paging_unmap(unsigned long va, unsigned long size)
{
	paging_unmap_each(va, size, NULL, NULL);
}

static int protect_table(u64 *table, int level, unsigned long va,
			 unsigned long end, unsigned int prot)
{
	const u64 keep = PTE_ADDR | PTE_LARGE | PTE_ACCESSED | PTE_DIRTY;
	unsigned long next;
	int err;

	for (; va != end; va = next) {
		u64 *entry = &table[level_index(va, level)];
		u64 e = READ_ONCE(*entry);

		next = entry_end(va, end, level);
		if (!(e & PTE_PRESENT))
			continue;
		if (entry_is_leaf(e, level) && next - va == level_size(level)) {
			WRITE_ONCE(*entry, (e & keep) | prot_to_bits(prot));
			continue;
		}
		if (entry_is_leaf(e, level)) {
			err = split(entry, level);
			if (err)
				return err;
		}
		err = protect_table(entry_table(READ_ONCE(*entry)), level - 1,
				    va, next, prot);
		if (err)
			return err;
	}
	return 0;
}

int paging_protect(unsigned long va, unsigned long size, unsigned int prot)
{
	if (!size)
		return 0;
	return protect_table(kernel_pml4, TOP_LEVEL, va, va + size, prot);
}

/* The entry that maps @va and its level, or NULL. */
static u64 *find_leaf(unsigned long va, int *level)
{
	u64 *table = kernel_pml4;

	for (*level = TOP_LEVEL; *level > 0; --*level) {
		u64 *entry = &table[level_index(va, *level)];
		u64 e = READ_ONCE(*entry);

		if (!(e & PTE_PRESENT))
			return NULL;
		if (entry_is_leaf(e, *level))
			return entry;
		table = entry_table(e);
	}
	return NULL;
}

static struct paging_entry describe(u64 e, int level)
{
	return (struct paging_entry){
		.pa = e & PTE_ADDR & ~(level_size(level) - 1),
		.size = level_size(level),
		.prot = bits_to_prot(e),
		.accessed = e & PTE_ACCESSED,
		.dirty = e & PTE_DIRTY,
	};
}

bool paging_lookup(unsigned long va, struct paging_entry *entry)
{
	int level;
	u64 *leaf = find_leaf(va, &level);

	if (!leaf)
		return false;
	*entry = describe(READ_ONCE(*leaf), level);
	return true;
}

bool paging_test_and_clear_accessed(unsigned long va)
{
	int level;
	u64 *leaf = find_leaf(va, &level);

	if (!leaf)
		return false;
	/* The CPU sets accessed and dirty meanwhile: lose neither. */
	return __atomic_fetch_and(leaf, ~PTE_ACCESSED, __ATOMIC_RELAXED) &
	       PTE_ACCESSED;
}

bool virt_to_phys_any(const volatile void *va, phys_addr_t *pa)
{
	unsigned long v = (unsigned long)va;
	struct paging_entry entry;

	if (!paging_lookup(v, &entry))
		return false;
	*pa = entry.pa + (v & (entry.size - 1));
	return true;
}

/*
 * Unlink the tables wholly inside the range and put them on @list, chained by
 * their first words: they are empty and page-aligned, so to a CPU that still
 * walks one the link is one more entry that is not present.
 */
static void unlink_tables(u64 *table, int level, unsigned long va,
			  unsigned long end, phys_addr_t *list)
{
	unsigned long next;

	for (; va != end; va = next) {
		u64 *entry = &table[level_index(va, level)];
		u64 e = READ_ONCE(*entry);

		next = entry_end(va, end, level);
		if (!(e & PTE_PRESENT) || entry_is_leaf(e, level))
			continue;
		if (level > 2)
			unlink_tables(entry_table(e), level - 1, va, next,
				      list);
		if (next - va < level_size(level) || !(e & PTE_OWNED))
			continue;
		WRITE_ONCE(*entry, 0);
		*entry_table(e) = *list;
		*list = e & PTE_ADDR;
	}
}

bool paging_free_tables(unsigned long va, unsigned long size)
{
	phys_addr_t list = 0;

	if (size)
		unlink_tables(kernel_pml4, TOP_LEVEL, va, va + size, &list);
	if (!list)
		return false;
	tlb_flush_range(va, va + size); /* and with it the walkers' caches */
	while (list) {
		phys_addr_t table = list;
		u64 *link = phys_to_virt(table);

		list = *link;
		*link = 0;
		table_free(table);
		atomic_long_dec(&nr_tables);
	}
	return true;
}

struct visitor {
	void (*visit)(unsigned long va, const struct paging_entry *entry,
		      void *arg);
	void *arg;
};

static void visit_table(const u64 *table, int level, unsigned long va,
			const struct visitor *v)
{
	for (int i = 0; i < TABLE_ENTRIES; i++, va += level_size(level)) {
		u64 e = READ_ONCE(table[i]);

		if (level == TOP_LEVEL && i == TABLE_ENTRIES / 2)
			va |= ~0ul << 48; /* canonical: the upper half */
		if (!(e & PTE_PRESENT))
			continue;
		if (entry_is_leaf(e, level)) {
			struct paging_entry entry = describe(e, level);

			v->visit(va, &entry, v->arg);
		} else {
			visit_table(entry_table(e), level - 1, va, v);
		}
	}
}

void paging_for_each(void (*visit)(unsigned long va,
				   const struct paging_entry *entry, void *arg),
		     void *arg)
{
	struct visitor v = {visit, arg};

	visit_table(kernel_pml4, TOP_LEVEL, 0, &v);
}
