/* SPDX-License-Identifier: MIT */
/* cgroup_test.c - the tree of groups, and where controllers are enabled. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/kthread.h>
#include <lib/err.h>
#include <lib/format.h>
#include <string.h>
#include <tests/test.h>
#include "cgroup_impl.h"
#include "mock_test.h"

#define CONTROL "cgroup.subtree_control"

/* -- mkdir and rmdir ---------------------------------------------------------- */

TEST(cgroup, mkdir_makes_a_group_that_find_finds)
{
	struct cgroup *a, *b, *found;
	char path[64];

	a = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(a));
	b = cgroup_mkdir("a//b/");
	ASSERT(!IS_ERR(b));
	EXPECT_EQ(cgroup_parent(b), a);
	EXPECT_EQ(cgroup_parent(a), &cgroup_root);
	EXPECT_EQ(b->level, 2);
	EXPECT_STREQ(cgroup_path(b, path, sizeof(path)), "/a/b");
	EXPECT_STREQ(cgroup_path(&cgroup_root, path, sizeof(path)), "/");
	EXPECT(cgroup_is_descendant(b, a));
	EXPECT(!cgroup_is_descendant(a, b));

	found = cgroup_find("/a/b");
	EXPECT_EQ(found, b);
	cgroup_put(found);
	found = cgroup_find("");
	EXPECT_EQ(found, &cgroup_root);
	cgroup_put(found);
	EXPECT_EQ(cgroup_find("/a/c"), ERR_PTR(-ENOENT));
	EXPECT_EQ(cgroup_find("/b"), ERR_PTR(-ENOENT));

	cgroup_put(a);
	cgroup_put(b);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(cgroup_find("/a"), ERR_PTR(-ENOENT));
}

TEST(cgroup, a_path_is_cut_to_fit)
{
	struct cgroup *cgrp;
	char path[8];

	ASSERT_EQ(make("/long"), 0);
	cgrp = cgroup_mkdir("/long/name");
	ASSERT(!IS_ERR(cgrp));
	for (size_t size = 1; size <= sizeof(path); size++)
		EXPECT_LT(strlen(cgroup_path(cgrp, path, size)), size);
	cgroup_put(cgrp);
	EXPECT_EQ(cgroup_rmdir("/long/name"), 0);
	EXPECT_EQ(cgroup_rmdir("/long"), 0);
}

TEST(cgroup, mkdir_refuses_what_is_no_new_name)
{
	char name[CGROUP_NAME_MAX + 3] = "/";

	EXPECT_EQ(make("/"), -EEXIST);
	EXPECT_EQ(make(""), -EEXIST);
	EXPECT_EQ(make("/nowhere/a"), -ENOENT);
	EXPECT_EQ(make("/."), -EINVAL);
	EXPECT_EQ(make("/.."), -EINVAL);
	EXPECT_EQ(make("/two\nlines"), -EINVAL);
	EXPECT_EQ(make("/cgroup.procs"), -EEXIST);
	memset(name + 1, 'x', CGROUP_NAME_MAX + 1);
	EXPECT_EQ(make(name), -ENAMETOOLONG);
	name[CGROUP_NAME_MAX + 1] = '\0';
	EXPECT_EQ(make(name), 0);
	EXPECT_EQ(make(name), -EEXIST);
	EXPECT_EQ(cgroup_rmdir(name), 0);
	EXPECT_EQ(cgroup_rmdir(name), -ENOENT);
}

