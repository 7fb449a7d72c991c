/* SPDX-License-Identifier: MIT */
/* objcg_test.c - owners outlive groups, and their parents pay. */
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/rcu.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <mm/page/page_alloc.h>
#include <mm/slab/slab.h>
#include <tests/test.h>
#include "memcg_test.h"

/* As it was a moment ago: what keeps it is the test. */
static struct obj_cgroup *find_owner(u32 id)
{
	struct obj_cgroup *objcg;

	rcu_read_lock();
	objcg = obj_cgroup_find(id);
	rcu_read_unlock();
	return objcg;
}

TEST(objcg, what_lives_on_is_paid_by_the_parent)
{
	struct mem_cgroup *parent = group_make("/t"), *child;
	int owner;

	ASSERT(parent && (child = group_make("/t/c")));
	owner = charge_bytes(child, 5 * PAGE_SIZE + 100, GFP_KERNEL);
	EXPECT_GT(owner, 0);
	EXPECT_EQ(settled_usage(child), 6ul);
	group_remove("/t/c");
	cgroup_wait_teardown();
	EXPECT_EQ(settled_usage(parent), 6ul);
	rcu_read_lock();
	EXPECT_EQ(obj_cgroup_memcg(find_owner(owner)), parent);
	rcu_read_unlock();

	uncharge_bytes(owner, 5 * PAGE_SIZE);
	EXPECT_EQ(settled_usage(parent), 1ul);
	uncharge_bytes(owner, 100);
	EXPECT_EQ(usage_of(parent), 0ul);
	group_remove("/t");
}

/* Each generation of the dead is found through the next, up to the root. */
TEST(objcg, heirs_of_heirs_are_found)
{
	enum { DEPTH = 6 };
	static const char *const paths[DEPTH] = {"/t",	       "/t/c",
						 "/t/c/c",     "/t/c/c/c",
						 "/t/c/c/c/c", "/t/c/c/c/c/c"};
	struct mem_cgroup *groups[DEPTH];
	unsigned long before = usage_of(root_mem_cgroup);
	int owners[DEPTH];

	for (int i = 0; i < DEPTH; i++) {
		ASSERT((groups[i] = group_make(paths[i])));
		owners[i] = charge_bytes(groups[i], 3 * PAGE_SIZE, GFP_KERNEL);
		EXPECT_GT(owners[i], 0);
	}
	for (int i = DEPTH - 1; i > 0; i--) {
		group_remove(paths[i]);
		cgroup_wait_teardown();
		EXPECT_EQ(settled_usage(groups[i - 1]), 3ul * (DEPTH - i + 1));
	}
	group_remove(paths[0]);
	cgroup_wait_teardown();
	for (int i = 0; i < DEPTH; i++) {
		rcu_read_lock();
		EXPECT_EQ(obj_cgroup_memcg(find_owner(owners[i])),
			  root_mem_cgroup);
		rcu_read_unlock();
		EXPECT_EQ(settled_usage(root_mem_cgroup),
			  before + 3ul * (DEPTH - i));
		uncharge_bytes(owners[i], 3 * PAGE_SIZE);
	}
	EXPECT_EQ(settled_usage(root_mem_cgroup), before);
}

/* Who has chosen a group that then goes offline charges its parent. */
TEST(objcg, a_charge_walks_up_to_who_is_online)
{
	struct mem_cgroup *parent = group_make("/t"), *child, *old;
	int owner;

	ASSERT(parent && (child = group_make("/t/c")));
	css_get(&child->css);
	old = set_active_memcg(child);
	group_remove("/t/c");
	while (READ_ONCE(child->objcg))
		yield();
	owner = __accounting_charge(PAGE_SIZE, MEMCG_VMALLOC, NUMA_NO_NODE,
				    GFP_KERNEL);
	if (owner >= 0)
		cpu_store_leave();
	EXPECT_EQ(owner, (int)parent->objcg->id);
	EXPECT_EQ(settled_usage(child), 0ul);
	uncharge_bytes(owner, PAGE_SIZE);

	/* Chosen when it is offline already. */
	set_active_memcg(old);
	EXPECT_EQ(charge_bytes(child, PAGE_SIZE, GFP_KERNEL),
		  (int)parent->objcg->id);
	uncharge_bytes(parent->objcg->id, PAGE_SIZE);
	EXPECT_EQ(settled_usage(parent), 0ul);
	css_put(&child->css);
	group_remove("/t");
}

