/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h - one CPU at a time; the others spin.
 *
 * Problem.    Tally mostly runs on virtual CPUs, often more of them than the
 *             host has cores.  A FIFO lock hands itself to the CPU that waited
 *             longest, whether it is running or not: measured under QEMU with
 *             four CPUs on two cores, a 2 us critical section took 1.4 ms a
 *             turn with a ticket or MCS lock, 1.5 us with test-and-set.
 * Idea.       Whoever runs and finds the word 0 takes it: test, then
 *             test-and-set, PAUSE in between and a bounded exponential
 *             back-off.  Unfair by design, and starvation is bounded by chance
 *             only; long waits are the watchdog's business.
 * The word.   0 is free, otherwise the owner's CPU number plus one, so that a
 *             backtrace can say who holds it.  Both come from one cmpxchg.
 * Cost.       Lock and unlock are in line: preemption count, cmpxchg, branch;
 *             store, preemption count, branch.  Nine instructions a pair.
 * Debug.      Each lock remembers where it was taken; taking it twice and
 *             releasing another's are reported; lockdep sees every acquisition.
 * Rejected.   Ticket, MCS, qspinlock: see above.  Recording the owner only in
 *             debug builds: it costs two instructions, and turns a hang in the
 *             default build into a name.
 *
 * Holding one forbids sleeping and switching.  A lock that an interrupt takes
 * is taken with interrupts off everywhere (_irq, _irqsave); one that a softirq
 * takes, with softirqs off (_bh).
 */
#pragma once
#include <arch/irqflags.h>
#include <arch/percpu.h>
#include <kernel/core/lockdep.h>
#include <kernel/core/softirq.h>
#include <lib/barrier.h>

/*
 * The lock without its dependency map: for lockdep's own tables, printk and
 * others that lockdep itself relies on.  Does not touch the preemption count:
 * its user has interrupts off.
 */
typedef struct raw_spinlock {
	u32 owner; /* any CPU, atomically: CPU + 1, or 0 */
} raw_spinlock_t;

typedef struct spinlock {
	raw_spinlock_t raw;
	LOCKDEP_MAP(dep_map)
} spinlock_t;

#define __RAW_SPIN_LOCK_UNLOCKED                                               \
	{                                                                      \
		.owner = 0                                                     \
	}
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name = __RAW_SPIN_LOCK_UNLOCKED

#define __SPIN_LOCK_UNLOCKED(name)                                             \
	{                                                                      \
		.raw = __RAW_SPIN_LOCK_UNLOCKED,                               \
		LOCKDEP_MAP_INIT_TYPE(dep_map, name, LOCKDEP_SPIN)             \
	}
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_UNLOCKED(name)