TEST(cgroup, rmdir_refuses_the_root_and_parents)
{
	EXPECT_EQ(cgroup_rmdir("/"), -EBUSY);
	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), -EBUSY);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup, a_name_is_free_again_at_once)
{
	struct cgroup *old, *new;

	old = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(old));
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT(cgroup_is_dead(old));
	new = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(new));
	EXPECT_NE(old, new);
	EXPECT(!cgroup_is_dead(new));
	cgroup_put(old);
	cgroup_put(new);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup, stat_counts_descendants_and_the_dying)
{
	struct cgroup *held;

	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	held = cgroup_mkdir("/a/b/c");
	ASSERT(!IS_ERR(held));
	EXPECT_STREQ(get("/a", "cgroup.stat"),
		     "nr_descendants 2\nnr_dying_descendants 0\n");
	EXPECT_EQ(cgroup_rmdir("/a/b/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	cgroup_wait_teardown();
	/* b stays for c's sake. */
	EXPECT_STREQ(get("/a", "cgroup.stat"),
		     "nr_descendants 0\nnr_dying_descendants 2\n");
	cgroup_put(held);
	cgroup_wait_teardown();
	EXPECT_STREQ(get("/a", "cgroup.stat"),
		     "nr_descendants 0\nnr_dying_descendants 0\n");
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

TEST(cgroup, max_depth_and_max_descendants_hold)
{
	ASSERT_EQ(make("/a"), 0);
	EXPECT_STREQ(get("/a", "cgroup.max.depth"), "max\n");
	EXPECT_STREQ(get("/a", "cgroup.max.descendants"), "max\n");

	EXPECT_EQ(put("/a", "cgroup.max.depth", "1"), 0);
	EXPECT_STREQ(get("/a", "cgroup.max.depth"), "1\n");
	EXPECT_EQ(make("/a/b"), 0);
	EXPECT_EQ(make("/a/b/c"), -EAGAIN);
	EXPECT_EQ(put("/a", "cgroup.max.depth", "0"), 0);
	EXPECT_EQ(make("/a/d"), -EAGAIN);
	EXPECT_EQ(put("/a", "cgroup.max.depth", "max"), 0);
	EXPECT_EQ(make("/a/b/c"), 0);

	EXPECT_EQ(put("/a", "cgroup.max.descendants", "3"), 0);
	EXPECT_EQ(make("/a/b/d"), 0);
	EXPECT_EQ(make("/a/b/e"), -EAGAIN);
	EXPECT_EQ(make("/a/e"), -EAGAIN);
	EXPECT_EQ(cgroup_rmdir("/a/b/d"), 0);
	EXPECT_EQ(make("/a/e"), 0);

	EXPECT_EQ(put("/a", "cgroup.max.depth", "-1"), -ERANGE);
	EXPECT_EQ(put("/a", "cgroup.max.depth", "deep"), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.max.descendants", ""), -EINVAL);
	EXPECT_EQ(put("/a", "cgroup.max.descendants", "99999999999"), -ERANGE);
	EXPECT_STREQ(get("/a", "cgroup.max.descendants"), "3\n");

	EXPECT_EQ(cgroup_rmdir("/a/e"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
}

/* -- Controllers --------------------------------------------------------------- */

TEST(cgroup, controllers_are_those_the_parent_enables)
{
	const char *all;

	mock_begin();
	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	all = get("/", "cgroup.controllers");
	EXPECT(strstr(all, "mock"));
	EXPECT(strstr(all, "other"));
	EXPECT_STREQ(get("/a", "cgroup.controllers"), "\n");
	EXPECT_STREQ(get("/a", "mock.value"), "error -2");

	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	EXPECT_STREQ(get("/a", "cgroup.controllers"), "mock\n");
	EXPECT_STREQ(get("/a", CONTROL), "\n");
	EXPECT_STREQ(get("/a/b", "cgroup.controllers"), "\n");
	EXPECT_EQ(put("/a", CONTROL, "+mock"), 0);
	EXPECT_STREQ(get("/a/b", "cgroup.controllers"), "mock\n");
	/* A group made later has them from the beginning. */
	EXPECT_EQ(make("/a/c"), 0);
	EXPECT_STREQ(get("/a/c", "mock.not_on_root"), "0\n");

	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

TEST(cgroup, enabling_is_top_down)
{
	mock_begin();
	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/a/b"), 0);
	EXPECT_EQ(put("/a", CONTROL, "+mock"), -ENOENT);
	EXPECT_EQ(put("/", CONTROL, "+mock +other"), 0);
	EXPECT_EQ(put("/a", CONTROL, "+mock"), 0);
	/* And disabling goes the other way. */
	EXPECT_EQ(put("/", CONTROL, "-mock"), -EBUSY);
	EXPECT_EQ(put("/a", CONTROL, "-mock"), 0);
	EXPECT_EQ(put("/", CONTROL, "-mock"), 0);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

TEST(cgroup, subtree_control_is_all_or_nothing)
{
	char before[64];

	mock_begin();
	ASSERT_EQ(make("/a"), 0);
	EXPECT_EQ(put("/", CONTROL, "+other"), 0);
	strlcpy(before, get("/", CONTROL), sizeof(before));

	EXPECT_EQ(put("/", CONTROL, "+mock +nonsense"), -EINVAL);
	EXPECT_EQ(put("/", CONTROL, "mock"), -EINVAL);
	EXPECT_EQ(put("/", CONTROL, "+"), -EINVAL);
	EXPECT_EQ(put("/", CONTROL, "+mock other"), -EINVAL);
	EXPECT_EQ(put("/a", CONTROL, "+other +mock"), -ENOENT);
	EXPECT_STREQ(get("/", CONTROL), before);
	EXPECT_STREQ(get("/a", CONTROL), "\n");
	EXPECT_EQ(atomic_read(&mock_nr_online), 0);

	/* Again what is so already; the last word about one counts. */
	EXPECT_EQ(put("/", CONTROL, "+other -mock"), 0);
	EXPECT_EQ(put("/", CONTROL, "+mock -mock"), 0);
	EXPECT_EQ(put("/", CONTROL, ""), 0);
	EXPECT_STREQ(get("/", CONTROL), before);
	EXPECT_EQ(put("/", CONTROL, "-other +mock"), 0);
	EXPECT_STREQ(get("/a", "cgroup.controllers"), "mock\n");
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

/* The third of five children refuses: the first two never had it. */
TEST(cgroup, enabling_that_fails_leaves_no_trace)
{
	char path[8];

	mock_begin();
	for (int i = 0; i < 5; i++) {
		format(path, sizeof(path), "/c%d", i);
		ASSERT_EQ(make(path), 0);
	}
	mock_online_budget = 2;
	EXPECT_EQ(put("/", CONTROL, "+other +mock"), -ENOMEM);
	EXPECT_STREQ(get("/c0", "cgroup.controllers"), "\n");
	EXPECT_STREQ(get("/c0", "mock.value"), "error -2");
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_nr_offline), 2);
	EXPECT_EQ(atomic_read(&mock_subsys.nr_css), 1);
	EXPECT_EQ(atomic_read(&other_subsys.nr_css), 1);
	EXPECT_EQ(idr_validate(&mock_subsys.ids), 1);

	mock_online_budget = -1;
	EXPECT_EQ(put("/", CONTROL, "+mock +other"), 0);
	EXPECT_EQ(atomic_read(&mock_subsys.nr_css), 6);
	for (int i = 0; i < 5; i++) {
		format(path, sizeof(path), "/c%d", i);
		EXPECT_EQ(cgroup_rmdir(path), 0);
	}
	mock_end();
}

TEST(cgroup, mkdir_that_fails_leaves_no_trace)
{
	long before = cgroup_nr_live();

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+other +mock"), 0);
	mock_online_budget = 0;
	EXPECT_EQ(make("/a"), -ENOMEM);
	EXPECT_EQ(cgroup_find("/a"), ERR_PTR(-ENOENT));
	EXPECT_EQ(atomic_read(&mock_nr_offline), 0);
	cgroup_wait_teardown();
	EXPECT_EQ(cgroup_nr_live(), before);
	EXPECT_STREQ(get("/", "cgroup.stat"),
		     "nr_descendants 0\nnr_dying_descendants 0\n");
	mock_online_budget = -1;
	EXPECT_EQ(make("/a"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

/* Disabled and enabled again at once, while the old one is held. */
TEST(cgroup, a_dying_state_is_not_in_the_way_of_a_new_one)
{
	struct cgroup *a;
	struct mock *old, *new;

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	a = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(a));
	old = mock_of(a);
	css_get(&old->css);
	EXPECT_EQ(put("/", CONTROL, "-mock"), 0);
	EXPECT_EQ(mock_of(a), NULL);
	EXPECT(css_is_dying(&old->css));
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	new = mock_of(a);
	EXPECT(new &&new != old);
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_nr_offline), 1);
	EXPECT_EQ(atomic_read(&mock_nr_released), 0);
	css_put(&old->css);
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_nr_freed), 1);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	mock_end();
}

/* -- Life of a css ---------------------------------------------------------------- */

TEST(cgroup, a_parents_state_outlives_its_childrens)
{
	struct cgroup_subsys_state *child, *parent;
	struct cgroup *b;

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	ASSERT_EQ(make("/a"), 0);
	EXPECT_EQ(put("/a", CONTROL, "+mock"), 0);
	b = cgroup_mkdir("/a/b");
	ASSERT(!IS_ERR(b));
	child = &mock_of(b)->css;
	parent = child->parent;
	css_get(child);
	cgroup_put(b);
	EXPECT_EQ(cgroup_rmdir("/a/b"), 0);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	cgroup_wait_teardown();
	/* Both offline, neither released: the child is held. */
	EXPECT(!css_is_online(child));
	EXPECT(!css_is_online(parent));
	EXPECT_EQ(atomic_read(&mock_nr_offline), 2);
	EXPECT_EQ(atomic_read(&mock_nr_released), 0);
	css_put(child);
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_nr_released), 2);
	EXPECT_EQ(atomic_read(&mock_nr_freed), 2);
	mock_end();
}

TEST(cgroup, ids_are_returned_at_offline)
{
	struct cgroup_subsys_state *held;
	struct cgroup *a;
	int id;

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	a = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(a));
	held = &mock_of(a)->css;
	css_get(held);
	id = held->id;
	rcu_read_lock();
	EXPECT_EQ(css_from_id(id, &mock_subsys), held);
	rcu_read_unlock();
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	cgroup_wait_teardown();
	rcu_read_lock();
	EXPECT_EQ(css_from_id(id, &mock_subsys), NULL);
	rcu_read_unlock();
	/* The next one may have it, though this one is held still. */
	a = cgroup_mkdir("/b");
	ASSERT(!IS_ERR(a));
	EXPECT_EQ(mock_of(a)->css.id, id);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/b"), 0);
	css_put(held);
	mock_end();
}

/* A reader that lasts until told; or for three seconds, which is too long. */
static bool reading, removed, read_too_long;

static int read_long(void *unused)
{
	u64 start = ktime_get_ns();

	rcu_read_lock();
	WRITE_ONCE(reading, true);
	while (!READ_ONCE(removed) && !read_too_long) {
		cpu_relax();
		read_too_long = ktime_get_ns() - start > 3 * NSEC_PER_SEC;
	}
	rcu_read_unlock();
	return 0;
}

/* On this CPU, with the reader on another. */
static struct task *start_reader(void)
{
	cpumask_t here = *cpumask_of(0);
	struct task *reader;

	reading = removed = read_too_long = false;
	set_cpus_allowed(current, &here);
	reader = kthread_create_on_cpu(read_long, NULL, 1, "reader");
	ASSERT(!IS_ERR(reader));
	wake_up_process(reader);
	while (!READ_ONCE(reading))
		msleep(1);
	return reader;
}

/* It ends when told; false if it had become tired of waiting. */
static bool stop_reader(struct task *reader)
{
	WRITE_ONCE(removed, true);
	kthread_stop(reader);
	return !read_too_long;
}

TEST(cgroup, rmdir_does_not_wait_for_readers)
{
	struct task *reader;
	char path[16];

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	reader = start_reader();
	for (int i = 0; i < 20; i++) {
		format(path, sizeof(path), "/g%d", i);
		EXPECT_EQ(make(path), 0);
		EXPECT_EQ(cgroup_rmdir(path), 0);
	}
	EXPECT_EQ(put("/", CONTROL, "-mock"), 0);
	EXPECT(stop_reader(reader));
	mock_end();
}

TEST(cgroup, a_state_is_freed_when_its_readers_have_left)
{
	struct cgroup_subsys_state *css;
	struct task *reader;
	struct cgroup *a;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	a = cgroup_mkdir("/a");
	ASSERT(!IS_ERR(a));
	css = &mock_of(a)->css;
	css_get(css);
	cgroup_put(a);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	cgroup_wait_teardown();

	/* The last reference goes while somebody reads. */
	reader = start_reader();
	css_put(css);
	for (int ms = 0; !atomic_read(&mock_nr_released) && ms < 2000; ms++)
		msleep(1);
	EXPECT_EQ(atomic_read(&mock_nr_released), 1);
	msleep(20);
	EXPECT_EQ(atomic_read(&mock_nr_freed), 0);
	EXPECT(stop_reader(reader));
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_nr_freed), 1);
	mock_end();
}

