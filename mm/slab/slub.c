/* SPDX-License-Identifier: MIT */
/*
 * slub.c - free lists of slabs, and the nodes' lists of partial slabs.
 *
 * Problem.    Any CPU may free an object of any slab at any time, and most
 *             frees change nothing but that slab's free list: a lock for
 *             each would be taken a million times for nothing.
 * Idea.       A slab's free list and its counters are one 16-byte word pair,
 *             changed by compare-exchange.  The node's list_lock is taken only
 *             when the slab changes lists: its first free object appeared, or
 *             its last used one went.
 * States.     frozen   A CPU owns it (shape cmpxchg): on no list.  Others may
 *                      push free objects, only the owner takes them.
 *             full     Not frozen, free list empty: on no list; nobody holds
 *                      it but its objects.  The first free finds it.
 *             partial  Not frozen, has free objects: on its node's list, and
 *                      only a holder of list_lock takes objects from it.
 *             empty    Partial with nothing in use: kept while the list is
 *                      shorter than min_partial, else given back.
 * Invariant.  Not frozen and free list not empty <=> on the partial list, as
 *             seen by a holder of list_lock.
 * No ABA.     Taking needs ownership or list_lock, so a free list seen twice
 *             with the same head and counters has not changed in between:
 *             pushes alone cannot bring `inuse` back up.
 * Corruption. A free pointer that leads out of its slab is reported; the
 *             rest of that list is given up, counted as in use, and the
 *             kernel goes on.
 *
 * After Christoph Lameter's SLUB (2007); the bulk taking is that of the sheaves
 * (2025).  Context: any but NMI.
 */
#include <kernel/core/panic.h>
#include <lib/math.h>
#include "slab_impl.h"

/* --- partial lists --------------------------------------------------------- */

static void partial_add_locked(struct kmem_cache_node *n, struct slab *slab,
			       bool tail)
{
	assert_spin_locked(&n->list_lock);
	n->nr_partial++;
	if (tail)
		list_add_tail(&slab->list, &n->partial);
	else
		list_add(&slab->list, &n->partial);
}

static void partial_del_locked(struct kmem_cache_node *n, struct slab *slab)
{
	assert_spin_locked(&n->list_lock);
	list_del(&slab->list);
	n->nr_partial--;
}

/* --- giving back ----------------------------------------------------------- */

/* What putting objects back does to the lists. */
enum put_effect {
	PUT_ONLY,   /* the slab stays where it is */
	PUT_FREEZE, /* full until now: onto this CPU's partial chain */
	PUT_LIST,   /* onto or off its node's list */
};

static enum put_effect put_effect(struct kmem_cache *s, struct slab_state old,
				  struct slab_state new)
{
	if (old.frozen || (old.freelist && new.inuse))
		return PUT_ONLY;
	if (!old.freelist && READ_ONCE(s->cpu_partial))
		return PUT_FREEZE;
	return PUT_LIST;
}

/* The slab's state has become @new; put it where that state belongs. */
static bool relist_locked(struct kmem_cache *s, struct kmem_cache_node *n,
			  struct slab *slab, struct slab_state old,
			  struct slab_state new)
{
	if (!new.inuse && n->nr_partial >= s->min_partial) {
		if (old.freelist)
			partial_del_locked(n, slab);
		return true;
	}
	if (!old.freelist)
		partial_add_locked(n, slab, true);
	return false;
}

