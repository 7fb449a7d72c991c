/* SPDX-License-Identifier: MIT */
/* cmd_basic.c - commands about commands, and those that every shell has. */
#include <drivers/tty.h>
#include <fs/files.h>
#include <kernel/core/clock.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <string.h>
#include "parse_impl.h"
#include "shell_impl.h"

/* -- help -------------------------------------------------------------------- */

#define MAX_NAMES 128

static void insert_sorted(const struct app **list, unsigned int *nr,
			  const struct app *app)
{
	unsigned int at = *nr;

	if (*nr == MAX_NAMES)
		return;
	for (; at && strcmp(list[at - 1]->name, app->name) > 0; at--)
		list[at] = list[at - 1];
	list[at] = app;
	++*nr;
}

static void print_sorted(const struct app **list, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		sh_printf("  %-10s %s\n", list[i]->name, list[i]->help);
}

static int help_all(void)
{
	const struct app *list[MAX_NAMES];
	const struct command *const *cmd;
	const struct app *const *app;
	unsigned int nr = 0;

	for_each_command(cmd)
		insert_sorted(list, &nr, &(*cmd)->app);
	sh_printf("Commands (`help COMMAND' says how one is used):\n");
	print_sorted(list, nr);
	nr = 0;
	for_each_app(app)
		insert_sorted(list, &nr, *app);
	sh_printf("Programs (`run' may be left out):\n");
	print_sorted(list, nr);
	sh_printf("COMMAND & runs in the background, > FILE and >> FILE take "
		  "the output,\n; separates, ^C stops, Tab completes.\n");
	return 0;
}

static int cmd_help(int argc, char **argv)
{
	const struct command *cmd;
	const struct app *app;

	if (argc == 1)
		return help_all();
	if (argc > 2)
		return sh_usage(argv[0]);
	cmd = command_find(argv[1]);
	if (cmd) {
		sh_printf("%s: %s\nusage: %s %s\n", cmd->app.name,
			  cmd->app.help, cmd->app.name, cmd->usage);
		return 0;
	}
	app = app_find(argv[1]);
	if (app) {
		sh_printf("%s: %s\n", app->name, app->help);
		return 0;
	}
	sh_error("help: there is no command '%.40s'\n", argv[1]);
	return 1;
}
COMMAND(help, "[COMMAND]", "what the commands are, or how one is used",
	cmd_help);

/* -- Running others ---------------------------------------------------------- */

static int cmd_run(int argc, char **argv)
{
	const struct app *app = argc > 1 ? app_find(argv[1]) : NULL;
	const struct app *const *p;

	if (app)
		return shell_run_program(app, argc - 1, argv + 1);
	if (argc > 1)
		sh_error("run: there is no program '%.40s'\n", argv[1]);
	sh_error("The programs are:");
	for_each_app(p)
		sh_error(" %s", (*p)->name);
	sh_error("\n");
	return SH_USAGE;
}
COMMAND(run, "APP [ARGUMENT...] [&]", "run a program", cmd_run);

/* Commands run in our own task, programs in theirs. */
static u64 computed(void)
{
	return task_cpu_time(current) + shell_programs_time();
}

static int cmd_time(int argc, char **argv)
{
	u64 wall = ktime_get_ns(), cpu = computed();
	char text[2][SH_UNIT_CHARS];
	int status;

	if (argc < 2)
		return sh_usage(argv[0]);
	status = sh_run(argc - 1, argv + 1);
	wall = ktime_get_ns() - wall;
	cpu = computed() - cpu;
	sh_error("%s, of which %s computing; status %d\n",
		 sh_time(text[0], wall), sh_time(text[1], cpu), status);
	return status;
}
COMMAND(time, "COMMAND [ARGUMENT...]", "how long a command takes", cmd_time);

