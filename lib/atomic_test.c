/* SPDX-License-Identifier: MIT */
/*
 * atomic_test.c - each operation's result, on one CPU.
 *
 * Whether they are atomic takes several: the host runs threads
 * (tests/host/threads_test.c).
 */
#include <lib/atomic.h>
#include <lib/random.h>
#include <tests/test.h>

TEST(atomic, returns_say_before_or_after)
{
	atomic_t v = ATOMIC_INIT(10);

	EXPECT_EQ(atomic_fetch_add(5, &v), 10);
	EXPECT_EQ(atomic_add_return(5, &v), 20);
	EXPECT_EQ(atomic_fetch_sub_release(1, &v), 20);
	EXPECT_EQ(atomic_sub_return_acquire(1, &v), 18);
	EXPECT_EQ(atomic_inc_return(&v), 19);
	EXPECT_EQ(atomic_dec_return_relaxed(&v), 18);
	EXPECT_EQ(atomic_fetch_inc(&v), 18);
	EXPECT_EQ(atomic_fetch_dec(&v), 19);
	EXPECT_EQ(atomic_fetch_or(1, &v), 18);
	EXPECT_EQ(atomic_fetch_and(~2, &v), 19);
	EXPECT_EQ(atomic_fetch_xor(0xf0, &v), 17);
	EXPECT_EQ(atomic_fetch_andnot(0xf0, &v), 17 ^ 0xf0);
	EXPECT_EQ(atomic_read(&v), 1);

	atomic_add(4, &v);
	atomic_sub(2, &v);
	atomic_inc(&v);
	atomic_or(8, &v);
	atomic_andnot(4, &v);
	atomic_dec(&v);
	EXPECT_EQ(atomic_read_acquire(&v), 7);
	atomic_set_release(&v, -3);
	EXPECT_EQ(atomic_read(&v), -3);
}

TEST(atomic, tests_are_true_exactly_at_the_boundary)
{
	atomic_long_t v = ATOMIC_LONG_INIT(2);

	EXPECT(!atomic_long_dec_and_test(&v));
	EXPECT(atomic_long_dec_and_test(&v));
	EXPECT(!atomic_long_dec_and_test(&v));
	EXPECT(atomic_long_inc_and_test(&v));
	EXPECT(!atomic_long_inc_and_test(&v));
	EXPECT(!atomic_long_add_negative(-1, &v));
	EXPECT(atomic_long_add_negative(-1, &v));
	EXPECT(atomic_long_sub_and_test(-1, &v));
}

TEST(atomic, conditions_hold_or_leave_no_trace)
{
	atomic_t v = ATOMIC_INIT(0);

	EXPECT(!atomic_inc_not_zero(&v));
	EXPECT_EQ(atomic_read(&v), 0);
	EXPECT(atomic_add_unless(&v, 3, 7));
	EXPECT(!atomic_add_unless(&v, 1, 3));
	EXPECT_EQ(atomic_fetch_add_unless(&v, 1, 9), 3);
	EXPECT(atomic_inc_not_zero(&v));
	EXPECT_EQ(atomic_read(&v), 5);

	EXPECT_EQ(atomic_dec_if_positive(&v), 4);
	atomic_set(&v, 0);
	EXPECT_EQ(atomic_dec_if_positive(&v), -1);
	EXPECT_EQ(atomic_read(&v), 0);

	EXPECT(atomic_dec_unless_positive(&v));
	EXPECT(!atomic_inc_unless_negative(&v));
	EXPECT_EQ(atomic_read(&v), -1);
	atomic_set(&v, 1);
	EXPECT(!atomic_dec_unless_positive(&v));
	EXPECT(atomic_inc_unless_negative(&v));
	EXPECT_EQ(atomic_read(&v), 2);
}

TEST(atomic, arithmetic_wraps)
{
	atomic_t v = ATOMIC_INIT(S32_MAX);
	atomic64_t w = ATOMIC64_INIT(S64_MIN);

	EXPECT_EQ(atomic_inc_return(&v), S32_MIN);
	EXPECT(atomic_add_unless(&v, -1, 0));
	EXPECT_EQ(atomic_read(&v), S32_MAX);
	EXPECT_EQ(atomic64_dec_return(&w), S64_MAX);
}

