/* SPDX-License-Identifier: MIT */
/*
 * shell.h - commands, and what they are written with.
 *
 *	static int uptime(int argc, char **argv)
 *	{
 *		sh_printf("up %llu s\n", ktime_get_ns() / NSEC_PER_SEC);
 *		return 0;
 *	}
 *	COMMAND(uptime, "", "how long the machine has been up", uptime);
 *
 * A command is a main(): argv[0] is its name, the result its exit status, 0 for
 * success.  In front it runs in the shell's task, behind an & in its own; it is
 * kernel code, so it has no floating point and no printf().
 */
#pragma once
#include <apps/app.h>
#include <lib/compiler.h>
#include <lib/types.h>

struct command {
	struct app app; /* name, help and function: so it can be started */

	/* The arguments: [OPTIONAL], REPEATED...  A word that says what it is
	 * (APP, COMMAND, PARAMETER, TESTS, FILE...: complete.c) makes Tab
	 * complete it.  "" refuses all of them, and fn need not look. */
	const char *usage;
};

#define COMMAND(name_, usage_, help_, fn_)                                     \
	static const struct command command_##name_ = {                        \
		.app = {.name = #name_, .help = help_, .main = fn_},           \
		.usage = usage_,                                               \
	};                                                                     \
	static const struct command *const command_##name_##_ptr __used        \
		__section(".registry.commands") = &command_##name_

extern const struct command *const __registry_commands_start[];
extern const struct command *const __registry_commands_end[];

/* @p is a const struct command *const *. */
#define for_each_command(p)                                                    \
	for (p = __registry_commands_start; p < __registry_commands_end; p++)

/* What commands return when their arguments make no sense. */
#define SH_USAGE 2

/* Write to the command's output; and to the terminal, whatever the output is.
 * printf at most 1 KiB at a time.  0, or a negative errno. */
int sh_write(const char *text, size_t len);
int sh_printf(const char *fmt, ...) __printf(1, 2);
int sh_error(const char *fmt, ...) __printf(1, 2);

/* Say how @name is used; returns SH_USAGE. */
int sh_usage(const char *name);

/* @arg as a number from @min to @max.  False, and it has been said what was
 * expected, if it is something else. */
bool sh_number(const char *name, const char *arg, unsigned long min,
	       unsigned long max, unsigned long *res);

/* Has ^C been typed, or is the task to end?  For loops that last. */
bool sh_interrupted(void);

/* Run a command or program in front and return its status, as if it had been
 * typed without an &. */
int sh_run(int argc, char **argv);

/* By name from the first task: the shell, in a task of its own, for ever. */
void shell_start(void);
