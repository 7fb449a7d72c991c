/* SPDX-License-Identifier: MIT */
/* vfs_test.c - paths, mounts and descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <tests/test.h>

/* -- Paths -- */

static const char *plain(const char *path)
{
	static char out[VFS_PATH_MAX];

	return vfs_resolve(path, out) ? "refused" : out;
}

TEST(vfs, paths_become_plain)
{
	EXPECT_STREQ(plain("/"), "/");
	EXPECT_STREQ(plain("///"), "/");
	EXPECT_STREQ(plain("/a/b"), "/a/b");
	EXPECT_STREQ(plain("//a///b//"), "/a/b");
	EXPECT_STREQ(plain("/a/./b/."), "/a/b");
	EXPECT_STREQ(plain("/a/../b"), "/b");
	EXPECT_STREQ(plain("/a/b/../.."), "/");
	EXPECT_STREQ(plain("/../../a"), "/a");
	EXPECT_STREQ(plain("/a/...b/..c"), "/a/...b/..c");
	EXPECT_STREQ(plain(""), "refused");
	EXPECT_STREQ(plain(NULL), "refused");
}

TEST(vfs, long_paths_are_refused_whole)
{
	char path[2 * VFS_PATH_MAX];
	char out[VFS_PATH_MAX];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[VFS_PATH_MAX - 1] = '\0';
	EXPECT_EQ(vfs_resolve(path, out), 0);
	EXPECT_STREQ(out, path);
	path[VFS_PATH_MAX - 1] = 'x';
	path[VFS_PATH_MAX] = '\0';
	EXPECT_EQ(vfs_resolve(path, out), -ENAMETOOLONG);
}

