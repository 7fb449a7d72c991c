/* SPDX-License-Identifier: MIT */
/* wait_test.c - wait queues, completions and semaphores. */
#include <arch/irqflags.h>
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
	atomic_t through;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){0};
	init_waitqueue_head(&g->queue);
}

/* Tries before a test gives up on what must come; a slow host needs some. */
#define PATIENCE 10000

static void await(atomic_t *v, int n)
{
	for (int i = 0; atomic_read(v) < n && i < PATIENCE; i++)
		msleep(1);
	ASSERT_EQ(atomic_read(v), n);
}

/* Off its runqueue: it has queued itself, and found its condition false. */
static void await_asleep(struct task *t)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (!READ_ONCE(t->on_rq) && READ_ONCE(t->state) & TASK_NORMAL)
			return;
		msleep(1);
	}
	ASSERT(!"asleep");
}

static int nr_queued(struct wait_queue_head *q)
{
	struct wait_queue_entry *e;
	int n = 0;

	spin_lock_irq(&q->lock);
	list_for_each_entry(e, &q->head, entry)
		n++;
	spin_unlock_irq(&q->lock);
	return n;
}

static int pass_gate(void *arg)
{
	struct gate *g = arg;

	wait_event(g->queue, READ_ONCE(g->open));
	atomic_inc(&g->through);
	return 0;
}

/* False only if there is none: who loses a race for one looks for another, or
 * it would sleep with a ticket there and its wakeup spent. */
static bool take_ticket(struct gate *g)
{
	int n = READ_ONCE(g->tickets);

	while (n && !try_cmpxchg(&g->tickets, &n, n - 1))
		;
	return n;
}

static int pass_exclusively(void *arg)
{
	struct gate *g = arg;

	wait_event_exclusive(g->queue, take_ticket(g));
	atomic_inc(&g->through);
	return 0;
}

struct meeting {
	struct wait_queue_head q;
	struct task *t[2];
};

static int wait_exclusively(void *arg)
{
	struct meeting *m = arg;
	DEFINE_WAIT(wait);

	prepare_to_wait_exclusive(&m->q, &wait, TASK_UNINTERRUPTIBLE);
	schedule();
	finish_wait(&m->q, &wait);
	return 0;
}

static int stand_in_line(void *arg)
{
	struct meeting *m = arg;
	DECLARE_WAITQUEUE(wait, current);

	add_wait_queue_exclusive(&m->q, &wait);
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	remove_wait_queue(&m->q, &wait);
	return 0;
}

static void each_wakes_one(int (*fn)(void *))
{
	struct meeting m;

	init_waitqueue_head(&m.q);
	for (int i = 0; i < 2; i++) {
		m.t[i] = run(fn, &m);
		await_asleep(m.t[i]);
	}
	wake_up(&m.q);
	task_join(m.t[0]);
	msleep(2);
	EXPECT(!task_exited(m.t[1]));
	EXPECT_EQ(list_count_nodes(&m.q.head), 1);
	wake_up(&m.q);
	task_join(m.t[1]);
	EXPECT(!waitqueue_active(&m.q));
}

TEST(wait, who_waits_exclusively_by_hand_is_woken_alone)
{
	each_wakes_one(wait_exclusively);
	each_wakes_one(stand_in_line);
}

TEST(wait, all_ordinary_waiters_are_woken)
{
	struct task *t[5];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 5; i++)
		t[i] = run(pass_gate, &g);
	for (int i = 0; i < 5; i++)
		await_asleep(t[i]);
	EXPECT_EQ(atomic_read(&g.through), 0);

	/* A wakeup with the condition false lets nobody through. */
	wake_up(&g.queue);
	for (int i = 0; i < 5; i++)
		await_asleep(t[i]);
	EXPECT_EQ(atomic_read(&g.through), 0);
	EXPECT_EQ(nr_queued(&g.queue), 5);

	WRITE_ONCE(g.open, true);
	wake_up(&g.queue);
	for (int i = 0; i < 5; i++)
		task_join(t[i]);
	EXPECT_EQ(atomic_read(&g.through), 5);
	EXPECT(!waitqueue_active(&g.queue));
}

/* Who is woken leaves the queue under the waker's lock, so right after a wakeup
 * the queue says how many it woke; how soon they run is the host's business. */
TEST(wait, one_exclusive_waiter_is_woken_at_a_time)
{
	struct task *t[4];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 4; i++)
		t[i] = run(pass_exclusively, &g);
	for (int i = 0; i < 4; i++)
		await_asleep(t[i]);
	EXPECT_EQ(nr_queued(&g.queue), 4);

	/* Tickets for all, but one wakeup: one comes. */
	__atomic_store_n(&g.tickets, 4, __ATOMIC_SEQ_CST);
	wake_up(&g.queue);
	EXPECT_EQ(nr_queued(&g.queue), 3);
	await(&g.through, 1);
	wake_up_nr(&g.queue, 2);
	EXPECT_EQ(nr_queued(&g.queue), 1);
	await(&g.through, 3);
	msleep(SETTLE_MS);
	EXPECT_EQ(atomic_read(&g.through), 3);
	wake_up_all(&g.queue);
	EXPECT_EQ(nr_queued(&g.queue), 0);
	for (int i = 0; i < 4; i++)
		task_join(t[i]);
	EXPECT_EQ(g.tickets, 0);
}

/* First come, first served; and ordinary waiters are not counted. */
static int pass_in_order(void *arg)
{
	struct gate *g = arg;

	wait_event_exclusive(g->queue, take_ticket(g));
	return atomic_inc_return(&g->through);
}

