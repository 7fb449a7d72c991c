/* SPDX-License-Identifier: MIT */
/*
 * math.h - rounding, comparing and scaling integers.
 *
 * min() and max() refuse operands of different types at compile time: a
 * silent conversion of a negative number is the classic bug.  Where the
 * mixture is meant, min_t() names the type to compare in.
 */
#pragma once

#include <lib/bitops.h>
#include <lib/compiler.h>

/* To a multiple of @a, a power of two.  The result has @x's type. */
#define ALIGN(x, a)	   __ALIGN_MASK(x, (__typeof__(x))(a)-1)
#define __ALIGN_MASK(x, m) (((x) + (m)) & ~(m))
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define PTR_ALIGN(p, a)	   ((__typeof__(p))ALIGN((unsigned long)(p), (a)))
#define PTR_ALIGN_DOWN(p, a)                                                   \
	((__typeof__(p))ALIGN_DOWN((unsigned long)(p), (a)))

/* To a multiple of any @n. */
#define DIV_ROUND_UP(x, n)	(((x) + (n)-1) / (n))
#define DIV_ROUND_CLOSEST(x, n) (((x) + (n) / 2) / (n)) /* both unsigned */
#define roundup(x, n)		(DIV_ROUND_UP(x, n) * (n))
#define rounddown(x, n)		((x) - (x) % (n))

/* Linux's names for ALIGN and ALIGN_DOWN where the multiple is a size. */
#define round_up(x, a)	 ALIGN(x, a)
#define round_down(x, a) ALIGN_DOWN(x, a)

#define __compare(a, op, b)                                                    \
	({                                                                     \
		__typeof__(a) __a = (a);                                       \
		__typeof__(b) __b = (b);                                       \
		_Static_assert(__same_type(__a, __b),                          \
			       "min/max of two types: use min_t/max_t");       \
		__a op __b ? __a : __b;                                        \
	})

#define min(a, b)      __compare(a, <, b)
#define max(a, b)      __compare(a, >, b)
#define min3(a, b, c)  min(min(a, b), c)
#define max3(a, b, c)  max(max(a, b), c)
#define min_t(T, a, b) __compare((T)(a), <, (T)(b))
#define max_t(T, a, b) __compare((T)(a), >, (T)(b))

/* @x, but not below @lo nor above @hi; @lo <= @hi. */
#define clamp(x, lo, hi)      min((__typeof__(x))max(x, lo), hi)
#define clamp_t(T, x, lo, hi) min_t(T, max_t(T, x, lo), hi)

#define min_not_zero(a, b)                                                     \
	({                                                                     \
		__typeof__(a) __x = (a);                                       \
		__typeof__(b) __y = (b);                                       \
		__x == 0 ? __y : __y == 0 ? __x : min(__x, __y);               \
	})

#define swap(a, b)                                                             \
	do {                                                                   \
		__typeof__(a) __t = (a);                                       \
		(a) = (b);                                                     \
		(b) = __t;                                                     \
	} while (0)

#define abs_diff(a, b)                                                         \
	({                                                                     \
		__typeof__(a) __x = (a);                                       \
		__typeof__(b) __y = (b);                                       \
		__x > __y ? __x - __y : __y - __x;                             \
	})

/* @x * @num / @den in @x's type without overflow in x * num, as long as the
 * result fits and num * den does. */
#define mult_frac(x, num, den)                                                 \
	({                                                                     \
		__typeof__(x) __x = (x);                                       \
		__typeof__(den) __d = (den);                                   \
		__typeof__(x) __q = __x / __d, __r = __x % __d;                \
		__q *(num) + __r *(num) / __d;                                 \
	})

#define check_add_overflow(a, b, sum)  __builtin_add_overflow(a, b, sum)
#define check_sub_overflow(a, b, diff) __builtin_sub_overflow(a, b, diff)
#define check_mul_overflow(a, b, prod) __builtin_mul_overflow(a, b, prod)

static __always_inline bool is_power_of_2(u64 n)
{
	return n && !(n & (n - 1));
}

/* Smallest power of two >= @n; @n is 1 to 2^63. */
static __always_inline u64 roundup_pow_of_two(u64 n)
{
	return 1ULL << fls64(n - 1);
}

/* Largest power of two <= @n; @n is not 0. */
static __always_inline u64 rounddown_pow_of_two(u64 n)
{
	return 1ULL << (fls64(n) - 1);
}

/* Smallest o with 2^o >= @n; 0 for 0 and 1. */
static __always_inline int order_base_2(u64 n)
{
	return n > 1 ? fls64(n - 1) : 0;
}

/* (a * b) >> shift with a 128-bit product; @shift is 0 to 127.  What a TSC
 * delta is turned into nanoseconds with: one MUL and a shift. */
static __always_inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((u128)a * b) >> shift);
}

/* @a * @num / @den through a 128-bit product; the quotient must fit 64 bits
 * (DIV faults otherwise) and @den is not 0. */
static __always_inline u64 mul_u64_u64_div_u64(u64 a, u64 num, u64 den)
{
	u64 lo, hi;

	__asm__("mulq %[num]"
		: "=a"(lo), "=d"(hi)
		: "a"(a), [num] "rm"(num)
		: "cc");
	__asm__("divq %[den]" : "+a"(lo), "+d"(hi) : [den] "rm"(den) : "cc");
	return lo;
}
