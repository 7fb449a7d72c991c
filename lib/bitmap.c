/* SPDX-License-Identifier: MIT */
/*
 * bitmap.c - searches and set operations over arrays of longs.
 *
 * Idea.       Whole words at a time; only the first and the last word of a
 *             range need a mask.  A search looks at one word after another
 *             through READ_ONCE, because single bits may be changed atomically
 *             beside it.
 * Invariant.  Bits beyond the length never influence a result.
 *
 * Context: any.
 */
#include <errno.h>

#include <lib/bitmap.h>
#include <lib/format.h>
#include <lib/math.h>

/*
 * The first bit at or after @from that is set in both maps, each flipped by
 * its mask; @b may be NULL for all ones.  Inlined, so that the constants fold.
 */
static __always_inline unsigned long
find_next(const unsigned long *a, unsigned long flip_a, const unsigned long *b,
	  unsigned long flip_b, unsigned long nbits, unsigned long from)
{
	unsigned long mask = BITMAP_FIRST_WORD_MASK(from);

	for (unsigned long i = BIT_WORD(from); i * BITS_PER_LONG < nbits; i++) {
		unsigned long w = (READ_ONCE(a[i]) ^ flip_a) & mask;

		if (b)
			w &= READ_ONCE(b[i]) ^ flip_b;
		if (w)
			return min(nbits, i * BITS_PER_LONG + __ffs(w));
		mask = ~0UL;
	}
	return nbits;
}

unsigned long __find_next_bit(const unsigned long *map, unsigned long nbits,
			      unsigned long from)
{
	return find_next(map, 0, NULL, 0, nbits, from);
}

unsigned long __find_next_zero_bit(const unsigned long *map,
				   unsigned long nbits, unsigned long from)
{
	return find_next(map, ~0UL, NULL, 0, nbits, from);
}

unsigned long find_next_and_bit(const unsigned long *a, const unsigned long *b,
				unsigned long nbits, unsigned long from)
{
	return find_next(a, 0, b, 0, nbits, from);
}

unsigned long find_next_andnot_bit(const unsigned long *a,
				   const unsigned long *b, unsigned long nbits,
				   unsigned long from)
{
	return find_next(a, 0, b, ~0UL, nbits, from);
}

/* Word @i of a bitmap of @nbits, without what lies beyond the end. */
static unsigned long masked_word(const unsigned long *map, unsigned long nbits,
				 unsigned long i)
{
	unsigned long w = READ_ONCE(map[i]);

	if (i == BIT_WORD(nbits - 1))
		w &= BITMAP_LAST_WORD_MASK(nbits);
	return w;
}

unsigned long find_last_bit(const unsigned long *map, unsigned long nbits)
{
	for (unsigned long i = BITS_TO_LONGS(nbits); i-- > 0;) {
		unsigned long w = masked_word(map, nbits, i);

		if (w)
			return i * BITS_PER_LONG + __fls(w);
	}
	return nbits;
}

/* The bits of [at, end) that lie in @at's word; not empty. */
static unsigned long range_mask(unsigned long at, unsigned long end)
{
	unsigned long mask = BITMAP_FIRST_WORD_MASK(at);

	if (BIT_WORD(end - 1) == BIT_WORD(at))
		mask &= BITMAP_LAST_WORD_MASK(end);
	return mask;
}

static unsigned long next_word(unsigned long at)
{
	return ALIGN_DOWN(at, BITS_PER_LONG) + BITS_PER_LONG;
}

void bitmap_set(unsigned long *map, unsigned long start, unsigned long len)
{
	unsigned long end = start + len;

	for (unsigned long at = start; at < end; at = next_word(at))
		map[BIT_WORD(at)] |= range_mask(at, end);
}

void bitmap_clear(unsigned long *map, unsigned long start, unsigned long len)
{
	unsigned long end = start + len;

	for (unsigned long at = start; at < end; at = next_word(at))
		map[BIT_WORD(at)] &= ~range_mask(at, end);
}

bool bitmap_and(unsigned long *dst, const unsigned long *a,
		const unsigned long *b, unsigned long nbits)
{
	unsigned long left = 0;

	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		left |= dst[i] = masked_word(a, nbits, i) & b[i];
	return left;
}

bool bitmap_andnot(unsigned long *dst, const unsigned long *a,
		   const unsigned long *b, unsigned long nbits)
{
	unsigned long left = 0;

	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		left |= dst[i] = masked_word(a, nbits, i) & ~b[i];
	return left;
}

