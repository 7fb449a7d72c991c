/* SPDX-License-Identifier: MIT */
/* high_test.c - above memory.high memory is to be had, but slowly. */
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include "group_test.h"

/* -- How long ------------------------------------------------------------------ */

TEST(memcg_high, the_delay_grows_with_the_square_of_what_is_too_much)
{
	static const struct {
		unsigned long usage, high, nr;
		u64 ms;
	} table[] = {
		{1000, 1000, 64, 0}, /* at the mark is not above it */
		{0, 0, 64, 0},
		{1010, 1000, 64, 6},   /* 1 % */
		{1100, 1000, 64, 640}, /* 10 %: a hundred times as much */
		{1100, 1000, 128, 1280},
		{1100, 1000, 1, 10},
		{1200, 1000, 64, 2000}, /* 2560 */
		{2000, 1000, 1, 1000},
		{1000000, 1000, 1, 2000},
		{1, 0, 1, 1000},
		{PAGE_COUNTER_MAX, 0, PAGE_COUNTER_MAX, 2000},
		{1ul << 47, 1ul << 46, 1, 1000},
		{1ul << 44, 0, 1, 2000},
		{PAGE_COUNTER_MAX, PAGE_COUNTER_MAX, 64, 0},
	};

	for (int i = 0; i < ARRAY_SIZE(table); i++) {
		u64 ns = memcg_high_delay(table[i].usage, table[i].high,
					  table[i].nr);

		/* A little less, for what division loses. */
		EXPECT_LE(ns, table[i].ms * NSEC_PER_MSEC + 500000);
		EXPECT_GE(ns + NSEC_PER_MSEC, table[i].ms * NSEC_PER_MSEC);
	}
}

/* -- Tasks ---------------------------------------------------------------------- */

/* @memcg uses so many pages of nothing. */
static void inflate(struct mem_cgroup *memcg, unsigned long pages)
{
	page_counter_charge(&memcg->memory, pages);
}

static void deflate(struct mem_cgroup *memcg, unsigned long pages)
{
	page_counter_uncharge(&memcg->memory, pages);
}

static u64 time_to_pay(struct mem_cgroup *memcg, unsigned int nr, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	u64 start = ktime_get_ns();

	current->over_high = nr;
	memcg_high_pay(gfp);
	EXPECT_EQ(current->over_high, 0u);
	set_active_memcg(old);
	return ktime_get_ns() - start;
}

TEST(memcg_high, a_task_that_charges_above_it_waits)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");

	/* 5 %, a batch: 160 ms. */
	inflate(b, 1050);
	EXPECT_EQ(group_write(a, "memory.high", "4096000"), 0);
	EXPECT_GE(time_to_pay(b, 64, GFP_KERNEL), 150 * NSEC_PER_MSEC);
	/* It is a that is above. */
	EXPECT_GT(group_read(a, "memory.events.local", "high"), 0l);
	EXPECT_EQ(group_read(b, "memory.events", "high"), 0l);
	deflate(b, 1050);
	test_group_remove(b);
	test_group_remove(a);
}

