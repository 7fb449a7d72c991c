/* SPDX-License-Identifier: MIT */
/*
 * shell.c - the prompt.
 *
 * With a person at the line it is an editor (edit.c); with shell.plain=1 it is
 * a protocol for programs: the prompt is written, exactly "tally> " at the start
 * of a line; a line is read, without echo but for its end; what it does is
 * written; then comes the next prompt.
 *
 * The shell is a task like others, and like others it can be killed; another
 * one then takes its place, and history and jobs are still there.  That is the
 * work of a thread of the kernel, which cannot be.
 *
 * Context: the shell's task.
 */
#include <arch/cpumask.h>
#include <boot/acpi.h>
#include <boot/boot_info.h>
#include <drivers/tty.h>
#include <kernel/task/newlib.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/task/kthread.h>
#include <mm/page/zone.h>
#include <string.h>
#include "edit_impl.h"
#include "shell_impl.h"

struct history shell_history;

static struct task *shell_task;
static struct edit edit;

/* For edit_render() and its like: a line, a newline at every 20th column or
 * less often, escape sequences and a prompt. */
#define RENDER_BYTES (EDIT_MAX + EDIT_MAX / 20 + 512)
static char change_bytes[RENDER_BYTES], redraw_bytes[RENDER_BYTES];

bool shell_is_current(void)
{
	return current == shell_task;
}

/* -- A line from a program --------------------------------------------------- */

static int read_plain(void)
{
	static u8 last; /* CR LF ends one line, not two */
	bool ends = false, fits = true;
	size_t len = 0;

	tty_write_prompt(SHELL_PROMPT, strlen(SHELL_PROMPT));
	while (!ends) {
		ssize_t nr;
		u8 key;

		nr = tty_read_keys(&key, 1, TTY_FOREVER);
		if (nr < 0)
			return nr;
		if (!nr)
			continue;
		ends = key == '\r' || (key == '\n' && last != '\r');
		last = key;
		if ((key < ' ' && key != '\t') || key == 0x7f)
			continue;
		fits = len < EDIT_MAX - 1;
		if (fits)
			edit.line[len++] = key;
	}
	tty_fresh_line();
	/* Half of a line is another one: do nothing rather than that. */
	if (!fits) {
		sh_error("a line has at most %d characters\n", EDIT_MAX - 1);
		len = 0;
	}
	edit.line[len] = '\0';
	return 0;
}

/* -- A line from a person ---------------------------------------------------- */

static void show(void)
{
	struct shell_text change = SHELL_TEXT(change_bytes);
	struct shell_text redraw = SHELL_TEXT(redraw_bytes);
	char erase_bytes[64];
	struct shell_text erase = SHELL_TEXT(erase_bytes);

	edit_render(&edit, &change);
	edit_erase(&edit, &erase);
	edit_redraw(&edit, &redraw);
	tty_edit_show(&(struct tty_line){
		.change = change.data,
		.change_len = change.len,
		.erase = erase.data,
		.erase_len = erase.len,
		.redraw = redraw.data,
		.redraw_len = redraw.len,
	});
}

/* The line is done with: the cursor goes below it. */
static void leave(const char *note)
{
	char bytes[64];
	struct shell_text text = SHELL_TEXT(bytes);

	show();
	tty_edit_end();
	if (*note)
		tty_write(note, strlen(note));
	edit_leave(&edit, &text);
	tty_write(text.data, text.len);
}

static enum edit_event take_key(u8 key)
{
	enum edit_event event = edit_key(&edit, key);

	switch (event) {
	case EDIT_MORE:
		break;
	case EDIT_COMPLETE:
		show();
		shell_complete(&edit);
		break;
	case EDIT_DONE:
		leave("");
		break;
	case EDIT_CANCEL:
		leave("^C");
		edit_start(&edit);
		break;
	case EDIT_END:
		leave("");
		sh_error("`poweroff' ends the machine\n");
		edit_start(&edit);
		break;
	}
	return event;
}

static int read_edited(void)
{
	edit.prompt = SHELL_PROMPT;
	edit.columns = tty_columns();
	edit.history = &shell_history;
	edit_start(&edit);
	for (;;) {
		ssize_t nr;
		u8 key;

		/* A paste is shown when it is over, not key by key. */
		if (!tty_has_keys())
			show();
		nr = tty_read_keys(&key, 1, TTY_FOREVER);
		if (nr < 0)
			return nr;
		if (nr && take_key(key) == EDIT_DONE)
			break;
	}
	history_add(&shell_history, edit.line);
	return 0;
}

/* -- The loop ---------------------------------------------------------------- */

static const char *door_name(void)
{
	return boot_info.door == BOOT_DOOR_PVH ? "PVH" : "multiboot2";
}

static void banner(void)
{
	char memory[SH_UNIT_CHARS], up[SH_UNIT_CHARS];
	struct page_info pages;

	page_get_info(&pages);
	sh_printf("\nTally %s\n", TALLY_VERSION);
	sh_printf("%u CPU%s, %s of memory in %u node%s, booted through %s%s "
		  "in %s\n",
		  num_online_cpus(), num_online_cpus() == 1 ? "" : "s",
		  sh_size(memory, pages.total * PAGE_SIZE), acpi_info.nr_nodes,
		  acpi_info.nr_nodes == 1 ? "" : "s", door_name(),
		  boot_info.uefi ? " on UEFI" : "",
		  sh_time(up, ktime_get_ns()));
	sh_printf("Type `help' for the commands.\n\n");
}

static int shell_main(void *unused)
{
	int status = 0, err;

	task_set_kernel_code();
	task_reent_prepare(); /* not in the books of the first test */
	shell_task = current;
	for (;;) {
		tty_fresh_line();
		jobs_reap();
		err = tty_plain ? read_plain() : read_edited();
		if (err)
			return err;
		status = shell_execute(edit.line, status);
	}
}

static int shell_keeper(void *unused)
{
	banner();
	for (;;) {
		struct task *t = task_run(shell_main, NULL, "shell");

		if (!t)
			panic("no memory for a shell");
		task_join(t);
		tty_edit_end();
		tty_foreground_end();
		sh_error("\nThe shell was killed; this is another one.\n");
	}
}

void shell_start(void)
{
	if (IS_ERR(kthread_run(shell_keeper, NULL, "shell-keeper")))
		panic("no memory for the shell");
}
