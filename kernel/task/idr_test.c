/* SPDX-License-Identifier: MIT */
/* idr_test.c - the lowest free number, and nothing left behind. */
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/rcu.h>
#include <kernel/task/idr.h>
#include <kernel/task/task.h>
#include <lib/bitmap.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>

TEST(ida, numbers_are_the_lowest_free_ones)
{
	DEFINE_IDA(ida);

	for (int i = 0; i < 5000; i++)
		ASSERT_EQ(ida_alloc(&ida, GFP_KERNEL), i);
	EXPECT_EQ(ida_validate(&ida), 5000);
	ida_free(&ida, 4096);
	ida_free(&ida, 64);
	ida_free(&ida, 70);
	EXPECT_EQ(ida_alloc_min(&ida, 65, GFP_KERNEL), 70);
	EXPECT_EQ(ida_alloc_min(&ida, 65, GFP_KERNEL), 4096);
	EXPECT_EQ(ida_alloc(&ida, GFP_KERNEL), 64);
	EXPECT_EQ(ida_alloc(&ida, GFP_KERNEL), 5000);
	for (int i = 0; i <= 5000; i++)
		ida_free(&ida, i);
	EXPECT(ida_is_empty(&ida));
}

TEST(ida, a_range_is_kept_to)
{
	DEFINE_IDA(ida);

	EXPECT_EQ(ida_alloc_range(&ida, 100, 101, GFP_KERNEL), 100);
	EXPECT_EQ(ida_alloc_range(&ida, 100, 101, GFP_KERNEL), 101);
	EXPECT_EQ(ida_alloc_range(&ida, 100, 101, GFP_KERNEL), -ENOSPC);
	EXPECT_EQ(ida_alloc_range(&ida, 9, 8, GFP_KERNEL), -EINVAL);
	EXPECT_EQ(ida_alloc_min(&ida, S32_MAX, GFP_KERNEL), S32_MAX);
	EXPECT_EQ(ida_alloc_min(&ida, S32_MAX, GFP_KERNEL), -ENOSPC);
	EXPECT_EQ(ida_validate(&ida), 3);
	ida_free(&ida, S32_MAX);
	EXPECT_EQ(ida_validate(&ida), 2);
	ida_destroy(&ida);
	EXPECT(ida_is_empty(&ida));
}

#define STRESS_IDS 9000

/* Against a bitmap. */
TEST(ida, stress_agrees_with_a_bitmap)
{
	static DECLARE_BITMAP(model, STRESS_IDS);
	long in_use = 0;
	DEFINE_IDA(ida);

	memset(model, 0, sizeof(model));
	for (int i = 0; i < 20000; i++) {
		u64 r = test_random();
		unsigned int id = (r >> 8) % STRESS_IDS;

		if (r % 5 < 2 && test_bit(id, model)) {
			ida_free(&ida, id);
			clear_bit(id, model);
			in_use--;
		} else {
			unsigned long want =
				find_next_zero_bit(model, STRESS_IDS, id);
			int got = ida_alloc_range(&ida, id, STRESS_IDS - 1,
						  GFP_KERNEL);

			if (want == STRESS_IDS) {
				EXPECT_EQ(got, -ENOSPC);
				continue;
			}
			ASSERT_EQ(got, (int)want);
			set_bit(want, model);
			in_use++;
		}
		if (i % 1000 == 0)
			EXPECT_EQ(ida_validate(&ida), in_use);
	}
	EXPECT_EQ(ida_validate(&ida), in_use);
	ida_destroy(&ida);
}

TEST(ida, a_failed_allocation_leaves_no_trace)
{
	DEFINE_IDA(ida);
	unsigned long n;

	FAULT_SWEEP(&failslab, n) {
		int id = ida_alloc_min(&ida, 100000, GFP_KERNEL);

		EXPECT(id == 100000 ||
		       (id == -ENOMEM && fault_fired(&failslab)));
		if (id < 0) {
			EXPECT(ida_is_empty(&ida));
		} else {
			EXPECT_EQ(ida_validate(&ida), 1);
			ida_free(&ida, id);
		}
	}
	EXPECT_GE(n, 3ul);
	EXPECT(ida_is_empty(&ida));
}

