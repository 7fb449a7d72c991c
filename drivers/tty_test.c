/* SPDX-License-Identifier: MIT */
/* tty_test.c - lines for programs, keys, and ^C. */
#include <drivers/tty.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/task/task.h>
#include <string.h>
#include <tests/test.h>

static bool was_plain;

/* As the shell does before it runs something; without echo. */
static void front_begin(void)
{
	was_plain = tty_plain;
	tty_plain = true;
	tty_foreground_begin();
}

static void front_end(void)
{
	tty_foreground_end();
	tty_plain = was_plain;
}

static void type(const char *keys)
{
	tty_input((const u8 *)keys, strlen(keys));
}

static const char *read_line(void)
{
	static char line[64];
	ssize_t nr = tty_read_line(line, sizeof(line) - 1);

	line[nr > 0 ? nr : 0] = '\0';
	return line;
}

TEST(tty, lines_are_edited_before_a_program_sees_them)
{
	front_begin();
	type("abx\177c\r");
	EXPECT_STREQ(read_line(), "abc\n");
	type("wrong\x15right word\x17line\n");
	EXPECT_STREQ(read_line(), "right line\n");
	type("\177\177a\x1b\x01"
	     "b\r");
	EXPECT_STREQ(read_line(), "ab\n");
	type("one\r\n\r\ntwo\n\n\r");
	EXPECT_STREQ(read_line(), "one\n");
	EXPECT_STREQ(read_line(), "\n");
	EXPECT_STREQ(read_line(), "two\n");
	EXPECT_STREQ(read_line(), "\n");
	EXPECT_STREQ(read_line(), "\n");
	type("\xc3\xa4\xe2\x82\xac\177x\r"); /* a character at a time */
	EXPECT_STREQ(read_line(), "\xc3\xa4x\n");
	front_end();
}

TEST(tty, control_d_ends_the_input_or_the_line)
{
	char buf[8];

	front_begin();
	type("\x04");
	EXPECT_EQ(tty_read_line(buf, sizeof(buf)), 0);
	type("part\x04");
	EXPECT_EQ(tty_read_line(buf, sizeof(buf)), 4);
	front_end();
}

TEST(tty, what_a_program_did_not_fetch_stays_for_its_next_read)
{
	char buf[3];

	front_begin();
	type("abcde\rnext\r");
	EXPECT_EQ(tty_read_line(buf, 3), 3);
	EXPECT_EQ(memcmp(buf, "abc", 3), 0);
	EXPECT_EQ(tty_read_line(buf, 3), 3);
	EXPECT_EQ(memcmp(buf, "de\n", 3), 0);
	EXPECT_STREQ(read_line(), "next\n");
	front_end();
}

TEST(tty, programs_in_the_background_may_not_read)
{
	char buf[4];

	tty_foreground_end(); /* also when the shell runs us */
	EXPECT_EQ(tty_read_line(buf, sizeof(buf)), -EIO);
}

TEST(tty, keys_come_as_they_are_or_not_at_all)
{
	u64 begin = ktime_get_ns();
	u8 keys[8];

	type("\x03\r\033[A");
	EXPECT_EQ(tty_read_keys(keys, sizeof(keys), TTY_FOREVER), 5);
	EXPECT_EQ(memcmp(keys, "\x03\r\033[A", 5), 0);
	EXPECT_EQ(tty_read_keys(keys, sizeof(keys), 20 * 1000000), 0);
	EXPECT_GE(ktime_get_ns() - begin, 20 * 1000000ull);
}

static int sleeper(void *unused)
{
	return sleep_ns_killable(60 * NSEC_PER_SEC);
}

TEST(tty, control_c_kills_the_program_in_front)
{
	struct task *t = task_run(sleeper, NULL, "sleeper");

	ASSERT(t);
	front_begin();
	tty_foreground_program(t);
	EXPECT(!tty_interrupted());
	type("\x03");
	EXPECT(tty_interrupted());
	EXPECT_EQ(task_wait(t), -EINTR);
	tty_foreground_program(NULL);
	EXPECT(!tty_has_keys());
	front_end();
	EXPECT(!tty_interrupted());
	put_task(t);
}

TEST(tty, control_c_before_a_program_is_in_front_is_not_lost)
{
	struct task *t;

	front_begin();
	type("\x03");
	t = task_run(sleeper, NULL, "sleeper");
	ASSERT(t);
	tty_foreground_program(t);
	EXPECT_EQ(task_wait(t), -EINTR);
	tty_foreground_program(NULL);
	front_end();
	put_task(t);
}

TEST(tty, control_c_ends_a_commands_sleep)
{
	front_begin();
	EXPECT_EQ(tty_sleep(1000000), 0);
	type("\x03");
	EXPECT_EQ(tty_sleep(60 * NSEC_PER_SEC), -EINTR);
	front_end();
}

static int line_reader(void *unused)
{
	char buf[8];

	return tty_read_line(buf, sizeof(buf));
}

TEST(tty, readers_are_let_go_when_the_front_ends)
{
	struct task *t;

	front_begin();
	t = task_run(line_reader, NULL, "reader");
	ASSERT(t);
	sleep_ns(10 * 1000000);
	EXPECT(!task_exited(t));
	front_end();
	EXPECT_EQ(task_join(t), -EIO);
}
