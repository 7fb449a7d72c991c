/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - groups of tasks, in a tree, and the controllers that look after
 * them.
 *
 * A group (struct cgroup) is a directory of one tree; every task is in exactly
 * one.  A controller (struct cgroup_subsys) is enabled for the children of a
 * group by the group's cgroup.subtree_control; in each group where it is
 * enabled it has a state of its own, a css (struct cgroup_subsys_state), which
 * it embeds in a larger structure.  The root has one of every controller.
 *
 *	cgroup	/	memory css
 *		|	   |		/ enables memory for its children
 *		/a	memory css
 *		|			/a does not
 *		/a/b	(none: b's tasks belong to a's css)
 *
 * Locks.      cgroup_mutex guards the tree and which css there are.
 *             cgroup_tasks_lock, a spinlock inside it, guards who is in which
 *             group; fork and exit take only that.
 * References. A css, and the group it belongs to, stays in memory while
 *             somebody holds a reference to it or is in an RCU reader that
 *             found it.  That does not keep it from going offline.
 */
#pragma once
#include <kernel/cgroup/seq_text.h>
#include <kernel/core/mutex.h>
#include <kernel/core/rcu.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <kernel/task/idr.h>
#include <lib/atomic.h>
#include <lib/list.h>
#include <lib/llist.h>
#include <mm/percpu/percpu_ref.h>

struct cftype;
struct cgroup;
struct cgroup_file;
struct cgroup_subsys;
struct css_rstat_cpu;

/* How many controllers there may be. */
#define CGROUP_SUBSYS_MAX 4

/* Group names, without the terminating zero. */
#define CGROUP_NAME_MAX 63

/* Paths below the root, with it: "/a/b". */
#define CGROUP_PATH_MAX 512

/* How many files of one css may notify (cftype.event). */
#define CSS_EVENTS_MAX 4

/* css->flags. */
#define CSS_ONLINE 1u /* css_online() has been called, css_offline() not */
#define CSS_DYING  2u /* killed: new references only from old ones */

struct cgroup_subsys_state {
	/* Fixed before anybody sees it. */
	struct cgroup *cgroup;
	struct cgroup_subsys *ss;	    /* NULL: cgroup->self */
	struct cgroup_subsys_state *parent; /* NULL: the root's; referenced */
	u64 serial;			    /* grows in order of creation */
	struct css_rstat_cpu __percpu *rstat;

	/* Any context. */
	struct percpu_ref refcnt;

	/* Under cgroup_mutex, walked under RCU: from online until released,
	 * in order of serial. */
	struct list_head sibling;
	struct list_head children;

	/* Under cgroup_mutex; read freely. */
	unsigned int flags; /* CSS_* */
	int id;		    /* of its controller's; 0 once offline */

	/* Itself, if it is not yet offline, and so many children. */
	atomic_t nr_online;

	/* How often each file that notifies has changed. */
	atomic_t events[CSS_EVENTS_MAX];

	/* The teardown's (css.c). */
	struct llist_node step_node;
};

struct cgroup {
	/* Stands for the group itself: its references, its place in the tree. */
	struct cgroup_subsys_state self;

	/* Fixed before anybody sees it. */
	unsigned int level; /* the root's is 0 */
	u32 name_hash;

	/* Under cgroup_mutex; read freely. */
	unsigned int subtree_control; /* 1 << ss->id: the children have it */
	unsigned int max_depth;
	unsigned int max_descendants;
	unsigned int nr_descendants;
	unsigned int nr_dying_descendants;

	/* The css that lives here, by ss->id, or NULL: changed under both
	 * locks, read under either or RCU. */
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_MAX];

	/* Under cgroup_tasks_lock. */
	struct list_head tasks; /* task->cgroup_node */
	unsigned int nr_tasks;
	unsigned int nr_populated; /* itself if it has tasks, and children */

	/* Under cgroup_mutex (tree.c): found by parent and name. */
	struct hlist_node by_name;
	char name[CGROUP_NAME_MAX + 1]; /* fixed */
};

/*
 * A controller.  All of it but id and the root's state is fixed.  Callbacks are
 * called under cgroup_mutex and may sleep, except where it says otherwise.
 */
struct cgroup_subsys {
	const char *name; /* as in "+memory" */

	/* A zeroed state with room for the controller's own around the css,
	 * which the caller fills in; @parent is NULL for the root's.  ERR_PTR. */
	struct cgroup_subsys_state *(*css_alloc)(
		struct cgroup_subsys_state *parent);

	/* The css is complete, no task is in it yet.  0 or -errno; on failure
	 * css_free() follows, and css_offline() does not.  May be NULL. */
	int (*css_online)(struct cgroup_subsys_state *css);

