/* SPDX-License-Identifier: MIT */
/* charge_bench.c - what it costs that somebody pays. */
#include <mm/page/page_alloc.h>
#include <tests/bench.h>
#include "memcg_test.h"

#define PAIRS 1000

static struct {
	unsigned int depth;
	const char *context;
} const places[] = {{0, "root"}, {1, "depth1"}, {3, "depth3"}, {16, "depth16"}};

#define NR_PLACES (sizeof(places) / sizeof(*places))

/* Accounted; who is in the root pays nothing. */
BENCH(memcg, page)
{
	for (unsigned int i = 0; i < NR_PLACES; i++) {
		group_enter(places[i].depth);
		bench_context(b, places[i].context);
		bench_begin(b);
		for (int n = 0; n < PAIRS; n++)
			__free_pages(alloc_pages(GFP_KERNEL_ACCOUNT, 0), 0);
		bench_end(b, "page.order0.pair", PAIRS);
		group_leave();
	}
}

/* A page that nobody asked to be charged, from inside a group. */
BENCH(memcg, unaccounted_page)
{
	group_enter(3);
	bench_context(b, "depth3");
	bench_begin(b);
	for (int n = 0; n < PAIRS; n++)
		__free_pages(alloc_pages(GFP_KERNEL, 0), 0);
	bench_end(b, "page.order0.unaccounted_pair", PAIRS);
	group_leave();
}

/* Many pages in a row: the counters are asked for every 64th. */
BENCH(memcg, pages_fifo)
{
	static struct page *pages[PAIRS];

	for (unsigned int i = 0; i < NR_PLACES; i++) {
		group_enter(places[i].depth);
		bench_context(b, places[i].context);
		bench_begin(b);
		for (int n = 0; n < PAIRS; n++)
			pages[n] = alloc_pages(GFP_KERNEL_ACCOUNT, 0);
		for (int n = 0; n < PAIRS; n++)
			__free_pages(pages[n], 0);
		bench_end(b, "page.order0.fifo1000_pair", PAIRS);
		group_leave();
	}
}

/* Bytes of any kind, from the stock and back. */
BENCH(memcg, bytes)
{
	for (unsigned int i = 0; i < NR_PLACES; i++) {
		group_enter(places[i].depth);
		bench_context(b, places[i].context);
		bench_begin(b);
		for (int n = 0; n < PAIRS; n++) {
			u32 owner = __accounting_charge(
				256, MEMCG_VMALLOC, NUMA_NO_NODE, GFP_KERNEL);

			cpu_store_leave_preempt_off();
			if (owner)
				__accounting_uncharge(owner, 256, MEMCG_VMALLOC,
						      NUMA_NO_NODE);
			preempt_enable();
		}
		bench_end(b, "memcg.bytes.pair", PAIRS);
		group_leave();
	}
}

/* More than a slot holds: the slow half and the counters, each time. */
BENCH(memcg, large)
{
	for (unsigned int i = 1; i < NR_PLACES; i++) {
		struct mem_cgroup *memcg = group_enter(places[i].depth);
		u32 owner = memcg->objcg->id;

		bench_context(b, places[i].context);
		bench_begin(b);
		for (int n = 0; n < PAIRS; n++) {
			__accounting_charge(2 * STOCK_MAX, MEMCG_VMALLOC,
					    NUMA_NO_NODE, GFP_KERNEL);
			cpu_store_leave_preempt_off();
			__accounting_uncharge(owner, 2 * STOCK_MAX,
					      MEMCG_VMALLOC, NUMA_NO_NODE);
			preempt_enable();
		}
		bench_end(b, "memcg.large.pair", PAIRS);
		group_leave();
	}
}
