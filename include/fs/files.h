/* SPDX-License-Identifier: MIT */
/*
 * files.h - what a task has open, by number.
 *
 * A task's table is made when first looked at, with the console as 0, 1 and 2,
 * unless it was given one.  Only the task itself uses it.  Tasks only; errors
 * are negative errno values.
 */
#pragma once
#include <fs/file.h>

struct task;

#define FILES_MAX 32

/* The file behind @fd, with a reference, or ERR_PTR(-EBADF). */
struct file *files_get(int fd);

/* The lowest free descriptor from @least on, now for @f, whose reference goes
 * with it.  -EMFILE, and then the reference stays with the caller. */
int files_install(struct file *f, int least);

/* What dup2() does: closes @to and makes it a copy of @from. */
int files_replace(int from, int to);
int files_close(int fd);

/* The current task's working directory, absolute. */
const char *files_cwd(void);
int files_chdir(const char *path);

/*
 * Give @child, which has not started, the current task's open files and
 * working directory.  -ENOMEM.
 */
int files_inherit(struct task *child);

/* Close what @t, which ends or never started, has open. */
void files_release(struct task *t);
