/* SPDX-License-Identifier: MIT */
/* workqueue_lockdep_test.c - queues that could wait for each other are found,
 * before they do. */
#include <kernel/core/report.h>
#include <kernel/core/mutex.h>
#include <tests/test.h>
#include "workqueue_impl.h"

struct flusher {
	struct work_struct work;
	struct workqueue_struct *other;
};

static void flush_other(struct work_struct *work)
{
	flush_workqueue(container_of(work, struct flusher, work)->other);
}

/* Another function, for items of one function are one class. */
static noinline void flush_back(struct work_struct *work)
{
	flush_other(work);
	barrier();
}

static void run_flusher(struct workqueue_struct *wq, work_func_t func,
			struct workqueue_struct *other)
{
	struct flusher f = {.other = other};

	INIT_WORK(&f.work, func);
	queue_work(wq, &f.work);
	flush_work(&f.work);
}

/* One after the other, so nothing hangs; at the same time, both would. */
TEST(workqueue, items_that_flush_each_others_queues_are_reported_once)
{
	struct workqueue_struct *a = alloc_workqueue("test_a", 0, 0);
	struct workqueue_struct *b = alloc_workqueue("test_b", 0, 0);

	ASSERT(a && b);
	report_expect(REPORT_LOCKDEP);
	run_flusher(a, flush_other, b);
	run_flusher(b, flush_back, a);
	run_flusher(a, flush_other, b);
	run_flusher(b, flush_back, a);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1ul);
	lockdep_forget(&a->dep_map);
	lockdep_forget(&b->dep_map);
	destroy_workqueue(a);
	destroy_workqueue(b);
}

static DEFINE_MUTEX(item_mutex);

static void take_mutex(struct work_struct *work)
{
	mutex_lock(&item_mutex);
	mutex_unlock(&item_mutex);
}

/* The item has run, so nothing hangs; had it not, nobody would get anywhere. */
TEST(workqueue, a_flush_under_a_lock_that_the_item_takes_is_reported)
{
	struct work_struct item, later;

	INIT_WORK(&item, take_mutex);
	INIT_WORK(&later, take_mutex);
	queue_work(system_wq, &item);
	flush_work(&item);

	report_expect(REPORT_LOCKDEP);
	mutex_lock(&item_mutex);
	flush_work(&later);
	mutex_unlock(&item_mutex);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1ul);
	lockdep_forget(&item_mutex.dep_map);
}
