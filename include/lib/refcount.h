/* SPDX-License-Identifier: MIT */
/*
 * refcount.h - reference counts that would rather leak than lie.
 *
 * A count that overflows, is raised from zero, or falls below zero sticks at
 * REFCOUNT_SATURATED for good: the object is never freed again, which is a
 * leak, where wrapping around would be a use after free.  The first operation
 * to notice calls refcount_report; a count that is pinned is not reported again.
 *
 * Saturation tolerates a race: up to 2^30 increments may pass between the one
 * that crosses and the store that pins it, and the value stays negative.
 *
 * Context: any.
 */
#pragma once

#include <lib/atomic.h>
#include <lib/compiler.h>

typedef struct {
	atomic_t refs;
} refcount_t;

/* clang-format off */
#define REFCOUNT_INIT(n) { ATOMIC_INIT(n) }
/* clang-format on */
#define REFCOUNT_SATURATED (S32_MIN / 2)

enum refcount_fault {
	REFCOUNT_ADD_FROM_ZERO,
	REFCOUNT_ADD_OVERFLOW,
	REFCOUNT_SUB_UNDERFLOW,
	REFCOUNT_DEC_LEAK, /* refcount_dec() dropped the last one */
};

/* A higher floor hangs a warning here; NULL stays silent. */
extern void (*refcount_report)(refcount_t *r, enum refcount_fault fault);

/* The slow end of every function below: pin the count and report, unless @old,
 * the value that was met, is negative: then someone did already. */
void refcount_saturate(refcount_t *r, int old, enum refcount_fault fault);

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->refs, n);
}

static inline unsigned int refcount_read(const refcount_t *r)
{
	return (unsigned int)atomic_read(&r->refs);
}

/* The caller holds a reference already, so nothing needs ordering. */
static inline void refcount_add(int n, refcount_t *r)
{
	int old = atomic_fetch_add_relaxed(n, &r->refs), sum;

	if (unlikely(!old))
		refcount_saturate(r, old, REFCOUNT_ADD_FROM_ZERO);
	else if (unlikely(old < 0 || __builtin_add_overflow(old, n, &sum)))
		refcount_saturate(r, old, REFCOUNT_ADD_OVERFLOW);
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

/* Takes a reference unless there is none left to take from. */
static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	int old = atomic_fetch_add_unless(&r->refs, 1, 0);

	if (unlikely(old < 0 || old == S32_MAX))
		refcount_saturate(r, old, REFCOUNT_ADD_OVERFLOW);
	return old != 0;
}

/* True for whoever dropped the last reference and must free. */
static inline bool __must_check refcount_sub_and_test(int n, refcount_t *r)
{
	/* Release: our uses end before the count falls. */
	int old = atomic_fetch_sub_release(n, &r->refs);

	if (old == n && n > 0) {
		/* Acquire, pairing with the other droppers' releases: the
		 * freeing starts after all their uses. */
		barrier();
		return true;
	}
	if (unlikely(old < n || old < 0))
		refcount_saturate(r, old, REFCOUNT_SUB_UNDERFLOW);
	return false;
}

static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

/* For a caller who knows that others remain. */
static inline void refcount_dec(refcount_t *r)
{
	int old = atomic_fetch_sub_release(1, &r->refs);

	if (unlikely(old <= 1))
		refcount_saturate(r, old, REFCOUNT_DEC_LEAK);
}

/* Drops a reference unless it is the last. */
static inline bool __must_check refcount_dec_not_one(refcount_t *r)
{
	int old = atomic_read(&r->refs);

	do {
		if (old == 1)
			return false;
		if (unlikely(old < 1)) {
			refcount_saturate(r, old, REFCOUNT_SUB_UNDERFLOW);
			return true;
		}
	} while (!atomic_try_cmpxchg_release(&r->refs, &old, old - 1));
	return true;
}
