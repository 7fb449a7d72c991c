/* SPDX-License-Identifier: MIT */
/*
 * vfs.c - from a path to the file system that knows it.
 *
 * Problem.    Control files, devices and what may come shall be found under
 *             one tree of names, by programs that know only open() and mkdir().
 * Idea.       Paths are made plain first: absolute, no ".", no "..".  With no
 *             links around, text is all there is to a path, and the mount whose
 *             path is the longest beginning of it is the one that is meant.
 * Lifetime.   Every call into a file system, and every open file, counts as a
 *             user of its mount; a mount with users stays.
 * Rejected.   Inodes and a name cache: what is mounted keeps its own tree, and
 *             keeping a second one true to it is the hard part of a VFS.
 *
 * Context: tasks.  Lock: mounts_lock, held only to look at the list; file
 * systems are called without it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <fs/dev.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <kernel/core/panic.h>
#include <kernel/task/newlib.h>
#include <lib/err.h>
#include "fs_impl.h"

static DEFINE_MUTEX(mounts_lock);
static LIST_HEAD(mounts);

/* -- Paths -- */

/* Appends one component to the path of *@len bytes; ".." takes one off. */
static int path_step(char *out, size_t *len, const char *name, size_t size)
{
	if (size == 1 && name[0] == '.')
		return 0;
	if (size == 2 && name[0] == '.' && name[1] == '.') {
		while (*len && out[--*len] != '/')
			;
		return 0;
	}
	if (*len + 1 + size >= VFS_PATH_MAX)
		return -ENAMETOOLONG;
	out[(*len)++] = '/';
	memcpy(out + *len, name, size);
	*len += size;
	return 0;
}

static int path_walk(char *out, size_t *len, const char *path)
{
	while (*path) {
		size_t size = strcspn(path, "/");
		int err = size ? path_step(out, len, path, size) : 0;

		if (err)
			return err;
		path += size + (path[size] == '/');
	}
	return 0;
}

int vfs_resolve(const char *path, char *out)
{
	size_t len = 0;
	int err = 0;

	if (!path || !*path)
		return -ENOENT;
	if (*path != '/')
		err = path_walk(out, &len, files_cwd());
	if (!err)
		err = path_walk(out, &len, path);
	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	return err;
}

