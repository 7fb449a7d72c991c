/* SPDX-License-Identifier: MIT */
/*
 * app.h - programs that are part of the image.
 *
 *	APP(hello, "say hello")
 *	{
 *		printf("hello, %s\n", argc > 1 ? argv[1] : "world");
 *		return 0;
 *	}
 *
 * The body is a main(): argv[0] is the name, the result is the exit code.  It
 * runs in a task of its own, in ordinary C over newlib, floating point
 * included, and ends with everything it opened and allocated.
 *
 * Killing.  A program that is killed ends at its next system call, or where it
 * touches memory that is not there yet (kernel/task/task.h).  One that
 * computes for long calls sched_yield() now and then.
 */
#pragma once
#include <lib/compiler.h>

struct task;

struct app {
	const char *name;
	const char *help; /* one line: what it does, and its arguments */
	int (*main)(int argc, char **argv);
};

#define APP(name_, help_)                                                      \
	static int app_main_##name_(int argc, char **argv);                    \
	static const struct app app_##name_ = {                                \
		.name = #name_,                                                \
		.help = help_,                                                 \
		.main = app_main_##name_,                                      \
	};                                                                     \
	static const struct app *const app_##name_##_ptr                       \
		__attribute__((used, section(".registry.apps"))) =             \
			&app_##name_;                                          \
	static int app_main_##name_(int argc, char **argv)

extern const struct app *const __registry_apps_start[];
extern const struct app *const __registry_apps_end[];

/* @p is a const struct app *const *. */
#define for_each_app(p)                                                        \
	for (p = __registry_apps_start; p < __registry_apps_end; p++)

/* NULL when there is none of that name. */
const struct app *app_find(const char *name);

/*
 * Start @app with a copy of @argv, and with the caller's open files and working
 * directory.  Returns the task with a reference for the caller, who may wait
 * for it with task_join() or drop it; or ERR_PTR(-ENOMEM).
 */
struct task *app_start(const struct app *app, int argc, char *const argv[]);

/* The caller is about to wait for nothing else: starts @app, and gives its exit
 * code or a negative errno. */
int app_run(const struct app *app, int argc, char *const argv[]);
