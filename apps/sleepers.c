/* SPDX-License-Identifier: MIT */
/*
 * sleepers.c - many tasks that mostly sleep.
 *
 * Shows how a program makes tasks of its own: it starts them with task_run(),
 * waits for each with task_join(), and must not end before they do, since what
 * they were given lies on its stack.  A kill is for one task: it hands its own on.
 */
#include <unistd.h>
#include <kernel/task/task.h>
#include <apps/app.h>
#include "arguments.h"

#define SLEEPERS_MAX 500

struct plan {
	long naps;
	long ms;
};

/* The exit code is how often it slept. */
static int sleeper(void *arg)
{
	const struct plan *plan = arg;
	int slept = 0;

	for (long i = 0; i < plan->naps; i++)
		slept += !usleep(plan->ms * 1000);
	return slept;
}

/* Until all have ended; if we are killed meanwhile, they are too. */
static long join_all(struct task *const task[], long nr)
{
	long sum = 0;
	int code;

	for (long i = 0; i < nr; i++) {
		if (!task_wait_killable(task[i], &code))
			continue;
		for (long j = i; j < nr; j++)
			task_kill(task[j]);
		break;
	}
	for (long i = 0; i < nr; i++)
		sum += task_join(task[i]);
	return sum;
}

APP(sleepers, "start tasks that sleep: sleepers [TASKS=10] [NAPS=5] [MS=100]")
{
	long tasks = argument(argc, argv, 1, 1, SLEEPERS_MAX, 10);
	struct plan plan = {
		.naps = argument(argc, argv, 2, 0, 1000000, 5),
		.ms = argument(argc, argv, 3, 0, 1000000, 100),
	};
	struct task *task[SLEEPERS_MAX];
	long started = 0, naps;

	if (tasks < 0 || plan.naps < 0 || plan.ms < 0 ||
	    too_many(argc, argv, 3))
		return EXIT_USAGE;
	while (started < tasks) {
		task[started] = task_run(sleeper, &plan, "sleeper");
		if (!task[started])
			break;
		started++;
	}
	naps = join_all(task, started);
	printf("%ld task%s slept %ld times\n", started, started == 1 ? "" : "s",
	       naps);
	return started == tasks ? 0 : EXIT_FAILURE;
}
