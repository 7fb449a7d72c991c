/* SPDX-License-Identifier: MIT */
/* arguments.h - numbers from a program's command line. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What programs return for arguments that make no sense. */
#define EXIT_USAGE 2

/*
 * Argument @i as a number from @min to @max, or @otherwise if it is not given.
 * Says what was expected, and returns -1, when it is something else.
 */
static inline long argument(int argc, char **argv, int i, long min, long max,
			    long otherwise)
{
	char *end;
	long n;

	if (i >= argc)
		return otherwise;
	errno = 0;
	n = strtol(argv[i], &end, 0);
	if (errno || end == argv[i] || *end || n < min || n > max) {
		fprintf(stderr, "%s: '%s' is not a number from %ld to %ld\n",
			argv[0], argv[i], min, max);
		return -1;
	}
	return n;
}

/* Are there more than @max?  Then it has been said. */
static inline bool too_many(int argc, char **argv, int max)
{
	if (argc - 1 <= max)
		return false;
	fprintf(stderr,
		"%s: too many arguments; `help %s' says what it takes\n",
		argv[0], argv[0]);
	return true;
}
