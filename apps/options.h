/* SPDX-License-Identifier: MIT */
/*
 * options.h - a program's command line, described once and read by it.
 *
 *	long size = 64 << 20, hold = 0;
 *	const struct option options[] = {
 *		{"SIZE", "how much", &size, 1, 1l << 40, OPTION_SIZE},
 *		{"--hold", "seconds to keep it", &hold, 0, 100000},
 *		{NULL},
 *	};
 *	int code = options_read(argc, argv, options);
 *
 *	if (code >= 0)
 *		return code;
 *
 * Names that begin with "--" are options, with a value behind; the others are
 * arguments, in that order.  All may be left out.
 */
#pragma once

#define OPTION_SIZE 1 /* bytes: "64M" */
#define OPTION_FLAG 2 /* no value: becomes 1 */

struct option {
	const char *name;
	const char *help;
	long *value; /* what it is when nothing is given */
	long min, max;
	int kind;
};

/* -1: go on.  Else the program ends with this code: help was asked for and
 * given, or it has been said what makes no sense. */
int options_read(int argc, char **argv, const struct option *options);

/* 12345678 as "11.8 MiB". */
const char *size_text(char buf[16], double bytes);

/* Seconds since boot. */
double seconds_now(void);