static int cmd_watch(int argc, char **argv)
{
	unsigned long seconds = 2;
	int skip = 1;

	if (argc > 2 && !strcmp(argv[1], "-n")) {
		if (!sh_number(argv[0], argv[2], 1, 3600, &seconds))
			return SH_USAGE;
		skip = 3;
	}
	if (argc <= skip || *argv[skip] == '-')
		return sh_usage(argv[0]);
	if (!shell_find(argv[skip]))
		return sh_run(argc - skip, argv + skip); /* says so, once */
	do {
		if (!tty_plain)
			sh_printf("\033[H\033[2J");
		sh_run(argc - skip, argv + skip);
	} while (!tty_sleep(seconds * NSEC_PER_SEC) && !sh_interrupted());
	return 0;
}
COMMAND(watch, "[-n SECONDS] COMMAND [ARGUMENT...]",
	"run a command again and again, until ^C", cmd_watch);

/* -- Small ones -------------------------------------------------------------- */

/* One write, so that a control file sees all of it. */
static int cmd_echo(int argc, char **argv)
{
	bool newline = argc < 2 || strcmp(argv[1], "-n");
	char bytes[PARSE_MAX_TEXT + 1];
	struct shell_text text = SHELL_TEXT(bytes);
	int first = newline ? 1 : 2, err;

	for (int i = first; i < argc; i++) {
		if (i > first)
			shell_text_puts(&text, " ");
		shell_text_puts(&text, argv[i]);
	}
	if (newline)
		shell_text_puts(&text, "\n");
	err = sh_write(text.data, text.len);
	if (err)
		sh_error("echo: %s\n", sh_strerror(err));
	return err ? 1 : 0;
}
COMMAND(echo, "[-n] [WORD...]", "write words; with > FILE, to a file",
	cmd_echo);

/* "1.5", "200ms", "10": nanoseconds. */
static bool parse_seconds(const char *s, u64 *ns)
{
	u64 whole = 0, part = 0, unit = NSEC_PER_SEC;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9' && whole < 100000000; s++)
		whole = whole * 10 + *s - '0';
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++) {
			unit /= 10; /* 0 from the tenth digit on */
			part += (*s - '0') * unit;
		}
	}
	*ns = whole * NSEC_PER_SEC + part;
	return !*s && whole < 100000000;
}

static int cmd_sleep(int argc, char **argv)
{
	u64 ns;

	if (argc != 2)
		return sh_usage(argv[0]);
	if (!parse_seconds(argv[1], &ns)) {
		sh_error("sleep: '%.40s' is not a time in seconds, such as 2 "
			 "or 0.5\n",
			 argv[1]);
		return SH_USAGE;
	}
	if (shell_is_current())
		return tty_sleep(ns) ? 1 : 0;
	return sleep_ns_killable(ns) ? 1 : 0;
}
COMMAND(sleep, "SECONDS", "wait", cmd_sleep);

static int cmd_pwd(int argc, char **argv)
{
	sh_printf("%s\n", files_cwd());
	return 0;
}
COMMAND(pwd, "", "the working directory", cmd_pwd);

static int cmd_cd(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/";
	int err;

	if (argc > 2)
		return sh_usage(argv[0]);
	err = files_chdir(dir);
	if (err)
		sh_error("cd: %s: %s\n", dir, sh_strerror(err));
	return err ? 1 : 0;
}
COMMAND(cd, "[DIRECTORY]", "change the working directory, of programs too",
	cmd_cd);

static int cmd_clear(int argc, char **argv)
{
	if (!tty_plain)
		sh_printf("\033[H\033[2J");
	return 0;
}
COMMAND(clear, "", "clear the screen", cmd_clear);

static int cmd_history(int argc, char **argv)
{
	if (!shell_is_current()) {
		sh_error("history: only in front\n");
		return 1;
	}
	for (unsigned int back = shell_history.nr; back; back--)
		sh_printf("%5u  %s\n",
			  shell_history.nr_forgotten + shell_history.nr - back +
				  1,
			  history_get(&shell_history, back));
	return 0;
}
COMMAND(history, "", "what has been typed", cmd_history);
