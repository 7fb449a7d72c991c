/* SPDX-License-Identifier: MIT */
/*
 * idr.c - the lowest free number, and what a number stands for.
 *
 * Problem.    Numbers are to be small and dense, some thousands of them, with
 *             holes; a bitmap would have to grow in one piece, and be searched.
 * Idea.       A tree of nodes with 64 slots, as deep as the highest number needs.
 *             Each node knows which slots are in use, and which are full all the
 *             way down, so the lowest free number is found by following the
 *             first slot that is not full: one step for each level, and at most
 *             one step back, where the search starts amid a node.
 * Invariant.  No node is empty, and a root has more than slot 0 in use unless it
 *             is a leaf: the shape follows from the numbers.  idr_validate().
 * Memory.     What the path lacks is allocated with the lock dropped, then the
 *             search starts over; so the caller may sleep, and a failure leaves
 *             the tree as it was.
 * Readers.    idr_find() takes no lock: a node is complete before it is
 *             published, and freed after a grace period.
 * Why here.   lib/ does not allocate or lock; mm/slab is below and needs no ids.
 *
 * Locks: idr->lock, with nothing inside.  Any context but NMI.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/rcu.h>
#include <kernel/task/idr.h>
#include <lib/bitops.h>
#include <lib/err.h>
#include <mm/slab/slab.h>

#define FAN_BITS 6
#define FAN	 (1u << FAN_BITS)
#define LEVELS	 6 /* 31 bits */
#define NONE	 U64_MAX

struct id_node {
	/* Fixed while it is in the tree. */
	u8 shift; /* a slot stands for 1 << shift numbers */

	/* Under idr->lock. */
	u64 used;
	u64 full;

	struct rcu_head rcu;

	/* Nodes below, or what the numbers stand for; an ida's leaf has none.
	 * Read under RCU. */
	void *slot[];
};

#define BIG_NODE_SIZE (sizeof(struct id_node) + FAN * sizeof(void *))

/* Nodes in the hand of who allocates or frees, outside the tree. */
struct id_stock {
	struct id_node *big[2 * LEVELS], *small;
	unsigned int nr_big;
};

static struct kmem_cache *big_nodes, *small_nodes;

void ids_init(void)
{
	big_nodes = kmem_cache_create("id_node", BIG_NODE_SIZE, 0, SLAB_PANIC,
				      NULL);
	small_nodes = kmem_cache_create("id_leaf", sizeof(struct id_node), 0,
					SLAB_PANIC, NULL);
}

static u64 span(const struct id_node *n)
{
	return (u64)FAN << n->shift;
}

static unsigned int digit(const struct id_node *n, u64 id)
{
	return (id >> n->shift) & (FAN - 1);
}

static struct id_node *child(const struct id_node *n, unsigned int d)
{
	return n->used >> d & 1 ? n->slot[d] : NULL;
}

/* -- Memory ------------------------------------------------------------------ */

static bool stock_fill(struct id_stock *st, unsigned int nr_big, bool small,
		       gfp_t gfp)
{
	while (st->nr_big < nr_big) {
		struct id_node *n = kmem_cache_zalloc(big_nodes, gfp);

		if (!n)
			return false;
		st->big[st->nr_big++] = n;
	}
	if (small && !st->small)
		st->small = kmem_cache_zalloc(small_nodes, gfp);
	return !small || st->small;
}

/* They may have been in the tree, unless @never_seen. */
static void stock_free(struct id_stock *st, bool never_seen)
{
	while (st->nr_big) {
		struct id_node *n = st->big[--st->nr_big];

		if (never_seen)
			kmem_cache_free(big_nodes, n);
		else
			kfree_rcu(n, rcu);
	}
	if (st->small)
		kmem_cache_free(small_nodes, st->small);
}

static struct id_node *stock_take(struct id_stock *st, bool small, u8 shift)
{
	struct id_node *n = small ? st->small : st->big[--st->nr_big];

	if (small)
		st->small = NULL;
	n->shift = shift;
	return n;
}

