/* SPDX-License-Identifier: MIT */
/* slab_bench.c - what an object costs, in the shape the kernel was booted with. */
#include <kernel/core/panic.h>
#include <mm/slab/slab.h>
#include <tests/bench.h>

#define HOT_ROUNDS 1000
#define NR_FIFO	   1000
#define NR_BULK	   32

static struct kmem_cache *bench_cache(struct bench *b)
{
	bench_field(b, "slab", slab_shape_name());
	return kmem_cache_create("bench-64", 64, 0, SLAB_NO_MERGE, NULL);
}

BENCH(slab, hot_pair)
{
	struct kmem_cache *s = bench_cache(b);

	ASSERT(s);
	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	bench_end(b, "slab.64.hot_pair", HOT_ROUNDS);
	kmem_cache_destroy(s);
}

BENCH(slab, fifo1000_pair)
{
	static void *objects[NR_FIFO];
	struct kmem_cache *s = bench_cache(b);

	ASSERT(s);
	for (int round = 0; round < 3; round++) {
		if (round == 2) /* warm by now */
			bench_begin(b);
		for (int i = 0; i < NR_FIFO; i++)
			objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		for (int i = 0; i < NR_FIFO; i++)
			kmem_cache_free(s, objects[i]);
	}
	bench_end(b, "slab.64.fifo1000_pair", NR_FIFO);
	kmem_cache_destroy(s);
}

BENCH(slab, bulk32_pair)
{
	struct kmem_cache *s = bench_cache(b);
	void *objects[NR_BULK];

	ASSERT(s);
	for (int i = 0; i < 2 * HOT_ROUNDS / NR_BULK; i++) {
		if (i == HOT_ROUNDS / NR_BULK)
			bench_begin(b);
		kmem_cache_alloc_bulk(s, GFP_KERNEL, NR_BULK, objects);
		kmem_cache_free_bulk(s, NR_BULK, objects);
	}
	bench_end(b, "slab.64.bulk32_pair",
		  (2 * HOT_ROUNDS / NR_BULK - HOT_ROUNDS / NR_BULK) * NR_BULK);
	kmem_cache_destroy(s);
}

BENCH(kmalloc, hot_pair)
{
	volatile size_t size = 64;

	bench_field(b, "slab", slab_shape_name());
	kfree(kmalloc(size, GFP_KERNEL));
	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kfree(kmalloc(size, GFP_KERNEL));
	bench_end(b, "kmalloc.64.hot_pair", HOT_ROUNDS);
}

BENCH(kmalloc, const_hot_pair)
{
	bench_field(b, "slab", slab_shape_name());
	kfree(kmalloc(64, GFP_KERNEL));
	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kfree(kmalloc(64, GFP_KERNEL));
	bench_end(b, "kmalloc.const64.hot_pair", HOT_ROUNDS);
}