TEST(cgroup, walks_meet_every_state_in_order)
{
	static const char *const paths[] = {"/w",   "/w/a", "/w/a/x", "/w/a/y",
					    "/w/b", "/w/c", "/w/c/z"};
	char pre[64] = "", post[64] = "";
	struct cgroup_subsys_state *css;
	struct cgroup *w;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ASSERT_EQ(make(paths[i]), 0);
	w = cgroup_find("/w");
	rcu_read_lock();
	css_for_each_descendant_pre(css, &w->self)
		strlcpy(pre + strlen(pre), css->cgroup->name, 8);
	css_for_each_descendant_post(css, &w->self)
		strlcpy(post + strlen(post), css->cgroup->name, 8);
	rcu_read_unlock();
	EXPECT_STREQ(pre, "waxybcz");
	EXPECT_STREQ(post, "xyabzcw");
	cgroup_put(w);
	for (size_t i = sizeof(paths) / sizeof(*paths); i--;)
		EXPECT_EQ(cgroup_rmdir(paths[i]), 0);
}

/* A walker that holds what it stands on finds its way, though that is removed. */
TEST(cgroup, a_walk_goes_on_from_a_removed_group)
{
	struct cgroup_subsys_state *css;
	struct cgroup *b;

	ASSERT_EQ(make("/a"), 0);
	b = cgroup_mkdir("/b");
	ASSERT(!IS_ERR(b));
	ASSERT_EQ(make("/c"), 0);
	EXPECT_EQ(cgroup_rmdir("/b"), 0);
	cgroup_wait_teardown();
	rcu_read_lock();
	css = css_next_child(&b->self, &cgroup_root.self);
	EXPECT(css);
	EXPECT_STREQ(css->cgroup->name, "c");
	rcu_read_unlock();
	cgroup_put(b);
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(cgroup_rmdir("/c"), 0);
}

