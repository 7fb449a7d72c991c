/* SPDX-License-Identifier: MIT */
/*
 * files.c - the control files that every group has: cgroup.*.
 *
 * Names, contents and errors are those of cgroup v2.
 */
#include <errno.h>
#include <limits.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "cgroup_impl.h"

/* -- Controllers -------------------------------------------------------------------- */

static void show_mask(struct seq_text *out, unsigned int mask)
{
	struct cgroup_subsys *ss;
	bool first = true;
	int i;

	for_each_subsys_in(ss, i, mask) {
		seq_printf(out, "%s%s", first ? "" : " ", ss->name);
		first = false;
	}
	seq_putc(out, '\n');
}

static int controllers_show(struct seq_text *out,
			    struct cgroup_subsys_state *css)
{
	mutex_lock(&cgroup_mutex);
	show_mask(out, cgroup_available(css->cgroup));
	mutex_unlock(&cgroup_mutex);
	return 0;
}

static int subtree_control_show(struct seq_text *out,
				struct cgroup_subsys_state *css)
{
	mutex_lock(&cgroup_mutex);
	show_mask(out, css->cgroup->subtree_control);
	mutex_unlock(&cgroup_mutex);
	return 0;
}

static int subtree_control_write(struct cgroup_subsys_state *css, char *text,
				 struct cgroup_file *file)
{
	return cgroup_set_subtree_control(css->cgroup, text);
}

/* -- Tasks --------------------------------------------------------------------------- */

static int procs_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	struct task *t = NULL;
	u64 pos = 0;

	while ((t = cgroup_next_task(css->cgroup, t, &pos)))
		seq_printf(out, "%d\n", t->pid);
	return 0;
}

static int procs_write(struct cgroup_subsys_state *css, char *text,
		       struct cgroup_file *file)
{
	struct task *t;
	int pid, err;

	if (kstrtoint(text, 10, &pid) || pid < 0)
		return -EINVAL;
	t = pid ? task_find(pid) : get_task(current);
	if (!t)
		return -ESRCH;
	err = cgroup_attach_task(css->cgroup, t);
	put_task(t);
	return err;
}

static int events_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	seq_printf(out, "populated %d\n", cgroup_is_populated(css->cgroup));
	return 0;
}

static int kill_write(struct cgroup_subsys_state *css, char *text,
		      struct cgroup_file *file)
{
	int one;

	if (kstrtoint(text, 0, &one))
		return -EINVAL;
	if (one != 1)
		return -ERANGE;
	cgroup_kill(css->cgroup);
	return 0;
}

/* -- The tree ------------------------------------------------------------------------ */

static int stat_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	const struct cgroup *cgrp = css->cgroup;

	mutex_lock(&cgroup_mutex);
	seq_printf(out, "nr_descendants %u\nnr_dying_descendants %u\n",
		   cgrp->nr_descendants, cgrp->nr_dying_descendants);
	mutex_unlock(&cgroup_mutex);
	return 0;
}

static void show_limit(struct seq_text *out, unsigned int limit)
{
	if (limit == UINT_MAX)
		seq_puts(out, "max\n");
	else
		seq_printf(out, "%u\n", limit);
}

/* Below zero is out of range; above what can be, no limit. */
static int write_limit(unsigned int *limit, const char *text)
{
	unsigned int value = UINT_MAX;
	int err;

	if (strcmp(text, "max")) {
		s32 number;

		err = kstrtos32(text, 0, &number);
		if (err)
			return err;
		if (number < 0)
			return -ERANGE;
		value = number;
	}
	mutex_lock(&cgroup_mutex);
	WRITE_ONCE(*limit, value);
	mutex_unlock(&cgroup_mutex);
	return 0;
}

static int max_depth_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	show_limit(out, READ_ONCE(css->cgroup->max_depth));
	return 0;
}

static int max_depth_write(struct cgroup_subsys_state *css, char *text,
			   struct cgroup_file *file)
{
	return write_limit(&css->cgroup->max_depth, text);
}

static int max_descendants_show(struct seq_text *out,
				struct cgroup_subsys_state *css)
{
	show_limit(out, READ_ONCE(css->cgroup->max_descendants));
	return 0;
}

static int max_descendants_write(struct cgroup_subsys_state *css, char *text,
				 struct cgroup_file *file)
{
	return write_limit(&css->cgroup->max_descendants, text);
}

const struct cftype cgroup_core_files[] = {
	{
		.name = "cgroup.controllers",
		.show = controllers_show,
	},
	{
		.name = "cgroup.events",
		.flags = CFTYPE_NOT_ON_ROOT,
		.event = CGROUP_EVENTS,
		.show = events_show,
	},
	{
		.name = "cgroup.kill",
		.flags = CFTYPE_NOT_ON_ROOT,
		.write = kill_write,
	},
	{
		.name = "cgroup.max.depth",
		.show = max_depth_show,
		.write = max_depth_write,
	},
	{
		.name = "cgroup.max.descendants",
		.show = max_descendants_show,
		.write = max_descendants_write,
	},
	{
		.name = "cgroup.procs",
		.show = procs_show,
		.write = procs_write,
	},
	{
		.name = "cgroup.stat",
		.show = stat_show,
	},
	{
		.name = "cgroup.subtree_control",
		.show = subtree_control_show,
		.write = subtree_control_write,
	},
	{.name = NULL},
};
