/* SPDX-License-Identifier: MIT */
/* tasks_test.c - every task is in one group, and everybody agrees which. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/kthread.h>
#include <lib/err.h>
#include <lib/format.h>
#include <string.h>
#include <tests/test.h>
#include "cgroup_impl.h"
#include "mock_test.h"

#define CONTROL "cgroup.subtree_control"
#define MS	NSEC_PER_MSEC

static int sleep_until_killed(void *unused)
{
	sleep_ns_killable(60 * NSEC_PER_SEC);
	return 7;
}

/* A task that sleeps in @path until it is killed. */
static struct task *sleeper(const char *path)
{
	struct cgroup *cgrp = cgroup_find(path);
	struct task *t = task_create(sleep_until_killed, NULL, "sleeper");

	ASSERT(t);
	ASSERT(!IS_ERR(cgrp));
	EXPECT_EQ(cgroup_attach_task(cgrp, t), 0);
	cgroup_put(cgrp);
	wake_up_process(t);
	return t;
}

static void end(struct task *t)
{
	task_kill(t);
	EXPECT_EQ(task_join(t), 7);
}

/* What writing @pid to @path's cgroup.procs answers. */
static int move_pid(const char *path, int pid)
{
	char text[16];

	format(text, sizeof(text), "%d\n", pid);
	return put(path, "cgroup.procs", text);
}

static bool is_in(const struct task *t, const char *path)
{
	struct cgroup *cgrp = cgroup_find(path);
	bool is = task_cgroup(t) == cgrp;

	cgroup_put(cgrp);
	return is;
}

/* -- Making and ending ------------------------------------------------------------ */

static int report_group(void *arg)
{
	WRITE_ONCE(*(struct cgroup **)arg, task_cgroup(current));
	return 0;
}

/* Goes to /a, makes a task and a kernel thread, and looks where those are. */
static int make_children(void *unused)
{
	struct cgroup *where = NULL;
	struct task *t;

	EXPECT_EQ(put("/a", "cgroup.procs", "0"), 0);
	EXPECT(is_in(current, "/a"));
	t = task_run(report_group, &where, "child");
	EXPECT(t);
	if (t)
		task_join(t);
	EXPECT_STREQ(where->name, "a");
	t = kthread_run(report_group, &where, "child");
	EXPECT(!IS_ERR(t));
	if (!IS_ERR(t))
		task_join(t);
	EXPECT_EQ(where, &cgroup_root);
	return 0;
}

