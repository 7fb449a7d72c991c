/* SPDX-License-Identifier: MIT */
/* tty_impl.h - the terminal's two directions, to each other. */
#pragma once
#include <drivers/tty.h>
#include <drivers/uart.h>

/* tty_input.c: what the serial line calls. */
extern const struct uart_client tty_uart_client;

/* tty.c: there is room for output again.  Any context but NMI. */
void tty_output_room(void);

/* tty_input.c: does something run in front?  Read freely. */
bool tty_has_foreground(void);
