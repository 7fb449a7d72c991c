/* SPDX-License-Identifier: MIT */
/*
 * tty.c - the terminal's output: programs, the line being edited, the log.
 *
 * Problem.    Three write to one screen.  A log line that bursts into a line
 *             half typed leaves a mess that its writer knows nothing of, and
 *             the log may not wake anybody to have it mended.
 * Idea.       Whoever edits a line leaves here what wipes it out and what draws
 *             it anew.  The log does both around its own line.  And since all
 *             text comes by here, it is known whether the last line has ended:
 *             if not, the log ends it first.
 * Background. A program in the background writes above the edited line, a whole
 *             line at a time: the beginning of one is held back until its end
 *             comes, since many write in pieces.
 * Where to.   The serial line and the screen show the same.  A task that writes
 *             fills the serial line's queue and sleeps when it is full; the log
 *             and the line being edited are polled, or fit the queue.
 *
 * Locks: out_lock, raw and with interrupts off, since printk comes here with
 * any lock held; inside it the UART's.  The log waits for it a bounded time,
 * and without it writes its line and leaves the mess.
 *
 * tty_input.c has the other direction.
 */
#define pr_fmt(fmt) "tty: " fmt
#include <arch/clock.h>
#include <boot/param.h>
#include <drivers/ps2kbd.h>
#include <drivers/screen.h>
#include <drivers/uart.h>
#include <errno.h>
#include <fs/dev.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/wait.h>
#include <lib/math.h>
#include <string.h>
#include "tty_impl.h"

#define CHUNK	256	   /* bytes shown in one go, interrupts off */
#define LOCK_NS 1000000000 /* the log's patience: see uart.c */

bool tty_plain;
BOOT_PARAM_BOOL("shell.plain", tty_plain,
		"no escape sequences and no echo, for programs at the line");

static unsigned long columns = 80, rows = 24;
BOOT_PARAM_ULONG("tty.columns", columns, 20, 1000,
		 "characters in a line of the terminal");
BOOT_PARAM_ULONG("tty.rows", rows, 4, 1000, "lines of the terminal");

static DEFINE_RAW_SPINLOCK(out_lock);

/* Under out_lock. */
static bool in_line;		    /* the last line has not ended */
static char redraw[TTY_REDRAW_MAX]; /* shows the edited line anew */
static size_t redraw_len;	    /* 0: there is none */
static char erase[32];
static size_t erase_len;
static char held[CHUNK]; /* a line begun in the background */
static size_t held_len;
static bool at_prompt; /* the last text was a plain prompt */

/* Writers that wait for room. */
static DECLARE_WAIT_QUEUE_HEAD(room_queue);

/* What fits the serial line's terminal and the screen. */
unsigned int tty_columns(void)
{
	return min(columns, screen_columns() ?: columns);
}

unsigned int tty_rows(void)
{
	return min(rows, screen_rows() ?: rows);
}

/* -- Showing: out_lock held -------------------------------------------------- */

static void note_end(const char *text, size_t len)
{
	if (!len)
		return;
	in_line = text[len - 1] != '\n';
	at_prompt = false;
}

static size_t show(const char *text, size_t len)
{
	len = uart_queue(text, len);
	screen_write(text, len);
	note_end(text, len);
	return len;
}

static void show_polled(const char *text, size_t len)
{
	uart_write_polled(text, len);
	screen_write(text, len);
	note_end(text, len);
}

/* -- Programs ---------------------------------------------------------------- */

/* The edited line goes below what is shown. */
static void show_above(const char *text, size_t len)
{
	show_polled(erase, erase_len);
	show_polled(text, len);
	if (in_line)
		show_polled("\n", 1);
	show_polled(redraw, redraw_len);
}

static void show_held(void)
{
	show_polled(held, held_len);
	held_len = 0;
}

/* Whoever edits a line writes through tty_edit_show(): this is somebody in the
 * background. */
static void show_in_background(const char *text, size_t len)
{
	size_t whole = len;

	while (whole && text[whole - 1] != '\n')
		whole--;
	if (len - whole > sizeof(held) - (whole ? 0 : held_len))
		whole = len; /* so long a line is none */
	if (whole) {
		show_polled(erase, erase_len);
		show_held();
		show_polled(text, whole);
		if (in_line)
			show_polled("\n", 1);
		show_polled(redraw, redraw_len);
	}
	memcpy(held + held_len, text + whole, len - whole);
	held_len += len - whole;
}

