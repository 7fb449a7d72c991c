/* SPDX-License-Identifier: MIT */
/* wait_test.c - wait queues, completions and semaphores. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/semaphore.h>
#include <kernel/task/kthread.h>
#include <string.h>
#include <tests/test.h>

#define MS NSEC_PER_MSEC

/* Long enough that whoever has not come by then never will. */
#define SETTLE_MS 30

static struct task *run(int (*fn)(void *), void *arg)
{
	struct task *t = kthread_run(fn, arg, "test");

	ASSERT(!IS_ERR(t));
	return t;
}

/* -- Wait queues ------------------------------------------------------------- */

struct gate {
	struct wait_queue_head queue;
	bool open;
	int tickets; /* any CPU, atomically */
	atomic_t waiting;
	atomic_t through;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){0};
	init_waitqueue_head(&g->queue);
}

static void await(atomic_t *v, int n)
{
	for (int i = 0; atomic_read(v) < n && i < 1000; i++)
		msleep(1);
	ASSERT_EQ(atomic_read(v), n);
}

static int pass_gate(void *arg)
{
	struct gate *g = arg;

	atomic_inc(&g->waiting);
	wait_event(g->queue, READ_ONCE(g->open));
	atomic_inc(&g->through);
	return 0;
}

static bool take_ticket(struct gate *g)
{
	int n = READ_ONCE(g->tickets);

	return n && cmpxchg(&g->tickets, n, n - 1) == n;
}

static int pass_exclusively(void *arg)
{
	struct gate *g = arg;

	atomic_inc(&g->waiting);
	wait_event_exclusive(g->queue, take_ticket(g));
	atomic_inc(&g->through);
	return 0;
}

TEST(wait, all_ordinary_waiters_are_woken)
{
	struct task *t[5];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 5; i++)
		t[i] = run(pass_gate, &g);
	await(&g.waiting, 5);
	msleep(SETTLE_MS);
	EXPECT_EQ(atomic_read(&g.through), 0);

	/* A wakeup with the condition false lets nobody through. */
	wake_up(&g.queue);
	msleep(SETTLE_MS);
	EXPECT_EQ(atomic_read(&g.through), 0);

	WRITE_ONCE(g.open, true);
	wake_up(&g.queue);
	for (int i = 0; i < 5; i++)
		task_join(t[i]);
	EXPECT_EQ(atomic_read(&g.through), 5);
	EXPECT(!waitqueue_active(&g.queue));
}

TEST(wait, one_exclusive_waiter_is_woken_at_a_time)
{
	struct task *t[4];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 4; i++)
		t[i] = run(pass_exclusively, &g);
	await(&g.waiting, 4);
	msleep(SETTLE_MS);

	/* Tickets for all, but one wakeup: one comes. */
	__atomic_store_n(&g.tickets, 4, __ATOMIC_SEQ_CST);
	wake_up(&g.queue);
	msleep(SETTLE_MS);
	EXPECT_EQ(atomic_read(&g.through), 1);
	wake_up_nr(&g.queue, 2);
	msleep(SETTLE_MS);
	EXPECT_EQ(atomic_read(&g.through), 3);
	wake_up_all(&g.queue);
	for (int i = 0; i < 4; i++)
		task_join(t[i]);
	EXPECT_EQ(g.tickets, 0);
}

TEST(wait, timeout_passes_and_not_too_early)
{
	DECLARE_WAIT_QUEUE_HEAD(q);
	u64 start = ktime_get_ns();
	bool yes = true, no = false;

	EXPECT_EQ(wait_event_timeout(q, READ_ONCE(no), 10 * MS), 0);
	EXPECT_GE(ktime_get_ns() - start, 10 * MS);
	EXPECT_GT(wait_event_timeout(q, READ_ONCE(yes), 10 * MS), 0);
	EXPECT_GT(wait_event_timeout(q, READ_ONCE(yes), 0), 0);
	EXPECT_EQ(wait_event_timeout(q, READ_ONCE(no), 0), 0);
	EXPECT(!waitqueue_active(&q));
}

/* Producers and consumers on all CPUs; a lost wakeup hangs the test. */
#define ITEMS 2000

static int produce(void *arg)
{
	struct gate *g = arg;

	for (int i = 0; i < ITEMS; i++) {
		__atomic_fetch_add(&g->tickets, 1, __ATOMIC_SEQ_CST);
		wake_up(&g->queue);
		if (i % 16 == 0)
			cond_resched();
	}
	return 0;
}

static int consume(void *arg)
{
	struct gate *g = arg;

	for (int i = 0; i < ITEMS; i++)
		wait_event_exclusive(g->queue, take_ticket(g));
	/* The last ticket may have been there before its wakeup, which then
	 * came to us as we left, and was meant for the next. */
	wake_up(&g->queue);
	return 0;
}

TEST_T(wait, no_wakeup_is_lost_between_producers_and_consumers, 60)
{
	struct task *t[6];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 6; i++)
		t[i] = run(i % 2 ? produce : consume, &g);
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
	EXPECT_EQ(g.tickets, 0);
}

static int wait_killably(void *arg)
{
	struct gate *g = arg;

	atomic_inc(&g->waiting);
	return wait_event_killable(g->queue, READ_ONCE(g->open));
}

