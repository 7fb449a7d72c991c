/* SPDX-License-Identifier: MIT */
/* cgroupfs_test.c - the groups through the eyes of a program. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <unistd.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/cgroup/mock_test.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <tests/test.h>

#define ROOT "/sys/fs/cgroup"

/* Every test is a program: what it has of newlib ends with it. */
static void run(int (*program)(void *arg))
{
	struct task *t = task_run(program, NULL, "program");

	ASSERT(t);
	EXPECT_EQ(task_join(t), 0);
}

/* 0 or errno. */
static int try_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static const char *try_read(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY);
	ssize_t len;

	if (fd < 0)
		return strerror(errno);
	len = read(fd, text, sizeof(text) - 1);
	if (len < 0)
		strcpy(text, strerror(errno));
	else
		text[len] = '\0';
	close(fd);
	return text;
}

#define EXPECT_ERRNO(call, code)                                               \
	do {                                                                   \
		errno = 0;                                                     \
		EXPECT_EQ(call, -1);                                           \
		EXPECT_EQ(errno, code);                                        \
	} while (0)

/* -- Directories ------------------------------------------------------------------ */

static int directories(void *unused)
{
	struct stat st;

	EXPECT_EQ(mkdir(ROOT "/a", 0755), 0);
	EXPECT_EQ(stat(ROOT "/a", &st), 0);
	EXPECT(S_ISDIR(st.st_mode));
	EXPECT_EQ(chdir(ROOT "/a"), 0);
	EXPECT_EQ(mkdir("b", 0755), 0);
	EXPECT_EQ(stat("../a/b/cgroup.procs", &st), 0);
	EXPECT(S_ISREG(st.st_mode));
	EXPECT_EQ(st.st_mode & 0777, 0644);
	EXPECT_EQ(stat("cgroup.stat", &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0444);
	EXPECT_EQ(stat("cgroup.kill", &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0200);

	EXPECT_ERRNO(mkdir("b", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("cgroup.procs", 0755), EEXIST);
	EXPECT_ERRNO(mkdir("x/y", 0755), ENOENT);
	EXPECT_ERRNO(mkdir(ROOT, 0755), EEXIST);
	EXPECT_ERRNO(rmdir(ROOT "/a"), EBUSY);
	EXPECT_ERRNO(rmdir(ROOT), EBUSY);
	EXPECT_ERRNO(rmdir("x"), ENOENT);
	EXPECT_ERRNO(rmdir("cgroup.procs"), ENOTDIR);
	EXPECT_ERRNO(unlink("cgroup.procs"), EPERM);
	EXPECT_ERRNO(rename("b", "c"), EPERM);
	EXPECT_ERRNO(stat("cgroup.nonsense", &st), ENOENT);
	EXPECT_ERRNO(stat("cgroup.procs/x", &st), ENOENT);
	EXPECT_ERRNO(stat(ROOT "/cgroup.kill", &st), ENOENT);
	EXPECT_ERRNO(open("new", O_WRONLY | O_CREAT, 0644), ENOENT);
	EXPECT_ERRNO(open("b", O_WRONLY), EISDIR);
	EXPECT_EQ(rmdir("b"), 0);
	EXPECT_EQ(rmdir(ROOT "/a"), 0);
	EXPECT_ERRNO(mkdir("b", 0755), ENOENT);
	return 0;
}

TEST(cgroupfs, groups_are_directories)
{
	run(directories);
}

/* The names in @path, from the first child group on if @groups. */
static void list(const char *path, char *out, bool groups)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	out[0] = '\0';
	EXPECT(dir);
	while (dir && (entry = readdir(dir))) {
		EXPECT_EQ(entry->d_type,
			  strchr(entry->d_name, '.') ? DT_REG : DT_DIR);
		if (groups != (entry->d_type == DT_DIR))
			continue;
		strcat(out, entry->d_name);
		strcat(out, " ");
	}
	closedir(dir);
}

static int listing(void *unused)
{
	char text[1024];

	EXPECT_EQ(mkdir(ROOT "/l", 0755), 0);
	list(ROOT "/l", text, false);
	EXPECT_STREQ(text, "cgroup.controllers cgroup.events cgroup.kill "
			   "cgroup.max.depth cgroup.max.descendants "
			   "cgroup.procs cgroup.stat cgroup.subtree_control ");
	EXPECT_EQ(mkdir(ROOT "/l/z", 0755), 0);
	EXPECT_EQ(mkdir(ROOT "/l/a", 0755), 0);
	EXPECT_EQ(mkdir(ROOT "/l/m", 0755), 0);
	list(ROOT "/l", text, true);
	EXPECT_STREQ(text, "z a m ");
	EXPECT_EQ(rmdir(ROOT "/l/a"), 0);
	list(ROOT "/l", text, true);
	EXPECT_STREQ(text, "z m ");
	EXPECT_EQ(rmdir(ROOT "/l/z"), 0);
	EXPECT_EQ(rmdir(ROOT "/l/m"), 0);
	EXPECT_EQ(rmdir(ROOT "/l"), 0);
	return 0;
}

TEST(cgroupfs, a_directory_lists_files_then_groups_in_order)
{
	run(listing);
}

/* Each group is removed when it has been listed. */
static int remove_as_listed(void *unused)
{
	char path[64];
	struct dirent *entry;
	int nr = 0;
	DIR *dir;

	EXPECT_EQ(mkdir(ROOT "/l", 0755), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), ROOT "/l/%d", i);
		EXPECT_EQ(mkdir(path, 0755), 0);
	}
	dir = opendir(ROOT "/l");
	EXPECT(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR)
			continue;
		EXPECT_EQ(atoi(entry->d_name), nr++);
		snprintf(path, sizeof(path), ROOT "/l/%s", entry->d_name);
		EXPECT_EQ(rmdir(path), 0);
	}
	EXPECT_EQ(nr, 20);
	rewinddir(dir);
	for (nr = 0; readdir(dir); nr++)
		;
	EXPECT_EQ(nr, 8);
	EXPECT_EQ(rmdir(ROOT "/l"), 0);
	rewinddir(dir);
	EXPECT_EQ(readdir(dir), NULL);
	closedir(dir);
	return 0;
}

