/* SPDX-License-Identifier: MIT */
/*
 * heap.c - a heap per task, so that a task's memory ends with it.
 *
 * Problem.    newlib's malloc has one heap for the whole program, and here the
 *             program is the kernel.  What a task leaks would stay for ever,
 *             what a killed task held nobody could find, and which group pays
 *             for a page that two tasks' blocks share has no answer.
 * Idea.       Each task has its own heap, made of segments that hold nothing
 *             else.  Ending the task drops the segments, without looking
 *             inside.  A page belongs to one task, and so to one group.
 * Where.      A program's segments are areas of its arena, where a page comes
 *             and is charged when it is touched; the ends of a segment, which
 *             are touched at once, are asked for, so that a refusal is a NULL
 *             and no fault.  Kernel threads have no arena: vmalloc.  Only
 *             segment_alloc() and segment_free() know.
 * Reaped.     What an arena takes from a dying task it takes from the bytes of
 *             large blocks; headers, and all small blocks, stay.
 * Layout.     A segment is a header, chunks without gaps, and a sentinel:
 *
 *                 | segment | chunk | chunk | ... | sentinel |
 *
 *             A chunk is a 16-byte header (whose heap, how big, flags) and its
 *             bytes.  A free one is on the list of its size's bin, and repeats
 *             its size in its last word, where its right neighbour finds it;
 *             free neighbours are merged at once, so there never are two.
 * Fit.        Bins of exact size up to 1 KiB, then eight to each power of two.
 *             A request takes from the first filled bin whose every chunk is
 *             big enough: constant time, no search, little waste.
 * Quick.      Splitting and merging is most of the work, and programs free small
 *             blocks only to ask for the same again.  A few of each small size
 *             are kept aside as they are, to be handed out first; their
 *             neighbours take them for used.  They are merged after all before
 *             the heap grows, and when they would keep a heap from shrinking.
 * Large.      From HEAP_LARGE on a block is a segment of its own and goes back
 *             to the system when freed.  Another segment that falls empty goes
 *             back too, except one, so that a task that allocates and frees at
 *             the edge does not map and unmap each time.
 * Mistakes.   A block freed twice, or one whose header was overwritten, shows
 *             in its flags or its owner, and is refused.
 * Rejected.   newlib's own malloc over a per-task sbrk: its state is a set of
 *             global variables, and saving them at each switch would not help
 *             with blocks that one task frees for another.  Also a header of 8
 *             bytes with the heap found by address: it needs heaps in aligned
 *             windows of address space, which only demand paging makes cheap.
 *
 * Context: tasks that may sleep.  Lock: heap->lock, one heap at a time; the
 * page allocator's locks nest inside.
 */
#include <string.h>
#include <kernel/core/mutex.h>
#include <kernel/task/heap.h>
#include <kernel/task/task.h>
#include <lib/bitmap.h>
#include <lib/bitops.h>
#include <lib/err.h>
#include <lib/list.h>
#include <lib/math.h>
#include <mm/page/page.h>
#include <mm/virt/arena.h>
#include <mm/virt/vmalloc.h>

#define HEAP_MAGIC  0x7061656874617374ul
#define HEAP_LARGE  (128ul << 10)
#define HEAP_MAX    (1ul << 46)
#define SEGMENT_MIN (16ul << 10)
#define SEGMENT_MAX (256ul << 10)
#define EXACT_LIMIT 1024ul
#define BINS_DOUBLE 8
#define BINS	    128
#define QUICK_LIMIT 512ul
#define QUICK_SIZES (QUICK_LIMIT / HEAP_ALIGN)
#define QUICK_MAX   8

/* Flags, in the low bits of a chunk's head. */
#define CHUNK_USED	1ul /* allocated */
#define CHUNK_PREV_USED 2ul /* so is the one to the left */
#define CHUNK_FIRST	4ul /* the first of its segment */
#define CHUNK_LARGE	8ul /* a segment of its own */
#define CHUNK_FLAGS	15ul

