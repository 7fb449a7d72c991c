/* SPDX-License-Identifier: MIT */
/*
 * fault_inject.h - make allocations fail on purpose.
 *
 *	unsigned long n;
 *
 *	FAULT_SWEEP(&failslab, n)
 *		EXPECT_EQ(operation_and_undo(), fault_fired(&failslab) ?
 *						-ENOMEM : 0);
 *
 * runs the body again and again.  In each round one more of the allocations that
 * the current task makes fails, until a round has none that has not failed
 * before: n - 1 of them failed.  Whatever the operation had done by then it must
 * have undone.  An allocation is known by who asked for it and how often in this
 * round, not by its number: a round may make fewer than the one before, which
 * left an allocator with something in hand.
 *
 * An attribute belongs to one kind of allocation.  While it is off, asking costs
 * one NOP.  __GFP_NOFAIL requests are never failed.
 */
#pragma once
#include <kernel/core/static_key.h>
#include <lib/atomic.h>
#include <lib/types.h>

struct task;

enum fault_mode {
	FAULT_OFF,
	FAULT_SITE,   /* by one task, once: the first not failed before */
	FAULT_NTH,    /* the n-th call by one task, once */
	FAULT_FROM,   /* the n-th call by one task, and all after it */
	FAULT_EVERY,  /* each n-th call, by anybody */
	FAULT_RANDOM, /* n calls of a million, by anybody */
};

struct fault_attr {
	struct static_key_false key;
	const char *name;

	/* Changed while the key is off. */
	enum fault_mode mode;
	unsigned long n;
	u64 seed;
	struct task *task;

	/* Any CPU, atomically. */
	atomic_long_t calls;
	atomic_long_t failures;
};

#define DEFINE_FAULT_ATTR(name_)                                               \
	struct fault_attr name_ = {.key = STATIC_KEY_FALSE_INIT, .name = #name_}

extern struct fault_attr failslab, fail_page_alloc, fail_percpu;

/* Should this allocation fail?  Any context. */
#define should_fail(attr)  (fault_active(attr) && __should_fail(attr))
#define fault_active(attr) static_branch_unlikely(&(attr)->key)
bool __should_fail(struct fault_attr *attr) __cold;

/* Choose who fails from now on.  May sleep. */
void fault_fail_nth(struct fault_attr *attr, unsigned long n);
void fault_fail_from(struct fault_attr *attr, unsigned long n);
void fault_fail_every(struct fault_attr *attr, unsigned long n);
void fault_fail_randomly(struct fault_attr *attr, unsigned long per_million,
			 u64 seed);

/* Stop; returns how many calls were failed. */
unsigned long fault_off(struct fault_attr *attr);

/* Has a call been failed since the mode was chosen? */
static inline bool fault_fired(struct fault_attr *attr)
{
	return atomic_long_read(&attr->failures) != 0;
}

/* On to the next round, if the last one (*@n; 0: none yet) had a call to fail;
 * else off, and false. */
bool fault_sweep(struct fault_attr *attr, unsigned long *n);

#define FAULT_SWEEP(attr, n) for ((n) = 0; fault_sweep(attr, &(n));)

/* How many calls, of all kinds, have been failed since boot. */
unsigned long fault_nr_failures(void);

/* Begin with what failslab=, fail_page_alloc= and fail_percpu= of the boot line
 * ask for; then stop it, and start it again with other random choices. */
void fault_inject_init(void);
void fault_boot_off(void);
void fault_boot_on(u64 salt);
