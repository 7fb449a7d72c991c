/* SPDX-License-Identifier: MIT */
/* oom_impl.h - between oom.c, which kills, and oom_report.c, which tells. */
#pragma once
#include <mm/memcg/oom.h>
#include "memcg_impl.h"

/* What a look at all tasks of a group has found. */
struct oom_choice {
	struct mem_cgroup *memcg; /* that is short of memory */
	unsigned int order;
	unsigned long limit; /* pages */
	unsigned long nr_tasks;
	bool is_dying;	   /* somebody of them is killed already */
	struct task *task; /* the one with the most points, or NULL */
	long points;
};

/* Call @fn for every task of @memcg and below; it may sleep. */
void oom_for_each_task(struct mem_cgroup *memcg,
		       void (*fn)(struct task *t, void *arg), void *arg);

/* The group of @t with a reference, or NULL if it has ended. */
struct mem_cgroup *mem_cgroup_get_from_task(const struct task *t);

/* In pages: of RAM, where that is less. */
unsigned long oom_limit(struct mem_cgroup *memcg);
unsigned long oom_task_pages(struct task *t);
long oom_points(struct task *t, unsigned long limit);

/* Is somebody who was killed not gone yet, or still being reaped?  The reaper
 * forgets a victim only when it is done with it. */
bool oom_has_victims(void);

/* -- oom_report.c -- */

/* Which group, its memory, its tasks, who ends; or that nobody can. */
void oom_report(const struct oom_choice *choice);
void oom_report_group(struct mem_cgroup *group);