TEST(idr, a_number_stands_for_its_pointer)
{
	static int things[300];
	DEFINE_IDR(idr);
	void *ptr;
	int id = 0, seen = 0;

	for (int i = 0; i < 300; i++)
		ASSERT_EQ(idr_alloc(&idr, &things[i], 1, 0, GFP_KERNEL), i + 1);
	EXPECT_EQ(idr_alloc(&idr, NULL, 1, 301, GFP_KERNEL), -ENOSPC);
	EXPECT_EQ(idr_alloc(&idr, NULL, 5, 5, GFP_KERNEL), -EINVAL);
	EXPECT_EQ(idr_validate(&idr), 300);
	rcu_read_lock();
	for (int i = 0; i < 300; i++)
		EXPECT_EQ(idr_find(&idr, i + 1), &things[i]);
	EXPECT_EQ(idr_find(&idr, 0), NULL);
	EXPECT_EQ(idr_find(&idr, 301), NULL);
	EXPECT_EQ(idr_find(&idr, S32_MAX), NULL);
	EXPECT_EQ(idr_find(&idr, -1), NULL);
	rcu_read_unlock();
	EXPECT_EQ(idr_replace(&idr, &things[0], 7), &things[6]);
	EXPECT_EQ(idr_replace(&idr, &things[0], 999), ERR_PTR(-ENOENT));
	EXPECT_EQ(idr_remove(&idr, 7), &things[0]);
	EXPECT_EQ(idr_remove(&idr, 7), NULL);
	for (; !idr_next(&idr, &id, &ptr); id++) {
		EXPECT_EQ(ptr, &things[id - 1]);
		seen++;
	}
	EXPECT_EQ(seen, 299);
	idr_destroy(&idr);
	EXPECT(idr_is_empty(&idr));
}

/* -- Lookups beside changes ---------------------------------------------------- */

#define CHURN_IDS 5000

struct thing {
	int id;
	struct rcu_head rcu;
};

struct churn {
	struct idr idr;
	bool stop;
	atomic_t found;
};

static int look_up(void *arg)
{
	struct churn *c = arg;

	while (!READ_ONCE(c->stop)) {
		int id = test_random_below(CHURN_IDS);
		struct thing *t;

		rcu_read_lock();
		t = idr_find(&c->idr, id);
		if (t) {
			EXPECT_EQ(t->id, id);
			atomic_inc(&c->found);
		}
		rcu_read_unlock();
		cond_resched();
	}
	return 0;
}

static void churn_step(struct churn *c)
{
	int id = test_random_below(CHURN_IDS);
	struct thing *t = idr_remove(&c->idr, id);

	if (t) {
		kfree_rcu(t, rcu);
		return;
	}
	/* Others are looking: the test does not end here. */
	t = kmalloc(sizeof(*t), GFP_KERNEL);
	if (!EXPECT(t))
		return;
	t->id = id;
	if (!EXPECT_EQ(idr_alloc(&c->idr, t, id, id + 1, GFP_KERNEL), id))
		kfree(t);
}

TEST(idr, lookups_see_whole_trees_while_they_change)
{
	struct churn c = {.stop = false};
	struct task *reader[2];
	void *ptr;
	int id = 0;

	idr_init(&c.idr);
	for (int i = 0; i < 2; i++) {
		reader[i] = task_run(look_up, &c, "reader");
		EXPECT(reader[i]);
	}
	for (int i = 0; i < 10000 || (!atomic_read(&c.found) && i < 1000000);
	     i++)
		churn_step(&c);
	EXPECT_GE(idr_validate(&c.idr), 0);
	for (; !idr_next(&c.idr, &id, &ptr); id++)
		kfree_rcu((struct thing *)idr_remove(&c.idr, id), rcu);
	EXPECT(idr_is_empty(&c.idr));
	WRITE_ONCE(c.stop, true);
	for (int i = 0; i < 2; i++)
		if (reader[i])
			task_join(reader[i]);
	EXPECT_GT(atomic_read(&c.found), 0);
	kfree_rcu_barrier();
}
