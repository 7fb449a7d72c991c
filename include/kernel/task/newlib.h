/* SPDX-License-Identifier: MIT */
/*
 * newlib.h - what a task has of newlib: its reent and its heap.
 *
 * To newlib a task is a process.  errno, streams, exit handlers and malloc are
 * the calling task's own, and end with it; both reent and heap are made when
 * first needed.  Locale and environment are everybody's: setenv() is not for
 * tasks.
 */
#pragma once
#include <stdbool.h>

struct heap;
struct task;

/* The current task's heap; NULL when there is no memory for one. */
struct heap *task_heap(void);

/*
 * Make the current task's reent now, so that it cannot fail later.  Returns
 * false when there is no memory.
 */
bool task_reent_prepare(void);

/*
 * By the exiting task @t: runs its exit handlers and flushes and closes its
 * streams, unless it was killed or they have run.
 */
void task_reent_exit(struct task *t);

/* Drops what the exiting task @t holds of newlib's own locks. */
void newlib_locks_release(struct task *t);

/* Gives back the heap of @t, which no longer runs, or is about to end. */
void task_heap_release(struct task *t);
