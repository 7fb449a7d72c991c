/* SPDX-License-Identifier: MIT */
/*
 * slab_memcg_bench.c - what an object costs when somebody pays for it.
 *
 * Contexts: root, a task in no group while there are groups; depthN, a task N
 * groups deep, the last of which has a limit.
 */
#include <kernel/core/sched.h>
#include <kernel/task/kthread.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <mm/memcg/memcg_test.h>
#include <mm/page/zone.h>
#include <mm/slab/slab.h>
#include <tests/bench.h>

#define HOT_ROUNDS 1000
#define NR_FIFO	   1000
#define NR_BULK	   32

/* --- groups -------------------------------------------------------------------- */

#define MAX_DEPTH 16

static void path_of(char *path, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++) {
		path[2 * i] = '/';
		path[2 * i + 1] = 'b';
	}
	path[2 * depth] = 0;
}

static void attach(struct task *t, const char *path)
{
	struct cgroup *cgrp = cgroup_find(path);

	ASSERT(!IS_ERR(cgrp));
	EXPECT_EQ(cgroup_attach_task(cgrp, t), 0);
	cgroup_put(cgrp);
}

/* Run @measure in a task so deep; in the root there is a group beside it. */
static void at_depth(struct bench *b, unsigned int depth, const char *context,
		     void (*measure)(struct bench *b))
{
	char path[2 * MAX_DEPTH + 1];
	struct mem_cgroup *memcg = NULL;

	for (unsigned int i = 1; i <= depth; i++) {
		path_of(path, i);
		memcg = group_make(path);
		ASSERT(memcg);
	}
	if (depth) {
		group_limit(memcg, 64 << (20 - PAGE_SHIFT));
		attach(current, path);
	} else {
		ASSERT(group_make("/b"));
	}
	bench_context(b, context);
	bench_field(b, "slab", slab_shape_name());
	measure(b);
	attach(current, "/");
	for (unsigned int i = depth ?: 1; i; i--) {
		path_of(path, i);
		group_remove(path);
	}
}

static void at_depths(struct bench *b, void (*measure)(struct bench *b))
{
	at_depth(b, 0, "root", measure);
	at_depth(b, 1, "depth1", measure);
	at_depth(b, 3, "depth3", measure);
	at_depth(b, 16, "depth16", measure);
}

/* --- the figures of slab_bench.c, paid for ---------------------------------------- */

static struct kmem_cache *bench_cache(slab_flags_t flags)
{
	struct kmem_cache *s = kmem_cache_create("bench-64", 64, 0,
						 flags | SLAB_NO_MERGE, NULL);

	ASSERT(s);
	return s;
}

static void hot_pair(struct bench *b, const char *figure, slab_flags_t flags)
{
	struct kmem_cache *s = bench_cache(flags);

	kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	bench_end(b, figure, HOT_ROUNDS);
	kmem_cache_destroy(s);
}

static void charged_pair(struct bench *b)
{
	hot_pair(b, "slab.64.hot_pair", SLAB_ACCOUNT);
}

static void unaccounted_pair(struct bench *b)
{
	hot_pair(b, "slab.64.unaccounted_pair", 0);
}

