/* SPDX-License-Identifier: MIT */
/* memcg_test.h - what tests of charging share. */
#pragma once
#include <boot/numa.h>
#include <mm/memcg/memcg.h>
#include "memcg_impl.h"

/*
 * Make the group at @path, with a memory controller, which its parent's may have
 * to be enabled for; NULL, and the test has failed, if that is impossible.
 */
struct mem_cgroup *group_make(const char *path);

/* "/t/042", into @path, which has room for 7 characters. */
const char *numbered(char *path, unsigned int n);

/* Remove it.  Its memcg may be gone when this returns. */
void group_remove(const char *path);

/*
 * Put the current task into a group @depth levels deep, with a limit far away; 0:
 * into the root, but there is a group.  Undo with group_leave().  For benchmarks,
 * "root", "depth1", ... in the name of the context.
 */
struct mem_cgroup *group_enter(unsigned int depth);
void group_leave(void);

void group_limit(struct mem_cgroup *memcg, unsigned long pages);

/* Charge and uncharge bytes that nobody has.  Returns the owner, or -ENOMEM. */
int charge_bytes(struct mem_cgroup *memcg, size_t bytes, gfp_t gfp);
void uncharge_bytes(int owner, size_t bytes);

static inline unsigned long usage_of(struct mem_cgroup *memcg)
{
	return page_counter_read(&memcg->memory);
}

/* What the usage is once no CPU holds anything back. */
unsigned long settled_usage(struct mem_cgroup *memcg);

/* Pages in use in all the machine, once nobody holds back what is free. */
unsigned long settled_pages(void);

/* @nr objects of 64 bytes that @memcg pays for, each pointing to the next. */
void **make_objects(struct mem_cgroup *memcg, int nr);
void free_objects(void **first);

static inline long event_count(struct mem_cgroup *memcg, enum memcg_event event)
{
	return atomic_long_read(&memcg->events_local[event]);
}

/* Run fn(arg) in a task on @cpu and wait for it. */
void run_on(unsigned int cpu, int (*fn)(void *arg), void *arg);
