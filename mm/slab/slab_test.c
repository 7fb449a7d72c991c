/* SPDX-License-Identifier: MIT */
/* slab_test.c - what a cache promises, in whichever shape the kernel has. */
#include <kernel/core/fault_inject.h>
#include <kernel/core/rcu.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/slab.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include <tests/test.h>
#include "slab_impl.h"

TEST_LEAK_COUNTER(slab_objects)
{
	return slab_nr_objects();
}

TEST_QUIESCE(slabs)
{
	slab_drain_all();
}

TEST_AUDIT(slabs)
{
	EXPECT_EQ(slab_validate_all(), 0);
}

static struct kmem_cache *plain_cache(unsigned int size)
{
	return kmem_cache_create("test", size, 0, SLAB_NO_MERGE, NULL);
}

/* Each object's first and last byte can be told from all others'. */
static void stamp(u8 *object, unsigned int size, u8 mark)
{
	object[0] = mark;
	object[size - 1] = mark;
}

TEST(slab, objects_do_not_overlap)
{
	enum { NR = 500 };
	static const unsigned int sizes[] = {8,	  16,  24,   64,   100,
					     192, 700, 1024, 4096, 8192};
	static u8 *objects[NR];

	for (int k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *s = plain_cache(sizes[k]);

		ASSERT(s);
		for (int i = 0; i < NR; i++) {
			objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
			ASSERT(objects[i]);
			memset(objects[i], i, sizes[k]);
		}
		for (int i = 0; i < NR; i++) {
			EXPECT_EQ(objects[i][0], (u8)i);
			EXPECT_EQ(objects[i][sizes[k] - 1], (u8)i);
			kmem_cache_free(s, objects[i]);
		}
		kmem_cache_destroy(s);
	}
}

TEST(slab, alignment_is_kept)
{
	void *objects[40];

	for (unsigned int align = 8; align <= PAGE_SIZE; align *= 2) {
		struct kmem_cache *s = kmem_cache_create(
			"test-align", 24, align, SLAB_NO_MERGE, NULL);

		ASSERT(s);
		for (int i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
			ASSERT(objects[i]);
			EXPECT(IS_ALIGNED((unsigned long)objects[i], align));
		}
		kmem_cache_free_bulk(s, ARRAY_SIZE(objects), objects);
		kmem_cache_destroy(s);
	}
}

#define CTOR_MARK 0x5ca1ab1e

static void mark_object(void *object)
{
	*(u64 *)object = CTOR_MARK;
}

TEST(slab, constructor_runs_once_and_its_work_survives_free)
{
	struct kmem_cache *s =
		kmem_cache_create("test-ctor", 64, 0, 0, mark_object);
	u64 *objects[300];

	ASSERT(s);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
			ASSERT(objects[i]);
			/* Later rounds see what the first left in it. */
			if (objects[i][0] != CTOR_MARK &&
			    objects[i][0] != CTOR_MARK + 1)
				FAIL("constructor's mark lost: %#lx",
				     (unsigned long)objects[i][0]);
			objects[i][0] = CTOR_MARK + 1;
		}
		for (int i = 0; i < ARRAY_SIZE(objects); i++)
			kmem_cache_free(s, objects[i]);
	}
	kmem_cache_destroy(s);
}

TEST(slab, zeroed_means_every_byte_of_every_object)
{
	struct kmem_cache *s = plain_cache(120);
	u8 *objects[100];

	ASSERT(s);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = kmem_cache_zalloc(s, GFP_KERNEL);
			ASSERT(objects[i]);
			for (int j = 0; j < 120; j++)
				EXPECT_EQ(objects[i][j], 0);
			memset(objects[i], 0xff, 120);
		}
		for (int i = 0; i < ARRAY_SIZE(objects); i++)
			kmem_cache_free(s, objects[i]);
	}
	kmem_cache_destroy(s);
}

