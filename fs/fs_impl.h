/* SPDX-License-Identifier: MIT */
/* fs_impl.h - what the files of fs/ share. */
#pragma once

/* For fs_init(): the caches of struct file and of descriptor tables. */
void file_init(void);
void files_init(void);

/* Mounts the groups (cgroupfs.c). */
int cgroupfs_init(void);

/* The directories above and between the mounts (root.c). */
extern struct mount root_mount;

/* Calls @fn for every mount, under the mount lock, until it returns nonzero,
 * and returns that. */
struct mount;
int vfs_for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg);
