/* SPDX-License-Identifier: MIT */
/*
 * chunk_impl.h - one chunk of per-CPU memory, and the map of its units.
 *
 * All units of a chunk are alike, so one map speaks for all CPUs.  It counts in
 * slots of 8 bytes; a page of slots is a block.
 */
#pragma once
#include <lib/bitmap.h>
#include <lib/list.h>
#include <mm/page/page.h>

#define PCPU_SLOT_SHIFT	 3
#define PCPU_SLOT	 (1ul << PCPU_SLOT_SHIFT)
#define PCPU_BLOCK_SLOTS ((unsigned int)(PAGE_SIZE >> PCPU_SLOT_SHIFT))
#define PCPU_NR_BINS	 14

struct pcpu_block {
	u32 bound;	/* no free run that begins here is longer */
	u32 where;	/* a run that was about that long begins here, or did */
	u16 free;	/* slots */
	bool populated; /* on all CPUs */
};

struct pcpu_chunk {
	/* Fixed. */
	unsigned int index;
	unsigned int nr_slots;
	unsigned int nr_blocks;
	bool permanent; /* the first: static variables live here */

	/* Under pcpu_lock. */
	struct list_head list; /* in the bin of its bound */
	unsigned int bin;
	unsigned int free;	  /* slots */
	unsigned int first;	  /* no block before it has a free slot */
	unsigned int bound;	  /* no free run is longer */
	unsigned int nr_areas;	  /* handed out */
	unsigned int nr_reserved; /* never to be */
	int nr_ready;		  /* blocks populated and all free */
	unsigned long *used;	  /* a bit for each slot */
	unsigned long *bounds; /* first slots of areas, and of what follows */

	/* Under pcpu_lock; `populated` changes under populate_mutex too. */
	struct pcpu_block blocks[];
};

#define PCPU_NOWHERE (~0u)

/* Take @n slots, aligned to @align slots, or PCPU_NOWHERE.  From populated
 * blocks only if @populated. */
unsigned int pcpu_map_take(struct pcpu_chunk *c, unsigned int n,
			   unsigned int align, bool populated);

/* Give back the area that begins at @start: its slots, or 0 if none does. */
unsigned int pcpu_map_give(struct pcpu_chunk *c, unsigned int start);

/* Mark slots that never will be free. */
void pcpu_map_reserve(struct pcpu_chunk *c, unsigned int start, unsigned int n);
void pcpu_map_init(struct pcpu_chunk *c);

/* Recount everything; the number of errors. */
unsigned int pcpu_map_validate(const struct pcpu_chunk *c);
