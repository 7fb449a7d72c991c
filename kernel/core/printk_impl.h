/* SPDX-License-Identifier: MIT */
/* printk_impl.h - the log's ring, between printk_ring.c and printk.c. */
#pragma once
#include <kernel/core/printk.h>

struct printk_slot {
	u64 state; /* any CPU, atomically: see printk_ring.c */
	struct printk_record rec;
};

struct printk_ring {
	/* Fixed. */
	unsigned int order; /* 1 << order slots */
	struct printk_slot *slots;

	/* Set once: what is unfinished stays so. */
	bool writers_stopped;

	/* Any CPU, atomically. */
	u64 head; /* the next record's number */
	unsigned long nr_dropped;
};

/* A slot to fill, its number set; NULL when the ring is full of unfinished
 * records.  Any context, never waits. */
struct printk_slot *printk_ring_reserve(struct printk_ring *ring);
void printk_ring_commit(struct printk_ring *ring, struct printk_slot *slot);

/* As printk_read(); with @skip_unfinished it does not stop at records whose
 * writers have not committed. */
bool printk_ring_read(struct printk_ring *ring, u64 *seq,
		      struct printk_record *rec, bool skip_unfinished);

/* Would printk_ring_read() find something at @seq? */
bool printk_ring_ready(struct printk_ring *ring, u64 seq);
