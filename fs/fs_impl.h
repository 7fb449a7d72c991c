/* SPDX-License-Identifier: MIT */
/* fs_impl.h - what the files of fs/ share. */
#pragma once
#include <kernel/task/heap.h>

/* Where struct file and descriptor tables come from. */
extern struct heap *fs_heap;

/* The directories above and between the mounts (root.c). */
extern struct mount root_mount;

/* Calls @fn for every mount, under the mount lock, until it returns nonzero,
 * and returns that. */
struct mount;
int vfs_for_each_mount(int (*fn)(struct mount *m, void *arg), void *arg);
