/* SPDX-License-Identifier: MIT */
/*
 * printk.h - say something, from anywhere.
 *
 * Any context: tasks, interrupts, NMI, a panic, with any lock held, the
 * scheduler's included.  A call never waits and never wakes anybody.  It files
 * one record for each line; a trailing newline is optional.
 *
 *	#define pr_fmt(fmt) "uart: " fmt	// before the includes
 *	pr_warn("port %#x does not answer\n", port);
 */
#pragma once
#include <stdarg.h>

#include <lib/compiler.h>
#include <lib/types.h>

enum log_level {
	LOG_EMERG,   /* going down */
	LOG_ALERT,   /* going down unless someone acts */
	LOG_CRIT,    /* reports: lockdep, watchdog, corrupted objects */
	LOG_ERR,     /* an operation failed */
	LOG_WARNING, /* odd, and handled */
	LOG_NOTICE,  /* normal, and worth a line */
	LOG_INFO,    /* what was found and set up */
	LOG_DEBUG,   /* in the ring, and on no console unless loglevel=8 */
};

/* A format may begin with its level; without one it is LOG_WARNING. */
#define KERN_EMERG   "\0010"
#define KERN_ALERT   "\0011"
#define KERN_CRIT    "\0012"
#define KERN_ERR     "\0013"
#define KERN_WARNING "\0014"
#define KERN_NOTICE  "\0015"
#define KERN_INFO    "\0016"
#define KERN_DEBUG   "\0017"

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif

/* Lines longer than this, NUL included, go on in another record; one call
 * files at most PRINTK_MAX_TEXT, and ends in "..." where that was not all. */
#define PRINTK_MAX_LINE 200
#define PRINTK_MAX_TEXT 512

void printk(const char *fmt, ...) __printf(1, 2) __cold;
void vprintk(enum log_level level, const char *fmt, va_list ap)
	__printf(2, 0) __cold;

#define pr_emerg(fmt, ...)  printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)  printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)   printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)    printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)   printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)   printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...)  printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)

#define pr_err_once(fmt, ...)  pr_once_(pr_err, fmt, ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) pr_once_(pr_warn, fmt, ##__VA_ARGS__)
#define pr_info_once(fmt, ...) pr_once_(pr_info, fmt, ##__VA_ARGS__)
#define pr_once_(print, ...)                                                   \
	do {                                                                   \
		static bool said_;                                             \
		if (!__atomic_exchange_n(&said_, true, __ATOMIC_RELAXED))      \
			print(__VA_ARGS__);                                    \
	} while (0)

/*
 * Where records go.  write() is called with whole lines, by one CPU at a time,
 * preemption off, in any context: it takes no lock, does not sleep, and waits
 * for its device a bounded time.  A panic may cut in on a write under way.
 */
struct console {
	const char *name;
	void (*write)(struct console *con, const char *text, size_t len);

	/* It drives the early serial port: takes over from there. */
	bool replaces_early;

	/* printk's own. */
	struct console *next;
	u64 seq; /* first record not yet written */
};

/* A new console first hears everything still in the ring.  Tasks and boot. */
void register_console(struct console *con);
void unregister_console(struct console *con);

/* Write what other contexts had to leave unwritten.  Any context; called by
 * the tick and by the idle loop. */
void printk_flush(void);

/* Is there something left for printk_flush() to write? */
bool printk_pending(void);

/* Consoles show the levels below it: loglevel=0..8. */
extern unsigned long console_loglevel;

/* What the log knows of one line. */
struct printk_record {
	u64 seq; /* counts records from boot on */
	u64 ns;	 /* since boot */
	u32 cpu;
	u8 level;
	u8 in_interrupt; /* 0 task, 1 softirq, 2 hard interrupt, 3 NMI */
	u16 len;
	char task[16];
	char text[PRINTK_MAX_LINE]; /* NUL-terminated, no newline */
};

/*
 * Read the log: start with *@seq = 0.  Fills @rec with the first record whose
 * number is at least *@seq, sets *@seq to the next and returns true; false if
 * there is none yet.  A gap in the numbers is what the ring has overwritten.
 */
bool printk_read(u64 *seq, struct printk_record *rec);

/* The line as consoles show it, newline and NUL included; returns its length
 * without the NUL. */
size_t printk_render(const struct printk_record *rec, char *buf, size_t size);

/* How many records were refused because the ring was full of unfinished ones.
 */
unsigned long printk_nr_dropped(void);

/* Addresses get names, and what boot code had to say is said.  printk() itself
 * works before, on the polled serial port. */
void printk_init(void);

/*
 * For panic().  From begin() on only this CPU writes to consoles, whoever did
 * before; records that stopped CPUs left unfinished are passed over by flush().
 */
void printk_panic_begin(void);
void printk_panic_flush(void);

/* A console may be what failed: from here on the polled serial port alone, and
 * on it the panic from its beginning. */
void printk_panic_again(void);
