/* SPDX-License-Identifier: MIT */
/*
 * spinlock.c - the waiting, and what a debug build checks.
 *
 * Waiting reads the word until it is 0 and only then tries to write it, so that
 * waiters share the cache line instead of taking it from the owner.  Between
 * looks a waiter pauses, each time twice as long as the last, up to
 * BACKOFF_MAX: long enough to leave the owner its memory bus, short against a
 * context switch of the host.  A hypervisor sees the PAUSEs and may run the
 * owner, or anybody: where virtual CPUs take turns on one thread, each PAUSE can
 * take a tenth of a second, and 64 of them more time than the watchdog has.  So
 * a look is due after BACKOFF_MAX_CYCLES as well.
 */
#include <arch/cpu.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/spinlock.h>
#include <lib/atomic.h>

#define BACKOFF_MAX	   64
#define BACKOFF_MAX_CYCLES 20000 /* 64 PAUSEs are at most about half of it */

/* What this CPU spins for, for backtraces of the stuck. */
static DEFINE_PER_CPU(const raw_spinlock_t *, waiting_for);

void raw_spin_lock_slow(raw_spinlock_t *lock)
{
	/* An interrupt may spin on top of a spin. */
	const raw_spinlock_t *below = this_cpu_read(waiting_for);
	unsigned int backoff = 1;

	/* Whom we would wait for is what we interrupted, or our caller. */
	if (unlikely(READ_ONCE(lock->owner) == smp_processor_id() + 1))
		panic("the spinlock at %p is taken by the CPU that holds it",
		      lock);
	this_cpu_write(waiting_for, lock);
	do {
		while (raw_spin_is_locked(lock)) {
			u64 start = rdtsc();

			for (unsigned int i = 0;
			     i < backoff &&
			     rdtsc() - start < BACKOFF_MAX_CYCLES;
			     i++)
				cpu_relax();
			if (backoff < BACKOFF_MAX)
				backoff *= 2;
		}
	} while (!raw_spin_trylock(lock));
	this_cpu_write(waiting_for, below);
}

void spin_print_wait(unsigned int cpu)
{
	const raw_spinlock_t *lock = READ_ONCE(per_cpu(waiting_for, cpu));

	if (lock)
		pr_crit("cpu%u: waits for the spinlock at %p, owner cpu%d\n",
			cpu, lock, (int)READ_ONCE(lock->owner) - 1);
}

#if CONFIG_DEBUG

unsigned long spin_acquired_at(const spinlock_t *lock)
{
	return READ_ONCE(lock->dep_map.acquired_at);
}

void spin_acquire_debug(spinlock_t *lock, unsigned int subclass)
{
	unsigned long pc = lockdep_here();

	lock_acquire(&lock->dep_map, subclass, 0, pc);
	if (unlikely(spin_is_held(lock))) {
		/* lockdep has reported it; a test that expected so goes on
		 * without the lock. */
		if (report_is_expected(REPORT_LOCKDEP)) {
			lock_release(&lock->dep_map, pc);
			return;
		}
		panic("spinlock %s: taken at %pS while this CPU holds it, "
		      "from %pS",
		      lock->dep_map.name, (void *)pc,
		      (void *)lock->dep_map.acquired_at);
	}
	raw_spin_lock(&lock->raw);
	WRITE_ONCE(lock->dep_map.acquired_at, pc);
}

bool spin_tryacquire_debug(spinlock_t *lock)
{
	unsigned long pc = lockdep_here();

	if (!raw_spin_trylock(&lock->raw))
		return false;
	lock_acquire(&lock->dep_map, 0, LOCKDEP_TRY, pc);
	WRITE_ONCE(lock->dep_map.acquired_at, pc);
	return true;
}

void spin_release_debug(spinlock_t *lock)
{
	if (unlikely(!spin_is_held(lock)))
		panic("spinlock %s: released at %pS by a CPU that does not "
		      "hold it; %s%d, taken at %pS",
		      lock->dep_map.name, (void *)lockdep_here(),
		      spin_owner(lock) < 0 ? "free: " : "owner: cpu",
		      spin_owner(lock), (void *)lock->dep_map.acquired_at);
	lock_release(&lock->dep_map, lockdep_here());
	raw_spin_unlock(&lock->raw);
}

#else

unsigned long spin_acquired_at(const spinlock_t *lock)
{
	return 0;
}

#endif
