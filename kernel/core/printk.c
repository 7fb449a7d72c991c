/* SPDX-License-Identifier: MIT */
/*
 * printk.c - from a format to the log, and from the log to the consoles.
 *
 * Problem.    Printing must work everywhere, with a runqueue locked or in an
 *             NMI on top of a console driver, and yet lines should appear at
 *             once: the last ones before a hang are the ones that matter.
 * Idea.       Filing a line in the ring needs nobody (printk_ring.c).  Then
 *             the caller tries to become the owner of the consoles.  If it
 *             does, it writes what is there, whoever filed it.  If not, there
 *             is an owner, on another CPU or under this very interrupt, and
 *             that one writes this line too: an owner looks at the ring once
 *             more after it has let go.  So no printer waits for a console.
 * Bounded.    Where it cannot be preempted, an owner writes FLUSH_BUDGET lines
 *             and no more, so that a CPU that prints a little does not end up
 *             printing for those who print a lot.  What is left is written by
 *             the next line's owner, the tick or the idle loop.
 * Wakeups.    None: the scheduler may print.  Readers of the log poll.
 * Panic.      One CPU takes the consoles by force and keeps them.
 *
 * Context: any.  Consoles take no locks, so neither do we: register_console()
 * waits to become the owner, and the list changes under ownership.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <boot/note.h>
#include <boot/param.h>
#include <kernel/core/panic.h>
#include <kernel/core/sched.h>
#include <kernel/core/symbols.h>
#include <lib/atomic.h>
#include <lib/format.h>
#include <string.h>
#include "printk_impl.h"

#define RING_ORDER   10
#define FLUSH_BUDGET 64

static struct printk_slot ring_slots[1 << RING_ORDER];
static struct printk_ring ring = {.order = RING_ORDER, .slots = ring_slots};

unsigned long console_loglevel = 7;
BOOT_PARAM_ULONG("loglevel", console_loglevel, 0, 8,
		 "consoles show messages below this level");

/* CPU + 1 of the consoles' owner, or 0.  Any CPU, atomically. */
static u32 console_owner;

static void early_write(struct console *con, const char *text, size_t len)
{
	early_console_write(text, len);
}

/* There from the first line of C: what goes wrong early can be read. */
static struct console early_console = {.name = "early", .write = early_write};

/* Under ownership. */
static struct console *consoles = &early_console;

/* -- Into the log ---------------------------------------------------------- */

static u8 interrupt_depth(void)
{
	if (in_nmi())
		return 3;
	if (in_hardirq())
		return 2;
	return in_serving_softirq() ? 1 : 0;
}

static void file_line(enum log_level level, u64 ns, const char *text,
		      size_t len)
{
	struct printk_slot *slot = printk_ring_reserve(&ring);
	struct printk_record *rec;

	if (!slot)
		return;
	rec = &slot->rec;
	rec->ns = ns;
	rec->cpu = smp_processor_id();
	rec->level = level;
	rec->in_interrupt = interrupt_depth();
	rec->len = len;
	memcpy(rec->text, text, len);
	rec->text[len] = '\0';
	memcpy(rec->task, current->comm, sizeof(rec->task));
	rec->task[sizeof(rec->task) - 1] = '\0';
	printk_ring_commit(&ring, slot);
}

void vprintk(enum log_level level, const char *fmt, va_list ap)
{
	char text[PRINTK_MAX_TEXT];
	size_t len = format_v(text, sizeof(text), fmt, ap), start = 0;
	u64 ns = arch_clock_ns();

	if (len >= sizeof(text)) {
		len = sizeof(text) - 1;
		memcpy(text + len - 3, "...", 3);
	}

	do {
		const char *nl = memchr(text + start, '\n', len - start);
		size_t end = nl ? nl - text : len;
		size_t n = end - start;

		if (n > PRINTK_MAX_LINE - 1)
			n = PRINTK_MAX_LINE - 1;
		file_line(level, ns, text + start, n);
		start += n;
		if (start == end)
			start++; /* over the newline */
	} while (start < len);
	printk_flush();
}

