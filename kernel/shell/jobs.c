/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - what runs in the background.
 *
 * The table holds a reference to each task, so that its exit status can be
 * told, before the next prompt.
 *
 * Context: the shell's task fills and clears the table; `jobs' and `kill' may
 * run in others.  Lock: jobs_lock, for both but the shell's own looking.
 */
#include <errno.h>
#include <kernel/core/mutex.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/parse.h>
#include <string.h>
#include <drivers/tty.h>
#include "shell_impl.h"

static DEFINE_MUTEX(jobs_lock);

struct job {
	struct task *task; /* NULL: free */
	char what[48];
};
static struct job jobs[MAX_JOBS];

static unsigned int number_of(const struct job *job)
{
	return job - jobs + 1;
}

bool job_exists(unsigned int nr)
{
	return nr >= 1 && nr <= MAX_JOBS && jobs[nr - 1].task;
}

static struct job *free_job(void)
{
	for (int i = 0; i < MAX_JOBS; i++) {
		if (!jobs[i].task)
			return &jobs[i];
	}
	return NULL;
}

static void describe(char *buf, size_t size, int argc, char **argv)
{
	size_t len = 0;

	for (int i = 0; i < argc; i++)
		len += scnprintf(buf + len, size - len, "%s%s", i ? " " : "",
				 argv[i]);
}

int job_start(const struct app *app, int argc, char **argv)
{
	struct job *job = free_job();
	struct task *t;

	if (!job) {
		sh_error("%s: %d jobs are enough\n", argv[0], MAX_JOBS);
		return 1;
	}
	t = app_start(app, argc, argv);
	if (IS_ERR(t)) {
		sh_error("%s: cannot start: %s\n", argv[0],
			 sh_strerror(PTR_ERR(t)));
		return 1;
	}
	mutex_lock(&jobs_lock);
	job->task = t;
	describe(job->what, sizeof(job->what), argc, argv);
	mutex_unlock(&jobs_lock);
	sh_error("[%u] pid %d\n", number_of(job), t->pid);
	return 0;
}

static void report_end(const struct job *job)
{
	int code = job->task->exit_code;

	if (code == TASK_KILLED)
		sh_error("[%u] killed: %s\n", number_of(job), job->what);
	else if (code)
		sh_error("[%u] exit %d: %s\n", number_of(job), code, job->what);
	else
		sh_error("[%u] done: %s\n", number_of(job), job->what);
}

static void forget(struct job *job)
{
	mutex_lock(&jobs_lock);
	put_task(job->task);
	job->task = NULL;
	mutex_unlock(&jobs_lock);
}

void jobs_reap(void)
{
	for (int i = 0; i < MAX_JOBS; i++) {
		struct job *job = &jobs[i];

		if (!job->task || !task_exited(job->task))
			continue;
		report_end(job);
		forget(job);
	}
}

static int cmd_jobs(int argc, char **argv)
{
	mutex_lock(&jobs_lock);
	for (int i = 0; i < MAX_JOBS; i++) {
		if (jobs[i].task)
			sh_printf("[%d] pid %-5d %s\n", i + 1,
				  jobs[i].task->pid, jobs[i].what);
	}
	mutex_unlock(&jobs_lock);
	return 0;
}
COMMAND(jobs, "", "what was started with & and still runs", cmd_jobs);

/* A job as %N or N; NULL, and it has been said why. */
static struct job *job_named(const char *name, const char *arg)
{
	unsigned long n;

	if (!sh_number(name, arg + (*arg == '%'), 1, MAX_JOBS, &n))
		return NULL;
	if (jobs[n - 1].task)
		return &jobs[n - 1];
	sh_error("%s: there is no job %lu; `jobs' lists them\n", name, n);
	return NULL;
}

static int cmd_fg(int argc, char **argv)
{
	struct job *job;
	int status = 1;

	if (argc != 2 || !shell_is_current())
		return sh_usage(argv[0]);
	job = job_named(argv[0], argv[1]);
	if (!job)
		return 1;
	sh_error("%s\n", job->what);
	tty_foreground_program(job->task);
	if (!task_wait_killable(job->task, &status))
		forget(job);
	tty_foreground_program(NULL);
	return status;
}
COMMAND(fg, "%JOB", "bring a job to the front, where ^C ends it", cmd_fg);

static struct task *find_target(const char *name, const char *arg)
{
	unsigned long pid;
	struct task *t;

	if (*arg == '%') {
		struct job *job;

		mutex_lock(&jobs_lock);
		job = job_named(name, arg);
		t = job ? get_task(job->task) : NULL;
		mutex_unlock(&jobs_lock);
		return t;
	}
	if (!sh_number(name, arg, 1, 32767, &pid))
		return NULL;
	t = task_find(pid);
	if (!t)
		sh_error("%s: there is no task %lu; `ps' lists them\n", name,
			 pid);
	return t;
}

static int kill_one(const char *name, const char *arg)
{
	struct task *t = find_target(name, arg);
	int status = 1;

	if (!t)
		return 1;
	if (t->flags & PF_KTHREAD) {
		sh_error("%s: %d is %s, a thread of the kernel\n", name, t->pid,
			 t->comm);
	} else if (t == current) {
		sh_error("%s: %d is this shell\n", name, t->pid);
	} else {
		task_kill(t);
		status = 0;
	}
	put_task(t);
	return status;
}

static int cmd_kill(int argc, char **argv)
{
	int status = 0;

	/* There is one way to end a task: no -9, and nobody ends by mistake. */
	if (argc < 2 || *argv[1] == '-')
		return sh_usage(argv[0]);
	for (int i = 1; i < argc; i++)
		status |= kill_one(argv[0], argv[i]);
	return status;
}
COMMAND(kill, "PID|%JOB ...", "end tasks at their next system call", cmd_kill);
