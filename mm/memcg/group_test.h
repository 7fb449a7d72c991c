/* SPDX-License-Identifier: MIT */
/* group_test.h - groups for tests, their files, and charges without the
 * allocators. */
#pragma once
#include <lib/random.h>
#include <mm/reclaim/shrinker.h>
#include <tests/test.h>
#include "memcg_test.h"

/* -- Groups ------------------------------------------------------------------ */

/* A group with the memory controller, below @parent (NULL: the root), and the
 * reverse: nothing is in it, and nobody refers to it. */
struct mem_cgroup *test_group(struct mem_cgroup *parent, const char *name);
void test_group_remove(struct mem_cgroup *memcg);

/* -- Their files ------------------------------------------------------------- */

/* What writing @text returns. */
int group_write(struct mem_cgroup *memcg, const char *file, const char *text);

/* Does it read as @text? */
void group_expect(struct mem_cgroup *memcg, const char *file, const char *text);

/* The number in the line that begins with @key, or, NULL, in the only one; in
 * memory.numa_stat that of @nid.  -1 if there is none. */
long group_read(struct mem_cgroup *memcg, const char *file, const char *key);
long group_read_node(struct mem_cgroup *memcg, const char *key, int nid);

/* -- Charges ----------------------------------------------------------------- */

struct test_charge {
	u32 owner; /* 0: none */
	u32 bytes;
	enum memcg_kind kind;
	int nid;
};

/* Charge @bytes to @memcg, by way of the fast paths where there is one.  False:
 * refused. */
bool charge_take(struct test_charge *c, struct mem_cgroup *memcg, u32 bytes,
		 enum memcg_kind kind, int nid, gfp_t gfp);
void charge_give(struct test_charge *c);

/* -- Something to reclaim ------------------------------------------------------ */

#define TEST_CACHE_OBJECTS 256

/* A cache of charges, a page each, that a shrinker gives back. */
extern struct test_cache {
	struct shrinker shrinker;
	struct test_charge charges[TEST_CACHE_OBJECTS];
	atomic_long_t nr; /* that it has */
	bool stuck;	  /* it refuses */
} test_cache;

void test_cache_fill(struct mem_cgroup *memcg);
void test_cache_drop(void);

/* -- Where --------------------------------------------------------------------- */

/* So many nodes there are. */
int test_nr_nodes(void);

/* The caller runs on @cpu from now on, or anywhere again. */
void move_to(unsigned int cpu);
void move_anywhere(void);
