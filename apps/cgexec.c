/* SPDX-License-Identifier: MIT */
/*
 * cgexec.c - run a program in another group.
 *
 * The task moves itself, as any task may, and then becomes the program: all that
 * the program allocates is its group's.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <kernel/task/task.h>
#include <apps/app.h>
#include "arguments.h"

#define ROOT "/sys/fs/cgroup"

/* @group is a path below the root of groups, or the whole path. */
static int move_to(const char *group)
{
	char path[300], pid[16];
	int is_whole = !strncmp(group, ROOT, strlen(ROOT));
	int fd, len, failed;

	len = snprintf(path, sizeof(path), "%s/%s/cgroup.procs",
		       is_whole ? "" : ROOT, group);
	if (len >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	len = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	failed = write(fd, pid, len) != len;
	close(fd);
	return failed ? -1 : 0;
}

APP(cgexec, "run a program in a group: cgexec GROUP PROGRAM [ARGUMENT...]")
{
	const struct app *app;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		printf("usage: cgexec GROUP PROGRAM [ARGUMENT...]\n"
		       "  GROUP is a directory below " ROOT "\n");
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: cgexec GROUP PROGRAM [ARGUMENT...]\n");
		return EXIT_USAGE;
	}
	app = app_find(argv[2]);
	if (!app) {
		fprintf(stderr, "cgexec: there is no program %s\n", argv[2]);
		return 127;
	}
	if (move_to(argv[1])) {
		fprintf(stderr, "cgexec: %s: %s\n", argv[1], strerror(errno));
		return 126;
	}
	task_set_comm(current, app->name);
	return app->main(argc - 2, argv + 2);
}
