/* SPDX-License-Identifier: MIT */
/* percpu_bench.c - what a dynamic per-CPU area costs, and who pays for it. */
#include <mm/percpu/percpu.h>
#include <tests/bench.h>
#include "../memcg/memcg_test.h"

struct sixty_four {
	u64 words[8];
};

/* The block is in use anyway: another area is in it. */
static void hot_pair(struct bench *b, const char *figure, gfp_t gfp)
{
	enum { NR = 500 };
	struct sixty_four __percpu *other =
		alloc_percpu_gfp(struct sixty_four, gfp);

	free_percpu(alloc_percpu_gfp(struct sixty_four, gfp));
	bench_begin(b);
	for (int i = 0; i < NR; i++)
		free_percpu(alloc_percpu_gfp(struct sixty_four, gfp));
	bench_end(b, figure, NR);
	free_percpu(other);
}

BENCH(percpu, hot_pair)
{
	hot_pair(b, "percpu.64.hot_pair", GFP_KERNEL);
}

BENCH(percpu, fifo256_pair)
{
	enum { NR = 256 };
	static struct sixty_four __percpu *p[NR];

	for (int round = 0; round < 2; round++) {
		if (round)
			bench_begin(b);
		for (int i = 0; i < NR; i++)
			p[i] = alloc_percpu(struct sixty_four);
		for (int i = 0; i < NR; i++)
			free_percpu(p[i]);
	}
	bench_end(b, "percpu.64.fifo256_pair", NR);
}

/* From @depth groups deep, with a limit. */
static void in_group(struct bench *b, unsigned int depth, const char *context,
		     const char *figure, gfp_t gfp)
{
	group_enter(depth);
	bench_context(b, context);
	hot_pair(b, figure, gfp);
	group_leave();
}

BENCH(percpu, accounted)
{
	in_group(b, 0, "root", "percpu.64.hot_pair", GFP_KERNEL_ACCOUNT);
	in_group(b, 1, "depth1", "percpu.64.hot_pair", GFP_KERNEL_ACCOUNT);
	in_group(b, 3, "depth3", "percpu.64.hot_pair", GFP_KERNEL_ACCOUNT);
	in_group(b, 16, "depth16", "percpu.64.hot_pair", GFP_KERNEL_ACCOUNT);
}

/* Nobody asks for it to be charged. */
BENCH(percpu, unaccounted)
{
	in_group(b, 3, "depth3", "percpu.64.unaccounted_pair", GFP_KERNEL);
}