TEST(slab, like_caches_are_shared_and_unlike_are_not)
{
	struct kmem_cache *a = kmem_cache_create("test-a", 328, 0, 0, NULL);
	struct kmem_cache *b = kmem_cache_create("test-b", 326, 0, 0, NULL);
	struct kmem_cache *c =
		kmem_cache_create("test-c", 328, 0, SLAB_ACCOUNT, NULL);
	struct kmem_cache *d =
		kmem_cache_create("test-d", 328, 0, 0, mark_object);
	struct kmem_cache *e =
		kmem_cache_create("test-e", 328, 0, SLAB_NO_MERGE, NULL);

	ASSERT(a && b && c && d && e);
	EXPECT_EQ(a == b, slab_merging() && !cache_debug(a));
	EXPECT_NE(a, c);
	EXPECT_NE(a, d);
	EXPECT_NE(a, e);
	kmem_cache_destroy(b);
	/* Still there under its other name. */
	kmem_cache_free(a, kmem_cache_alloc(a, GFP_KERNEL));
	kmem_cache_destroy(a);
	kmem_cache_destroy(c);
	kmem_cache_destroy(d);
	kmem_cache_destroy(e);
}

TEST(slab, nonsense_is_refused)
{
	report_expect(REPORT_WARN);
	EXPECT(!kmem_cache_create("test", 0, 0, 0, NULL));
	EXPECT(!kmem_cache_create("test", 64, 3, 0, NULL));
	EXPECT(!kmem_cache_create("test", 64, 2 * PAGE_SIZE, 0, NULL));
	EXPECT(!kmem_cache_create("test", 9000, 0, 0, NULL));
	EXPECT(!kmem_cache_create(NULL, 64, 0, 0, NULL));
	EXPECT(!kmem_cache_create_usercopy("test", 64, 0, 0, 60, 8, NULL));
	EXPECT_EQ(report_expected(REPORT_WARN), 6);
}

TEST(slab, bulk_is_all_or_nothing)
{
	struct kmem_cache *s = plain_cache(64);
	void *objects[200];
	unsigned long n;

	ASSERT(s);
	ASSERT_EQ(kmem_cache_alloc_bulk(s, GFP_KERNEL, 200, objects), 200);
	for (int i = 0; i < 200; i++)
		stamp(objects[i], 64, i);
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(*(u8 *)objects[i], (u8)i);
	kmem_cache_free_bulk(s, 200, objects);
	kmem_cache_shrink(s);

	FAULT_SWEEP(&fail_page_alloc, n) {
		unsigned int got = kmem_cache_alloc_bulk(
			s, GFP_KERNEL | __GFP_NOWARN, 200, objects);

		EXPECT(got == 200 ||
		       (got == 0 && fault_fired(&fail_page_alloc)));
		if (got)
			kmem_cache_free_bulk(s, got, objects);
		kmem_cache_shrink(s);
	}
	EXPECT_GT(n, 1);
	kmem_cache_destroy(s);
}

TEST(slab, shrink_returns_every_page)
{
	enum { NR = 2000 };
	static void *objects[NR];
	struct kmem_cache *s = plain_cache(256);
	long pages;

	ASSERT(s);
	slab_drain_all();
	drain_all_pages();
	pages = page_nr_in_use();
	for (int i = 0; i < NR; i++) {
		objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(objects[i]);
	}
	EXPECT_GE(page_nr_in_use() - pages, NR * 256 / (long)PAGE_SIZE);
	for (int i = 0; i < NR; i++)
		kmem_cache_free(s, objects[i]);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	slab_drain_all();
	EXPECT_EQ(page_nr_in_use(), pages);
	kmem_cache_destroy(s);
}