	/* Nobody can find it any more to make it grow: no task is in it, and
	 * css_tryget_online() fails.  After all its children's.  May be NULL. */
	void (*css_offline)(struct cgroup_subsys_state *css);

	/* The last reference is gone; readers may still see it.  May be NULL. */
	void (*css_released)(struct cgroup_subsys_state *css);

	/* A grace period later: give back the memory, without cgroup_mutex. */
	void (*css_free)(struct cgroup_subsys_state *css);

	/* Add to @css what changed on @cpu since the last call, and the same to
	 * what its parent has to add next.  Under the flush mutex, not sleeping.
	 * NULL: cgroup_rstat_updated() is not for this controller. */
	void (*css_rstat_flush)(struct cgroup_subsys_state *css,
				unsigned int cpu);

	/*
	 * From now on @t belongs to @to, and no more to @from: it was moved, or
	 * a css came or went between it and the root; or it is being made, and
	 * @from is NULL.  Under cgroup_tasks_lock: must not sleep.  May be NULL.
	 */
	void (*attach)(struct task *t, struct cgroup_subsys_state *from,
		       struct cgroup_subsys_state *to);

	/* @t, the current task or one that never ran, ends.  Under
	 * cgroup_tasks_lock: must not sleep.  May be NULL. */
	void (*exit)(struct task *t, struct cgroup_subsys_state *css);

	const struct cftype
		*files; /* ends with one that has no name; or NULL */

	/* The core's. */
	int id; /* index into cgroup->subsys */
	struct cgroup_subsys_state *root_css;
	struct idr ids;
	atomic_t nr_css; /* made and not yet freed */
};

/* -- Controllers ------------------------------------------------------------- */

/* From now on there is this controller, in the root.  0, -ENOMEM, -ENOSPC, or
 * what css_online() said.  May sleep. */
int cgroup_register(struct cgroup_subsys *ss);

/* For tests' controllers: it leaves, and its states are freed before this
 * returns.  -EBUSY while it is enabled anywhere. */
int cgroup_unregister(struct cgroup_subsys *ss);

/* -- Control files ----------------------------------------------------------- */

/* cftype.flags. */
#define CFTYPE_NOT_ON_ROOT  1u
#define CFTYPE_ONLY_ON_ROOT 2u

/* A file that each css of a controller has.  Called without cgroup_mutex; the
 * css cannot go away, but it may be going offline. */
struct cftype {
	const char *name; /* "memory.max" */
	unsigned int flags;

	/* 1..CSS_EVENTS_MAX: cgroup_file_notify(css, event) wakes who waits for
	 * it; 0: it never notifies. */
	unsigned int event;

	/* Write the file's text.  0 or -errno.  NULL: not readable. */
	int (*show)(struct seq_text *out, struct cgroup_subsys_state *css);

	/* The same with the opening that is read, and instead of show(). */
	int (*show_file)(struct seq_text *out, struct cgroup_file *file);

	/* @text is a writer's, whole, without blanks at its ends; it may be
	 * changed.  0 or -errno, and then nothing has happened.  NULL: not
	 * writable. */
	int (*write)(struct cgroup_subsys_state *css, char *text,
		     struct cgroup_file *file);

	/* For file->private.  May be NULL. */
	int (*open)(struct cgroup_file *file);
	void (*release)(struct cgroup_file *file);
};

/* One opening of a control file. */
struct cgroup_file {
	/* Fixed at open. */
	struct cgroup_subsys_state *css; /* referenced */
	const struct cftype *type;
	void *private; /* the type's */

	/* Under the opener's lock. */
	struct seq_text text;
	int seen_event; /* css->events[] when it was read */
};

/* What has event number @event has changed: wake who waits.  Any context. */
void cgroup_file_notify(struct cgroup_subsys_state *css, unsigned int event);

/* The longest text that can be written. */
#define CGROUP_WRITE_MAX 4096

/*
 * Open, read, write and close @name of @cgrp; fs/cgroupfs.c is on top of these,
 * and so are tests.  -ENOENT, -ENOMEM; -ENODEV once the css is dying; -EINVAL
 * where there is no show() or write(); -E2BIG.
 *
 * cgroup_file_read() makes a new text in file->text.  cgroup_file_wait() waits
 * until the file would read differently from what was read last, or css is
 * dying: 0, -ETIMEDOUT, -EINTR when killed, -EINVAL if it never notifies.
 */
struct cgroup_file *cgroup_file_open(struct cgroup *cgrp, const char *name);
int cgroup_file_read(struct cgroup_file *file);
int cgroup_file_write(struct cgroup_file *file, const char *text, size_t len);
int cgroup_file_wait(struct cgroup_file *file, s64 timeout_ns);
bool cgroup_file_has_changed(struct cgroup_file *file);
struct wait_queue_head *cgroup_file_queue(struct cgroup_file *file);
void cgroup_file_close(struct cgroup_file *file);