/* Each place that initialises a lock is a class of its own. */
#define spin_lock_init(lock)                                                   \
	do {                                                                   \
		static struct lock_class_key key_;                             \
		spin_lock_init_key(lock, #lock, &key_);                        \
	} while (0)

static inline void spin_lock_init_key(spinlock_t *lock, const char *name,
				      struct lock_class_key *key)
{
	lock->raw.owner = 0;
	lockdep_init_map(&lock->dep_map, name, key, LOCKDEP_SPIN);
}

/* -- The word -------------------------------------------------------------- */

/* Spins until the word could be set. */
void raw_spin_lock_slow(raw_spinlock_t *lock);

static __always_inline bool raw_spin_trylock(raw_spinlock_t *lock)
{
	u32 found = 0;
	bool got;

	asm volatile("lock; cmpxchgl %[me], %[word]"
		     : "=@cce"(got), [word] "+m"(lock->owner), "+a"(found)
		     : [me] "r"(smp_processor_id() + 1)
		     : "memory");
	return got;
}

static __always_inline void raw_spin_lock(raw_spinlock_t *lock)
{
	if (unlikely(!raw_spin_trylock(lock)))
		raw_spin_lock_slow(lock);
}

static __always_inline void raw_spin_unlock(raw_spinlock_t *lock)
{
	/* Pairs with the compare-exchange in raw_spin_trylock(). */
	smp_store_release(&lock->owner, 0);
}

static __always_inline bool raw_spin_is_locked(const raw_spinlock_t *lock)
{
	return READ_ONCE(lock->owner) != 0;
}

#define raw_spin_lock_init(lock) ((void)((lock)->owner = 0))

#define raw_spin_lock_irqsave(lock, flags)                                     \
	do {                                                                   \
		local_irq_save(flags);                                         \
		raw_spin_lock(lock);                                           \
	} while (0)

#define raw_spin_unlock_irqrestore(lock, flags)                                \
	do {                                                                   \
		raw_spin_unlock(lock);                                         \
		local_irq_restore(flags);                                      \
	} while (0)

/* -- With lockdep and the preemption count --------------------------------- */

/* Debug builds: out of line, checked, in spinlock.c. */
void spin_acquire_debug(spinlock_t *lock, unsigned int subclass);
bool spin_tryacquire_debug(spinlock_t *lock);
void spin_release_debug(spinlock_t *lock);

static __always_inline void spin_acquire(spinlock_t *lock,
					 unsigned int subclass)
{
	if (CONFIG_DEBUG)
		spin_acquire_debug(lock, subclass);
	else
		raw_spin_lock(&lock->raw);
}

static __always_inline bool spin_tryacquire(spinlock_t *lock)
{
	return CONFIG_DEBUG ? spin_tryacquire_debug(lock)
			    : raw_spin_trylock(&lock->raw);
}

static __always_inline void spin_release(spinlock_t *lock)
{
	if (CONFIG_DEBUG)
		spin_release_debug(lock);
	else
		raw_spin_unlock(&lock->raw);
}

static __always_inline void spin_lock_nested(spinlock_t *lock,
					     unsigned int subclass)
{
	preempt_disable();
	spin_acquire(lock, subclass);
}

static __always_inline void spin_lock(spinlock_t *lock)
{
	spin_lock_nested(lock, 0);
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	spin_release(lock);
	preempt_enable();
}

static __always_inline bool spin_trylock(spinlock_t *lock)
{
	preempt_disable();
	if (likely(spin_tryacquire(lock)))
		return true;
	preempt_enable();
	return false;
}

/* Interrupts off.  _irq is for those who know that they are on now. */
static __always_inline void spin_lock_irq(spinlock_t *lock)
{
	local_irq_disable();
	spin_lock(lock);
}

/* Interrupts come back on before a switch is considered. */
static __always_inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_release(lock);
	local_irq_enable();
	preempt_enable();
}

static __always_inline bool spin_trylock_irq(spinlock_t *lock)
{
	local_irq_disable();
	if (likely(spin_trylock(lock)))
		return true;
	local_irq_enable();
	return false;
}

#define spin_lock_irqsave_nested(lock, flags, subclass)                        \
	do {                                                                   \
		local_irq_save(flags);                                         \
		spin_lock_nested(lock, subclass);                              \
	} while (0)

#define spin_lock_irqsave(lock, flags) spin_lock_irqsave_nested(lock, flags, 0)

static __always_inline void spin_unlock_irqrestore(spinlock_t *lock,
						   unsigned long flags)
{
	spin_release(lock);
	local_irq_restore(flags);
	preempt_enable();
}

#define spin_trylock_irqsave(lock, flags)                                      \
	({                                                                     \
		bool got_;                                                     \
		local_irq_save(flags);                                         \
		got_ = spin_trylock(lock);                                     \
		if (unlikely(!got_))                                           \
			local_irq_restore(flags);                              \
		got_;                                                          \
	})

/* Softirqs off, interrupts as they were. */
static __always_inline void spin_lock_bh(spinlock_t *lock)
{
	local_bh_disable();
	spin_lock(lock);
}

static __always_inline bool spin_trylock_bh(spinlock_t *lock)
{
	local_bh_disable();
	if (likely(spin_trylock(lock)))
		return true;
	local_bh_enable();
	return false;
}

static __always_inline void spin_unlock_bh(spinlock_t *lock)
{
	spin_unlock(lock);
	local_bh_enable();
}

/* -- Questions ------------------------------------------------------------- */

/* By anybody; a snapshot. */
static __always_inline bool spin_is_locked(const spinlock_t *lock)
{
	return raw_spin_is_locked(&lock->raw);
}

/* Does this CPU hold it?  Preemption is off if so. */
static __always_inline bool spin_is_held(const spinlock_t *lock)
{
	return READ_ONCE(lock->raw.owner) == smp_processor_id() + 1;
}

/* The CPU that holds it, or -1; a snapshot. */
static __always_inline int spin_owner(const spinlock_t *lock)
{
	return (int)READ_ONCE(lock->raw.owner) - 1;
}

/* If @cpu spins for a lock now, print which and whose it is.  Any context. */
void spin_print_wait(unsigned int cpu);

/* Where it was taken last; 0 in the default build. */
unsigned long spin_acquired_at(const spinlock_t *lock);

#define assert_spin_locked(lock) assert_held(lock)
