/* SPDX-License-Identifier: MIT */
/* spin.c - keep a CPU busy, to look at in top and to kill. */
#include <sched.h>
#include <time.h>
#include <apps/app.h>
#include "arguments.h"

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

APP(spin, "keep a CPU busy: spin [SECONDS=for ever]")
{
	long seconds = argument(argc, argv, 1, 0, 1000000, 1000000000);
	volatile unsigned long turns = 0;
	double start = now(), spent;

	if (seconds < 0 || too_many(argc, argv, 1))
		return EXIT_USAGE;
	do {
		for (int i = 0; i < 100000; i++)
			turns++;
		sched_yield();
		spent = now() - start;
	} while (spent < seconds);
	printf("%lu turns in %.2f s\n", turns, spent);
	return 0;
}
