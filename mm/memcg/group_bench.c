/* SPDX-License-Identifier: MIT */
/* group_bench.c - what a group costs that nobody uses. */
#include <kernel/core/rcu.h>
#include <lib/format.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/bench.h>
#include "group_test.h"

#define DEPTH	  4
#define NR_GROUPS 1000

static void settle(void)
{
	cgroup_wait_teardown();
	rcu_barrier();
}

/* Four deep: made, removed, and all that follows from it. */
BENCH(memcg, mkdir_rmdir)
{
	struct mem_cgroup *keep = test_group(NULL, "keep");
	struct mem_cgroup *above[DEPTH];
	char path[64];

	above[0] = keep;
	for (int i = 1; i < DEPTH; i++)
		above[i] = test_group(above[i - 1], "b");
	EXPECT_EQ(group_write(above[DEPTH - 1], "cgroup.subtree_control",
			      "+memory"),
		  0);
	cgroup_path(above[DEPTH - 1]->css.cgroup, path, sizeof(path));
	strlcat(path, "/c", sizeof(path));
	for (int round = 0; round < 3; round++) {
		if (round == 2) /* warm by now */
			bench_begin(b);
		cgroup_put(cgroup_mkdir(path));
		cgroup_rmdir(path);
		settle();
	}
	bench_end(b, "memcg.mkdir_rmdir", 1);
	for (int i = DEPTH - 1; i >= 0; i--)
		test_group_remove(above[i]);
}
