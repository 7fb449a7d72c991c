/* SPDX-License-Identifier: MIT */
/*
 * uart.h - COM1, the line that people sit at.
 *
 * A machine may have none: then writing does nothing and nothing comes in.
 */
#pragma once
#include <lib/types.h>

/* Who uses the line.  Called from the line's interrupt. */
struct uart_client {
	/* How many bytes receive() could take now. */
	size_t (*room)(void);
	void (*receive)(const u8 *bytes, size_t nr);

	/* There is room to send again. */
	void (*sent)(void);
};

/*
 * Find the port and let it interrupt.  0, -ENODEV if there is no port, -ENOSPC
 * or -EINVAL if it cannot interrupt: it is then written to only.  A task, once.
 */
int uart_init(const struct uart_client *client);

/*
 * Send what there is room for in the queue, and return how much that is.  Any
 * context but NMI.  A newline is sent as CR LF.
 */
size_t uart_queue(const char *text, size_t len);

/* How much uart_queue() would surely take. */
size_t uart_queue_room(void);

/*
 * Send behind what is queued, and wait until the port has it, but never long.
 * Any context, NMI and panic included; whoever holds the port is then waited
 * for no longer than is healthy.
 */
void uart_write_polled(const char *text, size_t len);

/* The client has room again: let the line go on if it had to stop. */
void uart_resume_input(void);
