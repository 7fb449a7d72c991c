/* SPDX-License-Identifier: MIT */
/*
 * protection.c - whose memory reclaim leaves alone.
 *
 * memory.min and memory.low are wishes.  What a group gets of them depends on
 * what its ancestors have to give: a parent's protection is shared out among its
 * children in proportion to what each claims of it, and what nobody claims
 * protects all of them alike, in proportion to what they use beyond their claims
 * (Linux calls that memory_recursiveprot; here it is always so, because a
 * limit on a subtree is hardly ever meant to leave its insides unprotected).
 * page_counter.c does the sums.
 *
 * A group that reclaims for its own limit is not protected from itself: it is the
 * root of the walk, and only what is below it may be protected, each from the
 * others.
 */
#include "memcg_impl.h"

void mem_cgroup_calculate_protection(struct mem_cgroup *root,
				     struct mem_cgroup *memcg)
{
	page_counter_calculate_protection(&root->memory, &memcg->memory);
}

static bool is_below(const struct page_counter *c,
		     const struct page_counter_shield *shield)
{
	unsigned long effective = READ_ONCE(shield->effective);

	return effective && page_counter_read(c) <= effective;
}

bool mem_cgroup_below_min(struct mem_cgroup *root, struct mem_cgroup *memcg)
{
	return memcg != root && is_below(&memcg->memory, &memcg->memory.min);
}

bool mem_cgroup_below_low(struct mem_cgroup *root, struct mem_cgroup *memcg)
{
	return memcg != root && is_below(&memcg->memory, &memcg->memory.low);
}