static void stock_put(struct idr *idr, struct id_stock *st, struct id_node *n)
{
	if (n->shift || idr->holds_pointers)
		st->big[st->nr_big++] = n;
	else
		st->small = n;
}

/* -- Taking a number ---------------------------------------------------------- */

/* The lowest free number from @start up under @n, whose first is @base. */
static u64 find_free(const struct id_node *n, u64 base, u64 start)
{
	unsigned int d = (start - base) >> n->shift;

	for (; d < FAN && ~n->full >> d; d++) {
		u64 first, found;

		d += __ffs(~n->full >> d);
		first = base + ((u64)d << n->shift);
		if (first < start)
			first = start;
		if (!n->shift || !child(n, d))
			return first;
		found = find_free(child(n, d), base + ((u64)d << n->shift),
				  first);
		if (found != NONE)
			return found;
	}
	return NONE;
}

static u64 lowest_free(struct idr *idr, u64 start)
{
	struct id_node *root = idr->root;
	u64 id = NONE;

	if (root && start < span(root))
		id = find_free(root, 0, start);
	if (id != NONE)
		return id;
	return root && start < span(root) ? span(root) : start;
}

/* How many nodes the path to @id lacks, the leaf included. */
static unsigned int nodes_missing(struct idr *idr, u64 id, bool *leaf)
{
	const struct id_node *n = idr->root;
	unsigned int nr = 0, shift;

	*leaf = false;
	if (!n) {
		*leaf = true;
		for (nr = 1; id >> (nr * FAN_BITS); nr++)
			;
		return nr;
	}
	if (id >= span(n)) {
		/* Roots above, and a branch from the topmost down. */
		for (shift = n->shift; id >> shift >> FAN_BITS;
		     shift += FAN_BITS)
			nr++;
		*leaf = true;
		return nr + shift / FAN_BITS;
	}
	while (n->shift) {
		const struct id_node *next = child(n, digit(n, id));

		if (!next) {
			*leaf = true;
			return n->shift / FAN_BITS;
		}
		n = next;
	}
	return 0;
}

static void grow_root(struct idr *idr, u64 id, struct id_stock *st)
{
	struct id_node *root = idr->root;
	bool bare = !idr->holds_pointers;
	u8 shift = 0;

	if (!root) {
		while (id >> shift >> FAN_BITS)
			shift += FAN_BITS;
		root = stock_take(st, !shift && bare, shift);
		rcu_assign_pointer(idr->root, root);
	}
	while (id >= span(root)) {
		struct id_node *up =
			stock_take(st, false, root->shift + FAN_BITS);

		up->slot[0] = root;
		up->used = 1;
		up->full = root->full == U64_MAX;
		root = up;
		rcu_assign_pointer(idr->root, root);
	}
}

/* @id is free and the stock holds what the path lacks. */
static void take_id(struct idr *idr, u64 id, void *ptr, struct id_stock *st)
{
	struct id_node *path[LEVELS], *n;
	bool bare = !idr->holds_pointers;
	int depth = 0;

	grow_root(idr, id, st);
	for (n = idr->root; n->shift;
	     n = path[depth - 1]->slot[digit(path[depth - 1], id)]) {
		unsigned int d = digit(n, id);

		if (!child(n, d)) {
			u8 shift = n->shift - FAN_BITS;
			struct id_node *new =
				stock_take(st, !shift && bare, shift);

			rcu_assign_pointer(n->slot[d], new);
			n->used |= 1ull << d;
		}
		path[depth++] = n;
	}
	if (!bare)
		rcu_assign_pointer(n->slot[digit(n, id)], ptr);
	n->used |= 1ull << digit(n, id);
	n->full = n->used;
	while (n->full == U64_MAX && depth) {
		n = path[--depth];
		n->full |= 1ull << digit(n, id);
	}
}

