/* SPDX-License-Identifier: MIT */
/*
 * reent.c - newlib's state, one for each task.
 *
 * Problem.    newlib keeps errno, the standard streams, strtok()'s place and
 *             the like in a struct _reent of 1.9 KB, and asks for the current
 *             one at every use.  Most kernel threads never need one.
 * Idea.       It is made at the first request, in the task's own heap, and goes
 *             with that.
 * Atomic      Kernel code may call strtoul() and others that set errno where
 * context.    nothing can be allocated.  It gets the one that newlib brings, as
 *             all such callers do: what they leave in its errno is lost, and
 *             nothing else of it is used there.  So does a task for which
 *             there was no memory; apps are not started without theirs
 *             (task_reent_prepare()).
 *
 * Context: any.
 */
#include <reent.h>
#include <string.h>
#include <kernel/core/preempt.h>
#include <kernel/core/sched.h>
#include <kernel/task/heap.h>
#include <kernel/task/newlib.h>
#include <mm/virt/arena.h>
#include <arch/irqflags.h>

/* newlib's; its header is private. */
void __call_exitprocs(int code, void *dso);

static struct _reent *reent_create(void)
{
	struct heap *heap = task_heap();
	struct _reent *r;

	r = heap ? heap_alloc(heap, HEAP_ALIGN, sizeof(*r)) : NULL;
	if (r)
		_REENT_INIT_PTR(r);
	return r;
}

bool task_reent_prepare(void)
{
	if (!current->reent)
		current->reent = reent_create();
	return current->reent;
}

struct _reent *__getreent(void)
{
	struct _reent *r = current->reent;

	if (likely(r && !in_interrupt()))
		return r;
	if (in_atomic() || irqs_disabled() || !task_reent_prepare())
		return _impure_ptr;
	return current->reent;
}

/* -- The end of a task -- */

static void (*release_files)(struct task *t);

void task_set_files_hook(void (*release)(struct task *t))
{
	release_files = release;
}

void task_newlib_abort(void)
{
	struct _reent *r = current->reent;

	if (r) {
		r->_atexit = NULL;
		r->__cleanup = NULL;
	}
}

/* What exit() does before _exit(); twice does no harm. */
static void run_exit_handlers(struct _reent *r, int code)
{
	__call_exitprocs(code, NULL);
	if (r->__cleanup)
		r->__cleanup(r);
	r->__cleanup = NULL;
}

/* What lies in the arena goes with it. */
static void task_memory_end(struct task *t)
{
	struct anon_arena *arena = t->arena;
	struct heap *heap = t->heap;

	t->reent = NULL;
	t->heap = NULL;
	t->arena = NULL;
	if (heap && arena)
		heap_abandon(heap);
	else if (heap)
		heap_destroy(heap);
	if (arena)
		arena_destroy(arena);
}

void task_newlib_exit(struct task *t, int code)
{
	if (t == current) {
		if (t->reent && !READ_ONCE(t->kill_pending))
			run_exit_handlers(t->reent, code);
		newlib_locks_release(t);
	}
	if (t->files && release_files)
		release_files(t);
	task_memory_end(t);
}
