/* SPDX-License-Identifier: MIT */
/*
 * run.h - start the tests.
 *
 * A host runner asks for tests on the command line; main.c calls
 * tests_run_all() as the last thing of boot and starts the shell if it comes
 * back.
 */
#pragma once
#include <stdbool.h>

/*
 * Run what the command line asks for (test=GLOB or bench=GLOB), report on COM2
 * and leave the machine.  Returns only if it asks for nothing.  In a task.
 */
void tests_run_all(void);

/*
 * Run the tests whose suite.name matches @glob, for people: progress goes to
 * the console only.  Returns how many failed, or -1 if none matched.  In a
 * task; one caller at a time.
 */
int tests_run(const char *glob);
