/* SPDX-License-Identifier: MIT */
/* task_test.c - tasks come, go, and leave nothing behind. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/rcu.h>
#include <kernel/task/kthread.h>
#include <lib/format.h>
#include <mm/slab/slab.h>
#include <tests/test.h>
#include "task_impl.h"

#define MS NSEC_PER_MSEC

TEST_LEAK_COUNTER(tasks)
{
	return task_nr_live();
}

TEST_LEAK_COUNTER(pids)
{
	return pid_nr_taken();
}

/* Those that have exited leave their stacks; then their callbacks run. */
TEST_QUIESCE(tasks)
{
	synchronize_rcu();
	rcu_barrier();
	task_drain_cache();
}

static int return_arg(void *arg)
{
	return (int)(long)arg;
}

static int exit_early(void *arg)
{
	task_exit(77);
}

static struct task *run(int (*fn)(void *), void *arg)
{
	struct task *t = task_run(fn, arg, "test");

	ASSERT(t);
	return t;
}

TEST(task, join_returns_the_exit_code)
{
	EXPECT_EQ(task_join(run(return_arg, (void *)42)), 42);
	EXPECT_EQ(task_join(run(return_arg, (void *)-5)), -5);
	EXPECT_EQ(task_join(run(exit_early, NULL)), 77);
}

TEST(task, wait_can_be_repeated)
{
	struct task *t = run(return_arg, (void *)3);

	EXPECT_EQ(task_wait(t), 3);
	EXPECT(task_exited(t));
	EXPECT_EQ(task_wait(t), 3);
	EXPECT_EQ(task_join(t), 3);
}

static int join_arg(void *arg)
{
	return task_wait(arg);
}

TEST(task, many_may_wait_for_one)
{
	struct task *t = task_create(return_arg, (void *)9, "test"), *w[4];

	ASSERT(t);
	for (int i = 0; i < 4; i++)
		w[i] = run(join_arg, t);
	msleep(10);
	wake_up_process(t);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(task_join(w[i]), 9);
	task_join(t);
}

TEST(task, a_task_starts_when_woken_and_not_before)
{
	struct task *t = task_create(return_arg, (void *)1, "test");

	ASSERT(t);
	msleep(10);
	EXPECT(!task_exited(t));
	EXPECT_EQ(t->state, TASK_NEW);
	EXPECT(wake_up_process(t));
	EXPECT_EQ(task_join(t), 1);
}

TEST(task, a_task_inherits_its_makers_nice_value_and_a_thread_does_not)
{
	int nice = task_nice(current);
	struct task *t, *k;

	EXPECT_EQ(sched_set_normal(current, 7), 0);
	t = task_create(return_arg, NULL, "test");
	k = kthread_create(return_arg, NULL, "test");
	EXPECT_EQ(sched_set_normal(current, nice), 0);
	ASSERT(t && !IS_ERR(k));
	EXPECT_EQ(task_nice(t), 7);
	EXPECT_EQ(task_nice(k), 0);
	task_abandon(t);
	task_abandon(k);
}

TEST(task, an_abandoned_task_never_runs)
{
	long before = task_nr_live();
	struct task *t = task_create(exit_early, NULL, "test");
	int pid;

	ASSERT(t);
	pid = t->pid;
	EXPECT_EQ(task_nr_live(), before + 1);
	task_abandon(t);
	EXPECT_EQ(task_find(pid), NULL);
}

/* Waves of tasks; the framework then counts what is left. */
TEST_T(task, thousands_come_and_go, 60)
{
	struct task *t[32];
	long before = task_nr_live();

	for (int wave = 0; wave < 100; wave++) {
		for (int i = 0; i < 32; i++)
			t[i] = run(return_arg, (void *)(long)(wave + i));
		for (int i = 0; i < 32; i++)
			EXPECT_EQ(task_join(t[i]), wave + i);
	}
	synchronize_rcu();
	rcu_barrier();
	EXPECT_EQ(task_nr_live(), before);
}

/* Nobody waits: it cleans up after itself. */
TEST(task, a_task_nobody_waits_for_goes_away)
{
	long before = task_nr_live();

	for (int i = 0; i < 20; i++)
		put_task(run(return_arg, NULL));
	for (int i = 0; i < 1000 && task_nr_live() != before; i++)
		msleep(1);
	EXPECT_EQ(task_nr_live(), before);
}

/* A tree of tasks, each of which makes two more. */
static int make_children(void *arg)
{
	long depth = (long)arg;
	struct task *left, *right;

	if (!depth)
		return 1;
	left = task_run(make_children, (void *)(depth - 1), "left");
	right = task_run(make_children, (void *)(depth - 1), "right");
	EXPECT(left);
	EXPECT(right);
	return task_join(left) + task_join(right);
}

TEST_T(task, tasks_make_tasks, 30)
{
	EXPECT_EQ(task_join(run(make_children, (void *)6)), 64);
}

/* -- Finding ----------------------------------------------------------------- */

static int wait_until_stopped(void *arg)
{
	wait_for_completion(arg);
	return 0;
}

