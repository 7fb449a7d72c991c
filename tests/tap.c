/* SPDX-License-Identifier: MIT */
/*
 * tap.c - the report: TAP 14 on COM2, record by record, each under a seal.
 *
 * Problem.    What a test prints must not count as a result, and a lost or
 *             foreign line must not go unnoticed.
 * Idea.       A record is one or more whole TAP lines, written in one piece.
 *             Its last line is a comment, `# seal SEQUENCE TAG', and the tag is
 *             a keyed hash of all of the record before it.  The runner knows
 *             the key; bytes under no seal, and a sequence with a hole, fail
 *             the run.  To any other reader of TAP the seals are comments.
 * Context.    One record at a time, under a lock of its own with interrupts
 *             off; tap_bail_out() comes from anywhere, also an NMI, and does
 *             not wait.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <string.h>
#include "framework_impl.h"

#define COM2	       0x2f8
#define UART_DATA      (COM2 + 0)
#define UART_IER       (COM2 + 1)
#define UART_FCR       (COM2 + 2)
#define UART_LCR       (COM2 + 3)
#define UART_MCR       (COM2 + 4)
#define UART_LSR       (COM2 + 5)
#define LSR_THR_EMPTY  0x20
#define NO_UART	       0xff
#define MAX_WAIT_LOOPS 100000
#define MAX_RECORD     16384

static struct seal_key key;
static u64 sequence;
static bool is_open;

/* Under the lock: its holder's CPU has interrupts off. */
static volatile char locked;
static unsigned long saved_flags;
static struct text record;
static char buffer[MAX_RECORD + 64];

static void uart_init(void)
{
	outb(0x00, UART_IER);
	outb(0x80, UART_LCR); /* divisor 1: 115200 baud */
	outb(0x01, UART_DATA);
	outb(0x00, UART_IER);
	outb(0x03, UART_LCR); /* 8 bits, no parity, one stop bit */
	outb(0x07, UART_FCR);
	outb(0x03, UART_MCR);
}

static void uart_write(const char *text, size_t len)
{
	for (; len; len--) {
		for (int i = 0; i < MAX_WAIT_LOOPS; i++) {
			if (inb(UART_LSR) & LSR_THR_EMPTY)
				break;
			cpu_relax();
		}
		outb(*text++, UART_DATA);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool tap_open(const char *nonce)
{
	struct seal_key k = {};

	for (int i = 0; i < 2 * SEAL_KEY_BYTES; i++) {
		int digit = hex_digit(nonce[i]);

		if (digit < 0)
			return false;
		k.half[i / 16] = k.half[i / 16] << 4 | digit;
	}
	if (nonce[2 * SEAL_KEY_BYTES] || inb(UART_LSR) == NO_UART)
		return false;
	key = k;
	sequence = 0;
	uart_init();
	is_open = true;
	return true;
}

bool tap_is_open(void)
{
	return is_open;
}

static void record_start(void)
{
	text_init(&record, buffer, MAX_RECORD);
}

static void record_send(void)
{
	/* A record that did not fit still ends its line. */
	if (record.len == MAX_RECORD - 1)
		buffer[record.len - 1] = '\n';
	record.size = sizeof(buffer);
	text_add(&record, "# seal %llu ", ++sequence);
	text_add(&record, "%016llx\n", seal_compute(&key, buffer, record.len));
	uart_write(buffer, record.len);
}

struct text *tap_begin(void)
{
	unsigned long flags = arch_local_irq_save();

	while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE)) {
		arch_local_irq_restore(flags);
		cpu_relax();
		flags = arch_local_irq_save();
	}
	saved_flags = flags;
	record_start();
	return &record;
}

void tap_end(void)
{
	unsigned long flags = saved_flags;

	if (is_open)
		record_send();
	__atomic_clear(&locked, __ATOMIC_RELEASE);
	arch_local_irq_restore(flags);
}

void tap_bail_out(const char *why)
{
	if (!is_open)
		return;
	/* A half-sent record stays unsealed; start on a line of our own. */
	uart_write("\n", 1);
	record_start();
	text_add(&record, "Bail out! %s\n", why);
	record_send();
	is_open = false;
}
