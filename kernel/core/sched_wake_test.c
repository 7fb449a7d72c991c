/* SPDX-License-Identifier: MIT */
/* sched_wake_test.c - sleeping and waking: never lost, never early. */
#include <lib/random.h>
#include "sched_test.h"

/*
 * A token goes round a ring of tasks on all CPUs by bare set_current_state()
 * and wake_up_process().  Random delays on both sides move the wakeup to every
 * point of falling asleep.  A lost wakeup shows as a timeout.
 */
#define RING   6
#define ROUNDS 400

struct ring_member {
	struct task *task;
	struct ring_member *next;
	struct prng rng;
	int tokens; /* any CPU, atomically */
	bool lost;
};

static void random_delay(struct ring_member *m)
{
	u32 loops = prng_below(&m->rng, 400);

	while (loops--)
		cpu_relax();
}

static bool take_token(struct ring_member *m)
{
	int tokens = READ_ONCE(m->tokens);

	return tokens && cmpxchg(&m->tokens, tokens, tokens - 1) == tokens;
}

static int pass_tokens(void *arg)
{
	struct ring_member *m = arg;

	for (int i = 0; i < ROUNDS; i++) {
		s64 left = 5 * NSEC_PER_SEC;

		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			random_delay(m);
			if (take_token(m) || !left)
				break;
			left = schedule_timeout(left);
		}
		__set_current_state(TASK_RUNNING);
		if (!left) {
			WRITE_ONCE(m->lost, true);
			return 1;
		}
		random_delay(m);
		__atomic_fetch_add(&m->next->tokens, 1, __ATOMIC_RELAXED);
		wake_up_process(m->next->task);
	}
	return 0;
}

TEST_T(sched, wakeups_are_never_lost, 60)
{
	struct ring_member m[RING] = {{0}};
	u64 seed = test_seed();

	for (int i = 0; i < RING; i++) {
		m[i].task = make(pass_tokens, &m[i]);
		m[i].next = &m[(i + 1) % RING];
		prng_init(&m[i].rng, seed + i);
		if (i % 2)
			kthread_bind(m[i].task, nth_cpu(i));
	}
	m[0].tokens = 2;
	for (int i = 0; i < RING; i++)
		wake_up_process(m[i].task);
	for (int i = 0; i < RING; i++) {
		task_wait(m[i].task);
		EXPECT(!m[i].lost);
	}
	for (int i = 0; i < RING; i++)
		task_join(m[i].task);
}

static int sleep_through(void *arg)
{
	u64 start = ktime_get_ns();

	sleep_ns(30 * MS);
	return ktime_get_ns() - start >= 30 * MS;
}

TEST(sched, sleep_goes_on_when_woken_early)
{
	struct task *t = make(sleep_through, NULL);

	wake_up_process(t);
	for (int i = 0; i < 5; i++) {
		sleep_ns(2 * MS);
		wake_up_process(t);
	}
	EXPECT_EQ(task_join(t), 1);
}

TEST(sched, sleep_is_never_early)
{
	for (int i = 0; i < 10; i++) {
		u64 ns = test_random_below(10 * MS), start = ktime_get_ns();

		sleep_ns(ns);
		EXPECT_GE(ktime_get_ns() - start, ns);
	}
}

TEST(sched, timeout_of_a_sleep_says_what_is_left)
{
	s64 left;

	set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT_EQ(schedule_timeout(5 * MS), 0);
	EXPECT_EQ(current->state, TASK_RUNNING);

	/* Woken before it slept: hardly anything passes. */
	set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT(wake_up_process(current));
	left = schedule_timeout(1000000 * MS);
	EXPECT_GT(left, 0);
	EXPECT_LE(left, 1000000 * MS);
}

TEST(sched, waking_asks_for_the_right_state)
{
	EXPECT(!wake_up_process(current));
	__set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT(!wake_up_state(current, TASK_INTERRUPTIBLE));
	EXPECT_EQ(current->state, TASK_UNINTERRUPTIBLE);
	EXPECT(wake_up_state(current, TASK_UNINTERRUPTIBLE));
	EXPECT_EQ(current->state, TASK_RUNNING);
}
