/* SPDX-License-Identifier: MIT */
/* app_test.c - programs start with what they are given, and end with it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apps/app.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <tests/test.h>

/* The exit code of a program that is started with these words. */
#define RUN(...)                                                               \
	({                                                                     \
		char *const argv_[] = {__VA_ARGS__, NULL};                     \
		const struct app *app_ = app_find(argv_[0]);                   \
		app_ ? app_run(app_, ARRAY_SIZE(argv_) - 1, argv_) : -ENOENT;  \
	})

TEST(apps, run_with_their_arguments)
{
	EXPECT_EQ(RUN("hello", "tester"), 0);
	EXPECT_EQ(RUN("echo", "one", "two"), 0);
	EXPECT_EQ(RUN("primes", "1000"), 0);
	EXPECT_EQ(RUN("nbody", "2000"), 0);
	EXPECT_EQ(RUN("spin", "0"), 0);
	EXPECT_EQ(RUN("sleepers", "5", "2", "1"), 0);
	EXPECT_EQ(RUN("hog", "3M"), 0);
	EXPECT_EQ(RUN("hog", "--hold", "0", "--step", "1M", "1100K"), 0);
	EXPECT_EQ(RUN("churn", "100", "1000", "0"), 0);
	EXPECT_EQ(RUN("churn", "10000", "10", "0", "--seed", "7"), 0);
	EXPECT_EQ(RUN("trees", "3000", "2"), 0);
	EXPECT_EQ(RUN("trees", "--keep", "3000"), 0);
	EXPECT_EQ(RUN("spawn", "5", "100K", "--depth", "2"), 0);
	EXPECT_EQ(RUN("hog", "--help"), 0);
	EXPECT_EQ(RUN("cgexec", "--help"), 0);
	EXPECT_EQ(RUN("cat", "/dev/null"), 0);
	EXPECT_EQ(RUN("ls", "/"), 0);
}

TEST(apps, refuse_arguments_that_make_no_sense)
{
	EXPECT_EQ(RUN("primes", "many"), 2);
	EXPECT_EQ(RUN("primes", "-5"), 2);
	EXPECT_EQ(RUN("nbody", "10x"), 2);
	EXPECT_EQ(RUN("sleepers", "0"), 2);
	EXPECT_EQ(RUN("hog", "much"), 2);
	EXPECT_EQ(RUN("hog", "1M", "2M"), 2);
	EXPECT_EQ(RUN("hog", "--hold"), 2);
	EXPECT_EQ(RUN("hog", "--hold", "-1"), 2);
	EXPECT_EQ(RUN("churn", "64", "0"), 2);
	EXPECT_EQ(RUN("trees", "--sideways"), 2);
	EXPECT_EQ(RUN("spawn", "100000"), 2);
	EXPECT_EQ(RUN("cgexec", "somewhere"), 2);
	EXPECT_EQ(RUN("cgexec", "/no/such/group", "hello"), 126);
	EXPECT_EQ(RUN("cgexec", "/", "no-such-program"), 127);
	EXPECT_EQ(RUN("cat", "/no/such/file"), 1);
	EXPECT_EQ(RUN("cat", "/dev"), 1);
	EXPECT_EQ(RUN("ls", "/dev/null"), 1);
	EXPECT(!app_find("no-such-program"));
}

TEST(apps, are_all_named_and_explained)
{
	const struct app *const *p;
	int count = 0;

	for_each_app(p) {
		EXPECT((*p)->name[0]);
		EXPECT((*p)->help[0]);
		EXPECT_EQ(app_find((*p)->name), *p);
		count++;
	}
	EXPECT(count >= 8);
}

TEST(apps, are_killed_at_a_system_call)
{
	char *const argv[] = {"spin", NULL};
	struct task *t = app_start(app_find("spin"), 1, argv);

	ASSERT(!IS_ERR(t));
	msleep(5);
	EXPECT(!task_exited(t));
	task_kill(t);
	EXPECT_EQ(task_join(t), 137);
}

TEST(apps, that_are_killed_leave_no_tasks_of_theirs)
{
	char *const argv[] = {"spawn", "20",   "300K",	"--depth",
			      "3",     "--ms", "20000", NULL};

	for (int i = 0; i < 8; i++) {
		struct task *t = app_start(app_find("spawn"), 7, argv);

		ASSERT(!IS_ERR(t));
		sleep_ns(test_random_below(40000000));
		task_kill(t);
		EXPECT_EQ(task_join(t), 137);
	}
}

/* -- In groups -- */

