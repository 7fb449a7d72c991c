/* SPDX-License-Identifier: MIT */
/*
 * list.h - circular doubly linked lists, and hash chains.
 *
 * A list is a ring through a head that is not an element, so insertion and
 * removal have no special cases.  An element embeds a struct list_head and is
 * found back with list_entry().  The caller provides all locking.
 *
 * A removed entry is poisoned: following it faults.  list_del_init() leaves
 * it an empty ring instead, which list_empty() recognises.
 *
 * An hlist has a one-word head, for hash tables; an entry points to whatever
 * points to it, so that it can leave without knowing its head.
 */
#pragma once

#include <lib/compiler.h>
#include <lib/poison.h>

/* clang-format off */
#define LIST_HEAD_INIT(name) { &(name), &(name) }
/* clang-format on */
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	head->prev = head;
}

static inline void __list_add(struct list_head *new, struct list_head *prev,
			      struct list_head *next)
{
	next->prev = new;
	new->next = next;
	new->prev = prev;
	/* Last, and whole: list_empty() may look without the lock. */
	WRITE_ONCE(prev->next, new);
}

/* At the front: a stack. */
static inline void list_add(struct list_head *new, struct list_head *head)
{
	__list_add(new, head, head->next);
}

/* At the back: a queue. */
static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	__list_add(new, head->prev, head);
}

