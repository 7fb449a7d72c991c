/* SPDX-License-Identifier: MIT */
/* percpu_ref_test.c - released once, when the last reference goes. */
#include <arch/cpumask.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/sched.h>
#include <kernel/task/kthread.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/percpu/percpu_counter.h>
#include <mm/percpu/percpu_ref.h>
#include <tests/test.h>

static atomic_t released, confirmed;

static void release(struct percpu_ref *ref)
{
	atomic_inc(&released);
}

static void confirm(struct percpu_ref *ref)
{
	EXPECT(!percpu_ref_tryget_live(ref));
	atomic_inc(&confirmed);
}

static void begin(struct percpu_ref *ref, unsigned int flags)
{
	atomic_set(&released, 0);
	atomic_set(&confirmed, 0);
	ASSERT_EQ(percpu_ref_init(ref, release, flags, GFP_KERNEL), 0);
}

TEST(percpu_ref, killing_the_only_reference_releases)
{
	struct percpu_ref ref;

	begin(&ref, 0);
	EXPECT_EQ(percpu_ref_sum(&ref), 1);
	percpu_ref_kill_and_confirm(&ref, confirm);
	rcu_barrier();
	EXPECT_EQ(atomic_read(&confirmed), 1);
	EXPECT_EQ(atomic_read(&released), 1);
	EXPECT(percpu_ref_is_zero(&ref));
	EXPECT(!percpu_ref_tryget(&ref));
	percpu_ref_exit(&ref);
}

TEST(percpu_ref, a_held_reference_delays_the_release)
{
	struct percpu_ref ref;

	begin(&ref, 0);
	percpu_ref_get(&ref);
	percpu_ref_get_many(&ref, 4);
	percpu_ref_kill(&ref);
	rcu_barrier();
	EXPECT_EQ(percpu_ref_sum(&ref), 5);
	EXPECT_EQ(atomic_read(&released), 0);
	EXPECT(percpu_ref_tryget(&ref));
	EXPECT(!percpu_ref_tryget_live(&ref));
	percpu_ref_put(&ref);
	percpu_ref_put_many(&ref, 4);
	EXPECT_EQ(atomic_read(&released), 0);
	percpu_ref_put(&ref);
	EXPECT_EQ(atomic_read(&released), 1);
	percpu_ref_exit(&ref);
}

TEST(percpu_ref, put_before_the_grace_period_ends_does_not_release_early)
{
	struct percpu_ref ref;

	begin(&ref, 0);
	percpu_ref_get(&ref);
	percpu_ref_get(&ref);
	rcu_read_lock();
	percpu_ref_kill(&ref);
	/* Atomic already, while the gets are in a per-CPU counter still. */
	percpu_ref_put(&ref);
	EXPECT_EQ(atomic_read(&released), 0);
	rcu_read_unlock();
	rcu_barrier();
	EXPECT_EQ(percpu_ref_sum(&ref), 1);
	percpu_ref_put(&ref);
	EXPECT_EQ(atomic_read(&released), 1);
	percpu_ref_exit(&ref);
}

TEST(percpu_ref, resurrected_is_alive_again)
{
	struct percpu_ref ref;

	begin(&ref, 0);
	percpu_ref_get(&ref);
	percpu_ref_kill(&ref);
	percpu_ref_resurrect(&ref);
	EXPECT(percpu_ref_tryget_live(&ref));
	percpu_ref_put(&ref);
	percpu_ref_put(&ref);
	EXPECT_EQ(percpu_ref_sum(&ref), 1);
	EXPECT_EQ(atomic_read(&released), 0);
	percpu_ref_kill(&ref);
	rcu_barrier();
	EXPECT_EQ(atomic_read(&released), 1);
	percpu_ref_exit(&ref);
}

TEST(percpu_ref, modes_change_without_losing_count)
{
	struct percpu_ref ref;

	begin(&ref, PERCPU_REF_INIT_ATOMIC);
	for (int i = 0; i < 20; i++) {
		percpu_ref_get(&ref);
		percpu_ref_switch_to_percpu(&ref);
		percpu_ref_get(&ref);
		EXPECT_EQ(percpu_ref_sum(&ref), 1 + 2 * (i + 1));
		percpu_ref_switch_to_atomic_sync(&ref);
		EXPECT_EQ(percpu_ref_sum(&ref), 1 + 2 * (i + 1));
	}
	percpu_ref_put_many(&ref, 40);
	percpu_ref_kill(&ref);
	rcu_barrier();
	EXPECT_EQ(atomic_read(&released), 1);
	percpu_ref_exit(&ref);
}

static struct percpu_ref shared;

static int get_and_put(void *arg)
{
	struct prng rng;
	unsigned int held = 0;

	prng_init(&rng, test_seed() + (long)arg);
	for (int i = 0; i < 20000; i++) {
		if (held && prng_one_in(&rng, 2)) {
			percpu_ref_put(&shared);
			held--;
		} else if (percpu_ref_tryget_live(&shared)) {
			held++;
		}
	}
	while (held--)
		percpu_ref_put(&shared);
	return 0;
}

TEST_T(percpu_ref, stress_releases_exactly_once, 30)
{
	int nr = min_t(int, nr_online_cpus, 8);
	struct task *tasks[8];

	for (int round = 0; round < 5; round++) {
		begin(&shared, 0);
		for (long i = 0; i < nr; i++) {
			tasks[i] = kthread_run(get_and_put, (void *)i, "ref");
			ASSERT(!IS_ERR(tasks[i]));
		}
		sleep_ns(2 * 1000 * 1000);
		if (round & 1) {
			percpu_ref_switch_to_atomic_sync(&shared);
			percpu_ref_switch_to_percpu(&shared);
		}
		percpu_ref_kill_and_confirm(&shared, confirm);
		for (int i = 0; i < nr; i++)
			kthread_stop(tasks[i]);
		rcu_barrier();
		EXPECT_EQ(atomic_read(&released), 1);
		EXPECT_EQ(atomic_read(&confirmed), 1);
		percpu_ref_exit(&shared);
	}
}

TEST(percpu_counter, sums_exactly_and_reads_nearly)
{
	struct percpu_counter c;
	unsigned long n;

	ASSERT_EQ(percpu_counter_init(&c, 1000, GFP_KERNEL), 0);
	for (int i = 0; i < 777; i++)
		percpu_counter_inc(&c);
	percpu_counter_add(&c, -5000);
	EXPECT_EQ(percpu_counter_sum(&c), 1000 + 777 - 5000);
	EXPECT_LE(percpu_counter_read(&c) - percpu_counter_sum(&c),
		  (s64)PERCPU_COUNTER_BATCH * nr_cpu_ids);
	EXPECT_EQ(percpu_counter_compare(&c, -3223), 0);
	EXPECT_EQ(percpu_counter_compare(&c, -3224), 1);
	EXPECT_EQ(percpu_counter_compare(&c, -3222), -1);
	EXPECT_EQ(percpu_counter_compare(&c, 1000000), -1);
	percpu_counter_set(&c, 7);
	EXPECT_EQ(percpu_counter_sum(&c), 7);
	percpu_counter_destroy(&c);

	FAULT_SWEEP(&fail_percpu, n) {
		if (!percpu_counter_init(&c, 0, GFP_KERNEL))
			percpu_counter_destroy(&c);
	}
	EXPECT_GE(n, 2);
}
