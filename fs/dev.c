/* SPDX-License-Identifier: MIT */
/*
 * dev.c - /dev: the console, null, zero, and what drivers register.
 *
 * Nothing leaves /dev again, so an entry that was found can be used without
 * the lock.
 *
 * The console is special in that it changes hands: it starts as the polled
 * serial port, good enough for a program's last words, and becomes a terminal
 * when the driver is up.  Files opened before must follow, so its operations
 * look up the terminal at each call.
 *
 * Context: tasks.  Lock: devices_lock.
 */
#include <dirent.h>
#include <string.h>
#include <arch/early_console.h>
#include <arch/layout.h>
#include <fs/dev.h>
#include <fs/vfs.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include <lib/barrier.h>
#include <lib/err.h>
#include <lib/math.h>
#include "fs_impl.h"

static DEFINE_MUTEX(devices_lock);
static LIST_HEAD(devices);

/* -- The directory -- */

/* Under the lock. */
static struct device_file *device_find(const char *name)
{
	struct device_file *dev;

	list_for_each_entry(dev, &devices, link) {
		if (!strcmp(dev->name, name))
			return dev;
	}
	return NULL;
}

int dev_register(struct device_file *dev)
{
	int err = 0;

	mutex_lock(&devices_lock);
	if (device_find(dev->name))
		err = -EEXIST;
	else
		list_add_tail(&dev->link, &devices);
	mutex_unlock(&devices_lock);
	return err;
}

static int dev_readdir(struct file *f, struct dirent *entry, off_t *pos)
{
	struct device_file *dev;
	off_t skip = *pos;
	int found = 0;

	mutex_lock(&devices_lock);
	list_for_each_entry(dev, &devices, link) {
		if (skip--)
			continue;
		strlcpy(entry->d_name, dev->name, sizeof(entry->d_name));
		entry->d_type = DT_CHR;
		++*pos;
		found = 1;
		break;
	}
	mutex_unlock(&devices_lock);
	return found;
}

static const struct file_operations dev_dir_ops = {
	.readdir = dev_readdir,
};

static int dev_open(struct mount *m, const char *path, struct file *f,
		    mode_t mode)
{
	struct device_file *dev;

	if (!*path) {
		f->ops = &dev_dir_ops;
		return 0;
	}
	mutex_lock(&devices_lock);
	dev = device_find(path);
	mutex_unlock(&devices_lock);
	if (!dev)
		return -ENOENT;
	f->ops = dev->ops;
	f->private = dev->private;
	return 0;
}

static const struct fs_operations dev_fs_ops = {
	.open = dev_open,
};

static struct mount dev_mount = {
	.path = "/dev",
	.ops = &dev_fs_ops,
};

/* -- null and zero -- */

static ssize_t null_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, const void *buf, size_t size,
			  off_t *pos)
{
	return size;
}

/* Piece by piece: a killed task, maybe for the memory that this takes, shall
 * not have to take the rest as well. */
static ssize_t zero_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	size_t done = 0, part;

	for (; done < size && !kill_pending(); done += part) {
		part = min(size - done, (size_t)16 * PAGE_SIZE);
		memset(buf + done, 0, part);
	}
	return done || !size ? (ssize_t)done : -EINTR;
}

static const struct file_operations null_ops = {
	.read = null_read,
	.write = null_write,
	.is_stream = true,
};

static const struct file_operations zero_ops = {
	.read = zero_read,
	.write = null_write,
	.is_stream = true,
};

static struct device_file null_dev = {.name = "null", .ops = &null_ops};
static struct device_file zero_dev = {.name = "zero", .ops = &zero_ops};

/* -- console -- */

static ssize_t serial_write(struct file *f, const void *buf, size_t size,
			    off_t *pos)
{
	early_console_write(buf, size);
	return size;
}

static const struct file_operations serial_ops = {
	.read = null_read,
	.write = serial_write,
	.is_stream = true,
	.is_tty = true,
};

static const struct file_operations *tty_ops = &serial_ops;
static void *tty_private;

void console_set_tty(const struct file_operations *ops, void *private)
{
	tty_private = private;
	/* Who sees the operations sees their data: pairs with tty(). */
	smp_store_release(&tty_ops, ops);
}

/* The terminal, and @f as it shall see it. */
static const struct file_operations *tty(struct file *f)
{
	const struct file_operations *ops = smp_load_acquire(&tty_ops);

	WRITE_ONCE(f->private, tty_private);
	return ops;
}

static ssize_t console_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	return tty(f)->read(f, buf, size, pos);
}

static ssize_t console_write(struct file *f, const void *buf, size_t size,
			     off_t *pos)
{
	return tty(f)->write(f, buf, size, pos);
}

static const struct file_operations console_ops = {
	.read = console_read,
	.write = console_write,
	.is_stream = true,
	.is_tty = true,
};

static struct device_file console_dev = {
	.name = "console",
	.ops = &console_ops,
};

int dev_init(void)
{
	int err = vfs_mount(&dev_mount);

	if (!err)
		err = dev_register(&console_dev);
	if (!err)
		err = dev_register(&null_dev);
	if (!err)
		err = dev_register(&zero_dev);
	return err;
}
