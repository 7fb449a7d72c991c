/* SPDX-License-Identifier: MIT */
/*
 * control.c - which controllers there are, and where they are enabled.
 *
 * Top down.   A group can enable for its children what it has itself, and can
 *             disable what none of them has enabled for its own.
 * No tasks    A group other than the root that has controllers for its children
 * inside.     has no tasks of its own: they would compete with the children's,
 *             as a group competes, and no controller could say how.
 * All or      All checks come first; then every new css is made, and only when
 * nothing.    all are there do tasks change over, which cannot fail.
 *
 * Unlike Linux, a controller that is disabled and enabled again at once need not
 * wait until the old states have gone: a dying css is out of its group, and so
 * cannot be in the way of the new one.
 *
 * Locks: cgroup_mutex.
 */
#include <errno.h>
#include <kernel/core/sched.h>
#include <lib/err.h>
#include <lib/parse.h>
#include <string.h>
#include "cgroup_impl.h"

struct cgroup_subsys *cgroup_subsys[CGROUP_SUBSYS_MAX];

unsigned int cgroup_available(const struct cgroup *cgrp)
{
	const struct cgroup *parent = cgroup_parent(cgrp);
	struct cgroup_subsys *ss;
	unsigned int mask = 0;
	int i;

	if (parent)
		return READ_ONCE(parent->subtree_control);
	for_each_subsys(ss, i)
		mask |= 1u << i;
	return mask;
}

/* -- cgroup.subtree_control ------------------------------------------------------- */

static struct cgroup_subsys *find_subsys(const char *name)
{
	struct cgroup_subsys *ss;
	int i;

	for_each_subsys(ss, i)
		if (!strcmp(ss->name, name))
			return ss;
	return NULL;
}

/* "+memory -io": of several words about one controller the last counts. */
static int parse_control(char *text, unsigned int *enable,
			 unsigned int *disable)
{
	char *word;

	*enable = *disable = 0;
	while ((word = parse_word(&text))) {
		struct cgroup_subsys *ss = find_subsys(word + !!*word);

		if ((*word != '+' && *word != '-') || !ss)
			return -EINVAL;
		*enable &= ~(1u << ss->id);
		*disable &= ~(1u << ss->id);
		*(*word == '+' ? enable : disable) |= 1u << ss->id;
	}
	return 0;
}

static int check_control(struct cgroup *cgrp, unsigned int enable,
			 unsigned int disable)
{
	struct cgroup_subsys_state *css;
	struct cgroup *child;

	if (cgroup_is_dead(cgrp))
		return -ENODEV;
	if (enable & ~cgroup_available(cgrp))
		return -ENOENT;
	for_each_live_child(child, css, cgrp)
		if (child->subtree_control & disable)
			return -EBUSY;
	/* None can come: see tasks.c. */
	if (enable && cgrp != &cgroup_root && READ_ONCE(cgrp->nr_tasks))
		return -EBUSY;
	return 0;
}

/* Each child of @cgrp has its states of @mask's controllers, or none has a new
 * one.  Those made are in @made, linked by step_node. */
static int create_for_children(struct cgroup *cgrp, unsigned int mask,
			       struct llist_head *made)
{
	struct cgroup_subsys_state *pos, *css;
	struct cgroup_subsys *ss;
	struct cgroup *child;
	int i;

	for_each_live_child(child, pos, cgrp) {
		for_each_subsys_in(ss, i, mask) {
			css = css_create(child, ss);
			if (IS_ERR(css))
				return PTR_ERR(css);
			llist_add(&css->step_node, made);
		}
	}
	return 0;
}

static int enable_for_children(struct cgroup *cgrp, unsigned int mask)
{
	struct cgroup_subsys_state *css, *next;
	LLIST_HEAD(made);
	int err;

	/* The parent's bit is what css_create() does not look at. */
	err = create_for_children(cgrp, mask, &made);
	llist_for_each_entry_safe(css, next, made.first, step_node) {
		if (err)
			css_kill(css);
		else
			css_publish(css);
	}
	return err;
}

static void disable_for_children(struct cgroup *cgrp, unsigned int mask)
{
	struct cgroup_subsys_state *pos;
	struct cgroup_subsys *ss;
	struct cgroup *child;
	int i;

	for_each_live_child(child, pos, cgrp)
		for_each_subsys_in(ss, i, mask)
			css_kill(child->subsys[i]);
}

static int set_control(struct cgroup *cgrp, unsigned int enable,
		       unsigned int disable)
{
	int err;

	enable &= ~cgrp->subtree_control;
	disable &= cgrp->subtree_control;
	err = check_control(cgrp, enable, disable);
	if (!err)
		err = enable_for_children(cgrp, enable);
	if (err)
		return err;
	disable_for_children(cgrp, disable);
	WRITE_ONCE(cgrp->subtree_control,
		   (cgrp->subtree_control | enable) & ~disable);
	return 0;
}

int cgroup_set_subtree_control(struct cgroup *cgrp, char *text)
{
	unsigned int enable, disable;
	int err;

	mutex_lock(&cgroup_mutex);
	err = parse_control(text, &enable, &disable);
	if (!err)
		err = set_control(cgrp, enable, disable);
	mutex_unlock(&cgroup_mutex);
	return err;
}

/* -- Controllers come, and tests' go ------------------------------------------------ */

static int find_slot(void)
{
	for (int i = 0; i < CGROUP_SUBSYS_MAX; i++)
		if (!cgroup_subsys[i])
			return i;
	return -ENOSPC;
}

/* fork and exit look under the spinlock only: they find either no controller, or
 * one that has been told of everybody. */
static void enter(struct cgroup_subsys *ss, struct cgroup_subsys_state *css)
{
	spin_lock(&cgroup_tasks_lock);
	cgroup_switch_css_locked(&cgroup_root, ss, css);
	WRITE_ONCE(cgroup_subsys[ss->id], css ? ss : NULL);
	spin_unlock(&cgroup_tasks_lock);
}

static int register_locked(struct cgroup_subsys *ss)
{
	struct cgroup_subsys_state *css;
	int slot = find_slot();

	if (slot < 0)
		return slot;
	ss->id = slot;
	idr_init(&ss->ids);
	atomic_set(&ss->nr_css, 0);
	css = css_create(&cgroup_root, ss);
	if (IS_ERR(css)) {
		idr_destroy(&ss->ids);
		return PTR_ERR(css);
	}
	ss->root_css = css;
	enter(ss, css);
	return 0;
}

int cgroup_register(struct cgroup_subsys *ss)
{
	int err;

	mutex_lock(&cgroup_mutex);
	err = register_locked(ss);
	mutex_unlock(&cgroup_mutex);
	return err;
}

int cgroup_unregister(struct cgroup_subsys *ss)
{
	mutex_lock(&cgroup_mutex);
	if (cgroup_root.subtree_control & 1u << ss->id) {
		mutex_unlock(&cgroup_mutex);
		return -EBUSY;
	}
	enter(ss, NULL);
	css_kill(ss->root_css);
	mutex_unlock(&cgroup_mutex);
	while (atomic_read(&ss->nr_css)) {
		cgroup_wait_teardown();
		msleep(1);
	}
	idr_destroy(&ss->ids);
	return 0;
}
