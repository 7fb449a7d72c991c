/* SPDX-License-Identifier: MIT */
/*
 * completion.h - wait for another to be done.
 *
 * complete() before the wait is not lost: it is counted.  The waiter may free
 * the completion as soon as its wait returns.
 */
#pragma once
#include <kernel/core/wait.h>

struct completion {
	/* Both under wait.lock; complete_all() leaves COMPLETION_ALL. */
	unsigned int done;
	struct wait_queue_head wait;
};

#define COMPLETION_ALL U32_MAX

#define COMPLETION_INITIALIZER(name)                                           \
	{                                                                      \
		.done = 0, .wait = __WAIT_QUEUE_HEAD_INIT((name).wait),        \
	}
#define DECLARE_COMPLETION(name)                                               \
	struct completion name = COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

#define init_completion(c)                                                     \
	do {                                                                   \
		(c)->done = 0;                                                 \
		init_waitqueue_head(&(c)->wait);                               \
	} while (0)

/* Use it again: nobody waits, and nobody is about to complete it. */
static inline void reinit_completion(struct completion *c)
{
	c->done = 0;
}

/* Lets one waiter go, or all of them and all that come later.  Any context but
 * NMI. */
void complete(struct completion *c);
void complete_all(struct completion *c);

void wait_for_completion(struct completion *c);

/* What is left of @ns, at least 1; 0 when they passed first. */
s64 wait_for_completion_timeout(struct completion *c, s64 ns);

/* 0, or -EINTR when the task was killed while it waited; nothing else
 * interrupts it. */
int wait_for_completion_killable(struct completion *c);
#define wait_for_completion_interruptible(c) wait_for_completion_killable(c)

/* Both: what is left, 0, or -EINTR. */
s64 wait_for_completion_killable_timeout(struct completion *c, s64 ns);
#define wait_for_completion_interruptible_timeout(c, ns)                       \
	wait_for_completion_killable_timeout(c, ns)

/* Whether it was complete; takes it if so. */
bool try_wait_for_completion(struct completion *c);

/* Whether a wait would return at once.  A snapshot. */
bool completion_done(struct completion *c);
