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
 * Ends what @t has of newlib, its open files and its memory.  Called by
 * task_exit(), first of all, in the ending task: unless it was killed, exit
 * handlers run with @code and streams are flushed, as when a program returns
 * from main().  Also for a task that never started.
 */
void task_newlib_exit(struct task *t, int code);

/*
 * The current task is ending by _exit() or by a mistake of its own: no
 * handlers, no flushing.
 */
void task_newlib_abort(void);

/* For fs: who closes a task's files, when its streams are done. */
void task_set_files_hook(void (*release)(struct task *t));

/* Drops what the ending task @t holds of newlib's own locks. */
void newlib_locks_release(struct task *t);
