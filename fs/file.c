/* SPDX-License-Identifier: MIT */
/*
 * file.c - the life of an open file, and what is the same for all of them.
 *
 * Position.   Reading and writing a file with a position holds its lock, so two
 *             tasks that share one get different parts of it.  A stream has no
 *             position, and a reader that waits for input must not keep a
 *             writer out: no lock is held around those.
 * Lifetime.   A reference each for a descriptor, for kernel code that holds
 *             one, and for a call under way; the last one releases.
 *
 * Context: tasks.  Lock: f->lock, outside of whatever the operations take.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <fs/file.h>
#include <fs/vfs.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include "fs_impl.h"

static struct kmem_cache *file_cache;

void file_init(void)
{
	file_cache = kmem_cache_create("file", sizeof(struct file), 0,
				       SLAB_PANIC | SLAB_ACCOUNT, NULL);
}

struct file *file_alloc(int flags)
{
	struct file *f = kmem_cache_zalloc(file_cache, GFP_KERNEL);

	if (!f)
		return NULL;
	f->flags = flags;
	refcount_set(&f->refs, 1);
	mutex_init(&f->lock);
	return f;
}

struct file *file_get(struct file *f)
{
	refcount_inc(&f->refs);
	return f;
}

void file_put(struct file *f)
{
	if (!refcount_dec_and_test(&f->refs))
		return;
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->mount)
		vfs_put_mount(f->mount);
	mutex_destroy(&f->lock);
	kmem_cache_free(file_cache, f);
}

/* The position is the file's, or nobody's. */
static off_t *file_lock_pos(struct file *f, off_t *none)
{
	if (f->ops->is_stream)
		return none;
	mutex_lock(&f->lock);
	return &f->pos;
}

static void file_unlock_pos(struct file *f)
{
	if (!f->ops->is_stream)
		mutex_unlock(&f->lock);
}

static bool file_is_readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool file_is_writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

ssize_t file_read(struct file *f, void *buf, size_t size)
{
	off_t none = 0;
	ssize_t ret;

	if (!file_is_readable(f))
		return -EBADF;
	if (!f->ops->read)
		return f->ops->readdir ? -EISDIR : -EINVAL;
	ret = f->ops->read(f, buf, min(size, (size_t)INT_MAX),
			   file_lock_pos(f, &none));
	file_unlock_pos(f);
	return ret;
}

/* From there, and the position stays. */
ssize_t file_read_at(struct file *f, void *buf, size_t size, off_t pos)
{
	ssize_t ret;

	if (f->ops->is_stream)
		return -ESPIPE;
	if (pos < 0)
		return -EINVAL;
	if (!file_is_readable(f))
		return -EBADF;
	if (!f->ops->read)
		return f->ops->readdir ? -EISDIR : -EINVAL;
	mutex_lock(&f->lock);
	ret = f->ops->read(f, buf, min(size, (size_t)INT_MAX), &pos);
	mutex_unlock(&f->lock);
	return ret;
}

ssize_t file_write(struct file *f, const void *buf, size_t size)
{
	off_t none = 0, *pos;
	struct stat st;
	ssize_t ret;

	if (!file_is_writable(f))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	pos = file_lock_pos(f, &none);
	if ((f->flags & O_APPEND) && !file_stat(f, &st))
		*pos = st.st_size;
	ret = f->ops->write(f, buf, min(size, (size_t)INT_MAX), pos);
	file_unlock_pos(f);
	return ret;
}

int file_readdir(struct file *f, struct dirent *entry)
{
	int ret;

	if (!f->ops->readdir)
		return -ENOTDIR;
	memset(entry, 0, sizeof(*entry));
	mutex_lock(&f->lock);
	ret = f->ops->readdir(f, entry, &f->pos);
	mutex_unlock(&f->lock);
	return ret;
}

off_t file_seek(struct file *f, off_t offset, int whence)
{
	struct stat st;
	off_t base;
	int err;

	if (f->ops->is_stream)
		return -ESPIPE;
	mutex_lock(&f->lock);
	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = f->pos;
		break;
	case SEEK_END:
		err = file_stat(f, &st);
		base = err ? err : st.st_size;
		break;
	default:
		base = -EINVAL;
	}
	if (base >= 0 && (check_add_overflow(base, offset, &base) || base < 0))
		base = -EINVAL;
	if (base >= 0)
		f->pos = base;
	mutex_unlock(&f->lock);
	return base;
}

int file_stat(struct file *f, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	st->st_blksize = 512;
	if (f->ops->readdir)
		st->st_mode = S_IFDIR | 0555;
	else if (f->ops->is_stream)
		st->st_mode = S_IFCHR;
	else
		st->st_mode = S_IFREG;
	if (f->ops->read)
		st->st_mode |= 0444;
	if (f->ops->write)
		st->st_mode |= 0222;
	return f->ops->stat ? f->ops->stat(f, st) : 0;
}