/* What of @path lies below @dir, without a leading slash; NULL if nothing. */
static const char *path_below(const char *path, const char *dir)
{
	size_t len = strcmp(dir, "/") ? strlen(dir) : 0;

	if (strncmp(path, dir, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path + len + (path[len] == '/');
}

/* -- Mounts -- */

/* The mount that @path lies in, with one user more, and the rest of it. */
static struct mount *mount_find(const char *path, const char **rest)
{
	struct mount *m, *best = &root_mount;

	mutex_lock(&mounts_lock);
	list_for_each_entry(m, &mounts, link) {
		if (path_below(path, m->path) &&
		    strlen(m->path) >= strlen(best->path))
			best = m;
	}
	best->users++;
	mutex_unlock(&mounts_lock);
	*rest = path_below(path, best->path);
	return best;
}

void vfs_put_mount(struct mount *m)
{
	mutex_lock(&mounts_lock);
	BUG_ON(!m->users);
	m->users--;
	mutex_unlock(&mounts_lock);
}

int vfs_mount(struct mount *new)
{
	char plain[VFS_PATH_MAX];
	struct mount *m;
	int err;

	if (new->path[0] != '/' || vfs_resolve(new->path, plain) ||
	    strcmp(plain, new->path))
		return -EINVAL;
	new->users = 0;
	err = 0;
	mutex_lock(&mounts_lock);
	list_for_each_entry(m, &mounts, link) {
		if (!strcmp(m->path, new->path))
			err = -EEXIST;
	}
	if (!err)
		list_add_tail(&new->link, &mounts);
	mutex_unlock(&mounts_lock);
	return err;
}

int vfs_unmount(struct mount *m)
{
	int err = 0;

	mutex_lock(&mounts_lock);
	if (m->users)
		err = -EBUSY;
	else
		list_del(&m->link);
	mutex_unlock(&mounts_lock);
	return err;
}

int vfs_for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m;
	int ret = 0;

	mutex_lock(&mounts_lock);
	list_for_each_entry(m, &mounts, link) {
		ret = fn(m, arg);
		if (ret)
			break;
	}
	mutex_unlock(&mounts_lock);
	return ret;
}

/* -- Calls that take a path -- */

/* A path taken apart: who knows it, and under which name. */
struct place {
	char path[VFS_PATH_MAX];
	struct mount *mount;
	const char *rest;
};

static int place_find(struct place *at, const char *path)
{
	int err = vfs_resolve(path, at->path);

	if (!err)
		at->mount = mount_find(at->path, &at->rest);
	return err;
}

static void place_put(struct place *at)
{
	vfs_put_mount(at->mount);
}

struct file *vfs_open(const char *path, int flags, mode_t mode)
{
	struct place at;
	struct file *f;
	int err = place_find(&at, path);

	if (err)
		return ERR_PTR(err);
	f = file_alloc(flags);
	if (!f) {
		place_put(&at);
		return ERR_PTR(-ENOMEM);
	}
	f->mount = at.mount; /* our use of it is the file's from here on */
	err = at.mount->ops->open(at.mount, at.rest, f, mode);
	if (!err && f->ops->readdir && (flags & O_ACCMODE) != O_RDONLY)
		err = -EISDIR;
	if (!err && (flags & O_DIRECTORY) && !f->ops->readdir)
		err = -ENOTDIR;
	/* No file system makes files so far: it was there before. */
	if (!err && (flags & O_CREAT) && (flags & O_EXCL))
		err = -EEXIST;
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

int vfs_stat(const char *path, struct stat *st)
{
	struct place at;
	struct file *f;
	int err = place_find(&at, path);

	if (err)
		return err;
	if (at.mount->ops->stat) {
		err = at.mount->ops->stat(at.mount, at.rest, st);
		place_put(&at);
		return err;
	}
	place_put(&at);
	f = vfs_open(path, O_RDONLY, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = file_stat(f, st);
	file_put(f);
	return err;
}

/* Nobody here can remove anything; but is it there at all? */
static int refuse_to_remove(const char *path)
{
	struct stat st;

	return vfs_stat(path, &st) ?: -EPERM;
}

static int refuse_to_make(const char *path)
{
	struct stat st;
	int err = vfs_stat(path, &st);

	if (!err)
		return -EEXIST;
	return err == -ENOENT ? -EPERM : err;
}

int vfs_mkdir(const char *path, mode_t mode)
{
	struct place at;
	int err = place_find(&at, path);

	if (err)
		return err;
	if (at.mount->ops->mkdir)
		err = at.mount->ops->mkdir(at.mount, at.rest, mode);
	else
		err = refuse_to_make(at.path);
	place_put(&at);
	return err;
}

int vfs_rmdir(const char *path)
{
	struct place at;
	int err = place_find(&at, path);

	if (err)
		return err;
	if (at.mount->ops->rmdir)
		err = at.mount->ops->rmdir(at.mount, at.rest);
	else
		err = refuse_to_remove(at.path);
	place_put(&at);
	return err;
}

int vfs_unlink(const char *path)
{
	struct place at;
	int err = place_find(&at, path);

	if (err)
		return err;
	if (at.mount->ops->unlink)
		err = at.mount->ops->unlink(at.mount, at.rest);
	else
		err = refuse_to_remove(at.path);
	place_put(&at);
	return err;
}

int vfs_rename(const char *from, const char *to)
{
	struct place old, new;
	int err = place_find(&old, from);

	if (err)
		return err;
	err = place_find(&new, to);
	if (!err) {
		if (old.mount != new.mount)
			err = -EXDEV;
		else if (!old.mount->ops->rename)
			err = refuse_to_remove(old.path);
		else
			err = old.mount->ops->rename(old.mount, old.rest,
						     new.rest);
		place_put(&new);
	}
	place_put(&old);
	return err;
}

void fs_init(void)
{
	file_init();
	files_init();
	if (dev_init() || cgroupfs_init())
		panic("/dev and /sys/fs/cgroup cannot be mounted");
	task_set_files_hook(files_release);
}