void slab_put_chain(struct kmem_cache *s, struct slab *slab, void *head,
		    void *tail, unsigned int nr)
{
	struct kmem_cache_node *n = s->node[slab_nid(slab)];
	struct slab_state old, new;
	enum put_effect effect;
	unsigned long flags;
	bool surplus, done;

	do {
		old = slab_read(slab);
		if (unlikely(old.inuse < nr)) {
			slab_report(s, slab, head, "freed more than was used");
			return;
		}
		slab_link_free(s, tail, old.freelist);
		new = old;
		new.freelist = head;
		new.inuse = old.inuse - nr;
		effect = put_effect(s, old, new);
		new.frozen = old.frozen || effect == PUT_FREEZE;

		if (effect != PUT_LIST) {
			done = slab_change(slab, old, new);
			continue;
		}
		spin_lock_irqsave(&n->list_lock, flags);
		done = slab_change(slab, old, new);
		surplus = done && relist_locked(s, n, slab, old, new);
		spin_unlock_irqrestore(&n->list_lock, flags);
		if (surplus)
			slab_page_free(s, slab);
	} while (!done);

	if (effect == PUT_FREEZE)
		slab_cmpxchg_put_partial(s, slab);
}

/* Objects of one slab, on their way back to it. */
struct chain {
	struct slab *slab;
	void *head, *tail;
	unsigned int nr;
};

static void put_chain(struct kmem_cache *s, struct chain *chain)
{
	slab_put_chain(s, chain->slab, chain->head, chain->tail, chain->nr);
}

/*
 * Chains that grow at a time.  A sheaf's objects are of one to three slabs while
 * whoever had them frees them in some order, and of as many slabs as there are
 * when not: then every search fails, and must not cost much.
 */
#define MAX_CHAINS 4

/* The chain of @slab's objects; a new one takes the place of the oldest. */
static struct chain *chain_of(struct kmem_cache *s, struct chain *chains,
			      struct slab *slab, unsigned int *oldest)
{
	struct chain *c;

	for (c = chains; c < chains + MAX_CHAINS; c++)
		if (c->slab == slab)
			return c;
	c = &chains[(*oldest)++ % MAX_CHAINS];
	if (c->slab)
		put_chain(s, c);
	*c = (struct chain){.slab = slab};
	return c;
}

void slab_put_objects(struct kmem_cache *s, void **objects, unsigned int nr)
{
	struct chain chains[MAX_CHAINS] = {}, *c;
	const struct slab_link link = s->link;
	void **p = objects, **end = objects + nr, **from;
	unsigned int oldest = 0;
	struct slab *slab;
	void *head;

	while (p < end) {
		slab = slab_of(*p);
		if (unlikely(!slab)) {
			slab_report(s, NULL, *p++, "kept, but no slab object");
			continue;
		}
		c = chain_of(s, chains, slab, &oldest);
		head = c->head;
		if (!head)
			c->tail = *p;
		/* As long as they are of one slab's first page. */
		from = p;
		do {
			slab_link_set(link, *p, head);
			head = *p++;
		} while (p < end && slab_at(*p) == slab);
		c->head = head;
		c->nr += p - from;
	}
	for (c = chains; c < chains + MAX_CHAINS; c++)
		if (c->slab)
			put_chain(s, c);
}

void slab_unfreeze(struct kmem_cache *s, struct slab *slab, void *head,
		   void *tail, unsigned int nr)
{
	struct kmem_cache_node *n = s->node[slab_nid(slab)];
	struct slab_state old, new;
	unsigned long flags;
	bool surplus = false;

	/* Under the lock, so that nobody sees it free and on no list. */
	spin_lock_irqsave(&n->list_lock, flags);
	do {
		old = slab_read(slab);
		new = old;
		new.frozen = 0;
		if (nr) {
			slab_link_free(s, tail, old.freelist);
			new.freelist = head;
			new.inuse = old.inuse - nr;
		}
	} while (!slab_change(slab, old, new));

	if (!new.inuse && n->nr_partial >= READ_ONCE(s->min_partial))
		surplus = true;
	else if (new.freelist)
		partial_add_locked(n, slab, !new.inuse);
	spin_unlock_irqrestore(&n->list_lock, flags);

	if (surplus)
		slab_page_free(s, slab);
}

/* --- taking ---------------------------------------------------------------- */

/*
 * Copy the first @nr of the chain at *@head to @objects and move *@head past
 * them.  Returns how many were sound.
 */
