/* SPDX-License-Identifier: MIT */
/* workqueue_test.c - every item runs once for each queueing, and never beside
 * itself. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/report.h>
#include <kernel/core/smp.h>
#include <kernel/task/kthread.h>
#include <mm/slab/slab.h>
#include <tests/test.h>
#include "workqueue_impl.h"

#define MS NSEC_PER_MSEC

/* Workers made for a test are not its leaks. */
TEST_QUIESCE(workqueue)
{
	workqueue_trim();
}

struct item {
	struct work_struct work;
	struct delayed_work dwork;
	atomic_t runs;
	atomic_t inside;
	atomic_t overlaps;
	unsigned int cpu;
	int requeues;
	u64 ran_at;
	struct workqueue_struct *wq;
	struct completion *gate; /* wait for it */
	struct completion *begun;
	int *order;
	int index;
};

static void enter(struct item *it)
{
	if (atomic_add_return(1, &it->inside) != 1)
		atomic_inc(&it->overlaps);
	it->cpu = smp_processor_id();
	it->ran_at = ktime_get_ns();
	if (it->begun)
		complete(it->begun);
	if (it->gate)
		wait_for_completion(it->gate);
	if (it->order)
		it->index = (*it->order)++;
	atomic_inc(&it->runs);
	atomic_dec(&it->inside);
}

static void item_fn(struct work_struct *work)
{
	struct item *it = container_of(work, struct item, work);

	EXPECT_EQ(current_work(), work);
	enter(it);
	if (it->requeues && it->requeues--) {
		queue_work(it->wq, work);
		cpu_relax(); /* where CPUs take turns, let others have one */
	}
}

static void delayed_fn(struct work_struct *work)
{
	struct item *it =
		container_of(to_delayed_work(work), struct item, dwork);

	enter(it);
	if (it->requeues && it->requeues--)
		queue_delayed_work(it->wq, &it->dwork, MS);
}

static void item_init(struct item *it, struct workqueue_struct *wq)
{
	*it = (struct item){.wq = wq};
	INIT_WORK(&it->work, item_fn);
	INIT_DELAYED_WORK(&it->dwork, delayed_fn);
}

TEST(workqueue, an_item_runs_once_for_each_queueing)
{
	struct item it;

	item_init(&it, system_wq);
	EXPECT(!flush_work(&it.work));
	for (int i = 1; i <= 100; i++) {
		EXPECT(schedule_work(&it.work));
		flush_work(&it.work);
		EXPECT_EQ(atomic_read(&it.runs), i);
	}
	EXPECT(!work_busy(&it.work));
}

TEST(workqueue, a_bound_item_runs_on_the_cpu_asked_for)
{
	struct item it;
	unsigned int cpu;

	item_init(&it, system_wq);
	for_each_online_cpu(cpu) {
		EXPECT(queue_work_on(cpu, system_wq, &it.work));
		flush_work(&it.work);
		EXPECT_EQ(it.cpu, cpu);
	}
}

/* Queued while it waits: once.  Queued while it runs: once more, afterwards. */
TEST(workqueue, an_item_is_queued_once_until_it_begins)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	DECLARE_COMPLETION_ONSTACK(begun);
	struct workqueue_struct *wq = alloc_ordered_workqueue("test", 0);
	struct item it, next;

	ASSERT(wq);
	item_init(&it, wq);
	item_init(&next, wq);
	it.gate = &gate;
	it.begun = &begun;
	EXPECT(queue_work(wq, &it.work));
	wait_for_completion(&begun);
	EXPECT(!work_pending(&it.work));
	EXPECT(work_busy(&it.work));
	EXPECT(queue_work(wq, &next.work));
	EXPECT(!queue_work(wq, &next.work));
	EXPECT(queue_work(wq, &it.work));
	EXPECT(!queue_work(wq, &it.work));
	EXPECT_EQ(atomic_read(&next.runs), 0);
	complete_all(&gate);
	flush_workqueue(wq);
	EXPECT_EQ(atomic_read(&it.runs), 2);
	EXPECT_EQ(atomic_read(&next.runs), 1);
	destroy_workqueue(wq);
}