static int walk_about(void *arg)
{
	char cwd[VFS_PATH_MAX];

	EXPECT_EQ(chdir("/dev"), 0);
	EXPECT_STREQ(plain("null"), "/dev/null");
	EXPECT_STREQ(plain("../x"), "/x");
	EXPECT_STREQ(getcwd(cwd, sizeof(cwd)), "/dev");
	EXPECT_EQ(getcwd(cwd, 4), NULL);
	EXPECT_EQ(errno, ERANGE);
	EXPECT_EQ(chdir("null"), -1);
	EXPECT_EQ(errno, ENOTDIR);
	EXPECT_EQ(chdir("nothing"), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_STREQ(files_cwd(), "/dev");
	return 0;
}

static void join(struct task *t)
{
	ASSERT(t);
	EXPECT_EQ(task_join(t), 0);
}

TEST(vfs, the_working_directory_is_the_tasks_own)
{
	char before[VFS_PATH_MAX];

	strcpy(before, files_cwd());
	join(task_run(walk_about, NULL, "walker"));
	EXPECT_STREQ(files_cwd(), before);
}

/* -- A file system to mount: one file, "note", that keeps what is written -- */

struct note {
	char text[64];
	size_t size;
	int opened, released;
};

static ssize_t note_read(struct file *f, void *buf, size_t size, off_t *pos)
{
	struct note *note = f->private;
	size_t left = *pos < note->size ? note->size - *pos : 0;

	if (size > left)
		size = left;
	memcpy(buf, note->text + *pos, size);
	*pos += size;
	return size;
}

static ssize_t note_write(struct file *f, const void *buf, size_t size,
			  off_t *pos)
{
	struct note *note = f->private;

	if (*pos + size > sizeof(note->text))
		return -EFBIG;
	memcpy(note->text + *pos, buf, size);
	*pos += size;
	if (*pos > note->size)
		note->size = *pos;
	return size;
}

static int note_stat(struct file *f, struct stat *st)
{
	struct note *note = f->private;

	st->st_size = note->size;
	return 0;
}

static void note_release(struct file *f)
{
	struct note *note = f->private;

	note->released++;
}

static const struct file_operations note_ops = {
	.read = note_read,
	.write = note_write,
	.stat = note_stat,
	.release = note_release,
};

static int note_open(struct mount *m, const char *path, struct file *f,
		     mode_t mode)
{
	struct note *note = m->private;

	if (strcmp(path, "note"))
		return -ENOENT;
	f->ops = &note_ops;
	f->private = note;
	note->opened++;
	return 0;
}

static const struct fs_operations note_fs = {.open = note_open};

#define NOTES_AT(path_)                                                        \
	{                                                                      \
		.path = path_, .ops = &note_fs, .private = &note,              \
	}

TEST(vfs, a_mounted_file_system_is_found_and_kept_while_in_use)
{
	struct note note = {.size = 0};
	struct mount m = NOTES_AT("/sys/test/notes");
	struct mount same = m, crooked = NOTES_AT("/sys/../x");
	char text[32];
	int fd;

	ASSERT_EQ(vfs_mount(&m), 0);
	EXPECT_EQ(vfs_mount(&same), -EEXIST);
	EXPECT_EQ(vfs_mount(&crooked), -EINVAL);

	fd = open("/sys/test/notes/note", O_RDWR);
	EXPECT(fd >= 0);
	EXPECT_EQ(vfs_unmount(&m), -EBUSY);
	EXPECT_EQ(write(fd, "hello world", 11), 11);
	EXPECT_EQ(lseek(fd, 6, SEEK_SET), 6);
	EXPECT_EQ(read(fd, text, sizeof(text)), 5);
	EXPECT(!memcmp(text, "world", 5));
	EXPECT_EQ(read(fd, text, sizeof(text)), 0);
	EXPECT_EQ(lseek(fd, -1, SEEK_SET), -1);
	EXPECT_EQ(lseek(fd, 0, SEEK_END), 11);
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(close(fd), -1);
	EXPECT_EQ(errno, EBADF);

	EXPECT_EQ(open("/sys/test/notes/other", O_RDONLY), -1);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(mkdir("/sys/test/notes/d", 0777), -1);
	EXPECT_EQ(errno, EPERM);
	EXPECT_EQ(rename("/sys/test/notes/note", "/dev/x"), -1);
	EXPECT_EQ(errno, EXDEV);

	EXPECT_EQ(vfs_unmount(&m), 0);
	EXPECT_EQ(note.opened, 1);
	EXPECT_EQ(note.released, 1);
	EXPECT_EQ(open("/sys/test/notes/note", O_RDONLY), -1);
}

TEST(vfs, the_deepest_mount_is_meant)
{
	struct note note = {.size = 0};
	struct mount outer = NOTES_AT("/test");
	struct mount inner = NOTES_AT("/test/note/inner");
	struct file *f;

	/* Whichever comes first, and not by letters alone. */
	ASSERT_EQ(vfs_mount(&inner), 0);
	ASSERT_EQ(vfs_mount(&outer), 0);
	f = vfs_open("/test/note/inner/note", O_RDONLY, 0);
	EXPECT(!IS_ERR(f) && f->mount == &inner);
	file_put(f);
	f = vfs_open("/test/note", O_RDONLY, 0);
	EXPECT(!IS_ERR(f) && f->mount == &outer);
	file_put(f);
	EXPECT_EQ(PTR_ERR(vfs_open("/testnote", O_RDONLY, 0)), -ENOENT);
	EXPECT_EQ(vfs_unmount(&outer), 0);
	EXPECT_EQ(vfs_unmount(&inner), 0);
}

TEST(vfs, append_goes_to_the_end_wherever_the_position_is)
{
	struct note note = {.size = 0};
	struct mount m = NOTES_AT("/test");
	int fd;

	ASSERT_EQ(vfs_mount(&m), 0);
	fd = open("/test/note", O_WRONLY | O_APPEND);
	EXPECT_EQ(write(fd, "abc", 3), 3);
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
	EXPECT_EQ(write(fd, "def", 3), 3);
	EXPECT_EQ(read(fd, note.text, 1), -1);
	EXPECT_EQ(errno, EBADF);
	close(fd);
	fd = open("/test/note", O_RDONLY);
	EXPECT_EQ(write(fd, "x", 1), -1);
	EXPECT_EQ(errno, EBADF);
	close(fd);
	EXPECT(!memcmp(note.text, "abcdef", 6));
	EXPECT_EQ(vfs_unmount(&m), 0);
}

/* How many entries of that name @path has; -1 when it is no directory. */
static int lists(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		found += !strcmp(entry->d_name, name);
	closedir(dir);
	return found;
}

TEST(vfs, there_are_directories_down_to_each_mount)
{
	struct note note = {.size = 0};
	struct mount one = NOTES_AT("/sys/test/one");
	struct mount two = NOTES_AT("/sys/test/two");
	/* Longer than a directory entry holds: there, but not listed. */
	struct mount odd = NOTES_AT("/sys/test/0123456789012345678901234567890"
				    "1234567890123456789012345678901234567890");
	struct stat st;

	ASSERT_EQ(vfs_mount(&one), 0);
	ASSERT_EQ(vfs_mount(&odd), 0);
	ASSERT_EQ(vfs_mount(&two), 0);
	EXPECT_EQ(lists("/", "sys"), 1);
	EXPECT_EQ(lists("/", "dev"), 1);
	EXPECT_EQ(lists("/sys", "test"), 1);
	EXPECT_EQ(lists("/sys/test", "one"), 1);
	EXPECT_EQ(lists("/sys/test/", "two"), 1);
	EXPECT_EQ(lists("/dev", "null"), 1);
	EXPECT_EQ(lists("/dev/null", "x"), -1);
	EXPECT_EQ(stat("/sys/test", &st), 0);
	EXPECT(S_ISDIR(st.st_mode));
	EXPECT_EQ(stat("/sys/te", &st), -1);
	EXPECT_EQ(open("/sys", O_WRONLY), -1);
	EXPECT_EQ(errno, EISDIR);
	EXPECT_EQ(vfs_unmount(&one), 0);
	EXPECT_EQ(vfs_unmount(&two), 0);
	EXPECT_EQ(vfs_unmount(&odd), 0);
	EXPECT_EQ(stat("/sys/test", &st), -1);
}

/* -- Devices -- */

TEST(dev, null_and_zero)
{
	char buf[16];
	int fd = open("/dev/null", O_RDWR);

	ASSERT(fd >= 0);
	EXPECT_EQ(write(fd, "x", 1), 1);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), -1);
	EXPECT_EQ(errno, ESPIPE);
	EXPECT_EQ(isatty(fd), 0);
	EXPECT_EQ(close(fd), 0);

	memset(buf, 1, sizeof(buf));
	fd = open("/dev/zero", O_RDONLY);
	EXPECT_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	EXPECT_EQ(buf[0] | buf[15], 0);
	EXPECT_EQ(close(fd), 0);
	EXPECT_EQ(open("/dev/nothing", O_RDONLY), -1);
	EXPECT_EQ(open("/dev/null/x", O_RDONLY), -1);
}

