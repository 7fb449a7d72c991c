/* SPDX-License-Identifier: MIT */
/* area_test.c - blocks come, are cut, and go back; the books say so. */
#include <arch/cpumask.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/percpu.h>
#include <kernel/core/report.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/percpu/percpu.h>
#include <tests/test.h>
#include "chunk_impl.h"

static struct percpu_info info(void)
{
	struct percpu_info now;

	percpu_get_info(&now);
	return now;
}

TEST(percpu_area, no_area_wastes_more_than_the_head_of_area_c_says)
{
	for (size_t size = 8; size <= PERCPU_MAX_SIZE; size += 8) {
		size_t before = info().used, took;
		void __percpu *p = __alloc_percpu(size, 8);

		ASSERT(p);
		took = info().used - before;
		EXPECT_GE(took, size);
		if (size <= 512)
			EXPECT_LT((took - size) * 5, took);
		else if (size <= PAGE_SIZE / 2)
			EXPECT_LT((took - size) * 5, took * 2);
		else
			EXPECT_EQ(took, ALIGN(size, PAGE_SIZE));
		free_percpu(p);
		EXPECT_EQ(info().used, before);
	}
}

/* With one area coming and going, its block stays; if nobody has use for it, it
 * is given back. */
TEST(percpu_area, a_class_keeps_one_empty_block_until_it_is_collected)
{
	size_t before, kept;
	void __percpu *p;

	percpu_drain();
	before = info().populated_pages;
	p = __alloc_percpu(1344, 8);
	ASSERT(p);
	mutex_lock(&pcpu_populate_mutex); /* no balancer meanwhile */
	kept = info().reserve_pages;
	free_percpu(p);
	EXPECT_EQ(info().reserve_pages, kept);
	EXPECT_EQ(__alloc_percpu_gfp(1344, 8, GFP_ATOMIC), p);
	free_percpu(p);
	mutex_unlock(&pcpu_populate_mutex);
	EXPECT_EQ(info().populated_pages - before, nr_cpu_ids);
	percpu_drain();
	EXPECT_EQ(info().populated_pages, before);
}

TEST(percpu_area, a_freed_area_is_used_before_a_new_block)
{
	enum { NR = PAGE_SIZE / 8 + 1 };
	static u64 __percpu *p[NR];
	struct prng rng;
	size_t populated;

	prng_init(&rng, test_seed());
	for (int i = 0; i < NR; i++) {
		p[i] = alloc_percpu(u64);
		ASSERT(p[i]);
	}
	populated = info().populated_pages;
	for (int i = 0; i < 500; i++) {
		u64 __percpu **one = &p[prng_below(&rng, NR)];

		free_percpu(*one);
		*one = alloc_percpu(u64);
		ASSERT(*one);
		EXPECT_LE(info().populated_pages, populated);
	}
	EXPECT_EQ(percpu_validate_all(), 0);
	for (int i = 0; i < NR; i++)
		free_percpu(p[i]);
}

TEST(percpu_area, an_empty_block_serves_another_size_when_none_is_ready)
{
	void __percpu *p[64];
	int nr = 0;

	percpu_drain();
	free_percpu(__alloc_percpu(1344, 8));
	fault_fail_every(&fail_page_alloc, 1);
	/* A block each. */
	while (nr < 64) {
		p[nr] = __alloc_percpu_gfp(PAGE_SIZE, 8, GFP_ATOMIC);
		if (!p[nr])
			break;
		nr++;
	}
	fault_off(&fail_page_alloc);
	EXPECT_EQ(nr, PCPU_RESERVE + 1);
	while (nr)
		free_percpu(p[--nr]);
}

TEST(percpu_area, who_may_wait_leaves_the_reserve_alone)
{
	enum { NR = 40 };
	void __percpu *p[NR];

	percpu_drain();
	for (int i = 0; i < NR; i++) {
		p[i] = __alloc_percpu(i % 4 ? 2048 : 3 * PAGE_SIZE, 8);
		EXPECT(p[i]);
		EXPECT_GE(info().reserve_pages, PCPU_RESERVE);
	}
	for (int i = 0; i < NR; i++)
		free_percpu(p[i]);
}

TEST(percpu_area, only_the_start_of_an_area_can_be_freed)
{
	static DEFINE_PER_CPU(u64, fixed);
	void __percpu *small = __alloc_percpu(100, 8);
	void __percpu *large = __alloc_percpu(3 * PAGE_SIZE, 8);

	ASSERT(small && large);
	report_expect(REPORT_PERCPU);
	free_percpu(small + 8);
	free_percpu(small + 4);
	free_percpu(large + 8);
	free_percpu(large + PAGE_SIZE);
	free_percpu(&fixed);
	free_percpu((void *)0x1000);
	free_percpu(per_cpu_ptr(small, 0));
	EXPECT_EQ(report_expected(REPORT_PERCPU), 7);
	EXPECT_EQ(percpu_validate_all(), 0);
	free_percpu(small);
	free_percpu(large);
}

/*
 * Damage one word, count, repair: in one go, for the lie must not be built upon
 * by who fills the reserve meanwhile, nor what that one writes be overwritten.
 */
#define EXPECT_SEEN(word, value)                                               \
	do {                                                                   \
		unsigned long flags_;                                          \
                                                                               \
		spin_lock_irqsave(&pcpu_lock, flags_);                         \
		__typeof__(word) kept_ = (word);                               \
		(word) = (value);                                              \
		EXPECT_GT(pcpu_check(), 0);                                    \
		(word) = kept_;                                                \
		EXPECT_EQ(pcpu_check(), 0);                                    \
		spin_unlock_irqrestore(&pcpu_lock, flags_);                    \
	} while (0)

TEST(percpu_area, the_check_sees_every_book_that_lies)
{
	void __percpu *small = __alloc_percpu(8, 8);
	void __percpu *large = __alloc_percpu(2 * PAGE_SIZE, 8);
	struct pcpu_block *b, *l;
	unsigned int slot;

	ASSERT(small && large);
	b = pcpu_find_block(small, &slot);
	l = pcpu_find_block(large, &slot);
	EXPECT_SEEN(b->free[0], ~b->free[0]);
	EXPECT_SEEN(b->nr_free, b->nr_free + 1);
	EXPECT_SEEN(b->word, 8);
	EXPECT_SEEN(b->class, b->class + 1);
	EXPECT_SEEN(b->use, PCPU_FREE);
	EXPECT_SEEN(l->nr_blocks, 1);
	EXPECT_SEEN(l[1].use, PCPU_FREE);
	EXPECT_SEEN(l->chunk->free, ~0ull);
	EXPECT_SEEN(l->chunk->populated, 0);
	EXPECT_SEEN(pcpu_totals.nr_ready, pcpu_totals.nr_ready + 1);
	EXPECT_SEEN(pcpu_totals.nr_areas, 0);
	EXPECT_SEEN(pcpu_totals.slots, 0);
	EXPECT_SEEN(pcpu_totals.nr_populated, 0);
	EXPECT_SEEN(pcpu_totals.nr_chunks, 0);
	free_percpu(small);
	free_percpu(large);
}
