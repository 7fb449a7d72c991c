/* SPDX-License-Identifier: MIT */
/*
 * tree.c - groups are made, found and removed.
 *
 * A group is made complete: with every controller that its parent enables for
 * its children.  If one of them refuses, the group is removed as any other, so
 * there is one way to undo.  Removing takes it out of sight and kills it and
 * its states (css.c); what remains of it counts as a dying descendant until
 * nobody refers to it.
 *
 * By name.    A hash over parent and name, so that ten thousand siblings do not
 *             make the next one ten thousand times as dear.
 *
 * Locks: cgroup_mutex.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <kernel/task/workqueue.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "cgroup_impl.h"

#define NAME_HASH_LEN 1024

_Static_assert(CGROUP_NAME_MAX <= MAXNAMLEN, "a group's name is a file's");

DEFINE_MUTEX(cgroup_mutex);

struct cgroup cgroup_root = {
	.max_depth = UINT_MAX,
	.max_descendants = UINT_MAX,
	.tasks = LIST_HEAD_INIT(cgroup_root.tasks),
};

/* Under cgroup_mutex. */
static struct hlist_head names[NAME_HASH_LEN];

/* A class of kmalloc() would round up by half. */
static struct kmem_cache *cgroup_cache;

/* From creation until the memory is free. */
static atomic_long_t nr_live;

long cgroup_nr_live(void)
{
	return atomic_long_read(&nr_live);
}

/* -- Names -------------------------------------------------------------------- */

/* FNV-1a, begun with the parent's number. */
static u32 name_hash(const struct cgroup *parent, const char *name, size_t len)
{
	u32 hash = 2166136261u ^ (u32)parent->self.serial;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (u8)name[i]) * 16777619u;
	return hash ^ hash >> 16;
}

static struct cgroup *find_child(struct cgroup *parent, const char *name,
				 size_t len)
{
	u32 hash = name_hash(parent, name, len);
	struct cgroup *cgrp;

	assert_held(&cgroup_mutex);
	hlist_for_each_entry(cgrp, &names[hash % NAME_HASH_LEN], by_name) {
		if (cgrp->name_hash == hash && cgroup_parent(cgrp) == parent &&
		    !strncmp(cgrp->name, name, len) && !cgrp->name[len])
			return cgrp;
	}
	return NULL;
}

