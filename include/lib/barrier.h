/* SPDX-License-Identifier: MIT */
/*
 * barrier.h - memory ordering, as x86-64 gives it.
 *
 * The machine lets one thing happen out of order between CPUs: a load may
 * overtake an earlier store of its own CPU, which is still in the store
 * buffer.  So only smp_mb() costs an instruction; the others merely hold the
 * compiler.  Every use names its partner in a comment.
 *
 * The plain forms (mb, rmb, wmb) order device and non-temporal accesses too.
 */
#pragma once

#include <lib/compiler.h>

#define mb()  __asm__ __volatile__("mfence" : : : "memory")
#define rmb() __asm__ __volatile__("lfence" : : : "memory")
#define wmb() __asm__ __volatile__("sfence" : : : "memory")

/* Any locked operation drains the store buffer, and sooner than MFENCE.  The
 * word below the stack top is in cache and nobody's return address. */
#define smp_mb()                                                               \
	__asm__ __volatile__("lock; addl $0, -4(%%rsp)" : : : "memory", "cc")
#define smp_rmb() barrier()
#define smp_wmb() barrier()

/* Read-modify-write operations are locked, hence full barriers already. */
#define smp_mb__before_atomic() barrier()
#define smp_mb__after_atomic()	barrier()

/* Nothing after the load happens before it. */
#define smp_load_acquire(p)                                                    \
	({                                                                     \
		__typeof__(*(p)) __v = READ_ONCE(*(p));                        \
		barrier();                                                     \
		__v;                                                           \
	})

/* Everything before the store is seen by whoever sees the store. */
#define smp_store_release(p, val)                                              \
	do {                                                                   \
		barrier();                                                     \
		WRITE_ONCE(*(p), (val));                                       \
	} while (0)

/* Store, then a full barrier. */
#define smp_store_mb(var, val)                                                 \
	do {                                                                   \
		WRITE_ONCE(var, (val));                                        \
		smp_mb();                                                      \
	} while (0)