struct chunk {
	struct heap *heap; /* plus 1 while set aside */
	size_t head;	   /* bytes, header included, and flags */
	/* From here on the user's bytes, while in use. */
	union {
		struct list_head bin;
		struct chunk *next_quick;
	};
};
#define CHUNK_HEADER offsetof(struct chunk, bin)
#define CHUNK_MIN    ALIGN(sizeof(struct chunk) + sizeof(size_t), HEAP_ALIGN)

struct segment {
	struct list_head link; /* under heap->lock */
	size_t bytes;
	struct chunk *large; /* the only chunk, or NULL */
};

struct heap {
	unsigned long magic;
	const char *name;
	struct anon_arena *arena; /* fixed; NULL: segments are vmalloc's */
	struct mutex lock;

	/* Under lock. */
	struct list_head segments;
	struct segment *empty; /* kept in reserve, or NULL */
	size_t next_segment;
	size_t held, used, peak, blocks;
	struct chunk *quick[QUICK_SIZES];
	unsigned char nr_quick[QUICK_SIZES];
	unsigned int nr_aside; /* the sum of those */
	DECLARE_BITMAP(filled, BINS);
	struct list_head bins[BINS];
};

/* -- Chunks -- */

static size_t chunk_size(const struct chunk *c)
{
	return c->head & ~CHUNK_FLAGS;
}

static void *chunk_data(struct chunk *c)
{
	return (char *)c + CHUNK_HEADER;
}

static struct chunk *chunk_of(const void *data)
{
	return (struct chunk *)((char *)data - CHUNK_HEADER);
}

static struct chunk *chunk_next(struct chunk *c)
{
	return (struct chunk *)((char *)c + chunk_size(c));
}

/* Only for a chunk whose left neighbour is free. */
static struct chunk *chunk_prev(struct chunk *c)
{
	return (struct chunk *)((char *)c - ((size_t *)c)[-1]);
}

static void chunk_set_size(struct chunk *c, size_t size)
{
	c->head = size | (c->head & CHUNK_FLAGS);
}

/* The bytes a chunk needs for @size bytes of data. */
static size_t chunk_size_for(size_t size)
{
	return max(ALIGN(size + CHUNK_HEADER, HEAP_ALIGN), CHUNK_MIN);
}

/* -- Bins -- */

/* The bin that a free chunk of @size lies in; the last has no upper end. */
static unsigned int bin_of(size_t size)
{
	unsigned int power, part;

	if (size < EXACT_LIMIT)
		return size / HEAP_ALIGN;
	power = ilog2(size);
	part = (size >> (power - 3)) % BINS_DOUBLE;
	return min(EXACT_LIMIT / HEAP_ALIGN +
			   (power - ilog2(EXACT_LIMIT)) * BINS_DOUBLE + part,
		   BINS - 1ul);
}

/* The first bin in which every chunk is at least @size. */
static unsigned int bin_for(size_t size)
{
	if (size >= EXACT_LIMIT)
		size += (1ul << (ilog2(size) - 3)) - 1;
	return bin_of(size);
}

/* Makes @c free, as the bins and its right neighbour see it. */
static void bin_add(struct heap *heap, struct chunk *c)
{
	size_t size = chunk_size(c);
	unsigned int bin = bin_of(size);

	c->head &= ~CHUNK_USED;
	((size_t *)chunk_next(c))[-1] = size;
	chunk_next(c)->head &= ~CHUNK_PREV_USED;

	list_add(&c->bin, &heap->bins[bin]);
	__set_bit(bin, heap->filled);
}

/* Takes @c out; it is neither free nor used until its flags say so. */
static void bin_del(struct heap *heap, struct chunk *c)
{
	unsigned int bin = bin_of(chunk_size(c));

	list_del(&c->bin);
	if (list_empty(&heap->bins[bin]))
		__clear_bit(bin, heap->filled);
}

static struct chunk *bin_find(struct heap *heap, size_t size)
{
	unsigned int bin = find_next_bit(heap->filled, BINS, bin_for(size));