/* The second worker for a bound pool comes when the first one sleeps. */
TEST(workqueue, another_worker_goes_on_when_one_sleeps)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	struct item sleeper[4], it;

	for (int i = 0; i < 4; i++) {
		item_init(&sleeper[i], system_wq);
		sleeper[i].gate = &gate;
		queue_work_on(0, system_wq, &sleeper[i].work);
	}
	item_init(&it, system_wq);
	queue_work_on(0, system_wq, &it.work);
	flush_work(&it.work);
	EXPECT_EQ(atomic_read(&it.runs), 1);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(atomic_read(&sleeper[i].runs), 0);
	EXPECT_GE(cpu_pool(0)->nr_workers, 5u);
	complete_all(&gate);
	for (int i = 0; i < 4; i++) {
		flush_work(&sleeper[i].work);
		EXPECT_EQ(atomic_read(&sleeper[i].runs), 1);
	}
}

TEST(workqueue, idle_workers_leave_but_one)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	struct item it[4];
	u64 patience = worker_idle_ns;

	WRITE_ONCE(worker_idle_ns, 5 * MS);
	workqueue_trim();
	for (int i = 0; i < 4; i++) {
		item_init(&it[i], system_unbound_wq);
		it[i].gate = &gate;
		queue_work(system_unbound_wq, &it[i].work);
	}
	while (READ_ONCE(unbound_pool.nr_workers) < 4)
		msleep(1);
	complete_all(&gate);
	for (int i = 0; i < 4; i++)
		flush_work(&it[i].work);
	while (READ_ONCE(unbound_pool.nr_workers) > 1)
		msleep(1);
	EXPECT_EQ(unbound_pool.nr_workers, 1u);
	WRITE_ONCE(worker_idle_ns, patience);
}

TEST(workqueue, an_ordered_queue_keeps_the_order)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("test", 0);
	static struct item it[64];
	int order = 0;

	ASSERT(wq);
	for (int i = 0; i < 64; i++) {
		item_init(&it[i], wq);
		it[i].order = &order;
		queue_work_on(i % num_online_cpus(), wq, &it[i].work);
	}
	flush_workqueue(wq);
	for (int i = 0; i < 64; i++)
		EXPECT_EQ(it[i].index, i);
	destroy_workqueue(wq);
}

TEST(workqueue, an_item_may_requeue_itself_and_destroy_waits_for_all)
{
	struct workqueue_struct *wq = alloc_workqueue("test", 0, 0);
	struct item it;

	ASSERT(wq);
	item_init(&it, wq);
	it.requeues = 50;
	queue_work(wq, &it.work);
	destroy_workqueue(wq);
	EXPECT_EQ(atomic_read(&it.runs), 51);
}

/* A flush waits for what was queued, not for what comes after. */
TEST(workqueue, a_flush_ends_though_an_item_requeues_itself)
{
	struct workqueue_struct *wq = alloc_workqueue("test", 0, 0);
	struct item it;

	ASSERT(wq);
	item_init(&it, wq);
	it.requeues = 1 << 30;
	queue_work(wq, &it.work);
	for (int i = 0; i < 5; i++)
		flush_workqueue(wq);
	EXPECT_GE(atomic_read(&it.runs), 5);
	cancel_work_sync(&it.work);
	EXPECT(!work_busy(&it.work));
	destroy_workqueue(wq);
}

TEST(workqueue, delayed_work_is_never_early)
{
	struct item it;
	u64 start;

	item_init(&it, system_wq);
	EXPECT(schedule_delayed_work(&it.dwork, 1000000 * MS));
	EXPECT(!schedule_delayed_work(&it.dwork, 0));
	EXPECT(delayed_work_pending(&it.dwork));
	EXPECT(cancel_delayed_work(&it.dwork));
	EXPECT(!delayed_work_pending(&it.dwork));

	start = ktime_get_ns();
	EXPECT(schedule_delayed_work(&it.dwork, 5 * MS));
	while (!atomic_read(&it.runs))
		msleep(1);
	EXPECT_GE(it.ran_at - start, 5 * MS);
	cancel_delayed_work_sync(&it.dwork);
}

TEST(workqueue, delayed_work_can_be_moved_hurried_and_cancelled)
{
	struct item it;

	item_init(&it, system_wq);
	schedule_delayed_work(&it.dwork, 1000000 * MS);
	EXPECT(mod_delayed_work(system_wq, &it.dwork, 2000000 * MS));
	EXPECT(flush_delayed_work(&it.dwork) || atomic_read(&it.runs) == 1);
	EXPECT_EQ(atomic_read(&it.runs), 1);
	EXPECT(!mod_delayed_work(system_wq, &it.dwork, 1000000 * MS));
	EXPECT(cancel_delayed_work(&it.dwork));
	EXPECT(!cancel_delayed_work(&it.dwork));
	schedule_delayed_work(&it.dwork, 1000000 * MS);
	EXPECT(cancel_delayed_work_sync(&it.dwork));
	EXPECT_EQ(atomic_read(&it.runs), 1);
}

