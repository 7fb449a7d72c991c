/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - memory with one copy for each possible CPU.
 *
 *	unsigned long __percpu *hits = alloc_percpu(unsigned long);
 *
 *	this_cpu_inc(*hits);
 *	sum += *per_cpu_ptr(hits, cpu);
 *	free_percpu(hits);
 *
 * What alloc_percpu() returns is no address but stands in for one, like that of a
 * static per-CPU variable: use it through this_cpu_*, this_cpu_ptr() and
 * per_cpu_ptr() only (<arch/percpu.h>).  All copies are zeroed.
 *
 * Sizes from 1 byte to PERCPU_MAX_SIZE for each CPU; @align a power of two up to
 * PAGE_SIZE.  NULL without memory, or if the arguments make no sense.
 *
 * Context: with __GFP_DIRECT_RECLAIM, tasks that may sleep; otherwise any but
 * NMI, served from pages that are populated already.  Freeing: any but NMI.
 */
#pragma once
#include <arch/percpu.h>
#include <mm/page/gfp.h>

/* A unit's dynamic part is never smaller. */
#define PERCPU_MAX_SIZE 32768ul

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp);
void free_percpu(const void __percpu *ptr);

#define alloc_percpu_gfp(type, gfp)                                            \
	((__typeof__(type) __percpu *)__alloc_percpu_gfp(                      \
		sizeof(type), __alignof__(type), gfp))
#define alloc_percpu(type)	    alloc_percpu_gfp(type, GFP_KERNEL)
#define __alloc_percpu(size, align) __alloc_percpu_gfp(size, align, GFP_KERNEL)

/* From here on alloc_percpu() works; needs the page allocator, not the slabs. */
void percpu_init(void);

/* The body of a kernel thread that keeps pages in reserve and gives back what
 * is too much of them; whoever can make threads starts it. */
int percpu_balancer(void *unused);

/* Do that now, and keep no empty chunk.  May sleep. */
void percpu_drain(void);

struct percpu_info {
	unsigned int nr_chunks;
	size_t unit_size;	       /* bytes of a chunk for each CPU */
	size_t used;		       /* bytes handed out, for each CPU */
	unsigned long populated_pages; /* of all CPUs */
	unsigned long reserve_pages;   /* populated and free, for each CPU */
	unsigned long nr_allocs;       /* areas in use */
};

void percpu_get_info(struct percpu_info *info);

/* Check every chunk's map; returns the number of errors, reports the first. */
unsigned long percpu_validate_all(void);