/* -- Without memory ------------------------------------------------------------------ */

TEST(cgroup, every_failed_allocation_is_undone)
{
	struct fault_attr *const attrs[] = {&failslab, &fail_percpu};
	unsigned long n;

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock +other"), 0);
	for (int i = 0; i < 2; i++) {
		struct fault_attr *attr = attrs[i];

		FAULT_SWEEP(attr, n) {
			int err = make("/a");

			EXPECT_EQ(err, fault_fired(attr) ? -ENOMEM : 0);
			if (!err)
				EXPECT_EQ(cgroup_rmdir("/a"), 0);
		}
		EXPECT_GT(n, 3);
	}
	EXPECT_EQ(put("/", CONTROL, "-mock -other"), 0);

	ASSERT_EQ(make("/a"), 0);
	ASSERT_EQ(make("/b"), 0);
	for (int i = 0; i < 2; i++) {
		struct fault_attr *attr = attrs[i];

		FAULT_SWEEP(attr, n) {
			int err = put("/", CONTROL, "+mock +other");

			EXPECT_EQ(err, fault_fired(attr) ? -ENOMEM : 0);
			EXPECT_EQ(!err, cgroup_root.subtree_control != 0);
			/* This, too, may be the call that fails, once. */
			while (put("/", CONTROL, "-mock -other") == -ENOMEM)
				;
		}
		EXPECT_GT(n, 3);
	}
	EXPECT_EQ(cgroup_rmdir("/a"), 0);
	EXPECT_EQ(cgroup_rmdir("/b"), 0);
	mock_end();
}

