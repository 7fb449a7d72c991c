/* SPDX-License-Identifier: MIT */
/*
 * random.h - a small seeded generator, for tests and for shuffling.
 *
 * The same seed gives the same numbers on every machine and build, so that a
 * failure can be replayed.  It is no secret: anyone who sees a few outputs can
 * tell the next.
 *
 * A struct prng belongs to one user at a time; no locking.
 */
#pragma once

#include <lib/types.h>

struct prng {
	u64 state;
};

/* Any seed will do, 0 included; near seeds give unrelated sequences. */
void prng_init(struct prng *rng, u64 seed);

/* All 64 bits, uniform. */
u64 prng_u64(struct prng *rng);

static inline u32 prng_u32(struct prng *rng)
{
	return (u32)(prng_u64(rng) >> 32);
}

/* 0 to @bound - 1, exactly uniform; 0 for a bound of 0. */
u64 prng_below(struct prng *rng, u64 bound);

/* @lo to @hi, both included; @lo <= @hi. */
u64 prng_range(struct prng *rng, u64 lo, u64 hi);

/* True once in @n calls on average; always for 0 and 1. */
static inline bool prng_one_in(struct prng *rng, u64 n)
{
	return prng_below(rng, n) == 0;
}

/* A generator of its own, for another CPU or a nested use. */
struct prng prng_fork(struct prng *rng);

/* Every order of @nr elements of @size bytes is equally likely. */
void prng_shuffle(struct prng *rng, void *base, size_t nr, size_t size);

void prng_fill(struct prng *rng, void *buf, size_t size);
