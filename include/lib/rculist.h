/* SPDX-License-Identifier: MIT */
/*
 * rculist.h - lists that are read while they change.
 *
 * Writers hold the list's lock; readers walk inside rcu_read_lock() and hold
 * nothing.  An entry is complete before it is published, and one removed
 * keeps its forward pointer, so a reader standing on it finds its way on.  It
 * may be freed, or put on another list, only a grace period later.
 *
 * These are the pointers' half of the bargain and know nothing of grace
 * periods, which is why they can live at the bottom.
 */
#pragma once

#include <lib/barrier.h>
#include <lib/list.h>

static inline void __list_add_rcu(struct list_head *new, struct list_head *prev,
				  struct list_head *next)
{
	new->next = next;
	new->prev = prev;
	/* Pairs with the dependency in list_next_rcu(). */
	smp_store_release(&prev->next, new);
	next->prev = new;
}

static inline void list_add_rcu(struct list_head *new, struct list_head *head)
{
	__list_add_rcu(new, head, head->next);
}

static inline void list_add_tail_rcu(struct list_head *new,
				     struct list_head *head)
{
	__list_add_rcu(new, head->prev, head);
}

static inline void list_del_rcu(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->prev = LIST_POISON2;
}

static inline void list_replace_rcu(struct list_head *old,
				    struct list_head *new)
{
	new->next = old->next;
	new->prev = old->prev;
	/* Pairs with the dependency in list_next_rcu(). */
	smp_store_release(&new->prev->next, new);
	new->next->prev = new;
	old->prev = LIST_POISON2;
}

#define list_next_rcu(entry) READ_ONCE((entry)->next)

#define list_entry_rcu(ptr, type, member)                                      \
	list_entry(READ_ONCE(ptr), type, member)

#define list_first_or_null_rcu(head, type, member)                             \
	list_first_entry_or_null(head, type, member)

#define list_for_each_entry_rcu(pos, head, member)                             \
	for (pos = list_entry_rcu((head)->next, __typeof__(*pos), member);     \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = list_entry_rcu(pos->member.next, __typeof__(*pos), member))

static inline void hlist_add_head_rcu(struct hlist_node *node,
				      struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	WRITE_ONCE(node->pprev, &head->first);
	/* Pairs with the dependency in hlist_for_each_entry_rcu(). */
	smp_store_release(&head->first, node);
	if (first)
		WRITE_ONCE(first->pprev, &node->next);
}

static inline void hlist_del_rcu(struct hlist_node *node)
{
	__hlist_del(node);
	WRITE_ONCE(node->pprev, LIST_POISON2);
}

#define hlist_for_each_entry_rcu(pos, head, member)                            \
	for (pos = hlist_entry_safe(READ_ONCE((head)->first),                  \
				    __typeof__(*pos), member);                 \
	     pos; pos = hlist_entry_safe(READ_ONCE(pos->member.next),          \
					 __typeof__(*pos), member))
