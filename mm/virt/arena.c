/* SPDX-License-Identifier: MIT */
/*
 * arena.c - whose an address is, from the first touch to the last.
 *
 * Problem.    All tasks share one address space, and each wants memory that is
 *             its own: found from an address at a fault, from a page by who
 *             reclaims, and gone as a whole when the task goes.
 * Idea.       8 TiB of addresses are handed out in windows of 1 GiB.  A table
 *             of 8192 pointers says whose each is, so a fault finds its arena
 *             by a shift.  A window is what one page directory covers: an
 *             arena shares no page table with another, and gives back its own.
 * Bigger.     What does not fit a window gets several side by side.
 * Reuse.      Windows go round, as pids do, so that an address does not soon
 *             lead to another task's memory.
 * Lifetime.   Looking up is under RCU and takes a reference.  Who still holds
 *             one when the arena is destroyed finds it dead, under its lock.
 * Rejected.   One tree of all tasks' areas: neighbours would share tables,
 *             and all faults a lock.  Windows of a fixed, larger size: either a
 *             task's memory or the number of tasks would be limited by them.
 *
 * Locks: windows_lock, a spinlock; inside it nothing.  arena->lock sleeps, and
 * is taken in faults, so inside whatever is held when a task's memory is
 * touched; inside it page tables and pages are made and freed.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/core/spinlock.h>
#include <arch/paging.h>
#include <lib/bitmap.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include "arena_impl.h"

static DEFINE_SPINLOCK(windows_lock);

/* Under windows_lock; read under RCU. */
static struct anon_arena *window_arena[NR_WINDOWS];

/* Under windows_lock. */
static DECLARE_BITMAP(taken, NR_WINDOWS);
static unsigned long next_window;

static atomic_long_t nr_arenas;

/* -- Windows ----------------------------------------------------------------- */

static unsigned long window_of(unsigned long addr)
{
	return (addr - ARENA_BASE) >> WINDOW_SHIFT;
}

static unsigned long find_windows(unsigned long nr)
{
	unsigned long at = bitmap_find_next_zero_area(taken, NR_WINDOWS,
						      next_window, nr, 1);

	if (at >= NR_WINDOWS)
		at = bitmap_find_next_zero_area(taken, NR_WINDOWS, 0, nr, 1);
	return at;
}

int span_take(struct anon_arena *arena, struct arena_span *span, size_t size)
{
	unsigned long nr, at;

	if (size >= ARENA_SIZE)
		return -ENOMEM;
	nr = DIV_ROUND_UP(size + PAGE_SIZE, WINDOW_SIZE);
	spin_lock(&windows_lock);
	at = find_windows(nr);
	if (at < NR_WINDOWS) {
		bitmap_set(taken, at, nr);
		next_window = at + nr;
		for (unsigned long i = at; i < at + nr; i++)
			rcu_assign_pointer(window_arena[i], arena);
	}
	spin_unlock(&windows_lock);
	if (at >= NR_WINDOWS)
		return -ENOMEM;
	span->start = ARENA_BASE + at * WINDOW_SIZE;
	span->end = span->start + nr * WINDOW_SIZE;
	return 0;
}

/* Nothing is mapped in it any more, in no TLB either. */
void span_give_back(struct arena_span *span)
{
	unsigned long at = window_of(span->start);
	unsigned long nr = (span->end - span->start) / WINDOW_SIZE;

	spin_lock(&windows_lock);
	for (unsigned long i = at; i < at + nr; i++)
		RCU_INIT_POINTER(window_arena[i], NULL);
	bitmap_clear(taken, at, nr);
	spin_unlock(&windows_lock);
}

struct anon_arena *arena_find(unsigned long addr)
{
	struct anon_arena *arena;

	rcu_read_lock();
	arena = rcu_dereference(window_arena[window_of(addr)]);
	if (arena && !refcount_inc_not_zero(&arena->refs))
		arena = NULL;
	rcu_read_unlock();
	return arena;
}

/* -- Life -------------------------------------------------------------------- */

struct anon_arena *arena_create(void)
{
	struct anon_arena *arena = kzalloc(sizeof(*arena), GFP_KERNEL_ACCOUNT);

	if (!arena)
		return NULL;
	mutex_init(&arena->lock);
	INIT_LIST_HEAD(&arena->spans);
	arena->areas = RB_ROOT;
	refcount_set(&arena->refs, 1);
	if (span_take(arena, &arena->first, 1)) {
		kfree(arena);
		return NULL;
	}
	list_add(&arena->first.link, &arena->spans);
	arena->hint = arena->first.start;
	atomic_long_inc(&nr_arenas);
	return arena;
}

void arena_set_owner(struct anon_arena *arena, struct task *t)
{
	mutex_lock(&arena->lock);
	arena->owner = t;
	mutex_unlock(&arena->lock);
}

