/* SPDX-License-Identifier: MIT */
/*
 * llist.h - a stack that many may push onto and one empties, without a lock.
 *
 * Push is a compare-and-exchange on the head; taking everything is one
 * exchange.  Both are safe against each other from any context, NMI included.
 * llist_del_first() reads the first entry's next pointer, so two of them, or
 * one beside llist_del_all(), need a lock: the entry could be popped and
 * pushed again in between (ABA).
 */
#pragma once

#include <lib/atomic.h>
#include <lib/compiler.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first; /* any CPU, atomically */
};

/* clang-format off */
#define LLIST_HEAD_INIT(name) { NULL }
/* clang-format on */
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *head)
{
	head->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* Pushes a chain already linked from @first to @last.  Returns whether the
 * list was empty, that is, whether its consumer needs to be told. */
static inline bool llist_add_batch(struct llist_node *first,
				   struct llist_node *last,
				   struct llist_head *head)
{
	struct llist_node *old = READ_ONCE(head->first);

	/* Full order: the entries are complete before they are reachable,
	 * which pairs with the xchg in llist_del_all(). */
	do
		last->next = old;
	while (!try_cmpxchg(&head->first, &old, first));
	return !old;
}

static inline bool llist_add(struct llist_node *node, struct llist_head *head)
{
	return llist_add_batch(node, node, head);
}

/* Takes the whole chain, last pushed first. */
static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	if (llist_empty(head))
		return NULL;
	return xchg(&head->first, NULL);
}

/* Pops one, or returns NULL.  One caller at a time: see above. */
static inline struct llist_node *llist_del_first(struct llist_head *head)
{
	struct llist_node *old = smp_load_acquire(&head->first);

	do {
		if (!old)
			return NULL;
	} while (!try_cmpxchg(&head->first, &old, READ_ONCE(old->next)));
	return old;
}

/* Turns a taken chain round: first pushed first. */
static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

#define llist_entry(ptr, type, member) container_of(ptr, type, member)

#define __llist_entry_safe(ptr, type, member)                                  \
	({                                                                     \
		struct llist_node *__node = (ptr);                             \
		__node ? llist_entry(__node, type, member) : NULL;             \
	})

/* Walks over a taken chain; @node is its first. */
#define llist_for_each(pos, node) for (pos = (node); pos; pos = pos->next)

#define llist_for_each_safe(pos, n, node)                                      \
	for (pos = (node); pos && (n = pos->next, true); pos = n)

#define llist_for_each_entry(pos, node, member)                                \
	for (pos = __llist_entry_safe(node, __typeof__(*pos), member); pos;    \
	     pos = __llist_entry_safe(pos->member.next, __typeof__(*pos),      \
				      member))

/* @n is of @pos's type; @pos may be freed in the body. */
#define llist_for_each_entry_safe(pos, n, node, member)                        \
	for (pos = __llist_entry_safe(node, __typeof__(*pos), member);         \
	     pos && (n = __llist_entry_safe(pos->member.next,                  \
					    __typeof__(*pos), member),         \
		    true);                                                     \
	     pos = n)