TEST(slab, a_million_objects_cost_their_payload)
{
	enum { NR = 1000000, LIST = 4096 };
	struct kmem_cache *s;
	void **first = NULL;
	long before, used;

	if (nr_free_pages() < NR * 64 / PAGE_SIZE * 5 / 4)
		SKIP("not enough memory");
	s = plain_cache(64);
	ASSERT(s);
	if (cache_debug(s)) {
		kmem_cache_destroy(s);
		SKIP("slab_debug surrounds each object");
	}
	before = page_nr_in_use();
	for (int i = 0; i < NR; i++) {
		void **object = kmem_cache_alloc(s, GFP_KERNEL);

		ASSERT(object);
		*object = first;
		first = object;
	}
	used = page_nr_in_use() - before;
	EXPECT_LE(used * PAGE_SIZE * 100, NR * 64ul * 101);
	while (first) {
		void **next = *first;

		kmem_cache_free(s, first);
		first = next;
	}
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	kmem_cache_destroy(s);
}

/* Take what memory @nid has, down to the mark, and chain it. */
static struct page *take_all_of(int nid)
{
	struct page *chain = NULL, *page;

	while ((page = alloc_pages_node(
			nid, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 0))) {
		*(struct page **)page_address(page) = chain;
		chain = page;
	}
	return chain;
}

static void free_chain(struct page *chain)
{
	while (chain) {
		struct page *next = *(struct page **)page_address(chain);

		__free_page(chain);
		chain = next;
	}
}

/* A CPU whose node has no page left, or never had memory, fills the slabs that
 * it gets elsewhere all the same. */
TEST(slab, objects_from_afar_share_their_slabs)
{
	enum { NR = 4000, BULK = 1000 };
	static void *objects[NR];
	struct kmem_cache *s;
	struct page *chain;
	unsigned int cpu, poor = 0;
	long pages;
	int nid, nr;

	for_each_online_cpu(cpu)
		if (cpu_to_mem(cpu) != cpu_to_node(cpu))
			poor = cpu;
	ASSERT_EQ(set_cpus_allowed(current, cpumask_of(poor)), 0);
	nid = cpu_to_node(poor);
	chain = take_all_of(nid);
	s = plain_cache(64);
	if (!s || nr_free_pages() < NR) {
		free_chain(chain);
		kmem_cache_destroy(s);
		set_cpus_allowed(current, cpu_possible_mask);
		SKIP("no other node with memory");
	}
	pages = page_nr_in_use();
	nr = kmem_cache_alloc_bulk(s, GFP_KERNEL, BULK, objects);
	EXPECT_EQ(nr, BULK);
	for (int i = nr; i < NR; i++) {
		objects[i] = i % 4 ? kmem_cache_alloc(s, GFP_KERNEL)
				   : kmem_cache_alloc_node(s, GFP_KERNEL, nid);
		EXPECT(objects[i]);
	}
	pages = page_nr_in_use() - pages;
	/* Watched objects are larger; a slab for each would be 4000 pages. */
	EXPECT_LT(pages, NR / 4);
	for (int i = 0; i < NR; i++)
		if (objects[i])
			kmem_cache_free(s, objects[i]);
	free_chain(chain);
	EXPECT_EQ(kmem_cache_shrink(s), 0);
	kmem_cache_destroy(s);
	set_cpus_allowed(current, cpu_possible_mask);
}

struct safe_object {
	u64 generation;
	struct rcu_head rcu;
};

TEST(slab, typesafe_slabs_outlive_readers)
{
	struct kmem_cache *s = kmem_cache_create("test-typesafe",
						 sizeof(struct safe_object), 0,
						 SLAB_TYPESAFE_BY_RCU, NULL);
	struct safe_object *object;

	ASSERT(s);
	object = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(object);
	object->generation = 42;
	rcu_read_lock();
	kmem_cache_free(s, object);
	/* Its bytes are the cache's still, whatever became of its slab. */
	EXPECT_EQ(READ_ONCE(object->generation), 42);
	rcu_read_unlock();
	kmem_cache_destroy(s);
}

