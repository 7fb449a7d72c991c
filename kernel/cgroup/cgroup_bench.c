/* SPDX-License-Identifier: MIT */
/* cgroup_bench.c - what groups cost while there are none of any controller. */
#include <kernel/task/task.h>
#include <lib/err.h>
#include <tests/bench.h>
#include "cgroup_impl.h"

/* What this CPU did but for idling: the deferred part runs between idle times,
 * while the benchmark waits for it. */
static u64 busy_clock(void)
{
	struct sched_cpu_stats st;

	sched_cpu_stats(0, &st);
	return bench_clock() - st.idle_ns;
}

static void mkdir_rmdir(const char *path)
{
	struct cgroup *cgrp = cgroup_mkdir(path);

	ASSERT(!IS_ERR(cgrp));
	cgroup_put(cgrp);
	EXPECT_EQ(cgroup_rmdir(path), 0);
}

/* A group four deep, up to the last byte freed; one after the other, and many
 * whose teardown overlaps. */
BENCH_WHEN(cgroup, mkdir_rmdir, BENCH_INSN, TEST_SECONDS)
{
	static const char *const above[] = {"/1", "/1/2", "/1/2/3"};
	u64 start;

	for (int i = 0; i < 3; i++)
		cgroup_put(cgroup_mkdir(above[i]));
	cgroup_wait_teardown();

	start = busy_clock();
	for (int i = 0; i < 20; i++) {
		long before = cgroup_nr_live();

		mkdir_rmdir("/1/2/3/4");
		while (cgroup_nr_live() != before)
			msleep(20);
	}
	bench_report(b, "cgroup.mkdir_rmdir", "insn", busy_clock() - start, 20);

	start = busy_clock();
	for (int i = 0; i < 100; i++)
		mkdir_rmdir("/1/2/3/4");
	cgroup_wait_teardown();
	bench_report(b, "cgroup.mkdir_rmdir.batch", "insn",
		     busy_clock() - start, 100);

	for (int i = 3; i--;)
		cgroup_rmdir(above[i]);
	cgroup_wait_teardown();
}
