/* SPDX-License-Identifier: MIT */
/* rstat_test.c - sums are exact after a flush, which looks at what changed. */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/core/smp.h>
#include <kernel/core/stop_machine.h>
#include <kernel/task/kthread.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>
#include "cgroup_impl.h"
#include "mock_test.h"

#define CONTROL "cgroup.subtree_control"

/* /r, /r/0 .. /r/3, and /r/0/0 .. /r/3/3. */
#define WIDTH 4
static struct mock *mocks[1 + WIDTH + WIDTH * WIDTH];
#define NR_MOCKS (sizeof(mocks) / sizeof(*mocks))
#define TOP	 mocks[0]
#define MID(i)	 mocks[1 + (i)]
#define LEAF(i)	 mocks[1 + WIDTH + (i)]

static void path_of(unsigned int i, char path[16])
{
	if (i == 0)
		format(path, 16, "/r");
	else if (i <= WIDTH)
		format(path, 16, "/r/%u", i - 1);
	else
		format(path, 16, "/r/%u/%u", (i - 1 - WIDTH) / WIDTH,
		       (i - 1 - WIDTH) % WIDTH);
}

static void begin(void)
{
	char path[16];

	mock_begin();
	ASSERT_EQ(put("/", CONTROL, "+mock"), 0);
	for (unsigned int i = 0; i < NR_MOCKS; i++) {
		struct cgroup *cgrp;

		path_of(i, path);
		cgrp = cgroup_mkdir(path);
		ASSERT(!IS_ERR(cgrp));
		mocks[i] = mock_of(cgrp);
		cgroup_put(cgrp);
		if (i <= WIDTH)
			ASSERT_EQ(put(path, CONTROL, "+mock"), 0);
	}
}

static void finish(void)
{
	char path[16];

	for (unsigned int i = NR_MOCKS; i--;) {
		path_of(i, path);
		EXPECT_EQ(cgroup_rmdir(path), 0);
	}
	mock_end();
}

/* How many states the flush looked at, CPU by CPU. */
static int flush(struct mock *m)
{
	atomic_set(&mock_nr_flushed, 0);
	cgroup_rstat_flush(&m->css);
	return atomic_read(&mock_nr_flushed);
}

/* From one CPU. */
static void pin(void)
{
	cpumask_t here = *cpumask_of(0);

	set_cpus_allowed(current, &here);
}

TEST(rstat, a_flush_sums_up_the_tree)
{
	begin();
	pin();
	mock_count(LEAF(0), 5);
	mock_count(LEAF(5), 7);
	mock_count(MID(1), 100);
	flush(TOP);
	EXPECT_EQ(LEAF(0)->sum, 5);
	EXPECT_EQ(MID(0)->sum, 5);
	EXPECT_EQ(LEAF(5)->sum, 7);
	EXPECT_EQ(MID(1)->sum, 107);
	EXPECT_EQ(TOP->sum, 112);
	mock_count(LEAF(0), -5);
	flush(TOP);
	EXPECT_EQ(TOP->sum, 107);
	finish();
}

TEST(rstat, a_flush_looks_only_at_what_changed)
{
	begin();
	pin();
	flush(TOP);
	EXPECT_EQ(flush(TOP), 0);
	/* One leaf, changed often, and what lies between it and the top. */
	for (int i = 0; i < 10; i++)
		mock_count(LEAF(0), 1);
	EXPECT_EQ(flush(TOP), 3);
	EXPECT_EQ(flush(TOP), 0);
	mock_count(LEAF(0), 1);
	mock_count(LEAF(1), 1);
	mock_count(LEAF(15), 1);
	EXPECT_EQ(flush(TOP), 6);
	finish();
}

TEST(rstat, flushing_a_part_leaves_the_rest_for_later)
{
	begin();
	pin();
	flush(TOP);
	for (int i = 0; i < WIDTH * WIDTH; i++)
		mock_count(LEAF(i), 1);
	/* One in the middle of its siblings, the first, the last. */
	EXPECT_EQ(flush(MID(2)), 5);
	EXPECT_EQ(MID(2)->sum, 4);
	EXPECT_EQ(flush(MID(0)), 5);
	EXPECT_EQ(flush(LEAF(15)), 1);
	EXPECT_EQ(LEAF(15)->sum, 1);
	EXPECT_EQ(flush(MID(3)), 4);
	EXPECT_EQ(MID(3)->sum, 4);
	EXPECT_EQ(MID(1)->sum, 0);
	EXPECT_EQ(flush(TOP), 6);
	EXPECT_EQ(TOP->sum, 16);
	finish();
}

/* What a removed group has counted stays with its parent. */
TEST(rstat, nothing_is_lost_when_a_group_goes)
{
	begin();
	mock_count(LEAF(15), 42);
	EXPECT_EQ(cgroup_rmdir("/r/3/3"), 0);
	cgroup_wait_teardown();
	flush(TOP);
	EXPECT_EQ(TOP->sum, 42);
	EXPECT_EQ(MID(3)->sum, 42);
	EXPECT_EQ(make("/r/3/3"), 0);
	finish();
}

static int flush_in_a_stopped_world(void *unused)
{
	cgroup_rstat_flush_stopped(&TOP->css);
	return 0;
}

static void count_here(void *arg)
{
	mock_count(arg, 1);
}

TEST(rstat, a_stopped_world_can_be_flushed)
{
	begin();
	on_each_cpu(count_here, LEAF(3), true);
	cgroup_rstat_lock();
	EXPECT_EQ(stop_machine(flush_in_a_stopped_world, NULL), 0);
	cgroup_rstat_unlock();
	EXPECT_EQ(TOP->sum, num_online_cpus());
	finish();
}

/* Counting in tasks and in interrupts, flushing at every level meanwhile. */
static s64 totals[8];

static int count_at_random(void *arg)
{
	long id = (long)arg;
	struct prng rng;

	prng_init(&rng, test_seed() + id);
	for (int i = 0; i < 20000; i++) {
		s64 n = prng_below(&rng, 100);

		totals[id] += n;
		mock_count(mocks[prng_below(&rng, NR_MOCKS)], n);
		if (prng_one_in(&rng, 500))
			cgroup_rstat_flush(
				&mocks[prng_below(&rng, NR_MOCKS)]->css);
		if (prng_one_in(&rng, 2000)) {
			totals[id] += num_online_cpus();
			on_each_cpu(count_here,
				    mocks[prng_below(&rng, NR_MOCKS)], true);
		}
	}
	return 0;
}

TEST_T(rstat, stress_is_exact_after_the_last_flush, 30)
{
	int nr = min_t(int, nr_online_cpus, 8);
	struct task *t[8];
	s64 all = 0;

	begin();
	for (long i = 0; i < nr; i++) {
		totals[i] = 0;
		t[i] = kthread_run(count_at_random, (void *)i, "count");
		ASSERT(!IS_ERR(t[i]));
	}
	for (int i = 0; i < nr; i++) {
		task_join(t[i]);
		all += totals[i];
	}
	flush(TOP);
	EXPECT_EQ(TOP->sum, all);
	for (int i = 0; i < WIDTH; i++) {
		s64 own = MID(i)->sum;

		for (int k = 0; k < WIDTH; k++)
			own -= LEAF(i * WIDTH + k)->sum;
		EXPECT_GE(own, 0);
		EXPECT_EQ(MID(i)->pending, 0);
	}
	finish();
}