TEST(cgroupfs, what_is_listed_may_be_removed_meanwhile)
{
	run(remove_as_listed);
}

/* -- Reading -------------------------------------------------------------------------- */

/* The text was made when reading began, whatever has changed since. */
static int read_in_pieces(void *unused)
{
	static char text[200000];
	size_t len = 0;
	ssize_t n;
	int fd;

	EXPECT_EQ(try_write(ROOT "/mock.value", "1\n"), 0);
	fd = open(ROOT "/mock.long", O_RDONLY);
	EXPECT_GE(fd, 0);
	while ((n = read(fd, text + len, 777)) > 0) {
		if (!len)
			EXPECT_EQ(try_write(ROOT "/mock.value", "2\n"), 0);
		len += n;
	}
	EXPECT_EQ(n, 0);
	text[len] = '\0';
	EXPECT_GT(len, 50000);
	EXPECT_EQ(strncmp(text, "line 0 of 1\nline 1 of 1\n", 24), 0);
	EXPECT(strstr(text, "line 4999 of 1\n"));
	EXPECT(!strstr(text, "of 2"));

	/* From the beginning: a new text. */
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQ(read(fd, text, 12), 12);
	EXPECT_EQ(strncmp(text, "line 0 of 2\n", 12), 0);
	EXPECT_EQ(lseek(fd, 10, SEEK_SET), 10);
	EXPECT_EQ(read(fd, text, 2), 2);
	EXPECT_EQ(strncmp(text, "2\n", 2), 0);
	EXPECT_EQ(lseek(fd, 1000000, SEEK_SET), 1000000);
	EXPECT_EQ(read(fd, text, 2), 0);
	close(fd);
	return 0;
}

TEST(cgroupfs, a_text_is_made_once_and_read_in_pieces)
{
	mock_begin();
	run(read_in_pieces);
	mock_end();
}

static int read_with_stdio(void *unused)
{
	FILE *f = fopen(ROOT "/cgroup.controllers", "r");
	char a[32], b[32];

	EXPECT(f);
	EXPECT_EQ(fscanf(f, "%31s %31s", a, b) >= 2, true);
	fclose(f);
	f = fopen(ROOT "/cgroup.subtree_control", "w");
	EXPECT(f);
	EXPECT_GT(fprintf(f, "+mock"), 0);
	EXPECT_EQ(fclose(f), 0);
	EXPECT(strstr(try_read(ROOT "/cgroup.subtree_control"), "mock"));
	return 0;
}

TEST(cgroupfs, stdio_reads_and_writes)
{
	mock_begin();
	run(read_with_stdio);
	mock_end();
}

