/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h - memory that is contiguous in addresses only.
 *
 * Every area is followed by a page that is not mapped, and preceded by the
 * one that follows its neighbour: running off either end faults.
 *
 * Making an area may sleep: tasks only.  vfree() and vunmap() may be called
 * anywhere but in NMIs.
 */
#pragma once
#include <lib/types.h>
#include <mm/page/gfp.h>
#include <mm/page/page.h>

enum vm_area_flags {
	VM_ALLOC = 1, /* vfree() returns the pages too */
	VM_MAP = 2,   /* vmap(): the pages are the caller's */
	VM_STACK = 4, /* somebody's stack, for overflow reports */
};

/* @size bytes, rounded up to pages; NULL if there is no memory. */
void *vmalloc(size_t size);
void *vzalloc(size_t size);
void *vmalloc_node(size_t size, int nid);
void *vzalloc_node(size_t size, int nid);

/* With __GFP_ACCOUNT, who pays in this context pays for the pages, until
 * vfree(). */
void *__vmalloc(size_t size, gfp_t gfp);

/* @align a power of two, at least a page; from 2 MiB up, large pages are
 * mapped where the memory allows.  @flags: VM_STACK or 0. */
void *__vmalloc_node(size_t size, size_t align, gfp_t gfp, int nid,
		     unsigned int flags);
void vfree(const void *va);

/* Map the caller's pages side by side. */
void *vmap(struct page **pages, unsigned int nr, bool writable);
void vunmap(const void *va);

/* The page behind a mapped vmalloc address, or NULL. */
struct page *vmalloc_to_page(const void *va);

static inline bool is_vmalloc_addr(const void *va)
{
	return (unsigned long)va - VMALLOC_BASE < VMALLOC_SIZE;
}

struct vm_area_info {
	unsigned long start;
	size_t size; /* without the guard page */
	unsigned int flags;
	bool in_guard;	    /* the address asked for is in its guard page */
	unsigned long site; /* return address of who made it */
};

/*
 * Whose is this address?  A guard page belongs to the area before it, unless a
 * stack begins right behind it: that is where stacks overflow to.  False if it
 * is nobody's, or if whoever was interrupted holds the lock that would tell.
 * Any context.
 */
bool vmalloc_find_area(unsigned long addr, struct vm_area_info *info);

struct vmalloc_info {
	unsigned long areas;	/* in use */
	unsigned long pages;	/* owned by vmalloc areas */
	unsigned long lazy;	/* pages of address space waiting for a flush */
	unsigned long metadata; /* pages for vmalloc's own records */
	unsigned long purges;
};

void vmalloc_get_info(struct vmalloc_info *info);

/* Flush and reuse what was freed lazily.  Tasks only. */
void vmalloc_purge(void);

/* Returns the number of errors found. */
unsigned long vmalloc_validate(void);

void vmalloc_init(void);
