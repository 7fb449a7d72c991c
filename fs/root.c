/* SPDX-License-Identifier: MIT */
/*
 * root.c - the directories above and between the mounts.
 *
 * With /dev and /sys/fs/cgroup mounted, "/", "/sys" and "/sys/fs" are
 * directories too, though nobody made them: whatever is a beginning of some
 * mount's path.  They list the next components of those paths.
 *
 * Context: tasks.
 */
#include <dirent.h>
#include <string.h>
#include <fs/vfs.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include "fs_impl.h"

/* A question about all mounts: what comes next below @dir? */
struct listing {
	const char *dir; /* without slashes at its ends; "" is / */
	off_t skip;	 /* names still to pass over */
	char (*seen)[MAXNAMLEN + 1];
	size_t nr_seen;
	struct dirent *found;
};

/* More names in one directory than this are not shown. */
#define LISTING_MAX 32

/* The component of @m's path that follows @dir, and its length; or NULL. */
static const char *next_component(struct mount *m, const char *dir,
				  size_t *size)
{
	size_t len = strlen(dir);
	const char *path = m->path + 1;

	if (strncmp(path, dir, len))
		return NULL;
	path += len;
	if (len && *path++ != '/')
		return NULL;
	*size = strcspn(path, "/");
	return *size ? path : NULL;
}

static int is_above(struct mount *m, void *arg)
{
	size_t size;

	return next_component(m, arg, &size) != NULL;
}

static bool listing_knows(struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->nr_seen; i++) {
		if (!strcmp(l->seen[i], name))
			return true;
	}
	return false;
}

/* Several mounts may share a component: it counts once. */
static int listing_visit(struct mount *m, void *arg)
{
	struct listing *l = arg;
	char name[MAXNAMLEN + 1];
	const char *next;
	size_t size;

	next = next_component(m, l->dir, &size);
	if (!next || size > MAXNAMLEN)
		return 0;
	memcpy(name, next, size);
	name[size] = '\0';
	if (listing_knows(l, name) || l->nr_seen == LISTING_MAX)
		return 0;
	strcpy(l->seen[l->nr_seen++], name);
	if (l->skip--)
		return 0;
	strcpy(l->found->d_name, name);
	l->found->d_type = DT_DIR;
	return 1;
}

static int root_readdir(struct file *f, struct dirent *entry, off_t *pos)
{
	char seen[LISTING_MAX][MAXNAMLEN + 1];
	struct listing l = {
		.dir = f->private,
		.skip = *pos,
		.seen = seen,
		.found = entry,
	};

	if (!vfs_for_each_mount(listing_visit, &l))
		return 0;
	++*pos;
	return 1;
}

static void root_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_operations root_dir_ops = {
	.readdir = root_readdir,
	.release = root_release,
};

static int root_open(struct mount *m, const char *path, struct file *f,
		     mode_t mode)
{
	char *dir;

	if (*path && !vfs_for_each_mount(is_above, (void *)path))
		return -ENOENT;
	dir = kmalloc(strlen(path) + 1, GFP_KERNEL_ACCOUNT);
	if (!dir)
		return -ENOMEM;
	f->private = strcpy(dir, path);
	f->ops = &root_dir_ops;
	return 0;
}

static const struct fs_operations root_ops = {
	.open = root_open,
};

struct mount root_mount = {
	.path = "/",
	.ops = &root_ops,
};
