/* SPDX-License-Identifier: MIT */
/* sweep_test.c - the dead do not keep ids for ever. */
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <lib/err.h>
#include <mm/page/page_alloc.h>
#include <mm/percpu/percpu.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/slab/owner.h>
#include <mm/slab/slab.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"

/* One of everything, charged to @memcg. */
struct estate {
	void *object;
	void *large;
	struct page *page;
	void *area;
	int __percpu *percpu;
};

static void estate_make(struct estate *e, struct mem_cgroup *memcg)
{
	struct mem_cgroup *old = set_active_memcg(memcg);

	e->object = kmalloc(100, GFP_KERNEL_ACCOUNT);
	e->large = kmalloc(5 * PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	e->page = alloc_pages(GFP_KERNEL_ACCOUNT, 1);
	e->area = __vmalloc(3 * PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	/* A large area: a vector for small ones may stay with its block. */
	e->percpu = __alloc_percpu_gfp(6000, 8, GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	EXPECT(e->object && e->large && e->page && e->area && e->percpu);
}

static void estate_free(struct estate *e)
{
	kfree(e->object);
	kfree(e->large);
	__free_pages(e->page, 1);
	vfree(e->area);
	free_percpu(e->percpu);
}

static void wait_for_the_dead(void)
{
	cgroup_wait_teardown();
	rcu_barrier();
	rcu_barrier();
}

/* What memory.stat says of each kind. */
static void read_state(struct mem_cgroup *memcg, u64 *state)
{
	mem_cgroup_flush_stats(memcg);
	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++)
		state[kind] = mem_cgroup_state(memcg, kind);
}

static void expect_state(struct mem_cgroup *memcg, const u64 *state)
{
	u64 now[MEMCG_NR_KINDS];

	read_state(memcg, now);
	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++)
		EXPECT_EQ(now[kind], state[kind]);
}

/* The heir has it all, to the byte, and the dead are gone. */
TEST(sweep, old_bug_14_ids_of_the_dead_come_back)
{
	struct mem_cgroup *parent = group_make("/t"), *child;
	long before = obj_cgroup_nr_live();
	u64 state[MEMCG_NR_KINDS];
	unsigned long usage;
	struct estate e;
	u32 heir;

	ASSERT(parent && (child = group_make("/t/c")));
	estate_make(&e, child);
	heir = parent->objcg->id;
	group_remove("/t/c");
	wait_for_the_dead();
	EXPECT_EQ(obj_cgroup_nr_live(), before + 1);
	usage = settled_usage(parent);
	EXPECT_GE(usage, 13ul);
	read_state(parent, state);

	EXPECT_EQ(objcg_sweep(), 0);
	wait_for_the_dead();
	EXPECT_EQ(obj_cgroup_nr_live(), before);
	EXPECT_EQ(slab_object_owner(e.object), heir);
	EXPECT_EQ(page_objcg(e.page)->id, heir);
	EXPECT_EQ(settled_usage(parent), usage);
	expect_state(parent, state);

	estate_free(&e);
	wait_for_the_dead();
	EXPECT_EQ(settled_usage(parent), 0ul);
	memset(state, 0, sizeof(state));
	expect_state(parent, state);
	group_remove("/t");
}

/* Generations of the dead, and what falls to the root is nobody's. */
TEST(sweep, what_falls_to_the_root_is_paid_by_nobody)
{
	unsigned long before = settled_usage(root_mem_cgroup);
	struct mem_cgroup *groups[3];
	struct estate estates[3];
	long live = obj_cgroup_nr_live();

	ASSERT((groups[0] = group_make("/t")));
	ASSERT((groups[1] = group_make("/t/c")));
	ASSERT((groups[2] = group_make("/t/c/c")));
	for (unsigned int i = 0; i < 3; i++)
		estate_make(&estates[i], groups[i]);
	group_remove("/t/c/c");
	group_remove("/t/c");
	group_remove("/t");
	wait_for_the_dead();
	EXPECT_EQ(obj_cgroup_nr_live(), live + 3);
	EXPECT_GT(settled_usage(root_mem_cgroup), before);
	EXPECT_EQ(objcg_sweep(), 0);
	wait_for_the_dead();
	rcu_barrier();
	EXPECT_EQ(obj_cgroup_nr_live(), live);
	EXPECT_EQ(settled_usage(root_mem_cgroup), before);
	EXPECT_EQ(slab_object_owner(estates[1].object), 0u);
	EXPECT_EQ(estates[2].page->memcg_data, 0ul);
	for (unsigned int i = 0; i < 3; i++)
		estate_free(&estates[i]);
	EXPECT_EQ(settled_usage(root_mem_cgroup), before);
}

/* Making groups that leave something behind goes on and on. */
TEST(sweep, a_group_is_refused_only_when_the_living_have_all_ids)
{
	enum { IDS = 40, ROUNDS = 3 * IDS };
	static void *left[ROUNDS];
	struct mem_cgroup *parent = group_make("/t"), *old;
	long live = obj_cgroup_nr_live();
	unsigned int living;
	char path[8];

	ASSERT(parent);
	objcg_max_id = IDS;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct mem_cgroup *child = group_make("/t/c");

		if (!child)
			break;
		old = set_active_memcg(child);
		left[i] = kmalloc(64, GFP_KERNEL_ACCOUNT);
		set_active_memcg(old);
		group_remove("/t/c");
		cgroup_wait_teardown();
	}
	EXPECT_LE(obj_cgroup_nr_live(), (long)IDS);
	/* The last of the dead are swept, and the living fill up the rest. */
	EXPECT_EQ(cgroup_write(parent->css.cgroup, "cgroup.subtree_control",
			       "+memory"),
		  0);
	for (living = 0; living < IDS; living++) {
		struct cgroup *cgrp = cgroup_mkdir(numbered(path, living));

		if (IS_ERR(cgrp)) {
			EXPECT_EQ(PTR_ERR(cgrp), -ENOSPC);
			break;
		}
		cgroup_put(cgrp);
	}
	EXPECT_EQ(obj_cgroup_nr_live(), (long)IDS);
	EXPECT_EQ(living, (unsigned int)(IDS - live));
	while (living)
		group_remove(numbered(path, --living));
	objcg_max_id = OBJCG_MAX_ID;
	for (unsigned int i = 0; i < ROUNDS; i++)
		kfree(left[i]);
	EXPECT_EQ(settled_usage(parent), 0ul);
	group_remove("/t");
}

TEST(sweep, without_memory_nothing_happens)
{
	unsigned long n;

	FAULT_SWEEP(&fail_page_alloc, n) {
		int ret = objcg_sweep();

		EXPECT(ret == 0 || ret == -ENOMEM);
	}
}