/* -- Descriptors -- */

static int use_descriptors(void *arg)
{
	int fd[FILES_MAX], n = 0, extra;

	EXPECT(isatty(0));
	EXPECT(isatty(1));
	EXPECT(isatty(2));
	while ((extra = open("/dev/null", O_RDONLY)) >= 0)
		fd[n++] = extra;
	EXPECT_EQ(errno, EMFILE);
	EXPECT_EQ(n, FILES_MAX - 3);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(fd[i], i + 3);
	EXPECT_EQ(dup(0), -1);
	EXPECT_EQ(errno, EMFILE);

	/* The lowest free one is next. */
	close(9);
	close(5);
	EXPECT_EQ(dup(3), 5);
	EXPECT_EQ(fcntl(3, F_DUPFD, 8), 9);
	EXPECT_EQ(dup2(0, 7), 7);
	EXPECT(isatty(7));
	EXPECT_EQ(dup2(0, FILES_MAX), -1);
	EXPECT_EQ(dup2(-1, 7), -1);
	EXPECT(isatty(7));
	EXPECT_EQ(read(-1, NULL, 0), -1);
	EXPECT_EQ(errno, EBADF);
	/* The rest is closed for us. */
	return 0;
}

TEST(files, descriptors_are_the_lowest_free_and_the_tasks_own)
{
	join(task_run(use_descriptors, NULL, "descriptors"));
}

static int leave_open(void *arg)
{
	EXPECT(open("/test/note", O_RDWR) >= 3);
	EXPECT(dup(3) >= 3);
	return 0;
}

