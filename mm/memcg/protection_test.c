/* SPDX-License-Identifier: MIT */
/*
 * protection_test.c - protection is passed on, and never more than there is.
 *
 * The tables are those of cgroup v2's documentation and of its selftests, in
 * pages: what each group below wants, uses, and gets.
 */
#include <lib/math.h>
#include "group_test.h"

/* Two levels: groups[0] is the parent, the others are its children. */
struct wish {
	unsigned long wanted, usage, expected;
};

static void calculate(struct mem_cgroup *root, struct mem_cgroup *parent,
		      struct mem_cgroup **child, int n)
{
	mem_cgroup_calculate_protection(root, root);
	mem_cgroup_calculate_protection(root, parent);
	for (int i = 0; i < n; i++)
		mem_cgroup_calculate_protection(root, child[i]);
}

static void try_table(const struct wish *wish, int n)
{
	static const char *const names[] = {"b", "c", "d", "e"};
	struct mem_cgroup *parent = test_group(NULL, "a"), *child[4];

	page_counter_set_min(&parent->memory, wish[0].wanted);
	page_counter_set_low(&parent->memory, wish[0].wanted);
	for (int i = 0; i < n; i++) {
		child[i] = test_group(parent, names[i]);
		page_counter_charge(&child[i]->memory, wish[i + 1].usage);
		page_counter_set_min(&child[i]->memory, wish[i + 1].wanted);
		page_counter_set_low(&child[i]->memory, wish[i + 1].wanted);
	}
	calculate(root_mem_cgroup, parent, child, n);
	for (int i = 0; i < n; i++) {
		struct mem_cgroup *c = child[i];
		unsigned long expected = wish[i + 1].expected;

		EXPECT_EQ(c->memory.min.effective, expected);
		EXPECT_EQ(c->memory.low.effective, expected);
		EXPECT_EQ(mem_cgroup_below_min(root_mem_cgroup, c),
			  expected && wish[i + 1].usage <= expected);
		EXPECT_EQ(mem_cgroup_below_low(root_mem_cgroup, c),
			  expected && wish[i + 1].usage <= expected);
		/* Its own limit is its own business. */
		EXPECT(!mem_cgroup_below_min(c, c));
		EXPECT(!mem_cgroup_below_low(c, c));
	}
	for (int i = 0; i < n; i++) {
		page_counter_uncharge(&child[i]->memory, wish[i + 1].usage);
		test_group_remove(child[i]);
	}
	test_group_remove(parent);
}

TEST(memcg_protection, a_wish_within_the_parents_is_granted)
{
	const struct wish table[] = {
		{1000, 0, 0}, {300, 300, 300}, {200, 200, 200}, {0, 0, 0}};

	try_table(table, 3);
}

/* The parent has 50: 75 and 25 share it as 3 to 1, and who uses nothing of what
 * it wants claims nothing. */
TEST(memcg_protection, wishes_beyond_the_parents_are_granted_in_proportion)
{
	const struct wish table[] = {{5000, 0, 0},
				     {7500, 5000, 3333},
				     {2500, 5000, 1666},
				     {50000, 0, 0},
				     {0, 5000, 0}};

	try_table(table, 4);
}

/* 1000 - 100 - 100 are left, for 400 and 1200 beyond what was wanted. */
TEST(memcg_protection, what_nobody_claims_protects_all_by_their_usage)
{
	const struct wish table[] = {
		{1000, 0, 0}, {100, 500, 300}, {100, 1300, 700}};

	try_table(table, 2);
}

TEST(memcg_protection, a_parent_without_has_nothing_to_pass_on)
{
	const struct wish table[] = {{0, 0, 0}, {300, 300, 0}, {0, 300, 0}};

	try_table(table, 2);
}

TEST(memcg_protection, nobody_gets_more_than_it_uses)
{
	const struct wish table[] = {
		{1000, 0, 0}, {600, 100, 100}, {0, 200, 200}};

	try_table(table, 2);
}

