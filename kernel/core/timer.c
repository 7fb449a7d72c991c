/* SPDX-License-Identifier: MIT */
/*
 * timer.c - each CPU's queue of deadlines, and the one interrupt it needs.
 *
 * Problem.    Any number of deadlines share one countdown per CPU, and a CPU
 *             with nothing due must not be interrupted.
 * Idea.       Two trees per CPU, ordered by deadline: timers that fire in the
 *             interrupt, and those that fire in TIMER_SOFTIRQ.  The hardware is
 *             set for the earliest of the two leftmost ones and the scheduler's
 *             tick.
 * Laziness.   When the earliest deadline goes away, the hardware stays as it is
 *             and one interrupt finds nothing to do: cheaper than setting it
 *             each time.  timer_idle_enter() sets it exactly, so an idle CPU
 *             never wakes for nothing.
 * Moving.     A timer belongs to the CPU that armed it last.  While it moves,
 *             its base is NULL and others wait.  One whose function is running
 *             stays where it is until that returns: it must not run twice at
 *             once.
 * Ordering.   Equal deadlines fire in the order they were armed.
 * Rounds.     A timer whose function arms it again for a time that has passed
 *             would fire for ever.  So a round fires what was due when it
 *             began; what is armed for before that meanwhile is put right
 *             behind it.  Softirq timers that are due then are left to the
 *             next softirq, and so to ksoftirqd if there is no end to them;
 *             the interrupt stays away from the tasks for as long as the round
 *             took.
 * Rejected.   A timer wheel: O(1), but it rounds deadlines or cascades, and finds
 *             the next deadline by search; and these trees are small.
 *
 * Locks: base->lock, interrupts off, under which nothing else is taken.
 */
#include <arch/irqflags.h>
#include <arch/timer.h>
#include <arch/upcalls.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/core/softirq.h>
#include <kernel/core/timer.h>

#define NEVER U64_MAX

/* A round may take long on a busy host, and have nothing to do with it. */
#define MAX_RESPITE_NS 1000000ull

enum { QUEUE_SOFT, QUEUE_HARD, NR_QUEUES };

struct timer_base {
	spinlock_t lock;

	/* Under lock. */
	struct rb_root_cached queue[NR_QUEUES];
	struct timer_list *running[NR_QUEUES];
	bool served[NR_QUEUES]; /* or just about to be */
	u64 horizon[NR_QUEUES]; /* of the round that runs, or 0 */
	u64 not_before;		/* no interrupt until then */

	/* Own CPU, interrupts off; others read set_for under lock. */
	u64 tick;
	u64 set_for; /* the hardware's deadline */

	/* Own CPU; read freely. */
	u64 interrupts;

	/* Fixed at init. */
	unsigned int cpu;
};

static DEFINE_PER_CPU_ALIGNED(struct timer_base, timer_bases);

/* Nobody serves it; its timers only need a lock like all others. */
struct timer_base timer_base_unarmed = {
	.lock = __SPIN_LOCK_UNLOCKED(timer_base_unarmed.lock),
};

static inline int timer_queue(const struct timer_list *t)
{
	return t->flags & TIMER_HARDIRQ ? QUEUE_HARD : QUEUE_SOFT;
}

static bool timer_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct timer_list, node)->expires <
	       rb_entry(b, struct timer_list, node)->expires;
}

static inline struct timer_list *queue_first(struct timer_base *base, int q)
{
	return rb_entry_safe(rb_first_cached(&base->queue[q]),
			     struct timer_list, node);
}

/* -- The hardware ------------------------------------------------------------ */

static u64 next_deadline(struct timer_base *base)
{
	u64 next = base->tick;

	for (int q = 0; q < NR_QUEUES; q++) {
		struct timer_list *t = queue_first(base, q);

		/* Who serves a queue looks again when it is done. */
		if (t && !base->served[q])
			next = min(next, t->expires);
	}
	return max(next, base->not_before);
}

