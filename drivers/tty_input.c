/* SPDX-License-Identifier: MIT */
/*
 * tty_input.c - what is typed: keys for the shell, lines for programs.
 *
 * Bytes wait in a ring until a reader comes, so what is typed ahead, or pasted,
 * is not lost; when the ring is full the serial line stops (uart.c), and keys
 * of the keyboard are lost as on any PC.
 *
 * ^C.         It must work while nobody reads, so it is looked for as bytes
 *             come in, in the interrupt: it kills the program in front and is
 *             not queued.  At the shell's prompt it is a key like any other.
 * Lines.      A program's line is edited and echoed here, in the reader's
 *             context; what it did not fetch stays for its next read.
 *
 * Locks: input_lock, for the interrupts that put bytes in and for who is in
 * front; read_lock, a mutex, for the one reader.
 */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/mutex.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/wait.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/ring.h>
#include <string.h>
#include "tty_impl.h"

#define KEY_BACKSPACE 0x08
#define KEY_DELETE    0x7f

static DEFINE_SPINLOCK(input_lock);

/* Put in under input_lock, taken out under read_lock. */
DEFINE_RING(typed, 8192);

/* Under input_lock; read freely. */
static bool is_foreground;
static bool interrupted;
static struct task *foreground;

static DECLARE_WAIT_QUEUE_HEAD(typed_queue);
static DEFINE_MUTEX(read_lock);

/* Under read_lock: the line, and what of it has been fetched. */
static char line[1024];
static size_t line_len, line_taken;

/* Under read_lock: the byte that somebody got last. */
static u8 last_key;

/* -- Coming in --------------------------------------------------------------- */

/* input_lock held.  Is it for us, and not for a reader? */
static bool take_interrupt(u8 byte)
{
	if (byte != TTY_CTRL('C') || !is_foreground)
		return false;
	WRITE_ONCE(interrupted, true);
	if (foreground)
		task_kill(foreground);
	return true;
}

void tty_input(const u8 *bytes, size_t nr)
{
	unsigned long flags;

	spin_lock_irqsave(&input_lock, flags);
	for (size_t i = 0; i < nr; i++) {
		if (!take_interrupt(bytes[i]))
			ring_put(&typed, bytes[i]);
	}
	spin_unlock_irqrestore(&input_lock, flags);
	wake_up_all(&typed_queue);
}

static size_t input_room(void)
{
	return ring_space(&typed);
}

const struct uart_client tty_uart_client = {
	.room = input_room,
	.receive = tty_input,
	.sent = tty_output_room,
};

/* -- Who is in front --------------------------------------------------------- */

void tty_foreground_program(struct task *program)
{
	struct task *before;
	unsigned long flags;

	spin_lock_irqsave(&input_lock, flags);
	before = foreground;
	foreground = program ? get_task(program) : NULL;
	if (program && interrupted)
		task_kill(program); /* ^C came first */
	spin_unlock_irqrestore(&input_lock, flags);
	if (before)
		put_task(before);
}

static void set_foreground(bool is)
{
	unsigned long flags;

	spin_lock_irqsave(&input_lock, flags);
	WRITE_ONCE(interrupted, false);
	WRITE_ONCE(is_foreground, is);
	spin_unlock_irqrestore(&input_lock, flags);
	wake_up_all(&typed_queue); /* who may read a line has changed */
}

bool tty_has_foreground(void)
{
	return READ_ONCE(is_foreground);
}

void tty_foreground_begin(void)
{
	set_foreground(true);
}

void tty_foreground_end(void)
{
	set_foreground(false);
}

bool tty_interrupted(void)
{
	return READ_ONCE(interrupted);
}

int tty_sleep(s64 ns)
{
	s64 left =
		wait_event_killable_timeout(typed_queue, tty_interrupted(), ns);

	return left ? -EINTR : 0;
}

/* -- Keys -------------------------------------------------------------------- */

static size_t take_keys(u8 *bytes, size_t size)
{
	size_t nr = ring_read(&typed, bytes, min(size, (size_t)typed.size));

	if (nr) {
		last_key = bytes[nr - 1];
		uart_resume_input();
	}
	return nr;
}

bool tty_has_keys(void)
{
	return !ring_empty(&typed);
}

ssize_t tty_read_keys(u8 *bytes, size_t size, s64 ns)
{
	u64 end = ktime_get_ns() + ns;
	ssize_t nr;

	do {
		s64 left = end - ktime_get_ns();

		if (ns == TTY_FOREVER)
			left = MAX_SCHEDULE_TIMEOUT;
		else if (left < 0)
			left = 0;
		left = wait_event_killable_timeout(
			typed_queue, !ring_empty(&typed) || tty_interrupted(),
			left);
		if (left < 0)
			return left;
		nr = mutex_lock_killable(&read_lock);
		if (nr)
			return nr;
		nr = take_keys(bytes, size);
		mutex_unlock(&read_lock);
		if (!nr && (!left || tty_interrupted()))
			return 0;
	} while (!nr);
	return nr;
}

/* -- Lines ------------------------------------------------------------------- */

static void echo(const char *text)
{
	if (!tty_plain)
		tty_write(text, strlen(text));
}

/* A character of several bytes is one column all the same. */
static void rub_out(void)
{
	do
		line_len--;
	while (line_len && ((u8)line[line_len] & 0xc0) == 0x80);
	echo("\b \b");
}

static void rub_out_word(void)
{
	while (line_len && line[line_len - 1] == ' ')
		rub_out();
	while (line_len && line[line_len - 1] != ' ')
		rub_out();
}

/* read_lock held.  Whether the line is complete. */
static bool take_line_key(u8 key)
{
	switch (key) {
	case KEY_BACKSPACE:
	case KEY_DELETE:
		if (line_len)
			rub_out();
		return false;
	case TTY_CTRL('U'):
		while (line_len)
			rub_out();
		return false;
	case TTY_CTRL('W'):
		rub_out_word();
		return false;
	case TTY_CTRL('D'):
		return true;
	case '\r':
	case '\n':
		echo("\n");
		line[line_len++] = '\n';
		return true;
	}
	/* One place is kept for the newline. */
	if ((key < ' ' && key != '\t') || line_len == sizeof(line) - 1)
		return false;
	line[line_len++] = key == '\t' ? ' ' : key;
	echo((char[]){line[line_len - 1], '\0'});
	return false;
}

/* read_lock held, and let go while waiting. */
static int fill_line(void)
{
	bool done = false;

	line_len = line_taken = 0;
	while (!done) {
		u8 key, before = last_key;
		int err;

		if (!tty_has_foreground())
			return -EIO;
		err = wait_event_killable(typed_queue,
					  !ring_empty(&typed) ||
						  !tty_has_foreground());
		if (err)
			return err;
		/* CR LF is one Enter, also when the shell had the CR. */
		if (take_keys(&key, 1) && (key != '\n' || before != '\r'))
			done = take_line_key(key);
	}
	return 0;
}

ssize_t tty_read_line(char *buf, size_t size)
{
	ssize_t nr = mutex_lock_killable(&read_lock);

	if (nr)
		return nr;
	if (line_taken == line_len)
		nr = fill_line();
	if (!nr) {
		nr = min(size, line_len - line_taken);
		memcpy(buf, line + line_taken, nr);
		line_taken += nr;
	} else {
		line_len = line_taken = 0;
	}
	mutex_unlock(&read_lock);
	return nr;
}
