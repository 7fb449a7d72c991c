/* SPDX-License-Identifier: MIT */
/*
 * css.c - a controller's state of one group, from birth to death.
 *
 *	create		allocated, online, on its parent's list
 *	publish		tasks belong to it
 *	kill		tasks do not any more; references only from references
 *	(grace period)	percpu_ref confirms: css_tryget_online() fails everywhere
 *	offline		after all its children
 *	(last put)
 *	release		off its parent's list, references to others dropped
 *	(grace period)	readers have left
 *	free		after all its children
 *
 * Problem.    Each arrow may be taken in any context and must not be waited for
 *             under cgroup_mutex: removing a hundred thousand groups may not
 *             cost that many grace periods.
 * Idea.       Whoever takes an arrow puts the css on a list, and one worker
 *             does what is due: it offlines and releases what it finds, which
 *             makes more due, until nothing is.  The released gather, and one
 *             grace period at a time is over for all that gathered before it.
 * Order.      nr_online counts a css and its online children, so a parent is
 *             offlined when its last child has been.  A child drops its
 *             parent when it is released, hence before the parent is; and
 *             those released are freed in that order.  So a parent may be
 *             used until its child is freed, without another grace period
 *             for each level.
 * Rejected.   A work item and a callback in each css: they would be a third
 *             of its size, and wake the worker for each step of each css.
 *
 * The group's own css (self) goes the same way; having no controller it has
 * nothing to do offline, and its memory is the group's.
 *
 * Locks: cgroup_mutex for everything but freeing.
 */
#include <errno.h>
#include <kernel/task/workqueue.h>
#include <lib/err.h>
#include "cgroup_impl.h"

#define CSS_ID_MAX 65535

/* What is due to be offlined or released: any context. */
static LLIST_HEAD(css_due);

/* The worker's: released, oldest first, and waiting for a grace period that has
 * not begun; and those whose grace period has. */
struct css_queue {
	struct llist_node *first;
	struct llist_node *last;
};
static struct css_queue gathering, waiting;

/* The grace period that `waiting` waits for: over once this is set. */
static bool grace_period_over;
static struct rcu_head grace_period;

static void css_work_fn(struct work_struct *work);
static DECLARE_WORK(css_work, css_work_fn);

static void css_step_due(struct cgroup_subsys_state *css)
{
	if (llist_add(&css->step_node, &css_due))
		schedule_work(&css_work);
}

/* -- Birth ------------------------------------------------------------------- */

/* The last reference is gone; any context. */
static void css_ref_released(struct percpu_ref *ref)
{
	css_step_due(container_of(ref, struct cgroup_subsys_state, refcnt));
}

int css_init(struct cgroup_subsys_state *css, struct cgroup *cgrp,
	     struct cgroup_subsys *ss, struct cgroup_subsys_state *parent)
{
	static u64 serial;
	int err;

	assert_held(&cgroup_mutex);
	css->cgroup = cgrp;
	css->ss = ss;
	css->parent = parent;
	css->serial = serial++;
	INIT_LIST_HEAD(&css->sibling);
	INIT_LIST_HEAD(&css->children);
	atomic_set(&css->nr_online, 1);
	err = rstat_init_css(css);
	if (err)
		return err;
	err = percpu_ref_init(&css->refcnt, css_ref_released, 0, GFP_KERNEL);
	if (err)
		rstat_exit_css(css);
	return err;
}

void css_link(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *parent = css->parent;

	WRITE_ONCE(css->flags, CSS_ONLINE);
	if (parent) {
		css_get(parent);
		atomic_inc(&parent->nr_online);
		list_add_tail_rcu(&css->sibling, &parent->children);
	}
	if (css->ss) {
		cgroup_get(css->cgroup);
		atomic_inc(&css->ss->nr_css);
	}
}

/* The reverse of css_init() and css_alloc(). */
static void css_destroy(struct cgroup_subsys_state *css)
{
	rstat_exit_css(css);
	percpu_ref_exit(&css->refcnt);
	if (css->ss)
		css->ss->css_free(css);
	else
		cgroup_free(css->cgroup);
}

static int css_bring_online(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys *ss = css->ss;
	int id, err = 0;

	/* Found by its id only once it is complete. */
	id = idr_alloc(&ss->ids, NULL, 1, CSS_ID_MAX + 1, GFP_KERNEL);
	if (id < 0)
		return id;
	css->id = id;
	if (ss->css_online)
		err = ss->css_online(css);
	if (err)
		idr_remove(&ss->ids, id);
	else
		idr_replace(&ss->ids, css, id);
	return err;
}