static void set_hardware(struct timer_base *base, u64 deadline)
{
	if (deadline == base->set_for)
		return;
	WRITE_ONCE(base->set_for, deadline);
	if (deadline == NEVER)
		arch_timer_stop();
	else
		arch_timer_set_deadline_ns(deadline);
}

/* Own CPU, lock held: make sure the interrupt does not come too late. */
static void set_hardware_if_earlier(struct timer_base *base)
{
	u64 next = next_deadline(base);

	if (next < base->set_for)
		set_hardware(base, next);
}

void timer_set_tick(u64 deadline)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);

	base->tick = deadline;
	if (deadline < base->set_for)
		set_hardware(base, deadline);
}

void timer_idle_enter(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);

	spin_lock(&base->lock);
	set_hardware(base, next_deadline(base));
	spin_unlock(&base->lock);
}

void timers_kick(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);

	spin_lock(&base->lock);
	set_hardware_if_earlier(base);
	spin_unlock(&base->lock);
}

/* -- Arming ------------------------------------------------------------------ */

void timer_setup(struct timer_list *t, void (*fn)(struct timer_list *t),
		 unsigned int flags)
{
	*t = (struct timer_list){
		.base = this_cpu_ptr(&timer_bases),
		.fn = fn,
		.flags = flags,
	};
}

/* Interrupts off. */
static struct timer_base *lock_base(struct timer_list *t)
{
	for (;;) {
		struct timer_base *base = READ_ONCE(t->base);

		if (likely(base)) {
			spin_lock(&base->lock);
			if (likely(base == t->base))
				return base;
			spin_unlock(&base->lock);
		}
		cpu_relax();
	}
}

static bool dequeue(struct timer_base *base, struct timer_list *t)
{
	if (!t->queued)
		return false;
	rb_erase_cached(&t->node, &base->queue[timer_queue(t)]);
	WRITE_ONCE(t->queued, false);
	return true;
}

/* Interrupts off.  The timer is not queued. */
static struct timer_base *move_to(struct timer_list *t, struct timer_base *from,
				  struct timer_base *to)
{
	if (from == to || from->running[timer_queue(t)] == t)
		return from;
	WRITE_ONCE(t->base, NULL);
	spin_unlock(&from->lock);
	spin_lock(&to->lock);
	WRITE_ONCE(t->base, to);
	return to;
}

static bool arm(struct timer_list *t, u64 expires, unsigned int cpu)
{
	struct timer_base *base;
	unsigned long flags;
	bool was_armed, kick;

	local_irq_save(flags);
	base = lock_base(t);
	was_armed = dequeue(base, t);
	base = move_to(t, base, per_cpu_ptr(&timer_bases, cpu));
	/* Not in the round that runs. */
	expires = max(expires, base->horizon[timer_queue(t)]);
	t->expires = expires;
	WRITE_ONCE(t->queued, true);
	rb_add_cached(&t->node, &base->queue[timer_queue(t)], timer_less);

	kick = base->cpu != smp_processor_id() && expires < base->set_for;
	if (base->cpu == smp_processor_id())
		set_hardware_if_earlier(base);
	cpu = base->cpu;
	spin_unlock(&base->lock);
	if (kick)
		resched_cpu(cpu);
	local_irq_restore(flags);
	return was_armed;
}

bool mod_timer(struct timer_list *t, u64 expires)
{
	/* The CPU may change until arm() has interrupts off: any will do. */
	return arm(t, expires, smp_processor_id());
}

bool mod_timer_on(struct timer_list *t, u64 expires, unsigned int cpu)
{
	return arm(t, expires, cpu);
}

bool del_timer(struct timer_list *t)
{
	struct timer_base *base;
	unsigned long flags;
	bool was_armed;

	local_irq_save(flags);
	base = lock_base(t);
	was_armed = dequeue(base, t);
	spin_unlock(&base->lock);
	local_irq_restore(flags);
	return was_armed;
}