	if (bin >= BINS)
		return NULL;
	return list_first_entry(&heap->bins[bin], struct chunk, bin);
}

/* -- Segments -- */

/* The end matters where there will be a sentinel. */
static struct segment *segment_map(struct anon_arena *arena, size_t bytes,
				   size_t keep)
{
	unsigned long at =
		arena_map(arena, bytes, ARENA_READ | ARENA_WRITE, keep);

	if (IS_ERR_VALUE(at))
		return NULL;
	if (arena_populate(arena, at, 1) ||
	    (keep == bytes && arena_populate(arena, at + bytes - 1, 1))) {
		arena_unmap(arena, at, bytes);
		return NULL;
	}
	return (struct segment *)at;
}

/* The only way in for memory; NULL when there is none.  The first @keep bytes
 * hold records of ours. */
static struct segment *segment_alloc(struct anon_arena *arena, size_t bytes,
				     size_t keep)
{
	struct segment *seg;

	bytes = ALIGN(bytes, PAGE_SIZE);
	seg = arena ? segment_map(arena, bytes, min(keep, bytes))
		    : vmalloc(bytes);
	if (seg) {
		seg->bytes = bytes;
		seg->large = NULL;
	}
	return seg;
}

/* The only way out. */
static void segment_free(struct anon_arena *arena, struct segment *seg)
{
	if (arena)
		arena_unmap(arena, (unsigned long)seg, seg->bytes);
	else
		vfree(seg);
}

static void segment_link(struct heap *heap, struct segment *seg)
{
	list_add(&seg->link, &heap->segments);
	heap->held += seg->bytes;
	heap->peak = max(heap->peak, heap->held);
}

static void segment_unlink(struct heap *heap, struct segment *seg)
{
	list_del(&seg->link);
	heap->held -= seg->bytes;
}

/* Turns what of @seg lies behind @from into one free chunk and a sentinel. */
static struct chunk *segment_carve(struct heap *heap, struct segment *seg,
				   void *from, size_t flags)
{
	struct chunk *c = from;
	char *end = (char *)seg + seg->bytes - CHUNK_HEADER;

	c->heap = heap;
	c->head = (end - (char *)from) | CHUNK_PREV_USED | flags;
	chunk_next(c)->heap = heap;
	chunk_next(c)->head = CHUNK_USED;
	bin_add(heap, c);
	return c;
}

/* Whether @c fills its segment, which can then go back. */
static bool segment_is_one_chunk(struct chunk *c)
{
	return (c->head & CHUNK_FIRST) && !chunk_size(chunk_next(c));
}

static struct segment *segment_of_first(struct chunk *c)
{
	return (struct segment *)c - 1;
}

static struct chunk *segment_add(struct heap *heap, size_t need)
{
	size_t bytes = need + sizeof(struct segment) + CHUNK_HEADER;
	size_t step = max(bytes, heap->next_segment);
	struct segment *seg = segment_alloc(heap->arena, step, HEAP_MAX);

	/* The big step may be too much where the small one is not. */
	if (!seg && bytes < heap->next_segment)
		seg = segment_alloc(heap->arena, bytes, HEAP_MAX);
	if (!seg)
		return NULL;
	heap->next_segment = min(heap->next_segment * 2, SEGMENT_MAX);
	segment_link(heap, seg);
	return segment_carve(heap, seg, seg + 1, CHUNK_FIRST);
}

/* Its one chunk is free and in its bin. */
static void segment_drop(struct heap *heap, struct segment *seg)
{
	bin_del(heap, (struct chunk *)(seg + 1));
	segment_unlink(heap, seg);
	segment_free(heap->arena, seg);
}

static void segment_fell_empty(struct heap *heap, struct segment *seg)
{
	if (heap->empty)
		segment_drop(heap, seg);
	else
		heap->empty = seg;
}

/* -- Allocation, under the lock -- */