TEST(atomic, cmpxchg_returns_what_it_found)
{
	atomic64_t v = ATOMIC64_INIT(1);
	s64 old = 5;

	EXPECT_EQ(atomic64_cmpxchg(&v, 5, 9), 1);
	EXPECT_EQ(atomic64_read(&v), 1);
	EXPECT(!atomic64_try_cmpxchg(&v, &old, 9));
	EXPECT_EQ(old, 1);
	EXPECT(atomic64_try_cmpxchg_acquire(&v, &old, 9));
	EXPECT_EQ(atomic64_cmpxchg_release(&v, 9, 4), 9);
	EXPECT_EQ(atomic64_xchg(&v, 7), 4);
	EXPECT_EQ(atomic64_read(&v), 7);
}

/* The neighbours show whether an access was wider than its object. */
#define EXPECT_EXCHANGES(T)                                                    \
	do {                                                                   \
		T v[3] = {1, 2, 3}, old = 9;                                   \
                                                                               \
		EXPECT_EQ(xchg(&v[1], (T)5), 2);                               \
		EXPECT_EQ(cmpxchg(&v[1], (T)4, (T)6), 5);                      \
		EXPECT_EQ(cmpxchg(&v[1], (T)5, (T)6), 5);                      \
		EXPECT(!try_cmpxchg(&v[1], &old, (T)7));                       \
		EXPECT_EQ(old, 6);                                             \
		EXPECT(try_cmpxchg(&v[1], &old, (T)-1));                       \
		EXPECT_EQ(v[0], 1);                                            \
		EXPECT_EQ(v[1], (T)-1);                                        \
		EXPECT_EQ(v[2], 3);                                            \
	} while (0)

TEST(atomic, generic_exchange_fits_every_size)
{
	int a, b, *p = &a;

	EXPECT_EXCHANGES(u8);
	EXPECT_EXCHANGES(u16);
	EXPECT_EXCHANGES(u32);
	EXPECT_EXCHANGES(u64);
	EXPECT_EQ(cmpxchg(&p, &a, &b), &a);
	EXPECT_EQ(xchg(&p, NULL), &b);
	EXPECT(!p);
}

TEST(atomic, double_exchange_needs_both_words_to_match)
{
	u64 pair[2] __aligned(16) = {1, 2};

	EXPECT(!cmpxchg_double(pair, 9, 2, 3, 4));
	EXPECT(!cmpxchg_double(pair, 1, 9, 3, 4));
	EXPECT_EQ(pair[0], 1);
	EXPECT_EQ(pair[1], 2);
	EXPECT(cmpxchg_double(pair, 1, 2, 3, 4));
	EXPECT_EQ(pair[0], 3);
	EXPECT_EQ(pair[1], 4);

	EXPECT(!cmpxchg_double_local(pair, 3, 5, 0, 0));
	EXPECT(cmpxchg_double_local(pair, 3, 4, ~0ULL, 6));
	EXPECT_EQ(pair[0], ~0ULL);
	EXPECT_EQ(pair[1], 6);
}

/* Success is told by the old values, never by the flags, which QEMU 7.2 may
 * lose: so try many pairs that nearly match. */
TEST(atomic, double_exchange_is_never_wrong_about_success)
{
	u64 pair[2] __aligned(16) = {0, 0};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 20000; i++) {
		u64 lo = pair[0], hi = pair[1], kind = prng_below(&rng, 4);
		u64 old_lo = lo ^ (kind & 1 ? 1ULL << prng_below(&rng, 64) : 0);
		u64 old_hi = hi ^ (kind & 2 ? 1ULL << prng_below(&rng, 64) : 0);
		u64 new_lo = prng_u64(&rng), new_hi = prng_u64(&rng);
		bool stored;

		stored = i & 1 ? cmpxchg_double(pair, old_lo, old_hi, new_lo,
						new_hi)
			       : cmpxchg_double_local(pair, old_lo, old_hi,
						      new_lo, new_hi);
		ASSERT_EQ(stored, kind == 0);
		ASSERT_EQ(pair[0], stored ? new_lo : lo);
		ASSERT_EQ(pair[1], stored ? new_hi : hi);
	}
}