TEST(task, pids_name_tasks)
{
	DECLARE_COMPLETION_ONSTACK(go);
	struct task *t[8], *found;
	int nr = 0, pid;

	for (int i = 0; i < 8; i++)
		t[i] = run(wait_until_stopped, &go);
	for (int i = 0; i < 8; i++) {
		EXPECT_GT(t[i]->pid, 0);
		for (int k = 0; k < i; k++)
			EXPECT_NE(t[i]->pid, t[k]->pid);
		found = task_find(t[i]->pid);
		EXPECT_EQ(found, t[i]);
		if (found)
			put_task(found);
	}

	/* Both walks meet each of them once. */
	for (found = task_next(NULL); found; found = task_next(found))
		for (int i = 0; i < 8; i++)
			nr += found == t[i];
	EXPECT_EQ(nr, 8);
	rcu_read_lock();
	for_each_task(found)
		for (int i = 0; i < 8; i++)
			nr += found == t[i];
	rcu_read_unlock();
	EXPECT_EQ(nr, 16);

	pid = t[0]->pid;
	complete_all(&go);
	for (int i = 0; i < 8; i++)
		task_join(t[i]);
	EXPECT_EQ(task_find(pid), NULL);
	EXPECT_EQ(task_find(0), NULL);
	EXPECT_EQ(task_find(-1), NULL);
	EXPECT_EQ(task_find(1 << 30), NULL);
}

/* At the end of the numbers it goes on with the free ones at the beginning, and
 * never with one whose task is still there. */
TEST(task, pids_wrap_around_those_in_use)
{
	struct task *t[24], *found;
	int start = PID_MAX - 5, before = start, wraps = 0;

	/* Twice: the second time, numbers at the end are taken. */
	for (int i = 0; i < 24; i++) {
		if (i % 12 == 0) {
			pid_seek(start);
			before = start;
		}
		t[i] = task_create(return_arg, NULL, "test");
		ASSERT(t[i]);
		EXPECT_GT(t[i]->pid, 0);
		EXPECT_LT(t[i]->pid, PID_MAX);
		for (int k = 0; k < i; k++)
			EXPECT_NE(t[i]->pid, t[k]->pid);
		found = task_find(t[i]->pid);
		EXPECT_EQ(found, t[i]);
		if (found)
			put_task(found);
		wraps += t[i]->pid <= before;
		before = t[i]->pid;
	}
	EXPECT_EQ(wraps, 2);
	for (int i = 0; i < 24; i++)
		task_abandon(t[i]);
}

/* -- Many -------------------------------------------------------------------- */

/*
 * As many as there is memory for, or numbers: the next is refused, all others are
 * as good as ever, and all comes back.
 */
TEST_T(task, there_are_as_many_as_there_is_room_for, 120)
{
	struct task **t = kvmalloc(PID_MAX * sizeof(*t), GFP_KERNEL);
	DECLARE_COMPLETION_ONSTACK(go);
	int nr = 0;

	ASSERT(t);
	while ((t[nr] = task_run(wait_until_stopped, &go, "test")))
		nr++;
	EXPECT_GE(nr, 100);
	EXPECT_LT(nr, PID_MAX);
	complete_all(&go);
	for (int i = 0; i < nr; i++)
		EXPECT_EQ(task_join(t[i]), 0);
	kvfree(t);
}

/* -- Killing ----------------------------------------------------------------- */

static int sleep_killably(void *arg)
{
	return sleep_ns_killable(3600 * NSEC_PER_SEC);
}

struct stubborn {
	bool may_go;
	int woken;
};

static int sleep_stubbornly(void *arg)
{
	struct stubborn *s = arg;

	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(s->may_go))
			break;
		schedule();
		WRITE_ONCE(s->woken, s->woken + 1);
	}
	__set_current_state(TASK_RUNNING);
	return kill_pending();
}

static void wait_until_asleep(struct task *t, unsigned int state)
{
	while (READ_ONCE(t->state) != state || READ_ONCE(t->on_cpu))
		msleep(1);
}

static int spin_until_killed(void *arg)
{
	while (!kill_pending())
		cpu_relax();
	return 1;
}

TEST(task, a_kill_wakes_a_killable_sleeper)
{
	struct task *t = run(sleep_killably, NULL);

	wait_until_asleep(t, TASK_KILLABLE);
	task_kill(t);
	EXPECT_EQ(task_join(t), -EINTR);

	/* Before it sleeps at all. */
	t = task_create(sleep_killably, NULL, "test");
	ASSERT(t);
	task_kill(t);
	wake_up_process(t);
	EXPECT_EQ(task_join(t), -EINTR);
}

TEST(task, a_kill_does_not_wake_an_uninterruptible_sleeper)
{
	struct stubborn s = {0};
	struct task *t = run(sleep_stubbornly, &s);

	wait_until_asleep(t, TASK_UNINTERRUPTIBLE);
	task_kill(t);
	msleep(20);
	EXPECT_EQ(READ_ONCE(s.woken), 0);
	WRITE_ONCE(s.may_go, true);
	wake_up_process(t);
	EXPECT_EQ(task_join(t), 1);
}