static size_t write_some(const char *text, size_t len)
{
	char chunk[CHUNK]; /* a program's memory may fault, and that sleeps */
	unsigned long flags;

	len = min(len, sizeof(chunk));
	memcpy(chunk, text, len);
	raw_spin_lock_irqsave(&out_lock, flags);
	if (redraw_len) {
		show_in_background(chunk, len);
	} else {
		/* A prompt is looked for at the start of its line. */
		if (at_prompt && *chunk != '\n')
			show_polled("\n", 1);
		if (held_len && !in_line)
			show_held();
		len = show(chunk, len);
	}
	raw_spin_unlock_irqrestore(&out_lock, flags);
	return len;
}

ssize_t tty_write(const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t nr = write_some(text + done, len - done);
		int err = 0;

		done += nr;
		if (!nr)
			err = wait_event_killable(room_queue,
						  uart_queue_room());
		if (err)
			return done ? (ssize_t)done : err;
	}
	return len;
}

void tty_fresh_line(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&out_lock, flags);
	if (in_line)
		show_polled("\n", 1);
	show_held();
	if (in_line)
		show_polled("\n", 1);
	raw_spin_unlock_irqrestore(&out_lock, flags);
}

void tty_write_prompt(const char *text, size_t len)
{
	unsigned long flags;

	tty_write(text, len);
	raw_spin_lock_irqsave(&out_lock, flags);
	at_prompt = true;
	raw_spin_unlock_irqrestore(&out_lock, flags);
}

void tty_output_room(void)
{
	wake_up(&room_queue);
}

/* -- The line being edited --------------------------------------------------- */

static void keep(char *at, size_t *at_len, size_t max, const char *text,
		 size_t len)
{
	*at_len = len <= max ? len : 0;
	memcpy(at, text, *at_len);
}

void tty_edit_show(const struct tty_line *line)
{
	unsigned long flags;
	size_t nr;

	wait_event_killable(room_queue,
			    uart_queue_room() >=
				    min(line->change_len, (size_t)CHUNK));
	raw_spin_lock_irqsave(&out_lock, flags);
	nr = show(line->change, line->change_len);
	show_polled(line->change + nr, line->change_len - nr);
	keep(redraw, &redraw_len, sizeof(redraw), line->redraw,
	     line->redraw_len);
	keep(erase, &erase_len, sizeof(erase), line->erase, line->erase_len);
	raw_spin_unlock_irqrestore(&out_lock, flags);
}

void tty_edit_end(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&out_lock, flags);
	redraw_len = erase_len = 0;
	raw_spin_unlock_irqrestore(&out_lock, flags);
}

/* -- The log ----------------------------------------------------------------- */

/* Not from under ourselves, and not in a panic: whoever holds it was stopped. */
static bool lock_bounded(void)
{
	u32 me = smp_processor_id() + 1;
	u64 start = arch_clock_ns();

	while (arch_clock_ns() - start < LOCK_NS) {
		if (raw_spin_trylock(&out_lock))
			return true;
		if (panic_in_progress() || READ_ONCE(out_lock.owner) == me)
			return false;
		cpu_relax();
	}
	return false;
}

static void log_write(struct console *con, const char *text, size_t len)
{
	unsigned long flags;
	bool locked;

	local_irq_save(flags);
	locked = lock_bounded();
	if (panic_in_progress())
		redraw_len = 0; /* nobody will edit it any more */
	if (locked && redraw_len) {
		show_above(text, len);
	} else {
		if (in_line)
			show_polled("\n", 1);
		show_polled(text, len);
	}
	if (locked)
		raw_spin_unlock(&out_lock);
	local_irq_restore(flags);
}

static struct console log_console = {
	.name = "tty",
	.write = log_write,
	.replaces_early = true,
};

/* -- The file ---------------------------------------------------------------- */

static ssize_t file_read_tty(struct file *f, void *buf, size_t size, off_t *pos)
{
	return tty_read_line(buf, size);
}

static ssize_t file_write_tty(struct file *f, const void *buf, size_t size,
			      off_t *pos)
{
	return tty_write(buf, size);
}

static const struct file_operations tty_file_ops = {
	.read = file_read_tty,
	.write = file_write_tty,
	.is_stream = true,
	.is_tty = true,
};

/* -- Starting ---------------------------------------------------------------- */

void tty_init(void)
{
	int err = uart_init(&tty_uart_client);

	register_console(&log_console);
	screen_leave_log();
	if (err && err != -ENODEV)
		pr_warn("COM1 cannot interrupt (error %d): output only\n", err);
	ps2kbd_init();
	console_set_tty(&tty_file_ops, NULL);
}
