/* SPDX-License-Identifier: MIT */
/*
 * mock_test.h - two controllers for the tests, which count what they are told.
 *
 * A test that uses them begins with mock_begin() and ends with mock_end(); in
 * between "mock" and "other" can be enabled.  They check for themselves that
 * what they are told comes in an order that makes sense.
 */
#pragma once
#include <kernel/cgroup/cgroup.h>

struct mock {
	struct cgroup_subsys_state css;

	/* Under cgroup_tasks_lock. */
	long nr_tasks;

	/* Own CPU; summed by rstat, under its mutex. */
	s64 __percpu *counts;
	s64 __percpu *counts_seen;
	s64 sum;     /* of this one and all below */
	s64 pending; /* from the children, not yet in sum */

	/* Any CPU, atomically. */
	atomic_t nr_children; /* not yet freed */
	bool is_released;
};

extern struct cgroup_subsys mock_subsys, other_subsys;

void mock_begin(void);
void mock_end(void);

static inline struct mock *to_mock(struct cgroup_subsys_state *css)
{
	return container_of(css, struct mock, css);
}

/* That of @cgrp itself, or NULL. */
static inline struct mock *mock_of(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css = cgrp->subsys[mock_subsys.id];

	return css ? to_mock(css) : NULL;
}

/* css_online() fails after so many calls that did not; -1: never. */
extern int mock_online_budget;

/* How often each has been called. */
extern atomic_t mock_nr_online, mock_nr_offline, mock_nr_released,
	mock_nr_freed;
extern atomic_t mock_nr_flushed;

void mock_count(struct mock *m, s64 n);

/* -- Shorthand for tests ------------------------------------------------------- */

/* mkdir, and no reference kept. */
int make(const char *path);

/* A file of a group by path: the answer of a write; a read as a string that
 * lasts until the next. */
int put(const char *path, const char *name, const char *text);
const char *get(const char *path, const char *name);
