/* SPDX-License-Identifier: MIT */
/*
 * percpu_counter.h - a counter that many CPUs change and few read.
 *
 * Each CPU keeps its own part until that reaches the batch, then adds it to the
 * common count.  Reading the count alone is off by less than batch * CPUs;
 * summing is exact when nobody changes it.
 *
 * Context: changing, any but NMI; init may sleep.
 */
#pragma once
#include <kernel/core/spinlock.h>
#include <mm/percpu/percpu.h>

#define PERCPU_COUNTER_BATCH 32

struct percpu_counter {
	spinlock_t lock;
	s64 count;	     /* under lock; read freely */
	s32 __percpu *parts; /* own CPU; read by who sums */
};

/* 0 or -ENOMEM. */
int percpu_counter_init(struct percpu_counter *c, s64 value, gfp_t gfp);
void percpu_counter_destroy(struct percpu_counter *c);

void percpu_counter_add_batch(struct percpu_counter *c, s64 amount, s32 batch);

static inline void percpu_counter_add(struct percpu_counter *c, s64 amount)
{
	percpu_counter_add_batch(c, amount, PERCPU_COUNTER_BATCH);
}

static inline void percpu_counter_inc(struct percpu_counter *c)
{
	percpu_counter_add(c, 1);
}

static inline void percpu_counter_dec(struct percpu_counter *c)
{
	percpu_counter_add(c, -1);
}

/* Cheap and approximate; never negative in the second form. */
static inline s64 percpu_counter_read(const struct percpu_counter *c)
{
	return READ_ONCE(c->count);
}

static inline s64 percpu_counter_read_positive(const struct percpu_counter *c)
{
	s64 v = percpu_counter_read(c);

	return v > 0 ? v : 0;
}

s64 percpu_counter_sum(struct percpu_counter *c);

/* Nobody may be changing it. */
void percpu_counter_set(struct percpu_counter *c, s64 value);

/* -1, 0 or 1 as the counter is below, at or above @value: sums only when the
 * approximate count is too close to tell. */
int percpu_counter_compare(struct percpu_counter *c, s64 value);
