/* SPDX-License-Identifier: MIT */
/*
 * tasks.c - who is in which group.
 *
 * Problem.    A task forks, is moved, is killed and exits, and the controllers
 *             of its group come and go, all at once; each of these must see the
 *             others either before or after.
 * Idea.       One spinlock over all memberships.  Under it a task is put on its
 *             group's list, and each controller is told whom the task belongs
 *             to now; so at any moment every controller knows exactly that.
 *             What fork and exit do under it are some forty instructions.
 * Fork.       A child joins the group that its parent is in at that moment.  A
 *             killed parent's child is born killed: whoever kills a group
 *             either finds the child on a list, or has killed its parent
 *             before the child came.
 * Exit.       A task leaves in task_exit(), when its memory has been given
 *             back; what is left of it until somebody joins it is in no
 *             group.
 * Removal.    Only fork puts tasks into a group without cgroup_mutex, and it
 *             needs one that is there already: so a group without tasks stays
 *             without while the mutex is held.
 * Rejected.   A lock for each group: a move would need two, a change of
 *             controllers those of a subtree.
 *
 * Locks: cgroup_tasks_lock, inside cgroup_mutex.  It takes only waking inside.
 */
#include <errno.h>
#include <kernel/task/task.h>
#include "cgroup_impl.h"

DEFINE_SPINLOCK(cgroup_tasks_lock);

/* Under cgroup_tasks_lock: how many have ever joined. */
static u64 join_seq;

/* -- Populated: are there tasks here or below? ------------------------------------ */

static void populated_inc(struct cgroup *cgrp)
{
	for (; cgrp; cgrp = cgroup_parent(cgrp)) {
		if (cgrp->nr_populated++)
			return;
		cgroup_file_notify(&cgrp->self, CGROUP_EVENTS);
	}
}

static void populated_dec(struct cgroup *cgrp)
{
	for (; cgrp; cgrp = cgroup_parent(cgrp)) {
		if (--cgrp->nr_populated)
			return;
		cgroup_file_notify(&cgrp->self, CGROUP_EVENTS);
	}
}

/* -- On the list, off the list ----------------------------------------------------- */

static void join(struct task *t, struct cgroup *cgrp)
{
	assert_held(&cgroup_tasks_lock);
	list_add_tail(&t->cgroup_node, &cgrp->tasks);
	t->cgroup_seq = ++join_seq;
	rcu_assign_pointer(t->cgroup, cgrp);
	if (!cgrp->nr_tasks++)
		populated_inc(cgrp);
}

static void leave(struct task *t, struct cgroup *cgrp)
{
	assert_held(&cgroup_tasks_lock);
	list_del(&t->cgroup_node);
	if (!--cgrp->nr_tasks)
		populated_dec(cgrp);
}

void cgroup_fork(struct task *t)
{
	struct cgroup *cgrp = &cgroup_root;
	struct cgroup_subsys *ss;
	int i;

	spin_lock(&cgroup_tasks_lock);
	if (!(t->flags & PF_KTHREAD)) {
		cgrp = task_cgroup(current);
		if (kill_pending())
			task_kill(t);
	}
	join(t, cgrp);
	for_each_subsys(ss, i)
		if (ss->attach)
			ss->attach(t, NULL, cgroup_effective_css(cgrp, ss));
	spin_unlock(&cgroup_tasks_lock);
}

void cgroup_exit(struct task *t)
{
	struct cgroup_subsys *ss;
	struct cgroup *cgrp;
	int i;

	spin_lock(&cgroup_tasks_lock);
	cgrp = t->cgroup;
	for_each_subsys(ss, i)
		if (ss->exit)
			ss->exit(t, cgroup_effective_css(cgrp, ss));
	WRITE_ONCE(t->cgroup, NULL);
	leave(t, cgrp);
	spin_unlock(&cgroup_tasks_lock);
}

/* -- Moving ------------------------------------------------------------------------ */

static void move(struct task *t, struct cgroup *from, struct cgroup *to)
{
	struct cgroup_subsys *ss;
	int i;

	/* Where both lie below, it never looks empty. */
	list_del(&t->cgroup_node);
	join(t, to);
	if (!--from->nr_tasks)
		populated_dec(from);
	for_each_subsys(ss, i) {
		struct cgroup_subsys_state *old, *new;

		old = cgroup_effective_css(from, ss);
		new = cgroup_effective_css(to, ss);
		if (old != new && ss->attach)
			ss->attach(t, old, new);
	}
}

