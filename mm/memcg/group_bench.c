/* SPDX-License-Identifier: MIT */
/* group_bench.c - what a group costs that nobody uses. */
#include <lib/err.h>
#include <lib/format.h>
#include <string.h>
#include <tests/bench.h>
#include "group_test.h"

#define DEPTH	  4
#define NR_GROUPS 1000
#define NR_ROUNDS 20

static struct cgroup *group_at(struct mem_cgroup *parent, unsigned int n,
			       char *path)
{
	size_t len;

	cgroup_path(parent->css.cgroup, path, CGROUP_PATH_MAX);
	len = strlen(path);
	scnprintf(path + len, CGROUP_PATH_MAX - len, "/%u", n);
	return cgroup_mkdir(path);
}

static void make(struct mem_cgroup *parent, unsigned int n)
{
	char path[CGROUP_PATH_MAX];
	struct cgroup *cgrp = group_at(parent, n, path);

	ASSERT(!IS_ERR(cgrp));
	cgroup_put(cgrp);
}

static void make_and_remove(struct mem_cgroup *parent)
{
	char path[CGROUP_PATH_MAX];
	struct cgroup *cgrp = group_at(parent, 0, path);

	ASSERT(!IS_ERR(cgrp));
	cgroup_put(cgrp);
	EXPECT_EQ(cgroup_rmdir(path), 0);
}

/* What this CPU did but for idling: the deferred part runs between idle times,
 * while the benchmark waits for it. */
static u64 busy_clock(void)
{
	struct sched_cpu_stats st;

	sched_cpu_stats(0, &st);
	return bench_clock() - st.idle_ns;
}

/* Until groups and owners are so many again. */
static void wait_for(long groups, long objcgs)
{
	while (cgroup_nr_live() != groups || obj_cgroup_nr_live() != objcgs)
		msleep(20);
}

/* Four deep, up to the last byte freed; one after the other. */
BENCH_WHEN(memcg, mkdir_rmdir, BENCH_INSN, TEST_SECONDS)
{
	struct mem_cgroup *above[DEPTH - 1], *parent = NULL;
	long groups, objcgs;
	u64 start = 0;

	for (int i = 0; i < DEPTH - 1; i++)
		above[i] = parent = test_group(parent, "a");
	EXPECT_EQ(group_write(parent, "cgroup.subtree_control", "+memory"), 0);
	/* The last round's are gone. */
	wait_for(DEPTH - 1, DEPTH - 1);
	groups = cgroup_nr_live();
	objcgs = obj_cgroup_nr_live();

	for (int i = -1; i < NR_ROUNDS; i++) {
		if (i == 0) /* warm by now */
			start = busy_clock();
		make_and_remove(parent);
		wait_for(groups, objcgs);
	}
	bench_report(b, "memcg.mkdir_rmdir", "insn", busy_clock() - start,
		     NR_ROUNDS);
	for (int i = DEPTH - 2; i >= 0; i--)
		test_group_remove(above[i]);
}

/* All of it: whatever the system has less of, group by group. */
BENCH(memcg, empty_group)
{
	struct mem_cgroup *parent = test_group(NULL, "a");
	char path[CGROUP_PATH_MAX];
	unsigned long before;

	EXPECT_EQ(group_write(parent, "cgroup.subtree_control", "+memory"), 0);
	before = settled_pages();
	for (unsigned int i = 0; i < NR_GROUPS; i++)
		make(parent, i);
	bench_report(b, "memcg.empty_group.bytes", "bytes",
		     (settled_pages() - before) * PAGE_SIZE, NR_GROUPS);
	for (unsigned int i = 0; i < NR_GROUPS; i++) {
		scnprintf(path, sizeof(path), "/a/%u", i);
		EXPECT_EQ(cgroup_rmdir(path), 0);
	}
	cgroup_wait_teardown();
	test_group_remove(parent);
}
