/* SPDX-License-Identifier: MIT */
/*
 * run.h - start the tests.
 *
 * A host runner asks for tests on the command line; main.c calls
 * tests_run_all() as the last thing of boot and starts the shell if it comes
 * back.
 */
#pragma once
#include <lib/types.h>

/*
 * Run what the command line asks for (test=GLOB or bench=GLOB), report on COM2
 * and leave the machine.  Returns only if it asks for nothing.  In a task.
 */
void tests_run_all(void);

/*
 * Run the tests, or the benchmarks, whose suite.name matches @glob, for people:
 * on the console.  Return how many failed, -ENOENT if none matched, or -EBUSY
 * if some run already.  @seed is what random tests draw from, 0 for another one
 * each time.  In a task.  A test that hangs panics, as everywhere.
 */
int tests_run(const char *glob, u64 seed);
int benches_run(const char *glob);

/* Whom such a run asks before each test whether to stop there; NULL for nobody. */
void tests_set_stop(bool (*should_stop)(void));

/* The suite and name of the @i-th test, or benchmark that benches_run() would
 * run, for completion; false when there is none. */
bool tests_name(unsigned int i, const char **suite, const char **name);
bool benches_name(unsigned int i, const char **suite, const char **name);
