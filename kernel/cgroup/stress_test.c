/* SPDX-License-Identifier: MIT */
/*
 * stress_test.c - everything at once, and then nothing is left.
 *
 * Tasks on every CPU make, remove and fill groups, enable and disable
 * controllers, move, kill, read and wait, all in the same small tree and all at
 * random from the seed.  The mock controllers check the order of what they are
 * told; at the end the tree is killed and removed, and they must have forgotten
 * every task and state.
 */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/kthread.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>
#include "cgroup_impl.h"
#include "mock_test.h"

#define MAX_WORKERS 8
#define MAX_TASKS   60

static bool stopping;
static atomic_t nr_tasks;
static atomic_t nr_done[16];

static void random_path(struct prng *rng, char path[16])
{
	static const char *const formats[] = {"/s", "/s/%u", "/s/%u/%u",
					      "/s/%u/%u/%u"};
	unsigned int depth = prng_below(rng, 4);

	format(path, 16, formats[depth], (unsigned int)prng_below(rng, 3),
	       (unsigned int)prng_below(rng, 2),
	       (unsigned int)prng_below(rng, 2));
}

/* -- The tasks that are in groups ------------------------------------------------ */

static int forker(void *seed);

static void spawn(struct prng *rng)
{
	struct task *t;

	if (atomic_inc_return(&nr_tasks) > MAX_TASKS) {
		atomic_dec(&nr_tasks);
		return;
	}
	t = task_create(forker, (void *)prng_u64(rng), "forker");
	if (!t) {
		atomic_dec(&nr_tasks);
	} else if (prng_one_in(rng, 10)) {
		task_abandon(t);
		atomic_dec(&nr_tasks);
	} else {
		wake_up_new_task(t);
		put_task(t);
	}
}

/* Lives for a while, has children and counts for its group. */
static int forker(void *seed)
{
	struct prng rng;

	prng_init(&rng, (u64)seed);
	for (int i = 0; i < 10; i++) {
		struct cgroup_subsys_state *css;

		if (kill_pending() || READ_ONCE(stopping))
			break;
		rcu_read_lock();
		css = task_css(current, &mock_subsys);
		mock_count(to_mock(css), 1);
		rcu_read_unlock();
		if (prng_one_in(&rng, 3))
			spawn(&rng);
		if (prng_one_in(&rng, 2))
			yield();
		else
			sleep_ns_killable(prng_below(&rng, 500000));
	}
	atomic_dec(&nr_tasks);
	return 0;
}

/* -- What is done to the groups ---------------------------------------------------- */

/* One of this test's tasks; a machine may have any number of others. */
static int move_someone(struct prng *rng, struct cgroup *cgrp)
{
	unsigned int skip = prng_below(rng, MAX_TASKS);
	struct task *t = NULL;
	char pid[12];

	while ((t = task_next(t)))
		if (t->entry == forker && !skip--)
			break;
	if (!t)
		return -ESRCH;
	format(pid, sizeof(pid), "%d", t->pid);
	put_task(t);
	return cgroup_write(cgrp, "cgroup.procs", pid);
}

static int new_task(struct prng *rng, struct cgroup *cgrp)
{
	struct task *t;
	int err;

	if (atomic_inc_return(&nr_tasks) > MAX_TASKS) {
		atomic_dec(&nr_tasks);
		return -EAGAIN;
	}
	t = task_create(forker, (void *)prng_u64(rng), "forker");
	if (!t) {
		atomic_dec(&nr_tasks);
		return -ENOMEM;
	}
	err = cgroup_attach_task(cgrp, t);
	wake_up_new_task(t);
	put_task(t);
	return err;
}

static int switch_controllers(struct prng *rng, struct cgroup *cgrp)
{
	static const char *const words[] = {"+mock",	    "-mock",
					    "+other",	    "-other",
					    "+mock +other", "-mock +other"};

	return cgroup_write(cgrp, "cgroup.subtree_control",
			    words[prng_below(rng, 6)]);
}

