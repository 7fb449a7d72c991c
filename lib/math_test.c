/* SPDX-License-Identifier: MIT */
/* math_test.c - rounding and scaling at their edges; error pointers. */
#include <lib/err.h>
#include <lib/math.h>
#include <lib/random.h>
#include <tests/test.h>

TEST(math, alignment_rounds_up_down_and_tells)
{
	EXPECT_EQ(ALIGN(0UL, 16), 0);
	EXPECT_EQ(ALIGN(1UL, 16), 16);
	EXPECT_EQ(ALIGN(16UL, 16), 16);
	EXPECT_EQ(ALIGN_DOWN(31UL, 16), 16);
	EXPECT(IS_ALIGNED(32UL, 16));
	EXPECT(!IS_ALIGNED(33UL, 16));
	/* The mask takes the value's width, not the alignment's. */
	EXPECT_EQ(ALIGN(0x123456789ULL, 0x1000U), 0x123457000);
	EXPECT_EQ(ALIGN_DOWN(0xffffffff00000fffULL, 0x1000U),
		  0xffffffff00000000ULL);
	EXPECT_EQ(PTR_ALIGN((char *)0x1001, 0x1000), (char *)0x2000);
}

TEST(math, division_rounds_as_named)
{
	EXPECT_EQ(DIV_ROUND_UP(0U, 8), 0);
	EXPECT_EQ(DIV_ROUND_UP(1U, 8), 1);
	EXPECT_EQ(DIV_ROUND_UP(8U, 8), 1);
	EXPECT_EQ(DIV_ROUND_UP(9U, 8), 2);
	EXPECT_EQ(DIV_ROUND_CLOSEST(11U, 8), 1);
	EXPECT_EQ(DIV_ROUND_CLOSEST(12U, 8), 2);
	EXPECT_EQ(roundup(13, 5), 15);
	EXPECT_EQ(rounddown(13, 5), 10);
}

/* Arguments are evaluated once, and nesting does not confuse them. */
TEST(math, min_max_clamp)
{
	int i = 3, j = 4;

	EXPECT_EQ(min(i++, j++), 3);
	EXPECT_EQ(i, 4);
	EXPECT_EQ(j, 5);
	EXPECT_EQ(max(max(1, 7), min(9, 5)), 7);
	EXPECT_EQ(min3(4, 2, 3), 2);
	EXPECT_EQ(max3(4, 2, 3), 4);
	EXPECT_EQ(min_t(int, -1, 1U), -1);
	EXPECT_EQ(clamp(5, 1, 3), 3);
	EXPECT_EQ(clamp(-5, 1, 3), 1);
	EXPECT_EQ(clamp(2, 1, 3), 2);
	EXPECT_EQ(clamp_t(s64, 1LL << 40, 0, 100), 100);
	EXPECT_EQ(min_not_zero(0, 5), 5);
	EXPECT_EQ(min_not_zero(7, 5), 5);
	EXPECT_EQ(abs_diff(3U, 5U), 2);
	swap(i, j);
	EXPECT_EQ(i, 5);
	EXPECT_EQ(j, 4);
}

TEST(math, powers_of_two)
{
	EXPECT(!is_power_of_2(0));
	EXPECT(is_power_of_2(1));
	EXPECT(is_power_of_2(1ULL << 63));
	EXPECT(!is_power_of_2(3));

	EXPECT_EQ(roundup_pow_of_two(1), 1);
	EXPECT_EQ(roundup_pow_of_two(5), 8);
	EXPECT_EQ(roundup_pow_of_two((1ULL << 62) + 1), 1ULL << 63);
	EXPECT_EQ(rounddown_pow_of_two(1), 1);
	EXPECT_EQ(rounddown_pow_of_two(~0ULL), 1ULL << 63);
	EXPECT_EQ(order_base_2(0), 0);
	EXPECT_EQ(order_base_2(1), 0);
	EXPECT_EQ(order_base_2(8), 3);
	EXPECT_EQ(order_base_2(9), 4);
}

TEST(math, scaling_keeps_all_the_bits)
{
	struct prng rng;

	EXPECT_EQ(mult_frac(1000000007UL * 6000000000UL, 3UL, 4UL),
		  1000000007UL * 4500000000UL);
	EXPECT_EQ(mul_u64_u64_shr(~0ULL, ~0ULL, 64), ~0ULL - 1);
	EXPECT_EQ(mul_u64_u64_shr(3, 5, 0), 15);
	EXPECT_EQ(mul_u64_u64_shr(1ULL << 63, 1ULL << 63, 126), 1);

	prng_init(&rng, test_seed());
	for (int i = 0; i < 1000; i++) {
		u64 a = prng_u64(&rng), num = prng_u64(&rng);
		u64 den = num | prng_u64(&rng) | 1;
		u64 q = mul_u64_u64_div_u64(a, num, den);
		u128 product = (u128)a * num;

		/* The quotient, checked by multiplication. */
		EXPECT((u128)q * den <= product);
		EXPECT(product - (u128)q * den < den);
	}
}

TEST(err, pointers_carry_errors_and_addresses_apart)
{
	int object;

	EXPECT(IS_ERR(ERR_PTR(-ENOMEM)));
	EXPECT_EQ(PTR_ERR(ERR_PTR(-ENOMEM)), -ENOMEM);
	EXPECT(IS_ERR(ERR_PTR(-MAX_ERRNO)));
	EXPECT(!IS_ERR(ERR_PTR(-MAX_ERRNO - 1)));
	EXPECT(!IS_ERR(&object));
	EXPECT(!IS_ERR(NULL));
	EXPECT(IS_ERR_OR_NULL(NULL));
	EXPECT(!IS_ERR_OR_NULL(&object));
	EXPECT_EQ(PTR_ERR_OR_ZERO(&object), 0);
	EXPECT_EQ(PTR_ERR_OR_ZERO(ERR_PTR(-EINVAL)), -EINVAL);
}