TEST(task, a_running_task_sees_that_it_is_killed)
{
	struct task *t = run(spin_until_killed, NULL);

	msleep(5);
	EXPECT(!task_exited(t));
	task_kill(t);
	EXPECT_EQ(task_join(t), 1);
}

static int wait_for_arg_killably(void *arg)
{
	int code = 0;

	return task_wait_killable(arg, &code) ? -EINTR : code;
}

TEST(task, a_killed_waiter_gives_up)
{
	struct task *t = run(sleep_killably, NULL);
	struct task *waiter = run(wait_for_arg_killably, t);

	msleep(10);
	task_kill(waiter);
	EXPECT_EQ(task_join(waiter), -EINTR);
	EXPECT(!task_exited(t));
	task_kill(t);
	task_join(t);
}

static int fall_asleep(void *arg)
{
	s64 left[2];

	task_kill(current);
	set_current_state(TASK_KILLABLE);
	left[0] = schedule_timeout(NSEC_PER_SEC);
	set_current_state(TASK_UNINTERRUPTIBLE);
	left[1] = schedule_timeout(MS);
	return left[0] > 0 && left[1] == 0;
}

/* Between its last look at kill_pending and schedule(), say. */
TEST(task, once_killed_it_cannot_fall_asleep_killably)
{
	EXPECT_EQ(task_join(run(fall_asleep, NULL)), 1);
}

/* The kill comes at every moment of going to sleep. */
TEST_T(task, no_kill_is_lost, 30)
{
	for (int i = 0; i < 200; i++) {
		struct task *t = run(sleep_killably, NULL);

		for (u64 n = test_random_below(2000); n; n--)
			cpu_relax();
		task_kill(t);
		EXPECT_EQ(task_join(t), -EINTR);
	}
}

/*
 * Tasks end by themselves or are killed, while others find them by number, kill
 * them and wait for them, in any order.
 */
struct mayflies {
	int pid; /* of the one that flies */
	bool stop;
	atomic_t found;
};

static int live_briefly(void *arg)
{
	switch (test_random_below(3)) {
	case 0:
		return 5;
	case 1:
		return sleep_ns_killable(test_random_below(MS)) ? -EINTR : 5;
	default:
		for (u64 n = test_random_below(2000); n; n--)
			if (kill_pending())
				return -EINTR;
		return 5;
	}
}

static bool is_an_end(int code)
{
	return code == 5 || code == -EINTR;
}

static int chase(void *arg)
{
	struct mayflies *m = arg;

	while (!READ_ONCE(m->stop)) {
		struct task *t = task_find(READ_ONCE(m->pid));
		int code = 5;

		if (!t) {
			cpu_relax();
			continue;
		}
		atomic_inc(&m->found);
		switch (test_random_below(3)) {
		case 0:
			task_kill(t);
			break;
		case 1:
			EXPECT(is_an_end(task_wait(t)));
			EXPECT(task_exited(t));
			break;
		default:
			EXPECT_EQ(task_wait_killable(t, &code), 0);
			EXPECT(is_an_end(code));
		}
		put_task(t);
	}
	return 0;
}

TEST_T(task, stress_ends_kills_and_waits_may_meet, 30)
{
	struct mayflies m = {0};
	struct task *chaser[3];

	for (int i = 0; i < 3; i++)
		chaser[i] = run(chase, &m);
	for (int i = 0; i < 300 || (i < 20000 && !atomic_read(&m.found)); i++) {
		struct task *t = run(live_briefly, NULL);

		WRITE_ONCE(m.pid, t->pid);
		if (i % 2)
			sleep_ns(test_random_below(MS / 2));
		EXPECT(is_an_end(task_join(t)));
	}
	WRITE_ONCE(m.stop, true);
	for (int i = 0; i < 3; i++)
		task_join(chaser[i]);
	EXPECT_GT(atomic_read(&m.found), 0);
}

/* -- Kernel threads ---------------------------------------------------------- */

static int serve_until_stopped(void *arg)
{
	int turns = 0;

	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		turns++;
	}
	return turns;
}

TEST(kthread, stop_wakes_and_waits)
{
	for (int i = 0; i < 50; i++) {
		struct task *t =
			kthread_run(serve_until_stopped, NULL, "serve/%d", i);

		ASSERT(!IS_ERR(t));
		if (i % 2)
			sleep_ns(test_random_below(MS));
		EXPECT_GE(kthread_stop(t), 0);
	}
}

TEST(kthread, stop_of_one_never_started_frees_it)
{
	struct task *t = kthread_create(serve_until_stopped, NULL, "never");

	ASSERT(!IS_ERR(t));
	EXPECT_EQ(kthread_stop(t), -EINTR);
}

static int say_cpu(void *arg)
{
	return smp_processor_id();
}

TEST(kthread, is_bound_and_named)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct task *t = kthread_create_on_cpu(say_cpu, NULL, cpu,
						       "longishname/%u");
		char name[32];

		ASSERT(!IS_ERR(t));
		scnprintf(name, sizeof(t->comm), "longishname/%u", cpu);
		EXPECT_STREQ(t->comm, name);
		wake_up_process(t);
		EXPECT_EQ(task_join(t), cpu);
	}
}
