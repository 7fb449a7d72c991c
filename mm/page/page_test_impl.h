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