/* All of that at once.  @out grows; its owner frees it. */
int cgroup_read(struct cgroup *cgrp, const char *name, struct seq_text *out);
int cgroup_write(struct cgroup *cgrp, const char *name, const char *text);

/* The files that @cgrp has: @i from 0 on, NULL at the end. */
const struct cftype *cgroup_nth_file(struct cgroup *cgrp, unsigned int i);

/* -- Groups ------------------------------------------------------------------ */

extern struct cgroup cgroup_root;
extern struct mutex cgroup_mutex;
extern spinlock_t cgroup_tasks_lock;

/*
 * By path: "/a/b", slashes at its ends and doubled ones do not matter, "" and
 * "/" are the root.  The caller gets a reference (cgroup_put()).  ERR_PTR:
 * -ENOENT, -EEXIST, -EAGAIN (too deep or too many), -EINVAL (not a name),
 * -ENAMETOOLONG, -ENOMEM.  May sleep.
 */
struct cgroup *cgroup_find(const char *path);
struct cgroup *cgroup_mkdir(const char *path);

/* -ENOENT; -EBUSY with tasks or children, and for the root.  When it returns
 * the group is gone from the tree; the rest follows by itself. */
int cgroup_rmdir(const char *path);

/* Move @t to @cgrp.  -EBUSY if @cgrp has controllers for its children, -ENODEV
 * if it is removed, -ESRCH if @t has ended, -EINVAL for a kernel thread.  May
 * sleep. */
int cgroup_attach_task(struct cgroup *cgrp, struct task *t);

/* Kill all tasks of @cgrp and below, those that are being made included.
 * May sleep. */
void cgroup_kill(struct cgroup *cgrp);

/* Its path, into @buf; cut to fit.  Returns @buf.  Any context. */
char *cgroup_path(struct cgroup *cgrp, char *buf, size_t size);

static inline struct cgroup *cgroup_parent(const struct cgroup *cgrp)
{
	return cgrp->self.parent ? cgrp->self.parent->cgroup : NULL;
}

static inline bool cgroup_is_dead(const struct cgroup *cgrp)
{
	return READ_ONCE(cgrp->self.flags) & CSS_DYING;
}

/* Any tasks, here or below?  A snapshot. */
static inline bool cgroup_is_populated(const struct cgroup *cgrp)
{
	return READ_ONCE(cgrp->nr_populated);
}

/* Is @cgrp @ancestor, or below it? */
bool cgroup_is_descendant(struct cgroup *cgrp, const struct cgroup *ancestor);

/* -- References: any context; tryget under RCU, or with something that holds --- */

static inline void css_get(struct cgroup_subsys_state *css)
{
	percpu_ref_get(&css->refcnt);
}

static inline void css_get_many(struct cgroup_subsys_state *css,
				unsigned long nr)
{
	percpu_ref_get_many(&css->refcnt, nr);
}

static inline bool css_tryget(struct cgroup_subsys_state *css)
{
	return percpu_ref_tryget(&css->refcnt);
}

/* Not of one that has been killed. */
static inline bool css_tryget_online(struct cgroup_subsys_state *css)
{
	return percpu_ref_tryget_live(&css->refcnt);
}

static inline void css_put(struct cgroup_subsys_state *css)
{
	percpu_ref_put(&css->refcnt);
}

static inline void css_put_many(struct cgroup_subsys_state *css,
				unsigned long nr)
{
	percpu_ref_put_many(&css->refcnt, nr);
}

static inline bool css_is_dying(const struct cgroup_subsys_state *css)
{
	return READ_ONCE(css->flags) & CSS_DYING;
}

static inline bool css_is_online(const struct cgroup_subsys_state *css)
{
	return READ_ONCE(css->flags) & CSS_ONLINE;
}

static inline void cgroup_get(struct cgroup *cgrp)
{
	css_get(&cgrp->self);
}

static inline void cgroup_put(struct cgroup *cgrp)
{
	css_put(&cgrp->self);
}

/* -- From tasks and groups to states: under RCU or cgroup_tasks_lock ------------ */

/* That of the nearest group, from @cgrp upwards, that has one. */
static inline struct cgroup_subsys_state *
cgroup_effective_css(struct cgroup *cgrp, const struct cgroup_subsys *ss)
{
	struct cgroup_subsys_state *css;

	while (!(css = READ_ONCE(cgrp->subsys[ss->id])))
		cgrp = cgroup_parent(cgrp);
	return css;
}

/* Idle tasks and those that have ended count as the root's. */
static inline struct cgroup *task_cgroup(const struct task *t)
{
	struct cgroup *cgrp = READ_ONCE(t->cgroup);

	return cgrp ? cgrp : &cgroup_root;
}

