/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - integers that any CPU may change at any time.
 *
 * Semantics are Linux's.  An operation that returns a value is fully ordered
 * unless its name ends in _relaxed, _acquire or _release; one that returns
 * nothing, and a plain read or set, orders nothing (smp_mb__before_atomic()
 * and _after_ add it for free).  A failed cmpxchg or add_unless orders
 * nothing.  Arithmetic wraps in two's complement.
 *
 * On x86 every read-modify-write is a locked instruction and a full barrier
 * whatever its suffix; the suffix only frees the compiler, and tells the
 * reader what is relied on.
 *
 * Context: any, NMI included.
 */
#pragma once

#include <lib/barrier.h>
#include <lib/compiler.h>

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	s64 counter;
} atomic64_t;

/* clang-format off */
#define ATOMIC_INIT(i)	    { (i) }
#define ATOMIC_LONG_INIT(i) { (i) }
#define ATOMIC64_INIT(i)    { (i) }
/* clang-format on */

/*
 * The three families are one text: @p is the prefix, @T the atomic type, @V
 * the value's.  A full set of orders for each operation is stamped out by
 * the two macros below.
 */

/* V p_name(V i, T *v): @builtin is the compiler's spelling. */
#define __ATOMIC_ORDERED(p, T, V, name, builtin)                               \
	static __always_inline V p##_##name(V i, T *v)                         \
	{                                                                      \
		return builtin(&v->counter, i, __ATOMIC_SEQ_CST);              \
	}                                                                      \
	static __always_inline V p##_##name##_acquire(V i, T *v)               \
	{                                                                      \
		return builtin(&v->counter, i, __ATOMIC_ACQUIRE);              \
	}                                                                      \
	static __always_inline V p##_##name##_release(V i, T *v)               \
	{                                                                      \
		return builtin(&v->counter, i, __ATOMIC_RELEASE);              \
	}                                                                      \
	static __always_inline V p##_##name##_relaxed(V i, T *v)               \
	{                                                                      \
		return builtin(&v->counter, i, __ATOMIC_RELAXED);              \
	}

/* The same without the operand: V p_name(T *v) = V p_base(i, v). */
#define __ATOMIC_UNARY(p, T, V, name, base, i)                                 \
	static __always_inline V p##_##name(T *v)                              \
	{                                                                      \
		return p##_##base(i, v);                                       \
	}                                                                      \
	static __always_inline V p##_##name##_acquire(T *v)                    \
	{                                                                      \
		return p##_##base##_acquire(i, v);                             \
	}                                                                      \
	static __always_inline V p##_##name##_release(T *v)                    \
	{                                                                      \
		return p##_##base##_release(i, v);                             \
	}                                                                      \
	static __always_inline V p##_##name##_relaxed(T *v)                    \
	{                                                                      \
		return p##_##base##_relaxed(i, v);                             \
	}

/* void p_name(V i, T *v): no result, no order. */
#define __ATOMIC_VOID(p, T, V, name, builtin)                                  \
	static __always_inline void p##_##name(V i, T *v)                      \
	{                                                                      \
		builtin(&v->counter, i, __ATOMIC_RELAXED);                     \
	}

/* xchg returns the old value; cmpxchg the value found, which is @old if it
 * stored; try_cmpxchg whether it stored, and if not leaves what it found in
 * *@old, ready for the next turn of the loop. */
#define __ATOMIC_EXCHANGE(p, T, V, suffix, order)                              \
	static __always_inline V p##_xchg##suffix(T *v, V new)                 \
	{                                                                      \
		return __atomic_exchange_n(&v->counter, new, order);           \
	}                                                                      \
	static __always_inline bool p##_try_cmpxchg##suffix(T *v, V *old,      \
							    V new)             \
	{                                                                      \
		return __atomic_compare_exchange_n(&v->counter, old, new,      \
						   false, order,               \
						   __ATOMIC_RELAXED);          \
	}                                                                      \
	static __always_inline V p##_cmpxchg##suffix(T *v, V old, V new)       \
	{                                                                      \
		(void)p##_try_cmpxchg##suffix(v, &old, new);                   \
		return old;                                                    \
	}

