/* SPDX-License-Identifier: MIT */
/* mock_test.c - two controllers for the tests: see mock_test.h. */
#include <errno.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/parse.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>
#include "cgroup_impl.h"
#include "mock_test.h"

int mock_online_budget = -1;
atomic_t mock_nr_online, mock_nr_offline, mock_nr_released, mock_nr_freed;
atomic_t mock_nr_flushed;

TEST_LEAK_COUNTER(groups)
{
	return cgroup_nr_live();
}

TEST_LEAK_COUNTER(css_references)
{
	return css_nr_refs();
}

TEST_QUIESCE(groups)
{
	cgroup_wait_teardown();
}

/* -- Life ------------------------------------------------------------------------ */

static struct cgroup_subsys_state *
mock_alloc(struct cgroup_subsys_state *parent)
{
	struct mock *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return ERR_PTR(-ENOMEM);
	m->counts = alloc_percpu(s64);
	m->counts_seen = m->counts ? alloc_percpu(s64) : NULL;
	if (!m->counts_seen) {
		free_percpu(m->counts);
		kfree(m);
		return ERR_PTR(-ENOMEM);
	}
	if (parent)
		atomic_inc(&to_mock(parent)->nr_children);
	return &m->css;
}

static int mock_online(struct cgroup_subsys_state *css)
{
	EXPECT(css->id > 0);
	EXPECT(!css->parent || css_is_online(css->parent));
	if (mock_online_budget == 0)
		return -ENOMEM;
	if (mock_online_budget > 0)
		mock_online_budget--;
	atomic_inc(&mock_nr_online);
	return 0;
}

static void mock_offline(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *child;

	EXPECT(css_is_online(css));
	EXPECT(!css_tryget_online(css));
	EXPECT_EQ(to_mock(css)->nr_tasks, 0);
	css_for_each_child(child, css)
		EXPECT(!css_is_online(child));
	atomic_inc(&mock_nr_offline);
}

static void mock_released(struct cgroup_subsys_state *css)
{
	EXPECT(!css_is_online(css));
	EXPECT(list_empty(&css->children));
	EXPECT(!to_mock(css)->is_released);
	to_mock(css)->is_released = true;
	atomic_inc(&mock_nr_released);
}

static void mock_free(struct cgroup_subsys_state *css)
{
	struct mock *m = to_mock(css);

	EXPECT_EQ(atomic_read(&m->nr_children), 0);
	if (css->parent)
		atomic_dec(&to_mock(css->parent)->nr_children);
	free_percpu(m->counts);
	free_percpu(m->counts_seen);
	kfree(m);
	atomic_inc(&mock_nr_freed);
}

/* -- Tasks ------------------------------------------------------------------------- */

static void mock_attach(struct task *t, struct cgroup_subsys_state *from,
			struct cgroup_subsys_state *to)
{
	assert_held(&cgroup_tasks_lock);
	EXPECT_NE(from, to);
	EXPECT_EQ(task_css(t, to->ss), to);
	if (from)
		EXPECT_GE(--to_mock(from)->nr_tasks, 0);
	to_mock(to)->nr_tasks++;
}

static void mock_exit(struct task *t, struct cgroup_subsys_state *css)
{
	EXPECT_GE(--to_mock(css)->nr_tasks, 0);
}

/* -- Statistics ---------------------------------------------------------------------- */

static void mock_flush(struct cgroup_subsys_state *css, unsigned int cpu)
{
	struct mock *m = to_mock(css);
	s64 now = READ_ONCE(*per_cpu_ptr(m->counts, cpu));
	s64 delta = now - *per_cpu_ptr(m->counts_seen, cpu) + m->pending;

	*per_cpu_ptr(m->counts_seen, cpu) = now;
	m->pending = 0;
	m->sum += delta;
	if (css->parent)
		to_mock(css->parent)->pending += delta;
	atomic_inc(&mock_nr_flushed);
}

