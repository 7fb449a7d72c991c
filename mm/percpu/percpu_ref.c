/* SPDX-License-Identifier: MIT */
/*
 * percpu_ref.c - switch a count between many places and one.
 *
 * Problem.    The sum of per-CPU counters cannot be seen to reach zero, and an
 *             atomic counter bounces between all CPUs.
 * Idea.       While the owner's own reference keeps the sum above zero, it need
 *             not be known.  Only when the owner lets go is it gathered into
 *             an atomic counter.
 * Gathering.  The mode says atomic first.  After a grace period nobody can be
 *             in the middle of a per-CPU change, and the sum of the per-CPU
 *             counters is added to the atomic one.
 * Bias.       Between the two the atomic counter has seen only some gets and
 *             puts, and must not reach zero: it holds an extra BIAS, far
 *             above any count, which goes when the sum comes.
 * Wrap.       A CPU's counter may go below zero: references are taken here and
 *             dropped there.  All arithmetic wraps, and the sum comes right.
 * Invariant.  count + sum(per-CPU) - BIAS (while biased) == references.
 *
 * After Kent Overstreet's and Tejun Heo's percpu-refcount.
 */
#include <arch/cpumask.h>
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/wait.h>
#include <mm/percpu/percpu_ref.h>

#define BIAS (1l << 62)

static DEFINE_SPINLOCK(percpu_ref_lock);
static DECLARE_WAIT_QUEUE_HEAD(switch_done);

static unsigned long __percpu *counter_of(struct percpu_ref *ref)
{
	return (void *)(ref->mode & ~PERCPU_REF_FLAGS);
}

int percpu_ref_init(struct percpu_ref *ref, percpu_ref_func_t *release,
		    unsigned int flags, gfp_t gfp)
{
	unsigned long __percpu *counter = alloc_percpu_gfp(unsigned long, gfp);

	if (!counter)
		return -ENOMEM;
	*ref = (struct percpu_ref){
		.mode = (unsigned long)counter,
		.count = ATOMIC_LONG_INIT(BIAS + 1),
		.release = release,
	};
	if (flags & (PERCPU_REF_INIT_ATOMIC | PERCPU_REF_INIT_DEAD)) {
		ref->mode |= PERCPU_REF_ATOMIC;
		atomic_long_set(&ref->count, 1);
	}
	if (flags & PERCPU_REF_INIT_DEAD) {
		ref->mode |= PERCPU_REF_DEAD;
		atomic_long_set(&ref->count, 0);
	}
	return 0;
}

void percpu_ref_exit(struct percpu_ref *ref)
{
	unsigned long __percpu *counter = counter_of(ref);

	if (!counter)
		return;
	WARN_ON(ref->switching);
	free_percpu(counter);
	/* Atomic and dead: a put by someone who should not shows up. */
	ref->mode = PERCPU_REF_FLAGS;
}

long percpu_ref_sum(struct percpu_ref *ref)
{
	long sum = atomic_long_read(&ref->count);
	unsigned int cpu;

	if (counter_of(ref) && sum > BIAS / 2) {
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(*per_cpu_ptr(counter_of(ref), cpu));
		sum -= BIAS;
	}
	/* The switch's own is nobody's. */
	return sum - ref->switching;
}

/* --- to atomic ------------------------------------------------------------- */

/* A grace period after the mode changed: nobody counts per CPU any more. */
static void gather(struct rcu_head *head)
{
	struct percpu_ref *ref = container_of(head, struct percpu_ref, rcu);
	unsigned long __percpu *counter = counter_of(ref);
	percpu_ref_func_t *confirm;
	unsigned long sum = 0, flags;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		sum += *per_cpu_ptr(counter, cpu);
		*per_cpu_ptr(counter, cpu) = 0;
	}
	/* Never zero here: the switch holds a reference of its own. */
	atomic_long_add((long)sum - BIAS, &ref->count);

	spin_lock_irqsave(&percpu_ref_lock, flags);
	confirm = ref->confirm;
	ref->confirm = NULL;
	ref->switching = false;
	spin_unlock_irqrestore(&percpu_ref_lock, flags);
	wake_up_all(&switch_done);

	if (confirm)
		confirm(ref);
	percpu_ref_put(ref);
}