#define GROUPS "/sys/fs/cgroup"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* The number behind @key in one of the group's files. */
static long read_key(const char *path, const char *key)
{
	int fd = open(path, O_RDONLY);
	char text[1024];
	ssize_t len = read(fd, text, sizeof(text) - 1);
	char *at;

	close(fd);
	if (!EXPECT_GT(len, 0))
		return -1;
	text[len] = '\0';
	at = strstr(text, key);
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

TEST_T(apps, in_a_group_are_held_to_its_limit, 30)
{
	write_file(GROUPS "/cgroup.subtree_control", "+memory");
	ASSERT_EQ(mkdir(GROUPS "/t", 0755), 0);
	write_file(GROUPS "/t/memory.max", "4M");

	EXPECT_EQ(RUN("cgexec", "t", "hog", "3M"), 0);
	EXPECT_EQ(RUN("cgexec", "t", "churn", "100", "5000", "0"), 0);
	EXPECT_EQ(RUN("cgexec", "t", "trees", "5000"), 0);
	EXPECT_EQ(RUN("cgexec", "t", "spawn", "4", "300K"), 0);
	EXPECT_EQ(read_key(GROUPS "/t/memory.events", "oom_kill "), 0);
	EXPECT_EQ(RUN("cgexec", "t", "hog", "10M"), 137);
	EXPECT_EQ(read_key(GROUPS "/t/memory.events", "oom_kill "), 1);
	EXPECT_EQ(RUN("cgexec", "t", "trees", "200000"), 137);
	EXPECT_EQ(RUN("cgexec", GROUPS "/t", "churn", "4000", "5000"), 137);
	EXPECT_EQ(read_key(GROUPS "/t/memory.events", "oom_kill "), 3);
	/* Its tasks end, and it knows. */
	EXPECT_EQ(RUN("cgexec", "t", "spawn", "4", "6M", "--depth", "0"), 1);
	EXPECT_EQ(read_key(GROUPS "/t/memory.stat", "anon "), 0);

	EXPECT_EQ(rmdir(GROUPS "/t"), 0);
	write_file(GROUPS "/cgroup.subtree_control", "-memory");
}

/* -- What they inherit -- */

static char written[100];
static size_t nr_written;

static ssize_t catch_write(struct file *f, const void *buf, size_t size,
			   off_t *pos)
{
	size_t room = sizeof(written) - 1 - nr_written;

	memcpy(written + nr_written, buf, size < room ? size : room);
	nr_written += size < room ? size : room;
	return size;
}

static const struct file_operations catch_ops = {
	.write = catch_write,
	.is_stream = true,
};

static int catch_open(struct mount *m, const char *path, struct file *f,
		      mode_t mode)
{
	f->ops = &catch_ops;
	return 0;
}

static const struct fs_operations catch_fs = {.open = catch_open};

static int echo_elsewhere(void *arg)
{
	int fd = open("/test/out", O_WRONLY);

	EXPECT_EQ(dup2(fd, 1), 1);
	EXPECT_EQ(RUN("echo", "to", "a", "file"), 0);
	return 0;
}

TEST(apps, inherit_open_files)
{
	struct mount m = {.path = "/test", .ops = &catch_fs};
	struct task *t;

	memset(written, 0, sizeof(written));
	nr_written = 0;
	ASSERT_EQ(vfs_mount(&m), 0);
	t = task_run(echo_elsewhere, NULL, "echo-elsewhere");
	EXPECT(t && task_join(t) == 0);
	EXPECT_STREQ(written, "to a file\n");
	/* Nobody holds the file any more. */
	EXPECT_EQ(vfs_unmount(&m), 0);
}

/* -- Without memory -- */

static int start_and_wait(void)
{
	char *const argv[] = {"echo", "-", NULL};

	return app_run(app_find("echo"), 2, argv);
}

static unsigned int refused_starts(struct fault_attr *attr)
{
	unsigned int refused = 0;
	unsigned long n;

	FAULT_SWEEP(attr, n) {
		int ret = start_and_wait();

		if (ret)
			EXPECT(ret == -ENOMEM && fault_fired(attr));
		refused += ret != 0;
	}
	return refused;
}

TEST(apps, a_failed_start_leaves_nothing)
{
	/* The first look at our own files is not what is tested. */
	EXPECT_EQ(start_and_wait(), 0);
	/* The arena, an area for the heap, the table of open files. */
	EXPECT_EQ(refused_starts(&failslab), 3);
	/* The heap's first page, at least. */
	EXPECT_GE(refused_starts(&fail_page_alloc), 1);
}