/* @c is in use; give back what it has beyond @size, if that makes a chunk. */
static void chunk_trim(struct heap *heap, struct chunk *c, size_t size)
{
	struct chunk *rest, *after = chunk_next(c);
	size_t excess = chunk_size(c) - size;

	if (excess < CHUNK_MIN)
		return;
	rest = (struct chunk *)((char *)c + size);
	rest->heap = heap;
	rest->head = excess | CHUNK_PREV_USED;
	chunk_set_size(c, size);
	if (!(after->head & CHUNK_USED)) {
		bin_del(heap, after);
		chunk_set_size(rest, excess + chunk_size(after));
	}
	bin_add(heap, rest);
}

/* @c is free, and becomes used with @size bytes or a little more. */
static void chunk_take(struct heap *heap, struct chunk *c, size_t size)
{
	if (heap->empty && segment_is_one_chunk(c) &&
	    segment_of_first(c) == heap->empty)
		heap->empty = NULL;
	bin_del(heap, c);
	c->head |= CHUNK_USED;
	chunk_next(c)->head |= CHUNK_PREV_USED;
	chunk_trim(heap, c, size);
}

static void chunk_release(struct heap *heap, struct chunk *c)
{
	struct chunk *next = chunk_next(c);

	c->head &= ~CHUNK_USED;
	if (!(next->head & CHUNK_USED)) {
		bin_del(heap, next);
		chunk_set_size(c, chunk_size(c) + chunk_size(next));
	}
	if (!(c->head & CHUNK_PREV_USED)) {
		struct chunk *prev = chunk_prev(c);

		bin_del(heap, prev);
		chunk_set_size(prev, chunk_size(prev) + chunk_size(c));
		c = prev;
	}
	bin_add(heap, c);
	if (segment_is_one_chunk(c))
		segment_fell_empty(heap, segment_of_first(c));
}

/* -- Small chunks set aside, under the lock -- */

/* Marks the owner, so that freeing the block again is refused. */
static bool quick_push(struct heap *heap, struct chunk *c)
{
	size_t i = chunk_size(c) / HEAP_ALIGN;

	if (i >= QUICK_SIZES || heap->nr_quick[i] == QUICK_MAX)
		return false;
	c->heap = (void *)heap + 1;
	c->next_quick = heap->quick[i];
	heap->quick[i] = c;
	heap->nr_quick[i]++;
	heap->nr_aside++;
	return true;
}

/* One of exactly @size, or NULL. */
static struct chunk *quick_pop(struct heap *heap, size_t size)
{
	size_t i = size / HEAP_ALIGN;
	struct chunk *c = i < QUICK_SIZES ? heap->quick[i] : NULL;

	if (c) {
		heap->quick[i] = c->next_quick;
		heap->nr_quick[i]--;
		heap->nr_aside--;
		c->heap = heap;
	}
	return c;
}

/* Does it hold so much more than is used that it should give something back? */
static bool heap_is_sparse(const struct heap *heap)
{
	return heap->held > SEGMENT_MAX && heap->used < heap->held / 4;
}

/* Returns whether there were any. */
static bool quick_merge(struct heap *heap)
{
	bool any = heap->nr_aside;

	for (size_t i = 0; i < QUICK_SIZES; i++) {
		struct chunk *c;

		while ((c = quick_pop(heap, i * HEAP_ALIGN)))
			chunk_release(heap, c);
	}
	return any;
}

static void heap_note_used(struct heap *heap, struct chunk *c)
{
	heap->used += chunk_size(c);
	heap->blocks++;
}

/* A block of a size that was freed just now; NULL if there is none. */
static void *quick_alloc(struct heap *heap, size_t size)
{
	struct chunk *c = quick_pop(heap, chunk_size_for(size));

	if (!c)
		return NULL;
	heap_note_used(heap, c);
	return chunk_data(c);
}

