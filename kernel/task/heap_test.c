/* SPDX-License-Identifier: MIT */
/* heap_test.c - blocks are whole, aligned, and all given back. */
#include <string.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/heap.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/virt/vmalloc.h>
#include <tests/test.h>

static struct heap *test_heap(void)
{
	struct heap *heap = heap_create("test");

	ASSERT(heap);
	return heap;
}

static size_t held(struct heap *heap)
{
	struct heap_stats stats;

	heap_get_stats(heap, &stats);
	return stats.held;
}

static size_t blocks(struct heap *heap)
{
	struct heap_stats stats;

	heap_get_stats(heap, &stats);
	return stats.blocks;
}

TEST(heap, blocks_are_aligned_and_do_not_overlap)
{
	struct heap *heap = test_heap();
	char *block[200];

	for (int i = 0; i < 200; i++) {
		size_t align = 1ul << (i % 13);

		block[i] = heap_alloc(heap, align, i * 7);
		ASSERT(block[i]);
		EXPECT(IS_ALIGNED((size_t)block[i], align));
		EXPECT(heap_usable_size(block[i]) >= i * 7);
		memset(block[i], i, heap_usable_size(block[i]));
	}
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < heap_usable_size(block[i]); k++) {
			if (!EXPECT_EQ(block[i][k], (char)i))
				break;
		}
	}
	EXPECT_EQ(heap_check(heap), NULL);
	for (int i = 0; i < 200; i++)
		EXPECT(heap_free(block[i]));
	EXPECT_EQ(heap_check(heap), NULL);
	EXPECT_EQ(blocks(heap), 0);
	heap_destroy(heap);
}

TEST(heap, neighbours_merge_whatever_the_order_of_freeing)
{
	static const int order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct heap *heap = test_heap();

	for (int i = 0; i < 6; i++) {
		void *p[3], *all;

		for (int k = 0; k < 3; k++)
			p[k] = heap_alloc(heap, HEAP_ALIGN, 1000);
		for (int k = 0; k < 3; k++)
			EXPECT(heap_free(p[order[i][k]]));
		EXPECT_EQ(heap_check(heap), NULL);
		/* Only merged can they hold this where the first one was. */
		all = heap_alloc(heap, HEAP_ALIGN, 3000);
		EXPECT_EQ(all, p[0]);
		heap_free(all);
	}
	heap_destroy(heap);
}

TEST(heap, empty_segments_go_back_but_one)
{
	struct heap *heap = test_heap();
	size_t least = held(heap), one_more;
	void *p[40];

	for (int i = 0; i < 40; i++) {
		p[i] = heap_alloc(heap, HEAP_ALIGN, 60000);
		ASSERT(p[i]);
	}
	EXPECT(held(heap) > 40 * 60000);
	for (int i = 0; i < 40; i++)
		heap_free(p[i]);
	one_more = held(heap);
	EXPECT_LE(one_more, least + (256 << 10));
	EXPECT(heap_trim(heap));
	EXPECT_EQ(held(heap), least);
	EXPECT(!heap_trim(heap));
	EXPECT_EQ(heap_check(heap), NULL);
	heap_destroy(heap);
}

TEST(heap, small_blocks_set_aside_come_first_and_keep_nothing)
{
	struct heap *heap = test_heap();
	size_t least = held(heap);
	void *p[2000];

	p[0] = heap_alloc(heap, HEAP_ALIGN, 100);
	p[1] = heap_alloc(heap, HEAP_ALIGN, 100);
	heap_free(p[0]);
	EXPECT_EQ(heap_check(heap), NULL);
	EXPECT(!heap_free(p[0]));
	EXPECT_EQ(heap_alloc(heap, HEAP_ALIGN, 100), p[0]);
	heap_free(p[0]);
	heap_free(p[1]);

	/* Some from everywhere are set aside, and must not hold what they
	 * lie in. */
	for (int i = 0; i < 2000; i++) {
		p[i] = heap_alloc(heap, HEAP_ALIGN, 16 * (i % 30));
		ASSERT(p[i]);
	}
	for (int i = 0; i < 2000; i++)
		heap_free(p[(i * 701) % 2000]);
	EXPECT_EQ(heap_check(heap), NULL);
	EXPECT_EQ(blocks(heap), 0);
	EXPECT_LE(held(heap), least + (256 << 10));

	heap_destroy(heap);
}

