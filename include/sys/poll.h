/* SPDX-License-Identifier: MIT */
/*
 * sys/poll.h - wait until one of several files has something to tell.
 *
 * newlib leaves this to the system altogether.
 */
#pragma once

/* What is asked for, and what the answer may be. */
#define POLLIN	0x01 /* reading does not wait */
#define POLLPRI 0x02 /* a control file has changed since it was read */
#define POLLOUT 0x04 /* writing does not wait */

/* Answers only. */
#define POLLERR	 0x08 /* with POLLPRI */
#define POLLHUP	 0x10 /* what was opened is no more */
#define POLLNVAL 0x20 /* not open */

typedef unsigned int nfds_t;

struct pollfd {
	int fd; /* below 0: passed over */
	short events;
	short revents;
};

/*
 * How many of @fds have an answer; 0 when @timeout milliseconds have passed
 * (below 0: no limit), -1 and errno EINVAL for too many.  A file that knows
 * nothing of waiting is ready.
 */
int poll(struct pollfd *fds, nfds_t nr, int timeout);
