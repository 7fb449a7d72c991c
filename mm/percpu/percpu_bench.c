/* SPDX-License-Identifier: MIT */
/* percpu_bench.c - what a dynamic per-CPU area costs. */
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <tests/bench.h>

struct sixty_four {
	u64 words[8];
};

BENCH(percpu, hot_pair)
{
	enum { NR = 500 };

	bench_field(b, "slab", slab_shape_name());
	free_percpu(alloc_percpu(struct sixty_four));
	bench_begin(b);
	for (int i = 0; i < NR; i++)
		free_percpu(alloc_percpu(struct sixty_four));
	bench_end(b, "percpu.64.hot_pair", NR);
}

BENCH(percpu, fifo256_pair)
{
	enum { NR = 256 };
	static struct sixty_four __percpu *p[NR];

	bench_field(b, "slab", slab_shape_name());
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
