/* SPDX-License-Identifier: MIT */
/*
 * bitmap.h - arrays of bits of a length known to the caller.
 *
 * A bitmap is an array of unsigned long, bit 0 in the lowest bit of the first.
 * Bits beyond @nbits in the last word are never looked at, and the functions
 * that write whole words leave them zero.  Nothing here is atomic, but single
 * bits may be changed beside it with set_bit() and clear_bit(); a search then
 * sees each bit as it was at some moment during the search.
 *
 * Where @nbits is a constant of at most one word, everything folds to a few
 * instructions.
 */
#pragma once

#include <lib/bitops.h>
#include <lib/compiler.h>

#define DECLARE_BITMAP(name, nbits) unsigned long name[BITS_TO_LONGS(nbits)]

/* Ones from @start up, within @start's word. */
#define BITMAP_FIRST_WORD_MASK(start) (~0UL << ((start) % BITS_PER_LONG))
/* Ones for the bits of the last word that are part of an @nbits bitmap. */
#define BITMAP_LAST_WORD_MASK(nbits)  (~0UL >> (-(nbits) % BITS_PER_LONG))

/* The next bit at or after @from that is set (clear, set in both, set in the
 * first only); @nbits when there is none. */
unsigned long __find_next_bit(const unsigned long *map, unsigned long nbits,
			      unsigned long from);
unsigned long __find_next_zero_bit(const unsigned long *map,
				   unsigned long nbits, unsigned long from);
unsigned long find_next_and_bit(const unsigned long *a, const unsigned long *b,
				unsigned long nbits, unsigned long from);
unsigned long find_next_andnot_bit(const unsigned long *a,
				   const unsigned long *b, unsigned long nbits,
				   unsigned long from);
/* The highest set bit, or @nbits when there is none. */
unsigned long find_last_bit(const unsigned long *map, unsigned long nbits);

/* @nbits is known to the compiler and fits one word. */
#define __bitmap_is_small(nbits)                                               \
	(__builtin_constant_p(nbits) && (nbits) <= BITS_PER_LONG && (nbits) > 0)

static __always_inline unsigned long
find_next_bit(const unsigned long *map, unsigned long nbits, unsigned long from)
{
	if (__bitmap_is_small(nbits)) {
		unsigned long w;

		if (unlikely(from >= nbits))
			return nbits;
		w = READ_ONCE(*map) & BITMAP_LAST_WORD_MASK(nbits) &
		    BITMAP_FIRST_WORD_MASK(from);
		return w ? __ffs(w) : nbits;
	}
	return __find_next_bit(map, nbits, from);
}

static __always_inline unsigned long
find_next_zero_bit(const unsigned long *map, unsigned long nbits,
		   unsigned long from)
{
	if (__bitmap_is_small(nbits)) {
		unsigned long w;

		if (unlikely(from >= nbits))
			return nbits;
		w = ~READ_ONCE(*map) & BITMAP_LAST_WORD_MASK(nbits) &
		    BITMAP_FIRST_WORD_MASK(from);
		return w ? __ffs(w) : nbits;
	}
	return __find_next_zero_bit(map, nbits, from);
}

static __always_inline unsigned long find_first_bit(const unsigned long *map,
						    unsigned long nbits)
{
	return find_next_bit(map, nbits, 0);
}

static __always_inline unsigned long
find_first_zero_bit(const unsigned long *map, unsigned long nbits)
{
	return find_next_zero_bit(map, nbits, 0);
}

#define for_each_set_bit(bit, map, nbits)                                      \
	for ((bit) = find_first_bit(map, nbits); (bit) < (nbits);              \
	     (bit) = find_next_bit(map, nbits, (bit) + 1))

#define for_each_set_bit_from(bit, map, nbits)                                 \
	for ((bit) = find_next_bit(map, nbits, bit); (bit) < (nbits);          \
	     (bit) = find_next_bit(map, nbits, (bit) + 1))

#define for_each_clear_bit(bit, map, nbits)                                    \
	for ((bit) = find_first_zero_bit(map, nbits); (bit) < (nbits);         \
	     (bit) = find_next_zero_bit(map, nbits, (bit) + 1))

/* Bits set in both @a and @b. */
#define for_each_and_bit(bit, a, b, nbits)                                     \
	for ((bit) = find_next_and_bit(a, b, nbits, 0); (bit) < (nbits);       \
	     (bit) = find_next_and_bit(a, b, nbits, (bit) + 1))

static inline void bitmap_zero(unsigned long *map, unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		map[i] = 0;
}

static inline void bitmap_fill(unsigned long *map, unsigned long nbits)
{
	unsigned long words = BITS_TO_LONGS(nbits);

	for (unsigned long i = 0; i < words; i++)
		map[i] = ~0UL;
	if (nbits)
		map[words - 1] = BITMAP_LAST_WORD_MASK(nbits);
}

static inline void bitmap_copy(unsigned long *dst, const unsigned long *src,
			       unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		dst[i] = src[i];
}

/* @len bits from @start become one (zero). */
void bitmap_set(unsigned long *map, unsigned long start, unsigned long len);
void bitmap_clear(unsigned long *map, unsigned long start, unsigned long len);

/* dst = a op b.  and and andnot return whether any bit is left. */
bool bitmap_and(unsigned long *dst, const unsigned long *a,
		const unsigned long *b, unsigned long nbits);
bool bitmap_andnot(unsigned long *dst, const unsigned long *a,
		   const unsigned long *b, unsigned long nbits);
void bitmap_or(unsigned long *dst, const unsigned long *a,
	       const unsigned long *b, unsigned long nbits);
void bitmap_xor(unsigned long *dst, const unsigned long *a,
		const unsigned long *b, unsigned long nbits);
void bitmap_complement(unsigned long *dst, const unsigned long *src,
		       unsigned long nbits);

bool bitmap_equal(const unsigned long *a, const unsigned long *b,
		  unsigned long nbits);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b,
		       unsigned long nbits);
/* Is every bit of @a set in @b too? */
bool bitmap_subset(const unsigned long *a, const unsigned long *b,
		   unsigned long nbits);
/* Number of set bits. */
unsigned long bitmap_weight(const unsigned long *map, unsigned long nbits);

static __always_inline bool bitmap_empty(const unsigned long *map,
					 unsigned long nbits)
{
	return find_first_bit(map, nbits) >= nbits;
}

static __always_inline bool bitmap_full(const unsigned long *map,
					unsigned long nbits)
{
	return find_first_zero_bit(map, nbits) >= nbits;
}

/* The first run of @len clear bits at or after @from whose start is a
 * multiple of @align (a power of two, or 1); @nbits when there is none. */
unsigned long bitmap_find_next_zero_area(const unsigned long *map,
					 unsigned long nbits,
					 unsigned long from, unsigned long len,
					 unsigned long align);

/*
 * "0-3,8,10-11" to bits and back.  Parsing takes the whole string: -EINVAL
 * for bad syntax or a range that runs backwards, -ERANGE for a bit at or
 * beyond @nbits, and then @map is untouched.  The empty string is the empty
 * set.  Printing returns the length, as format() does (lib/format.h).
 */
int bitmap_parselist(const char *list, unsigned long *map, unsigned long nbits);
int bitmap_format_list(char *buf, size_t size, const unsigned long *map,
		       unsigned long nbits);
