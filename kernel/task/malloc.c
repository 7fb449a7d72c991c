/* SPDX-License-Identifier: MIT */
/*
 * malloc.c - newlib's allocator calls, over the heap of the calling task.
 *
 * These take the place of newlib's own: it calls them for streams, for big
 * numbers, for its plain malloc() and free().  The reent argument says where
 * errno is; whose heap it is depends on the caller alone, so a task that was
 * handed another's reent does not hand it memory.
 *
 * A heap is made with a task's first block.  What a task allocates ends with
 * it (task_newlib_exit()): whoever needs a block longer has to outlive its
 * maker, or own the block.
 *
 * A block that is freed twice, or overrun, ends the task with SIGABRT's exit
 * code: its data can no longer be trusted, the kernel's can.
 *
 * Context: tasks that may sleep.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <kernel/task/heap.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/virt/arena.h>
#include <arch/layout.h>

struct heap *task_heap(void)
{
	struct task *t = current;

	if (!t->heap && (t->flags & PF_KTHREAD))
		t->heap = heap_create(t->comm);
	else if (!t->heap && task_arena())
		t->heap = heap_create_in(task_arena(), t->comm);
	return t->heap;
}

static void *allocate(struct _reent *r, size_t align, size_t size)
{
	struct heap *heap = task_heap();
	void *p = heap ? heap_alloc(heap, align, size) : NULL;

	if (!p)
		r->_errno = ENOMEM;
	return p;
}

static void __cold __noreturn bad_block(const char *what, void *p)
{
	pr_err("%s: %s(%p): freed before, or overwritten in front\n",
	       current->comm, what, p);
	task_end(kill_pending() ? TASK_KILLED : 128 + SIGABRT);
}

void *_malloc_r(struct _reent *r, size_t size)
{
	return allocate(r, HEAP_ALIGN, size);
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
	if (!is_power_of_2(align)) {
		r->_errno = EINVAL;
		return NULL;
	}
	return allocate(r, align, size);
}

void *_calloc_r(struct _reent *r, size_t count, size_t size)
{
	size_t bytes;
	void *p;

	if (check_mul_overflow(count, size, &bytes)) {
		r->_errno = ENOMEM;
		return NULL;
	}
	p = allocate(r, HEAP_ALIGN, bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

void *_realloc_r(struct _reent *r, void *p, size_t size)
{
	struct heap *heap;
	void *moved;

	if (!p)
		return _malloc_r(r, size);
	if (!heap_usable_size(p))
		bad_block("realloc", p);
	heap = task_heap();
	moved = heap ? heap_realloc(heap, p, size) : NULL;
	if (!moved)
		r->_errno = ENOMEM;
	return moved;
}

void _free_r(struct _reent *r, void *p)
{
	if (!heap_free(p))
		bad_block("free", p);
}

size_t _malloc_usable_size_r(struct _reent *r, void *p)
{
	return heap_usable_size(p);
}

void *_valloc_r(struct _reent *r, size_t size)
{
	return allocate(r, PAGE_SIZE, size);
}

void *_pvalloc_r(struct _reent *r, size_t size)
{
	return allocate(r, PAGE_SIZE, ALIGN(size, PAGE_SIZE));
}

int posix_memalign(void **result, size_t align, size_t size)
{
	void *p;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	p = _memalign_r(_REENT, align, size);
	if (!p)
		return ENOMEM;
	*result = p;
	return 0;
}

struct mallinfo _mallinfo_r(struct _reent *r)
{
	struct mallinfo info = {0};
	struct heap_stats stats = {0};

	if (current->heap)
		heap_get_stats(current->heap, &stats);
	info.arena = stats.held;
	info.uordblks = stats.used;
	info.fordblks = stats.held - stats.used;
	info.usmblks = stats.peak;
	return info;
}

/* Returns 1 when memory was given back. */
int _malloc_trim_r(struct _reent *r, size_t pad)
{
	return current->heap && heap_trim(current->heap);
}

/* There is nothing to tune. */
int _mallopt_r(struct _reent *r, int parameter, int value)
{
	return 0;
}
