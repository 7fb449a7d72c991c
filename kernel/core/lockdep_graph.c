/* SPDX-License-Identifier: MIT */
/*
 * lockdep_graph.c - lock classes, and which was taken while holding which.
 *
 * Tables of fixed size, because a lock may be taken anywhere.  A matrix of bits
 * says at once whether an edge is known, which almost every acquisition asks;
 * lists in both directions serve the searches, which only new edges need.
 *
 * Context: interrupts off, lockdep_lock held.
 */
#include <arch/percpu.h>
#include <arch/cpumask.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <lib/bitops.h>
#include "lockdep_impl.h"

#define BUCKETS 512

extern char __image_start[], __image_end[];

DEFINE_RAW_SPINLOCK(lockdep_lock);
struct lock_class lockdep_classes[LOCKDEP_MAX_CLASSES];
struct lock_edge lockdep_edges[LOCKDEP_MAX_EDGES];
bool lockdep_on = true;

unsigned int lockdep_nr_classes = 1, lockdep_nr_edges = 1;
u16 lockdep_free_edges; /* forgotten ones, linked by next_after */
static u16 buckets[BUCKETS];
static u64 known[LOCKDEP_MAX_CLASSES][LOCKDEP_MAX_CLASSES / 64];

/* The last search: which edge first reached each class. */
static u16 reached_by[LOCKDEP_MAX_CLASSES];
static u16 queue[LOCKDEP_MAX_CLASSES];
static u64 visited[LOCKDEP_MAX_CLASSES / 64];

static bool out_of(const char *what)
{
	lockdep_on = false;
	if (report_note(REPORT_LOCKDEP))
		pr_crit("lockdep: out of %s, turned off\n", what);
	return false;
}

/* -- Classes --------------------------------------------------------------- */

static bool within(unsigned long at, const char *start, const char *end)
{
	return at >= (unsigned long)start && at < (unsigned long)end;
}

/*
 * The class of a lock with a static initialiser.  All copies of a per-CPU lock
 * are the one in the image.  One on a stack lies elsewhere each time, and goes
 * by the text of its name, of which there is one.
 */
static const void *static_key_of(const struct lockdep_map *map)
{
	unsigned long at = (unsigned long)map;
	unsigned int cpu;

	if (within(at, __image_start, __image_end))
		return map;
	for_each_possible_cpu(cpu)
		if (within(at - __per_cpu_offset[cpu], __percpu_start,
			   __percpu_end))
			return (const void *)(at - __per_cpu_offset[cpu]);
	return map->name;
}

static u16 *bucket_of(const void *key, unsigned int subclass)
{
	u64 hash = ((u64)key + subclass) * 0x9e3779b97f4a7c15ull;

	return &buckets[hash >> 32 & (BUCKETS - 1)];
}

static u16 find_or_make(const struct lockdep_map *map, const void *key,
			unsigned int subclass)
{
	u16 *bucket = bucket_of(key, subclass), n;
	struct lock_class *class;

	for (n = *bucket; n; n = lockdep_classes[n].next_in_bucket) {
		class = &lockdep_classes[n];
		if (class->key == key && class->subclass == subclass)
			return n;
	}
	if (lockdep_nr_classes == LOCKDEP_MAX_CLASSES)
		return out_of("classes");
	n = lockdep_nr_classes++;
	lockdep_classes[n] = (struct lock_class){
		.key = key,
		.name = map->name,
		.subclass = subclass,
		.type = map->type,
		.next_in_bucket = *bucket,
	};
	*bucket = n;
	return n;
}

u16 lockdep_class_of(struct lockdep_map *map, unsigned int subclass)
{
	const void *key = map->key;

	if (map->classes[subclass])
		return map->classes[subclass];
	if (!key)
		key = static_key_of(map);
	map->classes[subclass] = find_or_make(map, key, subclass);
	return map->classes[subclass];
}

/* -- Edges ----------------------------------------------------------------- */

bool lockdep_has_edge(u16 from, u16 to)
{
	return known[from][to / 64] >> (to % 64) & 1;
}

