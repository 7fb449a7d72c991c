/* SPDX-License-Identifier: MIT */
/*
 * paging.h - the page tables of the one address space.
 *
 * Everyone shares one tree, so nothing is ever synchronised between CPUs but
 * the TLBs.
 *
 * Locking.   None.  A caller owns the addresses it maps and unmaps; tables
 *            that two callers need at once are installed by compare-exchange.
 *            Tables stay when their pages go, unless the owner of the whole
 *            range gives them back with paging_free_tables().
 * TLB.       Mapping what was not mapped needs no flush.  After unmapping or
 *            taking away rights, the caller flushes, once for a batch, before
 *            it lets the pages or the addresses go.
 */
#pragma once
#include <arch/layout.h>
#include <lib/types.h>

/* What may be done with a page.  Writable and executable is refused. */
#define PAGE_READ     0x0u
#define PAGE_WRITE    0x1u
#define PAGE_EXEC     0x2u
/* How it is cached: write-back unless told otherwise. */
#define PAGE_UNCACHED 0x4u
#define PAGE_WC	      0x8u /* write-combining: framebuffers */
/* Map with 4 KiB pages only, for ranges whose parts will change alone. */
#define PAGE_SMALL    0x10u

#define PAGE_KERNEL    (PAGE_READ | PAGE_WRITE)
#define PAGE_KERNEL_RO PAGE_READ
#define PAGE_KERNEL_RX (PAGE_READ | PAGE_EXEC)
#define PAGE_DEVICE    (PAGE_READ | PAGE_WRITE | PAGE_UNCACHED)

/*
 * Map [va, va + size) to [pa, pa + size), all multiples of PAGE_SIZE, with
 * the largest pages that fit.  0; -EEXIST if something is mapped there;
 * -ENOMEM if a table could not be had.  On error nothing stays mapped, and
 * the caller flushes as after paging_unmap().  Context: the table allocator's.
 */
int paging_map(unsigned long va, phys_addr_t pa, unsigned long size,
	       unsigned int prot);

/* Drop every mapping in the range; holes are fine, but a page larger than
 * 4 KiB must lie in it as a whole.  The caller flushes. */
void paging_unmap(unsigned long va, unsigned long size);

/* The same, telling @fn the pages, all of 4 KiB, in ascending order. */
void paging_unmap_each(unsigned long va, unsigned long size,
		       void (*fn)(phys_addr_t pa, void *arg), void *arg);

/* Change the rights of what is mapped; holes are fine.  The caller flushes.
 * -ENOMEM if a large page had to be split and could not. */
int paging_protect(unsigned long va, unsigned long size, unsigned int prot);

struct paging_entry {
	phys_addr_t pa;	    /* of the page, not of the address */
	unsigned long size; /* of the page: 4 KiB, 2 MiB or 1 GiB */
	unsigned int prot;
	bool accessed, dirty;
};

/* What @va is mapped to; false if it is not. */
bool paging_lookup(unsigned long va, struct paging_entry *entry);

/* Clear the accessed bit of one 4 KiB page; whether it was set.  Without a
 * flush the CPU may not set it again for a while. */
bool paging_test_and_clear_accessed(unsigned long va);

/* Any mapped address, vmalloc's and per-CPU ones included; false if it is not
 * mapped. */
bool virt_to_phys_any(const volatile void *va, phys_addr_t *pa);

/* Give back the tables of a range that the caller owned, after it unmapped all
 * of it.  Only tables wholly inside the range go.  If there are any, the range
 * is flushed, and the result is true. */
bool paging_free_tables(unsigned long va, unsigned long size);

/* Pages that the current allocator gave and that are in use as tables. */
unsigned long paging_nr_tables(void);

/* Visit every mapped page, ascending; a page is 4 KiB, 2 MiB or 1 GiB.  For
 * checks: nothing may be unmapped meanwhile. */
void paging_for_each(void (*visit)(unsigned long va,
				   const struct paging_entry *entry, void *arg),
		     void *arg);

/*
 * Where tables come from: memblock first, the page allocator later; a table
 * is given back only to the one it came from, and never to the first.  @alloc
 * returns a zeroed page's address, or 0.
 */
void paging_set_table_allocator(phys_addr_t (*alloc)(void),
				void (*free)(phys_addr_t pa));

/* Device registers, for good; NULL if no table could be had.  @prot is
 * PAGE_DEVICE or one of the cached kinds, for firmware's tables. */
volatile void *mmio_map(phys_addr_t pa, unsigned long size);
void *firmware_map(phys_addr_t pa, unsigned long size, unsigned int prot);

/*
 * Replace the boot map by the final one: image by its segments, all of RAM in
 * the direct map, nothing else.  Boot CPU, before any other runs.  The table
 * allocator must be set and give pages below 4 GiB until this returns.
 */
void paging_init(void);

/*
 * Forget stale translations on every CPU and wait until all have.  Interrupts
 * on (or one CPU online); preemption may be off.
 */
void tlb_flush_range(unsigned long start, unsigned long end);
void tlb_flush_all(void);

/* On this CPU only. */
void tlb_flush_local(unsigned long start, unsigned long end);
void tlb_flush_local_all(void);

/* Make every CPU execute a serialising instruction, and wait. */
void cpu_sync_all(void);