static noinline void *small_alloc(struct heap *heap, size_t align, size_t size)
{
	/* Room to give up in front, as a chunk, where alignment asks for it. */
	size_t need = chunk_size_for(size);
	size_t slack = align > HEAP_ALIGN ? align + CHUNK_MIN : 0;
	struct chunk *c = bin_find(heap, need + slack);
	size_t front;

	if (!c && quick_merge(heap))
		c = bin_find(heap, need + slack);
	if (!c)
		c = segment_add(heap, need + slack);
	if (!c)
		return NULL;
	chunk_take(heap, c, need + slack);

	front = -(size_t)chunk_data(c) & (align - 1);
	if (front) {
		struct chunk *left = c;

		while (front < CHUNK_MIN)
			front += align;
		c = (struct chunk *)((char *)left + front);
		c->heap = heap;
		c->head = (chunk_size(left) - front) | CHUNK_USED |
			  CHUNK_PREV_USED;
		chunk_set_size(left, front);
		chunk_release(heap, left);
	}
	chunk_trim(heap, c, need);
	heap_note_used(heap, c);
	return chunk_data(c);
}

/* A segment of its own; the word in front of the chunk finds it again. */
static noinline void *large_alloc(struct heap *heap, size_t align, size_t size)
{
	const size_t front = sizeof(struct segment) + HEAP_ALIGN + CHUNK_HEADER;
	struct segment *seg =
		segment_alloc(heap->arena, front + align + size, front + align);
	struct chunk *c;

	if (!seg)
		return NULL;
	segment_link(heap, seg);
	c = chunk_of((void *)ALIGN((size_t)seg + front, align));
	((struct segment **)c)[-1] = seg;
	seg->large = c;
	c->heap = heap;
	c->head = ((char *)seg + seg->bytes - (char *)c) | CHUNK_USED |
		  CHUNK_LARGE;
	heap_note_used(heap, c);
	return chunk_data(c);
}

static void large_free(struct heap *heap, struct chunk *c)
{
	struct segment *seg = ((struct segment **)c)[-1];

	/* Should the memory outlive this, freeing it again is still caught. */
	c->head &= ~CHUNK_USED;
	segment_unlink(heap, seg);
	segment_free(heap->arena, seg);
}

/* -- The interface -- */

/* A killed task is not ended in between: others may share the heap. */
static void heap_lock(struct heap *heap)
{
	task_enter_kernel();
	mutex_lock(&heap->lock);
}

static void heap_unlock(struct heap *heap)
{
	mutex_unlock(&heap->lock);
	task_leave_kernel();
}

/* The heap lives in its first segment, in front of the chunks. */
static void *home_chunk(struct heap *heap)
{
	return PTR_ALIGN((char *)(heap + 1), HEAP_ALIGN);
}

struct heap *heap_create_in(struct anon_arena *arena, const char *name)
{
	struct segment *seg = segment_alloc(arena, SEGMENT_MIN, HEAP_MAX);
	struct heap *heap;

	if (!seg)
		return NULL;

	heap = (struct heap *)(seg + 1);
	memset(heap, 0, sizeof(*heap));
	heap->magic = HEAP_MAGIC;
	heap->name = name;
	heap->arena = arena;
	mutex_init(&heap->lock);
	INIT_LIST_HEAD(&heap->segments);
	heap->next_segment = SEGMENT_MIN * 2;
	for (unsigned int i = 0; i < BINS; i++)
		INIT_LIST_HEAD(&heap->bins[i]);

	segment_link(heap, seg);
	segment_carve(heap, seg, home_chunk(heap), 0);
	return heap;
}

struct heap *heap_create(const char *name)
{
	return heap_create_in(NULL, name);
}

void heap_abandon(struct heap *heap)
{
	heap->magic = 0;
	mutex_destroy(&heap->lock);
}

void heap_destroy(struct heap *heap)
{
	struct segment *home = (struct segment *)heap - 1, *seg, *next;
	struct anon_arena *arena = heap->arena;

	heap_abandon(heap);
	list_for_each_entry_safe(seg, next, &heap->segments, link) {
		if (seg != home)
			segment_free(arena, seg);
	}
	segment_free(arena, home);
}

