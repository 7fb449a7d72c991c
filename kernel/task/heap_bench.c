/* SPDX-License-Identifier: MIT */
/* heap_bench.c - what malloc costs a program. */
#include <stdlib.h>
#include <tests/bench.h>

#define PAIRS 1000

BENCH(malloc, hot_pair)
{
	bench_begin(b);
	for (int i = 0; i < PAIRS; i++)
		free(malloc(64));
	bench_end(b, "malloc.64.hot_pair", PAIRS);
}

BENCH(malloc, fifo1000_pair)
{
	static void *p[PAIRS];

	bench_begin(b);
	for (int i = 0; i < PAIRS; i++)
		p[i] = malloc(64);
	for (int i = 0; i < PAIRS; i++)
		free(p[i]);
	bench_end(b, "malloc.64.fifo1000_pair", PAIRS);
}
