/* SPDX-License-Identifier: MIT */
/*
 * shrinker.c - ask caches to give memory back.
 *
 * Problem.    Reclaim must press on caches as hard as on pages, no matter how
 *             large each is, and without knowing what is in them.
 * Idea.       Pressure is proportional: at priority p, reclaim looks at one page
 *             in 2^p, and a shrinker at as many of its objects, times
 *             DEFAULT_SEEKS / seeks * 2.
 * Deferring.  Shares smaller than a batch are not worth a call, and sometimes a
 *             shrinker must decline (SHRINK_STOP).  Either way what was not
 *             scanned is owed, by node, and added to later shares; so small caches
 *             and those that always decline in one context are pressed on in the
 *             end.  At most twice what there is can be owed or asked for at once:
 *             a debt must not wipe out a cache that has since become useful.
 * Lifetime.   A shrinker is called without a lock, but pinned, and leaves the
 *             list when nobody has it pinned any more; so a walk can go on from
 *             where it stands.  Reclaimers do not wait for each other.
 * Rejected.   One sleeping lock around the walk: a shrinker that waits for I/O
 *             would hold up every other reclaimer.
 *
 * Locks: shrinkers_lock, with a completion inside.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/reclaim/shrinker.h>
#include <mm/slab/slab.h>

static DEFINE_SPINLOCK(shrinkers_lock);
static LIST_HEAD(shrinkers);

int register_shrinker(struct shrinker *s, const char *name)
{
	assert_can_sleep();
	s->nr_deferred =
		kcalloc(s->flags & SHRINKER_NUMA_AWARE ? MAX_NUMNODES : 1,
			sizeof(*s->nr_deferred), GFP_KERNEL);
	if (!s->nr_deferred)
		return -ENOMEM;
	s->name = name;
	s->pins = 0;
	s->unpinned = NULL;
	spin_lock(&shrinkers_lock);
	list_add_tail(&s->list, &shrinkers);
	spin_unlock(&shrinkers_lock);
	return 0;
}

void unregister_shrinker(struct shrinker *s)
{
	DECLARE_COMPLETION_ONSTACK(unpinned);
	bool wait;

	assert_can_sleep();
	spin_lock(&shrinkers_lock);
	BUG_ON(s->unpinned);
	s->unpinned = &unpinned;
	wait = s->pins;
	spin_unlock(&shrinkers_lock);
	if (wait)
		wait_for_completion(&unpinned);

	spin_lock(&shrinkers_lock);
	list_del(&s->list);
	spin_unlock(&shrinkers_lock);
	kfree(s->nr_deferred);
	s->nr_deferred = NULL;
}

/* -- The walk ---------------------------------------------------------------- */

static void unpin_locked(struct shrinker *s)
{
	assert_held(&shrinkers_lock);
	if (!--s->pins && s->unpinned)
		complete(s->unpinned);
}

/* The next one after @prev (NULL: the first) that stays, pinned; @prev is not any
 * more. */
static struct shrinker *shrinker_next(struct shrinker *prev)
{
	struct list_head *pos;
	struct shrinker *found = NULL;

	spin_lock(&shrinkers_lock);
	for (pos = prev ? prev->list.next : shrinkers.next; pos != &shrinkers;
	     pos = pos->next) {
		struct shrinker *s = list_entry(pos, struct shrinker, list);

		if (!s->unpinned) {
			s->pins++;
			found = s;
			break;
		}
	}
	if (prev)
		unpin_locked(prev);
	spin_unlock(&shrinkers_lock);
	return found;
}

/* -- How much ---------------------------------------------------------------- */

static unsigned long share_of(const struct shrinker *s, unsigned long freeable,
			      unsigned int priority)
{
	if (!s->seeks)
		return freeable / 2; /* costs nothing to make again */
	return (freeable >> priority) * 2 * DEFAULT_SEEKS / s->seeks;
}

static unsigned long shrink_one(struct shrinker *s, struct shrink_control *sc,
				unsigned int priority)
{
	unsigned long batch = s->batch ? s->batch : SHRINK_BATCH;
	unsigned long freeable, share, owed, todo, left;
	unsigned long freed = 0, scanned = 0;
	atomic_long_t *deferred = &s->nr_deferred[sc->nid];

	freeable = s->count_objects(s, sc);
	if (!freeable)
		return 0;

	/* Whoever comes meanwhile finds nothing owed: it is ours to do. */
	owed = atomic_long_xchg(deferred, 0);
	share = share_of(s, freeable, priority);
	todo = min((owed >> priority) + share, 2 * freeable);
	left = todo;

	/* Whole batches, or all that there is. */
	while (left && (left >= batch || left >= freeable)) {
		unsigned long ret;

		sc->nr_to_scan = min(batch, left);
		sc->nr_scanned = sc->nr_to_scan;
		ret = s->scan_objects(s, sc);
		if (ret == SHRINK_STOP)
			break;
		freed += ret;
		scanned += sc->nr_scanned;
		/* One that has nothing to look at has nothing left. */
		if (!sc->nr_scanned)
			break;
		left -= min(left, sc->nr_scanned);
		cond_resched();
	}

	owed += share;
	owed -= min(owed, scanned);
	atomic_long_add(min(owed, 2 * freeable), deferred);
	return freed;
}

unsigned long shrink_slab(gfp_t gfp, int nid, unsigned int priority)
{
	unsigned long freed = 0;
	struct shrinker *s;

	assert_can_sleep();
	for (s = shrinker_next(NULL); s; s = shrinker_next(s)) {
		struct shrink_control sc = {.gfp_mask = gfp};

		/* The others' objects may lie on any node. */
		if (s->flags & SHRINKER_NUMA_AWARE)
			sc.nid = nid;
		freed += shrink_one(s, &sc, priority);
	}
	return freed;
}
