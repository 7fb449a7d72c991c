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
#include <lib/math.h>
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
	PCPU_LARGE,  /* here a large area begins */
	PCPU_TAIL,   /* and here it goes on */
	PCPU_SMALL,  /* areas of one class */
	PCPU_OWNED,  /* the same, and each has an owner */
};

/* A size of small areas. */
struct pcpu_class {
	/* Fixed. */
	u16 slots;
	u16 nr;	     /* areas in a block */
	u32 inverse; /* 1 / slots, 20 bits behind the point */

	/* Under pcpu_lock: blocks with a free area; without owners, with. */
	struct list_head partial[2];
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
	u16 owner;	       /* of the large area */
	u16 *owners;	       /* of each small area */
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

static inline bool pcpu_is_small(const struct pcpu_block *b)
{
	return b->use >= PCPU_SMALL;
}

/* Of the area in @b, or any one in it. */
static inline unsigned int pcpu_area_slots(const struct pcpu_block *b)
{
	return pcpu_is_small(b) ? pcpu_classes[b->class].slots
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

/* The first class with as many slots. */
extern u8 pcpu_class_of[PCPU_SMALL_SLOTS + 1];

/* The class for areas of @slots that begin at multiples of @align bytes; NULL
 * if they are large ones.  Any context. */
static __always_inline struct pcpu_class *pcpu_class_for(unsigned int slots,
							 size_t align)
{
	struct pcpu_class *k;

	if (unlikely(slots > PCPU_SMALL_SLOTS))
		return NULL;
	for (k = &pcpu_classes[pcpu_class_of[slots]];
	     k < &pcpu_classes[PCPU_NR_CLASSES]; k++)
		if (likely(IS_ALIGNED(k->slots * PCPU_SLOT, align)))
			return k;
	return NULL;
}

/*
 * An area of class @k, or one of @nr blocks, in what is populated; NULL if there
 * is none.  PCPU_RESERVE ready blocks are left alone if @spare.
 */
void __percpu *pcpu_take_small(struct pcpu_class *k, bool spare);
void __percpu *pcpu_take_large(unsigned int nr, bool spare);

/* What there is to pay for an area. */
struct pcpu_bill {
	size_t bytes; /* on all CPUs */
	u32 owner;    /* 0: nobody */
	u16 *place;   /* where the owner is written */

	/* For a block that has to be taken into use, and then keeps it: a
	 * vector of owners.  No block is taken without. */
	u16 *vector;
};

/* The same with an owner, whom the caller writes to bill->place. */
void __percpu *pcpu_take_owned(struct pcpu_class *k, bool spare,
			       struct pcpu_bill *bill);
void __percpu *pcpu_take_large_owned(unsigned int nr, bool spare,
				     struct pcpu_bill *bill);

/* Give back the area that begins at @slot of @b, a PCPU_SMALL block, or of any
 * block; the latter's owner is erased and in the bill.  False if none does. */
bool pcpu_give_small(struct pcpu_block *b, unsigned int slot);
bool pcpu_give_other(struct pcpu_block *b, unsigned int slot,
		     struct pcpu_bill *bill);

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

/* Drop a chunk without areas, but not the last if @keep_one.  False if there was
 * none to drop.  Under populate_mutex. */
bool pcpu_drop_empty_chunk(bool keep_one);

/* --- balance.c ----------------------------------------------------------------- */

/* Wake the balancer.  Any context. */
void pcpu_want_balance(void);

/* --- owner.c ----------------------------------------------------------------- */

/* A vector of owners for a block of class @k, or NULL.  kfree() it. */
u16 *pcpu_alloc_owners(const struct pcpu_class *k, gfp_t gfp);

/* Charge the bill to who pays here, and write who that is to its place.  0, or
 * -ENOMEM and nothing has changed. */
int pcpu_charge(const struct pcpu_bill *bill, gfp_t gfp);

/* Give its bytes back to its owner.  Preemption is off since that was erased. */
void pcpu_uncharge(const struct pcpu_bill *bill);

/* The block has no areas any more.  Under pcpu_lock. */
void pcpu_bury_owners(struct pcpu_block *b);

/* Free what was buried. */
void pcpu_free_owners(void);

/* --- check.c ------------------------------------------------------------------- */

/* Recount everything; the number of errors.  Under pcpu_lock. */
unsigned long pcpu_check(void);