TEST(wait, exclusive_waiters_are_woken_in_order_and_all_others_with_each)
{
	struct task *t[4], *ordinary[2];
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 4; i++) {
		t[i] = run(pass_in_order, &g);
		await_asleep(t[i]);
	}
	for (int i = 0; i < 2; i++) {
		ordinary[i] = run(pass_gate, &g);
		await_asleep(ordinary[i]);
	}
	atomic_set(&g.through, 100); /* who does not come first shows */
	WRITE_ONCE(g.open, true);
	__atomic_store_n(&g.tickets, 1, __ATOMIC_SEQ_CST);
	wake_up(&g.queue);
	for (int i = 0; i < 2; i++)
		task_join(ordinary[i]);
	task_join(t[0]);
	EXPECT_EQ(nr_queued(&g.queue), 3);
	EXPECT_EQ(atomic_read(&g.through), 103);
	for (int i = 1; i < 4; i++) {
		__atomic_fetch_add(&g.tickets, 1, __ATOMIC_SEQ_CST);
		wake_up(&g.queue);
		EXPECT_EQ(task_join(t[i]), 103 + i);
	}
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

	return wait_event_killable(g->queue, READ_ONCE(g->open));
}

TEST(wait, a_kill_ends_killable_waits_only)
{
	struct task *killable, *stubborn;
	struct gate g;

	gate_init(&g);
	killable = run(wait_killably, &g);
	stubborn = run(pass_gate, &g);
	await_asleep(killable);
	await_asleep(stubborn);
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

/* One by one, so that a wakeup spent on one that was killed would show. */
static int take_one_killably(void *arg)
{
	struct gate *g = arg;
	int err = wait_event_killable_exclusive(g->queue, take_ticket(g));

	if (!err)
		atomic_inc(&g->through);
	return err;
}

TEST_T(wait, a_wakeup_is_not_spent_on_one_that_was_killed, 30)
{
	struct task *victim, *next;
	struct gate g;

	gate_init(&g);
	for (int i = 0; i < 100; i++) {
		int got;

		victim = run(take_one_killably, &g);
		await_asleep(victim);
		next = run(take_one_killably, &g);
		await_asleep(next);
		__atomic_fetch_add(&g.tickets, 1, __ATOMIC_SEQ_CST);
		if (i % 2) {
			task_kill(victim);
			wake_up(&g.queue);
		} else {
			wake_up(&g.queue);
			task_kill(victim);
		}
		/* It has the ticket, or the other one gets it. */
		got = !task_join(victim);
		if (got)
			task_kill(next);
		EXPECT_EQ(task_join(next), got ? -EINTR : 0);
		EXPECT_EQ(g.tickets, 0);
	}
	EXPECT_EQ(atomic_read(&g.through), 100);
	EXPECT(!waitqueue_active(&g.queue));
}

struct locked_gate {
	spinlock_t lock;
	struct wait_queue_head queue;
	int value; /* under lock */
};

static int wait_under_lock(void *arg)
{
	struct locked_gate *g = arg;

	spin_lock_irq(&g->lock);
	wait_event_lock_irq(g->queue, g->value, g->lock);
	EXPECT(irqs_disabled());
	EXPECT(spin_is_held(&g->lock));
	g->value++;
	spin_unlock_irq(&g->lock);
	return 0;
}

TEST(wait, a_condition_may_be_under_a_lock)
{
	struct locked_gate g = {0};
	struct task *t;

	spin_lock_init(&g.lock);
	init_waitqueue_head(&g.queue);
	t = run(wait_under_lock, &g);
	await_asleep(t);
	EXPECT(!spin_is_locked(&g.lock));
	spin_lock_irq(&g.lock);
	g.value = 1;
	wake_up(&g.queue);
	spin_unlock_irq(&g.lock);
	EXPECT_EQ(task_join(t), 0);
	EXPECT_EQ(g.value, 2);
}

static int wait_killably_for_a_time(void *arg)
{
	struct gate *g = arg;

	return wait_event_interruptible_timeout(g->queue, READ_ONCE(g->open),
						1000 * NSEC_PER_SEC);
}

TEST(wait, a_kill_ends_a_wait_with_a_timeout)
{
	struct gate g;
	struct task *t;

	gate_init(&g);
	t = run(wait_killably_for_a_time, &g);
	await_asleep(t);
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);
	EXPECT(!waitqueue_active(&g.queue));
	EXPECT_EQ(wait_event_interruptible_timeout(g.queue, false, MS), 0);
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

	await_asleep(t);
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);

	t = run(wait_for_it_killably, &c);
	complete(&c);
	EXPECT_EQ(task_join(t), 0);

	EXPECT_EQ(wait_for_completion_killable_timeout(&c, MS), 0);
	complete(&c);
	EXPECT_GT(wait_for_completion_killable_timeout(&c, 0), 0);
	EXPECT_EQ(wait_for_completion_timeout(&c, -5), 0);
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

	EXPECT_EQ(down_trylock(&s), 0);
	EXPECT_EQ(down_trylock(&s), 1);
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

	for (int i = 0; i < 3; i++) {
		t[i] = run(go_down, &s);
		await_asleep(t[i]);
	}
	/* In the order they came. */
	for (int i = 0; i < 3; i++) {
		up(&s);
		task_join(t[i]);
		EXPECT_EQ(s.count, 0);
		EXPECT_EQ(list_count_nodes(&s.waiters), 2 - i);
	}
}

static int down_killably(void *arg)
{
	return down_killable(arg);
}

TEST(semaphore, a_killed_waiter_takes_nothing)
{
	DEFINE_SEMAPHORE(s, 0);
	struct task *t = run(down_killably, &s);

	await_asleep(t);
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);
	EXPECT(list_empty(&s.waiters));
	up(&s);
	EXPECT_EQ(s.count, 1);
}
