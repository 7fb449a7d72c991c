/* SPDX-License-Identifier: MIT */
/*
 * early_console.c - polled COM1.
 *
 * The first and the last thing that can still speak: nothing here waits for
 * an interrupt or takes a lock.  A machine without the port costs a bounded
 * wait for each character, not a hang.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/io.h>
#include <string.h>

#define COM1	       0x3f8
#define UART_DATA      (COM1 + 0)
#define UART_IER       (COM1 + 1)
#define UART_FCR       (COM1 + 2)
#define UART_LCR       (COM1 + 3)
#define UART_MCR       (COM1 + 4)
#define UART_LSR       (COM1 + 5)
#define LSR_THR_EMPTY  0x20
#define MAX_WAIT_LOOPS 100000

void early_console_init(void)
{
	outb(0x00, UART_IER);
	outb(0x80, UART_LCR); /* divisor 1: 115200 baud */
	outb(0x01, UART_DATA);
	outb(0x00, UART_IER);
	outb(0x03, UART_LCR); /* 8 bits, no parity, one stop bit */
	outb(0x07, UART_FCR);
	outb(0x0b, UART_MCR);
}

static void put_char(char c)
{
	for (int i = 0; i < MAX_WAIT_LOOPS; i++) {
		if (inb(UART_LSR) & LSR_THR_EMPTY)
			break;
		cpu_relax();
	}
	outb(c, UART_DATA);
}

void early_console_write(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			put_char('\r');
		put_char(text[i]);
	}
}

void early_puts(const char *text)
{
	early_console_write(text, strlen(text));
}

void early_die(const char *why)
{
	early_puts("Tally cannot boot: ");
	early_puts(why);
	early_puts(".\n");
	for (;;)
		asm volatile("cli; hlt");
}
