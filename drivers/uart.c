/* SPDX-License-Identifier: MIT */
/*
 * uart.c - a 16550 at COM1, by interrupt both ways.
 *
 * Out.        A queue in memory is emptied by the transmitter's interrupt, a
 *             FIFO of 16 bytes at a time, so that a task that prints sleeps
 *             instead of counting bits.  The log cannot sleep: it writes by
 *             polling, behind the queue.
 * In.         The interrupt hands over what the FIFO holds, as long as the
 *             client has room.  When it has none the receiver's interrupt and
 *             RTS go off: the bytes stay where they are, the other end stops
 *             when its FIFO is full, and a long paste waits instead of being
 *             cut.  uart_resume_input() turns both on again.
 * Interrupt.  ISA interrupts are edges: the handler must look until the port
 *             wants nothing more, or there will never be another edge.
 * Bounded.    A port whose other end does not listen takes no more bytes.  The
 *             first one to notice waits WAIT_LOOPS, the others not at all until
 *             it moves again; the log then goes to the queue while that has
 *             room.
 * Patience.   Whoever holds the port may be a virtual CPU that is not running,
 *             so the log waits for it long, up to LOCK_NS; but not at all when
 *             it has interrupted the holder, or in a panic.
 *
 * Locks: port_lock, interrupts off, a raw one since printk comes here.  The
 * log waits for it a bounded time and then does without.
 */
#define pr_fmt(fmt) "uart: " fmt
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/smp.h>
#include <drivers/ioapic.h>
#include <drivers/uart.h>
#include <errno.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/spinlock.h>
#include <lib/barrier.h>
#include <lib/math.h>
#include <lib/ring.h>

#define COM1	 0x3f8
#define COM1_IRQ 4

#define REG_DATA    (COM1 + 0)
#define REG_IER	    (COM1 + 1)
#define REG_IIR	    (COM1 + 2) /* reading */
#define REG_FCR	    (COM1 + 2) /* writing */
#define REG_MCR	    (COM1 + 4)
#define REG_LSR	    (COM1 + 5)
#define REG_SCRATCH (COM1 + 7)

#define IER_RECEIVE  0x01
#define IER_TRANSMIT 0x02

#define IIR_NOTHING 0x01
#define IIR_FIFO    0xc0

#define FCR_ENABLE    0x01
#define FCR_TRIGGER_8 0x80

#define MCR_DTR	 0x01
#define MCR_RTS	 0x02
#define MCR_OUT2 0x08 /* the interrupt's gate */

#define LSR_DATA      0x01
#define LSR_THR_EMPTY 0x20

#define FIFO_BYTES 16

#define WAIT_LOOPS	 100000	    /* for a byte to leave */
#define LOCK_NS		 1000000000 /* for the port to be let go */
#define MAX_BYTES_LOCKED 64	    /* sent in one go, interrupts off */
#define MAX_ROUNDS	 1024	    /* of one interrupt: then the port is mad */

static bool present;
static const struct uart_client *client; /* NULL: no interrupts */

static DEFINE_RAW_SPINLOCK(port_lock);

/* Under port_lock. */
DEFINE_RING(queue, 4096);
static u8 ier;
static unsigned int fifo_bytes = 1;

/* By whoever writes; a hint. */
static bool stuck;

/* -- Sending: port_lock held ------------------------------------------------- */

static void set_ier(u8 value)
{
	if (ier == value)
		return;
	WRITE_ONCE(ier, value);
	outb(ier, REG_IER);
}

static bool transmitter_empty(void)
{
	return inb(REG_LSR) & LSR_THR_EMPTY;
}

/* There is something to send: let the interrupt come.  Only the interrupt turns
 * itself off, since it also wakes who waits for room. */
static void want_interrupt(void)
{
	if (client && !ring_empty(&queue))
		set_ier(ier | IER_TRANSMIT);
}

/* Fill the FIFO while it is empty; the interrupt comes for the rest. */
static void send_some(void)
{
	unsigned int sent = 0;
	u8 byte;

	while (sent < MAX_BYTES_LOCKED && !ring_empty(&queue) &&
	       transmitter_empty()) {
		stuck = false;
		for (unsigned int i = 0; i < fifo_bytes; i++) {
			if (!ring_get(&queue, &byte))
				break;
			outb(byte, REG_DATA);
			sent++;
		}
	}
	want_interrupt();
}

/* Whether it takes a byte, soon. */
static bool wait_transmitter(void)
{
	for (int i = 0; i < (stuck ? 1 : WAIT_LOOPS); i++) {
		if (transmitter_empty()) {
			stuck = false;
			return true;
		}
		cpu_relax();
	}
	stuck = true;
	return false;
}

static void send_queue_polled(void)
{
	u8 byte;

	while (!ring_empty(&queue) && wait_transmitter()) {
		if (ring_get(&queue, &byte))
			outb(byte, REG_DATA);
	}
}

/* Behind the queue, and into it if the other end does not listen. */
static void send_polled(u8 byte, bool locked)
{
	if (locked && !ring_empty(&queue))
		ring_put(&queue, byte);
	else if (wait_transmitter())
		outb(byte, REG_DATA);
	else if (locked)
		ring_put(&queue, byte);
}