int cgroup_attach_task(struct cgroup *cgrp, struct task *t)
{
	struct cgroup *from;
	int err = 0;

	mutex_lock(&cgroup_mutex);
	spin_lock(&cgroup_tasks_lock);
	from = t->cgroup;
	if (cgroup_is_dead(cgrp))
		err = -ENODEV;
	else if (t->flags & (PF_KTHREAD | PF_IDLE))
		err = -EINVAL;
	else if (!from)
		err = -ESRCH;
	else if (cgrp != &cgroup_root && cgrp->subtree_control)
		err = -EBUSY;
	else if (from != cgrp)
		move(t, from, cgrp);
	spin_unlock(&cgroup_tasks_lock);
	mutex_unlock(&cgroup_mutex);
	return err;
}

/* That of the nearest group above, or NULL. */
static struct cgroup_subsys_state *css_above(struct cgroup *cgrp,
					     struct cgroup_subsys *ss)
{
	struct cgroup *above = cgroup_parent(cgrp);

	return above ? cgroup_effective_css(above, ss) : NULL;
}

static void change_over(struct cgroup *cgrp, struct cgroup_subsys *ss,
			struct cgroup_subsys_state *from,
			struct cgroup_subsys_state *to)
{
	struct task *t;

	list_for_each_entry(t, &cgrp->tasks, cgroup_node) {
		if (to && ss->attach)
			ss->attach(t, from, to);
		else if (!to && ss->exit)
			ss->exit(t, from);
	}
}

/*
 * The tasks in @cgrp and below change over: no group below has a css of its own,
 * since controllers are enabled from the top and disabled from the bottom.  All
 * in one hold of the lock, however many they are: a task that forked in between
 * would be told twice, or not at all.
 */
void cgroup_switch_css_locked(struct cgroup *cgrp, struct cgroup_subsys *ss,
			      struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *above = css_above(cgrp, ss), *from, *pos;

	assert_held(&cgroup_tasks_lock);
	from = cgrp->subsys[ss->id];
	/* Whoever follows the pointer sees a complete css. */
	smp_store_release(&cgrp->subsys[ss->id], css);
	if (!cgroup_is_populated(cgrp))
		return;
	css_for_each_descendant_pre(pos, &cgrp->self)
		change_over(pos->cgroup, ss, from ? from : above,
			    css ? css : above);
}

void cgroup_switch_css(struct cgroup *cgrp, struct cgroup_subsys *ss,
		       struct cgroup_subsys_state *css)
{
	assert_held(&cgroup_mutex);
	spin_lock(&cgroup_tasks_lock);
	cgroup_switch_css_locked(cgrp, ss, css);
	spin_unlock(&cgroup_tasks_lock);
}

/* -- Killing ------------------------------------------------------------------------ */

void cgroup_kill(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *pos;
	struct task *t;

	/* Nobody moves in or out, and no group is made. */
	mutex_lock(&cgroup_mutex);
	css_for_each_descendant_pre(pos, &cgrp->self) {
		spin_lock(&cgroup_tasks_lock);
		list_for_each_entry(t, &pos->cgroup->tasks, cgroup_node)
			task_kill(t);
		spin_unlock(&cgroup_tasks_lock);
	}
	mutex_unlock(&cgroup_mutex);
}

/* -- Walking ------------------------------------------------------------------------ */

struct task *cgroup_next_task(struct cgroup *cgrp, struct task *prev, u64 *pos)
{
	struct task *t, *found = NULL;

	spin_lock(&cgroup_tasks_lock);
	if (prev && prev->cgroup == cgrp && prev->cgroup_seq == *pos) {
		t = list_next_entry(prev, cgroup_node);
		if (!list_entry_is_head(t, &cgrp->tasks, cgroup_node))
			found = t;
	} else {
		/* It has left; those after it have higher numbers. */
		list_for_each_entry(t, &cgrp->tasks, cgroup_node) {
			if (t->cgroup_seq > *pos) {
				found = t;
				break;
			}
		}
	}
	if (found) {
		get_task(found);
		*pos = found->cgroup_seq;
	}
	spin_unlock(&cgroup_tasks_lock);
	if (prev)
		put_task(prev);
	return found;
}