struct cgroup_subsys_state *css_create(struct cgroup *cgrp,
				       struct cgroup_subsys *ss)
{
	struct cgroup *above = cgroup_parent(cgrp);
	struct cgroup_subsys_state *parent, *css;
	int err;

	assert_held(&cgroup_mutex);
	parent = above ? above->subsys[ss->id] : NULL;
	css = ss->css_alloc(parent);
	if (IS_ERR(css))
		return css;
	err = css_init(css, cgrp, ss, parent);
	if (err) {
		ss->css_free(css);
		return ERR_PTR(err);
	}
	err = css_bring_online(css);
	if (err) {
		css_destroy(css);
		return ERR_PTR(err);
	}
	css_link(css);
	return css;
}

void css_publish(struct cgroup_subsys_state *css)
{
	cgroup_switch_css(css->cgroup, css->ss, css);
}

struct cgroup_subsys_state *css_from_id(int id, struct cgroup_subsys *ss)
{
	return idr_find(&ss->ids, id);
}

/* -- Death ------------------------------------------------------------------- */

/* css_tryget_online() fails everywhere.  In a softirq. */
static void css_kill_confirmed(struct percpu_ref *ref)
{
	struct cgroup_subsys_state *css =
		container_of(ref, struct cgroup_subsys_state, refcnt);

	if (atomic_dec_and_test(&css->nr_online))
		css_step_due(css);
}

void css_kill(struct cgroup_subsys_state *css)
{
	assert_held(&cgroup_mutex);
	BUG_ON(css->flags & CSS_DYING);
	WRITE_ONCE(css->flags, css->flags | CSS_DYING);
	if (css->ss && css->cgroup->subsys[css->ss->id] == css)
		cgroup_switch_css(css->cgroup, css->ss, NULL);
	cgroup_file_wake(css);
	css_get(css); /* dropped when it is offline */
	percpu_ref_kill_and_confirm(&css->refcnt, css_kill_confirmed);
}

static void css_offline(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *parent = css->parent;
	struct cgroup_subsys *ss = css->ss;

	if (ss && ss->css_offline)
		ss->css_offline(css);
	WRITE_ONCE(css->flags, css->flags & ~CSS_ONLINE);
	if (ss) {
		idr_remove(&ss->ids, css->id);
		WRITE_ONCE(css->id, 0);
	}
	/* The child keeps it in memory, if nobody else does. */
	if (parent && atomic_dec_and_test(&parent->nr_online))
		css_step_due(parent);
	css_put(css);
}

static void css_release(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *parent = css->parent;

	if (css->ss && css->ss->css_released)
		css->ss->css_released(css);
	if (!css->ss)
		cgroup_released(css->cgroup);
	list_del_rcu(&css->sibling);

	css->step_node.next = NULL;
	if (gathering.first)
		gathering.last->next = &css->step_node;
	else
		gathering.first = &css->step_node;
	gathering.last = &css->step_node;

	if (css->ss)
		cgroup_put(css->cgroup);
	if (parent)
		css_put(parent);
}

static void css_free(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys *ss = css->ss;

	css_destroy(css);
	if (ss)
		atomic_dec(&ss->nr_css);
}

/* -- The worker --------------------------------------------------------------- */

static void do_what_is_due(struct llist_node *list)
{
	struct cgroup_subsys_state *css, *next;

	mutex_lock(&cgroup_mutex);
	llist_for_each_entry_safe(css, next, list, step_node) {
		if (css->flags & CSS_ONLINE)
			css_offline(css);
		else
			css_release(css);
	}
	mutex_unlock(&cgroup_mutex);
	cond_resched();
}

static void grace_period_ends(struct rcu_head *head)
{
	smp_store_release(&grace_period_over, true);
	schedule_work(&css_work);
}

/* Free those whose readers have left; see that others' will. */
static void free_gathered(void)
{
	struct cgroup_subsys_state *css, *next;

	if (smp_load_acquire(&grace_period_over)) {
		llist_for_each_entry_safe(css, next, waiting.first, step_node) {
			css_free(css);
			cond_resched();
		}
		waiting.first = NULL;
		grace_period_over = false;
	}
	if (!waiting.first && gathering.first) {
		waiting = gathering;
		gathering.first = NULL;
		call_rcu(&grace_period, grace_period_ends);
	}
}

static void css_work_fn(struct work_struct *work)
{
	struct llist_node *list;

	while ((list = llist_del_all(&css_due)))
		do_what_is_due(llist_reverse_order(list));
	free_gathered();
}

void cgroup_wait_teardown(void)
{
	/* Confirmed and released; the grace period that was under way ends, and
	 * the next begins; it ends. */
	for (int round = 0; round < 3; round++) {
		rcu_barrier();
		flush_work(&css_work);
	}
}