/* Conditional changes: all are one loop around try_cmpxchg. */
#define __ATOMIC_CONDITIONAL(p, T, V)                                          \
	/* Adds @a unless the value is @u; returns the value before. */        \
	static __always_inline V p##_fetch_add_unless(T *v, V a, V u)          \
	{                                                                      \
		V old = p##_read(v), sum;                                      \
                                                                               \
		do {                                                           \
			if (old == u)                                          \
				break;                                         \
			(void)__builtin_add_overflow(old, a, &sum);            \
		} while (!p##_try_cmpxchg(v, &old, sum));                      \
		return old;                                                    \
	}                                                                      \
	static __always_inline bool p##_add_unless(T *v, V a, V u)             \
	{                                                                      \
		return p##_fetch_add_unless(v, a, u) != u;                     \
	}                                                                      \
	static __always_inline bool p##_inc_not_zero(T *v)                     \
	{                                                                      \
		return p##_add_unless(v, 1, 0);                                \
	}                                                                      \
	static __always_inline bool p##_inc_unless_negative(T *v)              \
	{                                                                      \
		V old = p##_read(v);                                           \
                                                                               \
		do {                                                           \
			if (old < 0)                                           \
				return false;                                  \
		} while (!p##_try_cmpxchg(v, &old, old + 1));                  \
		return true;                                                   \
	}                                                                      \
	static __always_inline bool p##_dec_unless_positive(T *v)              \
	{                                                                      \
		V old = p##_read(v);                                           \
                                                                               \
		do {                                                           \
			if (old > 0)                                           \
				return false;                                  \
		} while (!p##_try_cmpxchg(v, &old, old - 1));                  \
		return true;                                                   \
	}                                                                      \
	/* Returns the value less one: if negative, nothing was done. */       \
	static __always_inline V p##_dec_if_positive(T *v)                     \
	{                                                                      \
		V old = p##_read(v);                                           \
                                                                               \
		do {                                                           \
			if (old < 1)                                           \
				break;                                         \
		} while (!p##_try_cmpxchg(v, &old, old - 1));                  \
		return old - 1;                                                \
	}

#define __ATOMIC_FAMILY(p, T, V)                                               \
	static __always_inline V p##_read(const T *v)                          \
	{                                                                      \
		return READ_ONCE(v->counter);                                  \
	}                                                                      \
	static __always_inline V p##_read_acquire(const T *v)                  \
	{                                                                      \
		return smp_load_acquire(&v->counter);                          \
	}                                                                      \
	static __always_inline void p##_set(T *v, V i)                         \
	{                                                                      \
		WRITE_ONCE(v->counter, i);                                     \
	}                                                                      \
	static __always_inline void p##_set_release(T *v, V i)                 \
	{                                                                      \
		smp_store_release(&v->counter, i);                             \
	}                                                                      \
	__ATOMIC_VOID(p, T, V, add, __atomic_fetch_add)                        \
	__ATOMIC_VOID(p, T, V, sub, __atomic_fetch_sub)                        \
	__ATOMIC_VOID(p, T, V, and, __atomic_fetch_and)                        \
	__ATOMIC_VOID(p, T, V, or, __atomic_fetch_or)                          \
	__ATOMIC_VOID(p, T, V, xor, __atomic_fetch_xor)                        \
	static __always_inline void p##_andnot(V i, T *v)                      \
	{                                                                      \
		p##_and(~i, v);                                                \
	}                                                                      \
	static __always_inline void p##_inc(T *v)                              \
	{                                                                      \
		p##_add(1, v);                                                 \
	}                                                                      \
	static __always_inline void p##_dec(T *v)                              \
	{                                                                      \
		p##_sub(1, v);                                                 \
	}                                                                      \
	__ATOMIC_ORDERED(p, T, V, add_return, __atomic_add_fetch)              \
	__ATOMIC_ORDERED(p, T, V, sub_return, __atomic_sub_fetch)              \
	__ATOMIC_ORDERED(p, T, V, fetch_add, __atomic_fetch_add)               \
	__ATOMIC_ORDERED(p, T, V, fetch_sub, __atomic_fetch_sub)               \
	__ATOMIC_ORDERED(p, T, V, fetch_and, __atomic_fetch_and)               \
	__ATOMIC_ORDERED(p, T, V, fetch_or, __atomic_fetch_or)                 \
	__ATOMIC_ORDERED(p, T, V, fetch_xor, __atomic_fetch_xor)               \
	__ATOMIC_UNARY(p, T, V, inc_return, add_return, 1)                     \
	__ATOMIC_UNARY(p, T, V, dec_return, sub_return, 1)                     \
	__ATOMIC_UNARY(p, T, V, fetch_inc, fetch_add, 1)                       \
	__ATOMIC_UNARY(p, T, V, fetch_dec, fetch_sub, 1)                       \
	static __always_inline V p##_fetch_andnot(V i, T *v)                   \
	{                                                                      \
		return p##_fetch_and(~i, v);                                   \
	}                                                                      \
	static __always_inline bool p##_sub_and_test(V i, T *v)                \
	{                                                                      \
		return p##_sub_return(i, v) == 0;                              \
	}                                                                      \
	static __always_inline bool p##_dec_and_test(T *v)                     \
	{                                                                      \
		return p##_sub_return(1, v) == 0;                              \
	}                                                                      \
	static __always_inline bool p##_inc_and_test(T *v)                     \
	{                                                                      \
		return p##_add_return(1, v) == 0;                              \
	}                                                                      \
	static __always_inline bool p##_add_negative(V i, T *v)                \
	{                                                                      \
		return p##_add_return(i, v) < 0;                               \
	}                                                                      \
	__ATOMIC_EXCHANGE(p, T, V, , __ATOMIC_SEQ_CST)                         \
	__ATOMIC_EXCHANGE(p, T, V, _acquire, __ATOMIC_ACQUIRE)                 \
	__ATOMIC_EXCHANGE(p, T, V, _release, __ATOMIC_RELEASE)                 \
	__ATOMIC_EXCHANGE(p, T, V, _relaxed, __ATOMIC_RELAXED)                 \
	__ATOMIC_CONDITIONAL(p, T, V)

/* clang-format off */
__ATOMIC_FAMILY(atomic, atomic_t, int)
__ATOMIC_FAMILY(atomic_long, atomic_long_t, long)
__ATOMIC_FAMILY(atomic64, atomic64_t, s64)
/* clang-format on */

/*
 * The same on any object of 1, 2, 4 or 8 bytes, pointers included.
 */
#define __xchg(ptr, val, order)                                                \
	({                                                                     \
		__assert_one_access(*(ptr));                                   \
		__atomic_exchange_n((ptr), (val), order);                      \
	})

#define xchg(ptr, val)	       __xchg(ptr, val, __ATOMIC_SEQ_CST)
#define xchg_acquire(ptr, val) __xchg(ptr, val, __ATOMIC_ACQUIRE)
#define xchg_release(ptr, val) __xchg(ptr, val, __ATOMIC_RELEASE)
#define xchg_relaxed(ptr, val) __xchg(ptr, val, __ATOMIC_RELAXED)

#define __try_cmpxchg(ptr, oldp, new, order)                                   \
	({                                                                     \
		__assert_one_access(*(ptr));                                   \
		__atomic_compare_exchange_n((ptr), (oldp), (new), false,       \
					    order, __ATOMIC_RELAXED);          \
	})

#define try_cmpxchg(ptr, oldp, new)                                            \
	__try_cmpxchg(ptr, oldp, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(ptr, oldp, new)                                    \
	__try_cmpxchg(ptr, oldp, new, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(ptr, oldp, new)                                    \
	__try_cmpxchg(ptr, oldp, new, __ATOMIC_RELEASE)
#define try_cmpxchg_relaxed(ptr, oldp, new)                                    \
	__try_cmpxchg(ptr, oldp, new, __ATOMIC_RELAXED)

#define __cmpxchg(ptr, old, new, order)                                        \
	({                                                                     \
		__typeof__(*(ptr)) __found = (old);                            \
		(void)__try_cmpxchg(ptr, &__found, new, order);                \
		__found;                                                       \
	})

#define cmpxchg(ptr, old, new) __cmpxchg(ptr, old, new, __ATOMIC_SEQ_CST)
#define cmpxchg_acquire(ptr, old, new)                                         \
	__cmpxchg(ptr, old, new, __ATOMIC_ACQUIRE)
#define cmpxchg_release(ptr, old, new)                                         \
	__cmpxchg(ptr, old, new, __ATOMIC_RELEASE)
#define cmpxchg_relaxed(ptr, old, new)                                         \
	__cmpxchg(ptr, old, new, __ATOMIC_RELAXED)

/*
 * Two adjacent words at @pair, 16-byte aligned, changed together: both become
 * new if both were old.  Returns whether they did.  cmpxchg_double() may meet
 * other CPUs; the _local form leaves the lock prefix out and is atomic only
 * against interrupts on the CPU that owns the pair.
 *
 * CMPXCHG16B says so in ZF, but QEMU 7.2's TCG can lose the flags right after
 * it (guests that branched on ZF there died).  So success is decided from the
 * registers: they still hold the old pair if and only if it was stored over.
 */
#define __CMPXCHG_DOUBLE(name, lock)                                           \
	static __always_inline bool name(volatile void *pair, u64 old_lo,      \
					 u64 old_hi, u64 new_lo, u64 new_hi)   \
	{                                                                      \
		u64 lo = old_lo, hi = old_hi;                                  \
                                                                               \
		__asm__ __volatile__(lock "cmpxchg16b %[pair]"                 \
				     : [pair] "+m"(*(volatile u128 *)pair),    \
				       "+a"(lo), "+d"(hi)                      \
				     : "b"(new_lo), "c"(new_hi)                \
				     : "memory", "cc");                        \
		return !((lo ^ old_lo) | (hi ^ old_hi));                       \
	}

/* clang-format off */
__CMPXCHG_DOUBLE(cmpxchg_double, "lock; ")
__CMPXCHG_DOUBLE(cmpxchg_double_local, "")
/* clang-format on */
