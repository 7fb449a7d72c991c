/* SPDX-License-Identifier: MIT */
/*
 * dev.h - /dev: files that drivers stand behind.
 */
#pragma once
#include <fs/file.h>
#include <lib/list.h>

struct device_file {
	/* Fixed by the driver. */
	const char *name; /* in /dev, no slash */
	const struct file_operations *ops;
	void *private; /* becomes the file's */

	/* dev.c's, under its lock. */
	struct list_head link;
};

/* There it stays.  -EEXIST.  Once fs_init() has run. */
int dev_register(struct device_file *dev);

/*
 * What is behind /dev/console from now on, and so behind descriptors 0, 1 and
 * 2 of every task, those open already included.  Until the first call writing
 * goes to the polled serial port, and reading finds the end.
 */
void console_set_tty(const struct file_operations *ops, void *private);

/* For fs_init(). */
int dev_init(void);
