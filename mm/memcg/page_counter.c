/* SPDX-License-Identifier: MIT */
/*
 * page_counter.c - usage and limits, one atomic operation for each level.
 *
 * Charging.   From the leaf to the root; the first counter that has no room
 *             stops the climb, and what was charged below it is undone.  A counter
 *             is changed by compare-exchange rather than by adding and looking
 *             afterwards: a charge that does not fit writes nothing where it does
 *             not fit, so it never makes a smaller one fail that would.
 * Limits.     A charger looks at max before and again after the exchange; who
 *             lowers max writes it and then looks at the usage.  Both sides have a
 *             full barrier between, so one of the two notices the other.
 * Protection. Each counter tells its parent how much of its min and low is in
 *             use, as a difference to what it told before, so the parent's sum is
 *             the sum of what was told, always; that it was told the latest is seen
 *             to by looking again.  Counters that never had a min or low skip it.
 * Peaks.      `peak` is the highest since a watch last began or was reset.
 *             Then it moves into past_peak, of the counter and of every other
 *             watch, and starts again from the usage.  So chargers know nothing of
 *             watches.  A peak is noted after the climb, so that a refused charge
 *             leaves none; one that another CPU ends in between may be missed.
 * Rejected.   fetch_add and undo: as many atomic operations, and refusals that
 *             nobody can explain afterwards.  A lock per counter.
 *
 * Locks: peaks_lock, inside everything.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <lib/math.h>
#include "page_counter_impl.h"

static DEFINE_SPINLOCK(peaks_lock);

DEFINE_STATIC_KEY_FALSE(page_counter_probe_key);
void (*page_counter_probe_fn)(struct page_counter *c);

void page_counter_init(struct page_counter *c, struct page_counter *parent)
{
	*c = (struct page_counter){
		.parent = parent,
		.max = PAGE_COUNTER_MAX,
		.high = PAGE_COUNTER_MAX,
	};
	INIT_LIST_HEAD(&c->watches);
}

/* --- what is in use of a protection -------------------------------------------- */

static unsigned long claim_of(const struct page_counter *c,
			      const struct page_counter_shield *shield)
{
	return min(page_counter_read(c), READ_ONCE(shield->wanted));
}

static void tell_parent(struct page_counter *c,
			struct page_counter_shield *shield,
			struct page_counter_shield *parents)
{
	unsigned long claim = claim_of(c, shield);

	/* The exchange is a full barrier: a change of usage that this look
	 * misses is told by who made it. */
	while (claim != (unsigned long)atomic_long_read(&shield->claimed)) {
		long told = atomic_long_xchg(&shield->claimed, claim);

		atomic_long_add((long)claim - told, &parents->children_claimed);
		page_counter_probe(c);
		claim = claim_of(c, shield);
	}
}

static void tell_claims(struct page_counter *c)
{
	if (!c->parent)
		return;
	tell_parent(c, &c->min, &c->parent->min);
	tell_parent(c, &c->low, &c->parent->low);
}

/* --- charging -------------------------------------------------------------------- */

static void raise_peak(struct page_counter *c)
{
	unsigned long usage = page_counter_read(c);
	unsigned long peak = READ_ONCE(c->peak);

	while (unlikely(usage > peak) && !try_cmpxchg(&c->peak, &peak, usage))
		;
}

/* After a charge of @counter and all above. */
static void note_charge(struct page_counter *counter)
{
	for (struct page_counter *c = counter; c; c = c->parent) {
		raise_peak(c);
		if (unlikely(READ_ONCE(c->shielded)))
			tell_claims(c);
	}
}

static void uncharge_one(struct page_counter *c, unsigned long nr)
{
	long usage = atomic_long_sub_return(nr, &c->usage);

	WARN(usage < 0, "page_counter: %lu pages uncharged too many by %ld", nr,
	     -usage);
}

static bool charge_one(struct page_counter *c, unsigned long nr)
{
	long usage = atomic_long_read(&c->usage);

	do {
		if (usage + nr > READ_ONCE(c->max))
			return false;
		page_counter_probe(c);
	} while (!atomic_long_try_cmpxchg(&c->usage, &usage, usage + nr));

	/* Pairs with the exchange in page_counter_set_max(). */
	if (likely(usage + nr <= READ_ONCE(c->max)))
		return true;
	uncharge_one(c, nr);
	return false;
}

/* Returns the counter that refused, or NULL. */
static struct page_counter *climb(struct page_counter *counter,
				  unsigned long nr, bool ahead)
{
	struct page_counter *c, *undo;

	for (c = counter; c; c = c->parent) {
		if (ahead && unlikely(atomic_read(&c->squeezed)))
			break;
		if (!charge_one(c, nr))
			break;
	}
	if (likely(!c)) {
		note_charge(counter);
		return NULL;
	}
	for (undo = counter; undo != c; undo = undo->parent)
		uncharge_one(undo, nr);
	return c;
}

bool page_counter_try_charge(struct page_counter *c, unsigned long nr,
			     struct page_counter **blocker)
{
	struct page_counter *refused = climb(c, nr, false);

	if (likely(!refused))
		return true;
	atomic_long_inc(&refused->failcnt);
	*blocker = refused;
	return false;
}

bool page_counter_try_charge_ahead(struct page_counter *c, unsigned long nr)
{
	return !climb(c, nr, true);
}

void page_counter_charge(struct page_counter *counter, unsigned long nr)
{
	for (struct page_counter *c = counter; c; c = c->parent)
		atomic_long_add(nr, &c->usage);
	note_charge(counter);
}

