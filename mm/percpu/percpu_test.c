/* SPDX-License-Identifier: MIT */
/* percpu_test.c - every CPU has its own copy, and nothing of it is lost. */
#include <arch/cpumask.h>
#include <arch/paging.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/percpu.h>
#include <kernel/core/report.h>
#include <kernel/core/preempt.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu.h>
#include <string.h>
#include <tests/test.h>

TEST_LEAK_COUNTER(percpu_areas)
{
	struct percpu_info info;

	percpu_get_info(&info);
	return info.nr_allocs;
}

TEST_QUIESCE(percpu)
{
	percpu_drain();
}

TEST_AUDIT(percpu)
{
	EXPECT_EQ(percpu_validate_all(), 0);
}

TEST(percpu, copies_are_zeroed_and_apart)
{
	u64 __percpu *p = alloc_percpu(u64);
	unsigned int cpu;

	ASSERT(p);
	for_each_possible_cpu(cpu) {
		EXPECT_EQ(*per_cpu_ptr(p, cpu), 0);
		*per_cpu_ptr(p, cpu) = cpu + 100;
	}
	for_each_possible_cpu(cpu)
		EXPECT_EQ(*per_cpu_ptr(p, cpu), cpu + 100);
	preempt_disable();
	EXPECT_EQ(this_cpu_read(*p), smp_processor_id() + 100);
	this_cpu_inc(*p);
	EXPECT_EQ(*this_cpu_ptr(p), smp_processor_id() + 101);
	EXPECT_EQ(*per_cpu_ptr(p, smp_processor_id()),
		  smp_processor_id() + 101);
	preempt_enable();
	free_percpu(p);
}

TEST(percpu, what_was_used_comes_back_zeroed)
{
	for (int round = 0; round < 3; round++) {
		u8 __percpu *p = __alloc_percpu(500, 8);
		unsigned int cpu;

		ASSERT(p);
		for_each_possible_cpu(cpu) {
			for (int i = 0; i < 500; i++)
				EXPECT_EQ(per_cpu_ptr(p, cpu)[i], 0);
			memset(per_cpu_ptr(p, cpu), 0xff, 500);
		}
		free_percpu(p);
	}
}

TEST(percpu, sizes_and_alignments_are_kept)
{
	struct prng rng;
	void __percpu *p;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 300; i++) {
		size_t align = 1ul << prng_below(&rng, 13);
		size_t size =
			1 + prng_below(&rng, i % 10 ? 600 : PERCPU_MAX_SIZE);

		p = __alloc_percpu(size, align);
		ASSERT(p);
		EXPECT(IS_ALIGNED((unsigned long)per_cpu_ptr(p, 0), align));
		memset(per_cpu_ptr(p, nr_cpu_ids - 1), 1, size);
		free_percpu(p);
	}
}

TEST(percpu, nonsense_is_refused)
{
	report_expect(REPORT_WARN);
	EXPECT(!__alloc_percpu(0, 8));
	EXPECT(!__alloc_percpu(PERCPU_MAX_SIZE + 1, 8));
	EXPECT(!__alloc_percpu(8, 3));
	EXPECT(!__alloc_percpu(8, 2 * PAGE_SIZE));
	EXPECT_EQ(report_expected(REPORT_WARN), 4);
}

TEST(percpu, double_free_is_caught_once)
{
	u64 __percpu *p = alloc_percpu(u64);

	ASSERT(p);
	free_percpu(p);
	report_expect(REPORT_PERCPU);
	free_percpu(p);
	EXPECT_EQ(report_expected(REPORT_PERCPU), 1);
	report_expect(REPORT_PERCPU);
	free_percpu((void *)p + 4);
	EXPECT_EQ(report_expected(REPORT_PERCPU), 1);
}

TEST(percpu, atomic_context_is_served_from_the_reserve)
{
	enum { NR = 100 };
	u64 __percpu *p[NR];

	percpu_drain();
	fault_fail_from(&fail_page_alloc, 1); /* our own calls */
	for (int i = 0; i < NR; i++) {
		p[i] = alloc_percpu_gfp(u64, GFP_ATOMIC);
		EXPECT(p[i]);
	}
	EXPECT_EQ(fault_off(&fail_page_alloc), 0);
	for (int i = 0; i < NR; i++)
		free_percpu(p[i]);
}

TEST(percpu, empty_chunks_give_their_pages_back)
{
	enum { NR = 400 };
	static void __percpu *p[NR];
	struct percpu_info before, full, after;
	long pages;

	percpu_drain();
	drain_all_pages();
	percpu_get_info(&before);
	pages = page_nr_in_use();
	for (int i = 0; i < NR; i++) {
		p[i] = __alloc_percpu(2048, 8);
		ASSERT(p[i]);
	}
	percpu_get_info(&full);
	EXPECT_GT(full.nr_chunks, before.nr_chunks);
	for (int i = 0; i < NR; i++)
		free_percpu(p[i]);
	percpu_drain();
	percpu_get_info(&after);
	EXPECT_EQ(after.nr_chunks, before.nr_chunks);
	EXPECT_EQ(after.populated_pages, before.populated_pages);
	drain_all_pages();
	/* Page tables of the chunks stay. */
	EXPECT_LE(page_nr_in_use() - pages, 64);
}

TEST(percpu, failing_anywhere_leaves_nothing)
{
	enum { NR = 40 };
	void __percpu *p[NR];
	unsigned long n;
	int got;

	FAULT_SWEEP(&fail_page_alloc, n) {
		for (got = 0; got < NR; got++) {
			p[got] = __alloc_percpu(8192, 8);
			if (!p[got])
				break;
		}
		EXPECT(got == NR || fault_fired(&fail_page_alloc));
		while (got)
			free_percpu(p[--got]);
		percpu_drain();
		EXPECT_EQ(percpu_validate_all(), 0);
	}
	EXPECT_GT(n, 1);
}