TEST(slab, kfree_rcu_waits_and_then_frees)
{
	enum { NR = 300 };

	for (int i = 0; i < NR; i++) {
		struct safe_object *object =
			kmalloc(sizeof(*object), GFP_KERNEL);

		ASSERT(object);
		object->generation = 7;
		rcu_read_lock();
		kfree_rcu(object, rcu);
		EXPECT_EQ(READ_ONCE(object->generation), 7);
		rcu_read_unlock();
	}
	/* That they are freed in the end is what the leak check says. */
	kfree_rcu_barrier();
}

TEST(slab, destroy_reports_each_leaked_object)
{
	struct kmem_cache *s = kmem_cache_create(
		"test-leak", 64, 0, SLAB_NO_MERGE | SLAB_STORE_USER, NULL);
	void *objects[3];

	ASSERT(s);
	for (int i = 0; i < 3; i++) {
		objects[i] = kmem_cache_alloc(s, GFP_KERNEL);
		ASSERT(objects[i]);
	}
	report_expect(REPORT_SLAB);
	kmem_cache_destroy(s);
	EXPECT_EQ(report_expected(REPORT_SLAB), 3);

	/* Left alive for those who still free into it. */
	for (int i = 0; i < 3; i++)
		kmem_cache_free(s, objects[i]);
	kmem_cache_destroy(s);
}

TEST(slab, creation_fails_without_trace)
{
	unsigned long n;
	struct kmem_cache *s;

	FAULT_SWEEP(&failslab, n) {
		s = kmem_cache_create("test-fault", 72, 0, SLAB_NO_MERGE, NULL);
		kmem_cache_destroy(s);
	}
	EXPECT_GT(n, 1);
	FAULT_SWEEP(&fail_percpu, n) {
		s = kmem_cache_create("test-fault", 72, 0, SLAB_NO_MERGE, NULL);
		EXPECT(s || fault_fired(&fail_percpu));
		kmem_cache_destroy(s);
	}
	EXPECT_GT(n, 1);
}

TEST(slab, copies_stay_inside_the_allowed_part)
{
	struct kmem_cache *s = kmem_cache_create_usercopy("test-copy", 128, 0,
							  0, 32, 16, NULL);
	char *object;

	ASSERT(s);
	object = kmem_cache_alloc(s, GFP_KERNEL);
	ASSERT(object);
	EXPECT(slab_check_copy(object + 32, 16));
	EXPECT(!slab_check_copy(object + 31, 4));
	EXPECT(!slab_check_copy(object + 40, 9));
	EXPECT(!slab_check_copy(object, 128));
	kmem_cache_free(s, object);
	kmem_cache_destroy(s);

	object = kmalloc(100, GFP_KERNEL);
	ASSERT(object);
	EXPECT(slab_check_copy(object, 100));
	EXPECT(!slab_check_copy(object, 4096));
	kfree(object);
}

/* --- kmalloc --------------------------------------------------------------- */

TEST(kmalloc, every_size_holds_what_was_asked_for)
{
	for (size_t size = 1; size <= 20000; size += 1 + size / 16) {
		u8 *p = kmalloc(size, GFP_KERNEL);

		ASSERT(p);
		EXPECT_GE(ksize(p), size);
		EXPECT(size <= 192 || ksize(p) < 2 * size + PAGE_SIZE);
		memset(p, 0xa5, size);
		kfree(p);
	}
}

TEST(kmalloc, class_is_the_smallest_that_fits)
{
	for (size_t size = 1; size <= KMALLOC_MAX_CACHE_SIZE; size++) {
		unsigned int class = kmalloc_class(size);
		unsigned int fits = kmem_cache_size(kmalloc_caches[class]);

		EXPECT_GE(fits, size);
		for (int i = 1; i < KMALLOC_NR_CLASSES; i++)
			if (kmem_cache_size(kmalloc_caches[i]) >= size)
				EXPECT_LE(fits,
					  kmem_cache_size(kmalloc_caches[i]));
	}
}

