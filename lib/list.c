/* SPDX-License-Identifier: MIT */
/*
 * list.c - sorting a list, and checking one.
 *
 * Idea.       Merge sort as a binary counter.  Bin i is empty or holds a
 *             sorted chain of 2^i entries; each entry arrives as a carry into
 *             bin 0, and merging with a full bin carries on into the next.
 *             Chains use only the next pointers; the ring is closed again at
 *             the end.
 * Stability.  A fuller bin came earlier, and a merge prefers the earlier
 *             chain among equals.
 *
 * Context: any; the caller locks.
 */
#include <errno.h>

#include <lib/list.h>

/* Chains up to 2^31 entries: more than memory can hold. */
#define SORT_BINS 32

/* One chain out of two sorted ones; @a's entries came first. */
static struct list_head *merge(void *priv, list_cmp_fn *cmp,
			       struct list_head *a, struct list_head *b)
{
	struct list_head *merged = NULL, **end = &merged;

	while (a && b) {
		struct list_head **from = cmp(priv, a, b) > 0 ? &b : &a;

		*end = *from;
		end = &(*from)->next;
		*from = (*from)->next;
	}
	*end = a ? a : b;
	return merged;
}

/* @chain becomes @head's ring again. */
static void close_ring(struct list_head *head, struct list_head *chain)
{
	struct list_head *last = head;

	for (; chain; chain = chain->next) {
		last->next = chain;
		chain->prev = last;
		last = chain;
	}
	last->next = head;
	head->prev = last;
}

void list_sort(void *priv, struct list_head *head, list_cmp_fn *cmp)
{
	struct list_head *bins[SORT_BINS] = {NULL};
	struct list_head *next, *sorted = NULL;

	head->prev->next = NULL;
	for (struct list_head *entry = head->next; entry; entry = next) {
		struct list_head *carry = entry;
		int i;

		next = entry->next;
		carry->next = NULL;
		for (i = 0; bins[i] && i < SORT_BINS - 1; i++) {
			carry = merge(priv, cmp, bins[i], carry);
			bins[i] = NULL;
		}
		bins[i] = merge(priv, cmp, bins[i], carry);
	}

	for (int i = 0; i < SORT_BINS; i++)
		sorted = merge(priv, cmp, bins[i], sorted);
	close_ring(head, sorted);
}

long list_validate(const struct list_head *head, size_t max)
{
	const struct list_head *pos = head;
	size_t nr = 0;

	do {
		if (!pos->next || pos->next->prev != pos || nr > max)
			return -EINVAL;
		pos = pos->next;
		nr++;
	} while (pos != head);

	return (long)nr - 1;
}
