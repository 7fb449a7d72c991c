/* SPDX-License-Identifier: MIT */
/* bitops_test.c - each bit operation against the plainest way to do it. */
#include <lib/bitops.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>

/* Variable numbers take the register form, constants the immediate one. */
TEST(bitops, atomic_forms_reach_any_bit_of_the_array)
{
	unsigned long map[4] = {0}, want[4] = {0};

	for (unsigned int bit = 0; bit < 256; bit += 13) {
		EXPECT(!test_bit(bit, map));
		EXPECT(!test_and_set_bit(bit, map));
		EXPECT(test_and_set_bit(bit, map));
		EXPECT(test_bit(bit, map));
		want[bit / 64] |= 1UL << (bit % 64);
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(map[i], want[i]);

	for (unsigned int bit = 0; bit < 256; bit += 13) {
		EXPECT(test_and_clear_bit(bit, map));
		EXPECT(!test_and_clear_bit(bit, map));
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(map[i], 0);

	set_bit(5, map);
	set_bit(63, map);
	set_bit(64, map);
	set_bit(200, map);
	EXPECT_EQ(map[0], BIT(5) | BIT(63));
	EXPECT_EQ(map[1], BIT(0));
	EXPECT_EQ(map[3], BIT(8));
	clear_bit(64, map);
	change_bit(5, map);
	EXPECT(!test_and_change_bit(6, map));
	EXPECT(test_and_change_bit(200, map));
	EXPECT_EQ(map[0], BIT(6) | BIT(63));
	EXPECT_EQ(map[1], 0);
	EXPECT_EQ(map[3], 0);
}

TEST(bitops, plain_forms_do_the_same_as_atomic_ones)
{
	unsigned long a[4] = {0}, b[4] = {0};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		unsigned long bit = prng_below(&rng, 256);

		switch (prng_below(&rng, 5)) {
		case 0:
			set_bit(bit, a);
			__set_bit(bit, b);
			break;
		case 1:
			clear_bit(bit, a);
			__assign_bit(bit, b, false);
			break;
		case 2:
			change_bit(bit, a);
			__change_bit(bit, b);
			break;
		case 3:
			EXPECT_EQ(test_and_set_bit(bit, a),
				  __test_and_set_bit(bit, b));
			break;
		default:
			EXPECT_EQ(test_and_clear_bit(bit, a),
				  __test_and_clear_bit(bit, b));
			break;
		}
		for (int w = 0; w < 4; w++)
			ASSERT_EQ(a[w], b[w]);
	}
}

TEST(bitops, searches_and_counts_agree_with_a_loop)
{
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int round = 0; round < 500; round++) {
		/* Anything from dense to a few bits. */
		u64 w = prng_u64(&rng) & prng_u64(&rng) >> (round % 64);
		int first = 0, last = 0, weight = 0;

		for (int i = 0; i < 64; i++) {
			if (!(w >> i & 1))
				continue;
			if (!first)
				first = i + 1;
			last = i + 1;
			weight++;
		}
		EXPECT_EQ(ffs64(w), first);
		EXPECT_EQ(fls64(w), last);
		EXPECT_EQ(hweight64(w), weight);
		EXPECT_EQ(ilog2(w), last - 1);
		if (w) {
			EXPECT_EQ(__ffs(w), first - 1);
			EXPECT_EQ(__fls(w), last - 1);
			EXPECT_EQ(ffz(~w), first - 1);
		}
		EXPECT_EQ(fls((u32)w), fls64((u32)w));
		EXPECT_EQ(ffs((u32)w), ffs64((u32)w));
		EXPECT_EQ(hweight32((u32)w), hweight64((u32)w));
	}
}

TEST(bitops, edges_of_the_word)
{
	EXPECT_EQ(ffs(0), 0);
	EXPECT_EQ(fls(0), 0);
	EXPECT_EQ(fls(0x80000000U), 32);
	EXPECT_EQ(ffs(0x80000000U), 32);
	EXPECT_EQ(fls64(~0ULL), 64);
	EXPECT_EQ(hweight64(~0ULL), 64);
	EXPECT_EQ(ilog2(0), -1);
	EXPECT_EQ(GENMASK(63, 0), ~0UL);
	EXPECT_EQ(GENMASK(7, 4), 0xf0);
	EXPECT_EQ(rol64(0x8000000000000001ULL, 1), 3);
	EXPECT_EQ(ror64(3, 1), 0x8000000000000001ULL);
	EXPECT_EQ(rol64(5, 0), 5);
	EXPECT_EQ(rol32(0x80000001U, 4), 0x18);
}