static int read_something(struct prng *rng, struct cgroup *cgrp)
{
	static const char *const names[] = {"cgroup.procs", "cgroup.stat",
					    "cgroup.events", "mock.value",
					    "cgroup.controllers"};
	struct seq_text out = SEQ_TEXT_INIT;
	int err = cgroup_read(cgrp, names[prng_below(rng, 5)], &out);

	seq_text_free(&out);
	return err;
}

static int wait_a_moment(struct prng *rng, struct cgroup *cgrp)
{
	struct cgroup_file *file = cgroup_file_open(cgrp, "cgroup.events");
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = cgroup_file_read(file);
	if (!err)
		err = cgroup_file_wait(file, 200000);
	cgroup_file_close(file);
	return err;
}

static int walk(struct prng *rng, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css;
	struct task *t = NULL;
	char path[64];
	u64 pos = 0;

	rcu_read_lock();
	css_for_each_descendant_post(css, &cgrp->self)
		cgroup_path(css->cgroup, path, sizeof(path));
	css_for_each_descendant_pre(css, mock_subsys.root_css)
		EXPECT(css->ss == &mock_subsys);
	rcu_read_unlock();
	while ((t = cgroup_next_task(cgrp, t, &pos)))
		cond_resched();
	return 0;
}

static int flush(struct prng *rng, struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	css = cgroup_effective_css(cgrp, &mock_subsys);
	if (!css_tryget(css))
		css = NULL;
	rcu_read_unlock();
	if (!css)
		return -ENODEV;
	cgroup_rstat_flush(css);
	css_put(css);
	return 0;
}

static int kill_all(struct prng *rng, struct cgroup *cgrp)
{
	return prng_one_in(rng, 4) ? cgroup_write(cgrp, "cgroup.kill", "1")
				   : -EAGAIN;
}

static int (*const deeds[])(struct prng *rng, struct cgroup *cgrp) = {
	move_someone,  new_task, new_task, switch_controllers, read_something,
	wait_a_moment, walk,	 flush,	   kill_all,
};
#define NR_DEEDS  (sizeof(deeds) / sizeof(*deeds))
#define NR_OTHERS 6

/* mkdir, rmdir, or something with what is there. */
static int do_something(struct prng *rng)
{
	unsigned int what = prng_below(rng, NR_DEEDS + NR_OTHERS);
	struct cgroup *cgrp;
	char path[16];
	int err;

	random_path(rng, path);
	if (what < 3)
		err = make(path);
	else if (what < NR_OTHERS)
		err = cgroup_rmdir(path);
	else if (IS_ERR(cgrp = cgroup_find(path)))
		err = PTR_ERR(cgrp);
	else {
		err = deeds[what - NR_OTHERS](rng, cgrp);
		cgroup_put(cgrp);
	}
	if (!err)
		atomic_inc(&nr_done[what]);
	return err;
}

static int stress_steps;

static bool all_kinds_done(void)
{
	for (size_t i = 0; i < NR_DEEDS + NR_OTHERS; i++)
		if (!atomic_read(&nr_done[i]))
			return false;
	return true;
}

/* Some deeds fail more often than not: each gets more tries until it has not. */
static int worker(void *arg)
{
	struct prng rng;

	prng_init(&rng, test_seed() + (long)arg);
	for (int i = 0;
	     i < stress_steps || (i < 20 * stress_steps && !all_kinds_done());
	     i++) {
		int err = do_something(&rng);

		if (err && err != -EBUSY && err != -ENOENT && err != -EEXIST &&
		    err != -ENODEV && err != -ESRCH && err != -EAGAIN &&
		    err != -ETIMEDOUT && err != -ENOMEM)
			FAIL("error %d", err);
		cond_resched();
	}
	return 0;
}

/* -- And the end of it --------------------------------------------------------------- */

