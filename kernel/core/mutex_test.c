/* SPDX-License-Identifier: MIT */
/* mutex_test.c - one at a time, and everyone in time. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/mutex.h>
#include <kernel/task/kthread.h>
#include <tests/test.h>

#define MS     NSEC_PER_MSEC
#define ROUNDS 500

struct shared {
	struct mutex lock;
	u64 count; /* under lock, on purpose without atomics */
	int inside;
	int broken;
	bool stop;
	u64 turns;
};

static struct task *run(int (*fn)(void *), void *arg)
{
	struct task *t = kthread_run(fn, arg, "test");

	ASSERT(!IS_ERR(t));
	return t;
}

static int count_up(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < ROUNDS; i++) {
		u64 count;

		mutex_lock(&s->lock);
		if (s->inside++)
			s->broken++;
		count = s->count;
		if (i % 4 == 0)
			yield();
		else if (i % 64 == 1)
			sleep_ns(10000);
		s->count = count + 1;
		s->inside--;
		mutex_unlock(&s->lock);
	}
	return 0;
}

TEST_T(mutex, excludes, 60)
{
	struct shared s = {0};
	struct task *t[6];

	mutex_init(&s.lock);
	for (int i = 0; i < 6; i++)
		t[i] = run(count_up, &s);
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
	EXPECT_EQ(s.count, 6 * ROUNDS);
	EXPECT_EQ(s.broken, 0);
	EXPECT(!mutex_is_locked(&s.lock));
	EXPECT_EQ(atomic_long_read(&s.lock.owner), 0);
	mutex_destroy(&s.lock);
}

static int try_it(void *arg)
{
	struct shared *s = arg;
	bool got = mutex_trylock(&s->lock);

	EXPECT(!mutex_is_held(&s->lock) || got);
	if (got)
		mutex_unlock(&s->lock);
	return got;
}

TEST(mutex, knows_its_owner)
{
	struct shared s = {0};

	mutex_init(&s.lock);
	EXPECT(!mutex_is_locked(&s.lock));
	mutex_lock(&s.lock);
	EXPECT(mutex_is_locked(&s.lock));
	EXPECT(mutex_is_held(&s.lock));
	EXPECT_EQ(task_join(run(try_it, &s)), 0);
	EXPECT(mutex_is_held(&s.lock));
	mutex_unlock(&s.lock);
	EXPECT_EQ(task_join(run(try_it, &s)), 1);
	EXPECT(!mutex_is_locked(&s.lock));
}

static int lock_killably(void *arg)
{
	struct shared *s = arg;
	int err = mutex_lock_killable(&s->lock);

	if (!err)
		mutex_unlock(&s->lock);
	return err;
}

static int lock_stubbornly(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->lock);
	WRITE_ONCE(s->turns, s->turns + 1);
	mutex_unlock(&s->lock);
	return 0;
}

TEST(mutex, a_kill_ends_a_killable_wait_and_no_other)
{
	struct task *killable, *stubborn;
	struct shared s = {0};

	mutex_init(&s.lock);
	mutex_lock(&s.lock);
	killable = run(lock_killably, &s);
	stubborn = run(lock_stubbornly, &s);
	msleep(30);
	task_kill(killable);
	task_kill(stubborn);
	EXPECT_EQ(task_join(killable), -EINTR);
	msleep(30);
	EXPECT(!task_exited(stubborn));
	EXPECT_EQ(s.turns, 0);
	mutex_unlock(&s.lock);
	EXPECT_EQ(task_join(stubborn), 0);
	EXPECT_EQ(s.turns, 1);
	EXPECT_EQ(atomic_long_read(&s.lock.owner), 0);
}

/* Who takes the lock again at once, over and over, keeps nobody out. */
static int hog(void *arg)
{
	struct shared *s = arg;

	while (!READ_ONCE(s->stop)) {
		mutex_lock(&s->lock);
		ndelay(50000);
		mutex_unlock(&s->lock);
	}
	return 0;
}

static int take_turns(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 20; i++)
		lock_stubbornly(s);
	return 0;
}

TEST_T(mutex, waiters_do_not_starve, 30)
{
	struct shared s = {0};
	struct task *hogs[2], *modest;

	mutex_init(&s.lock);
	for (int i = 0; i < 2; i++)
		hogs[i] = run(hog, &s);
	modest = run(take_turns, &s);
	task_join(modest);
	EXPECT_EQ(s.turns, 20);
	WRITE_ONCE(s.stop, true);
	for (int i = 0; i < 2; i++)
		task_join(hogs[i]);
}

static int take_a_turn(void *arg)
{
	struct shared *s = arg;

	mutex_lock(&s->lock);
	s->turns++;
	mutex_unlock(&s->lock);
	return 0;
}

/* It is passed over once, by one that runs before it on its CPU; not twice. */
TEST(mutex, a_waiter_that_lost_once_is_next)
{
	struct cpumask here = *cpumask_of(smp_processor_id());
	struct shared s = {0};
	struct task *t;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	EXPECT_EQ(sched_set_fifo(current, 1), 0);
	mutex_init(&s.lock);
	mutex_lock(&s.lock);
	t = kthread_create(take_a_turn, &s, "waits");
	ASSERT(!IS_ERR(t));
	kthread_bind(t, smp_processor_id());
	wake_up_process(t);
	while (list_empty(&s.lock.waiters))
		sleep_ns(MS);
	mutex_unlock(&s.lock);
	mutex_lock(&s.lock);
	EXPECT_EQ(s.turns, 0);
	/* Let it find that out, and ask to be next. */
	while (!(atomic_long_read(&s.lock.owner) & 2))
		sleep_ns(MS);
	mutex_unlock(&s.lock);
	mutex_lock(&s.lock);
	EXPECT_EQ(s.turns, 1);
	mutex_unlock(&s.lock);
	EXPECT_EQ(task_join(t), 0);
	EXPECT_EQ(sched_set_normal(current, 0), 0);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

/* Killed waiters in between leave the lock to the others. */
static int lock_killably_often(void *arg)
{
	struct shared *s = arg;

	while (!kill_pending())
		lock_killably(s);
	return 0;
}

TEST_T(mutex, survives_killed_waiters, 30)
{
	struct shared s = {0};
	struct task *t[3], *victim;

	mutex_init(&s.lock);
	for (int i = 0; i < 3; i++)
		t[i] = run(count_up, &s);
	for (int i = 0; i < 30; i++) {
		victim = run(lock_killably_often, &s);
		sleep_ns(test_random_below(2 * MS));
		task_kill(victim);
		task_join(victim);
	}
	for (int i = 0; i < 3; i++)
		task_join(t[i]);
	EXPECT_EQ(s.count, 3 * ROUNDS);
	EXPECT_EQ(s.broken, 0);
	EXPECT_EQ(atomic_long_read(&s.lock.owner), 0);
}
