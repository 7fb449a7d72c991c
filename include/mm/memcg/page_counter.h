/* SPDX-License-Identifier: MIT */
/*
 * page_counter.h - count pages against a tree of limits.
 *
 * A charge climbs to the root or leaves no trace.  Callers pin the owning group;
 * charging and uncharging need no lock, and may be done in any context but NMI.
 * All quantities are pages.
 */
#pragma once
#include <lib/atomic.h>
#include <lib/list.h>

/* No limit. */
#define PAGE_COUNTER_MAX (~0ul >> 13)

/*
 * Memory that reclaim is to leave alone, by one of the two files memory.min and
 * memory.low.
 */
struct page_counter_shield {
	/* Under the owner's control lock; read freely. */
	unsigned long wanted;

	/* What of it holds, given what the ancestors want and who else claims a
	 * share: page_counter_calculate_protection(). */
	unsigned long effective;

	/* Any CPU, atomically: min(wanted, usage), and the children's sum. */
	atomic_long_t claimed;
	atomic_long_t children_claimed;
};

struct page_counter {
	/* Any CPU, atomically. */
	atomic_long_t usage;

	/* Fixed at init. */
	struct page_counter *parent;

	/* Under the owner's control lock; read freely. */
	unsigned long max;
	unsigned long high;
	bool shielded; /* min or low is or was wanted */

	/* Any CPU, atomically. */
	atomic_t squeezed; /* page_counter_squeeze() */
	atomic_long_t failcnt;
	unsigned long peak; /* the highest usage since watches last changed */

	/* Under peaks_lock. */
	unsigned long past_peak; /* the highest before that */
	struct list_head watches;

	struct page_counter_shield min, low;
};

/* No limits, nothing protected. */
void page_counter_init(struct page_counter *c, struct page_counter *parent);

static inline unsigned long page_counter_read(const struct page_counter *c)
{
	long usage = atomic_long_read(&c->usage);

	return usage > 0 ? usage : 0;
}

/* On failure nothing is charged and *@blocker is the counter that refused. */
bool page_counter_try_charge(struct page_counter *c, unsigned long nr,
			     struct page_counter **blocker);

/* The same for pages that nobody needs yet: refused, without being counted as a
 * failure, where somebody is short of them. */
bool page_counter_try_charge_ahead(struct page_counter *c, unsigned long nr);

/* Whatever the limits. */
void page_counter_charge(struct page_counter *c, unsigned long nr);

void page_counter_uncharge(struct page_counter *c, unsigned long nr);

/* How many pages could be charged to it, its ancestors permitting. */
unsigned long page_counter_margin(const struct page_counter *c);

/*
 * While a counter is squeezed, nobody charges ahead in it or below: what is
 * drained from stocks now stays free for who waits for it.  Nests.
 */
static inline void page_counter_squeeze(struct page_counter *c)
{
	atomic_inc(&c->squeezed);
}

static inline void page_counter_relax(struct page_counter *c)
{
	atomic_dec(&c->squeezed);
}

/* -- Limits: one caller at a time for each counter ------------------------------ */

/* -EBUSY if more is in use, and then nothing has changed; else the usage is at
 * most @max when it returns.  May sleep. */
int page_counter_set_max(struct page_counter *c, unsigned long max);

/* At once, in use or not: the caller brings the usage down. */
void page_counter_force_max(struct page_counter *c, unsigned long max);

void page_counter_set_high(struct page_counter *c, unsigned long high);
void page_counter_set_min(struct page_counter *c, unsigned long min);
void page_counter_set_low(struct page_counter *c, unsigned long low);

/*
 * Work out how much of min and low holds for @c when memory is short in the
 * subtree of @root, whose own protection does not count.  Every counter between
 * the two must have been worked out before: walk from @root downwards.
 */
void page_counter_calculate_protection(struct page_counter *root,
				       struct page_counter *c);

/* -- Peaks ----------------------------------------------------------------------- */

/* The highest usage ever. */
unsigned long page_counter_peak(struct page_counter *c);

/* The highest usage since this watch began or was last reset; any number of
 * watches at a time. */
struct page_counter_watch {
	/* Under peaks_lock. */
	struct list_head node;
	unsigned long past_peak;
};

void page_counter_watch_begin(struct page_counter *c,
			      struct page_counter_watch *w);
void page_counter_watch_reset(struct page_counter *c,
			      struct page_counter_watch *w);
unsigned long page_counter_watch_read(struct page_counter *c,
				      struct page_counter_watch *w);
void page_counter_watch_end(struct page_counter_watch *w);