/* -- Many ------------------------------------------------------------------------------- */

/* In waves, so that many die at once; growth would show as a leak, and in the
 * ids. */
static void come_and_go(int waves, int each)
{
	char path[32];

	mock_begin();
	EXPECT_EQ(put("/", CONTROL, "+mock"), 0);
	ASSERT_EQ(make("/many"), 0);
	EXPECT_EQ(put("/many", CONTROL, "+mock"), 0);
	for (int wave = 0; wave < waves; wave++) {
		for (int i = 0; i < each; i++) {
			format(path, sizeof(path), "/many/%d", i);
			ASSERT_EQ(make(path), 0);
		}
		for (int i = each; i--;) {
			format(path, sizeof(path), "/many/%d", i);
			ASSERT_EQ(cgroup_rmdir(path), 0);
		}
	}
	cgroup_wait_teardown();
	EXPECT_EQ(atomic_read(&mock_subsys.nr_css), 2);
	EXPECT_EQ(idr_validate(&mock_subsys.ids), 2);
	EXPECT_EQ(cgroup_rmdir("/many"), 0);
	mock_end();
}

TEST(cgroup, a_thousand_groups_come_and_go)
{
	come_and_go(10, 100);
}

TEST_T(cgroup, ten_thousand_groups_come_and_go, 60)
{
	come_and_go(100, 100);
	come_and_go(1, 10000);
}
