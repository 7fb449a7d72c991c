/* SPDX-License-Identifier: MIT */
/*
 * file.c - an opening of a control file.
 *
 * A group has no object for each of its files: a file is a css and an entry of
 * a controller's table.  An opening refers to the css, so that there is
 * something to call show() and write() with, whatever happens to the group; a
 * dying css answers -ENODEV.
 *
 * Waiting.    What may change by itself has a number in its css that counts the
 *             changes.  An opening remembers it from before it was read, and
 *             differs once the number does.  The queues to wait on are shared
 *             by all groups: a waiter for another file looks, and waits on.
 *
 * Context: tasks that may sleep; notifying, any but NMI.
 */
#include <errno.h>
#include <kernel/core/wait.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "cgroup_impl.h"

#define NR_QUEUES 16

static struct wait_queue_head queues[NR_QUEUES];

void cgroup_queues_init(void)
{
	for (int i = 0; i < NR_QUEUES; i++)
		init_waitqueue_head(&queues[i]);
}

/* -- Which files there are ---------------------------------------------------------- */

static bool file_exists(const struct cftype *type, const struct cgroup *cgrp)
{
	unsigned int not_here = cgrp == &cgroup_root ? CFTYPE_NOT_ON_ROOT
						     : CFTYPE_ONLY_ON_ROOT;

	return !(type->flags & not_here);
}

/* One table after the other: @index is the place of a file in the listing. */
static const struct cftype *nth_of(const struct cftype *table,
				   const struct cgroup *cgrp,
				   unsigned int *index)
{
	for (; table && table->name; table++)
		if (file_exists(table, cgrp) && !(*index)--)
			return table;
	return NULL;
}

/* Under RCU. */
static struct cgroup_subsys_state *css_of(struct cgroup *cgrp, int i)
{
	return READ_ONCE(cgrp->subsys[i]);
}

const struct cftype *cgroup_nth_file(struct cgroup *cgrp, unsigned int index)
{
	const struct cftype *type = nth_of(cgroup_core_files, cgrp, &index);

	rcu_read_lock();
	for (int i = 0; i < CGROUP_SUBSYS_MAX && !type; i++) {
		struct cgroup_subsys_state *css = css_of(cgrp, i);

		if (css)
			type = nth_of(css->ss->files, cgrp, &index);
	}
	rcu_read_unlock();
	return type;
}

static const struct cftype *find_in(const struct cftype *table,
				    const struct cgroup *cgrp, const char *name,
				    size_t len)
{
	for (; table && table->name; table++)
		if (!strncmp(table->name, name, len) && !table->name[len])
			return file_exists(table, cgrp) ? table : NULL;
	return NULL;
}

/* Under RCU: and *@css is that which it is a file of. */
static const struct cftype *find_file(struct cgroup *cgrp, const char *name,
				      size_t len,
				      struct cgroup_subsys_state **css)
{
	const struct cftype *type;

	*css = &cgrp->self;
	type = find_in(cgroup_core_files, cgrp, name, len);
	for (int i = 0; i < CGROUP_SUBSYS_MAX && !type; i++) {
		*css = css_of(cgrp, i);
		if (*css)
			type = find_in((*css)->ss->files, cgrp, name, len);
	}
	return type;
}

bool cgroup_has_file(struct cgroup *cgrp, const char *name, size_t len)
{
	struct cgroup_subsys_state *css;
	bool has;

	/* All of them have a dot. */
	if (!memchr(name, '.', len))
		return false;
	rcu_read_lock();
	has = find_file(cgrp, name, len, &css);
	rcu_read_unlock();
	return has;
}

/* -- Opening, reading, writing ------------------------------------------------------- */

struct cgroup_file *cgroup_file_open(struct cgroup *cgrp, const char *name)
{
	struct cgroup_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	int err = -ENOENT;

