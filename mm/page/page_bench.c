/* SPDX-License-Identifier: MIT */
/* page_bench.c - what a page costs, as any user would get it. */
#include <mm/page/page_alloc.h>
#include <tests/bench.h>

#define PAIRS 1000
#define BULK  256

static void pairs(struct bench *b, const char *figure, unsigned int order)
{
	bench_begin(b);
	for (int i = 0; i < PAIRS; i++)
		__free_pages(alloc_pages(GFP_KERNEL, order), order);
	bench_end(b, figure, PAIRS);
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

/* An order that no per-CPU list keeps: the zone's own cost. */
BENCH(page, order4)
{
	pairs(b, "page.order4.pair", 4);
}

BENCH(page, bulk256)
{
	static struct page *pages[BULK];

	bench_begin(b);
	for (int i = 0; i < 20; i++) {
		alloc_pages_bulk(GFP_KERNEL, BULK, pages);
		free_pages_bulk(BULK, pages);
	}
	bench_end(b, "page.bulk256.per_page", 20 * BULK);
}
