/* SPDX-License-Identifier: MIT */
/*
 * percpu.h - every CPU's own area.
 *
 *	PERCPU_BASE + cpu * unit size
 *	+----------------------+ - - - - - - - - - - +-------+
 *	| copy of .percpu      | room for dynamic    | never |
 *	| (populated at boot)  | memory, unpopulated | mapped|
 *	+----------------------+ - - - - - - - - - - +-------+
 *
 * The first chunk of per-CPU memory is these units; further chunks have the
 * same units at the same distances, further up.  So one offset, the CPU's GS
 * base, leads from any per-CPU address to any CPU's copy.
 */
#pragma once
#include <arch/trap.h>
#include <lib/types.h>

/*
 * Give each possible CPU its unit, from memory of its own node where there is
 * some, and its exception stacks; move the boot CPU onto its own.  From here
 * on the image's copy is unmapped: a per-CPU variable used without
 * this_cpu_*() or per_cpu() faults.  Stops the machine if memory runs out.
 * Boot CPU, once, after the page tables; @alloc is memblock_alloc_node().
 */
void percpu_areas_init(arch_alloc_node_fn alloc);

/* Distance between two CPUs' units in bytes: a power of two, fixed at boot. */
unsigned long percpu_unit_size(void);

/* Bytes at the start of each unit that the static variables take, and how
 * many are populated: the same rounded up to pages. */
unsigned long percpu_static_size(void);
unsigned long percpu_populated_size(void);

/* The first unit of the first chunk. */
unsigned long percpu_first_chunk(void);