void printk(const char *fmt, ...)
{
	enum log_level level = LOG_WARNING;
	va_list ap;

	if (fmt[0] == KERN_EMERG[0] && fmt[1]) {
		level = fmt[1] - '0';
		fmt += 2;
	}
	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

static void print_boot_note(enum boot_note_level level, const char *text)
{
	printk(level == BOOT_NOTE_WARN ? KERN_WARNING "boot: %s"
				       : KERN_INFO "boot: %s",
	       text);
}

/* How %pS finds names. */
static bool format_symbol(char *buf, size_t size, unsigned long addr)
{
	unsigned long offset;
	const char *name;

	if (!symbol_lookup(addr, &name, &offset, NULL))
		return false;
	format(buf, size, "%s+%#lx", name, offset);
	return true;
}

/* -- Out of the log -------------------------------------------------------- */

bool printk_read(u64 *seq, struct printk_record *rec)
{
	return printk_ring_read(&ring, seq, rec, false);
}

unsigned long printk_nr_dropped(void)
{
	return READ_ONCE(ring.nr_dropped);
}

size_t printk_render(const struct printk_record *rec, char *buf, size_t size)
{
	return scnprintf(buf, size, "[%5llu.%06llu cpu%u] %s\n",
			 rec->ns / 1000000000, rec->ns / 1000 % 1000000,
			 rec->cpu, rec->text);
}

/* -- Consoles -------------------------------------------------------------- */

static bool console_trylock(void)
{
	return cmpxchg(&console_owner, 0, smp_processor_id() + 1) == 0;
}

static void console_unlock(void)
{
	/* A full barrier: pairs with printk_ring_commit(). */
	xchg(&console_owner, 0);
}

static void write_gap(struct console *con, u64 nr)
{
	char line[64];

	con->write(con, line,
		   scnprintf(line, sizeof(line), "[%llu lines lost]\n", nr));
}

/* Write one record; false when there is none. */
static bool write_next(struct console *con, bool skip_unfinished)
{
	struct printk_record rec;
	char line[PRINTK_MAX_LINE + 32];
	u64 seq = con->seq;

	if (!printk_ring_read(&ring, &seq, &rec, skip_unfinished))
		return false;
	if (rec.seq > con->seq && !skip_unfinished)
		write_gap(con, rec.seq - con->seq);
	WRITE_ONCE(con->seq, seq);
	if (rec.level < console_loglevel)
		con->write(con, line, printk_render(&rec, line, sizeof(line)));
	return true;
}

/* Give every console up to @budget lines; false when all have all. */
static bool write_some(unsigned int budget, bool skip_unfinished)
{
	bool more = false;

	for (struct console *con = consoles; con; con = con->next) {
		unsigned int n = 0;

		while (n < budget && write_next(con, skip_unfinished))
			n++;
		more |= n == budget;
	}
	return more;
}

/* Has some console a complete record before it?  A snapshot, and a console is
 * never freed. */
static bool console_behind(void)
{
	struct console *con;

	for (con = READ_ONCE(consoles); con; con = READ_ONCE(con->next))
		if (printk_ring_ready(&ring, READ_ONCE(con->seq)))
			return true;
	return false;
}

bool printk_pending(void)
{
	return console_behind() && panic_cpu() < 0;
}

void printk_flush(void)
{
	bool more;

	if (unlikely(panic_cpu() >= 0)) {
		if (panic_cpu() == smp_processor_id())
			printk_panic_flush();
		return;
	}
	do {
		preempt_disable();
		if (!console_trylock()) {
			preempt_enable();
			return;
		}
		more = write_some(FLUSH_BUDGET, false);
		console_unlock();
		preempt_enable();
		/* Look again: what was filed after we had looked and before we
		 * let go found us the owner. */
	} while ((!more || preemptible()) && console_behind());
}

/* Consoles and their list are ours until console_unlock(). */
static void console_lock(void)
{
	preempt_disable();
	while (!console_trylock())
		cpu_relax();
}

static struct console **find_console(const struct console *con)
{
	struct console **at = &consoles;

	while (*at && *at != con)
		at = &(*at)->next;
	return at;
}

void register_console(struct console *con)
{
	struct console **early;

	console_lock();
	early = find_console(&early_console);
	con->seq = 0;
	if (con->replaces_early && *early) {
		con->seq = early_console.seq;
		WRITE_ONCE(*early, early_console.next);
	}
	con->next = consoles;
	WRITE_ONCE(consoles, con);
	console_unlock();
	preempt_enable();
	printk_flush();
}

void unregister_console(struct console *con)
{
	struct console **at;

	console_lock();
	at = find_console(con);
	if (*at)
		WRITE_ONCE(*at, con->next);
	console_unlock();
	preempt_enable();
}

void printk_init(void)
{
	format_set_symbol_hook(format_symbol);
	boot_note_set_sink(print_boot_note);
}

/* -- Panic ----------------------------------------------------------------- */

static bool torn_line;
static u64 panic_seq; /* the first line of the panic */

void printk_panic_begin(void)
{
	WRITE_ONCE(console_owner, smp_processor_id() + 1);
	/* Whoever was writing may have been stopped in mid-line. */
	torn_line = true;
	WRITE_ONCE(ring.writers_stopped, true);
	panic_seq = READ_ONCE(ring.head);
}

void printk_panic_again(void)
{
	early_console.next = NULL;
	early_console.seq = panic_seq;
	consoles = &early_console;
	torn_line = true;
}

void printk_panic_flush(void)
{
	if (torn_line) {
		torn_line = false;
		for (struct console *con = consoles; con; con = con->next)
			con->write(con, "\n", 1);
	}
	write_some(~0u, true);
}
