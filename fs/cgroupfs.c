/* SPDX-License-Identifier: MIT */
/*
 * cgroupfs.c - the groups as directories, at /sys/fs/cgroup.
 *
 * kernel/cgroup knows the tree, the files and what they say; this joins it to
 * paths and positions.  There are no inodes: a path is looked up in the tree of
 * groups each time, and a control file is what an opening of it makes it.
 *
 * Reading.    The text is made when reading begins, at position 0, and the rest
 *             is read from that same text, so it is of one moment.
 * Writing.    Each write() is a whole request: there is no position in it.
 * Waiting.    poll() for POLLPRI ends when the text would be another one than
 *             was read.
 * Listing.    First the files, then the groups in order of creation.  A listing
 *             under way holds a reference to the group it gave last, so it
 *             need not count its way back there.
 *
 * Context: tasks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/poll.h>
#include <fs/vfs.h>
#include <kernel/cgroup/cgroup.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include "fs_impl.h"

/* -- Files -- */

static ssize_t cgroupfs_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	struct cgroup_file *file = f->private;
	const char *text;
	size_t len;
	int err = 0;

	if (*pos == 0 || !file->text.text)
		err = cgroup_file_read(file);
	else if (css_is_dying(file->css))
		err = -ENODEV;
	if (err)
		return err;
	text = seq_text_string(&file->text);
	len = *pos < file->text.len ? file->text.len - *pos : 0;
	len = min(len, size);
	memcpy(buf, text + *pos, len);
	*pos += len;
	return len;
}

static ssize_t cgroupfs_write(struct file *f, const void *buf, size_t size,
			      off_t *pos)
{
	int err = cgroup_file_write(f->private, buf, size);

	return err ? err : (ssize_t)size;
}

static int cgroupfs_stat(struct file *f, struct stat *st)
{
	const struct cftype *type = ((struct cgroup_file *)f->private)->type;

	st->st_mode = S_IFREG;
	if (type->show || type->show_file)
		st->st_mode |= 0444;
	if (type->write)
		st->st_mode |= 0200;
	return 0;
}

static short cgroupfs_poll(struct file *f)
{
	struct cgroup_file *file = f->private;
	short answer = POLLIN | POLLOUT;

	if (file->type->event && cgroup_file_has_changed(file))
		answer |= POLLPRI | POLLERR;
	if (css_is_dying(file->css))
		answer |= POLLHUP;
	return answer;
}

static struct wait_queue_head *cgroupfs_poll_queue(struct file *f)
{
	return cgroup_file_queue(f->private);
}

static void cgroupfs_release(struct file *f)
{
	if (f->private)
		cgroup_file_close(f->private);
}

static const struct file_operations file_ops = {
	.read = cgroupfs_read,
	.write = cgroupfs_write,
	.stat = cgroupfs_stat,
	.poll = cgroupfs_poll,
	.poll_queue = cgroupfs_poll_queue,
	.release = cgroupfs_release,
};

/* -- Directories -- */

/* A directory that is open: how far its listing has come. */
struct listing {
	struct cgroup *cgrp;		  /* referenced */
	struct cgroup_subsys_state *last; /* referenced; NULL: at the files */
	unsigned int nr_files;		  /* seen so far */
	off_t pos;			  /* where this is */
};

static void listing_rewind(struct listing *l)
{
	if (l->last)
		css_put(l->last);
	l->last = NULL;
	l->nr_files = 0;
	l->pos = 0;
}

static bool list_file(struct listing *l, struct dirent *entry)
{
	const struct cftype *type = cgroup_nth_file(l->cgrp, l->nr_files);

	if (!type)
		return false;
	l->nr_files++;
	strlcpy(entry->d_name, type->name, sizeof(entry->d_name));
	entry->d_type = DT_REG;
	return true;
}

/* The next group that is not being removed, with a reference. */
static struct cgroup_subsys_state *next_group(struct listing *l)
{
	struct cgroup_subsys_state *css = l->last;