/* Whoever reclaims for a limit of its own is the root of the walk: its
 * protection against others is none against itself, and its children's wishes
 * stand as they are. */
TEST(memcg_protection, a_group_is_not_protected_from_itself)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");

	page_counter_charge(&b->memory, 100);
	page_counter_set_min(&a->memory, 50);
	page_counter_set_min(&b->memory, 200);
	mem_cgroup_calculate_protection(a, a);
	mem_cgroup_calculate_protection(a, b);
	EXPECT_EQ(a->memory.min.effective, 0ul);
	EXPECT_EQ(b->memory.min.effective, 200ul);
	EXPECT(!mem_cgroup_below_min(a, a));
	EXPECT(mem_cgroup_below_min(a, b));

	mem_cgroup_calculate_protection(root_mem_cgroup, a);
	mem_cgroup_calculate_protection(root_mem_cgroup, b);
	EXPECT_EQ(a->memory.min.effective, 50ul);
	EXPECT_EQ(b->memory.min.effective, 50ul);
	EXPECT(!mem_cgroup_below_min(root_mem_cgroup, b));
	page_counter_uncharge(&b->memory, 100);
	test_group_remove(b);
	test_group_remove(a);
}

/* What a removed group claimed is its siblings' again. */
TEST(memcg_protection, a_group_that_goes_gives_its_claim_up)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct mem_cgroup *b = test_group(a, "b"), *c = test_group(a, "c");
	struct test_charge charge;

	EXPECT(charge_take(&charge, c, 100 * PAGE_SIZE, MEMCG_PERCPU, 0,
			   GFP_KERNEL));
	mem_cgroup_drain_stocks(c);
	page_counter_charge(&b->memory, 100);
	EXPECT_EQ(group_write(a, "memory.low", "409600"), 0);
	EXPECT_EQ(group_write(b, "memory.low", "409600"), 0);
	EXPECT_EQ(group_write(c, "memory.low", "409600"), 0);
	calculate(root_mem_cgroup, a, &b, 1);
	EXPECT_EQ(b->memory.low.effective, 50ul);
	test_group_remove(c);
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_long_read(&a->memory.low.children_claimed), 100l);
	calculate(root_mem_cgroup, a, &b, 1);
	EXPECT_EQ(b->memory.low.effective, 100ul);
	charge_give(&charge);
	page_counter_uncharge(&b->memory, 100);
	test_group_remove(b);
	test_group_remove(a);
}

/* The children's share is never more than the parent's, whatever they want. */
TEST(memcg_protection, stress_random_trees_share_no_more_than_there_is)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *child[3];
	static const char *const names[] = {"b", "c", "d"};

	for (int i = 0; i < 3; i++)
		child[i] = test_group(a, names[i]);
	for (int round = 0; round < 2000; round++) {
		unsigned long usage[3], sum = 0, all = 0;

		page_counter_set_low(&a->memory, test_random_below(1000));
		for (int i = 0; i < 3; i++) {
			usage[i] = test_random_below(1000);
			all += usage[i];
			page_counter_charge(&child[i]->memory, usage[i]);
			page_counter_set_low(&child[i]->memory,
					     test_random_below(1000));
		}
		calculate(root_mem_cgroup, a, child, 3);
		for (int i = 0; i < 3; i++) {
			unsigned long effective =
				child[i]->memory.low.effective;

			EXPECT_LE(effective, usage[i]);
			sum += effective;
		}
		EXPECT_LE(sum, a->memory.low.wanted);
		/* All of it is used, but for what division loses. */
		EXPECT_GE(sum + 3, min(a->memory.low.wanted, all));
		for (int i = 0; i < 3; i++)
			page_counter_uncharge(&child[i]->memory, usage[i]);
	}
	for (int i = 0; i < 3; i++)
		test_group_remove(child[i]);
	test_group_remove(a);
}