void mock_count(struct mock *m, s64 n)
{
	preempt_disable();
	this_cpu_add(*m->counts, n);
	cgroup_rstat_updated(&m->css);
	preempt_enable();
}

/* -- Files ------------------------------------------------------------------------------ */

static int value;

static int value_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	seq_printf(out, "%d\n", value);
	return 0;
}

static int value_write(struct cgroup_subsys_state *css, char *text,
		       struct cgroup_file *file)
{
	return kstrtoint(text, 10, &value);
}

/* Longer than any buffer a reader brings. */
static int long_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	for (int i = 0; i < 5000; i++)
		seq_printf(out, "line %d of %d\n", i, value);
	return 0;
}

/* How often this opening has been read. */
static int opened_show(struct seq_text *out, struct cgroup_file *file)
{
	seq_printf(out, "%d\n", ++*(int *)file->private);
	return 0;
}

static int opened_open(struct cgroup_file *file)
{
	file->private = kzalloc(sizeof(int), GFP_KERNEL);
	return file->private ? 0 : -ENOMEM;
}

static void opened_release(struct cgroup_file *file)
{
	kfree(file->private);
}

static const struct cftype mock_files[] = {
	{.name = "mock.value", .show = value_show, .write = value_write},
	{.name = "mock.long", .show = long_show},
	{
		.name = "mock.opened",
		.show_file = opened_show,
		.open = opened_open,
		.release = opened_release,
	},
	{
		.name = "mock.not_on_root",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = value_show,
	},
	{
		.name = "mock.only_on_root",
		.flags = CFTYPE_ONLY_ON_ROOT,
		.show = value_show,
	},
	{.name = NULL},
};

struct cgroup_subsys mock_subsys = {
	.name = "mock",
	.css_alloc = mock_alloc,
	.css_online = mock_online,
	.css_offline = mock_offline,
	.css_released = mock_released,
	.css_free = mock_free,
	.css_rstat_flush = mock_flush,
	.attach = mock_attach,
	.exit = mock_exit,
	.files = mock_files,
};

struct cgroup_subsys other_subsys = {
	.name = "other",
	.css_alloc = mock_alloc,
	.css_free = mock_free,
	.attach = mock_attach,
	.exit = mock_exit,
};

/* -- A test ------------------------------------------------------------------------------ */

void mock_begin(void)
{
	mock_online_budget = -1;
	value = 0;
	ASSERT_EQ(cgroup_register(&mock_subsys), 0);
	ASSERT_EQ(cgroup_register(&other_subsys), 0);
	atomic_set(&mock_nr_online, 0);
	atomic_set(&mock_nr_offline, 0);
	atomic_set(&mock_nr_released, 0);
	atomic_set(&mock_nr_freed, 0);
	atomic_set(&mock_nr_flushed, 0);
}

void mock_end(void)
{
	mock_online_budget = -1;
	EXPECT_EQ(put("/", "cgroup.subtree_control", "-mock -other"), 0);
	EXPECT_EQ(cgroup_unregister(&other_subsys), 0);
	EXPECT_EQ(cgroup_unregister(&mock_subsys), 0);
}

int make(const char *path)
{
	struct cgroup *cgrp = cgroup_mkdir(path);

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	cgroup_put(cgrp);
	return 0;
}

int put(const char *path, const char *name, const char *text)
{
	struct cgroup *cgrp = cgroup_find(path);
	int err;

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	err = cgroup_write(cgrp, name, text);
	cgroup_put(cgrp);
	return err;
}

const char *get(const char *path, const char *name)
{
	struct seq_text out = SEQ_TEXT_INIT;
	struct cgroup *cgrp = cgroup_find(path);
	static char text[256];
	int err;

	if (IS_ERR(cgrp))
		return "no such group";
	err = cgroup_read(cgrp, name, &out);
	cgroup_put(cgrp);
	strlcpy(text, seq_text_string(&out), sizeof(text));
	seq_text_free(&out);
	if (err)
		format(text, sizeof(text), "error %d", err);
	return text;
}