void bitmap_or(unsigned long *dst, const unsigned long *a,
	       const unsigned long *b, unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		dst[i] = masked_word(a, nbits, i) | masked_word(b, nbits, i);
}

void bitmap_xor(unsigned long *dst, const unsigned long *a,
		const unsigned long *b, unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		dst[i] = masked_word(a, nbits, i) ^ masked_word(b, nbits, i);
}

void bitmap_complement(unsigned long *dst, const unsigned long *src,
		       unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		dst[i] = ~src[i];
	if (nbits)
		dst[BIT_WORD(nbits - 1)] &= BITMAP_LAST_WORD_MASK(nbits);
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b,
		  unsigned long nbits)
{
	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		if (masked_word(a, nbits, i) != masked_word(b, nbits, i))
			return false;
	return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b,
		       unsigned long nbits)
{
	return find_next_and_bit(a, b, nbits, 0) < nbits;
}

bool bitmap_subset(const unsigned long *a, const unsigned long *b,
		   unsigned long nbits)
{
	return find_next_andnot_bit(a, b, nbits, 0) >= nbits;
}

unsigned long bitmap_weight(const unsigned long *map, unsigned long nbits)
{
	unsigned long weight = 0;

	for (unsigned long i = 0; i < BITS_TO_LONGS(nbits); i++)
		weight += hweight_long(masked_word(map, nbits, i));
	return weight;
}

unsigned long bitmap_find_next_zero_area(const unsigned long *map,
					 unsigned long nbits,
					 unsigned long from, unsigned long len,
					 unsigned long align)
{
	while (from < nbits) {
		unsigned long start, taken;

		start = ALIGN(find_next_zero_bit(map, nbits, from), align);
		if (start >= nbits || len > nbits - start)
			break;
		taken = find_next_bit(map, start + len, start);
		if (taken >= start + len)
			return start;
		from = taken + 1;
	}
	return nbits;
}

/* A decimal number; false when there is none.  Sticks at ULONG_MAX. */
static bool parse_number(const char **s, unsigned long *n)
{
	const char *start = *s;

	for (*n = 0; **s >= '0' && **s <= '9'; (*s)++)
		if (__builtin_mul_overflow(*n, 10UL, n) ||
		    __builtin_add_overflow(*n, (unsigned long)(**s - '0'), n))
			*n = ~0UL / 10;
	return *s != start;
}

/* "n" or "n-m"; stops in front of whatever follows. */
static int parse_range(const char **s, unsigned long nbits,
		       unsigned long *first, unsigned long *last)
{
	if (!parse_number(s, first))
		return -EINVAL;
	*last = *first;
	if (**s == '-') {
		++*s;
		if (!parse_number(s, last) || *last < *first)
			return -EINVAL;
	}
	return *last < nbits ? 0 : -ERANGE;
}

int bitmap_parselist(const char *list, unsigned long *map, unsigned long nbits)
{
	unsigned long first, last;

	/* Once to check, so that a bad list changes nothing; once to do. */
	for (const char *s = list; *s;) {
		int err = parse_range(&s, nbits, &first, &last);

		if (err)
			return err;
		if (*s && (*s++ != ',' || !*s))
			return -EINVAL;
	}

	bitmap_zero(map, nbits);
	for (const char *s = list; *s;) {
		if (!parse_range(&s, nbits, &first, &last))
			bitmap_set(map, first, last - first + 1);
		if (*s)
			s++;
	}
	return 0;
}

/* Adds to @len characters of text, in the buffer or beyond its end. */
static size_t append(char *buf, size_t size, size_t len, const char *before,
		     unsigned long n)
{
	if (len < size)
		return len + format(buf + len, size - len, "%s%lu", before, n);
	return len + format(NULL, 0, "%s%lu", before, n);
}

int bitmap_format_list(char *buf, size_t size, const unsigned long *map,
		       unsigned long nbits)
{
	unsigned long first = find_first_bit(map, nbits), last;
	size_t len = 0;

	if (size)
		*buf = '\0';
	while (first < nbits) {
		last = find_next_zero_bit(map, nbits, first) - 1;
		len = append(buf, size, len, len ? "," : "", first);
		if (last > first)
			len = append(buf, size, len, "-", last);
		first = find_next_bit(map, nbits, last + 1);
	}
	return (int)len;
}
