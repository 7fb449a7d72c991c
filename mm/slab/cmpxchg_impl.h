/* SPDX-License-Identifier: MIT */
/* cmpxchg_impl.h - the fast paths of the classic shape; see cmpxchg.c. */
#pragma once
#include "slab_impl.h"

#define SLAB_TID_STEP NR_CPUS

/*
 * Change this CPU's pair (freelist, tid), if it is still the one read.  The
 * operand is GS-relative, so pair and CPU are chosen by the same instruction.
 * Decided by what was found, not by ZF (see <lib/atomic.h>).
 */
static __always_inline bool slab_cpu_change(struct slab_cpu __percpu *cpu,
					    void *old_freelist,
					    unsigned long old_tid,
					    void *freelist, unsigned long tid)
{
	u64 lo = (u64)old_freelist, hi = old_tid;

	asm volatile("cmpxchg16b %%gs:%[pair]"
		     : [pair] "+m"(*(u128 *)&cpu->freelist), "+a"(lo), "+d"(hi)
		     : "b"(freelist), "c"(tid)
		     : "memory", "cc");
	return lo == (u64)old_freelist && hi == old_tid;
}

static __always_inline void *slab_cmpxchg_alloc(struct kmem_cache *s, gfp_t gfp,
						int node)
{
	struct slab_cpu __percpu *cpu = s->cpu;
	unsigned long tid;
	void *object;

	do {
		/* tid first: it vouches for what is read after it. */
		tid = this_cpu_read(cpu->tid);
		barrier();
		object = this_cpu_read(cpu->freelist);
		if (unlikely(!object || node != NUMA_NO_NODE))
			return slab_cmpxchg_alloc_slow(s, gfp, node);
		/*
		 * The object may be taken from under us: then this reads
		 * what its user wrote, and the tid has moved.
		 */
	} while (unlikely(!slab_cpu_change(cpu, object, tid,
					   slab_next_free(s, object),
					   tid + SLAB_TID_STEP)));
	this_cpu_inc(cpu->stat[SLAB_ALLOC_FAST]);
	return object;
}

static __always_inline void slab_cmpxchg_free(struct kmem_cache *s,
					      struct slab *slab, void *head,
					      void *tail, unsigned int nr)
{
	struct slab_cpu __percpu *cpu = s->cpu;
	unsigned long tid;
	void *freelist;

	do {
		tid = this_cpu_read(cpu->tid);
		barrier();
		if (unlikely(slab != this_cpu_read(cpu->slab))) {
			this_cpu_inc(cpu->stat[SLAB_FREE_SLOW]);
			slab_put_chain(s, slab, head, tail, nr);
			return;
		}
		freelist = this_cpu_read(cpu->freelist);
		slab_link_free(s, tail, freelist);
	} while (unlikely(!slab_cpu_change(cpu, freelist, tid, head,
					   tid + SLAB_TID_STEP)));
	this_cpu_inc(cpu->stat[SLAB_FREE_FAST]);
}
