/* SPDX-License-Identifier: MIT */
/* removal_test.c - a group that was removed is gone, however many there were and
 * whatever they left behind. */
#include <kernel/cgroup/cgroup.h>
#include <lib/err.h>
#include <lib/format.h>
#include <mm/memcg/audit.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/slab/slab.h>
#include <tests/test.h>
#include "memcg_test.h"

/* --- one with a hundred thousand objects ----------------------------------------- */

#define NR_LIVE 100000

/* What is its parent's own. */
static long owned_by(const struct mem_cgroup *memcg)
{
	struct audit *a = audit_take();
	long bytes = -1;

	ASSERT(a);
	EXPECT_EQ(a->nr_findings, 0ul);
	for (unsigned int i = 0; i < a->nr_groups; i++)
		if (audit_group(a, i)->memcg == memcg)
			bytes = audit_group(a, i)
					->owned[MEMCG_SLAB_UNRECLAIMABLE];
	audit_free(a);
	return bytes;
}

TEST(memcg, a_hundred_thousand_live_objects_keep_no_group)
{
	struct mem_cgroup *parent = group_make("/r");
	struct mem_cgroup *child = group_make("/r/s");
	long groups = cgroup_nr_live(), stride;
	void **objects;

	ASSERT(parent && child);
	if (nr_free_pages() < 3 * NR_LIVE / 64)
		SKIP("not enough memory");
	objects = make_objects(child, NR_LIVE);
	stride = owned_by(child) / NR_LIVE;
	EXPECT_GE(stride, 64l);
	EXPECT_EQ(owned_by(parent), 0l);

	group_remove("/r/s");
	cgroup_wait_teardown();
	EXPECT_EQ(cgroup_nr_live(), groups - 1);
	EXPECT_EQ(mem_cgroup_css(parent)->cgroup->nr_dying_descendants, 0u);
	EXPECT_EQ(owned_by(parent), NR_LIVE * stride);

	free_objects(objects);
	EXPECT_EQ(owned_by(parent), 0l);
	EXPECT_EQ(settled_usage(parent), 0ul);
	group_remove("/r");
}

/* --- ten thousand ------------------------------------------------------------------ */

/* Each is used, and leaves an object that is freed when it is gone. */
static void come_and_go(unsigned int from, unsigned int to)
{
	void *left = NULL;
	char path[32];

	for (unsigned int i = from; i < to; i++) {
		struct mem_cgroup *memcg, *old;

		format(path, sizeof(path), "/r/%u", i);
		memcg = group_make(path);
		if (!memcg)
			break;
		kfree(left);
		old = set_active_memcg(memcg);
		left = kmalloc(64, GFP_KERNEL_ACCOUNT);
		set_active_memcg(old);
		EXPECT_EQ(cgroup_rmdir(path), 0);
		if (i % 500 == 499)
			cgroup_wait_teardown();
	}
	kfree(left);
}

static void expect_no_growth(unsigned int groups)
{
	unsigned long before;

	ASSERT(group_make("/r"));
	come_and_go(0, 200);
	before = settled_pages();
	come_and_go(200, 200 + groups);
	/* Slabs in part use are no growth; a leak of single objects shows in
	 * their count, after each test. */
	EXPECT_LE(settled_pages(), before + 32);
	EXPECT_EQ(mem_cgroup_css(root_mem_cgroup)->cgroup->nr_dying_descendants,
		  0u);
	group_remove("/r");
}

TEST(memcg, a_thousand_groups_come_and_go_without_growth)
{
	expect_no_growth(1000);
}

TEST_T(memcg, ten_thousand_groups_come_and_go_without_growth, 120)
{
	expect_no_growth(10000);
}