void *heap_alloc(struct heap *heap, size_t align, size_t size)
{
	void *p = NULL;

	if (size > HEAP_MAX || align > HEAP_MAX)
		return NULL;
	align = max(align, (size_t)HEAP_ALIGN);
	heap_lock(heap);
	if (align == HEAP_ALIGN)
		p = quick_alloc(heap, size);
	if (!p)
		p = size + align < HEAP_LARGE ? small_alloc(heap, align, size)
					      : large_alloc(heap, align, size);
	heap_unlock(heap);
	return p;
}

/* The chunk of a block, or NULL if @p cannot be one.  The owner is only looked
 * at if it can be an address of the kernel. */
static struct chunk *chunk_of_block(const void *p)
{
	struct chunk *c = chunk_of(p);

	if (!IS_ALIGNED((size_t)p, (size_t)HEAP_ALIGN) ||
	    !(c->head & CHUNK_USED) || chunk_size(c) < CHUNK_MIN ||
	    chunk_size(c) > 2 * HEAP_MAX ||
	    !IS_ALIGNED((size_t)c->heap, sizeof(void *)) ||
	    (long)c->heap >> 47 != -1 || c->heap->magic != HEAP_MAGIC)
		return NULL;
	return c;
}

bool heap_free(void *p)
{
	struct chunk *c;
	struct heap *heap;

	if (!p)
		return true;
	c = chunk_of_block(p);
	if (!c)
		return false;
	heap = c->heap;
	heap_lock(heap);
	heap->used -= chunk_size(c);
	heap->blocks--;
	if (c->head & CHUNK_LARGE)
		large_free(heap, c);
	else if (heap_is_sparse(heap) || !quick_push(heap, c))
		chunk_release(heap, c);
	if (heap->nr_aside && heap_is_sparse(heap))
		quick_merge(heap);
	heap_unlock(heap);
	return true;
}

size_t heap_usable_size(const void *p)
{
	const struct chunk *c = p ? chunk_of_block(p) : NULL;

	return c ? chunk_size(c) - CHUNK_HEADER : 0;
}

/* Under the lock.  Grows into a free right neighbour, or shrinks. */
static bool chunk_resize(struct heap *heap, struct chunk *c, size_t need)
{
	size_t before = chunk_size(c);
	struct chunk *next = chunk_next(c);

	if (before < need) {
		if ((next->head & CHUNK_USED) ||
		    before + chunk_size(next) < need)
			return false;
		bin_del(heap, next);
		chunk_set_size(c, before + chunk_size(next));
		chunk_next(c)->head |= CHUNK_PREV_USED;
	}
	chunk_trim(heap, c, need);
	heap->used += chunk_size(c) - before;
	return true;
}

void *heap_realloc(struct heap *heap, void *p, size_t size)
{
	struct chunk *c = p ? chunk_of_block(p) : NULL;
	size_t usable;
	void *moved;

	if (!c)
		return p ? NULL : heap_alloc(heap, HEAP_ALIGN, size);
	if (size > HEAP_MAX)
		return NULL;
	usable = heap_usable_size(p);

	if (c->head & CHUNK_LARGE) {
		/* As it is, unless much of it would lie idle. */
		if (size <= usable && size >= usable / 2)
			return p;
	} else {
		bool fits;

		heap_lock(c->heap);
		fits = chunk_resize(c->heap, c, chunk_size_for(size));
		heap_unlock(c->heap);
		if (fits)
			return p;
	}
	moved = heap_alloc(heap, HEAP_ALIGN, size);
	if (!moved)
		return size <= usable ? p : NULL;
	memcpy(moved, p, min(size, usable));
	heap_free(p);
	return moved;
}

bool heap_trim(struct heap *heap)
{
	struct segment *seg;

	heap_lock(heap);
	quick_merge(heap);
	seg = heap->empty;
	heap->empty = NULL;
	if (seg)
		segment_drop(heap, seg);
	heap_unlock(heap);
	return seg;
}