static noinline unsigned int walk_chain(struct kmem_cache *s, struct slab *slab,
					void **head, void **objects,
					unsigned int nr)
{
	unsigned long base = (unsigned long)slab_base(slab);
	unsigned long bytes = PAGE_SIZE << compound_order(slab_page(slab));
	const struct slab_link link = s->link;
	void *object = *head;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (unlikely((unsigned long)object - base >= bytes)) {
			slab_report(s, slab, object, "free pointer corrupt");
			object = NULL;
			break;
		}
		objects[i] = object;
		object = slab_link_next(link, object);
	}
	*head = object;
	return i;
}

/* Take up to @max objects of @slab, which is on @n's list. */
static unsigned int take_locked(struct kmem_cache *s, struct kmem_cache_node *n,
				struct slab *slab, void **objects,
				unsigned int max)
{
	struct slab_state old, new;
	unsigned int nr, got;

	assert_spin_locked(&n->list_lock);
	do {
		old = slab_read(slab);
		nr = min_t(unsigned int, old.objects - old.inuse, max);
		new = old;
		got = walk_chain(s, slab, &new.freelist, objects, nr);
		new.inuse = got < nr ? old.objects : old.inuse + got;
	} while (!slab_change(slab, old, new));

	if (!new.freelist)
		partial_del_locked(n, slab);
	return got;
}

static unsigned int take_from_node(struct kmem_cache *s,
				   struct kmem_cache_node *n, void **objects,
				   unsigned int max)
{
	unsigned int got = 0;
	unsigned long flags;

	/* Racy look: an empty list is the common case of a growing cache. */
	if (!READ_ONCE(n->nr_partial))
		return 0;

	spin_lock_irqsave(&n->list_lock, flags);
	while (got < max && !list_empty(&n->partial)) {
		struct slab *slab =
			list_first_entry(&n->partial, struct slab, list);

		got += take_locked(s, n, slab, objects + got, max - got);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return got;
}

unsigned int slab_take_partial(struct kmem_cache *s, int node, void **objects,
			       unsigned int max)
{
	return take_from_node(s, s->node[node], objects, max);
}

void *slab_take_anywhere(struct kmem_cache *s)
{
	struct kmem_cache_node *n;
	void *object;
	int nid;

	for_each_cache_node(s, nid, n)
		if (take_from_node(s, n, &object, 1))
			return object;
	return NULL;
}

unsigned int slab_take_new(struct kmem_cache *s, gfp_t gfp, int node,
			   void **objects, unsigned int max)
{
	struct slab *slab = slab_page_alloc_near(s, gfp, node, objects, max);
	unsigned int got;

	if (!slab && !(gfp & __GFP_THISNODE) &&
	    static_branch_unlikely(&slab_numa)) {
		objects[0] = slab_take_anywhere(s);
		if (objects[0])
			return 1;
	}
	if (!slab)
		slab = slab_page_alloc(s, gfp, node, objects, max);
	if (!slab)
		return 0;
	/* Nobody else knows it yet: plain stores will do. */
	got = slab->state.inuse;
	slab->state.frozen = 1;
	slab_unfreeze(s, slab, NULL, NULL, 0);
	return got;
}

struct slab *slab_freeze_partial(struct kmem_cache *s, int node)
{
	struct kmem_cache_node *n = s->node[node];
	struct slab_state old, new;
	struct slab *slab = NULL;
	unsigned long flags;

	if (!READ_ONCE(n->nr_partial))
		return NULL;

	spin_lock_irqsave(&n->list_lock, flags);
	if (!list_empty(&n->partial)) {
		slab = list_first_entry(&n->partial, struct slab, list);
		do {
			old = slab_read(slab);
			new = old;
			new.frozen = 1;
		} while (!slab_change(slab, old, new));
		partial_del_locked(n, slab);
	}
	spin_unlock_irqrestore(&n->list_lock, flags);
	return slab;
}