static void fifo1000_pair(struct bench *b)
{
	static void *objects[NR_FIFO];
	struct kmem_cache *s = bench_cache(SLAB_ACCOUNT);

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

static void bulk_pair(struct bench *b, const char *figure, slab_flags_t flags)
{
	struct kmem_cache *s = bench_cache(flags);
	void *objects[NR_BULK];
	const int rounds = HOT_ROUNDS / NR_BULK;

	for (int i = 0; i < 2 * rounds; i++) {
		if (i == rounds)
			bench_begin(b);
		kmem_cache_alloc_bulk(s, GFP_KERNEL, NR_BULK, objects);
		kmem_cache_free_bulk(s, NR_BULK, objects);
	}
	bench_end(b, figure, rounds * NR_BULK);
	kmem_cache_destroy(s);
}

static void bulk32_pair(struct bench *b)
{
	bulk_pair(b, "slab.64.bulk32_pair", SLAB_ACCOUNT);
}

static void unaccounted_bulk32_pair(struct bench *b)
{
	bulk_pair(b, "slab.64.unaccounted_bulk32_pair", 0);
}

static void kmalloc_pair(struct bench *b)
{
	volatile size_t size = 64;

	kfree(kmalloc(size, GFP_KERNEL_ACCOUNT));
	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kfree(kmalloc(size, GFP_KERNEL_ACCOUNT));
	bench_end(b, "kmalloc.64.hot_pair", HOT_ROUNDS);

	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kfree(kmalloc(64, GFP_KERNEL_ACCOUNT));
	bench_end(b, "kmalloc.const64.hot_pair", HOT_ROUNDS);

	bench_begin(b);
	for (int i = 0; i < HOT_ROUNDS; i++)
		kfree(kmalloc(size, GFP_KERNEL));
	bench_end(b, "kmalloc.64.unaccounted_pair", HOT_ROUNDS);
}

BENCH(slab_memcg, hot_pair)
{
	at_depths(b, charged_pair);
}

BENCH(slab_memcg, unaccounted_pair)
{
	at_depths(b, unaccounted_pair);
}

BENCH(slab_memcg, fifo1000_pair)
{
	at_depths(b, fifo1000_pair);
}

BENCH(slab_memcg, bulk32_pair)
{
	at_depths(b, bulk32_pair);
}

BENCH(slab_memcg, unaccounted_bulk32_pair)
{
	at_depth(b, 3, "depth3", unaccounted_bulk32_pair);
}

BENCH(slab_memcg, kmalloc_pair)
{
	at_depths(b, kmalloc_pair);
}

/* --- many groups -------------------------------------------------------------------- */

#define NR_SPREAD 100

static struct mem_cgroup *spread[NR_SPREAD];

static void spread_path(char *path, int i)
{
	format(path, 16, "/spread%d", i);
}

static void spread_make(void)
{
	char path[16];

	for (int i = 0; i < NR_SPREAD; i++) {
		spread_path(path, i);
		ASSERT((spread[i] = group_make(path)));
	}
}

static void spread_remove(void)
{
	char path[16];

	for (int i = 0; i < NR_SPREAD; i++) {
		spread_path(path, i);
		group_remove(path);
	}
}

/* Another group for every allocation; without what it costs to change it. */
BENCH(memcg, spread100)
{
	static void *objects[NR_FIFO];
	struct kmem_cache *s = bench_cache(SLAB_ACCOUNT);
	u64 start, changes, allocs;

	bench_field(b, "slab", slab_shape_name());
	spread_make();
	for (int round = 0;; round++) {
		start = bench_clock();
		for (int i = 0; i < NR_FIFO; i++)
			set_active_memcg(spread[i % NR_SPREAD]);
		changes = bench_clock() - start;

		start = bench_clock();
		for (int i = 0; i < NR_FIFO; i++) {
			set_active_memcg(spread[i % NR_SPREAD]);
			objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		}
		allocs = bench_clock() - start;
		set_active_memcg(NULL);

		if (round == 2)
			bench_begin(b);
		for (int i = 0; i < NR_FIFO; i++)
			kmem_cache_free(s, objects[i]);
		if (round == 2)
			break;
	}
	bench_end(b, "memcg.spread100.free", NR_FIFO);
	bench_report(b, "memcg.spread100.alloc",
		     bench_counts_insns() ? "insn" : "ns",
		     allocs > changes ? allocs - changes : 0, NR_FIFO);
	spread_remove();
	kmem_cache_destroy(s);
}

#define NR_MILLION 1000000

static void free_list(struct kmem_cache *s, void **first)
{
	while (first) {
		void **next = *first;

		kmem_cache_free(s, first);
		first = next;
	}
}

/* Everything that it takes: pages, their struct pages, owners, and the groups. */
BENCH_WHEN(memcg, million, BENCH_INSN, 120)
{
	unsigned long page = PAGE_SIZE + sizeof(struct page), used;
	struct kmem_cache *s;
	void **first = NULL;

	if (nr_free_pages() < NR_MILLION * 64 / PAGE_SIZE * 5 / 4)
		SKIP("not enough memory");
	used = page_nr_in_use();
	s = bench_cache(SLAB_ACCOUNT);
	spread_make();
	for (int i = 0; i < NR_MILLION; i++) {
		void **object;

		set_active_memcg(spread[i % NR_SPREAD]);
		object = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(object);
		*object = first;
		first = object;
	}
	set_active_memcg(NULL);
	used = page_nr_in_use() - used;
	bench_field(b, "slab", slab_shape_name());
	bench_report(b, "memcg.million.ratio", "ratio", used * page,
		     NR_MILLION * 64ul);
	free_list(s, first);
	spread_remove();
	kmem_cache_destroy(s);
}

/* --- taking turns ------------------------------------------------------------------- */

#define NR_TURNS 500
#define NR_TURN	 8

/* Some objects each turn, which are freed in the next. */
static int take_turns(void *cache)
{
	struct kmem_cache *s = cache;
	void *objects[NR_TURN] = {};

	for (int i = 0; i < NR_TURNS; i++) {
		for (int j = 0; j < NR_TURN; j++) {
			if (objects[j])
				kmem_cache_free(s, objects[j]);
			objects[j] = kmem_cache_alloc(s, GFP_KERNEL);
		}
		yield();
	}
	for (int j = 0; j < NR_TURN; j++)
		kmem_cache_free(s, objects[j]);
	return 0;
}

/* What two tasks take on one CPU, in groups @first and @second. */
static u64 turns_of(struct kmem_cache *s, const char *first, const char *second)
{
	struct task *tasks[2];
	u64 start;

	for (int i = 0; i < 2; i++) {
		tasks[i] = task_create(take_turns, s, "turns");
		ASSERT(tasks[i]);
		kthread_bind(tasks[i], 0);
		attach(tasks[i], i ? second : first);
	}
	start = bench_clock();
	for (int i = 0; i < 2; i++)
		wake_up_process(tasks[i]);
	for (int i = 0; i < 2; i++)
		task_join(tasks[i]);
	return bench_clock() - start;
}

BENCH_WHEN(memcg, switch, BENCH_INSN, TEST_SECONDS)
{
	struct kmem_cache *s = bench_cache(SLAB_ACCOUNT);
	u64 same, different;

	ASSERT(group_make("/s") && group_make("/t"));
	turns_of(s, "/s", "/t");
	same = turns_of(s, "/s", "/s");
	different = turns_of(s, "/s", "/t");
	bench_field(b, "slab", slab_shape_name());
	bench_report(b, "memcg.switch.ratio", "ratio", different, same);
	group_remove("/t");
	group_remove("/s");
	kmem_cache_destroy(s);
}
