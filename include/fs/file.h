/* SPDX-License-Identifier: MIT */
/*
 * file.h - open files.
 *
 * A struct file is one opening of something: it has the position, and whoever
 * opened it decides what reading and writing mean.  Descriptors (files.h) and
 * kernel code refer to it by reference.
 *
 * Tasks only; everything may sleep.  Errors are negative errno values.
 */
#pragma once
#include <sys/stat.h>
#include <sys/types.h>
#include <kernel/core/mutex.h>
#include <lib/refcount.h>

struct dirent;
struct file;
struct mount;
struct wait_queue_head;

struct file_operations {
	/*
	 * Bytes moved, 0 at the end.  They advance *@pos themselves.  A call
	 * that waits gives -EINTR when the task is killed.  Without one the
	 * file cannot be read (written): -EINVAL.
	 */
	ssize_t (*read)(struct file *f, void *buf, size_t size, off_t *pos);
	ssize_t (*write)(struct file *f, const void *buf, size_t size,
			 off_t *pos);

	/* Directories: fill in the entry number *@pos.  1, or 0 at the end. */
	int (*readdir)(struct file *f, struct dirent *entry, off_t *pos);

	/* On top of what file_stat() fills in: type, access, size. */
	int (*stat)(struct file *f, struct stat *st);

	/* Answers to <sys/poll.h>, without sleeping; and the queue that is woken
	 * when they change.  Both, or neither: always ready. */
	short (*poll)(struct file *f);
	struct wait_queue_head *(*poll_queue)(struct file *f);

	/* The last reference is gone. */
	void (*release)(struct file *f);

	/* No position: calls are not serialised, and lseek() is refused. */
	bool is_stream;
	/* People sit at the other end. */
	bool is_tty;
};

struct file {
	/* Fixed at open. */
	const struct file_operations *ops;
	struct mount *mount; /* kept mounted by us */
	int flags;	     /* O_* */
	void *private;	     /* ops' own */

	/* Any CPU, atomically. */
	refcount_t refs;

	/* Under lock, unless it is a stream. */
	struct mutex lock;
	off_t pos;
};

struct file *file_get(struct file *f);
void file_put(struct file *f);

/* -EBADF unless opened for that. */
ssize_t file_read(struct file *f, void *buf, size_t size);
ssize_t file_write(struct file *f, const void *buf, size_t size);

/* From @pos on, leaving the file's own where it is; -ESPIPE for streams. */
ssize_t file_read_at(struct file *f, void *buf, size_t size, off_t pos);

/* 1 and an entry, or 0 at the end; -ENOTDIR for what is no directory. */
int file_readdir(struct file *f, struct dirent *entry);

/* The new position; -ESPIPE for streams, -EINVAL before the beginning. */
off_t file_seek(struct file *f, off_t offset, int whence);
int file_stat(struct file *f, struct stat *st);

/* For vfs.c: a file that nothing is known of yet, or NULL. */
struct file *file_alloc(int flags);