static void spans_free_all(struct anon_arena *arena)
{
	struct arena_span *span, *next;

	list_for_each_entry_safe(span, next, &arena->spans, link) {
		list_del(&span->link);
		span_give_back(span);
		if (span != &arena->first)
			kfree(span);
	}
}

/* The one who faults on it now either was before us under the lock, or finds
 * no area. */
void arena_destroy(struct anon_arena *arena)
{
	struct arena_span *span;

	mutex_lock(&arena->lock);
	BUG_ON(arena->dead);
	arena->dead = true;
	arena->owner = NULL;
	list_for_each_entry(span, &arena->spans, link)
		arena_zap(arena, span->start, span->end);
	areas_free_all(arena);
	mutex_unlock(&arena->lock);

	WARN_ON(atomic_long_read(&arena->nr_pages));
	spans_free_all(arena);
	atomic_long_dec(&nr_arenas);
	arena_put(arena);
}

void arena_put(struct anon_arena *arena)
{
	if (!refcount_dec_and_test(&arena->refs))
		return;
	mutex_destroy(&arena->lock);
	kfree_rcu(arena, rcu);
}

/* A task that ends takes its arena off first: who has seen it may have it. */
struct anon_arena *task_get_arena(struct task *t)
{
	struct anon_arena *arena;

	rcu_read_lock();
	arena = rcu_dereference(t->arena);
	if (arena && !refcount_inc_not_zero(&arena->refs))
		arena = NULL;
	rcu_read_unlock();
	return arena;
}

struct anon_arena *task_arena(void)
{
	struct task *t = current;
	struct anon_arena *arena = t->arena;

	if (arena)
		return arena;
	arena = arena_create();
	if (arena) {
		arena_set_owner(arena, t);
		rcu_assign_pointer(t->arena, arena);
	}
	return arena;
}

/* -- Looking ----------------------------------------------------------------- */

unsigned long arena_nr_pages(const struct anon_arena *arena)
{
	return atomic_long_read(&arena->nr_pages);
}

void arena_get_info(struct arena_info *info)
{
	info->arenas = atomic_long_read(&nr_arenas);
	info->pages = 0;
	spin_lock(&windows_lock);
	info->windows = bitmap_weight(taken, NR_WINDOWS);
	for (unsigned long i = 0; i < NR_WINDOWS; i++) {
		struct anon_arena *arena = window_arena[i];

		/* Once for each arena. */
		if (arena && window_of(arena->first.start) == i)
			info->pages += arena_nr_pages(arena);
	}
	spin_unlock(&windows_lock);
}

static const char *check_areas(struct anon_arena *arena)
{
	struct rb_node *node;
	unsigned long last = 0;

	for (node = rb_first(&arena->areas); node; node = rb_next(node)) {
		struct anon_area *area = rb_entry(node, struct anon_area, node);

		if (area->start >= area->end && area != arena->brk)
			return "area without addresses";
		if (area->start < last)
			return "areas overlap";
		if (arena->hint > area->start && arena->hint < area->end)
			return "hint inside of an area";
		if (rcu_access_pointer(window_arena[window_of(area->start)]) !=
		    arena)
			return "area in another one's window";
		last = area->end;
	}
	return NULL;
}

static bool page_is_at_home(struct anon_arena *arena, unsigned long addr)
{
	struct paging_entry entry;
	struct page *page;
	unsigned long at;

	if (!paging_lookup(addr, &entry))
		return true;
	page = phys_to_page(entry.pa);
	return page_type(page) == PAGE_ANON && page->mapcount == 1 &&
	       page_arena(page, &at) == arena && at == addr;
}

static const char *check_pages(struct anon_arena *arena)
{
	struct rb_node *node;
	long nr = 0;

	for (node = rb_first(&arena->areas); node; node = rb_next(node)) {
		struct anon_area *area = rb_entry(node, struct anon_area, node);
		struct paging_entry entry;

		for (unsigned long va = area->start; va < area->end;
		     va += PAGE_SIZE) {
			if (!page_is_at_home(arena, va))
				return "page that does not know where it is";
			nr += paging_lookup(va, &entry);
		}
		if (!area_find(arena, area->end) &&
		    paging_lookup(area->end, &entry))
			return "guard page is mapped";
	}
	return nr == atomic_long_read(&arena->nr_pages)
		       ? NULL
		       : "pages are miscounted";
}

const char *arena_check(struct anon_arena *arena)
{
	const char *wrong;

	mutex_lock(&arena->lock);
	wrong = check_areas(arena);
	if (!wrong)
		wrong = check_pages(arena);
	mutex_unlock(&arena->lock);
	return wrong;
}

void arena_init(void)
{
	area_cache_init();
}