static int alloc_id(struct idr *idr, void *ptr, u64 min, u64 max, gfp_t gfp)
{
	struct id_stock st = {.nr_big = 0};
	unsigned long flags;
	int ret;

	for (;;) {
		unsigned int nr_big;
		bool small;
		u64 id;

		spin_lock_irqsave(&idr->lock, flags);
		id = lowest_free(idr, min);
		if (id > max) {
			ret = -ENOSPC;
			break;
		}
		nr_big = nodes_missing(idr, id, &small);
		small = small && !idr->holds_pointers;
		nr_big -= small;
		if (st.nr_big >= nr_big && (!small || st.small)) {
			take_id(idr, id, ptr, &st);
			ret = id;
			break;
		}
		spin_unlock_irqrestore(&idr->lock, flags);
		if (!stock_fill(&st, nr_big, small, gfp)) {
			stock_free(&st, true);
			return -ENOMEM;
		}
	}
	spin_unlock_irqrestore(&idr->lock, flags);
	stock_free(&st, true);
	return ret;
}

/* -- Giving it back ----------------------------------------------------------- */

/* The leaf of @id, and the nodes above it in @path; NULL when it is not in use. */
static struct id_node *find_leaf(struct idr *idr, u64 id, struct id_node **path,
				 int *depth)
{
	struct id_node *n = idr->root;

	*depth = 0;
	if (!n || id >= span(n))
		return NULL;
	while (n->shift) {
		path[(*depth)++] = n;
		n = child(n, digit(n, id));
		if (!n)
			return NULL;
	}
	return n->used >> digit(n, id) & 1 ? n : NULL;
}

static void lower_root(struct idr *idr, struct id_stock *freed)
{
	struct id_node *root = idr->root;

	while (root && (!root->used || (root->shift && root->used == 1))) {
		idr->root = root->used ? root->slot[0] : NULL;
		stock_put(idr, freed, root);
		root = idr->root;
	}
}

static bool drop_id(struct idr *idr, u64 id, void **ptr)
{
	struct id_stock freed = {.nr_big = 0};
	struct id_node *path[LEVELS], *n;
	unsigned long flags;
	int depth;

	spin_lock_irqsave(&idr->lock, flags);
	n = find_leaf(idr, id, path, &depth);
	if (!n) {
		spin_unlock_irqrestore(&idr->lock, flags);
		return false;
	}
	if (idr->holds_pointers) {
		*ptr = n->slot[digit(n, id)];
		WRITE_ONCE(n->slot[digit(n, id)], NULL);
	}
	n->used &= ~(1ull << digit(n, id));
	n->full = n->used;
	for (int i = depth - 1; i >= 0; i--) {
		unsigned int d = digit(path[i], id);

		path[i]->full &= ~(1ull << d);
		if (!n->used) {
			WRITE_ONCE(path[i]->slot[d], NULL);
			path[i]->used &= ~(1ull << d);
			stock_put(idr, &freed, n);
		}
		n = path[i];
	}
	lower_root(idr, &freed);
	spin_unlock_irqrestore(&idr->lock, flags);
	stock_free(&freed, !idr->holds_pointers);
	return true;
}

/* -- The idr ------------------------------------------------------------------ */

int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u64 max = end ? (u64)end - 1 : S32_MAX;

	if (start < 0 || end < 0 || (u64)start > max)
		return -EINVAL;
	return alloc_id(idr, ptr, start, max, gfp);
}

void *idr_find(const struct idr *idr, int id)
{
	const struct id_node *n = rcu_dereference(idr->root);

	if (id < 0 || !n || (u64)id >= span(n))
		return NULL;
	while (n && n->shift)
		n = rcu_dereference(n->slot[digit(n, id)]);
	return n ? rcu_dereference(n->slot[digit(n, id)]) : NULL;
}

void *idr_replace(struct idr *idr, void *ptr, int id)
{
	struct id_node *path[LEVELS], *n;
	void *old = ERR_PTR(-ENOENT);
	unsigned long flags;
	int depth;

	spin_lock_irqsave(&idr->lock, flags);
	n = id < 0 ? NULL : find_leaf(idr, id, path, &depth);
	if (n) {
		old = n->slot[digit(n, id)];
		rcu_assign_pointer(n->slot[digit(n, id)], ptr);
	}
	spin_unlock_irqrestore(&idr->lock, flags);
	return old;
}