void page_counter_uncharge(struct page_counter *counter, unsigned long nr)
{
	for (struct page_counter *c = counter; c; c = c->parent) {
		uncharge_one(c, nr);
		if (unlikely(READ_ONCE(c->shielded)))
			tell_claims(c);
	}
}

unsigned long page_counter_margin(const struct page_counter *c)
{
	unsigned long usage = page_counter_read(c), max = READ_ONCE(c->max);

	return usage < max ? max - usage : 0;
}

/* --- limits ---------------------------------------------------------------------- */

int page_counter_set_max(struct page_counter *c, unsigned long max)
{
	for (;;) {
		unsigned long old;

		if (page_counter_read(c) > max)
			return -EBUSY;
		page_counter_probe(c);
		/* Who charges from here on sees the new limit when it looks
		 * again; who was faster shows in the usage. */
		old = xchg(&c->max, max);
		if (page_counter_read(c) <= max)
			return 0;
		WRITE_ONCE(c->max, old);
		cond_resched();
	}
}

void page_counter_force_max(struct page_counter *c, unsigned long max)
{
	xchg(&c->max, max);
}

void page_counter_set_high(struct page_counter *c, unsigned long high)
{
	WRITE_ONCE(c->high, high);
}

static void set_shield(struct page_counter *c, struct page_counter_shield *s,
		       unsigned long wanted)
{
	WRITE_ONCE(c->shielded, true);
	/* A full barrier: a charge that this does not count sees it. */
	xchg(&s->wanted, wanted);
	tell_claims(c);
}

void page_counter_set_min(struct page_counter *c, unsigned long min)
{
	set_shield(c, &c->min, min);
}

void page_counter_set_low(struct page_counter *c, unsigned long low)
{
	set_shield(c, &c->low, low);
}

/* --- what protection is worth ---------------------------------------------------- */

/*
 * A parent passes its protection on.  If the children claim more than it has,
 * each gets a share in proportion to its claim.  If they claim less, the rest
 * protects what children use beyond their claims, in proportion to that.
 */
static unsigned long share(const struct page_counter *c,
			   const struct page_counter_shield *own,
			   const struct page_counter_shield *parents)
{
	unsigned long usage = page_counter_read(c);
	unsigned long parent_usage = page_counter_read(c->parent);
	unsigned long claim = min(usage, READ_ONCE(own->wanted));
	unsigned long claims =
		max(0l, (long)atomic_long_read(&parents->children_claimed));
	unsigned long budget = READ_ONCE(parents->effective);
	unsigned long rest;

	if (claims > budget)
		return mult_frac(claim, budget, claims);
	/* Racing charges may leave us with a claim and a sum that do not know
	 * of each other; the result is then off by as much, and not lasting. */
	if (usage <= claim || parent_usage <= claims)
		return claim;
	rest = min(budget - claims, parent_usage - claims);
	return min(usage, claim + mult_frac(usage - claim, rest,
					    parent_usage - claims));
}

void page_counter_calculate_protection(struct page_counter *root,
				       struct page_counter *c)
{
	if (c == root || !c->parent) {
		WRITE_ONCE(c->min.effective, 0);
		WRITE_ONCE(c->low.effective, 0);
	} else if (c->parent == root) {
		WRITE_ONCE(c->min.effective, READ_ONCE(c->min.wanted));
		WRITE_ONCE(c->low.effective, READ_ONCE(c->low.wanted));
	} else {
		WRITE_ONCE(c->min.effective,
			   share(c, &c->min, &c->parent->min));
		WRITE_ONCE(c->low.effective,
			   share(c, &c->low, &c->parent->low));
	}
}

/* --- peaks ----------------------------------------------------------------------- */

/* What was the peak so far is past, for all; begin again from the usage. */
static void restart_peak_locked(struct page_counter *c)
{
	struct page_counter_watch *w;
	unsigned long peak;

	assert_held(&peaks_lock);
	peak = xchg(&c->peak, 0);
	raise_peak(c);
	c->past_peak = max(c->past_peak, peak);
	list_for_each_entry(w, &c->watches, node)
		w->past_peak = max(w->past_peak, peak);
}

static unsigned long max_peak(struct page_counter *c, const unsigned long *past)
{
	unsigned long flags, peak;

	spin_lock_irqsave(&peaks_lock, flags);
	peak = max(*past, READ_ONCE(c->peak));
	spin_unlock_irqrestore(&peaks_lock, flags);
	return peak;
}

unsigned long page_counter_peak(struct page_counter *c)
{
	return max_peak(c, &c->past_peak);
}

unsigned long page_counter_watch_read(struct page_counter *c,
				      struct page_counter_watch *w)
{
	return max_peak(c, &w->past_peak);
}

void page_counter_watch_begin(struct page_counter *c,
			      struct page_counter_watch *w)
{
	unsigned long flags;

	spin_lock_irqsave(&peaks_lock, flags);
	restart_peak_locked(c);
	w->past_peak = 0;
	list_add(&w->node, &c->watches);
	spin_unlock_irqrestore(&peaks_lock, flags);
}

void page_counter_watch_reset(struct page_counter *c,
			      struct page_counter_watch *w)
{
	unsigned long flags;

	spin_lock_irqsave(&peaks_lock, flags);
	restart_peak_locked(c);
	w->past_peak = 0;
	spin_unlock_irqrestore(&peaks_lock, flags);
}

void page_counter_watch_end(struct page_counter_watch *w)
{
	unsigned long flags;

	spin_lock_irqsave(&peaks_lock, flags);
	list_del(&w->node);
	spin_unlock_irqrestore(&peaks_lock, flags);
}
