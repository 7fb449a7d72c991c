/* SPDX-License-Identifier: MIT */
/*
 * seal.c - a keyed hash over what the framework reports.
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): short, fast without a table, and
 * a tag for a new text cannot be found without the key.  The key is the run's
 * nonce, which the framework wipes from the command line before the first test
 * starts.  This keeps a test from passing by what it prints, by accident or by
 * intent; against code that hunts through memory for the key nothing in one
 * address space could.
 */
#include <string.h>
#include "framework_impl.h"

static u64 rotate(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static void mix_rounds(u64 v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void absorb(u64 v[4], u64 word)
{
	v[3] ^= word;
	mix_rounds(v, 2);
	v[0] ^= word;
}

u64 seal_compute(const struct seal_key *key, const void *data, size_t len)
{
	u64 v[4] = {
		key->half[0] ^ 0x736f6d6570736575,
		key->half[1] ^ 0x646f72616e646f6d,
		key->half[0] ^ 0x6c7967656e657261,
		key->half[1] ^ 0x7465646279746573,
	};
	const unsigned char *p = data;
	size_t left = len;
	u64 word;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		absorb(v, word);
	}

	/* The last word: what is left, and the length in its top byte. */
	word = 0;
	memcpy(&word, p, left);
	absorb(v, word | (u64)len << 56);

	v[2] ^= 0xff;
	mix_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