void heap_get_stats(struct heap *heap, struct heap_stats *stats)
{
	heap_lock(heap);
	stats->held = heap->held;
	stats->used = heap->used;
	stats->peak = heap->peak;
	stats->blocks = heap->blocks;
	heap_unlock(heap);
}

/* -- The validator -- */

struct census {
	size_t held, used, blocks, free_chunks, quick_chunks;
};

/* Walks the chunks from @c to the sentinel. */
static const char *check_chunks(struct heap *heap, struct segment *seg,
				struct chunk *c, struct census *n)
{
	char *end = (char *)seg + seg->bytes - CHUNK_HEADER;
	size_t prev_used = CHUNK_PREV_USED;

	for (; (char *)c < end; c = chunk_next(c)) {
		bool quick = c->heap == (void *)heap + 1;

		if (c->heap != heap && !quick)
			return "chunk of another heap";
		if (chunk_size(c) < CHUNK_MIN || (char *)chunk_next(c) > end)
			return "chunk with a bad size";
		if ((c->head & CHUNK_PREV_USED) != prev_used)
			return "chunk wrong about its left neighbour";
		if (c->head & CHUNK_USED) {
			n->used += quick ? 0 : chunk_size(c);
			n->blocks += !quick;
			n->quick_chunks += quick;
			prev_used = CHUNK_PREV_USED;
		} else {
			if (!prev_used)
				return "two free chunks side by side";
			if (chunk_prev(chunk_next(c)) != c)
				return "free chunk with a bad footer";
			n->free_chunks++;
			prev_used = 0;
		}
	}
	if ((char *)c != end || chunk_size(c) || !(c->head & CHUNK_USED))
		return "no sentinel at the segment's end";
	return NULL;
}

static const char *check_segments(struct heap *heap, struct census *n)
{
	struct segment *home = (struct segment *)heap - 1, *seg;
	const char *wrong;

	list_for_each_entry(seg, &heap->segments, link) {
		struct chunk *first = (struct chunk *)(seg + 1);

		n->held += seg->bytes;
		if (seg->large) {
			n->used += chunk_size(seg->large);
			n->blocks++;
			continue;
		}
		if (seg == home)
			first = home_chunk(heap);
		wrong = check_chunks(heap, seg, first, n);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *check_bins(struct heap *heap, struct census *n)
{
	struct chunk *c;

	for (unsigned int i = 0; i < BINS; i++) {
		if (test_bit(i, heap->filled) == list_empty(&heap->bins[i]))
			return "bitmap of filled bins is wrong";
		list_for_each_entry(c, &heap->bins[i], bin) {
			if ((c->head & CHUNK_USED) ||
			    bin_of(chunk_size(c)) != i)
				return "chunk in the wrong bin";
			n->free_chunks--;
		}
	}
	return n->free_chunks ? "free chunk in no bin" : NULL;
}

static const char *check_quick(struct heap *heap, struct census *n)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < QUICK_SIZES; i++) {
		unsigned int count = 0;

		for (struct chunk *c = heap->quick[i]; c; c = c->next_quick) {
			if (count++ == QUICK_MAX ||
			    chunk_size(c) != i * HEAP_ALIGN)
				return "list of chunks set aside is broken";
		}
		if (count != heap->nr_quick[i])
			return "chunks set aside are miscounted";
		n->quick_chunks -= count;
		sum += count;
	}
	if (sum != heap->nr_aside)
		return "sum of chunks set aside is wrong";
	return n->quick_chunks ? "chunk set aside, on no list" : NULL;
}

const char *heap_check(struct heap *heap)
{
	struct census n = {0};
	const char *wrong;

	heap_lock(heap);
	wrong = check_segments(heap, &n);
	if (!wrong)
		wrong = check_bins(heap, &n);
	if (!wrong)
		wrong = check_quick(heap, &n);
	if (!wrong && (n.held != heap->held || n.used != heap->used ||
		       n.blocks != heap->blocks))
		wrong = "counts do not add up";
	heap_unlock(heap);
	return wrong;
}
