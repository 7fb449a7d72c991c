/* SPDX-License-Identifier: MIT */
/* cmd_oom.c - oomadj: who is to end first when memory has run out. */
#include <kernel/task/task.h>
#include <lib/parse.h>
#include <mm/memcg/oom.h>
#include "shell_impl.h"

static int set_adj(const char *name, struct task *t, const char *arg)
{
	int adj;

	if (kstrtoint(arg, 10, &adj) || task_set_oom_score_adj(t, adj)) {
		sh_error("%s: '%.40s' is not a number from %d to %d\n", name,
			 arg, OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX);
		return SH_USAGE;
	}
	return 0;
}

static int cmd_oomadj(int argc, char **argv)
{
	unsigned long pid;
	struct task *t;
	int status = 0;

	if (argc != 2 && argc != 3)
		return sh_usage(argv[0]);
	if (!sh_number(argv[0], argv[1], 1, 32767, &pid))
		return SH_USAGE;
	t = task_find(pid);
	if (!t) {
		sh_error("%s: there is no task %lu; `ps' lists them\n", argv[0],
			 pid);
		return 1;
	}
	if (argc == 3)
		status = set_adj(argv[0], t, argv[2]);
	else
		sh_printf("%d\n", t->oom_score_adj);
	put_task(t);
	return status;
}
COMMAND(oomadj, "PID [-1000..1000]",
	"how soon a task ends when memory runs out: 1000 first, -1000 never",
	cmd_oomadj);
