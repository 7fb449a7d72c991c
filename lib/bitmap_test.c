/* SPDX-License-Identifier: MIT */
/* bitmap_test.c - bitmaps of every awkward length against arrays of bool. */
#include <errno.h>

#include <lib/bitmap.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>

#define MAX_BITS 200

/* Below, at and above a word's end, and the same for three words. */
static const unsigned long lengths[] = {1, 5, 63, 64, 65, 128, 190, 192, 200};

/* A bitmap with words to spare, full of ones or zeros: whatever is read beyond
 * the end shows. */
struct sample {
	DECLARE_BITMAP(map, MAX_BITS + 2 * BITS_PER_LONG);
	bool ref[MAX_BITS];
};

static void draw(struct sample *s, unsigned long nbits, struct prng *rng)
{
	/* From nearly empty to nearly full. */
	u64 chance = prng_below(rng, 101);
	unsigned long beyond = prng_one_in(rng, 2) ? ~0UL : 0;

	for (size_t i = 0; i < ARRAY_SIZE(s->map); i++)
		s->map[i] = beyond;
	for (unsigned long i = 0; i < nbits; i++) {
		s->ref[i] = prng_below(rng, 100) < chance;
		__assign_bit(i, s->map, s->ref[i]);
	}
}

static unsigned long next_ref(const bool *ref, unsigned long nbits,
			      unsigned long from, bool value)
{
	while (from < nbits && ref[from] != value)
		from++;
	return min(from, nbits);
}

TEST(bitmap, searches_in_two_maps_agree_with_a_loop)
{
	static struct sample a, b;
	bool both[MAX_BITS], one[MAX_BITS];
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 90; round++) {
		unsigned long n = lengths[round % ARRAY_SIZE(lengths)];
		unsigned long bit, nr = 0;

		draw(&a, n, &rng);
		draw(&b, n, &rng);
		for (bit = 0; bit < n; bit++) {
			both[bit] = a.ref[bit] && b.ref[bit];
			one[bit] = a.ref[bit] && !b.ref[bit];
			nr += both[bit];
		}
		for (unsigned long from = 0; from <= n; from++) {
			EXPECT_EQ(find_next_and_bit(a.map, b.map, n, from),
				  next_ref(both, n, from, true));
			EXPECT_EQ(find_next_andnot_bit(a.map, b.map, n, from),
				  next_ref(one, n, from, true));
		}
		for_each_and_bit(bit, a.map, b.map, n) {
			EXPECT(both[bit]);
			nr--;
		}
		EXPECT_EQ(nr, 0ul);
	}
}

TEST(bitmap, searches_agree_with_a_loop)
{
	static struct sample s;
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 90; round++) {
		unsigned long n = lengths[round % ARRAY_SIZE(lengths)];
		unsigned long last = n, bit;
		bool seen[MAX_BITS] = {false};

		draw(&s, n, &rng);
		for (unsigned long from = 0; from < n; from++) {
			EXPECT_EQ(find_next_bit(s.map, n, from),
				  next_ref(s.ref, n, from, true));
			EXPECT_EQ(find_next_zero_bit(s.map, n, from),
				  next_ref(s.ref, n, from, false));
			if (s.ref[from])
				last = from;
		}
		EXPECT_EQ(find_next_bit(s.map, n, n), n);
		EXPECT_EQ(find_next_bit(s.map, n, n + 70), n);
		EXPECT_EQ(find_next_zero_bit(s.map, n, n), n);
		EXPECT_EQ(find_last_bit(s.map, n), last);
		EXPECT_EQ(bitmap_empty(s.map, n), last == n);
		EXPECT_EQ(bitmap_full(s.map, n),
			  next_ref(s.ref, n, 0, false) == n);

		for_each_set_bit(bit, s.map, n)
			seen[bit] = true;
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(seen[bit], s.ref[bit]);
	}
}

/* The constant-length forms are separate code. */
TEST(bitmap, short_constant_lengths_take_the_same_answers)
{
	/* All values of the five bits and of five beyond. */
	for (unsigned long noisy = 0; noisy < 1024; noisy++) {
		EXPECT_EQ(find_first_bit(&noisy, 5),
			  __find_next_bit(&noisy, 5, 0));
		for (unsigned long from = 0; from < 8; from++) {
			EXPECT_EQ(find_next_bit(&noisy, 5, from),
				  __find_next_bit(&noisy, 5, from));
			EXPECT_EQ(find_next_zero_bit(&noisy, 5, from),
				  __find_next_zero_bit(&noisy, 5, from));
		}
	}
}