	rcu_read_lock();
	do
		css = css_next_child(css, &l->cgrp->self);
	while (css && !css_tryget_online(css));
	rcu_read_unlock();
	return css;
}

static bool list_group(struct listing *l, struct dirent *entry)
{
	struct cgroup_subsys_state *css = next_group(l);

	if (!css)
		return false;
	if (l->last)
		css_put(l->last);
	l->last = css;
	strlcpy(entry->d_name, css->cgroup->name, sizeof(entry->d_name));
	entry->d_type = DT_DIR;
	return true;
}

static bool list_next(struct listing *l, struct dirent *entry)
{
	bool found = (!l->last && list_file(l, entry)) || list_group(l, entry);

	l->pos += found;
	return found;
}

static int cgroupfs_readdir(struct file *f, struct dirent *entry, off_t *pos)
{
	struct listing *l = f->private;

	if (cgroup_is_dead(l->cgrp))
		return 0;
	if (*pos < l->pos)
		listing_rewind(l);
	/* Somebody has moved ahead. */
	while (l->pos < *pos)
		if (!list_next(l, entry))
			return 0;
	if (!list_next(l, entry))
		return 0;
	*pos = l->pos;
	return 1;
}

static void cgroupfs_closedir(struct file *f)
{
	struct listing *l = f->private;

	if (!l)
		return;
	listing_rewind(l);
	cgroup_put(l->cgrp);
	kfree(l);
}

static int cgroupfs_stat_dir(struct file *f, struct stat *st)
{
	st->st_mode = S_IFDIR | 0755;
	return 0;
}

static const struct file_operations dir_ops = {
	.readdir = cgroupfs_readdir,
	.stat = cgroupfs_stat_dir,
	.release = cgroupfs_closedir,
};

/* -- Paths -- */

/* Takes over the reference to @cgrp. */
static int open_dir(struct cgroup *cgrp, struct file *f)
{
	struct listing *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l) {
		cgroup_put(cgrp);
		return -ENOMEM;
	}
	l->cgrp = cgrp;
	f->private = l;
	f->ops = &dir_ops;
	return 0;
}

/* The group that @path's last component would be a file of, with a reference,
 * and that component. */
static struct cgroup *find_dir(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[VFS_PATH_MAX];
	size_t len = slash ? slash - path : 0;

	memcpy(dir, path, len);
	dir[len] = '\0';
	*name = slash ? slash + 1 : path;
	return cgroup_find(dir);
}

static struct cgroup_file *open_file(const char *path)
{
	struct cgroup_file *file;
	struct cgroup *cgrp;
	const char *name;

	cgrp = find_dir(path, &name);
	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	file = cgroup_file_open(cgrp, name);
	cgroup_put(cgrp);
	return file;
}

static int cgroupfs_open(struct mount *m, const char *path, struct file *f,
			 mode_t mode)
{
	struct cgroup *cgrp = cgroup_find(path);
	struct cgroup_file *file;

	if (!IS_ERR(cgrp))
		return open_dir(cgrp, f);
	file = open_file(path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	f->private = file;
	f->ops = &file_ops;
	return 0;
}

static int cgroupfs_mkdir(struct mount *m, const char *path, mode_t mode)
{
	struct cgroup *cgrp = cgroup_mkdir(path);

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	cgroup_put(cgrp);
	return 0;
}

static bool is_file(const char *path)
{
	struct cgroup_file *file = open_file(path);

	if (IS_ERR(file))
		return false;
	cgroup_file_close(file);
	return true;
}

static int cgroupfs_rmdir(struct mount *m, const char *path)
{
	int err = cgroup_rmdir(path);

	return err == -ENOENT && is_file(path) ? -ENOTDIR : err;
}

static const struct fs_operations cgroupfs_ops = {
	.open = cgroupfs_open,
	.mkdir = cgroupfs_mkdir,
	.rmdir = cgroupfs_rmdir,
};

static struct mount cgroupfs_mount = {
	.path = "/sys/fs/cgroup",
	.ops = &cgroupfs_ops,
};

int cgroupfs_init(void)
{
	return vfs_mount(&cgroupfs_mount);
}