/* 0, or why this cannot be the name of a group in @parent. */
static int check_name(struct cgroup *parent, const char *name, size_t len)
{
	if (!len || memchr(name, '\n', len) ||
	    (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
		return -EINVAL;
	if (len > CGROUP_NAME_MAX)
		return -ENAMETOOLONG;
	if (find_child(parent, name, len) || cgroup_has_file(parent, name, len))
		return -EEXIST;
	return 0;
}

/* The next component of *@path, and its length; 0 at the end. */
static size_t next_component(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

/* The group that @path leads to, from the root, or NULL.  With @last, the
 * group that the last component would be in, and that component. */
static struct cgroup *walk_path(const char *path, const char **last)
{
	struct cgroup *cgrp = &cgroup_root;
	size_t len;

	while (cgrp && (len = next_component(&path))) {
		const char *rest = path + len;

		if (last && !next_component(&rest)) {
			*last = path;
			return cgrp;
		}
		cgrp = find_child(cgrp, path, len);
		path += len;
	}
	return cgrp;
}

struct cgroup *cgroup_find(const char *path)
{
	struct cgroup *cgrp;

	mutex_lock(&cgroup_mutex);
	cgrp = walk_path(path, NULL);
	if (cgrp)
		cgroup_get(cgrp);
	mutex_unlock(&cgroup_mutex);
	return cgrp ? cgrp : ERR_PTR(-ENOENT);
}

/* Filled from its end. */
char *cgroup_path(struct cgroup *cgrp, char *buf, size_t size)
{
	size_t at = size - 1;

	buf[at] = '\0';
	rcu_read_lock();
	for (; cgrp != &cgroup_root && at; cgrp = cgroup_parent(cgrp)) {
		size_t len = min(strlen(cgrp->name), at - 1);

		at -= len;
		memcpy(buf + at, cgrp->name, len);
		buf[--at] = '/';
	}
	rcu_read_unlock();
	if (at == size - 1 && at)
		buf[--at] = '/';
	return memmove(buf, buf + at, size - at);
}

bool cgroup_is_descendant(struct cgroup *cgrp, const struct cgroup *ancestor)
{
	while (cgrp->level > ancestor->level)
		cgrp = cgroup_parent(cgrp);
	return cgrp == ancestor;
}

/* -- Making ------------------------------------------------------------------- */

/* May there be one more below @parent? */
static int check_limits(struct cgroup *parent)
{
	unsigned int depth = 1;

	for (; parent; parent = cgroup_parent(parent), depth++)
		if (depth > parent->max_depth ||
		    parent->nr_descendants >= parent->max_descendants)
			return -EAGAIN;
	return 0;
}

static struct cgroup *cgroup_alloc(struct cgroup *parent, const char *name,
				   size_t len)
{
	struct cgroup *cgrp = kmem_cache_zalloc(cgroup_cache, GFP_KERNEL);

	if (!cgrp)
		return NULL;
	memcpy(cgrp->name, name, len);
	cgrp->name_hash = name_hash(parent, name, len);
	cgrp->level = parent->level + 1;
	cgrp->max_depth = UINT_MAX;
	cgrp->max_descendants = UINT_MAX;
	INIT_LIST_HEAD(&cgrp->tasks);
	if (css_init(&cgrp->self, cgrp, NULL, &parent->self)) {
		kmem_cache_free(cgroup_cache, cgrp);
		return NULL;
	}
	atomic_long_inc(&nr_live);
	return cgrp;
}

static void cgroup_link(struct cgroup *cgrp)
{
	struct cgroup *above;

	css_link(&cgrp->self);
	hlist_add_head(&cgrp->by_name, &names[cgrp->name_hash % NAME_HASH_LEN]);
	for (above = cgroup_parent(cgrp); above; above = cgroup_parent(above))
		above->nr_descendants++;
}

static void cgroup_destroy(struct cgroup *cgrp)
{
	struct cgroup_subsys *ss;
	struct cgroup *above;
	int i;

	hlist_del(&cgrp->by_name);
	for (above = cgroup_parent(cgrp); above; above = cgroup_parent(above)) {
		above->nr_descendants--;
		above->nr_dying_descendants++;
	}
	for_each_subsys(ss, i)
		if (cgrp->subsys[i])
			css_kill(cgrp->subsys[i]);
	css_kill(&cgrp->self);
}

static int create_states(struct cgroup *cgrp)
{
	struct cgroup_subsys *ss;
	int i;

	for_each_subsys_in(ss, i, cgroup_available(cgrp)) {
		struct cgroup_subsys_state *css = css_create(cgrp, ss);

		if (IS_ERR(css))
			return PTR_ERR(css);
		css_publish(css);
	}
	return 0;
}

static struct cgroup *cgroup_create(struct cgroup *parent, const char *name,
				    size_t len)
{
	struct cgroup *cgrp;
	int err = check_name(parent, name, len);

	if (!err)
		err = check_limits(parent);
	if (err)
		return ERR_PTR(err);
	cgrp = cgroup_alloc(parent, name, len);
	if (!cgrp)
		return ERR_PTR(-ENOMEM);
	cgroup_link(cgrp);
	err = create_states(cgrp);
	if (err) {
		cgroup_destroy(cgrp);
		return ERR_PTR(err);
	}
	return cgrp;
}

struct cgroup *cgroup_mkdir(const char *path)
{
	struct cgroup *parent, *cgrp;
	const char *name = NULL;

	mutex_lock(&cgroup_mutex);
	parent = walk_path(path, &name);
	if (!parent)
		cgrp = ERR_PTR(-ENOENT);
	else if (!name)
		cgrp = ERR_PTR(-EEXIST); /* the root */
	else
		cgrp = cgroup_create(parent, name, next_component(&name));
	if (!IS_ERR(cgrp))
		cgroup_get(cgrp);
	mutex_unlock(&cgroup_mutex);
	return cgrp;
}

/* -- Removing ----------------------------------------------------------------- */

int cgroup_rmdir(const char *path)
{
	struct cgroup *cgrp;
	int err = 0;

	mutex_lock(&cgroup_mutex);
	cgrp = walk_path(path, NULL);
	if (!cgrp)
		err = -ENOENT;
	/* No task can come while we hold the mutex: there is none to fork. */
	else if (cgrp == &cgroup_root || cgrp->nr_descendants ||
		 READ_ONCE(cgrp->nr_tasks))
		err = -EBUSY;
	else
		cgroup_destroy(cgrp);
	mutex_unlock(&cgroup_mutex);
	return err;
}

void cgroup_released(struct cgroup *cgrp)
{
	struct cgroup *above;

	for (above = cgroup_parent(cgrp); above; above = cgroup_parent(above))
		above->nr_dying_descendants--;
}

void cgroup_free(struct cgroup *cgrp)
{
	kmem_cache_free(cgroup_cache, cgrp);
	atomic_long_dec(&nr_live);
}

/* -- Figures ------------------------------------------------------------------ */

static long sum_refs(struct cgroup_subsys_state *root)
{
	struct cgroup_subsys_state *css;
	long sum = 0;

	css_for_each_descendant_pre(css, root)
		sum += percpu_ref_sum(&css->refcnt);
	return sum;
}

long css_nr_refs(void)
{
	struct cgroup_subsys *ss;
	long sum;
	int i;

	mutex_lock(&cgroup_mutex);
	sum = sum_refs(&cgroup_root.self);
	for_each_subsys(ss, i)
		sum += sum_refs(ss->root_css);
	mutex_unlock(&cgroup_mutex);
	return sum;
}

/* -- Boot --------------------------------------------------------------------- */

void cgroup_init(void)
{
	rstat_init();
	cgroup_queues_init();
	cgroup_cache = kmem_cache_create("cgroup", sizeof(struct cgroup), 0,
					 SLAB_PANIC, NULL);
	mutex_lock(&cgroup_mutex);
	if (css_init(&cgroup_root.self, &cgroup_root, NULL, NULL))
		panic("no memory for the root group");
	css_link(&cgroup_root.self);
	mutex_unlock(&cgroup_mutex);
}