static void count_static(struct work_struct *work);
static DECLARE_DELAYED_WORK(static_dwork, count_static);
static int nr_static;

static void count_static(struct work_struct *work)
{
	EXPECT_EQ(to_delayed_work(work), &static_dwork);
	nr_static++;
}

TEST(workqueue, one_set_up_by_the_compiler_on_a_queue_named_by_a_format)
{
	struct workqueue_struct *wq =
		alloc_workqueue("test/%d-%s", WQ_MEM_RECLAIM, 0, 7, "seven");

	ASSERT(wq);
	EXPECT_STREQ(wq->name, "test/7-seven");
	EXPECT_STREQ(wq->rescuer->task->comm, "test/7-seven");
	nr_static = 0;
	EXPECT(!cancel_delayed_work_sync(&static_dwork));
	EXPECT(queue_delayed_work(wq, &static_dwork, 1000000 * MS));
	flush_delayed_work(&static_dwork);
	EXPECT_EQ(nr_static, 1);
	destroy_workqueue(wq);
}

/* Who drains may be joined; the first to be done does not end it for both. */
static int drain_arg(void *wq)
{
	drain_workqueue(wq);
	return 0;
}

TEST(workqueue, two_may_drain_at_once)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	struct workqueue_struct *wq = alloc_workqueue("test", 0, 0);
	struct item it, late;
	struct task *t;

	ASSERT(wq);
	item_init(&it, wq);
	item_init(&late, wq);
	it.gate = &gate;
	queue_work(wq, &it.work);
	t = task_run(drain_arg, wq, "drains");
	ASSERT(t);
	while (!atomic_read(&wq->nr_drainers))
		msleep(1);
	/* As another that drains, and is done first. */
	atomic_inc(&wq->nr_drainers);
	atomic_dec(&wq->nr_drainers);
	report_expect(REPORT_WARN);
	EXPECT(!queue_work(wq, &late.work));
	EXPECT_EQ(report_expected(REPORT_WARN), 1);
	complete_all(&gate);
	task_join(t);
	EXPECT(queue_work(wq, &late.work));
	destroy_workqueue(wq);
	EXPECT_EQ(atomic_read(&late.runs), 1);
}

TEST(workqueue, after_cancel_sync_nothing_runs_or_is_queued)
{
	struct item it;

	for (int i = 0; i < 50; i++) {
		item_init(&it, system_unbound_wq);
		it.requeues = 1 << 30;
		queue_work(system_unbound_wq, &it.work);
		if (i % 2)
			flush_work(&it.work);
		cancel_work_sync(&it.work);
		EXPECT(!work_busy(&it.work));
		EXPECT_EQ(atomic_read(&it.inside), 0);
	}
}

static void queue_in_irq(void *arg)
{
	struct item *it = arg;

	queue_work(it->wq, &it->work);
}

TEST(workqueue, hard_interrupts_may_queue)
{
	struct item it;
	unsigned int cpu;
	int n = 0;

	item_init(&it, system_wq);
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, queue_in_irq, &it, true);
		flush_work(&it.work);
		EXPECT_EQ(atomic_read(&it.runs), ++n);
		EXPECT_EQ(it.cpu, cpu);
	}
}

struct freed {
	struct work_struct work;
	struct completion *done;
};

static void free_self(struct work_struct *work)
{
	struct freed *f = container_of(work, struct freed, work);
	struct completion *done = f->done;

	kfree(f);
	complete(done);
}

TEST(workqueue, a_function_may_free_its_item)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct freed *f = kmalloc(sizeof(*f), GFP_KERNEL);

	ASSERT(f);
	INIT_WORK(&f->work, free_self);
	f->done = &done;
	schedule_work(&f->work);
	wait_for_completion(&done);
}