TEST(heap, small_blocks_set_aside_are_merged_before_the_heap_grows)
{
	struct heap *heap = test_heap();
	size_t least = held(heap);
	void *p[100];
	int fit = 0;

	/* How many fill the first segment? */
	do
		p[fit] = heap_alloc(heap, HEAP_ALIGN, 400);
	while (held(heap) == least && ++fit < 100);
	for (int i = 0; i <= fit; i++)
		heap_free(p[i]);
	heap_trim(heap);
	ASSERT_EQ(held(heap), least);
	ASSERT_GT(fit, 16);

	for (int i = 0; i < fit; i++)
		p[i] = heap_alloc(heap, HEAP_ALIGN, 400);
	EXPECT_EQ(held(heap), least);
	for (int i = 4; i < 12; i++)
		heap_free(p[i]);
	EXPECT(heap_alloc(heap, HEAP_ALIGN, 8 * 400));
	EXPECT_EQ(held(heap), least);
	EXPECT_EQ(heap_check(heap), NULL);
	heap_destroy(heap);
}

TEST(heap, large_blocks_go_back_when_freed)
{
	struct heap *heap = test_heap();
	size_t least = held(heap);
	char *p;

	p = heap_alloc(heap, 8192, 1 << 20);
	ASSERT(p);
	EXPECT(IS_ALIGNED((size_t)p, 8192ul));
	memset(p, 1, 1 << 20);
	EXPECT(held(heap) >= least + (1 << 20));
	EXPECT_EQ(heap_check(heap), NULL);
	EXPECT(heap_free(p));
	EXPECT_EQ(held(heap), least);
	heap_destroy(heap);
}

TEST(heap, realloc_keeps_the_contents)
{
	struct heap *heap = test_heap();
	size_t size = 1;
	char *p;

	p = heap_alloc(heap, HEAP_ALIGN, size);
	while (size < 600000) {
		size_t bigger = size * 3 + 5;

		memset(p, size, size);
		p = heap_realloc(heap, p, bigger);
		ASSERT(p);
		for (size_t i = 0; i < size; i++) {
			if (!EXPECT_EQ(p[i], (char)size))
				break;
		}
		size = bigger;
	}
	p = heap_realloc(heap, p, 10);
	ASSERT(p);
	EXPECT_EQ(blocks(heap), 1);
	EXPECT(heap_usable_size(p) < 1000);
	EXPECT(heap_free(p));
	heap_destroy(heap);
}

TEST(heap, impossible_sizes_are_refused)
{
	struct heap *heap = test_heap();

	EXPECT_EQ(heap_alloc(heap, HEAP_ALIGN, ~0ul), NULL);
	EXPECT_EQ(heap_alloc(heap, HEAP_ALIGN, 1ul << 62), NULL);
	EXPECT_EQ(heap_alloc(heap, 1ul << 62, 1), NULL);
	EXPECT_EQ(blocks(heap), 0);
	heap_destroy(heap);
}

TEST(heap, bad_frees_are_refused_and_change_nothing)
{
	struct heap *heap = test_heap();
	unsigned long *p, *q, saved;

	p = heap_alloc(heap, HEAP_ALIGN, 100);
	q = heap_alloc(heap, HEAP_ALIGN, 100);
	EXPECT(!heap_free((char *)p + 1));
	EXPECT(heap_free(p));
	EXPECT(!heap_free(p));
	EXPECT(heap_free(NULL));
	/* Merged at once, where the first was set aside. */
	p = heap_alloc(heap, HEAP_ALIGN, 1000);
	EXPECT(heap_free(p));
	EXPECT(!heap_free(p));

	/* The word in front says whose block it is. */
	saved = q[-2];
	q[-2] = 0x4141414141414141;
	EXPECT(!heap_free(q));
	EXPECT_EQ(heap_usable_size(q), 0);
	q[-2] = saved;
	EXPECT_EQ(blocks(heap), 1);
	EXPECT(heap_free(q));
	EXPECT_EQ(heap_check(heap), NULL);
	heap_destroy(heap);
}