/* Never NULL. */
static inline struct cgroup_subsys_state *
task_css(const struct task *t, const struct cgroup_subsys *ss)
{
	return cgroup_effective_css(task_cgroup(t), ss);
}

/* The one with this id, or NULL.  Under RCU. */
struct cgroup_subsys_state *css_from_id(int id, struct cgroup_subsys *ss);

/*
 * Tasks of @cgrp itself, in the order they came: a reference to the one after
 * @prev (NULL: the first), and @prev's is dropped.  NULL at the end.  Who comes
 * or goes meanwhile may be missed; nobody else is.  May be called between
 * sleeps.
 *
 *	u64 pos = 0;
 *
 *	for (t = NULL; (t = cgroup_next_task(cgrp, t, &pos));)
 */
struct task *cgroup_next_task(struct cgroup *cgrp, struct task *prev, u64 *pos);

/* -- Walks: under RCU or cgroup_mutex -------------------------------------------- */

/*
 * States that are not yet released, dying ones included: css_tryget_online()
 * where that matters.  Between two steps the RCU reader may be left, if a
 * reference to the current css is held: the walk finds its way on, and meets
 * everything that was there all the time.
 */
struct cgroup_subsys_state *css_next_child(struct cgroup_subsys_state *pos,
					   struct cgroup_subsys_state *parent);
struct cgroup_subsys_state *
css_next_descendant_pre(struct cgroup_subsys_state *pos,
			struct cgroup_subsys_state *root);
struct cgroup_subsys_state *
css_next_descendant_post(struct cgroup_subsys_state *pos,
			 struct cgroup_subsys_state *root);

/* Not to go below @pos: the next in pre-order that is no descendant of it. */
struct cgroup_subsys_state *
css_next_skip_descendants(struct cgroup_subsys_state *pos,
			  struct cgroup_subsys_state *root);

#define css_for_each_child(pos, parent)                                        \
	for ((pos) = css_next_child(NULL, (parent)); (pos);                    \
	     (pos) = css_next_child((pos), (parent)))

/* @root first, and each before its children. */
#define css_for_each_descendant_pre(pos, root)                                 \
	for ((pos) = css_next_descendant_pre(NULL, (root)); (pos);             \
	     (pos) = css_next_descendant_pre((pos), (root)))

/* Each after its children, @root last. */
#define css_for_each_descendant_post(pos, root)                                \
	for ((pos) = css_next_descendant_post(NULL, (root)); (pos);            \
	     (pos) = css_next_descendant_post((pos), (root)))

/* -- Statistics that are summed when asked for (rstat.c) ------------------------ */

/* One for each CPU and css: the links of the tree of what has changed there,
 * and one of the list that is being flushed. */
struct css_rstat_cpu {
	/* Under that CPU's lock. */
	struct cgroup_subsys_state *updated_children;
	struct cgroup_subsys_state *updated_next;  /* NULL: not changed */
	struct cgroup_subsys_state **updated_link; /* what points to it */

	/* Under the flush mutex. */
	struct cgroup_subsys_state *flush_next;
};

void __cgroup_rstat_updated(struct cgroup_subsys_state *css);

/*
 * This CPU's statistics of @css have changed: the next flush is to look at them.
 * To be called after the change, on the same CPU: preemption is off.  Any
 * context but NMI.
 */
static __always_inline void
cgroup_rstat_updated(struct cgroup_subsys_state *css)
{
	if (unlikely(!this_cpu_read(css->rstat->updated_next)))
		__cgroup_rstat_updated(css);
}

/* Bring @css and all below it up to date: whatever was changed before this call
 * is in the sums when it returns.  May sleep. */
void cgroup_rstat_flush(struct cgroup_subsys_state *css);

/*
 * For who looks at a stopped world: takes the flush mutex first, so that nobody
 * is in the middle of a flush, stops the world, and flushes there.
 */
void cgroup_rstat_lock(void);
void cgroup_rstat_unlock(void);
void cgroup_rstat_flush_stopped(struct cgroup_subsys_state *css);

/* -- Life of tasks: for kernel/task ------------------------------------------------ */

/* @t, new and not yet running, joins the current task's group; a kernel thread
 * joins the root. */
void cgroup_fork(struct task *t);

/* @t, the current task or one that never ran, leaves its group. */
void cgroup_exit(struct task *t);

/* -- Boot, figures, tests ------------------------------------------------------------ */

/* By name from kernel_main(): before the first task. */
void cgroup_init(void);

/* Groups in memory besides the root; references to all states there are. */
long cgroup_nr_live(void);
long css_nr_refs(void);

/* Until what was removed before this call, and nobody refers to, is freed. May
 * sleep. */
void cgroup_wait_teardown(void);