/* No worker can be made, and those there are all sleep for this queue's items. */
TEST(workqueue, a_rescuer_goes_on_when_there_is_no_memory)
{
	struct workqueue_struct *wq =
		alloc_workqueue("test", WQ_MEM_RECLAIM, 0);
	DECLARE_COMPLETION_ONSTACK(gate);
	struct item sleeper[8], it[4];

	ASSERT(wq);
	workqueue_trim();
	fault_fail_every(&failslab, 1);
	for (int i = 0; i < 8; i++) {
		item_init(&sleeper[i], system_wq);
		sleeper[i].gate = &gate;
		queue_work_on(0, system_wq, &sleeper[i].work);
	}
	for (int i = 0; i < 4; i++) {
		item_init(&it[i], wq);
		queue_work_on(0, wq, &it[i].work);
	}
	for (int i = 0; i < 4; i++) {
		flush_work(&it[i].work);
		EXPECT_EQ(atomic_read(&it[i].runs), 1);
		EXPECT_EQ(it[i].cpu, 0u);
	}
	fault_off(&failslab);
	complete_all(&gate);
	for (int i = 0; i < 8; i++)
		flush_work(&sleeper[i].work);
	destroy_workqueue(wq);
}

/* Some failures only make it slower; all others leave nothing. */
static void sweep(struct fault_attr *attr, unsigned int flags)
{
	unsigned long n, refused = 0;

	FAULT_SWEEP(attr, n) {
		struct workqueue_struct *wq = alloc_workqueue("test", flags, 0);

		EXPECT(wq || fault_fired(attr));
		if (wq)
			destroy_workqueue(wq);
		else
			refused++;
	}
	EXPECT_GE(refused, 1ul);
}

TEST(workqueue, a_queue_is_made_whole_or_not_at_all)
{
	sweep(&failslab, WQ_MEM_RECLAIM);
	sweep(&failslab, WQ_MEM_RECLAIM | WQ_UNBOUND);
	sweep(&fail_percpu, WQ_MEM_RECLAIM);
}

/* -- Stress -------------------------------------------------------------------- */

#define STRESS_ITEMS 16

struct stress {
	struct workqueue_struct *wq[3];
	struct item item[STRESS_ITEMS];
	atomic_t queued[STRESS_ITEMS];
	u64 end;
};

/* Items stay on one queue each: only there they never overlap. */
static int stress_task(void *arg)
{
	struct stress *s = arg;

	while (ktime_get_ns() < s->end) {
		u64 r = test_random();
		int i = r % STRESS_ITEMS;
		struct item *it = &s->item[i];
		int cpu = (r >> 8) % num_online_cpus();

		switch ((r >> 16) % 8) {
		case 0:
			if (cancel_work_sync(&it->work))
				atomic_dec(&s->queued[i]);
			break;
		case 1:
			if (cancel_work(&it->work))
				atomic_dec(&s->queued[i]);
			break;
		case 2:
			flush_work(&it->work);
			break;
		case 3:
			flush_workqueue(it->wq);
			break;
		default:
			if (queue_work_on(cpu, it->wq, &it->work))
				atomic_inc(&s->queued[i]);
		}
		cond_resched();
	}
	return 0;
}

static void stress_fn(struct work_struct *work)
{
	struct item *it = container_of(work, struct item, work);

	if (atomic_add_return(1, &it->inside) != 1)
		atomic_inc(&it->overlaps);
	if (test_random_below(4) == 0)
		sleep_ns(test_random_below(MS));
	atomic_inc(&it->runs);
	atomic_dec(&it->inside);
}

TEST(workqueue, stress_every_queueing_runs_or_is_cancelled_and_none_overlap)
{
	struct stress *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct task *t[6];

	ASSERT(s);
	s->wq[0] = alloc_workqueue("stress", WQ_MEM_RECLAIM, 0);
	s->wq[1] = alloc_workqueue("stress_u", WQ_UNBOUND, 2);
	s->wq[2] = alloc_ordered_workqueue("stress_o", 0);
	ASSERT(s->wq[0] && s->wq[1] && s->wq[2]);
	for (int i = 0; i < STRESS_ITEMS; i++) {
		item_init(&s->item[i], s->wq[i % 3]);
		INIT_WORK(&s->item[i].work, stress_fn);
	}
	s->end = ktime_get_ns() + 1000 * MS;
	for (int i = 0; i < 6; i++) {
		t[i] = task_run(stress_task, s, "stress");
		ASSERT(t[i]);
	}
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
	for (int i = 0; i < 3; i++)
		destroy_workqueue(s->wq[i]);
	for (int i = 0; i < STRESS_ITEMS; i++) {
		EXPECT_EQ(atomic_read(&s->item[i].overlaps), 0);
		EXPECT_EQ(atomic_read(&s->item[i].runs),
			  atomic_read(&s->queued[i]));
		EXPECT(!work_pending(&s->item[i].work));
	}
	kfree(s);
}
