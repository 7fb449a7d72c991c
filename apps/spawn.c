/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - tasks that take memory, some with tasks of their own.
 *
 * What a task is to do is packed into its argument: a parent that is killed, for
 * lack of memory say, must leave nothing behind that a child still reads.  Its
 * children finish by themselves, or are told to by the parent's last act.
 */
#include <string.h>
#include <unistd.h>
#include <kernel/task/task.h>
#include <apps/app.h>
#include "arguments.h"
#include "options.h"

#define TASKS_MAX 500
#define NESTED	  2 /* children of a child */

union plan {
	struct {
		unsigned int pages;
		unsigned short ms;
		unsigned char depth;
	};
	void *packed;
};
_Static_assert(sizeof(union plan) == sizeof(void *), "it is an argument");

static int child(void *arg);

/*
 * Start @nr tasks and wait until all have ended; how many returned 0.  In
 * between it must not be ended, or nobody would let go of them: so it does what
 * the kernel does.
 */
static long spawn(long nr, union plan plan, long *started)
{
	struct task *task[TASKS_MAX];
	long well = 0;
	int code;

	task_enter_kernel();
	for (*started = 0; *started < nr; ++*started) {
		union plan its = plan;

		/* Every other one has children. */
		if (*started % 2 == 0)
			its.depth = 0;
		task[*started] = task_run(child, its.packed, "spawned");
		if (!task[*started])
			break;
	}
	for (long i = 0; i < *started; i++) {
		if (!task_wait_killable(task[i], &code))
			continue;
		/* We are killed: so are they. */
		for (long j = i; j < *started; j++)
			task_kill(task[j]);
		break;
	}
	for (long i = 0; i < *started; i++)
		well += task_join(task[i]) == 0;
	task_leave_kernel();
	return well;
}

static int child(void *arg)
{
	union plan plan = {.packed = arg};
	size_t size = (size_t)plan.pages * 4096;
	long started;
	char *p = malloc(size);

	if (!p)
		return 1;
	memset(p, 1, size);
	usleep(plan.ms * 1000);
	if (plan.depth) {
		plan.depth--;
		if (spawn(NESTED, plan, &started) != NESTED)
			return 1;
	}
	free(p);
	return 0;
}

APP(spawn, "tasks that take memory: spawn [TASKS=10] [SIZE=1M] [--depth N]")
{
	long tasks = 10, size = 1 << 20, depth = 1, ms = 0, started, well;
	const struct option options[] = {
		{"TASKS", "how many", &tasks, 1, TASKS_MAX, 0},
		{"SIZE", "what each takes", &size, 1, 1l << 40, OPTION_SIZE},
		{"--depth", "children's children, so many times", &depth, 0, 5,
		 0},
		{"--ms", "milliseconds each keeps it", &ms, 0, 60000, 0},
		{NULL, NULL, NULL, 0, 0, 0},
	};
	int code = options_read(argc, argv, options);
	double start = seconds_now();
	union plan plan;
	char text[16];

	if (code >= 0)
		return code;
	plan = (union plan){{(size + 4095) / 4096, ms, depth}};
	well = spawn(tasks, plan, &started);
	printf("spawn: %ld tasks of %s, depth %ld, in %.2f s; %ld ended well\n",
	       started, size_text(text, size), depth, seconds_now() - start,
	       well);
	return well == tasks ? 0 : EXIT_FAILURE;
}
