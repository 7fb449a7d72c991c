/* SPDX-License-Identifier: MIT */
/*
 * removal_bench.c - what it costs to remove a group, empty or with much alive.
 *
 * From the rmdir to the end of all that follows.  Instructions are those of the
 * one CPU there is, without its idling; time is what passes, and most of that is
 * waiting for grace periods and workers: on a busy host one removal takes several
 * times as long as the next.  A host can only add, so what is compared is the
 * least time of each kind so far.
 */
#include <lib/err.h>
#include <lib/math.h>
#include <mm/memcg/memcg.h>
#include <mm/slab/slab.h>
#include <tests/bench.h>
#include "memcg_test.h"

#define NR_LIVE 100000

static u64 clock_now(void)
{
	struct sched_cpu_stats st;

	if (!bench_counts_insns())
		return bench_clock();
	sched_cpu_stats(0, &st);
	return bench_clock() - st.idle_ns;
}

/* Remove the group, in which nobody is. */
static u64 removal(const char *path)
{
	u64 start = clock_now();

	EXPECT_EQ(cgroup_rmdir(path), 0);
	cgroup_wait_teardown();
	return clock_now() - start;
}

BENCH(memcg, rmdir)
{
	static u64 least_empty = U64_MAX, least_full = U64_MAX;
	const char *unit = bench_counts_insns() ? "insn" : "ns";
	struct mem_cgroup *memcg;
	u64 empty, full;
	long groups;
	void **objects;

	ASSERT(group_make("/r"));
	ASSERT(group_make("/r/warm"));
	removal("/r/warm");
	groups = cgroup_nr_live();

	ASSERT(group_make("/r/empty"));
	empty = removal("/r/empty");
	least_empty = min(least_empty, empty);

	memcg = group_make("/r/full");
	ASSERT(memcg);
	objects = make_objects(memcg, NR_LIVE);
	full = removal("/r/full");
	least_full = min(least_full, full);
	/* Gone, not dying: with everything still alive. */
	EXPECT_EQ(cgroup_nr_live(), groups);

	bench_report(b, "memcg.rmdir_empty", unit, empty, 1);
	bench_report(b, "memcg.rmdir_live100k", unit, full, 1);
	bench_report(b, "memcg.rmdir.ratio", "ratio", least_full, least_empty);
	free_objects(objects);
	group_remove("/r");
	cgroup_wait_teardown();
}
