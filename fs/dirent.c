/* SPDX-License-Identifier: MIT */
/*
 * dirent.c - opendir() and its kin.
 *
 * A DIR is a descriptor and the entry that was read last, in the caller's heap.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <reent.h>
#include <stdlib.h>
#include <unistd.h>
#include <fs/files.h>
#include <lib/err.h>
#include "syscall_impl.h"

struct dir {
	int fd;
	struct dirent entry;
};

DIR *fdopendir(int fd)
{
	struct stat st;
	DIR *dir;

	if (fstat(fd, &st))
		return NULL;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return NULL;
	}
	dir = malloc(sizeof(*dir));
	if (dir)
		dir->fd = fd;
	return dir;
}

DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* NULL at the end, with errno as it was, and on errors. */
struct dirent *readdir(DIR *dir)
{
	struct file *f;
	int ret;

	syscall_enter();
	f = files_get(dir->fd);
	if (IS_ERR(f)) {
		syscall_leave();
		errno = EBADF;
		return NULL;
	}
	ret = file_readdir(f, &dir->entry);
	file_put(f);
	syscall_leave();
	if (ret < 0)
		errno = -ret;
	return ret > 0 ? &dir->entry : NULL;
}

void rewinddir(DIR *dir)
{
	lseek(dir->fd, 0, SEEK_SET);
}

int dirfd(DIR *dir)
{
	return dir->fd;
}

int closedir(DIR *dir)
{
	int ret = close(dir->fd);

	free(dir);
	return ret;
}