static inline void __list_join(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

static inline void __list_del_entry(struct list_head *entry)
{
	__list_join(entry->prev, entry->next);
}

static inline void list_del(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->next = LIST_POISON1;
	entry->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *entry)
{
	__list_del_entry(entry);
	INIT_LIST_HEAD(entry);
}

/* @new takes @old's place; @old is left dangling. */
static inline void list_replace(struct list_head *old, struct list_head *new)
{
	new->next = old->next;
	new->next->prev = new;
	new->prev = old->prev;
	WRITE_ONCE(new->prev->next, new);
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *new)
{
	list_replace(old, new);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	__list_del_entry(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	__list_del_entry(entry);
	list_add_tail(entry, head);
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_first(const struct list_head *entry,
				 const struct list_head *head)
{
	return entry->prev == head;
}

static inline bool list_is_last(const struct list_head *entry,
				const struct list_head *head)
{
	return entry->next == head;
}

static inline bool list_is_head(const struct list_head *entry,
				const struct list_head *head)
{
	return entry == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

/* The first entry becomes the last. */
static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

/* Moves [first, last], a run within one ring, between @prev and its next. */
static inline void __list_splice_run(struct list_head *first,
				     struct list_head *last,
				     struct list_head *prev)
{
	struct list_head *next = prev->next;

	last->next = next;
	next->prev = last;
	first->prev = prev;
	WRITE_ONCE(prev->next, first);
}

/* The run [first, last] of another list moves to the end of @tail. */
static inline void list_bulk_move_tail(struct list_head *tail,
				       struct list_head *first,
				       struct list_head *last)
{
	__list_join(first->prev, last->next);
	__list_splice_run(first, last, tail->prev);
}

/* All of @list joins @head's front; @list is left dangling unless _init. */
static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		__list_splice_run(list->next, list->prev, head);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	if (!list_empty(list))
		__list_splice_run(list->next, list->prev, head->prev);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

/* The front of @head, up to and including @last, becomes @list, whose old
 * content is forgotten.  @last == @head takes nothing. */
static inline void list_cut_position(struct list_head *list,
				     struct list_head *head,
				     struct list_head *last)
{
	struct list_head *first = head->next;

	INIT_LIST_HEAD(list);
	if (last == head)
		return;
	__list_join(head, last->next);
	__list_splice_run(first, last, list);
}

/* The same, up to and not including @stop. */
static inline void list_cut_before(struct list_head *list,
				   struct list_head *head,
				   struct list_head *stop)
{
	list_cut_position(list, head, stop->prev);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

/* There must be such an entry: an empty list has no first, a last no next. */
#define list_first_entry(head, type, member)                                   \
	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)                                    \
	list_entry((head)->prev, type, member)

/* A walk ends with a @pos that is no entry, around the head: its member has an
 * address, but is not to be asked for as a member of an entry. */
#define __list_link(pos, member)                                               \
	((struct list_head *)((char *)(pos) +                                  \
			      offsetof(__typeof__(*(pos)), member)))
#define list_next_entry(pos, member)                                           \
	list_entry(__list_link(pos, member)->next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)                                           \
	list_entry(__list_link(pos, member)->prev, __typeof__(*(pos)), member)

#define list_first_entry_or_null(head, type, member)                           \
	({                                                                     \
		struct list_head *__head = (head);                             \
		struct list_head *__first = READ_ONCE(__head->next);           \
		__first != __head ? list_entry(__first, type, member) : NULL;  \
	})

#define list_entry_is_head(pos, head, member)                                  \
	(__list_link(pos, member) == (head))

/*
 * Walks.  @pos is the cursor; within a walk the current entry may be removed
 * only in the _safe forms, which keep its successor in @n.
 */
#define list_for_each(pos, head)                                               \
	for (pos = (head)->next; pos != (head); pos = pos->next)

#define list_for_each_safe(pos, n, head)                                       \
	for (pos = (head)->next, n = pos->next; pos != (head);                 \
	     pos = n, n = pos->next)

#define list_for_each_prev(pos, head)                                          \
	for (pos = (head)->prev; pos != (head); pos = pos->prev)

#define list_for_each_entry(pos, head, member)                                 \
	for (pos = list_first_entry(head, __typeof__(*pos), member);           \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)                         \
	for (pos = list_last_entry(head, __typeof__(*pos), member);            \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = list_prev_entry(pos, member))

#define list_for_each_entry_safe(pos, n, head, member)                         \
	for (pos = list_first_entry(head, __typeof__(*pos), member),           \
	    n = list_next_entry(pos, member);                                  \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = n, n = list_next_entry(n, member))

#define list_for_each_entry_safe_reverse(pos, n, head, member)                 \
	for (pos = list_last_entry(head, __typeof__(*pos), member),            \
	    n = list_prev_entry(pos, member);                                  \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = n, n = list_prev_entry(n, member))

/* Goes on after @pos; _from goes on at @pos. */
#define list_for_each_entry_continue(pos, head, member)                        \
	for (pos = list_next_entry(pos, member);                               \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_continue_reverse(pos, head, member)                \
	for (pos = list_prev_entry(pos, member);                               \
	     !list_entry_is_head(pos, head, member);                           \
	     pos = list_prev_entry(pos, member))

#define list_for_each_entry_from(pos, head, member)                            \
	for (; !list_entry_is_head(pos, head, member);                         \
	     pos = list_next_entry(pos, member))

static inline size_t list_count_nodes(const struct list_head *head)
{
	const struct list_head *pos;
	size_t n = 0;

	list_for_each(pos, head)
		n++;
	return n;
}

/*
 * Sorts in place and stably, in O(n log n), without recursion or memory.
 * @cmp(@priv, a, b) is > 0 if and only if a belongs after b.
 */
typedef int list_cmp_fn(void *priv, const struct list_head *a,
			const struct list_head *b);
void list_sort(void *priv, struct list_head *head, list_cmp_fn *cmp);

/*
 * Checks that every neighbour points back and that the ring closes within
 * @max entries.  Returns the number of entries, or -EINVAL at the first
 * link that does not hold.
 */
long list_validate(const struct list_head *head, size_t max);

/* clang-format off */
#define HLIST_HEAD_INIT { NULL }
/* clang-format on */
#define HLIST_HEAD(name)      struct hlist_head name = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head) ((head)->first = NULL)

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

/* True for a node that INIT_HLIST_NODE or hlist_del_init left. */
static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !READ_ONCE(node->pprev);
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline void __hlist_add_at(struct hlist_node *node,
				  struct hlist_node **where)
{
	node->next = *where;
	if (node->next)
		node->next->pprev = &node->next;
	node->pprev = where;
	WRITE_ONCE(*where, node);
}

static inline void hlist_add_head(struct hlist_node *node,
				  struct hlist_head *head)
{
	__hlist_add_at(node, &head->first);
}

static inline void hlist_add_before(struct hlist_node *node,
				    struct hlist_node *next)
{
	__hlist_add_at(node, next->pprev);
}

static inline void hlist_add_behind(struct hlist_node *node,
				    struct hlist_node *prev)
{
	__hlist_add_at(node, &prev->next);
}

static inline void __hlist_del(struct hlist_node *node)
{
	WRITE_ONCE(*node->pprev, node->next);
	if (node->next)
		node->next->pprev = node->pprev;
}

static inline void hlist_del(struct hlist_node *node)
{
	__hlist_del(node);
	node->next = LIST_POISON1;
	node->pprev = LIST_POISON2;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	__hlist_del(node);
	INIT_HLIST_NODE(node);
}

/* The chain of @from becomes @to's; @from is left empty. */
static inline void hlist_move_list(struct hlist_head *from,
				   struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

#define hlist_entry(ptr, type, member) container_of(ptr, type, member)

#define hlist_entry_safe(ptr, type, member)                                    \
	({                                                                     \
		__typeof__(ptr) __node = (ptr);                                \
		__node ? hlist_entry(__node, type, member) : NULL;             \
	})

#define hlist_for_each(pos, head)                                              \
	for (pos = (head)->first; pos; pos = pos->next)

#define hlist_for_each_safe(pos, n, head)                                      \
	for (pos = (head)->first; pos && (n = pos->next, true); pos = n)

#define hlist_for_each_entry(pos, head, member)                                \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member);  \
	     pos; pos = hlist_entry_safe(pos->member.next, __typeof__(*pos),   \
					 member))

/* @n is a struct hlist_node *. */
#define hlist_for_each_entry_safe(pos, n, head, member)                        \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member);  \
	     pos && (n = pos->member.next, true);                              \
	     pos = hlist_entry_safe(n, __typeof__(*pos), member))
