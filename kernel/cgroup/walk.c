/* SPDX-License-Identifier: MIT */
/*
 * walk.c - from css to css, while the tree changes.
 *
 * A css stays on its parent's list until its last reference is gone.  So the
 * one a walker stands on is linked if the walker holds a reference, and
 * otherwise was when its RCU reader began; in both cases its forward pointer
 * leads to what is, or a grace period ago was, its next.  Newcomers are added
 * at the end, so nothing that was there all the time is passed by.
 *
 * Context: RCU readers, or cgroup_mutex.
 */
#include "cgroup_impl.h"

struct cgroup_subsys_state *css_next_child(struct cgroup_subsys_state *pos,
					   struct cgroup_subsys_state *parent)
{
	struct list_head *next =
		list_next_rcu(pos ? &pos->sibling : &parent->children);

	return next == &parent->children
		       ? NULL
		       : list_entry(next, struct cgroup_subsys_state, sibling);
}

struct cgroup_subsys_state *
css_next_skip_descendants(struct cgroup_subsys_state *pos,
			  struct cgroup_subsys_state *root)
{
	struct cgroup_subsys_state *next;

	for (; pos != root; pos = pos->parent) {
		next = css_next_child(pos, pos->parent);
		if (next)
			return next;
	}
	return NULL;
}

struct cgroup_subsys_state *
css_next_descendant_pre(struct cgroup_subsys_state *pos,
			struct cgroup_subsys_state *root)
{
	struct cgroup_subsys_state *next;

	if (!pos)
		return root;
	next = css_next_child(NULL, pos);
	return next ? next : css_next_skip_descendants(pos, root);
}

static struct cgroup_subsys_state *leftmost(struct cgroup_subsys_state *pos)
{
	struct cgroup_subsys_state *first;

	while ((first = css_next_child(NULL, pos)))
		pos = first;
	return pos;
}

struct cgroup_subsys_state *
css_next_descendant_post(struct cgroup_subsys_state *pos,
			 struct cgroup_subsys_state *root)
{
	struct cgroup_subsys_state *next;

	if (!pos)
		return leftmost(root);
	if (pos == root)
		return NULL;
	next = css_next_child(pos, pos->parent);
	return next ? leftmost(next) : pos->parent;
}