TEST(bitmap, set_operations_agree_with_a_loop)
{
	static struct sample a, b;
	DECLARE_BITMAP(dst, MAX_BITS + 2 * BITS_PER_LONG);
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 90; round++) {
		unsigned long n = lengths[round % ARRAY_SIZE(lengths)];
		bool equal = true, meet = false, subset = true, left = false;
		unsigned long weight = 0, bit;

		draw(&a, n, &rng);
		draw(&b, n, &rng);
		if (round % 5 == 0) {
			bitmap_copy(b.map, a.map, n);
			for (bit = 0; bit < n; bit++)
				b.ref[bit] = a.ref[bit];
		}
		for (bit = 0; bit < n; bit++) {
			equal &= a.ref[bit] == b.ref[bit];
			meet |= a.ref[bit] && b.ref[bit];
			subset &= !a.ref[bit] || b.ref[bit];
			left |= a.ref[bit] && !b.ref[bit];
			weight += a.ref[bit];
		}
		EXPECT_EQ(bitmap_equal(a.map, b.map, n), equal);
		EXPECT_EQ(bitmap_intersects(a.map, b.map, n), meet);
		EXPECT_EQ(bitmap_subset(a.map, b.map, n), subset);
		EXPECT_EQ(bitmap_weight(a.map, n), weight);

		EXPECT_EQ(bitmap_and(dst, a.map, b.map, n), meet);
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(test_bit(bit, dst), a.ref[bit] && b.ref[bit]);
		EXPECT_EQ(bitmap_andnot(dst, a.map, b.map, n), left);
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(test_bit(bit, dst),
				  a.ref[bit] && !b.ref[bit]);
		bitmap_or(dst, a.map, b.map, n);
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(test_bit(bit, dst), a.ref[bit] || b.ref[bit]);
		bitmap_xor(dst, a.map, b.map, n);
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(test_bit(bit, dst), a.ref[bit] != b.ref[bit]);
		bitmap_complement(dst, a.map, n);
		for (bit = 0; bit < n; bit++)
			EXPECT_EQ(test_bit(bit, dst), !a.ref[bit]);

		/* What lies beyond the end is left zero. */
		EXPECT_EQ(__find_next_bit(dst, ALIGN(n, BITS_PER_LONG), n),
			  ALIGN(n, BITS_PER_LONG));
	}
}

TEST(bitmap, ranges_touch_their_bits_and_no_others)
{
	DECLARE_BITMAP(map, MAX_BITS);
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 300; round++) {
		unsigned long start = prng_below(&rng, MAX_BITS);
		unsigned long len = prng_below(&rng, MAX_BITS - start + 1);

		bitmap_zero(map, MAX_BITS);
		bitmap_set(map, start, len);
		EXPECT_EQ(bitmap_weight(map, MAX_BITS), len);
		if (len) {
			EXPECT_EQ(find_first_bit(map, MAX_BITS), start);
			EXPECT_EQ(find_last_bit(map, MAX_BITS),
				  start + len - 1);
		}

		bitmap_fill(map, MAX_BITS);
		bitmap_clear(map, start, len);
		EXPECT_EQ(bitmap_weight(map, MAX_BITS), MAX_BITS - len);
		EXPECT_EQ(find_next_bit(map, MAX_BITS, start),
			  min(start + len, (unsigned long)MAX_BITS));
	}
}

TEST(bitmap, fill_stops_at_the_end)
{
	DECLARE_BITMAP(map, 128);

	for (unsigned long n = 0; n <= 128; n++) {
		bitmap_zero(map, 128);
		bitmap_fill(map, n);
		EXPECT_EQ(__find_next_zero_bit(map, 128, 0), n);
		EXPECT_EQ(bitmap_weight(map, 128), n);
	}
}

/* Does [start, start + len) hold only clear bits? */
static bool area_is_free(const bool *ref, unsigned long nbits,
			 unsigned long start, unsigned long len)
{
	return start + len <= nbits &&
	       next_ref(ref, start + len, start, true) == start + len;
}

TEST(bitmap, zero_area_is_the_first_that_fits)
{
	static struct sample s;
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 200; round++) {
		unsigned long n = lengths[round % ARRAY_SIZE(lengths)];
		unsigned long from = prng_below(&rng, n);
		unsigned long len = prng_range(&rng, 1, 8);
		unsigned long align = 1UL << prng_below(&rng, 4);
		unsigned long want = ALIGN(from, align);

		draw(&s, n, &rng);
		while (want < n && !area_is_free(s.ref, n, want, len))
			want += align;
		EXPECT_EQ(
			bitmap_find_next_zero_area(s.map, n, from, len, align),
			min(want, n));
	}
}

TEST(bitmap, lists_survive_the_round_trip)
{
	static const char *const lists[] = {
		"", "0", "0-3", "0,2,4", "0-3,8,10-11", "63-64", "127", "0-127",
	};
	DECLARE_BITMAP(map, 128);
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		EXPECT_EQ(bitmap_parselist(lists[i], map, 128), 0);
		EXPECT_EQ(bitmap_format_list(text, sizeof(text), map, 128),
			  __builtin_strlen(lists[i]));
		EXPECT_STREQ(text, lists[i]);
	}

	EXPECT_EQ(bitmap_parselist("5,1-2,2-4", map, 128), 0);
	EXPECT_EQ(bitmap_format_list(text, sizeof(text), map, 128), 3);
	EXPECT_STREQ(text, "1-5");

	/* Cut short, but counted whole. */
	EXPECT_EQ(bitmap_parselist("0,2,4,6", map, 128), 0);
	EXPECT_EQ(bitmap_format_list(text, 4, map, 128), 7);
	EXPECT_STREQ(text, "0,2");
	EXPECT_EQ(bitmap_format_list(NULL, 0, map, 128), 7);
}

TEST(bitmap, a_bad_list_changes_nothing)
{
	static const char *const bad[] = {
		",",   "1,",  ",1",  "-",   "1-",   "-1",
		"3-1", "1 2", "1,a", "0x1", "1,,2", "1-2-3",
	};
	unsigned long map = 0x5a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(bitmap_parselist(bad[i], &map, 8), -EINVAL);
	EXPECT_EQ(bitmap_parselist("8", &map, 8), -ERANGE);
	EXPECT_EQ(bitmap_parselist("0,3-8", &map, 8), -ERANGE);
	EXPECT_EQ(bitmap_parselist("18446744073709551616", &map, 8), -ERANGE);
	EXPECT_EQ(bitmap_parselist("99999999999999999999999", &map, 8),
		  -ERANGE);
	EXPECT_EQ(map, 0x5a);
}