void *idr_remove(struct idr *idr, int id)
{
	void *ptr = NULL;

	if (id >= 0)
		drop_id(idr, id, &ptr);
	return ptr;
}

/* The lowest number in use from @start up under @n, whose first is @base. */
static u64 find_used(const struct id_node *n, u64 base, u64 start, void **ptr)
{
	unsigned int d = (start - base) >> n->shift;

	for (; d < FAN && n->used >> d; d++) {
		u64 first, found;

		d += __ffs(n->used >> d);
		first = base + ((u64)d << n->shift);
		if (!n->shift) {
			*ptr = n->slot[d];
			return first;
		}
		found = find_used(child(n, d), first,
				  first < start ? start : first, ptr);
		if (found != NONE)
			return found;
	}
	return NONE;
}

int idr_next(struct idr *idr, int *id, void **ptr)
{
	unsigned long flags;
	u64 found = NONE;

	spin_lock_irqsave(&idr->lock, flags);
	if (*id >= 0 && idr->root && (u64)*id < span(idr->root))
		found = find_used(idr->root, 0, *id, ptr);
	spin_unlock_irqrestore(&idr->lock, flags);
	if (found == NONE)
		return -ENOENT;
	*id = found;
	return 0;
}

bool idr_is_empty(const struct idr *idr)
{
	return !READ_ONCE(idr->root);
}

static void free_below(struct idr *idr, struct id_node *n)
{
	struct id_stock st = {.nr_big = 0};

	for (unsigned int d = 0; n->shift && d < FAN; d++)
		if (child(n, d))
			free_below(idr, child(n, d));
	stock_put(idr, &st, n);
	stock_free(&st, !idr->holds_pointers);
}

void idr_destroy(struct idr *idr)
{
	struct id_node *root;
	unsigned long flags;

	spin_lock_irqsave(&idr->lock, flags);
	root = idr->root;
	idr->root = NULL;
	spin_unlock_irqrestore(&idr->lock, flags);
	if (root)
		free_below(idr, root);
}

/* -- The ida ------------------------------------------------------------------ */

int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int max,
		    gfp_t gfp)
{
	if (max > S32_MAX)
		max = S32_MAX;
	if (min > max)
		return -EINVAL;
	return alloc_id(&ida->ids, NULL, min, max, gfp);
}

void ida_free(struct ida *ida, unsigned int id)
{
	WARN(!drop_id(&ida->ids, id, NULL), "ida_free: %u is not in use", id);
}

bool ida_is_empty(const struct ida *ida)
{
	return idr_is_empty(&ida->ids);
}

void ida_destroy(struct ida *ida)
{
	idr_destroy(&ida->ids);
}

/* -- The validator ------------------------------------------------------------ */

static long validate(struct idr *idr, const struct id_node *n)
{
	long sum = 0;

	if (!n->used)
		return -EINVAL;
	if (!n->shift)
		return n->full == n->used ? (long)hweight64(n->used) : -EINVAL;
	for (unsigned int d = 0; d < FAN; d++) {
		const struct id_node *c = child(n, d);
		long below;

		if (!c) {
			if (n->slot[d] || n->full >> d & 1)
				return -EINVAL;
			continue;
		}
		if (c->shift != n->shift - FAN_BITS ||
		    (c->full == U64_MAX) != (n->full >> d & 1))
			return -EINVAL;
		below = validate(idr, c);
		if (below < 0)
			return below;
		sum += below;
	}
	return sum;
}

long idr_validate(struct idr *idr)
{
	unsigned long flags;
	long ret = 0;

	spin_lock_irqsave(&idr->lock, flags);
	if (idr->root)
		ret = idr->root->shift && idr->root->used == 1
			      ? -EINVAL
			      : validate(idr, idr->root);
	spin_unlock_irqrestore(&idr->lock, flags);
	return ret;
}

long ida_validate(struct ida *ida)
{
	return idr_validate(&ida->ids);
}
