/* SPDX-License-Identifier: MIT */
/*
 * chunk_impl.h - per-CPU memory: chunks of blocks, blocks of areas.
 *
 *	chunk	addresses of up to 64 blocks, in every CPU's unit alike
 *	block	one page of every CPU: free, or cut into areas of one size, or
 *		one of several that are a large area
 *	area	what alloc_percpu() hands out
 *
 * All units of a chunk are alike, so one book speaks for all CPUs.  Sizes are
 * counted in slots of 8 bytes.
 */
#pragma once
#include <kernel/core/mutex.h>
#include <kernel/core/spinlock.h>
#include <lib/list.h>
#include <lib/types.h>
#include <mm/accounting.h>
#include <mm/page/page.h>

#define PCPU_SLOT_SHIFT	 3
#define PCPU_SLOT	 (1ul << PCPU_SLOT_SHIFT)
#define PCPU_BLOCK_SLOTS ((unsigned int)(PAGE_SIZE >> PCPU_SLOT_SHIFT))
#define PCPU_SMALL_SLOTS (PCPU_BLOCK_SLOTS / 2) /* the largest small area */
#define PCPU_NR_CLASSES	 26
#define PCPU_NR_BLOCKS	 64u /* of a chunk, at most: a bit for each */
#define PCPU_NR_CHUNKS	 8192u

/* Blocks kept populated and free for those who cannot wait. */
#define PCPU_RESERVE 4u

enum pcpu_use {
	PCPU_FREE,
	PCPU_STATIC, /* static variables, for ever */
	PCPU_SMALL,  /* areas of one class */
	PCPU_LARGE,  /* here a large area begins */
	PCPU_TAIL,   /* and here it goes on */
};

/* A size of small areas. */
struct pcpu_class {
	/* Fixed. */
	u16 slots;
	u16 nr;	     /* areas in a block */
	u32 inverse; /* 1 / slots, 20 bits behind the point */

	/* Under pcpu_lock. */
	struct list_head partial; /* blocks with a free area */
};

struct pcpu_block {
	/* Fixed. */
	unsigned long address; /* what stands for its copies */
	struct pcpu_chunk *chunk;

	/* Under pcpu_lock.  A block in use is populated. */
	struct list_head list; /* the ready blocks, or its class's partial */
	u8 use;
	u8 class;
	u8 word;	       /* no word of free[] before it has a bit */
	u8 nr_blocks;	       /* of the large area */
	u16 nr_free;	       /* small areas */
	u16 owner;	       /* of the large area: who pays */
	u16 *owners;	       /* of each small area, or NULL: of none */
	unsigned long free[8]; /* a bit for each small area */
};

struct pcpu_chunk {
	/* Fixed. */
	unsigned int index;

	/* Under pcpu_lock; `populated` changes under populate_mutex too. */
	struct list_head list; /* the bin of its number of free blocks */
	u64 free;	       /* a bit for each block */
	u64 populated;
	struct pcpu_block blocks[];
};

extern spinlock_t pcpu_lock;
extern struct mutex pcpu_populate_mutex;

/* Fixed at boot. */
extern struct pcpu_class pcpu_classes[PCPU_NR_CLASSES];
extern unsigned int pcpu_unit_blocks; /* of every chunk */

/* Under pcpu_lock. */
extern struct pcpu_chunk *pcpu_chunks[PCPU_NR_CHUNKS];
extern struct list_head pcpu_bins[PCPU_NR_BLOCKS + 1];
extern struct list_head pcpu_ready; /* blocks populated and free */
extern struct pcpu_totals {
	unsigned int nr_chunks;
	unsigned int nr_ready;	    /* blocks */
	unsigned long nr_populated; /* blocks */
	unsigned long nr_areas;
	unsigned long slots; /* of all areas */
} pcpu_totals;

static inline unsigned int pcpu_block_index(const struct pcpu_block *b)
{
	return b - b->chunk->blocks;
}

/* Of the area in @b, or any one in it. */
static inline unsigned int pcpu_area_slots(const struct pcpu_block *b)
{
	return b->use == PCPU_SMALL ? pcpu_classes[b->class].slots
				    : b->nr_blocks * PCPU_BLOCK_SLOTS;
}

/* Which of the small areas @slot is in. */
static inline unsigned int pcpu_area_index(const struct pcpu_block *b,
					   unsigned int slot)
{
	return slot * pcpu_classes[b->class].inverse >> 20;
}

/* --- area.c: under pcpu_lock ------------------------------------------------- */

void pcpu_classes_init(void);

/* The class for areas of @slots that begin at multiples of @align bytes; NULL
 * if they are large ones. */
struct pcpu_class *pcpu_class_for(unsigned int slots, size_t align);

/* An area of class @k, or one of @nr blocks, in what is populated; NULL if there
 * is none.  PCPU_RESERVE ready blocks are left alone if @spare. */
void __percpu *pcpu_take_small(struct pcpu_class *k, bool spare);
void __percpu *pcpu_take_large(unsigned int nr, bool spare);

/* Give back the area that begins at @slot of @b.  False if none does. */
bool pcpu_give_area(struct pcpu_block *b, unsigned int slot);

/* Give back the blocks that classes keep though they are empty. */
void pcpu_give_idle(void);

/* --- chunk.c ----------------------------------------------------------------- */

void pcpu_chunks_init(void);

/* The block that @ptr, which may be anything, is in, and where; or NULL.
 * Under pcpu_lock, unless @ptr is the caller's. */
struct pcpu_block *pcpu_find_block(const void __percpu *ptr,
				   unsigned int *slot);

/* @nr ready blocks in a row, or NULL; the caller says what they are now.  And
 * back again.  Under pcpu_lock. */
struct pcpu_block *pcpu_take_blocks(unsigned int nr, bool spare);
void pcpu_give_blocks(struct pcpu_block *b, unsigned int nr);

/* Make @nr blocks in a row ready that were not.  Under populate_mutex.  0 or
 * -ENOMEM, with some of them ready perhaps. */
int pcpu_grow(unsigned int nr);

/* Leave no more than @most ready blocks their pages.  Under populate_mutex. */
void pcpu_depopulate(unsigned int most);

/* Drop a chunk without areas, unless there are no more than @keep: then false.
 * Under populate_mutex. */
bool pcpu_drop_empty_chunk(unsigned int keep);

/* --- balance.c ----------------------------------------------------------------- */

/* Wake the balancer.  Any context. */
void pcpu_want_balance(void);

/* --- owner.c ----------------------------------------------------------------- */

/* Charge the area to who pays here.  0, or -ENOMEM and nothing has changed. */
int __pcpu_charge(const void __percpu *p, gfp_t gfp);

/*
 * The area that begins at @slot of @b is about to be given back: who pays for it,
 * if one does, and its @bytes, which go to pcpu_uncharge() next; until then
 * preemption must be off.  0: nobody.  Under pcpu_lock.
 */
u32 pcpu_erase_owner(struct pcpu_block *b, unsigned int slot, size_t *bytes);
void pcpu_uncharge(u32 owner, size_t bytes);

/* The block has no areas any more.  Under pcpu_lock. */
void pcpu_bury_owners(struct pcpu_block *b);

/* No area in the block has an owner: all such vectors.  Under populate_mutex. */
void pcpu_bury_unused_owners(void);

/* Free what was buried. */
void pcpu_free_owners(void);

/* --- check.c ------------------------------------------------------------------- */

/* Recount everything; the number of errors.  Under pcpu_lock. */
unsigned long pcpu_check(void);
