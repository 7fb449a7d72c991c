/* SPDX-License-Identifier: MIT */
/* things_test.h - one of everything that can be charged, for tests. */
#pragma once
#include <lib/random.h>
#include <mm/accounting.h>

enum thing_type {
	THING_NONE,
	THING_OBJECT,	   /* kmalloc */
	THING_BULK,	   /* objects of a cache, in bulk */
	THING_RECLAIMABLE, /* an object of a reclaimable cache */
	THING_BLOCK,	   /* pages */
	THING_EXACT,	   /* a number of pages that is no power of two */
	THING_ANON,
	THING_FILE,
	THING_SOCK,
	THING_PERCPU,
	THING_VMALLOC,
	THING_STACK,
	NR_THING_TYPES
};

#define THING_BULK_MAX 16

struct thing {
	enum thing_type type; /* THING_NONE: there is none */
	unsigned int order;
	unsigned int nr;
	size_t size;
	union {
		void *va;
		struct page *page;
		void __percpu *area;
		void *objects[THING_BULK_MAX];
	};
};

/* The caches that things come from; before the first and after the last. */
void things_begin(void);
void things_end(void);

/* Make a thing, of a size from @rng; charged to who pays in this context.  False:
 * refused.  @gfp without __GFP_ACCOUNT. */
bool thing_make(struct thing *t, enum thing_type type, struct prng *rng,
		gfp_t gfp);

/* Any task may do this. */
void thing_drop(struct thing *t);

/* Of what it is, in memory.stat. */
enum memcg_kind thing_kind(const struct thing *t);
