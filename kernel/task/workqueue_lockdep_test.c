/* SPDX-License-Identifier: MIT */
/* workqueue_lockdep_test.c - queues that could wait for each other are found,
 * before they do. */
#include <kernel/core/report.h>
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

static void run_flusher(struct workqueue_struct *wq,
			struct workqueue_struct *other)
{
	struct flusher f = {.other = other};

	INIT_WORK(&f.work, flush_other);
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
	run_flusher(a, b);
	run_flusher(b, a);
	run_flusher(a, b);
	run_flusher(b, a);
	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1ul);
	lockdep_forget(&a->dep_map);
	lockdep_forget(&b->dep_map);
	destroy_workqueue(a);
	destroy_workqueue(b);
}