TEST(heap, check_sees_an_overrun)
{
	struct heap *heap = test_heap();
	size_t usable;
	unsigned long saved;
	char *p;

	p = heap_alloc(heap, HEAP_ALIGN, 100);
	usable = heap_usable_size(p);
	EXPECT_EQ(heap_check(heap), NULL);
	memcpy(&saved, p + usable, sizeof(saved));
	memset(p + usable, 'x', sizeof(saved));
	EXPECT_NE(heap_check(heap), NULL);
	memcpy(p + usable, &saved, sizeof(saved));
	EXPECT_EQ(heap_check(heap), NULL);
	heap_destroy(heap);
}

TEST(heap, destroying_gives_back_what_is_still_allocated)
{
	struct vmalloc_info before, after;
	struct heap *heap;

	vmalloc_get_info(&before);
	heap = test_heap();
	for (int i = 0; i < 300; i++)
		ASSERT(heap_alloc(heap, HEAP_ALIGN, i * 50));
	ASSERT(heap_alloc(heap, HEAP_ALIGN, 3 << 20));
	vmalloc_get_info(&after);
	EXPECT(after.pages > before.pages + 768);
	heap_destroy(heap);
	vmalloc_get_info(&after);
	EXPECT_EQ(after.areas, before.areas);
	EXPECT_EQ(after.pages, before.pages);
}

/* A block that grows, or stays as it was; and one that is large. */
static void grow_if_possible(struct heap *heap)
{
	size_t before = held(heap);
	char *p = heap_alloc(heap, HEAP_ALIGN, 40000), *q;

	if (!p) {
		EXPECT(fault_fired(&fail_page_alloc));
		EXPECT_EQ(held(heap), before);
		return;
	}
	p[39999] = 'x';
	q = heap_realloc(heap, p, 200000);
	if (!q) {
		EXPECT(fault_fired(&fail_page_alloc));
		EXPECT_EQ(blocks(heap), 1);
		q = p;
	}
	EXPECT_EQ(q[39999], 'x');
	EXPECT(heap_free(q));
}

TEST(heap, what_finds_no_memory_changes_nothing)
{
	unsigned int refused = 0;
	unsigned long n;

	FAULT_SWEEP(&fail_page_alloc, n) {
		struct heap *heap = heap_create("test");

		if (!heap) {
			EXPECT(fault_fired(&fail_page_alloc));
			refused++;
			continue;
		}
		grow_if_possible(heap);
		EXPECT_EQ(heap_check(heap), NULL);
		EXPECT_EQ(blocks(heap), 0);
		heap_destroy(heap);
	}
	EXPECT_GE(refused, 1);
	EXPECT_GE(n, 4);
}

/* Random sizes and order; every block keeps its bytes. */
TEST(heap, stress)
{
	enum { SLOTS = 500, STEPS = 20000 };
	struct slot {
		unsigned char *p;
		size_t size;
		unsigned char mark;
	};
	struct heap *heap = test_heap(), *other = heap_create("other");
	struct slot *slot;

	ASSERT(other);
	slot = heap_alloc(heap, HEAP_ALIGN, SLOTS * sizeof(*slot));
	ASSERT(slot);
	memset(slot, 0, SLOTS * sizeof(*slot));

	for (int step = 0; step < STEPS; step++) {
		struct slot *s = &slot[test_random() % SLOTS];
		size_t size =
			test_random() % (test_random() % 16 ? 400 : 20000);
		struct heap *from = step % 3 ? heap : other;

		if (s->p && s->size &&
		    (s->p[0] != s->mark || s->p[s->size - 1] != s->mark)) {
			EXPECT(!"block keeps its bytes");
			break;
		}
		if (!s->p) {
			s->p = heap_alloc(from, 1ul << test_random() % 10,
					  size);
		} else if (test_random() % 3) {
			ASSERT(heap_free(s->p));
			s->p = NULL;
			continue;
		} else {
			s->p = heap_realloc(from, s->p, size);
		}
		ASSERT(s->p);
		s->size = size;
		s->mark = step;
		memset(s->p, s->mark, heap_usable_size(s->p));
		if (step % 1000 == 0) {
			ASSERT_EQ(heap_check(heap), NULL);
			ASSERT_EQ(heap_check(other), NULL);
		}
	}
	for (int i = 0; i < SLOTS; i++)
		EXPECT(heap_free(slot[i].p));
	EXPECT(heap_free(slot));
	EXPECT_EQ(heap_check(heap), NULL);
	EXPECT_EQ(blocks(heap), 0);
	EXPECT_EQ(blocks(other), 0);
	heap_destroy(heap);
	heap_destroy(other);
}
