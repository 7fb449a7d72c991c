/* SPDX-License-Identifier: MIT */
/*
 * slab_corrupt_test.c - each way to misuse an object is caught, exactly once.
 *
 * The caches have all debug flags, as slab_debug=FZPU would give them, unless
 * the test says that nobody watches.  Every test damages one thing, lets the
 * checker meet it, and counts the reports; afterwards the validator must find
 * nothing left.
 */
#include <kernel/core/report.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>
#include "slab_impl.h"

#define SIZE 64
#define DEBUG                                                                  \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON |               \
	 SLAB_STORE_USER | SLAB_NO_MERGE)

static struct kmem_cache *s;
static u8 *p;

static void begin(void)
{
	s = kmem_cache_create("test-corrupt", SIZE, 0, DEBUG, NULL);
	ASSERT(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(p);
	report_expect(REPORT_SLAB);
}

static void end(unsigned long reports)
{
	EXPECT_EQ(report_expected(REPORT_SLAB), reports);
	/* Repaired: nothing is found again. */
	EXPECT_EQ(kmem_cache_validate(s), 0);
	kmem_cache_destroy(s);
}

TEST(slab_corrupt, right_red_zone)
{
	begin();
	p[SIZE] = 0x12;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	kmem_cache_free(s, p);
	end(1);
}

TEST(slab_corrupt, left_red_zone)
{
	begin();
	p[-1] = 0x12;
	kmem_cache_free(s, p);
	end(1);
}

TEST(slab_corrupt, left_red_zone_after_free)
{
	begin();
	kmem_cache_free(s, p);
	p[-1] = 0x12;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	end(1);
}

TEST(slab_corrupt, first_word_after_free)
{
	begin();
	kmem_cache_free(s, p);
	*(u64 *)p = 0;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	end(1);
}

TEST(slab_corrupt, first_byte_after_free)
{
	begin();
	kmem_cache_free(s, p);
	p[0] = 0x78;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	end(1);
}

TEST(slab_corrupt, middle_byte_after_free)
{
	begin();
	kmem_cache_free(s, p);
	p[SIZE / 2] = 0x9a;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	end(1);
}

TEST(slab_corrupt, last_byte_after_free_is_found_by_the_next_owner)
{
	begin();
	kmem_cache_free(s, p);
	p[SIZE - 1] = 0xab;
	/* Last in, first out: the same object. */
	EXPECT_EQ(kmem_cache_alloc(s, GFP_KERNEL), p);
	kmem_cache_free(s, p);
	end(1);
}

TEST(slab_corrupt, right_red_zone_after_free)
{
	begin();
	kmem_cache_free(s, p);
	p[SIZE] = 0xab;
	EXPECT_EQ(kmem_cache_validate(s), 1);
	end(1);
}

TEST(slab_corrupt, double_free)
{
	begin();
	kmem_cache_free(s, p);
	kmem_cache_free(s, p);
	end(1);
}

TEST(slab_corrupt, free_of_a_pointer_into_an_object)
{
	begin();
	kmem_cache_free(s, p + 8);
	kmem_cache_free(s, p);
	end(1);
}

TEST(slab_corrupt, free_to_the_wrong_cache)
{
	struct kmem_cache *other =
		kmem_cache_create("test-other", SIZE, 0, DEBUG, NULL);

	ASSERT(other);
	begin();
	kmem_cache_free(other, p);
	kmem_cache_free(s, p);
	end(1);
	kmem_cache_destroy(other);
}

TEST(slab_corrupt, free_of_what_is_no_slab)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	begin();
	kmem_cache_free(s, page);
	kfree(page);
	kmem_cache_free(s, p);
	end(2);
	free_page((unsigned long)page);
}

TEST(slab_corrupt, free_pointer)
{
	u8 *q;

	begin();
	q = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(q);
	kmem_cache_free(s, p);
	kmem_cache_free(s, q); /* its free pointer leads to p */
	*(u64 *)(q + SIZE + 8) ^= 0x123456;
	q = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_free(s, q);
	/* Nothing is lost: the list is made anew. */
	end(1);
}

/* --- unwatched caches: what hardening alone finds ---------------------------- */

static void begin_unwatched(void)
{
	s = kmem_cache_create("test-unwatched", SIZE, 0, SLAB_NO_MERGE, NULL);
	ASSERT(s);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(p);
	report_expect(REPORT_SLAB);
}

TEST(slab_corrupt, unwatched_free_to_the_wrong_cache)
{
	struct kmem_cache *other =
		kmem_cache_create("test-other", SIZE, 0, SLAB_NO_MERGE, NULL);

	ASSERT(other);
	begin_unwatched();
	kmem_cache_free(other, p);
	kmem_cache_free(s, p);
	end(1);
	kmem_cache_destroy(other);
}

TEST(slab_corrupt, unwatched_free_of_what_is_no_slab)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);

	ASSERT(page);
	begin_unwatched();
	kmem_cache_free(s, page);
	kfree(page);
	kmem_cache_free(s, p);
	end(2);
	free_page((unsigned long)page);
}

#define NR (4096 / SIZE)

static bool among(void *object, void **objects, int nr)
{
	while (nr--)
		if (objects[nr] == object)
			return true;
	return false;
}

/*
 * A slab's free list is cut: what comes behind is lost, and nothing else; until
 * somebody who knows it, as we do, gives it back.
 */
TEST(slab_corrupt, unwatched_free_pointer)
{
	static void *first[NR], *again[NR];
	int lost = 0;

	begin_unwatched();
	kmem_cache_free(s, p);
	if (cache_debug(s)) {
		end(0);
		SKIP("slab_debug watches all");
	}
	for (int i = 0; i < NR; i++) {
		first[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(first[i]);
	}
	for (int i = 1; i < NR; i++)
		kmem_cache_free(s, first[i]);
	kmem_cache_shrink(s); /* all back in their slab */
	*(u64 *)(first[NR / 2] + SIZE / 2) ^= 0x123456789abcd000;

	for (int i = 1; i < NR; i++) {
		again[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(again[i]);
	}
	for (int i = 1; i < NR; i++)
		if (!among(first[i], again + 1, NR - 1)) {
			kmem_cache_free(s, first[i]);
			lost++;
		}
	for (int i = 1; i < NR; i++)
		kmem_cache_free(s, again[i]);
	kmem_cache_free(s, first[0]);
	EXPECT_LT(lost, NR - 1);
	end(1);
}
