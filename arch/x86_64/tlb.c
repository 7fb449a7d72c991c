/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - make every CPU forget stale translations, and know that it has.
 *
 * Problem.    The one who unmaps must not let the page go before the last CPU
 *             has dropped its translation.
 * Idea.       Flushes are numbered.  A request takes the next number, leaves
 *             its range in a ring, interrupts the others and waits until each
 *             CPU's counter has reached its number.  A CPU that is interrupted
 *             catches up with all numbers given out so far, so many requests
 *             at once cost it one interrupt.
 * Behind.     A CPU that finds its next request overwritten, not written yet,
 *             or too large forgets everything instead: always right, only
 *             slower.  So requesters need neither a lock nor room.
 * Invariant.  seen(cpu) == n: no translation older than request n is left
 *             on that CPU.  It holds because page tables change before the
 *             number is taken.
 * Deadlock.   While it waits, a requester serves requests itself, so two
 *             that wait for each other, even with interrupts off, go on.  But
 *             a CPU that spins for a lock with interrupts off does not serve;
 *             so callers must not hold such a lock.
 * Idle.       A halted CPU uses no translation, so it is not woken: it says
 *             that it is asleep, requesters pass it by, and the first thing it
 *             does in whatever wakes it is to catch up.  Sixty idle CPUs cost
 *             a flush nothing.
 * Rejected.   One request buffer under a lock: waiting for the lock is the
 *             same wait with one more way to hang.
 */
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <arch/paging.h>
#include <arch/percpu.h>
#include <arch/smp.h>
#include <lib/atomic.h>
#include "apic_impl.h"
#include "arch_impl.h"
#include "tlb_impl.h"

/* Beyond this many pages, dropping everything is cheaper. */
#define MAX_PAGES_ONE_BY_ONE 32

#define RING_SIZE     16 /* power of two */
#define BEING_WRITTEN (~0ull)

struct flush_request {
	u64 number; /* whose range this is; written last */
	unsigned long start, end;
};

static struct flush_request ring[RING_SIZE];
static u64 last_number; /* the last one given out */

static DEFINE_PER_CPU(u64, flush_seen);
DEFINE_PER_CPU(u32, tlb_asleep);

/* PGE off and on again drops global translations too. */
void tlb_flush_local_all(void)
{
	unsigned long flags = arch_local_irq_save();
	unsigned long cr4 = read_cr4();

	write_cr4(cr4 & ~CR4_PGE);
	write_cr4(cr4);
	arch_local_irq_restore(flags);
}

void tlb_flush_local(unsigned long start, unsigned long end)
{
	start &= PAGE_MASK;
	if ((end - start) / PAGE_SIZE > MAX_PAGES_ONE_BY_ONE) {
		tlb_flush_local_all();
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		invlpg(start);
}

/* Flush request @number alone; false if it can no longer be told. */
static bool flush_one(u64 number)
{
	struct flush_request *r = &ring[number % RING_SIZE];
	unsigned long start, end;

	if (smp_load_acquire(&r->number) != number)
		return false;
	start = READ_ONCE(r->start);
	end = READ_ONCE(r->end);
	smp_rmb(); /* pairs with the cmpxchg in ask(), before its stores */
	if (READ_ONCE(r->number) != number)
		return false;
	tlb_flush_local(start, end);
	return true;
}

/*
 * Interrupts may be on: an interrupt inside does the same, to at least the same
 * number, and what is done twice does no harm.  Only the counter must not go
 * back.
 */
void tlb_interrupt(void)
{
	unsigned long flags = arch_local_irq_save();
	u64 last = smp_load_acquire(&last_number);
	u64 seen = this_cpu_read(flush_seen);

	if (seen < last) {
		bool told = last - seen < RING_SIZE;

		for (u64 n = seen + 1; told && n <= last; n++)
			told = flush_one(n);
		if (!told)
			tlb_flush_local_all();
		barrier(); /* flushed, then said so */
		this_cpu_write(flush_seen, last);
	}
	arch_local_irq_restore(flags);
}

/*
 * The number of a new request for [start, end).  If its entry in the ring is
 * being written for another number, or has been for a later one, the range
 * stays untold.
 */
static u64 ask(unsigned long start, unsigned long end)
{
	u64 number = __atomic_add_fetch(&last_number, 1, __ATOMIC_SEQ_CST);
	struct flush_request *r = &ring[number % RING_SIZE];
	u64 old = READ_ONCE(r->number);

	if (old > number || !try_cmpxchg(&r->number, &old, BEING_WRITTEN))
		return number;
	WRITE_ONCE(r->start, start);
	WRITE_ONCE(r->end, end);
	smp_store_release(&r->number, number); /* pairs with flush_one() */
	return number;
}

static bool has_seen(unsigned int cpu, u64 number)
{
	return smp_load_acquire(per_cpu_ptr(&flush_seen, cpu)) >= number;
}

static bool is_asleep(unsigned int cpu)
{
	return smp_load_acquire(per_cpu_ptr(&tlb_asleep, cpu));
}

/*
 * Flush here and ask the others to; returns the number, and sets *@targets to
 * whom to wait for.  Interrupts off, so that "here" and "others" stay what
 * they are.
 */
static u64 ask_others(unsigned long start, unsigned long end,
		      cpumask_t *targets)
{
	u64 number = ask(start, end);
	unsigned int cpu;

	tlb_interrupt();
	cpumask_copy(targets, cpu_online_mask);
	/* Who is seen asleep here will see our number when it wakes: taking it
	 * was a full barrier, which pairs with the one in tlb_wake(). */
	for_each_online_cpu(cpu)
		if (is_asleep(cpu) || has_seen(cpu, number))
			cpumask_clear_cpu(cpu, targets);
	if (!cpumask_empty(targets))
		lapic_send_mask(targets, VECTOR_TLB);
	return number;
}

static void flush_everywhere(unsigned long start, unsigned long end)
{
	unsigned long flags = arch_local_irq_save();
	cpumask_t targets;
	unsigned int cpu;
	u64 number;

	/* Whoever is waited for may be waiting for our lock: see above. */
	ARCH_BUG_ON(CONFIG_DEBUG && !(flags & RFLAGS_IF) &&
		    num_online_cpus() > 1);
	number = ask_others(start, end, &targets);
	arch_local_irq_restore(flags);

	for_each_cpu(cpu, &targets) {
		while (!has_seen(cpu, number) && !is_asleep(cpu)) {
			tlb_interrupt();
			cpu_relax();
		}
	}
}

/* Awake first, then look: a requester that still saw us asleep took its number
 * before we look. */
void tlb_wake(void)
{
	this_cpu_write(tlb_asleep, 0);
	smp_mb(); /* pairs with the add in ask() */
	tlb_interrupt();
}

/* Interrupts off; on when it returns.  What ends the halt goes through
 * trap_dispatch(), which wakes us. */
void arch_idle(void)
{
	this_cpu_write(tlb_asleep, 1);
	cpu_enable_irqs_and_halt();
}

void tlb_flush_range(unsigned long start, unsigned long end)
{
	flush_everywhere(start, end);
}

void tlb_flush_all(void)
{
	flush_everywhere(0, ~0ul);
}

/* INVLPG serialises, and so does leaving an interrupt: any page will do. */
void cpu_sync_all(void)
{
	flush_everywhere(PATCH_WINDOW, PATCH_WINDOW + PAGE_SIZE);
}