TEST(memcg_high, what_is_charged_above_it_is_owed_and_paid_with_the_next_charge)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct test_charge c[3];

	EXPECT_EQ(group_write(a, "memory.high", "4M"), 0);
	EXPECT(charge_take(&c[0], a, 3 << 20, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT_EQ(current->over_high, 0u);
	EXPECT(charge_take(&c[1], a, 1200 << 10, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT_GE(current->over_high, 300u);
	EXPECT_EQ(group_read(a, "memory.events", "high"), 0l);
	EXPECT(charge_take(&c[2], a, 100, MEMCG_PERCPU, 0, GFP_KERNEL));
	/* That one did not find enough in the stock, or did: then the next. */
	charge_give(&c[2]);
	EXPECT(charge_take(&c[2], a, 600 << 10, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT_GT(group_read(a, "memory.events", "high"), 0l);
	for (int i = 0; i < 3; i++)
		charge_give(&c[i]);
	current->over_high = 0;
	test_group_remove(a);
}

/* Quick at least once in a few attempts: a wait would have made all slow. */
static void expect_quick(u64 (*attempt)(struct mem_cgroup *memcg),
			 struct mem_cgroup *memcg)
{
	u64 least = U64_MAX;

	for (int i = 0; i < 5 && least > NSEC_PER_SEC; i++)
		least = min(least, attempt(memcg));
	EXPECT_LT(least, NSEC_PER_SEC);
}

static u64 pay_nofs(struct mem_cgroup *memcg)
{
	return time_to_pay(memcg, 64, GFP_NOFS);
}

static u64 pay_noio(struct mem_cgroup *memcg)
{
	return time_to_pay(memcg, 64, GFP_NOIO);
}

/* Old bug 12. */
TEST(memcg_high, who_may_hold_locks_does_not_wait)
{
	struct mem_cgroup *a = test_group(NULL, "a");

	inflate(a, 2000);
	page_counter_set_high(&a->memory, 1000);
	expect_quick(pay_nofs, a);
	expect_quick(pay_noio, a);
	deflate(a, 2000);
	test_group_remove(a);
}

TEST(memcg_high, who_must_not_sleep_neither_waits_nor_pays)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct test_charge c;

	inflate(a, 2000);
	page_counter_set_high(&a->memory, 1000);
	current->over_high = 64;
	preempt_disable();
	EXPECT(charge_take(&c, a, 9000, MEMCG_PERCPU, 0, GFP_NOWAIT));
	preempt_enable();
	/* It is still owed, and a little more. */
	EXPECT_GT(current->over_high, 64u);
	current->over_high = 0;
	charge_give(&c);
	deflate(a, 2000);
	test_group_remove(a);
}

static int owe_in_a_system_call(void *arg)
{
	struct mem_cgroup *memcg = arg;
	struct test_charge c[2];
	u64 start;

	task_enter_kernel();
	EXPECT(charge_take(&c[0], memcg, 9000, MEMCG_PERCPU, 0, GFP_KERNEL));
	current->over_high = 64;
	EXPECT(charge_take(&c[1], memcg, 600 << 10, MEMCG_PERCPU, 0,
			   GFP_KERNEL));
	EXPECT_GE(current->over_high, 64u);
	EXPECT_EQ(group_read(memcg, "memory.events", "high"), 0);

	/* It returns, with the group still above. */
	set_active_memcg(memcg);
	start = ktime_get_ns();
	task_leave_kernel();
	EXPECT_GE(ktime_get_ns() - start, 50 * NSEC_PER_MSEC);
	EXPECT_EQ(current->over_high, 0u);
	EXPECT_GT(group_read(memcg, "memory.events", "high"), 0);
	set_active_memcg(NULL);
	for (int i = 0; i < 2; i++)
		charge_give(&c[i]);
	return 0;
}

/* In a system call it may hold an open file's lock, or any other. */
TEST(memcg_high, a_program_pays_when_it_comes_back_from_the_kernel)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct task *t;

	inflate(a, 2000);
	page_counter_set_high(&a->memory, 2000);
	t = task_run(owe_in_a_system_call, a, "program");
	ASSERT(t);
	task_join(t);
	deflate(a, 2000);
	test_group_remove(a);
}

struct payment {
	struct mem_cgroup *memcg;
	bool dying;
	u64 took;
};

static int pay_fn(void *arg)
{
	struct payment *p = arg;

	if (p->dying)
		task_kill(current);
	p->took = time_to_pay(p->memcg, 64, GFP_KERNEL);
	return 0;
}

static u64 pay_dying(struct mem_cgroup *memcg)
{
	struct payment p = {.memcg = memcg, .dying = true};
	struct task *t = task_run(pay_fn, &p, "dying");

	ASSERT(t);
	task_join(t);
	return p.took;
}

static u64 pay_and_be_killed(struct mem_cgroup *memcg)
{
	long seen = group_read(memcg, "memory.events", "high");
	struct payment p = {.memcg = memcg};
	struct task *t = task_run(pay_fn, &p, "killed");

	ASSERT(t);
	/* Once it has reclaimed in vain, twice, it sleeps. */
	while (group_read(memcg, "memory.events", "high") < seen + 2)
		msleep(1);
	task_kill(t);
	task_join(t);
	return p.took;
}

TEST(memcg_high, a_dying_task_is_not_held_up)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	long seen;

	inflate(a, 5000);
	page_counter_set_high(&a->memory, 1000);
	seen = group_read(a, "memory.events", "high");
	expect_quick(pay_dying, a);
	/* It did not even reclaim. */
	EXPECT_EQ(group_read(a, "memory.events", "high"), seen);
	expect_quick(pay_and_be_killed, a);
	deflate(a, 5000);
	test_group_remove(a);
}

TEST(memcg_high, who_reclaims_enough_does_not_wait)
{
	struct mem_cgroup *a = test_group(NULL, "a");

	test_cache_fill(a);
	mem_cgroup_drain_stocks(a);
	page_counter_set_high(&a->memory, TEST_CACHE_OBJECTS / 2);
	EXPECT_GT(memcg_high_delay(TEST_CACHE_OBJECTS, TEST_CACHE_OBJECTS / 2,
				   TEST_CACHE_OBJECTS),
		  NSEC_PER_SEC);
	time_to_pay(a, TEST_CACHE_OBJECTS, GFP_KERNEL);
	mem_cgroup_drain_stocks(a);
	EXPECT_LE(mem_cgroup_usage(a), TEST_CACHE_OBJECTS / 2ul);
	EXPECT_GT(group_read(a, "memory.events", "high"), 0l);
	test_cache_drop();
	test_group_remove(a);
}

/* -- Interrupts -------------------------------------------------------------------- */

TEST(memcg_high, for_who_cannot_wait_a_worker_reclaims)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	struct test_charge c;

	test_cache_fill(a);
	mem_cgroup_drain_stocks(a);
	page_counter_set_high(&a->memory, TEST_CACHE_OBJECTS / 2);
	preempt_disable();
	EXPECT(charge_take(&c, a, PAGE_SIZE, MEMCG_PERCPU, 0, GFP_ATOMIC));
	preempt_enable();
	flush_work(&a->high_work);
	EXPECT_GT(group_read(a, "memory.events", "high"), 0l);
	EXPECT_LT(atomic_long_read(&test_cache.nr), (long)TEST_CACHE_OBJECTS);
	current->over_high = 0;
	charge_give(&c);
	test_cache_drop();
	test_group_remove(a);
}

static struct completion begun, gate;

static unsigned long gate_count(struct shrinker *s, struct shrink_control *sc)
{
	complete(&begun);
	wait_for_completion(&gate);
	return 0;
}

/* It does not hold up the removal of others, and nobody waits for it. */
TEST(memcg_high, a_group_that_is_removed_stays_until_its_worker_has_ended)
{
	struct shrinker shrinker = {.count_objects = gate_count};
	struct mem_cgroup *a = test_group(NULL, "a"),
			  *b = test_group(NULL, "b");
	struct test_charge c;

	init_completion(&begun);
	init_completion(&gate);
	ASSERT_EQ(register_shrinker(&shrinker, "gate"), 0);
	page_counter_set_high(&a->memory, 0);
	EXPECT(charge_take(&c, a, PAGE_SIZE, MEMCG_PERCPU, 0, GFP_ATOMIC));
	current->over_high = 0;
	charge_give(&c);
	wait_for_completion(&begun);
	test_group_remove(a);
	test_group_remove(b);
	cgroup_wait_teardown();
	EXPECT_EQ(cgroup_nr_live(), 1l);
	complete_all(&gate);
	unregister_shrinker(&shrinker);
	while (cgroup_nr_live())
		msleep(1);
}