TEST(kmalloc, constant_and_variable_sizes_agree)
{
	volatile size_t size;
	void *a, *b;

#define BOTH(n)                                                                \
	size = n;                                                              \
	a = kmalloc(n, GFP_KERNEL);                                            \
	b = kmalloc(size, GFP_KERNEL);                                         \
	EXPECT_EQ(ksize(a), ksize(b));                                         \
	kfree(a);                                                              \
	kfree(b)

	BOTH(1);
	BOTH(8);
	BOTH(9);
	BOTH(64);
	BOTH(65);
	BOTH(96);
	BOTH(97);
	BOTH(129);
	BOTH(192);
	BOTH(193);
	BOTH(8192);
	BOTH(8193);
	BOTH(100000);
#undef BOTH
}

TEST(kmalloc, zero_bytes_and_null_are_harmless)
{
	volatile size_t none = 0;
	void *p = kmalloc(none, GFP_KERNEL);

	EXPECT_EQ(p, ZERO_SIZE_PTR);
	kfree(p);
	kfree(NULL);
	EXPECT_EQ(ksize(NULL), 0);
	EXPECT(!kmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	EXPECT(!kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
}

TEST(kmalloc, krealloc_keeps_contents)
{
	u8 *p = NULL, *q;
	unsigned long n;

	for (size_t size = 1; size < 70000; size = size * 2 + 1) {
		q = krealloc(p, size, GFP_KERNEL);
		ASSERT(q);
		p = q;
		for (size_t i = 0; i < size / 2; i++)
			EXPECT_EQ(p[i], (u8)i);
		for (size_t i = 0; i < size; i++)
			p[i] = i;
	}
	FAULT_SWEEP(&fail_page_alloc, n) {
		q = krealloc(p, 300000, GFP_KERNEL | __GFP_NOWARN);
		if (q)
			p = q;
		EXPECT_EQ(p[1000], (u8)1000);
	}
	kfree(p);
}

TEST(kmalloc, kstrdup_copies_what_there_is)
{
	static const char text[] = "a copy";
	unsigned long n;
	char *copy;

	FAULT_SWEEP(&failslab, n) {
		copy = kstrdup(text, GFP_KERNEL | __GFP_NOWARN);
		EXPECT(copy || fault_fired(&failslab));
		if (!copy)
			continue;
		EXPECT(copy != text);
		EXPECT_STREQ(copy, text);
		kfree(copy);
	}
	EXPECT_GT(n, 1);
	copy = kstrdup("", GFP_KERNEL);
	ASSERT(copy);
	EXPECT_EQ(*copy, '\0');
	kfree(copy);
	EXPECT(!kstrdup(NULL, GFP_KERNEL));
}

TEST(kmalloc, a_node_is_asked_for_in_every_size)
{
	for (size_t size = 1; size < 70000; size = size * 3 + 1) {
		u8 *p = kmalloc_node(size, GFP_KERNEL | __GFP_ZERO, 0);

		ASSERT(p);
		EXPECT_GE(ksize(p), size);
		for (size_t i = 0; i < size; i++)
			EXPECT_EQ(p[i], 0);
		EXPECT_EQ(page_to_nid(virt_to_page(p)), 0);
		memset(p, 0x5a, size);
		kfree(p);
	}
	EXPECT_EQ(kmalloc_node(0, GFP_KERNEL, 0), ZERO_SIZE_PTR);
	EXPECT(!kmalloc_node(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN,
			     0));
}

TEST(kmalloc, kvmalloc_falls_back_to_vmalloc)
{
	u8 *p;

	fault_fail_nth(&fail_page_alloc, 1);
	p = kvmalloc(64 * PAGE_SIZE, GFP_KERNEL);
	fault_off(&fail_page_alloc);
	ASSERT(p);
	EXPECT(is_vmalloc_addr(p));
	memset(p, 1, 64 * PAGE_SIZE);
	kvfree(p);

	p = kvmalloc(100, GFP_KERNEL);
	ASSERT(p);
	EXPECT(!is_vmalloc_addr(p));
	kvfree(p);
}
