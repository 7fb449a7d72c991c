/* SPDX-License-Identifier: MIT */
/* cgroup_impl.h - what the files of kernel/cgroup share. */
#pragma once
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/panic.h>

/* Under cgroup_mutex and cgroup_tasks_lock; read under either. */
extern struct cgroup_subsys *cgroup_subsys[CGROUP_SUBSYS_MAX];

/* @ss runs over the controllers there are. */
#define for_each_subsys(ss, i)                                                 \
	for ((i) = 0; (i) < CGROUP_SUBSYS_MAX; (i)++)                          \
		if (((ss) = cgroup_subsys[i]))

#define for_each_subsys_in(ss, i, mask)                                        \
	for_each_subsys(ss, i)                                                 \
		if ((mask) & (1u << (i)))

/* Children of @cgrp that are not being removed; under cgroup_mutex. */
#define for_each_live_child(child, css, cgrp)                                  \
	css_for_each_child(css, &(cgrp)->self)                                 \
		if (((child) = (css)->cgroup, !cgroup_is_dead(child)))

/* What @cgrp may enable for its children: what it has itself. */
unsigned int cgroup_available(const struct cgroup *cgrp);

/* -- css.c: all under cgroup_mutex ------------------------------------------- */

/* Fill in what the core owns of a zeroed @css.  0 or -ENOMEM, and then there is
 * nothing to undo. */
int css_init(struct cgroup_subsys_state *css, struct cgroup *cgrp,
	     struct cgroup_subsys *ss, struct cgroup_subsys_state *parent);

/* It is now among its parent's children, online, and has to be killed. */
void css_link(struct cgroup_subsys_state *css);

/* A css of @ss in @cgrp: online, linked, but no task's yet.  ERR_PTR. */
struct cgroup_subsys_state *css_create(struct cgroup *cgrp,
				       struct cgroup_subsys *ss);

/* From now on it is that of its group's tasks. */
void css_publish(struct cgroup_subsys_state *css);

/* The reverse of all these; the rest follows by itself. */
void css_kill(struct cgroup_subsys_state *css);

/* -- tree.c, under cgroup_mutex ---------------------------------------------- */

/* Gone from its siblings; its memory. */
void cgroup_released(struct cgroup *cgrp);
void cgroup_free(struct cgroup *cgrp);

/* -- tasks.c ------------------------------------------------------------------- */

/* In @cgrp there is now this css of @ss, or none; tell it of its tasks.  The
 * second with cgroup_tasks_lock held. */
void cgroup_switch_css(struct cgroup *cgrp, struct cgroup_subsys *ss,
		       struct cgroup_subsys_state *css);
void cgroup_switch_css_locked(struct cgroup *cgrp, struct cgroup_subsys *ss,
			      struct cgroup_subsys_state *css);

/* -- control.c ------------------------------------------------------------------ */

int cgroup_set_subtree_control(struct cgroup *cgrp, char *text);

/* -- file.c, files.c --------------------------------------------------------------------- */

extern const struct cftype cgroup_core_files[];

/* Does @cgrp have a file of this name? */
bool cgroup_has_file(struct cgroup *cgrp, const char *name, size_t len);

/* The number of cgroup.events. */
#define CGROUP_EVENTS 1

void cgroup_queues_init(void);

/* Whoever waits for a file of @css looks again. */
void cgroup_file_wake(struct cgroup_subsys_state *css);

/* -- rstat.c ---------------------------------------------------------------------- */

int rstat_init_css(struct cgroup_subsys_state *css);

/* Nobody may update @css any more: what is left goes to its parent. */
void rstat_exit_css(struct cgroup_subsys_state *css);
void rstat_init(void);
