/* SPDX-License-Identifier: MIT */
/*
 * print.c - what commands write with.
 *
 * Commands are kernel code and have no printf(); they write through the task's
 * descriptors all the same, so that > works for them as for programs.
 *
 * Context: tasks.
 */
#include <errno.h>
#include <fs/files.h>
#include <kernel/core/clock.h>
#include <kernel/core/sched.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/parse.h>
#include <string.h>
#include <drivers/tty.h>
#include "shell_impl.h"

static int write_all(int fd, const char *text, size_t len)
{
	struct file *f = files_get(fd);
	ssize_t nr = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	for (size_t done = 0; done < len; done += nr) {
		nr = file_write(f, text + done, len - done);
		if (nr <= 0)
			break;
	}
	file_put(f);
	return nr < 0 ? nr : 0;
}

static int print(int fd, const char *fmt, va_list ap)
{
	char text[1024];

	return write_all(fd, text, vscnprintf(text, sizeof(text), fmt, ap));
}

int sh_write(const char *text, size_t len)
{
	return write_all(1, text, len);
}

int sh_printf(const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = print(1, fmt, ap);
	va_end(ap);
	return err;
}

int sh_error(const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = print(2, fmt, ap);
	va_end(ap);
	return err;
}

int sh_usage(const char *name)
{
	const struct command *cmd = command_find(name);

	if (cmd)
		sh_error("usage: %s%s%s\n", name, *cmd->usage ? " " : "",
			 cmd->usage);
	return SH_USAGE;
}

bool sh_number(const char *name, const char *arg, unsigned long min,
	       unsigned long max, unsigned long *res)
{
	unsigned long n;

	if (!kstrtoul(arg, 0, &n) && n >= min && n <= max) {
		*res = n;
		return true;
	}
	sh_error("%s: '%.40s' is not a number from %lu to %lu\n", name, arg,
		 min, max);
	return false;
}

bool sh_interrupted(void)
{
	return kill_pending() || (shell_is_current() && tty_interrupted());
}

const char *sh_size(char buf[SH_UNIT_CHARS], u64 bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	unsigned int unit = 0;
	u64 tenths = bytes * 10;

	while (tenths >= 10240 && unit < ARRAY_SIZE(units) - 1) {
		tenths = (tenths + 512) / 1024;
		unit++;
	}
	if (unit == 0 || tenths % 10 == 0)
		format(buf, SH_UNIT_CHARS, "%llu %s", tenths / 10, units[unit]);
	else
		format(buf, SH_UNIT_CHARS, "%llu.%llu %s", tenths / 10,
		       tenths % 10, units[unit]);
	return buf;
}

const char *sh_time(char buf[SH_UNIT_CHARS], u64 ns)
{
	u64 s = ns / NSEC_PER_SEC;

	if (s < 60)
		format(buf, SH_UNIT_CHARS, "%llu.%03llu s", s,
		       ns / 1000000 % 1000);
	else if (s < 86400)
		format(buf, SH_UNIT_CHARS, "%llu:%02llu:%02llu", s / 3600,
		       s / 60 % 60, s % 60);
	else
		format(buf, SH_UNIT_CHARS, "%llu d %02llu:%02llu:%02llu",
		       s / 86400, s / 3600 % 24, s / 60 % 60, s % 60);
	return buf;
}

const char *sh_strerror(int err)
{
	/* Which newlib calls space. */
	return err == -ENOMEM ? "no memory" : strerror(-err);
}
