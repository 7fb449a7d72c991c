/* SPDX-License-Identifier: MIT */
/*
 * page_bench.c - what a page costs, as any user would get it.
 *
 * What is free, and in which pieces, decides how much there is to split and to
 * merge.  So each benchmark first makes the state that it measures, whatever
 * ran before it: all memory in maximal blocks and nothing on the lists; then,
 * where it says so, crumbs.
 */
#include <mm/page/page_alloc.h>
#include <tests/bench.h>
#include "page_test_impl.h"

#define PAIRS 1000
#define BULK  256
#define TIMES 20

static void pairs(struct bench *b, const char *figure, unsigned int order)
{
	struct hoard hoard = HOARD_INIT(hoard);

	hoard_crumbs(&hoard);
	__free_pages(alloc_pages(GFP_KERNEL, order), order);
	bench_begin(b);
	for (int i = 0; i < PAIRS; i++)
		__free_pages(alloc_pages(GFP_KERNEL, order), order);
	bench_end(b, figure, PAIRS);
	hoard_free(&hoard);
}

BENCH(page, order0)
{
	pairs(b, "page.order0.pair", 0);
}

BENCH(page, order3)
{
	pairs(b, "page.order3.pair", 3);
}

BENCH(page, order9)
{
	pairs(b, "page.order9.pair", 9);
}

/* An order that no per-CPU list keeps, at its worst: each time a maximal block
 * is split, and merged again. */
BENCH(page, order4)
{
	pairs(b, "page.order4.pair", 4);
}

static void bulk_pairs(struct bench *b, const char *figure)
{
	static struct page *pages[BULK];
	unsigned long got = 0;

	bench_begin(b);
	for (int i = 0; i < TIMES; i++) {
		unsigned long nr = alloc_pages_bulk(GFP_KERNEL, BULK, pages);

		free_pages_bulk(nr, pages);
		got += nr;
	}
	bench_end(b, figure, got);
	EXPECT_EQ(got, TIMES * BULK);
}

BENCH(page, bulk256)
{
	struct hoard hoard = HOARD_INIT(hoard);

	hoard_crumbs(&hoard);
	bulk_pairs(b, "page.bulk256.per_page");
	hoard_free(&hoard);
}

/* The same where memory is at its worst: of every two pages one is taken, so
 * that each page is a block, and none merges. */
BENCH(page, bulk256_crumbs)
{
	struct hoard hoard = HOARD_INIT(hoard);
	struct page *page;

	hoard_crumbs(&hoard);
	page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	ASSERT(page);
	split_page(page, MAX_PAGE_ORDER);
	for (unsigned long i = 0; i < MAX_ORDER_PAGES; i += 2)
		__free_page(page + i);
	drain_all_pages();
	bulk_pairs(b, "page.bulk256.crumbs.per_page");
	for (unsigned long i = 1; i < MAX_ORDER_PAGES; i += 2)
		__free_page(page + i);
	hoard_free(&hoard);
}
