/* SPDX-License-Identifier: MIT */
/*
 * poll.c - poll().
 *
 * The caller stands in the queue of every file at once.  Whoever wakes it need
 * not say why: it asks all of them again.
 *
 * Context: tasks.
 */
#include <errno.h>
#include <sys/poll.h>
#include <fs/files.h>
#include <kernel/core/clock.h>
#include <kernel/core/wait.h>
#include <lib/err.h>
#include "syscall_impl.h"

#define ALWAYS (POLLERR | POLLHUP | POLLNVAL)

/* What is polled: a file each, or an error. */
struct polled {
	struct file *file[FILES_MAX];
	struct wait_queue_head *queue[FILES_MAX];
	struct wait_queue_entry entry[FILES_MAX];
};

static void polled_get(struct polled *p, const struct pollfd *fds, nfds_t nr)
{
	for (nfds_t i = 0; i < nr; i++) {
		struct file *f = NULL;

		if (fds[i].fd >= 0)
			f = files_get(fds[i].fd);
		p->file[i] = f;
		p->queue[i] = NULL;
		if (!IS_ERR_OR_NULL(f) && f->ops->poll_queue)
			p->queue[i] = f->ops->poll_queue(f);
		p->entry[i] = (struct wait_queue_entry){
			.task = current,
			.func = default_wake_function,
		};
		if (p->queue[i])
			add_wait_queue(p->queue[i], &p->entry[i]);
	}
}

static void polled_put(struct polled *p, nfds_t nr)
{
	for (nfds_t i = 0; i < nr; i++) {
		if (p->queue[i])
			remove_wait_queue(p->queue[i], &p->entry[i]);
		if (!IS_ERR_OR_NULL(p->file[i]))
			file_put(p->file[i]);
	}
}

static short answer(struct file *f)
{
	if (!f)
		return 0;
	if (IS_ERR(f))
		return POLLNVAL;
	return f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT;
}

/* How many have one. */
static int ask_all(struct polled *p, struct pollfd *fds, nfds_t nr)
{
	int ready = 0;

	for (nfds_t i = 0; i < nr; i++) {
		fds[i].revents = answer(p->file[i]) & (fds[i].events | ALWAYS);
		ready += fds[i].revents != 0;
	}
	return ready;
}

static int poll_polled(struct polled *p, struct pollfd *fds, nfds_t nr,
		       s64 left)
{
	int ready;

	for (;;) {
		/* The state, then the questions: a waker changes the answer
		 * first, and wakes us then. */
		set_current_state(TASK_KILLABLE);
		ready = ask_all(p, fds, nr);
		if (!ready && kill_pending())
			ready = -EINTR;
		if (ready || !left)
			break;
		left = schedule_timeout(left);
	}
	__set_current_state(TASK_RUNNING);
	return ready;
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	struct polled polled;
	int ready;

	syscall_enter();
	if (nr > FILES_MAX)
		return syscall_return(_REENT, -EINVAL);
	ready = syscall_may_write(fds, nr * sizeof(*fds));
	if (ready)
		return syscall_return(_REENT, ready);
	polled_get(&polled, fds, nr);
	ready = poll_polled(&polled, fds, nr,
			    timeout < 0 ? MAX_SCHEDULE_TIMEOUT
					: timeout * (s64)NSEC_PER_MSEC);
	polled_put(&polled, nr);
	return syscall_return(_REENT, ready);
}