/* Each opening has its own, and it is released. */
static int openings(void *unused)
{
	int a = open(ROOT "/mock.opened", O_RDONLY);
	int b = open(ROOT "/mock.opened", O_RDONLY);
	char text[8];

	for (int i = 1; i <= 3; i++) {
		lseek(a, 0, SEEK_SET);
		EXPECT_EQ(read(a, text, sizeof(text)), 2);
		EXPECT_EQ(text[0], '0' + i);
	}
	EXPECT_EQ(read(b, text, sizeof(text)), 2);
	EXPECT_EQ(text[0], '1');
	close(a);
	close(b);
	EXPECT_STREQ(try_read(ROOT "/mock.only_on_root"), "0\n");
	EXPECT_STREQ(try_read(ROOT "/mock.not_on_root"), strerror(ENOENT));
	return 0;
}

TEST(cgroupfs, an_opening_has_its_own_state)
{
	mock_begin();
	run(openings);
	mock_end();
}

/* -- Writing --------------------------------------------------------------------------- */

static int writes(void *unused)
{
	static char text[CGROUP_WRITE_MAX + 2];

	EXPECT_EQ(try_write(ROOT "/mock.value", "  5 \n"), 0);
	EXPECT_STREQ(try_read(ROOT "/mock.value"), "5\n");
	EXPECT_EQ(try_write(ROOT "/mock.value", "six"), EINVAL);
	EXPECT_EQ(try_write(ROOT "/mock.value", "6 7"), EINVAL);
	EXPECT_EQ(try_write(ROOT "/mock.value", ""), EINVAL);
	memset(text, ' ', sizeof(text) - 1);
	text[0] = '8';
	EXPECT_EQ(try_write(ROOT "/mock.value", text), E2BIG);
	EXPECT_STREQ(try_read(ROOT "/mock.value"), "5\n");
	text[CGROUP_WRITE_MAX] = '\0';
	EXPECT_EQ(try_write(ROOT "/mock.value", text), 0);
	EXPECT_STREQ(try_read(ROOT "/mock.value"), "8\n");
	EXPECT_EQ(try_write(ROOT "/mock.long", "1"), EINVAL);
	EXPECT_EQ(try_write(ROOT "/mock.value", "0"), 0);
	return 0;
}

TEST(cgroupfs, a_write_is_taken_whole_or_not_at_all)
{
	mock_begin();
	run(writes);
	mock_end();
}

static int nul_in_a_write(void *unused)
{
	int fd = open(ROOT "/mock.value", O_RDWR);

	EXPECT_ERRNO(write(fd, "5\0006", 3), EINVAL);
	close(fd);
	return 0;
}

TEST(cgroupfs, a_write_with_a_nul_is_refused)
{
	mock_begin();
	run(nul_in_a_write);
	mock_end();
}

static int open_while_removed(void *unused)
{
	char c;
	int file, part;

	EXPECT_EQ(mkdir(ROOT "/a", 0755), 0);
	file = open(ROOT "/a/cgroup.max.depth", O_RDWR);
	part = open(ROOT "/a/cgroup.stat", O_RDONLY);
	EXPECT_EQ(read(part, &c, 1), 1);
	EXPECT_EQ(rmdir(ROOT "/a"), 0);
	EXPECT_ERRNO(read(file, &c, 1), ENODEV);
	EXPECT_ERRNO(write(file, "1", 1), ENODEV);
	EXPECT_ERRNO(read(part, &c, 1), ENODEV);
	/* Not even when there is another of that name. */
	EXPECT_EQ(mkdir(ROOT "/a", 0755), 0);
	EXPECT_ERRNO(write(file, "1", 1), ENODEV);
	EXPECT_STREQ(try_read(ROOT "/a/cgroup.max.depth"), "max\n");
	EXPECT_EQ(rmdir(ROOT "/a"), 0);
	close(file);
	close(part);
	return 0;
}

TEST(cgroupfs, files_of_a_removed_group_answer_enodev)
{
	run(open_while_removed);
}

/* And so those of a controller that is disabled. */
static int open_while_disabled(void *unused)
{
	char c;
	int fd;

	EXPECT_EQ(mkdir(ROOT "/a", 0755), 0);
	EXPECT_EQ(try_write(ROOT "/cgroup.subtree_control", "+mock"), 0);
	fd = open(ROOT "/a/mock.value", O_RDWR);
	EXPECT_EQ(read(fd, &c, 1), 1);
	EXPECT_EQ(try_write(ROOT "/cgroup.subtree_control", "-mock"), 0);
	EXPECT_ERRNO(read(fd, &c, 1), ENODEV);
	EXPECT_ERRNO(open(ROOT "/a/mock.value", O_RDWR), ENOENT);
	close(fd);
	EXPECT_EQ(rmdir(ROOT "/a"), 0);
	return 0;
}