TEST(wait, a_kill_ends_killable_waits_only)
{
	struct task *killable, *stubborn;
	struct gate g;

	gate_init(&g);
	killable = run(wait_killably, &g);
	stubborn = run(pass_gate, &g);
	await(&g.waiting, 2);
	msleep(SETTLE_MS);
	task_kill(killable);
	task_kill(stubborn);
	EXPECT_EQ(task_join(killable), -EINTR);
	msleep(SETTLE_MS);
	EXPECT(!task_exited(stubborn));
	EXPECT_EQ(atomic_read(&g.through), 0);

	/* Killed before it waits: it does not. */
	killable = kthread_create(wait_killably, &g, "test");
	task_kill(killable);
	wake_up_process(killable);
	EXPECT_EQ(task_join(killable), -EINTR);

	WRITE_ONCE(g.open, true);
	wake_up(&g.queue);
	EXPECT_EQ(task_join(stubborn), 0);
	EXPECT(!waitqueue_active(&g.queue));
}

/* -- Completions ------------------------------------------------------------- */

TEST(completion, each_complete_lets_one_wait_pass)
{
	DECLARE_COMPLETION_ONSTACK(c);

	EXPECT(!completion_done(&c));
	EXPECT(!try_wait_for_completion(&c));
	complete(&c);
	complete(&c);
	EXPECT(completion_done(&c));
	wait_for_completion(&c);
	EXPECT(try_wait_for_completion(&c));
	EXPECT(!try_wait_for_completion(&c));
	EXPECT_EQ(wait_for_completion_timeout(&c, 5 * MS), 0);
	complete(&c);
	EXPECT_GT(wait_for_completion_timeout(&c, 5 * MS), 0);
	EXPECT_EQ(wait_for_completion_timeout(&c, 0), 0);
}

TEST(completion, complete_all_lets_everyone_pass_for_good)
{
	DECLARE_COMPLETION_ONSTACK(c);

	complete_all(&c);
	for (int i = 0; i < 5; i++)
		wait_for_completion(&c);
	EXPECT(completion_done(&c));
	reinit_completion(&c);
	EXPECT(!try_wait_for_completion(&c));
}

/* The waiter's stack frame, and the completion in it, end with the wait. */
static int complete_it(void *arg)
{
	complete(arg);
	return 0;
}

TEST_T(completion, may_go_out_of_scope_when_the_wait_returns, 30)
{
	for (int i = 0; i < 500; i++) {
		DECLARE_COMPLETION_ONSTACK(c);
		struct task *t = run(complete_it, &c);

		wait_for_completion(&c);
		/* A late access by complete() would hit this. */
		memset(&c, 0xa5, sizeof(c));
		task_join(t);
		for (size_t k = 0; k < sizeof(c); k++)
			if (!EXPECT_EQ(((u8 *)&c)[k], 0xa5))
				return;
	}
}

static int wait_for_it_killably(void *arg)
{
	return wait_for_completion_killable(arg);
}

TEST(completion, a_kill_ends_a_killable_wait)
{
	DECLARE_COMPLETION_ONSTACK(c);
	struct task *t = run(wait_for_it_killably, &c);

	msleep(SETTLE_MS);
	EXPECT(!task_exited(t));
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);

	t = run(wait_for_it_killably, &c);
	complete(&c);
	EXPECT_EQ(task_join(t), 0);
}

/* -- Semaphores -------------------------------------------------------------- */

struct room {
	struct semaphore places;
	atomic_t inside;
	atomic_t most;
};

static int visit(void *arg)
{
	struct room *r = arg;

	for (int i = 0; i < 200; i++) {
		int n, most;

		down(&r->places);
		n = atomic_inc_return(&r->inside);
		most = atomic_read(&r->most);
		while (n > most && !atomic_try_cmpxchg(&r->most, &most, n))
			;
		if (i % 8 == 0)
			sleep_ns(20000);
		atomic_dec(&r->inside);
		up(&r->places);
	}
	return 0;
}

TEST_T(semaphore, never_more_inside_than_places, 30)
{
	struct task *t[6];
	struct room r = {0};

	sema_init(&r.places, 3);
	for (int i = 0; i < 6; i++)
		t[i] = run(visit, &r);
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
	EXPECT_LE(atomic_read(&r.most), 3);
	EXPECT_GT(atomic_read(&r.most), 0);
	EXPECT_EQ(r.places.count, 3);
}

TEST(semaphore, trylock_and_timeout_take_what_is_there)
{
	DEFINE_SEMAPHORE(s, 1);

	EXPECT(down_trylock(&s));
	EXPECT(!down_trylock(&s));
	EXPECT_EQ(down_timeout(&s, 5 * MS), -ETIME);
	up(&s);
	EXPECT_EQ(down_timeout(&s, 5 * MS), 0);
	EXPECT_EQ(s.count, 0);
	EXPECT(list_empty(&s.waiters));
}

static int go_down(void *arg)
{
	down(arg);
	return 0;
}

TEST(semaphore, each_up_lets_one_waiter_go)
{
	DEFINE_SEMAPHORE(s, 0);
	struct task *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = run(go_down, &s);
	msleep(SETTLE_MS);
	for (int up_to = 1; up_to <= 3; up_to++) {
		int gone = 0;

		up(&s);
		msleep(SETTLE_MS);
		for (int i = 0; i < 3; i++)
			gone += task_exited(t[i]);
		EXPECT_EQ(gone, up_to);
		EXPECT_EQ(s.count, 0);
	}
	for (int i = 0; i < 3; i++)
		task_join(t[i]);
}

static int down_killably(void *arg)
{
	return down_killable(arg);
}

TEST(semaphore, a_killed_waiter_takes_nothing)
{
	DEFINE_SEMAPHORE(s, 0);
	struct task *t = run(down_killably, &s);

	msleep(SETTLE_MS);
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);
	EXPECT(list_empty(&s.waiters));
	up(&s);
	EXPECT_EQ(s.count, 1);
}
