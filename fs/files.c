/* SPDX-License-Identifier: MIT */
/*
 * files.c - descriptors: small numbers for open files, task by task.
 *
 * The table is its task's alone, so it has no lock.  The two exceptions are
 * not concurrent: a parent fills the table of a child that has not started, and
 * whoever ends a task closes what it had when it no longer runs.
 *
 * Context: tasks.
 */
#include <fcntl.h>
#include <string.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <kernel/core/sched.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include "fs_impl.h"

struct files {
	struct file *open[FILES_MAX];
	char cwd[VFS_PATH_MAX];
};

static struct kmem_cache *files_cache;

void files_init(void)
{
	files_cache = kmem_cache_create("files", sizeof(struct files), 0,
					SLAB_PANIC | SLAB_ACCOUNT, NULL);
}

static struct files *files_alloc(void)
{
	return kmem_cache_zalloc(files_cache, GFP_KERNEL);
}

static void files_free(struct files *files)
{
	for (int fd = 0; fd < FILES_MAX; fd++) {
		if (files->open[fd])
			file_put(files->open[fd]);
	}
	kmem_cache_free(files_cache, files);
}

/* A task that nobody gave files to starts with the console. */
static struct files *files_create(void)
{
	struct files *files = files_alloc();
	struct file *console;

	if (!files)
		return NULL;
	strcpy(files->cwd, "/");
	console = vfs_open("/dev/console", O_RDWR, 0);
	if (IS_ERR(console)) {
		files_free(files);
		return NULL;
	}
	files->open[0] = console;
	files->open[1] = file_get(console);
	files->open[2] = file_get(console);
	return files;
}

static struct files *files_current(void)
{
	struct task *t = current;

	if (!t->files)
		t->files = files_create();
	return t->files;
}

/* The slot of @fd, open or not; NULL when there is none. */
static struct file **files_slot(int fd)
{
	struct files *files = files_current();

	if (!files || fd < 0 || fd >= FILES_MAX)
		return NULL;
	return &files->open[fd];
}

struct file *files_get(int fd)
{
	struct file **slot = files_slot(fd);

	return slot && *slot ? file_get(*slot) : ERR_PTR(-EBADF);
}

int files_install(struct file *f, int least)
{
	struct files *files = files_current();

	if (!files)
		return -ENOMEM;
	if (least < 0 || least >= FILES_MAX)
		return -EINVAL;
	for (int fd = least; fd < FILES_MAX; fd++) {
		if (!files->open[fd]) {
			files->open[fd] = f;
			return fd;
		}
	}
	return -EMFILE;
}

int files_close(int fd)
{
	struct file **slot = files_slot(fd), *f;

	if (!slot || !*slot)
		return -EBADF;
	f = *slot;
	*slot = NULL;
	file_put(f);
	return 0;
}

int files_replace(int from, int to)
{
	struct file **slot = files_slot(to);
	struct file *f = files_get(from);

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!slot) {
		file_put(f);
		return -EBADF;
	}
	if (*slot)
		file_put(*slot);
	*slot = f;
	return to;
}

const char *files_cwd(void)
{
	const struct task *t = current;

	return t->files ? t->files->cwd : "/";
}

int files_chdir(const char *path)
{
	struct files *files = files_current();
	char dir[VFS_PATH_MAX];
	struct stat st;
	int err;

	if (!files)
		return -ENOMEM;
	err = vfs_resolve(path, dir);
	if (!err)
		err = vfs_stat(dir, &st);
	if (!err && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (!err)
		strcpy(files->cwd, dir);
	return err;
}

int files_inherit(struct task *child)
{
	struct files *from = files_current(), *to;

	if (!from)
		return -ENOMEM;
	to = files_alloc();
	if (!to)
		return -ENOMEM;
	strcpy(to->cwd, from->cwd);
	for (int fd = 0; fd < FILES_MAX; fd++) {
		if (from->open[fd])
			to->open[fd] = file_get(from->open[fd]);
	}
	child->files = to;
	return 0;
}

void files_release(struct task *t)
{
	struct files *files = t->files;

	t->files = NULL;
	if (files)
		files_free(files);
}
