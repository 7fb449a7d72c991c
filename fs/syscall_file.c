/* SPDX-License-Identifier: MIT */
/*
 * syscall_file.c - newlib's system calls about files.
 *
 * newlib's own code calls the _r forms, which name the reent whose errno to
 * set; programs call the plain ones.
 *
 * Context: tasks.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <lib/math.h>
#include "syscall_impl.h"

/* -- With a descriptor -- */

/* What @call returns, where it may use the file @f that @fd stands for. */
#define WITH_FILE(r, fd, f, call)                                              \
	({                                                                     \
		struct file *f;                                                \
		long ret_;                                                     \
                                                                               \
		syscall_enter();                                               \
		f = files_get(fd);                                             \
		ret_ = IS_ERR(f) ? PTR_ERR(f) : (call);                        \
		if (!IS_ERR(f))                                                \
			file_put(f);                                           \
		syscall_return(r, ret_);                                       \
	})

/* What @call returns, where the caller may have @size bytes at @p written (read)
 * for it. */
#define INTO(p, size, call)   (syscall_may_write(p, size) ?: (call))
#define OUT_OF(p, size, call) (syscall_may_read(p, size) ?: (call))

_ssize_t _read_r(struct _reent *r, int fd, void *buf, size_t size)
{
	size = min(size, (size_t)INT_MAX);
	return WITH_FILE(r, fd, f, INTO(buf, size, file_read(f, buf, size)));
}

_ssize_t _write_r(struct _reent *r, int fd, const void *buf, size_t size)
{
	size = min(size, (size_t)INT_MAX);
	return WITH_FILE(r, fd, f, OUT_OF(buf, size, file_write(f, buf, size)));
}

_off_t _lseek_r(struct _reent *r, int fd, _off_t offset, int whence)
{
	return WITH_FILE(r, fd, f, file_seek(f, offset, whence));
}

int _fstat_r(struct _reent *r, int fd, struct stat *st)
{
	return WITH_FILE(r, fd, f, INTO(st, sizeof(*st), file_stat(f, st)));
}

int _isatty_r(struct _reent *r, int fd)
{
	return !WITH_FILE(r, fd, f, f->ops->is_tty ? 0 : -ENOTTY);
}

int _close_r(struct _reent *r, int fd)
{
	syscall_enter();
	return syscall_return(r, files_close(fd));
}

/* newlib asks for these when a stream is made of a descriptor. */
static long control(struct file *f, int command, int arg)
{
	switch (command) {
	case F_GETFL:
		return READ_ONCE(f->flags);
	case F_SETFL:
		WRITE_ONCE(f->flags, (f->flags & ~O_APPEND) | (arg & O_APPEND));
		return 0;
	case F_GETFD:
		return 0;
	case F_SETFD: /* there is no exec() to close it */
		return arg & ~FD_CLOEXEC ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int duplicate(int fd, int least)
{
	struct file *f = files_get(fd);
	int copy;

	if (IS_ERR(f))
		return PTR_ERR(f);
	copy = files_install(f, least);
	if (copy < 0)
		file_put(f);
	return copy;
}

int _fcntl_r(struct _reent *r, int fd, int command, int arg)
{
	if (command != F_DUPFD)
		return WITH_FILE(r, fd, f, control(f, command, arg));
	syscall_enter();
	return syscall_return(r, duplicate(fd, arg));
}

/* -- With a path -- */

/* What @call returns, where the caller may name @path. */
#define WITH_PATH(r, path, call)                                               \
	({                                                                     \
		syscall_enter();                                               \
		syscall_return(r, syscall_may_read_path(path) ?: (call));      \
	})

static int open_path(const char *path, int flags, int mode)
{
	struct file *f = vfs_open(path, flags, mode);
	int fd;

	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = files_install(f, 0);
	if (fd < 0)
		file_put(f);
	return fd;
}

int _open_r(struct _reent *r, const char *path, int flags, int mode)
{
	return WITH_PATH(r, path, open_path(path, flags, mode));
}

int _stat_r(struct _reent *r, const char *path, struct stat *st)
{
	return WITH_PATH(r, path, INTO(st, sizeof(*st), vfs_stat(path, st)));
}

int _mkdir_r(struct _reent *r, const char *path, int mode)
{
	return WITH_PATH(r, path, vfs_mkdir(path, mode));
}

int _unlink_r(struct _reent *r, const char *path)
{
	return WITH_PATH(r, path, vfs_unlink(path));
}

int _rename_r(struct _reent *r, const char *from, const char *to)
{
	return WITH_PATH(r, from,
			 syscall_may_read_path(to) ?: vfs_rename(from, to));
}

/* There are no links. */
int _link_r(struct _reent *r, const char *from, const char *to)
{
	syscall_enter();
	return syscall_return(r, -EPERM);
}

/* -- The plain names -- */

int open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	return _open_r(_REENT, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
	va_list ap;
	int arg;

	va_start(ap, command);
	arg = command == F_DUPFD || command == F_SETFD || command == F_SETFL
		      ? va_arg(ap, int)
		      : 0;
	va_end(ap);
	return _fcntl_r(_REENT, fd, command, arg);
}

int close(int fd)
{
	return _close_r(_REENT, fd);
}

_READ_WRITE_RETURN_TYPE read(int fd, void *buf, size_t size)
{
	return _read_r(_REENT, fd, buf, size);
}

_READ_WRITE_RETURN_TYPE write(int fd, const void *buf, size_t size)
{
	return _write_r(_REENT, fd, buf, size);
}

ssize_t pread(int fd, void *buf, size_t size, off_t pos)
{
	size = min(size, (size_t)INT_MAX);
	return WITH_FILE(_REENT, fd, f,
			 INTO(buf, size, file_read_at(f, buf, size, pos)));
}

off_t lseek(int fd, off_t offset, int whence)
{
	return _lseek_r(_REENT, fd, offset, whence);
}

int fstat(int fd, struct stat *st)
{
	return _fstat_r(_REENT, fd, st);
}

int isatty(int fd)
{
	return _isatty_r(_REENT, fd);
}

int dup(int fd)
{
	syscall_enter();
	return syscall_return(_REENT, duplicate(fd, 0));
}

int dup2(int from, int to)
{
	syscall_enter();
	return syscall_return(_REENT, files_replace(from, to));
}

int stat(const char *path, struct stat *st)
{
	return _stat_r(_REENT, path, st);
}

/* Nobody is refused anything: what exists is accessible. */
int access(const char *path, int mode)
{
	struct stat st;

	return _stat_r(_REENT, path, &st);
}

int mkdir(const char *path, mode_t mode)
{
	return _mkdir_r(_REENT, path, mode);
}

int rmdir(const char *path)
{
	return WITH_PATH(_REENT, path, vfs_rmdir(path));
}

int unlink(const char *path)
{
	return _unlink_r(_REENT, path);
}

int link(const char *from, const char *to)
{
	return _link_r(_REENT, from, to);
}

int chdir(const char *path)
{
	return WITH_PATH(_REENT, path, files_chdir(path));
}

char *getcwd(char *buf, size_t size)
{
	const char *cwd = files_cwd();
	size_t needed = strlen(cwd) + 1;
	long err = 0;

	syscall_enter();
	if (!size)
		err = -EINVAL;
	else if (size < needed)
		err = -ERANGE;
	else
		err = syscall_may_write(buf, needed);
	if (!err)
		strcpy(buf, cwd);
	return syscall_return(_REENT, err) ? NULL : buf;
}
