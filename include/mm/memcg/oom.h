/* SPDX-License-Identifier: MIT */
/* oom.h - who ends when memory has run out: mm/memcg/oom.c. */
#pragma once

struct task;

/* task->oom_score_adj: so many thousandths of the limit count as its own.  The
 * least one is never killed. */
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000

/* -EINVAL when out of range.  Tasks inherit it. */
int task_set_oom_score_adj(struct task *t, int adj);

/* By name from the first task: the reaper. */
void oom_init(void);
