/* SPDX-License-Identifier: MIT */
/*
 * exec.c - run what a line says.
 *
 * A command in front is called, a program in front is a task that is waited
 * for; both can be stopped by ^C.  Behind an & either is a task of its own
 * (jobs.c).  Output is redirected by giving descriptor 1 to the file while the
 * command runs, or starts, since tasks inherit it.
 *
 * Context: the shell's task, and sh_run() any task that a command runs in.
 */
#include <errno.h>
#include <fcntl.h>
#include <drivers/tty.h>
#include <fs/files.h>
#include <fs/vfs.h>
#include <kernel/task/task.h>
#include <lib/atomic.h>
#include <lib/err.h>
#include <lib/math.h>
#include <string.h>
#include "parse_impl.h"
#include "shell_impl.h"

#define STATUS_CANNOT_RUN 126
#define STATUS_UNKNOWN	  127

/* -- Finding ----------------------------------------------------------------- */

const struct command *command_find(const char *name)
{
	const struct command *const *p;

	for_each_command(p) {
		if (!strcmp((*p)->app.name, name))
			return *p;
	}
	return NULL;
}

const struct app *shell_find(const char *name)
{
	const struct command *cmd = command_find(name);

	return cmd ? &cmd->app : app_find(name);
}

/* How many letters must be changed, added or dropped to make one the other. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[24];
	size_t len = strlen(b);

	if (len >= ARRAY_SIZE(row))
		return ~0u;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			unsigned int above = row[j];
			unsigned int swap = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = min(min(above, row[j - 1]) + 1, swap);
			diagonal = above;
		}
	}
	return row[len];
}

static void consider(const char *name, const char *candidate, const char **best,
		     unsigned int *best_distance)
{
	unsigned int d = distance(name, candidate);

	if (d < *best_distance) {
		*best = candidate;
		*best_distance = d;
	}
}

static int say_unknown(const char *name)
{
	const struct command *const *cmd;
	const struct app *const *app;
	const char *best = NULL;
	/* Nearer than: two letters, and not all of a short one. */
	unsigned int d = min(strlen(name), (size_t)3);

	for_each_command(cmd)
		consider(name, (*cmd)->app.name, &best, &d);
	for_each_app(app)
		consider(name, (*app)->name, &best, &d);
	if (best)
		sh_error("%.40s: no such command; did you mean %s?\n", name,
			 best);
	else
		sh_error("%.40s: no such command; `help' lists them\n",
			 *name ? name : "''");
	return STATUS_UNKNOWN;
}

/* -- Running ----------------------------------------------------------------- */

/* Until @t has ended; if we are killed first, then so is @t. */
static int wait_for(struct task *t)
{
	int status;

	if (task_wait_killable(t, &status)) {
		task_kill(t);
		status = task_wait(t);
	}
	return status;
}

/* What programs in front have computed, all together. */
static atomic_long_t programs_ns;

u64 shell_programs_time(void)
{
	return atomic_long_read(&programs_ns);
}

int shell_run_program(const struct app *app, int argc, char **argv)
{
	struct task *t = app_start(app, argc, argv);
	int status;

	if (IS_ERR(t)) {
		sh_error("%s: cannot start: %s\n", app->name,
			 sh_strerror(PTR_ERR(t)));
		return STATUS_CANNOT_RUN;
	}
	if (shell_is_current())
		tty_foreground_program(t);
	status = wait_for(t);
	if (shell_is_current())
		tty_foreground_program(NULL);
	atomic_long_add(task_cpu_time(t), &programs_ns);
	put_task(t);
	return status;
}

/* A command whose usage is empty need not look for itself. */
static bool takes_arguments(const struct command *cmd, int argc)
{
	return argc == 1 || *cmd->usage;
}

int sh_run(int argc, char **argv)
{
	const struct command *cmd = command_find(argv[0]);
	const struct app *app;

	if (cmd && !takes_arguments(cmd, argc))
		return sh_usage(argv[0]);
	if (cmd)
		return cmd->app.main(argc, argv);
	app = app_find(argv[0]);
	return app ? shell_run_program(app, argc, argv) : say_unknown(argv[0]);
}

static int run_in_background(int argc, char **argv)
{
	const struct command *cmd = command_find(argv[0]);
	const struct app *app = NULL;

	if (cmd && !takes_arguments(cmd, argc))
		return sh_usage(argv[0]);
	/* `run' need not be waited for: the program itself is the job. */
	if (!strcmp(argv[0], "run") && argc > 1)
		app = app_find(argv[1]);
	if (app) {
		argc--;
		argv++;
	} else {
		app = shell_find(argv[0]);
	}
	return app ? job_start(app, argc, argv) : say_unknown(argv[0]);
}

static int run_in_front(int argc, char **argv)
{
	int status;

	tty_foreground_begin();
	status = sh_run(argc, argv);
	if (tty_interrupted())
		sh_error("^C\n");
	else if (status == TASK_KILLED)
		sh_error("killed\n");
	tty_foreground_end();
	return status;
}

/* -- Output to files --------------------------------------------------------- */

/* Takes over the reference to @f; returns what descriptor 1 was before, and
 * its reference.  ERR_PTR, and then nothing has changed. */
static struct file *exchange_output(struct file *f)
{
	struct file *before = files_get(1);
	int fd;

	if (IS_ERR(before))
		return before;
	fd = files_install(f, 3);
	if (fd < 0) {
		file_put(before);
		return ERR_PTR(fd);
	}
	files_replace(fd, 1);
	files_close(fd);
	return before;
}

static struct file *redirect(const struct parsed *cmd)
{
	int flags = O_WRONLY | O_CREAT | (cmd->append ? O_APPEND : O_TRUNC);
	struct file *f = vfs_open(cmd->file, flags, 0644), *before;

	if (IS_ERR(f))
		return f;
	before = exchange_output(f);
	if (IS_ERR(before))
		file_put(f);
	return before;
}

static void restore_output(struct file *terminal)
{
	struct file *f = exchange_output(terminal);

	if (IS_ERR(f))
		file_put(terminal);
	else
		file_put(f);
}

static int run_command(struct parsed *cmd)
{
	struct file *terminal = NULL;
	int status;

	if (cmd->file) {
		terminal = redirect(cmd);
		if (IS_ERR(terminal)) {
			sh_error("%s: %s\n", cmd->file,
				 sh_strerror(PTR_ERR(terminal)));
			return 1;
		}
	}
	if (cmd->background)
		status = run_in_background(cmd->argc, cmd->argv);
	else
		status = run_in_front(cmd->argc, cmd->argv);
	if (terminal)
		restore_output(terminal);
	return status;
}

int shell_execute(const char *line, int status)
{
	static struct parsed cmd; /* of the one shell */
	const char *error;
	int found;

	while ((found = parse_command(&line, status, &cmd, &error)) > 0)
		status = run_command(&cmd);
	if (found < 0) {
		sh_error("%s\n", error);
		status = SH_USAGE;
	}
	return status;
}