TEST(cgroupfs, files_of_a_disabled_controller_answer_enodev)
{
	mock_begin();
	run(open_while_disabled);
	mock_end();
}

/* -- Waiting ---------------------------------------------------------------------------- */

static int sleep_in_p(void *unused)
{
	EXPECT_EQ(try_write(ROOT "/p/cgroup.procs", "0"), 0);
	return sleep_ns_killable(60 * NSEC_PER_SEC);
}

static int polls(void *unused)
{
	struct pollfd fds[] = {
		{.fd = -1, .events = POLLIN},
		{.fd = 30, .events = POLLIN},
		{.events = POLLPRI},
	};
	struct task *t;
	char text[32];

	EXPECT_EQ(mkdir(ROOT "/p", 0755), 0);
	fds[2].fd = open(ROOT "/p/cgroup.events", O_RDONLY);
	EXPECT_GT(read(fds[2].fd, text, sizeof(text)), 0);
	EXPECT_EQ(poll(fds, 3, 0), 1);
	EXPECT_EQ(fds[0].revents, 0);
	EXPECT_EQ(fds[1].revents, POLLNVAL);
	EXPECT_EQ(fds[2].revents, 0);
	EXPECT_EQ(poll(fds + 2, 1, 5), 0);

	/* Somebody comes; the answer stands until the file is read again. */
	t = task_run(sleep_in_p, NULL, "sleeper");
	EXPECT(t);
	EXPECT_EQ(poll(fds + 2, 1, -1), 1);
	EXPECT_EQ(fds[2].revents, POLLPRI | POLLERR);
	EXPECT_EQ(poll(fds + 2, 1, -1), 1);
	lseek(fds[2].fd, 0, SEEK_SET);
	EXPECT_GT(read(fds[2].fd, text, sizeof(text)), 0);
	EXPECT_EQ(strncmp(text, "populated 1\n", 12), 0);
	EXPECT_EQ(poll(fds + 2, 1, 0), 0);
	task_kill(t);
	EXPECT_EQ(poll(fds + 2, 1, -1), 1);
	task_join(t);

	EXPECT_EQ(rmdir(ROOT "/p"), 0);
	EXPECT_EQ(poll(fds + 2, 1, -1), 1);
	EXPECT_EQ(fds[2].revents, POLLPRI | POLLERR | POLLHUP);
	EXPECT_ERRNO(poll(fds, 1000, 0), EINVAL);
	return 0;
}

TEST(cgroupfs, poll_waits_for_a_change_of_events)
{
	run(polls);
}

/* -- Without memory ---------------------------------------------------------------------- */

static int open_and_read(const char *path)
{
	int fd = open(path, O_RDONLY), err = 0;
	char c;

	if (fd < 0)
		return errno;
	if (read(fd, &c, 1) < 0)
		err = errno;
	close(fd);
	return err;
}

static int sweep(void *unused)
{
	static const char *const paths[] = {ROOT "/mock.opened", ROOT "/a"};
	unsigned long n;
	int err;

	EXPECT_EQ(mkdir(ROOT "/a", 0755), 0);
	/* The task's own tables, first. */
	EXPECT_EQ(open_and_read(paths[0]), 0);
	FAULT_SWEEP(&failslab, n) {
		err = open_and_read(paths[0]);
		EXPECT_EQ(err, fault_fired(&failslab) ? ENOMEM : 0);
	}
	EXPECT_GE(n, 4);
	FAULT_SWEEP(&failslab, n) {
		err = open_and_read(paths[1]);
		EXPECT_EQ(err, fault_fired(&failslab) ? ENOMEM : EISDIR);
	}
	EXPECT_GE(n, 2);
	FAULT_SWEEP(&failslab, n) {
		err = mkdir(ROOT "/a/b", 0755) ? errno : 0;
		EXPECT_EQ(err, fault_fired(&failslab) ? ENOMEM : 0);
		if (!err)
			EXPECT_EQ(rmdir(ROOT "/a/b"), 0);
	}
	EXPECT_EQ(rmdir(ROOT "/a"), 0);
	return 0;
}

TEST(cgroupfs, every_failed_allocation_is_undone)
{
	mock_begin();
	run(sweep);
	mock_end();
}
