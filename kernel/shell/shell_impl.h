/* SPDX-License-Identifier: MIT */
/*
 * shell_impl.h - the parts of the shell, to each other.
 *
 *	shell.c		the prompt: reads a line, runs it
 *	edit.c		editing a line, pure
 *	history.c	earlier lines
 *	complete.c	what Tab finds
 *	parse.c		a line as words, pure
 *	exec.c		commands and programs, in front
 *	jobs.c		and in the background
 *	print.c		what commands write with
 *	cmd_*.c		the commands
 */
#pragma once
#include <kernel/shell/shell.h>
#include "history_impl.h"
#include "text_impl.h"

struct edit;

#define TALLY_VERSION "0.1"
#define SHELL_PROMPT  "tally> "

/* The shell's task, of which there is one at a time. */
bool shell_is_current(void);

extern struct history shell_history;

/* -- exec.c -- */

/* Run the line's commands, one after the other; the last one's status. */
int shell_execute(const char *line, int status);

/* Start a program and wait for it; its status. */
int shell_run_program(const struct app *app, int argc, char **argv);

/* ns that programs which were waited for have computed, since boot. */
u64 shell_programs_time(void);

/* NULL when there is none; a command comes before a program. */
const struct command *command_find(const char *name);
const struct app *shell_find(const char *name);

/* -- jobs.c -- */

#define MAX_JOBS 16

/* Numbered from 1. */
bool job_exists(unsigned int nr);

/* Start in the background, and say so.  Returns the exit status. */
int job_start(const struct app *app, int argc, char **argv);

/* Say which have ended, and forget them. */
void jobs_reap(void);

/* -- complete.c -- */

/* Complete the word at the cursor as far as it is certain; if nothing is, list
 * what could come. */
void shell_complete(struct edit *e);

/* -- print.c -- */

/* "12.5 GiB", "640 KiB"; "3 d 04:05:06", "12.345 s". */
#define SH_UNIT_CHARS 24
const char *sh_size(char buf[SH_UNIT_CHARS], u64 bytes);
const char *sh_time(char buf[SH_UNIT_CHARS], u64 ns);

/* "no memory" for -ENOMEM. */
const char *sh_strerror(int err);
