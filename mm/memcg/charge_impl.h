/* SPDX-License-Identifier: MIT */
/* charge_impl.h - a request on its way through the counters; see charge.c. */
#pragma once
#include "memcg_impl.h"

struct charge_attempt {
	/* The request's. */
	gfp_t gfp;
	unsigned int order;  /* what the report of a kill says */
	unsigned long pages; /* last asked for */

	/* So far. */
	unsigned int rounds;
	bool force;   /* no limit counts any more */
	bool drained; /* without waiting */
	bool told;    /* MEMCG_MAX is counted */

	/* Who refused: referenced and squeezed, or NULL. */
	struct mem_cgroup *over;
};

/* Charge @need pages to @memcg, or more if @ahead and there is room: how many,
 * or 0 if that was refused.  Preemption off. */
unsigned long charge_pages(struct charge_attempt *a, struct mem_cgroup *memcg,
			   unsigned long need, bool ahead);