	if (!file)
		return ERR_PTR(-ENOMEM);
	rcu_read_lock();
	file->type = find_file(cgrp, name, strlen(name), &file->css);
	if (file->type)
		err = css_tryget_online(file->css) ? 0 : -ENODEV;
	rcu_read_unlock();
	if (err)
		goto free_file;
	if (file->type->open)
		err = file->type->open(file);
	if (err)
		goto put_css;
	return file;

put_css:
	css_put(file->css);
free_file:
	kfree(file);
	return ERR_PTR(err);
}

void cgroup_file_close(struct cgroup_file *file)
{
	if (file->type->release)
		file->type->release(file);
	css_put(file->css);
	seq_text_free(&file->text);
	kfree(file);
}

static atomic_t *event_count(struct cgroup_file *file)
{
	unsigned int event = file->type->event;

	return event ? &file->css->events[event - 1] : NULL;
}

int cgroup_file_read(struct cgroup_file *file)
{
	const struct cftype *type = file->type;
	int err;

	if (!type->show && !type->show_file)
		return -EINVAL;
	if (css_is_dying(file->css))
		return -ENODEV;
	/* Before the text is made: what changes meanwhile is news. */
	if (event_count(file))
		file->seen_event = atomic_read_acquire(event_count(file));
	seq_text_free(&file->text);
	if (type->show_file)
		err = type->show_file(&file->text, file);
	else
		err = type->show(&file->text, file->css);
	return err ? err : seq_text_error(&file->text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* In place; returns where it begins. */
static char *trim(char *text)
{
	size_t len;

	while (is_blank(*text))
		text++;
	for (len = strlen(text); len && is_blank(text[len - 1]); len--)
		;
	text[len] = '\0';
	return text;
}

int cgroup_file_write(struct cgroup_file *file, const char *text, size_t len)
{
	char *copy;
	int err;

	if (!file->type->write)
		return -EINVAL;
	if (len > CGROUP_WRITE_MAX)
		return -E2BIG;
	if (memchr(text, '\0', len))
		return -EINVAL;
	if (css_is_dying(file->css))
		return -ENODEV;
	copy = kmalloc(len + 1, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	err = file->type->write(file->css, trim(copy), file);
	kfree(copy);
	return err;
}

/* -- Waiting ----------------------------------------------------------------------- */

static struct wait_queue_head *queue_of(const struct cgroup_subsys_state *css)
{
	return &queues[(css->cgroup->self.serial + css->serial) % NR_QUEUES];
}

void cgroup_file_wake(struct cgroup_subsys_state *css)
{
	/* What has changed, then who waits: the barrier inside pairs with that
	 * of prepare_to_wait(). */
	if (wq_has_sleeper(queue_of(css)))
		wake_up_all(queue_of(css));
}

void cgroup_file_notify(struct cgroup_subsys_state *css, unsigned int event)
{
	atomic_inc(&css->events[event - 1]);
	cgroup_file_wake(css);
}

bool cgroup_file_has_changed(struct cgroup_file *file)
{
	atomic_t *count = event_count(file);

	return (count && atomic_read(count) != file->seen_event) ||
	       css_is_dying(file->css);
}

struct wait_queue_head *cgroup_file_queue(struct cgroup_file *file)
{
	return queue_of(file->css);
}

int cgroup_file_wait(struct cgroup_file *file, s64 timeout_ns)
{
	s64 left;

	if (!event_count(file))
		return -EINVAL;
	left = wait_event_killable_timeout(*queue_of(file->css),
					   cgroup_file_has_changed(file),
					   timeout_ns);
	return left > 0 ? 0 : left ? -EINTR : -ETIMEDOUT;
}

/* -- In one ------------------------------------------------------------------------- */

int cgroup_read(struct cgroup *cgrp, const char *name, struct seq_text *out)
{
	struct cgroup_file *file = cgroup_file_open(cgrp, name);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = cgroup_file_read(file);
	if (!err) {
		seq_puts(out, seq_text_string(&file->text));
		err = seq_text_error(out);
	}
	cgroup_file_close(file);
	return err;
}

int cgroup_write(struct cgroup *cgrp, const char *name, const char *text)
{
	struct cgroup_file *file = cgroup_file_open(cgrp, name);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = cgroup_file_write(file, text, strlen(text));
	cgroup_file_close(file);
	return err;
}
