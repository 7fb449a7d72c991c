/* SPDX-License-Identifier: MIT */
/*
 * bitops.h - single bits in arrays of longs, and bits within a word.
 *
 * set_bit() and its kin without underscores are atomic: locked instructions,
 * full barriers on x86, any context.  The __ forms are plain C for whoever
 * already owns the word.  Bit numbers count from bit 0 of the first long and
 * may run past it.
 *
 * Two numberings, as in Linux: ffs() and fls() count from 1 and give 0 for
 * no bit; __ffs(), __fls() and ffz() count from 0 and need a bit to find.
 */
#pragma once

#include <strings.h>

#include <lib/compiler.h>

#define BIT(nr)		     (1UL << (nr))
#define BIT_ULL(nr)	     (1ULL << (nr))
#define BIT_WORD(nr)	     ((nr) / BITS_PER_LONG)
#define BIT_MASK(nr)	     (1UL << ((nr) % BITS_PER_LONG))
#define BITS_TO_LONGS(nbits) (((nbits) + BITS_PER_LONG - 1) / BITS_PER_LONG)

/* Bits @high down to @low, both included, as a long. */
#define GENMASK(high, low)                                                     \
	((~0UL << (low)) & (~0UL >> (BITS_PER_LONG - 1 - (high))))

/*
 * Given a register, BTS and its kin on memory address the whole bit string
 * and find the right word themselves; a constant fits the immediate form only
 * within the first long, which is what "J" (0 to 63) says.
 */
#define __LOCKED_BIT_OP(name, insn)                                            \
	static __always_inline void name(unsigned long nr,                     \
					 volatile unsigned long *addr)         \
	{                                                                      \
		__asm__ __volatile__("lock; " insn " %[nr], %[word]"           \
				     : [word] "+m"(*addr)                      \
				     : [nr] "Jr"(nr)                           \
				     : "memory", "cc");                        \
	}                                                                      \
	/* Also returns whether the bit was set before. */                     \
	static __always_inline bool test_and_##name(                           \
		unsigned long nr, volatile unsigned long *addr)                \
	{                                                                      \
		bool was;                                                      \
                                                                               \
		__asm__ __volatile__("lock; " insn " %[nr], %[word]"           \
				     : [word] "+m"(*addr), "=@ccc"(was)        \
				     : [nr] "Jr"(nr)                           \
				     : "memory");                              \
		return was;                                                    \
	}

/* clang-format off */
__LOCKED_BIT_OP(set_bit, "btsq")
__LOCKED_BIT_OP(clear_bit, "btrq")
__LOCKED_BIT_OP(change_bit, "btcq")
/* clang-format on */

static __always_inline bool test_bit(unsigned long nr,
				     const volatile unsigned long *addr)
{
	return (addr[BIT_WORD(nr)] >> (nr % BITS_PER_LONG)) & 1;
}

static __always_inline bool test_bit_acquire(unsigned long nr,
					     const volatile unsigned long *addr)
{
	bool set = test_bit(nr, addr);

	barrier();
	return set;
}

/* A bit used as a lock: everything done under it is seen before it opens. */
static __always_inline bool test_and_set_bit_lock(unsigned long nr,
						  volatile unsigned long *addr)
{
	return test_and_set_bit(nr, addr);
}

static __always_inline void clear_bit_unlock(unsigned long nr,
					     volatile unsigned long *addr)
{
	clear_bit(nr, addr);
}

static __always_inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static __always_inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static __always_inline void __change_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] ^= BIT_MASK(nr);
}

static __always_inline bool __test_and_set_bit(unsigned long nr,
					       unsigned long *addr)
{
	bool was = test_bit(nr, addr);

	__set_bit(nr, addr);
	return was;
}

static __always_inline bool __test_and_clear_bit(unsigned long nr,
						 unsigned long *addr)
{
	bool was = test_bit(nr, addr);

	__clear_bit(nr, addr);
	return was;
}

static __always_inline void __assign_bit(unsigned long nr, unsigned long *addr,
					 bool value)
{
	if (value)
		__set_bit(nr, addr);
	else
		__clear_bit(nr, addr);
}

/* Lowest set bit, from 0.  @word is not 0. */
static __always_inline unsigned int __ffs(unsigned long word)
{
	return (unsigned int)__builtin_ctzl(word);
}

/* Highest set bit, from 0.  @word is not 0. */
static __always_inline unsigned int __fls(unsigned long word)
{
	return BITS_PER_LONG - 1 - (unsigned int)__builtin_clzl(word);
}

/* Lowest clear bit, from 0.  @word is not all ones. */
static __always_inline unsigned int ffz(unsigned long word)
{
	return __ffs(~word);
}

static __always_inline int __bit_fls(unsigned int word)
{
	return word ? 32 - __builtin_clz(word) : 0;
}

static __always_inline int fls64(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

static __always_inline int ffs64(u64 word)
{
	return __builtin_ffsll((long long)word);
}

/* libc declares these two as functions; one instruction is better. */
#undef ffs
#undef fls
#define ffs(word) __builtin_ffs((int)(word))
#define fls(word) __bit_fls(word)

/*
 * Rounded-down base-two logarithm; -1 for 0.  Folds for constants.
 */
static __always_inline int ilog2(u64 n)
{
	return fls64(n) - 1;
}

/*
 * Number of set bits: pairs, then nibbles, then bytes are summed in place,
 * and the multiplication adds the bytes up in the top one.  The compiler's
 * own builtin would call a library helper, having no POPCNT to use.
 */
static __always_inline unsigned int hweight64(u64 w)
{
	w -= (w >> 1) & 0x5555555555555555ULL;
	w = (w & 0x3333333333333333ULL) + ((w >> 2) & 0x3333333333333333ULL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (unsigned int)((w * 0x0101010101010101ULL) >> 56);
}

static __always_inline unsigned int hweight32(u32 w)
{
	return hweight64(w);
}

static __always_inline unsigned int hweight_long(unsigned long w)
{
	return hweight64(w);
}

static __always_inline u32 rol32(u32 w, unsigned int by)
{
	return (w << (by & 31)) | (w >> (-by & 31));
}

static __always_inline u64 rol64(u64 w, unsigned int by)
{
	return (w << (by & 63)) | (w >> (-by & 63));
}

static __always_inline u64 ror64(u64 w, unsigned int by)
{
	return (w >> (by & 63)) | (w << (-by & 63));
}