bool del_timer_sync(struct timer_list *t)
{
	bool was_armed = false, running;

	/* A softirq that we interrupted, or hold off, would never end. */
	DEBUG_WARN_ON(!(t->flags & TIMER_HARDIRQ) && in_interrupt());
	for (;;) {
		struct timer_base *base;
		unsigned long flags;

		local_irq_save(flags);
		base = lock_base(t);
		was_armed |= dequeue(base, t);
		running = base->running[timer_queue(t)] == t;
		spin_unlock(&base->lock);
		local_irq_restore(flags);
		if (!running)
			return was_armed;
		cpu_relax();
	}
}

/* -- Firing ------------------------------------------------------------------ */

/* Lock held and dropped around each function: one round. */
static void fire_expired(struct timer_base *base, int q)
{
	struct timer_list *t;

	base->served[q] = true;
	base->horizon[q] = ktime_get_ns() + 1;
	while ((t = queue_first(base, q)) && t->expires < base->horizon[q]) {
		dequeue(base, t);
		base->running[q] = t;
		if (q == QUEUE_HARD) {
			spin_unlock(&base->lock);
			t->fn(t); /* may free the timer */
			spin_lock(&base->lock);
		} else {
			spin_unlock_irq(&base->lock);
			t->fn(t);
			spin_lock_irq(&base->lock);
		}
		base->running[q] = NULL;
	}
	base->horizon[q] = 0;
	base->served[q] = false;
}

/* Lock held: @now, is there one due? */
static bool is_due(struct timer_base *base, int q, u64 now)
{
	struct timer_list *t = queue_first(base, q);

	return t && t->expires <= now;
}

/* Lock held.  The softirq will look at its queue. */
static void raise_soft(struct timer_base *base)
{
	base->served[QUEUE_SOFT] = true;
	raise_softirq_irqoff(TIMER_SOFTIRQ);
}

/* Upcall. */
void timer_interrupt(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);
	u64 start = ktime_get_ns(), now;
	bool tick;

	base->interrupts++;
	spin_lock(&base->lock);
	base->set_for = NEVER; /* it has fired */
	fire_expired(base, QUEUE_HARD);
	now = ktime_get_ns();
	base->not_before = 0;
	if (is_due(base, QUEUE_HARD, now))
		base->not_before = now + min(now - start, MAX_RESPITE_NS);
	tick = base->tick <= now;
	if (tick)
		base->tick = NEVER;
	if (is_due(base, QUEUE_SOFT, now) && !base->served[QUEUE_SOFT])
		raise_soft(base);
	spin_unlock(&base->lock);

	if (tick)
		sched_tick();

	spin_lock(&base->lock);
	set_hardware_if_earlier(base);
	spin_unlock(&base->lock);
}

static void timer_softirq(void)
{
	struct timer_base *base = this_cpu_ptr(&timer_bases);

	spin_lock_irq(&base->lock);
	fire_expired(base, QUEUE_SOFT);
	if (is_due(base, QUEUE_SOFT, ktime_get_ns()))
		raise_soft(base);
	set_hardware_if_earlier(base);
	spin_unlock_irq(&base->lock);
}

unsigned long timers_nr_armed(void)
{
	unsigned long flags, nr = 0;
	unsigned int cpu;
	struct rb_node *n;

	for_each_possible_cpu(cpu) {
		struct timer_base *base = per_cpu_ptr(&timer_bases, cpu);

		spin_lock_irqsave(&base->lock, flags);
		for (int q = 0; q < NR_QUEUES; q++)
			for (n = rb_first_cached(&base->queue[q]); n;
			     n = rb_next(n))
				nr += !(rb_entry(n, struct timer_list, node)
						->flags &
					TIMER_UNCOUNTED);
		spin_unlock_irqrestore(&base->lock, flags);
	}
	return nr;
}

u64 timer_interrupts(unsigned int cpu)
{
	return READ_ONCE(per_cpu_ptr(&timer_bases, cpu)->interrupts);
}

void timers_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct timer_base *base = per_cpu_ptr(&timer_bases, cpu);

		spin_lock_init(&base->lock);
		base->cpu = cpu;
		base->tick = NEVER;
		base->set_for = NEVER;
	}
	open_softirq(TIMER_SOFTIRQ, timer_softirq);
}