TEST(files, a_task_that_ends_closes_what_it_had_open)
{
	struct note note = {.size = 0};
	struct mount m = NOTES_AT("/test");

	ASSERT_EQ(vfs_mount(&m), 0);
	join(task_run(leave_open, NULL, "leave-open"));
	EXPECT_EQ(note.opened, 1);
	EXPECT_EQ(note.released, 1);
	EXPECT_EQ(vfs_unmount(&m), 0);
}

static int print_to_note(void *arg)
{
	FILE *out = fopen("/test/note", "w");

	if (!out)
		return 1;
	/* Never closed, never flushed: that is for the end of the task. */
	return fprintf(out, "%s-%d-%lu", "text", 42, 1ul << 40) != 23 - 2;
}

TEST(files, streams_are_flushed_when_a_task_returns)
{
	struct note note = {.size = 0};
	struct mount m = NOTES_AT("/test");

	ASSERT_EQ(vfs_mount(&m), 0);
	join(task_run(print_to_note, NULL, "print-to-note"));
	note.text[note.size] = '\0';
	EXPECT_STREQ(note.text, "text-42-1099511627776");
	EXPECT_EQ(note.released, 1);
	EXPECT_EQ(vfs_unmount(&m), 0);
}

/* newlib then locks the output stream inside the input stream's lock. */
static int prompt_and_read(void *arg)
{
	FILE *out = fopen("/test/note", "w"), *in = fopen("/dev/zero", "r");
	struct note *note = arg;

	ASSERT(in && out);
	setvbuf(out, NULL, _IOLBF, 100);
	setvbuf(in, NULL, _IONBF, 0);
	fprintf(out, "name? ");
	EXPECT_EQ(note->size, 0);
	EXPECT_EQ(getc(in), 0);
	EXPECT_EQ(note->size, 6);
	return 0;
}

TEST(files, reading_unbuffered_flushes_what_is_line_buffered)
{
	struct note note = {.size = 0};
	struct mount m = NOTES_AT("/test");

	ASSERT_EQ(vfs_mount(&m), 0);
	join(task_run(prompt_and_read, &note, "prompt"));
	EXPECT_EQ(vfs_unmount(&m), 0);
}

/* -- Without memory -- */

static int open_root(void)
{
	struct file *f = vfs_open("/", O_RDONLY, 0);

	if (IS_ERR(f))
		return PTR_ERR(f);
	file_put(f);
	return 0;
}

TEST(vfs, a_failed_open_leaves_nothing)
{
	unsigned int refused = 0;
	unsigned long n;

	/* A first time may make what the allocator keeps for the next. */
	EXPECT_EQ(open_root(), 0);
	FAULT_SWEEP(&failslab, n) {
		int ret = open_root();

		if (ret)
			EXPECT(ret == -ENOMEM && fault_fired(&failslab));
		refused += ret != 0;
	}
	/* The file, and what it remembers of its path. */
	EXPECT_EQ(refused, 2);
}

/* In a task that has no table yet. */
static int first_look(void *arg)
{
	struct file *f = files_get(0);

	if (IS_ERR(f))
		return PTR_ERR(f);
	file_put(f);
	return 0;
}

/* Its exit code: 1 if it was refused, 2 if nothing was failed. */
static int first_look_without_memory(void *nth)
{
	bool fired;
	int ret;

	fault_fail_nth(&failslab, (unsigned long)nth);
	ret = first_look(NULL);
	fired = fault_fired(&failslab);
	fault_off(&failslab);
	if (ret) {
		EXPECT(ret == -EBADF && fired);
		/* The next look makes the table after all. */
		EXPECT_EQ(first_look(NULL), 0);
	}
	return fired ? ret != 0 : 2;
}

TEST(files, a_table_that_could_not_be_made_is_made_later)
{
	unsigned int refused = 0;
	int outcome = 0;

	join(task_run(first_look, NULL, "first-look"));
	for (unsigned long n = 1; outcome != 2; n++) {
		struct task *t = task_run(first_look_without_memory, (void *)n,
					  "first-look");

		ASSERT(t);
		outcome = task_join(t);
		refused += outcome == 1;
	}
	/* The table, and the console's file. */
	EXPECT_EQ(refused, 2);
}
