/* SPDX-License-Identifier: MIT */
/*
 * arena_impl.h - between the files of the arenas:
 *
 *	arena.c		life, windows of addresses, whose an address is
 *	arena_area.c	areas: map, unmap, protect, grow
 *	arena_fault.c	pages: made, dropped, taken
 */
#pragma once
#include <kernel/core/mutex.h>
#include <kernel/core/rcu.h>
#include <lib/atomic.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <lib/refcount.h>
#include <mm/page/page.h>
#include <mm/virt/arena.h>

/* The region is handed out in windows, each with page tables of its own. */
#define WINDOW_SHIFT 30
#define WINDOW_SIZE  (1ul << WINDOW_SHIFT)
#define NR_WINDOWS   (ARENA_SIZE >> WINDOW_SHIFT)

/* Some windows side by side; the last page is never mapped. */
struct arena_span {
	struct list_head link; /* by address */
	unsigned long start, end;
};

struct anon_area {
	struct rb_node node;
	unsigned long start, end;
	unsigned long keep; /* [start, keep) is not reaped */
	unsigned int prot;
};

struct anon_arena {
	struct mutex lock;

	/* Under lock. */
	struct rb_root areas;
	struct list_head spans;
	struct arena_span first; /* of those; the others are allocated */
	unsigned long hint;	 /* there is no gap below */
	struct task *owner;	 /* NULL before it has one, and when dead */
	bool dead;

	/* Under lock: sbrk's area, in a span of its own; NULL before. */
	struct anon_area *brk;
	struct arena_span *brk_span;
	unsigned long brk_end; /* to the byte */

	/* Set under lock; read freely. */
	bool reaped;

	/* Any CPU, atomically. */
	atomic_long_t nr_pages;
	refcount_t refs;

	struct rcu_head rcu;
};

/* -- arena.c -- */

/* The arena that has @addr, with a reference, or NULL. */
struct anon_arena *arena_find(unsigned long addr);

/* Windows for @size bytes and a page; -ENOMEM.  Lock held by nobody or by the
 * caller; @span is not on a list yet. */
int span_take(struct anon_arena *arena, struct arena_span *span, size_t size);
void span_give_back(struct arena_span *span);

/* -- arena_area.c -- */

/* The area that @addr is in, or NULL.  Lock held. */
struct anon_area *area_find(struct anon_arena *arena, unsigned long addr);
void areas_free_all(struct anon_arena *arena);
void area_cache_init(void);

/* -- arena_fault.c -- */

/* Drop the pages of a range and the tables that fall empty.  Lock held. */
unsigned long arena_zap(struct anon_arena *arena, unsigned long start,
			unsigned long end);
