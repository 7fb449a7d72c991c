/* SPDX-License-Identifier: MIT */
/* slab_info_test.c - what slabinfo says is so, in whichever shape. */
#include <arch/cpumask.h>
#include <kernel/core/sched.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>

#define NAME   "test-info"
#define NR     1000
#define NR_CUT 300

static struct kmem_cache *s;
static void *objects[NR];

static void take_ours(const struct slabinfo *info, void *copy)
{
	if (!strcmp(info->name, NAME))
		*(struct slabinfo *)copy = *info;
}

static struct slabinfo ask(void)
{
	struct slabinfo info = {};

	slab_for_each_cache(take_ours, &info);
	ASSERT(info.name);
	return info;
}

static void begin(unsigned int size)
{
	s = kmem_cache_create(NAME, size, 0, SLAB_NO_MERGE, NULL);
	ASSERT(s);
	for (int i = 0; i < NR; i++) {
		objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(objects[i]);
	}
}

static void free_range(int from, int to)
{
	for (int i = from; i < to; i++)
		kmem_cache_free(s, objects[i]);
}

TEST(slab_info, objects_in_use_are_counted_wherever_free_ones_lie)
{
	static const unsigned int sizes[] = {16, 64, 200, 1000, 4096};

	for (int k = 0; k < 5; k++) {
		begin(sizes[k]);
		EXPECT_EQ(ask().objects, NR);
		for (int i = 0; i < NR; i += 50) {
			free_range(i, i + 50);
			EXPECT_EQ(ask().objects, NR - i - 50);
		}
		kmem_cache_destroy(s);
	}
}

TEST(slab_info, other_cpus_stores_are_counted_too)
{
	unsigned int cpu;
	int per_cpu, done = 0;

	begin(64);
	per_cpu = NR / nr_online_cpus;
	for_each_online_cpu(cpu) {
		cpumask_t there = *cpumask_of(cpu);

		set_cpus_allowed(current, &there);
		free_range(done, done + per_cpu);
		done += per_cpu;
		EXPECT_EQ(ask().objects, NR - done);
	}
	set_cpus_allowed(current, cpu_online_mask);
	free_range(done, NR);
	EXPECT_EQ(ask().objects, 0);
	kmem_cache_destroy(s);
}

TEST(slab_info, slabs_hold_what_their_order_says)
{
	struct slabinfo info;

	begin(64);
	info = ask();
	EXPECT_EQ(info.object_size, 64);
	EXPECT_GE(info.size, info.object_size);
	EXPECT_EQ(info.objects_per_slab, (PAGE_SIZE << info.order) / info.size);
	EXPECT_EQ(info.capacity, info.slabs * info.objects_per_slab);
	EXPECT_GE(info.capacity, info.objects + info.cpu_objects);
	EXPECT_EQ(info.errors, 0);

	free_range(0, NR);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	info = ask();
	EXPECT_EQ(info.slabs, 0);
	EXPECT_EQ(info.partial_slabs, 0);
	EXPECT_EQ(info.capacity, 0);
	EXPECT_EQ(info.cpu_objects, 0);
	kmem_cache_destroy(s);
}

TEST(slab_info, each_allocation_and_free_went_one_path)
{
	struct slabinfo info;

	begin(64);
	free_range(0, NR_CUT);
	info = ask();
	EXPECT_EQ(info.alloc_fast + info.alloc_slow, NR);
	EXPECT_EQ(info.free_fast + info.free_slow, NR_CUT);
	free_range(NR_CUT, NR);
	kmem_cache_destroy(s);
}

TEST(slab_info, an_alias_is_counted)
{
	struct kmem_cache *again;

	s = kmem_cache_create(NAME, 4000, 64, 0, NULL);
	again = kmem_cache_create("test-info-again", 4000, 64, 0, NULL);
	ASSERT(s && again);
	EXPECT_EQ(kmem_cache_name(s) == kmem_cache_name(again), s == again);
	if (s == again && !strcmp(kmem_cache_name(s), NAME))
		EXPECT_EQ(ask().aliases, 1);
	kmem_cache_destroy(again);
	if (!strcmp(kmem_cache_name(s), NAME))
		EXPECT_EQ(ask().aliases, 0);
	kmem_cache_destroy(s);
}