size_t uart_queue(const char *text, size_t len)
{
	unsigned long flags;
	size_t taken;

	if (!present)
		return len;
	raw_spin_lock_irqsave(&port_lock, flags);
	for (taken = 0; taken < len; taken++) {
		bool newline = text[taken] == '\n';

		if (ring_space(&queue) < 1 + newline)
			break;
		if (newline)
			ring_put(&queue, '\r');
		ring_put(&queue, text[taken]);
	}
	if (client)
		send_some();
	else
		send_queue_polled();
	raw_spin_unlock_irqrestore(&port_lock, flags);
	return taken;
}

size_t uart_queue_room(void)
{
	return present ? ring_space(&queue) / 2 : queue.size / 2;
}

/* Not for ever, not from under ourselves, and not in a panic, when whoever
 * holds it has been stopped. */
static bool port_lock_bounded(void)
{
	u32 me = smp_processor_id() + 1;
	u64 start = arch_clock_ns();

	while (arch_clock_ns() - start < LOCK_NS) {
		if (raw_spin_trylock(&port_lock))
			return true;
		if (panic_in_progress() || READ_ONCE(port_lock.owner) == me)
			return false;
		cpu_relax();
	}
	return false;
}

void uart_write_polled(const char *text, size_t len)
{
	unsigned long flags;
	bool locked;

	if (!present)
		return;
	flags = arch_local_irq_save();
	locked = port_lock_bounded();
	if (locked)
		send_queue_polled();
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			send_polled('\r', locked);
		send_polled(text[i], locked);
	}
	if (locked) {
		want_interrupt();
		raw_spin_unlock(&port_lock);
	}
	arch_local_irq_restore(flags);
}

/* -- The interrupt ----------------------------------------------------------- */

static void stop_input(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&port_lock, flags);
	set_ier(ier & ~IER_RECEIVE);
	outb(MCR_DTR | MCR_OUT2, REG_MCR);
	raw_spin_unlock_irqrestore(&port_lock, flags);
}

void uart_resume_input(void)
{
	unsigned long flags;

	if (!client)
		return;
	smp_mb(); /* pairs with the one in receive() */
	if (READ_ONCE(ier) & IER_RECEIVE)
		return;
	raw_spin_lock_irqsave(&port_lock, flags);
	outb(MCR_DTR | MCR_RTS | MCR_OUT2, REG_MCR);
	set_ier(ier | IER_RECEIVE);
	raw_spin_unlock_irqrestore(&port_lock, flags);
}

static void receive(void)
{
	u8 bytes[FIFO_BYTES];
	size_t room = min(client->room(), sizeof(bytes)), nr = 0;

	while (nr < room && (inb(REG_LSR) & LSR_DATA))
		bytes[nr++] = inb(REG_DATA);
	if (nr)
		client->receive(bytes, nr);
	if (room)
		return;
	stop_input();
	/* Pairs with the one in uart_resume_input(): the client makes room and
	 * then looks whether input is stopped. */
	smp_mb();
	if (client->room())
		uart_resume_input();
}

static bool transmit(void)
{
	unsigned long flags;
	bool room;

	raw_spin_lock_irqsave(&port_lock, flags);
	send_some();
	if (ring_empty(&queue))
		set_ier(ier & ~IER_TRANSMIT);
	room = ring_used(&queue) <= queue.size / 2;
	raw_spin_unlock_irqrestore(&port_lock, flags);
	return room;
}

static void uart_interrupt(unsigned int nr, void *data)
{
	bool room = false;

	for (int i = 0; i < MAX_ROUNDS; i++) {
		if (inb(REG_IIR) & IIR_NOTHING)
			break;
		receive();
		room = transmit();
	}
	if (room)
		client->sent();
}

/* -- Starting ---------------------------------------------------------------- */

/* A port that is not there reads as all ones, whatever was written. */
static bool probe(void)
{
	outb(0x5a, REG_SCRATCH);
	if (inb(REG_SCRATCH) != 0x5a)
		return false;
	outb(0xa5, REG_SCRATCH);
	return inb(REG_SCRATCH) == 0xa5;
}

int uart_init(const struct uart_client *its_client)
{
	unsigned long flags;
	int vector, err;

	/* The early console has set speed and format. */
	present = probe();
	if (!present)
		return -ENODEV;
	outb(FCR_ENABLE | FCR_TRIGGER_8, REG_FCR);
	if ((inb(REG_IIR) & IIR_FIFO) == IIR_FIFO)
		fifo_bytes = FIFO_BYTES;

	vector = irq_alloc(uart_interrupt, "uart", NULL);
	if (vector < 0)
		return vector;
	client = its_client;
	err = ioapic_route_isa(COM1_IRQ, vector, 0);
	if (err) {
		client = NULL;
		free_irq(vector);
		return err;
	}
	raw_spin_lock_irqsave(&port_lock, flags);
	outb(MCR_DTR | MCR_RTS | MCR_OUT2, REG_MCR);
	set_ier(IER_RECEIVE);
	raw_spin_unlock_irqrestore(&port_lock, flags);
	return 0;
}
