/* SPDX-License-Identifier: MIT */
/*
 * newlib_locks.c - newlib's locks are mutexes that know depth.
 *
 * newlib asks for plain and for recursive locks, and names nine of its own.
 * All are one structure here: a mutex, and how often its owner took it.  A
 * plain one that its owner takes again is a bug in the caller; rather than let
 * a task wait for itself, it is treated as the recursive ones are.
 *
 * Streams.    Each open stream has a lock, allocated from the heap of the task
 *             that opened it, as the stream is.  Without memory it shares one.
 * Handlers.   newlib calls exit handlers with its atexit lock held.  The list
 *             that it guards belongs to the calling task (newlib.h), so there
 *             is nothing to guard, and a handler that sleeps must not keep all
 *             others from exiting: that lock does nothing.
 * Early.      Before there is a second task a mutex is never contended, so all
 *             this works as soon as there is a `current'.
 * Killed.     A task that ends inside newlib may hold locks of newlib's own;
 *             it drops them on its way out.  What they guard is kept whole by
 *             newlib up to its system calls, and those are where tasks die: a
 *             fault with one held does not end a task (task_enter_kernel()).
 *
 * Context: tasks that may sleep.
 */
#include <sys/lock.h>
#include <kernel/core/mutex.h>
#include <kernel/core/sched.h>
#include <kernel/task/heap.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <kernel/core/panic.h>

struct __lock {
	struct mutex mutex;

	/* By the owner only; others may compare owner with themselves. */
	struct task *owner;
	unsigned int depth;

	/* Fixed: guards only what is the calling task's. */
	bool private;
};

#define NEWLIB_LOCK(name)                                                      \
	struct __lock __lock_##name = {                                        \
		.mutex = __MUTEX_INITIALIZER(__lock_##name.mutex),             \
	}

NEWLIB_LOCK(__sinit_recursive_mutex);
NEWLIB_LOCK(__sfp_recursive_mutex);
NEWLIB_LOCK(__malloc_recursive_mutex);
NEWLIB_LOCK(__env_recursive_mutex);
NEWLIB_LOCK(__at_quick_exit_mutex);
NEWLIB_LOCK(__tz_mutex);
NEWLIB_LOCK(__dd_hash_mutex);
NEWLIB_LOCK(__arc4random_mutex);
struct __lock __lock___atexit_recursive_mutex = {.private = true};

/* For streams that could not have their own. */
static NEWLIB_LOCK(shared_by_streams);

static struct __lock *const global_locks[] = {
	&__lock___sinit_recursive_mutex,  &__lock___sfp_recursive_mutex,
	&__lock___malloc_recursive_mutex, &__lock___env_recursive_mutex,
	&__lock___at_quick_exit_mutex,	  &__lock___tz_mutex,
	&__lock___dd_hash_mutex,	  &__lock___arc4random_mutex,
	&__lock_shared_by_streams,
};

void __retarget_lock_init_recursive(_LOCK_T *result)
{
	struct heap *heap = task_heap();
	struct __lock *lock;

	lock = heap ? heap_alloc(heap, HEAP_ALIGN, sizeof(*lock)) : NULL;
	if (lock) {
		mutex_init(&lock->mutex);
		lock->owner = NULL;
		lock->depth = 0;
		lock->private = false;
	}
	*result = lock ? lock : &__lock_shared_by_streams;
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	if (lock == &__lock_shared_by_streams)
		return;
	mutex_destroy(&lock->mutex);
	heap_free(lock);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	if (lock->private)
		return;
	task_enter_kernel();
	if (READ_ONCE(lock->owner) != current) {
		/* newlib flushes one stream with another one's lock held.  All
		 * are the task's own, so that cannot wait; and who does not
		 * wait needs no order. */
		if (!mutex_trylock(&lock->mutex))
			mutex_lock(&lock->mutex);
		WRITE_ONCE(lock->owner, current);
	}
	lock->depth++;
}

/* 0 when it was taken. */
int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	if (lock->private)
		return 0;
	if (READ_ONCE(lock->owner) != current) {
		if (!mutex_trylock(&lock->mutex))
			return -1;
		WRITE_ONCE(lock->owner, current);
	}
	task_enter_kernel();
	lock->depth++;
	return 0;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	if (lock->private)
		return;
	BUG_ON(lock->owner != current || !lock->depth);
	if (!--lock->depth) {
		WRITE_ONCE(lock->owner, NULL);
		mutex_unlock(&lock->mutex);
	}
	task_leave_kernel();
}

void __retarget_lock_init(_LOCK_T *lock)
{
	__retarget_lock_init_recursive(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
	__retarget_lock_close_recursive(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
	__retarget_lock_acquire_recursive(lock);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
	return __retarget_lock_try_acquire_recursive(lock);
}

void __retarget_lock_release(_LOCK_T lock)
{
	__retarget_lock_release_recursive(lock);
}

void newlib_locks_release(struct task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(global_locks); i++) {
		struct __lock *lock = global_locks[i];

		if (READ_ONCE(lock->owner) != t)
			continue;
		lock->depth = 1;
		__retarget_lock_release_recursive(lock);
	}
}
