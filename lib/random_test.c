/* SPDX-License-Identifier: MIT */
/* random_test.c - repeatable, and even enough for what we draw. */
#include <lib/bitops.h>
#include <lib/random.h>
#include <tests/test.h>

TEST(random, a_seed_repeats_and_seeds_differ)
{
	struct prng a, b, c;
	int same = 0;

	prng_init(&a, 1);
	prng_init(&b, 1);
	prng_init(&c, 2);
	for (int i = 0; i < 100; i++) {
		u64 draw = prng_u64(&a);

		EXPECT_EQ(prng_u64(&b), draw);
		same += prng_u64(&c) == draw;
	}
	EXPECT_EQ(same, 0);
}

/* The numbers themselves are part of every recorded seed. */
TEST(random, the_sequence_never_changes)
{
	struct prng rng;

	prng_init(&rng, 0);
	EXPECT_EQ(prng_u64(&rng), 0xa706dd2f4d197e6fULL);
}

TEST(random, every_bit_is_set_half_the_time)
{
	int ones[64] = {0};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 4096; i++) {
		u64 draw = prng_u64(&rng);

		for (int bit = 0; bit < 64; bit++)
			ones[bit] += draw >> bit & 1;
	}
	/* The deviation is 32; eight of them never happen. */
	for (int bit = 0; bit < 64; bit++) {
		EXPECT_GT(ones[bit], 2048 - 256);
		EXPECT_LT(ones[bit], 2048 + 256);
	}
}

TEST(random, below_is_even_and_in_bounds)
{
	static const u64 bounds[] = {1, 2, 3, 7, 10, 64};
	struct prng rng;

	prng_init(&rng, test_seed());
	EXPECT_EQ(prng_below(&rng, 0), 0);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		u64 bound = bounds[i];
		int hits[64] = {0};

		for (u64 n = 0; n < bound * 1000; n++) {
			u64 draw = prng_below(&rng, bound);

			ASSERT_LT(draw, bound);
			hits[draw]++;
		}
		/* Eight deviations of about 32. */
		for (u64 n = 0; n < bound; n++) {
			EXPECT_GT(hits[n], 1000 - 256);
			EXPECT_LT(hits[n], 1000 + 256);
		}
	}
}

/* Scaling alone would give the multiples of three two draws in four. */
TEST(random, below_is_even_for_bounds_near_the_top)
{
	int hits[3] = {0};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 3000; i++)
		hits[prng_below(&rng, 3ULL << 62) % 3]++;
	for (int i = 0; i < 3; i++) {
		EXPECT_GT(hits[i], 1000 - 256);
		EXPECT_LT(hits[i], 1000 + 256);
	}
}

TEST(random, range_includes_both_ends)
{
	bool low = false, high = false;
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 200; i++) {
		u64 draw = prng_range(&rng, 5, 8);

		ASSERT_GE(draw, 5);
		ASSERT_LE(draw, 8);
		low |= draw == 5;
		high |= draw == 8;
	}
	EXPECT(low);
	EXPECT(high);
	EXPECT_EQ(prng_range(&rng, 9, 9), 9);
	/* The whole of u64: a span that wraps to 0. */
	EXPECT_NE(prng_range(&rng, 0, U64_MAX), prng_range(&rng, 0, U64_MAX));
}

TEST(random, a_fork_goes_its_own_way)
{
	struct prng parent, child;

	prng_init(&parent, test_seed());
	child = prng_fork(&parent);
	EXPECT_NE(prng_u64(&parent), prng_u64(&child));
}

TEST(random, shuffle_loses_nothing_and_favours_no_place)
{
	int at[4][4] = {{0}};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 4000; round++) {
		u32 cards[4] = {0, 1, 2, 3}, seen = 0;

		prng_shuffle(&rng, cards, 4, sizeof(*cards));
		for (int i = 0; i < 4; i++) {
			ASSERT_LT(cards[i], 4);
			seen |= 1U << cards[i];
			at[cards[i]][i]++;
		}
		ASSERT_EQ(seen, 15);
	}
	for (int card = 0; card < 4; card++)
		for (int place = 0; place < 4; place++) {
			EXPECT_GT(at[card][place], 1000 - 256);
			EXPECT_LT(at[card][place], 1000 + 256);
		}
}

TEST(random, fill_writes_exactly_its_bytes)
{
	struct prng rng;

	prng_init(&rng, test_seed());
	for (size_t size = 0; size <= 20; size++) {
		u8 buf[24] = {0};
		u32 touched = 0;

		/* A byte that stays 0 in 20 rounds was not written. */
		for (int round = 0; round < 20; round++) {
			prng_fill(&rng, buf, size);
			for (int i = 0; i < 24; i++)
				touched |= buf[i] ? 1U << i : 0;
		}
		EXPECT_EQ(touched, (1U << size) - 1);
	}
}