/* The mode has become atomic: see that the sum follows. */
static void start_gathering_locked(struct percpu_ref *ref,
				   percpu_ref_func_t *confirm)
{
	assert_spin_locked(&percpu_ref_lock);
	ref->switching = true;
	ref->confirm = confirm;
	atomic_long_inc(&ref->count); /* dropped by gather() */
	call_rcu(&ref->rcu, gather);
}

void percpu_ref_kill_and_confirm(struct percpu_ref *ref,
				 percpu_ref_func_t *confirm)
{
	unsigned long flags, mode;

	spin_lock_irqsave(&percpu_ref_lock, flags);
	mode = ref->mode;
	WARN(mode & PERCPU_REF_DEAD, "percpu_ref: killed twice");
	WRITE_ONCE(ref->mode, mode | PERCPU_REF_FLAGS);
	if (!(mode & PERCPU_REF_ATOMIC)) {
		start_gathering_locked(ref, confirm);
		confirm = NULL;
	} else if (confirm && ref->switching) {
		/* On the way already; one confirmation at a time. */
		WARN_ON(ref->confirm);
		ref->confirm = confirm;
		confirm = NULL;
	}
	spin_unlock_irqrestore(&percpu_ref_lock, flags);

	if (confirm)
		confirm(ref);
	percpu_ref_put(ref); /* the initial reference */
}

void percpu_ref_switch_to_atomic_sync(struct percpu_ref *ref)
{
	unsigned long flags;

	spin_lock_irqsave(&percpu_ref_lock, flags);
	if (!(ref->mode & PERCPU_REF_ATOMIC)) {
		WRITE_ONCE(ref->mode, ref->mode | PERCPU_REF_ATOMIC);
		start_gathering_locked(ref, NULL);
	}
	spin_unlock_irqrestore(&percpu_ref_lock, flags);
	wait_event(switch_done, !READ_ONCE(ref->switching));
}

/* --- to per-CPU ------------------------------------------------------------ */

/* Wait out a switch under way, then return with the lock held. */
static unsigned long lock_when_settled(struct percpu_ref *ref)
{
	unsigned long flags;

	for (;;) {
		wait_event(switch_done, !READ_ONCE(ref->switching));
		spin_lock_irqsave(&percpu_ref_lock, flags);
		if (!ref->switching)
			return flags;
		spin_unlock_irqrestore(&percpu_ref_lock, flags);
	}
}

/* The counters are all zero, and the release below publishes the bias and
 * them: whoever sees the new mode (percpu_ref_get) counts on top of both. */
static void to_percpu_locked(struct percpu_ref *ref)
{
	atomic_long_add(BIAS, &ref->count);
	smp_store_release(&ref->mode, ref->mode & ~PERCPU_REF_FLAGS);
}

void percpu_ref_switch_to_percpu(struct percpu_ref *ref)
{
	unsigned long flags = lock_when_settled(ref);

	if ((ref->mode & PERCPU_REF_FLAGS) == PERCPU_REF_ATOMIC)
		to_percpu_locked(ref);
	spin_unlock_irqrestore(&percpu_ref_lock, flags);
}

void percpu_ref_resurrect(struct percpu_ref *ref)
{
	unsigned long flags = lock_when_settled(ref);

	if (!WARN_ON(!(ref->mode & PERCPU_REF_DEAD))) {
		atomic_long_inc(&ref->count);
		to_percpu_locked(ref);
	}
	spin_unlock_irqrestore(&percpu_ref_lock, flags);
}

bool percpu_ref_is_zero(struct percpu_ref *ref)
{
	if (__percpu_ref_counter(ref))
		return false;
	return atomic_long_read(&ref->count) == 0;
}
