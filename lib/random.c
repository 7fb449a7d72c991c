/* SPDX-License-Identifier: MIT */
/*
 * random.c - numbers that look random and can be had again.
 *
 * Idea.       A counter that steps by an odd constant visits every 64-bit
 *             state once; a bijective hash of it (multiply and fold, twice:
 *             Steele, Lea and Flood's SplitMix, 2014) makes the visits look
 *             unrelated.  One word of state, a handful of instructions, and
 *             splitting is another draw.
 * Rejected.   Larger generators: no test here draws enough to see the period,
 *             which is 2^64.
 */
#include <string.h>

#include <lib/random.h>

/* 2^64 divided by the golden ratio, made odd. */
#define STEP 0x9e3779b97f4a7c15ULL

static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Mixed, so that seeds which lie a few steps apart do not give the same
 * sequence with a few steps' delay. */
void prng_init(struct prng *rng, u64 seed)
{
	rng->state = mix(seed + STEP);
}

u64 prng_u64(struct prng *rng)
{
	rng->state += STEP;
	return mix(rng->state);
}

/*
 * The top half of a 128-bit product scales a draw to the bound without a
 * division.  Some results would get one draw more than others: those draws are
 * the ones with a small bottom half, and are drawn again (Lemire, 2019).
 */
u64 prng_below(struct prng *rng, u64 bound)
{
	u128 product = (u128)prng_u64(rng) * bound;

	if ((u64)product < bound) {
		u64 surplus = -bound % bound;

		while ((u64)product < surplus)
			product = (u128)prng_u64(rng) * bound;
	}
	return (u64)(product >> 64);
}

u64 prng_range(struct prng *rng, u64 lo, u64 hi)
{
	u64 span = hi - lo + 1;

	/* A span of 2^64 wraps to 0. */
	return lo + (span ? prng_below(rng, span) : prng_u64(rng));
}

struct prng prng_fork(struct prng *rng)
{
	struct prng child;

	prng_init(&child, prng_u64(rng));
	return child;
}

static void swap_bytes(u8 *a, u8 *b, size_t size)
{
	while (size--) {
		u8 byte = *a;

		*a++ = *b;
		*b++ = byte;
	}
}

/* From the back, each element changes places with one not after it. */
void prng_shuffle(struct prng *rng, void *base, size_t nr, size_t size)
{
	u8 *bytes = base;

	for (size_t i = nr; i > 1; i--) {
		size_t j = prng_below(rng, i);

		if (j != i - 1)
			swap_bytes(bytes + j * size, bytes + (i - 1) * size,
				   size);
	}
}

void prng_fill(struct prng *rng, void *buf, size_t size)
{
	u8 *bytes = buf;

	while (size) {
		u64 word = prng_u64(rng);
		size_t n = size < sizeof(word) ? size : sizeof(word);

		memcpy(bytes, &word, n);
		bytes += n;
		size -= n;
	}
}