/* Bottom up; those with tasks are busy until these have noticed. */
static void remove_below(struct cgroup *top)
{
	struct cgroup_subsys_state *css, *next;
	char path[64];

	rcu_read_lock();
	css = css_next_descendant_post(NULL, &top->self);
	for (; css; css = next) {
		bool held = css_tryget_online(css);

		if (held) {
			rcu_read_unlock();
			cgroup_path(css->cgroup, path, sizeof(path));
			cgroup_rmdir(path);
			rcu_read_lock();
		}
		next = css_next_descendant_post(css, &top->self);
		if (held)
			css_put(css);
	}
	rcu_read_unlock();
}

/* Whom the root's state was told of, and who is there. */
static void expect_all_told(struct cgroup_subsys *ss)
{
	long told, there;

	spin_lock(&cgroup_tasks_lock);
	told = to_mock(ss->root_css)->nr_tasks;
	there = cgroup_root.nr_tasks;
	spin_unlock(&cgroup_tasks_lock);
	EXPECT_EQ(told, there);
}

static void clear_up(long groups_before)
{
	struct cgroup *top;

	/* In groups and in the root. */
	WRITE_ONCE(stopping, true);
	for (int ms = 0; ms < 5000; ms++) {
		top = cgroup_find("/s");
		if (IS_ERR(top) && !atomic_read(&nr_tasks))
			break;
		if (!IS_ERR(top)) {
			cgroup_kill(top);
			remove_below(top);
			cgroup_put(top);
		}
		msleep(1);
	}
	EXPECT_EQ(cgroup_find("/s"), ERR_PTR(-ENOENT));
	EXPECT_EQ(atomic_read(&nr_tasks), 0);
	cgroup_wait_teardown();
	EXPECT_EQ(cgroup_nr_live(), groups_before);
	EXPECT_EQ(atomic_read(&mock_subsys.nr_css), 1);
	EXPECT_EQ(atomic_read(&other_subsys.nr_css), 1);
	EXPECT_EQ(atomic_read(&mock_nr_online), atomic_read(&mock_nr_offline));
	EXPECT_STREQ(get("/", "cgroup.stat"),
		     "nr_descendants 0\nnr_dying_descendants 0\n");
	expect_all_told(&mock_subsys);
	expect_all_told(&other_subsys);
}

/* Of a million allocations so many fail. */
static void stress(int steps, unsigned long failing)
{
	int nr = min_t(int, nr_online_cpus, MAX_WORKERS);
	long before = cgroup_nr_live();
	struct task *t[MAX_WORKERS];

	mock_begin();
	EXPECT_EQ(put("/", "cgroup.subtree_control", "+mock +other"), 0);
	stopping = false;
	for (size_t i = 0; i < NR_DEEDS + NR_OTHERS; i++)
		atomic_set(&nr_done[i], 0);
	stress_steps = steps / nr;
	for (long i = 0; i < nr; i++) {
		t[i] = kthread_run(worker, (void *)i, "stress");
		ASSERT(!IS_ERR(t[i]));
	}
	if (failing) {
		fault_fail_randomly(&failslab, failing, test_seed());
		fault_fail_randomly(&fail_percpu, failing, test_seed());
	}
	for (int i = 0; i < nr; i++)
		task_join(t[i]);
	fault_off(&failslab);
	fault_off(&fail_percpu);
	clear_up(before);
	mock_end();
	/* Every kind of deed succeeded, or nothing was tested. */
	EXPECT(all_kinds_done());
}

TEST(cgroup_stress, all_at_once_leaves_nothing)
{
	stress(4000, 0);
}

TEST(cgroup_stress, all_at_once_without_memory_leaves_nothing)
{
	stress(4000, 10000);
}

TEST_T(cgroup_stress, all_at_once_for_longer_leaves_nothing, 60)
{
	stress(40000, 0);
	stress(20000, 20000);
}
