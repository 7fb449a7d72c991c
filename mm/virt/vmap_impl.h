/* SPDX-License-Identifier: MIT */
/*
 * vmap_impl.h - areas of vmalloc's address space.
 *
 * vmap_area.c hands out addresses, vmalloc.c puts pages behind them.
 */
#pragma once
#include <lib/list.h>
#include <lib/rbtree.h>
#include <mm/page/page.h>
#include <mm/virt/vmalloc.h>

enum vmap_state { VMAP_FREE, VMAP_BUSY, VMAP_LAZY };

struct vmap_area {
	/* Under vmap_lock. */
	struct list_head neighbours; /* all areas, by address, without gaps */
	union {
		struct rb_node node;	 /* VMAP_BUSY: in the tree */
		struct list_head bucket; /* VMAP_FREE: of its size */
		struct list_head lazy;	 /* VMAP_LAZY */
	};
	unsigned long start, end; /* the guard page included */
	enum vmap_state state;

	/* The owner's, fixed while the area is busy. */
	unsigned int flags;
	unsigned long site;
	struct page *pages; /* first block of a chain; VM_ALLOC */
	unsigned long nr_pages;

	/* Who pays for the pages; 0: nobody.  The owner's, preemption off; read
	 * with the world stopped. */
	u32 objcg_id;
};

static inline size_t vmap_area_size(const struct vmap_area *area)
{
	return area->end - area->start - PAGE_SIZE;
}

/* @size bytes, a multiple of the page size, and a guard page.  NULL if there
 * are no addresses or no memory.  Tasks only. */
struct vmap_area *vmap_area_alloc(size_t size, size_t align, gfp_t gfp,
				  unsigned int kind, unsigned long site);

/* Take the busy area that starts at @start, and is of this kind (VM_ALLOC or
 * VM_MAP), from all who might find it; NULL if there is none.  Any context. */
struct vmap_area *vmap_area_claim(unsigned long start, unsigned int kind);

/* The area's addresses are unmapped, but not flushed: reuse them some time. */
void vmap_area_release(struct vmap_area *area);

/* The busy area that starts at @start, or NULL; the caller keeps it busy. */
struct vmap_area *vmap_area_find(unsigned long start);

/* Call @fn for every area in use, or on its way out, with the world stopped. */
void vmap_area_walk(void (*fn)(struct vmap_area *area, void *arg), void *arg);

/* vmalloc_owner.c.  0, or -ENOMEM: refused; may wait as @gfp says. */
int vmap_area_charge(struct vmap_area *area, gfp_t gfp);
void vmap_area_uncharge(struct vmap_area *area);

/* Too many released addresses are waiting. */
bool vmap_wants_purge(void);
