/* SPDX-License-Identifier: MIT */
/*
 * tty.h - the terminal: keys come in, text goes out, the log comes between.
 *
 * Keys come from the serial line and the keyboard, in the bytes that a terminal
 * sends; text goes to the serial line and the screen.  There is one terminal,
 * and it is the printk console, too: it knows what is on the last line, moves
 * that out of the log's way and puts it back behind.
 *
 * Tasks unless said otherwise.
 */
#pragma once
#include <lib/types.h>

struct task;

/* No escape sequences, no echo: the other end is a program.  shell.plain=1 */
extern bool tty_plain;

/* Characters in a line: tty.columns=, rows: tty.rows=. */
unsigned int tty_columns(void);
unsigned int tty_rows(void);

/* Drivers, and the console of the log.  By name from the first task, after
 * fs_init(): from here on descriptors 0 to 2 are the terminal. */
void tty_init(void);

/* -- Output ------------------------------------------------------------------ */

/* All of it, waiting for room; @len, or -EINTR when killed first. */
ssize_t tty_write(const char *text, size_t len);

/* End the last line, if what was written last did not. */
void tty_fresh_line(void);

/* Of a plain terminal, where no line is put back: what others write from now on
 * begins a line of its own. */
void tty_write_prompt(const char *text, size_t len);

/*
 * A line that is being edited.  @change is what leads from what is shown to what
 * shall be shown; @erase wipes it out again, and @redraw shows it anew, from
 * where @erase left.  The log uses both.  Without a line: tty_edit_end().
 */
struct tty_line {
	const char *change, *erase, *redraw;
	size_t change_len, erase_len, redraw_len;
};
#define TTY_REDRAW_MAX 2048
void tty_edit_show(const struct tty_line *line);
void tty_edit_end(void);

/* -- Input ------------------------------------------------------------------- */

#define TTY_CTRL(letter) ((letter)&0x1f)
#define TTY_FOREVER	 S64_MAX

/*
 * What has been typed, as it is: at least a byte, or 0 when @ns have passed, or
 * -EINTR when the task was killed first.
 */
ssize_t tty_read_keys(u8 *bytes, size_t size, s64 ns);

/* Would it have something at once? */
bool tty_has_keys(void);

/*
 * A line, as a program reads it: echoed, edited by Backspace, ^U and ^W, and
 * ended by Enter.  0 after ^D on an empty line.  -EIO while nobody may read:
 * the shell is at its prompt, so the reader runs in the background.
 */
ssize_t tty_read_line(char *buf, size_t size);

/* Driver's side: @nr bytes came.  Any context but NMI. */
void tty_input(const u8 *bytes, size_t nr);

/* -- Who is in front --------------------------------------------------------- */

/*
 * Between these ^C is no key: it makes tty_interrupted() true and kills the
 * program in front, if there is one (NULL: none), and programs may read.
 */
void tty_foreground_begin(void);
void tty_foreground_end(void);
void tty_foreground_program(struct task *program);

/* ^C since tty_foreground_begin(). */
bool tty_interrupted(void);

/* Sleep; -EINTR when cut short by ^C or a kill. */
int tty_sleep(s64 ns);
