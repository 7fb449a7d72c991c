/* SPDX-License-Identifier: MIT */
/* page_test_impl.h - what the page allocator's tests share. */
#pragma once
#include <lib/list.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>

/* Pages in use, without those that nobody is expected to give back. */
long pages_held(void);

/* How many free blocks of each order each zone has, lists drained. */
struct shape {
	unsigned long blocks[MAX_ZONES][NR_PAGE_ORDERS];
};

void shape_get(struct shape *shape);
bool shape_equal(const struct shape *a, const struct shape *b);

/* Which blocks there would be if all that is free were in blocks as large as can
 * be: found frame by frame, knowing nothing of how they were merged. */
void shape_best(struct shape *shape);

/* Is all that is free in maximal blocks?  Tries again while others allocate. */
bool memory_is_whole(void);

/* Blocks held back from everybody else, linked through page->lru. */
struct hoard {
	struct list_head blocks;
};

#define HOARD_INIT(name)                                                       \
	{                                                                      \
		.blocks = LIST_HEAD_INIT((name).blocks)                        \
	}

/* Take blocks, largest first, until there is not one page for @gfp. */
unsigned long hoard_all(struct hoard *hoard, int nid, gfp_t gfp);
void hoard_some(struct hoard *hoard, unsigned long nr, unsigned int order);
void hoard_free(struct hoard *hoard);

/* Take all that is not in maximal blocks, so that whatever was there before,
 * memory is now whole: what is taken is cut from a maximal block, and makes
 * one again when it is back. */
void hoard_crumbs(struct hoard *hoard);