TEST(cgroup_tasks,
     a_child_starts_in_its_parents_group_and_a_kthread_in_the_root)
{
	ASSERT_EQ(make("/a"), 0);
	task_join(task_run(make_children, NULL, "parent"));
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup_tasks, a_group_with_tasks_is_not_removed)
{
	struct task *t;

	ASSERT_EQ(make("/a"), 0);
	t = sleeper("/a");
	EXPECT_EQ(cgroup_rmdir("/a"), -EBUSY);
	EXPECT_EQ(move_pid("/", t->pid), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	end(t);
}

/* It has ended, and nobody has joined it yet. */
TEST(cgroup_tasks, a_zombie_keeps_no_group_busy)
{
	struct task *t;

	ASSERT_EQ(make("/a"), 0);
	t = sleeper("/a");
	task_kill(t);
	EXPECT_EQ(task_wait(t), 7);
	EXPECT_STREQ(get("/a", "cgroup.procs"), "");
	EXPECT_STREQ(get("/a", "cgroup.events"), "populated 0\n");
	EXPECT_EQ(task_cgroup(t), &cgroup_root);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	put_task(t);
}

TEST(cgroup_tasks, a_task_that_never_starts_leaves_too)
{
	struct cgroup *a = cgroup_mkdir("/a");
	struct task *t = task_create(sleep_until_killed, NULL, "new");

	ASSERT(!IS_ERR(a));
	ASSERT(t);
	EXPECT_EQ(cgroup_attach_task(a, t), 0);
	EXPECT_EQ(a->nr_tasks, 1);
	task_abandon(t);
	EXPECT_EQ(a->nr_tasks, 0);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

/* -- cgroup.procs -------------------------------------------------------------------- */

TEST(cgroup_tasks, procs_lists_them_in_the_order_they_came)
{
	struct task *t[3];
	char text[64];

	ASSERT_EQ(make("/a"), 0);
	for (int i = 0; i < 3; i++)
		t[i] = sleeper("/a");
	EXPECT_EQ(move_pid("/", t[0]->pid), 0);
	EXPECT_EQ(move_pid("/a", t[0]->pid), 0);
	EXPECT_EQ(move_pid("/a", t[1]->pid), 0);
	format(text, sizeof(text), "%d\n%d\n%d\n", t[1]->pid, t[2]->pid,
	       t[0]->pid);
	EXPECT_STREQ(get("/a", "cgroup.procs"), text);
	for (int i = 0; i < 3; i++)
		end(t[i]);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup_tasks, procs_refuses_what_is_no_task_to_move)
{
	struct cgroup *dead;
	struct task *t, *k;

	ASSERT_EQ(make("/a"), 0);
	t = sleeper("/a");
	k = kthread_create(sleep_until_killed, NULL, "kthread");
	ASSERT(!IS_ERR(k));
	EXPECT_EQ(put("/a", "cgroup.procs", ""), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.procs", "x"), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.procs", "-1"), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.procs", "1 2"), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.procs", "99999999"), -ESRCH);
	EXPECT_EQ(move_pid("/a", k->pid), -EINVAL);
	EXPECT_EQ(is_in(k, "/"), true);
	kthread_stop(k);

	dead = cgroup_mkdir("/dead");
	ASSERT(!IS_ERR(dead));
	EXPECT_EQ(cgroup_rmdir("/dead"), 0);
	EXPECT_EQ(cgroup_attach_task(dead, t), -ENODEV);
	cgroup_put(dead);
	EXPECT(is_in(t, "/a"));
	task_kill(t);
	task_wait(t);
	dead = cgroup_find("/a");
	EXPECT_EQ(cgroup_attach_task(dead, t), -ESRCH);
	cgroup_put(dead);
	put_task(t);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup_tasks,
     no_group_but_the_root_has_both_tasks_and_controllers_for_children)
{
	struct task *t;

	mock_begin();
	ASSERT_EQ(make("/a"), 0);
	EXPECT_GT(cgroup_root.nr_tasks, 0);
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	t = sleeper("/a");
	EXPECT_EQ(put("/a", CONTROL, "+mock"), -EBUSY);
	EXPECT_EQ(put("/a", CONTROL, "-mock"), 0);
	EXPECT_EQ(move_pid("/", t->pid), 0);
	EXPECT_EQ(put("/a", CONTROL, "+mock"), 0);
	EXPECT_EQ(move_pid("/a", t->pid), -EBUSY);
	EXPECT(is_in(t, "/"));
	EXPECT_EQ(put("/a", CONTROL, "-mock"), 0);
	EXPECT_EQ(move_pid("/a", t->pid), 0);
	end(t);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

/* Some leave and some come between two steps. */
TEST(cgroup_tasks, a_walk_over_tasks_misses_nobody_who_stays)
{
	struct task *t[12], *pos = NULL;
	int seen[12] = {0};
	struct cgroup *a;
	int step = 0;
	u64 key = 0;

	a = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(a));
	for (int i = 0; i < 12; i++)
		t[i] = sleeper("/a");
	while ((pos = cgroup_next_task(a, pos, &key))) {
		for (int i = 0; i < 12; i++)
			seen[i] += pos == t[i];
		/* The one we stand on, and the one after it. */
		if (step == 3 || step == 6) {
			EXPECT_EQ(move_pid("/", t[step]->pid), 0);
			EXPECT_EQ(move_pid("/", t[step + 1]->pid), 0);
			step++;
		}
		step++;
	}
	for (int i = 0; i < 12; i++)
		EXPECT_EQ(seen[i], i != 4 && i != 7);
	for (int i = 0; i < 12; i++)
		end(t[i]);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

/* -- Controllers are told ---------------------------------------------------------------- */

static long told(struct cgroup *cgrp)
{
	return mock_of(cgrp) ? mock_of(cgrp)->nr_tasks : -1;
}

/* /a/b has two tasks; controllers come and go above it. */
TEST(cgroup_tasks, controllers_know_whom_each_task_belongs_to)
{
	struct cgroup *a, *b;
	struct task *t[2];
	long others;

	mock_begin();
	a = cgroup_mkdir("/a");
	b = cgroup_mkdir("/a/b");
	ASSERT(!IS_ERR(a) && !IS_ERR(b));
	others = told(&cgroup_root);
	EXPECT_EQ(others, cgroup_root.nr_tasks);
	t[0] = sleeper("/a/b");
	t[1] = sleeper("/a/b");
	EXPECT_EQ(told(&cgroup_root), others + 2);
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	EXPECT_EQ(told(&cgroup_root), others);
	EXPECT_EQ(told(a), 2);
	EXPECT_EQ(told(b), -1);
	EXPECT_EQ(put("/a", CONTROL, "+mock +other"), -ENOENT);
	EXPECT_EQ(told(a), 2);
	EXPECT_EQ(put("/a", CONTROL, "+mock"), 0);
	EXPECT_EQ(told(a), 0);
	EXPECT_EQ(told(b), 2);
	EXPECT_EQ(move_pid("/", t[0]->pid), 0);
	EXPECT_EQ(told(b), 1);
	EXPECT_EQ(told(&cgroup_root), others + 1);
	EXPECT_EQ(put("/a", CONTROL, "-mock"), 0);
	EXPECT_EQ(told(a), 1);
	end(t[1]);
	EXPECT_EQ(told(a), 0);
	EXPECT_EQ(put("/", CONTROL, "-mock"), 0);
	end(t[0]);
	EXPECT_EQ(told(&cgroup_root), others);
	cgroup_put(b);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

/* -- cgroup.events -------------------------------------------------------------------------- */

TEST(cgroup_tasks, populated_speaks_for_all_below)
{
	struct task *t[2];

	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	ASSERT_EQ(make("/a/b/c"), 0);
	EXPECT_STREQ(get("/a", "cgroup.events"), "populated 0\n");
	t[0] = sleeper("/a/b/c");
	t[1] = sleeper("/a/b");
	EXPECT_STREQ(get("/a", "cgroup.events"), "populated 1\n");
	end(t[0]);
	EXPECT_STREQ(get("/a/b/c", "cgroup.events"), "populated 0\n");
	EXPECT_STREQ(get("/a/b", "cgroup.events"), "populated 1\n");
	end(t[1]);
	EXPECT_STREQ(get("/a", "cgroup.events"), "populated 0\n");
	EXPECT_EQ(cgroup_rmdir("/a/b/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

static int wait_for_events(void *arg)
{
	struct cgroup_file *file = arg;
	int err = cgroup_file_wait(file, MAX_SCHEDULE_TIMEOUT);

	return err ? err : cgroup_file_read(file);
}

TEST(cgroup_tasks, who_waits_for_events_is_woken_by_a_change_and_by_removal)
{
	struct task *waiter, *t;
	struct cgroup_file *file;
	struct cgroup *a, *b;

	a = cgroup_mkdir("/a");
	b = cgroup_mkdir("/a/b");
	ASSERT(!IS_ERR(a) && !IS_ERR(b));
	file = cgroup_file_open(a, "cgroup.events");
	ASSERT(!IS_ERR(file));
	EXPECT_EQ(cgroup_file_read(file), 0);
	EXPECT(!cgroup_file_has_changed(file));
	EXPECT_EQ(cgroup_file_wait(file, 5 * MS), -ETIMEDOUT);

	waiter = task_run(wait_for_events, file, "waiter");
	ASSERT(waiter);
	msleep(5);
	EXPECT(!task_exited(waiter));
	t = sleeper("/a/b");
	EXPECT_EQ(task_join(waiter), 0);
	EXPECT_STREQ(file->text.text, "populated 1\n");

	/* A change before the wait is not missed; a killed waiter ends. */
	end(t);
	EXPECT_EQ(wait_for_events(file), 0);
	EXPECT_STREQ(file->text.text, "populated 0\n");
	waiter = task_run(wait_for_events, file, "waiter");
	ASSERT(waiter);
	task_kill(waiter);
	EXPECT_EQ(task_join(waiter), -EINTR);

	waiter = task_run(wait_for_events, file, "waiter");
	ASSERT(waiter);
	msleep(5);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT(!task_exited(waiter));
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(task_join(waiter), -ENODEV);
	cgroup_file_close(file);

	file = cgroup_file_open(&cgroup_root, "cgroup.procs");
	ASSERT(!IS_ERR(file));
	EXPECT_EQ(cgroup_file_wait(file, MS), -EINVAL);
	cgroup_file_close(file);
	cgroup_put(a);
	cgroup_put(b);
}

/* -- cgroup.kill ------------------------------------------------------------------------------ */

TEST(cgroup_tasks, kill_takes_one_and_nothing_else)
{
	ASSERT_EQ(make("/a"), 0);
	EXPECT_EQ(put("/a", "cgroup.kill", "0"), -ERANGE);
	EXPECT_EQ(put("/a", "cgroup.kill", "2"), -ERANGE);
	EXPECT_EQ(put("/a", "cgroup.kill", "yes"), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.kill", "1"), 0);
	EXPECT_STREQ(get("/a", "cgroup.kill"), "error -22");
	EXPECT_STREQ(get("/", "cgroup.kill"), "error -2");
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup_tasks, kill_reaches_the_whole_subtree_and_nobody_else)
{
	struct task *in[3], *out;

	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	ASSERT_EQ(make("/a/b/c"), 0);
	ASSERT_EQ(make("/d"), 0);
	in[0] = sleeper("/a");
	in[1] = sleeper("/a/b");
	in[2] = sleeper("/a/b/c");
	out = sleeper("/d");
	EXPECT_EQ(put("/a", "cgroup.kill", "1"), 0);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(task_join(in[i]), 7);
	EXPECT(!READ_ONCE(out->kill_pending));
	end(out);
	EXPECT_EQ(cgroup_rmdir("/a/b/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(cgroup_rmdir("/d"), 0);
}

static int fork_when_killed(void *arg)
{
	while (!kill_pending())
		yield();
	WRITE_ONCE(*(struct task **)arg,
		   task_create(sleep_until_killed, NULL, "late"));
	return 0;
}

/* The kill met its parent only: it came to the list after that. */
TEST(cgroup_tasks, a_killed_tasks_child_is_born_killed)
{
	struct cgroup *a = cgroup_mkdir("/a");
	struct task *t, *child = NULL;

	ASSERT(!IS_ERR(a));
	t = task_create(fork_when_killed, &child, "forker");
	ASSERT(t);
	EXPECT_EQ(cgroup_attach_task(a, t), 0);
	wake_up_new_task(t);
	cgroup_kill(a);
	task_join(t);
	ASSERT(child);
	EXPECT(READ_ONCE(child->kill_pending));
	EXPECT_EQ(task_cgroup(child), a);
	wake_up_new_task(child);
	task_join(child);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

/* Two of each make two more of each, until killed; so whoever is missed by the
 * kill fills the group again. */
static atomic_t nr_bombs;

static int bomb(void *unused)
{
	while (!kill_pending()) {
		struct task *t = NULL;

		if (atomic_read(&nr_bombs) < 50)
			t = task_create(bomb, NULL, "bomb");
		if (t) {
			atomic_inc(&nr_bombs);
			wake_up_new_task(t);
			put_task(t);
		}
		yield();
	}
	atomic_dec(&nr_bombs);
	return 0;
}

TEST(cgroup_tasks, kill_catches_those_that_are_being_made)
{
	struct cgroup *a = cgroup_mkdir("/a");

	ASSERT(!IS_ERR(a));
	for (int round = 0; round < 20; round++) {
		struct task *t = task_create(bomb, NULL, "bomb");

		ASSERT(t);
		EXPECT_EQ(cgroup_attach_task(a, t), 0);
		atomic_set(&nr_bombs, 1);
		wake_up_new_task(t);
		put_task(t);
		while (atomic_read(&nr_bombs) < 10)
			msleep(1);
		EXPECT_EQ(put("/a", "cgroup.kill", "1"), 0);
		/* Once is enough. */
		for (int ms = 0; cgroup_is_populated(a) && ms < 5000; ms++)
			msleep(1);
		EXPECT_EQ(a->nr_tasks, 0);
	}
	cgroup_kill(a);
	cgroup_put(a);
	for (int ms = 0; cgroup_rmdir("/a") == -EBUSY && ms < 1000; ms++)
		msleep(1);
	EXPECT_EQ(cgroup_find("/a"), ERR_PTR(-ENOENT));
}

/* -- Without memory --------------------------------------------------------------------------- */

TEST(cgroup_tasks, a_task_that_cannot_be_made_is_in_no_group)
{
	struct cgroup *a = cgroup_mkdir("/a");
	struct task *t;
	unsigned long n;

	ASSERT(!IS_ERR(a));
	task_drain_cache();
	FAULT_SWEEP(&fail_page_alloc, n) {
		t = task_create(sleep_until_killed, NULL, "new");
		EXPECT_EQ(!t, fault_fired(&fail_page_alloc));
		if (t) {
			EXPECT_EQ(cgroup_attach_task(a, t), 0);
			task_abandon(t);
		}
		synchronize_rcu();
		rcu_barrier();
		task_drain_cache();
	}
	EXPECT_GT(n, 1);
	EXPECT_EQ(a->nr_tasks, 0);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup_tasks, an_attach_that_fails_moves_nobody)
{
	struct task *t;
	unsigned long n;

	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/b"), 0);
	t = sleeper("/a");
	FAULT_SWEEP(&failslab, n) {
		int err = move_pid("/b", t->pid);

		EXPECT_EQ(err, fault_fired(&failslab) ? -ENOMEM : 0);
		EXPECT_EQ(is_in(t, "/a"), err != 0);
	}
	EXPECT_GE(n, 3);
	end(t);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(cgroup_rmdir("/b"), 0);
}
