/* SPDX-License-Identifier: MIT */
/*
 * hooks_none.c - what a charge that waits asks of others, while they are not
 * there: nobody is killed, and memory.high costs nothing.
 */
#include "memcg_impl.h"

bool mem_cgroup_out_of_memory(struct mem_cgroup *memcg, gfp_t gfp,
			      unsigned int order)
{
	return false;
}

void memcg_high_charged(struct mem_cgroup *memcg, unsigned long nr, gfp_t gfp)
{
}

void memcg_high_pay(gfp_t gfp)
{
}
