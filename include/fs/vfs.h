/* SPDX-License-Identifier: MIT */
/*
 * vfs.h - one tree of names, made of what is mounted.
 *
 * A file system gets the part of a path below its mount point, without slashes
 * at either end ("" is its root), and finds its way from there.  There are no
 * links, and above and between the mounts only directories.
 *
 * Paths may be relative (files.h: every task has a working directory), and may
 * hold "." and "..", which are taken literally.  Tasks only; everything may
 * sleep.  Errors are negative errno values.
 */
#pragma once
#include <fs/file.h>
#include <lib/list.h>

/* With the terminating zero. */
#define VFS_PATH_MAX 256

/* A NULL one is refused with -EPERM; without stat(), open() and file_stat()
 * serve. */
struct fs_operations {
	/* Sets @f's ops and private. */
	int (*open)(struct mount *m, const char *path, struct file *f,
		    mode_t mode);
	int (*stat)(struct mount *m, const char *path, struct stat *st);
	int (*mkdir)(struct mount *m, const char *path, mode_t mode);
	int (*rmdir)(struct mount *m, const char *path);
	int (*unlink)(struct mount *m, const char *path);
	int (*rename)(struct mount *m, const char *from, const char *to);
};

struct mount {
	/* Fixed by the one who mounts. */
	const char *path; /* absolute, as "/sys/fs/cgroup" */
	const struct fs_operations *ops;
	void *private;

	/* vfs.c's, under its lock. */
	struct list_head link;
	unsigned long users;
};

/* -EEXIST, -EINVAL for a path that is not plain and absolute. */
int vfs_mount(struct mount *m);
/* -EBUSY while files are open there. */
int vfs_unmount(struct mount *m);

/* @flags are O_*; @mode matters with O_CREAT.  ERR_PTR. */
struct file *vfs_open(const char *path, int flags, mode_t mode);
int vfs_stat(const char *path, struct stat *st);
int vfs_mkdir(const char *path, mode_t mode);
int vfs_rmdir(const char *path);
int vfs_unlink(const char *path);
int vfs_rename(const char *from, const char *to);

/*
 * Makes @path absolute, and free of ".", "..", and needless slashes, in @out,
 * VFS_PATH_MAX long.  -ENOENT for an empty one, -ENAMETOOLONG.
 */
int vfs_resolve(const char *path, char *out);

/* For file.c: @m has one user less. */
void vfs_put_mount(struct mount *m);

/* By name from kernel_main(), in a task, once there are slabs. */
void fs_init(void);
