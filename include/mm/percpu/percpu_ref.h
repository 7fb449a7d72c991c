/* SPDX-License-Identifier: MIT */
/*
 * percpu_ref.h - a reference count that costs one instruction while it lives.
 *
 *	percpu_ref_init(&x->ref, release, 0, GFP_KERNEL);  one reference: ours
 *	percpu_ref_get(&x->ref);  ...  percpu_ref_put(&x->ref);	anybody, anywhere
 *	percpu_ref_kill(&x->ref);			   ours goes
 *
 * While alive, each CPU counts for itself, and nobody can know the sum.  Killing
 * turns it into one atomic counter, which can reach zero; then release() is
 * called, once, in whatever context dropped the last reference.
 *
 * The owner holds the initial reference until it kills the ref; everybody else's
 * get needs a reference to start from, or RCU and percpu_ref_tryget().
 *
 * Context: get and put, any; init and exit may sleep; kill and the switches, any
 * but NMI, and not in a hard interrupt.
 */
#pragma once
#include <kernel/core/rcu.h>
#include <lib/atomic.h>
#include <mm/percpu/percpu.h>

struct percpu_ref;
typedef void(percpu_ref_func_t)(struct percpu_ref *ref);

enum {
	PERCPU_REF_INIT_ATOMIC = 1, /* begin in atomic mode, one reference */
	PERCPU_REF_INIT_DEAD = 2,   /* begin killed, no reference */
};

/* In the low bits of `mode`: the rest is the per-CPU counter's address. */
#define PERCPU_REF_ATOMIC 1ul
#define PERCPU_REF_DEAD	  2ul
#define PERCPU_REF_FLAGS  3ul

struct percpu_ref {
	/* Written under percpu_ref_lock; read under RCU. */
	unsigned long mode;

	/* Any CPU, atomically.  Biased while CPUs count for themselves. */
	atomic_long_t count;

	/* Fixed at init. */
	percpu_ref_func_t *release;

	/* One switch to atomic mode at a time: percpu_ref_lock. */
	percpu_ref_func_t *confirm;
	bool switching;
	struct rcu_head rcu;
};

/* 0 or -ENOMEM. */
int percpu_ref_init(struct percpu_ref *ref, percpu_ref_func_t *release,
		    unsigned int flags, gfp_t gfp);

/* Frees the per-CPU counter.  Nobody may use @ref any more. */
void percpu_ref_exit(struct percpu_ref *ref);

/*
 * Drop the initial reference and stop handing out live ones.  @confirm, or NULL,
 * is called once every CPU knows: percpu_ref_tryget_live() fails from then on.
 */
void percpu_ref_kill_and_confirm(struct percpu_ref *ref,
				 percpu_ref_func_t *confirm);

static inline void percpu_ref_kill(struct percpu_ref *ref)
{
	percpu_ref_kill_and_confirm(ref, NULL);
}

/* Undo a kill: alive again, with the initial reference.  Some reference must
 * be held meanwhile, or the count be zero and released. */
void percpu_ref_resurrect(struct percpu_ref *ref);

/* Count in one place, or on each CPU, without killing.  The sync form waits
 * until it is so, and may sleep. */
void percpu_ref_switch_to_atomic_sync(struct percpu_ref *ref);
void percpu_ref_switch_to_percpu(struct percpu_ref *ref);

/* Has the count reached zero?  True only of a killed ref. */
bool percpu_ref_is_zero(struct percpu_ref *ref);

/*
 * The sum, exact if nobody is counting.  For audits; not for decisions.
 */
long percpu_ref_sum(struct percpu_ref *ref);

static inline bool percpu_ref_is_dying(struct percpu_ref *ref)
{
	return READ_ONCE(ref->mode) & PERCPU_REF_DEAD;
}

/* The per-CPU counter, while in per-CPU mode.  Under RCU. */
static __always_inline unsigned long __percpu *
__percpu_ref_counter(struct percpu_ref *ref)
{
	unsigned long mode = READ_ONCE(ref->mode);

	return likely(!(mode & PERCPU_REF_FLAGS))
		       ? (unsigned long __percpu *)mode
		       : NULL;
}

static __always_inline void percpu_ref_get_many(struct percpu_ref *ref,
						unsigned long nr)
{
	unsigned long __percpu *counter;

	rcu_read_lock();
	counter = __percpu_ref_counter(ref);
	if (likely(counter))
		this_cpu_add(*counter, nr);
	else
		atomic_long_add(nr, &ref->count);
	rcu_read_unlock();
}

static __always_inline void percpu_ref_get(struct percpu_ref *ref)
{
	percpu_ref_get_many(ref, 1);
}

/* Another reference unless there is none left.  @nr at once. */
static __always_inline bool percpu_ref_tryget_many(struct percpu_ref *ref,
						   unsigned long nr)
{
	unsigned long __percpu *counter;
	bool got = true;

	rcu_read_lock();
	counter = __percpu_ref_counter(ref);
	if (likely(counter))
		this_cpu_add(*counter, nr);
	else
		got = atomic_long_add_unless(&ref->count, nr, 0);
	rcu_read_unlock();
	return got;
}

static __always_inline bool percpu_ref_tryget(struct percpu_ref *ref)
{
	return percpu_ref_tryget_many(ref, 1);
}

/* The same, but not of a ref that has been killed. */
static __always_inline bool percpu_ref_tryget_live(struct percpu_ref *ref)
{
	unsigned long __percpu *counter;
	bool got = false;

	rcu_read_lock();
	counter = __percpu_ref_counter(ref);
	if (likely(counter)) {
		this_cpu_inc(*counter);
		got = true;
	} else if (!percpu_ref_is_dying(ref)) {
		got = atomic_long_inc_not_zero(&ref->count);
	}
	rcu_read_unlock();
	return got;
}

static __always_inline void percpu_ref_put_many(struct percpu_ref *ref,
						unsigned long nr)
{
	unsigned long __percpu *counter;

	rcu_read_lock();
	counter = __percpu_ref_counter(ref);
	if (likely(counter))
		this_cpu_sub(*counter, nr);
	else if (unlikely(atomic_long_sub_and_test(nr, &ref->count)))
		ref->release(ref);
	rcu_read_unlock();
}

static __always_inline void percpu_ref_put(struct percpu_ref *ref)
{
	percpu_ref_put_many(ref, 1);
}