/* Bytes of the dead go to no stock: whole pages of them are returned at once. */
TEST(objcg, leftovers_of_the_dead_add_up_to_pages)
{
	struct mem_cgroup *parent = group_make("/t"), *child;
	struct obj_cgroup *objcg;
	int owner;

	ASSERT(parent && (child = group_make("/t/c")));
	owner = charge_bytes(child, 64 * 64 + 1, GFP_KERNEL);
	EXPECT_EQ(settled_usage(child), 2ul);
	group_remove("/t/c");
	cgroup_wait_teardown();
	objcg = find_owner(owner);
	EXPECT_EQ(atomic_long_read(&objcg->leftover), 2l * PAGE_SIZE - 4097);
	uncharge_bytes(owner, 1);
	EXPECT_EQ(usage_of(parent), 1ul);
	for (int i = 0; i < 64; i++) {
		EXPECT_EQ(usage_of(parent), 1ul);
		EXPECT_EQ(atomic_long_read(&objcg->leftover), 64l * i);
		uncharge_bytes(owner, 64);
	}
	EXPECT_EQ(usage_of(parent), 0ul);
	group_remove("/t");
}

/* The order of their going does not matter, nor does a page of the dead. */
TEST(objcg, pages_keep_their_owner_and_the_owner_its_id)
{
	struct mem_cgroup *memcg = group_make("/t"), *old;
	struct page *page;
	u32 id;

	ASSERT(memcg);
	id = memcg->objcg->id;
	old = set_active_memcg(memcg);
	page = alloc_pages(GFP_KERNEL_ACCOUNT, 2);
	set_active_memcg(old);
	ASSERT(page);
	EXPECT_EQ(page_objcg(page)->id, id);
	EXPECT_EQ(page_memcg_kind(page), MEMCG_PAGES);
	group_remove("/t");
	cgroup_wait_teardown();
	rcu_barrier();
	EXPECT_EQ(page_objcg(page)->id, id);
	split_page(page, 2);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(page_objcg(page + i)->id, id);
		EXPECT(find_owner(id));
		__free_page(page + i);
	}
	rcu_barrier();
	EXPECT(!find_owner(id));
}

/* Old bug 13. */
TEST(objcg, old_bug_13_failed_creation_leaves_no_live_objcg)
{
	struct fault_attr *attrs[] = {&failslab, &fail_percpu,
				      &fail_page_alloc};
	struct mem_cgroup *parent = group_make("/t");
	long before = obj_cgroup_nr_live();
	unsigned int failures = 0;

	ASSERT(parent);
	ASSERT(group_make("/t/warm"));
	before++;
	for (unsigned int i = 0; i < 3; i++) {
		unsigned long n;

		FAULT_SWEEP(attrs[i], n) {
			struct cgroup *cgrp = cgroup_mkdir("/t/c");

			if (IS_ERR(cgrp)) {
				EXPECT_EQ(PTR_ERR(cgrp), -ENOMEM);
				EXPECT_EQ(obj_cgroup_nr_live(), before);
				failures++;
				continue;
			}
			EXPECT_EQ(obj_cgroup_nr_live(), before + 1);
			cgroup_put(cgrp);
			EXPECT_EQ(cgroup_rmdir("/t/c"), 0);
			cgroup_wait_teardown();
			rcu_barrier();
			rcu_barrier();
			EXPECT_EQ(obj_cgroup_nr_live(), before);
		}
	}
	EXPECT_GT(failures, 3u);
	group_remove("/t/warm");
	group_remove("/t");
}

/* Old bug 5: it runs where the allocator may be in the middle of something, so
 * all it may do is to ask for more to be done later. */
TEST(objcg, old_bug_5_the_last_reference_may_be_dropped_inside_the_section)
{
	struct mem_cgroup *memcg = group_make("/t");
	int owner;

	ASSERT(memcg);
	owner = charge_bytes(memcg, PAGE_SIZE, GFP_KERNEL);
	group_remove("/t");
	cgroup_wait_teardown();
	EXPECT_EQ(percpu_ref_sum(&find_owner(owner)->refs), 1l);
	ASSERT(cpu_store_enter());
	__accounting_uncharge(owner, PAGE_SIZE, MEMCG_VMALLOC, NUMA_NO_NODE);
	/* Still inside, and it is still there to be looked at. */
	EXPECT(find_owner(owner));
	cpu_store_leave();
	rcu_barrier();
	EXPECT(!find_owner(owner));
}

/* The keys follow the first obj_cgroup and the last charge. */
TEST(objcg, keys_are_on_while_anything_may_be_charged)
{
	struct mem_cgroup *memcg;
	int owner;

	if (obj_cgroup_nr_live())
		SKIP("there are groups already");
	EXPECT(!static_key_enabled(&accounting_enabled));
	EXPECT(!static_key_enabled(&accounting_kernel));
	ASSERT((memcg = group_make("/t")));
	EXPECT(static_key_enabled(&accounting_enabled));
	EXPECT_EQ(static_key_enabled(&accounting_kernel), !memcg_kmem_off);
	owner = charge_bytes(memcg, 10, GFP_KERNEL);
	group_remove("/t");
	cgroup_wait_teardown();
	rcu_barrier();
	memcg_flush_keys();
	EXPECT(static_key_enabled(&accounting_enabled));
	uncharge_bytes(owner, 10);
	rcu_barrier();
	memcg_flush_keys();
	EXPECT(!static_key_enabled(&accounting_enabled));
	EXPECT(!static_key_enabled(&accounting_kernel));
}
