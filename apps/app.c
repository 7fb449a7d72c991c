/* SPDX-License-Identifier: MIT */
/*
 * app.c - start a program as a task.
 *
 * What a program gets is made before it runs, so that a start fails as a whole
 * or not at all: an arena with a heap, the arguments in it, and the open files.
 * All of it belongs to the task from then on and ends with it.
 *
 * Context: tasks.
 */
#include <string.h>
#include <apps/app.h>
#include <fs/files.h>
#include <kernel/task/heap.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <mm/virt/arena.h>

/* In the program's heap, with the arguments' text behind. */
struct app_arguments {
	const struct app *app;
	int argc;
	char *argv[];
};

const struct app *app_find(const char *name)
{
	const struct app *const *p;

	for_each_app(p) {
		if (!strcmp((*p)->name, name))
			return *p;
	}
	return NULL;
}

/* A command behind an & is started as a program, too. */
static bool is_program(const struct app *app)
{
	return app_find(app->name) == app;
}

static int app_entry(void *arg)
{
	struct app_arguments *args = arg;

	if (!task_reent_prepare())
		return 127;
	if (!is_program(args->app))
		task_set_kernel_code();
	return args->app->main(args->argc, args->argv);
}

static struct app_arguments *copy_arguments(struct heap *heap,
					    const struct app *app, int argc,
					    char *const argv[])
{
	struct app_arguments *args;
	size_t size = sizeof(*args) + (argc + 1) * sizeof(char *);
	char *text;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	args = heap_alloc(heap, HEAP_ALIGN, size);
	if (!args)
		return NULL;
	args->app = app;
	args->argc = argc;
	text = (char *)&args->argv[argc + 1];
	for (int i = 0; i < argc; i++) {
		args->argv[i] = text;
		text = stpcpy(text, argv[i]) + 1;
	}
	args->argv[argc] = NULL;
	return args;
}

struct task *app_start(const struct app *app, int argc, char *const argv[])
{
	struct anon_arena *arena = arena_create();
	struct heap *heap = arena ? heap_create_in(arena, app->name) : NULL;
	struct app_arguments *args;
	struct task *t;

	args = heap ? copy_arguments(heap, app, argc, argv) : NULL;
	t = args ? task_create(app_entry, args, app->name) : NULL;
	if (!t) {
		if (heap)
			heap_abandon(heap);
		if (arena)
			arena_destroy(arena);
		return ERR_PTR(-ENOMEM);
	}
	arena_set_owner(arena, t);
	t->arena = arena;
	t->heap = heap;
	if (files_inherit(t)) {
		task_abandon(t);
		return ERR_PTR(-ENOMEM);
	}
	wake_up_new_task(t);
	return t;
}

int app_run(const struct app *app, int argc, char *const argv[])
{
	struct task *t = app_start(app, argc, argv);

	return IS_ERR(t) ? PTR_ERR(t) : task_join(t);
}