static u16 alloc_edge(void)
{
	u16 n = lockdep_free_edges;

	if (n)
		lockdep_free_edges = lockdep_edges[n].next_after;
	else if (lockdep_nr_edges < LOCKDEP_MAX_EDGES)
		n = lockdep_nr_edges++;
	else
		out_of("edges");
	return n;
}

void lockdep_add_edge(const struct held_lock *from, const struct held_lock *to)
{
	struct lock_edge *edge;
	u16 n;

	n = alloc_edge();
	if (!n)
		return;
	known[from->class][to->class / 64] |= 1ull << (to->class % 64);
	edge = &lockdep_edges[n];
	*edge = (struct lock_edge){
		.from = from->class,
		.to = to->class,
		.from_pc = from->pc,
		.to_pc = to->pc,
		.next_after = lockdep_classes[from->class].first_after,
		.next_before = lockdep_classes[to->class].first_before,
	};
	lockdep_classes[from->class].first_after = n;
	lockdep_classes[to->class].first_before = n;
}

static void unlink_after(u16 n)
{
	u16 *at = &lockdep_classes[lockdep_edges[n].from].first_after;

	while (*at != n)
		at = &lockdep_edges[*at].next_after;
	*at = lockdep_edges[n].next_after;
}

static void unlink_before(u16 n)
{
	u16 *at = &lockdep_classes[lockdep_edges[n].to].first_before;

	while (*at != n)
		at = &lockdep_edges[*at].next_before;
	*at = lockdep_edges[n].next_before;
}

static void remove_edge(u16 n)
{
	struct lock_edge *edge = &lockdep_edges[n];

	known[edge->from][edge->to / 64] &= ~(1ull << (edge->to % 64));
	unlink_after(n);
	unlink_before(n);
	edge->next_after = lockdep_free_edges;
	lockdep_free_edges = n;
}

void lockdep_forget_class(u16 n)
{
	struct lock_class *class = &lockdep_classes[n];

	while (class->first_after)
		remove_edge(class->first_after);
	while (class->first_before)
		remove_edge(class->first_before);
	class->usage = 0;
	class->reported = 0;
}

/* -- Searching ------------------------------------------------------------- */

static bool visit(u16 class)
{
	u64 bit = 1ull << (class % 64), *word = &visited[class / 64];
	bool first = !(*word & bit);

	*word |= bit;
	return first;
}

/* Breadth first, so that the path reported is a shortest one. */
u16 lockdep_search(u16 start, bool forward, u16 target, u8 usage)
{
	unsigned int head = 0, tail = 0;

	for (unsigned int i = 0; i < LOCKDEP_MAX_CLASSES / 64; i++)
		visited[i] = 0;
	reached_by[start] = 0;
	visit(start);
	queue[tail++] = start;
	while (head < tail) {
		u16 at = queue[head++], n;

		if (at == target || (lockdep_classes[at].usage & usage))
			return at;
		n = forward ? lockdep_classes[at].first_after
			    : lockdep_classes[at].first_before;
		while (n) {
			struct lock_edge *edge = &lockdep_edges[n];
			u16 next = forward ? edge->to : edge->from;

			if (visit(next)) {
				reached_by[next] = n;
				queue[tail++] = next;
			}
			n = forward ? edge->next_after : edge->next_before;
		}
	}
	return 0;
}

unsigned int lockdep_path(u16 end, bool forward, u16 *edges, unsigned int max)
{
	unsigned int len = 0;
	u16 at, n;

	for (at = end; (n = reached_by[at]) && len < max; len++) {
		edges[len] = n;
		at = forward ? lockdep_edges[n].from : lockdep_edges[n].to;
	}
	for (unsigned int i = 0; i < len / 2; i++) {
		u16 swap = edges[i];

		edges[i] = edges[len - 1 - i];
		edges[len - 1 - i] = swap;
	}
	return len;
}

void lockdep_get_stats(struct lockdep_stats *stats)
{
	stats->classes = READ_ONCE(lockdep_nr_classes) - 1;
	stats->edges = READ_ONCE(lockdep_nr_edges) - 1;
	stats->on = READ_ONCE(lockdep_on);
}
