/* SPDX-License-Identifier: MIT */
/*
 * undefined.c - what the compiler's undefined-behaviour checks find, in words.
 *
 * With SANITIZE=undefined the compiler puts a check before what C leaves
 * undefined: a shift too far, an index past the end, a bool that is 7.  A check
 * that fails calls one of the functions below, whose names and arguments are
 * the compilers' and the same for gcc and clang.  They are always linked: one
 * file of tests has the checks in every build.
 *
 * Once.       A site reports in full the first time, and is only counted after
 *             that: it marks itself in its own description.  So a check that
 *             fails in what prints the report does not begin another one, and
 *             a loop does not fill the log.
 * Going on.   Where there is a result the code goes on with it, as it would
 *             have without the check; after the end of a function without a
 *             value, or where the code swore never to be, there is none: panic.
 *
 * Any context.  This file has no checks in it: it would have to report itself.
 */
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/atomic.h>
#include <lib/format.h>
#include "panic_impl.h"

/* -- What the compilers hand over ------------------------------------------ */

struct site {
	const char *file;
	u32 line;
	u32 column; /* ours: SITE_REPORTED */
};

#define SITE_REPORTED (1u << 31)

struct type {
	u16 kind;
	u16 info; /* of an integer: log2 of its bits, signed in bit 0 */
	char name[];
};

#define TYPE_INTEGER 0

/* All descriptions of a failed check begin with a site; here are those in which
 * one or two types follow. */
struct typed {
	struct site site;
	const struct type *type, *other;
};

struct mismatch {
	struct site site;
	const struct type *type;
	u8 log2_align;
	u8 access;
};

struct attributed {
	struct site site;
	struct site attribute;
	int argument;
};

/* -- Reporting ------------------------------------------------------------- */

static bool is_first(struct site *site)
{
	u32 before = READ_ONCE(site->column);

	return !(before & SITE_REPORTED) &&
	       cmpxchg(&site->column, before, before | SITE_REPORTED) == before;
}

static void __printf(3, 4)
	undefined(struct site *site, const void *frame, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (!report_note(REPORT_UNDEFINED) || !is_first(site))
		return;
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_crit("UNDEFINED: %s at %s:%u\n", text, site->file, site->line);
	pr_crit("in task %s (pid %d)\n", current->comm, current->pid);
	backtrace_print_from(frame);
}

/* A call and no jump: the frame it names is still there. */
#define UNDEFINED(site, fmt, ...)                                              \
	do {                                                                   \
		undefined(site, __builtin_frame_address(0), fmt,               \
			  ##__VA_ARGS__);                                      \
		barrier();                                                     \
	} while (0)

/* An integer's value comes in a register, or by address if it is wider. */
struct number {
	char text[32];
};

static struct number number(const struct type *type, unsigned long value)
{
	unsigned int bits = 1u << (type->info >> 1);
	struct number n;

	if (type->kind != TYPE_INTEGER || bits > 64)
		scnprintf(n.text, sizeof(n.text), "something");
	else if (type->info & 1)
		scnprintf(n.text, sizeof(n.text), "%ld",
			  (long)(value << (64 - bits)) >> (64 - bits));
	else
		scnprintf(n.text, sizeof(n.text), "%lu", value);
	return n;
}

/* -- Arithmetic ------------------------------------------------------------ */

#define HANDLER(name, ...)                                                     \
	void __ubsan_handle_##name(__VA_ARGS__);                               \
	void __ubsan_handle_##name(__VA_ARGS__)

#define OVERFLOW(what, sign)                                                   \
	HANDLER(what##_overflow, struct typed *at, unsigned long a,            \
		unsigned long b)                                               \
	{                                                                      \
		UNDEFINED(&at->site, "%s " sign " %s does not fit in %s",      \
			  number(at->type, a).text, number(at->type, b).text,  \
			  at->type->name);                                     \
	}

OVERFLOW(add, "+")
OVERFLOW(sub, "-")
OVERFLOW(mul, "*")
OVERFLOW(divrem, "/")

HANDLER(negate_overflow, struct typed *at, unsigned long value)
{
	UNDEFINED(&at->site, "the negative of %s does not fit in %s",
		  number(at->type, value).text, at->type->name);
}

HANDLER(shift_out_of_bounds, struct typed *at, unsigned long value,
	unsigned long by)
{
	UNDEFINED(&at->site, "%s, a %s, is shifted by %s",
		  number(at->type, value).text, at->type->name,
		  number(at->other, by).text);
}

/* A bool that is neither, an enum outside its range. */
HANDLER(load_invalid_value, struct typed *at, unsigned long value)
{
	UNDEFINED(&at->site, "%lu is no value of %s", value, at->type->name);
}

/* -- Memory ---------------------------------------------------------------- */

HANDLER(out_of_bounds, struct typed *at, unsigned long index)
{
	UNDEFINED(&at->site, "index %s is outside %s",
		  number(at->other, index).text, at->type->name);
}

HANDLER(vla_bound_not_positive, struct typed *at, unsigned long bound)
{
	UNDEFINED(&at->site, "an array of %s elements",
		  number(at->type, bound).text);
}

HANDLER(pointer_overflow, struct site *site, unsigned long base,
	unsigned long result)
{
	UNDEFINED(site, "pointer arithmetic from %#lx ends at %#lx", base,
		  result);
}

static const char *access_name(u8 access)
{
	static const char *const names[] = {
		"read",
		"written",
		"bound to",
		"used for a member",
		"used for a call",
	};

	return access < ARRAY_SIZE(names) ? names[access] : "used";
}

HANDLER(type_mismatch_v1, struct mismatch *at, unsigned long addr)
{
	const char *access = access_name(at->access), *type = at->type->name;
	unsigned long align = 1ul << at->log2_align;

	if (!addr)
		UNDEFINED(&at->site, "a NULL pointer to %s is %s", type,
			  access);
	else if (addr & (align - 1))
		UNDEFINED(&at->site, "%#lx is %s as %s, whose alignment is %lu",
			  addr, access, type, align);
	else
		UNDEFINED(&at->site,
			  "%#lx is %s as %s, for which there is no "
			  "room",
			  addr, access, type);
}

HANDLER(alignment_assumption, struct attributed *at, unsigned long addr,
	unsigned long align, unsigned long offset)
{
	UNDEFINED(&at->site, "%#lx is promised to be aligned to %lu",
		  addr - offset, align);
}

/* -- Promises -------------------------------------------------------------- */

HANDLER(nonnull_arg, struct attributed *at)
{
	UNDEFINED(&at->site, "argument %d may not be NULL", at->argument);
}

HANDLER(nonnull_return_v1, struct attributed *at, struct site *site)
{
	UNDEFINED(site, "a function returns NULL that must not");
}

HANDLER(invalid_builtin, struct site *site)
{
	UNDEFINED(site, "the leading or trailing zeroes of 0 are counted");
}

HANDLER(function_type_mismatch, struct typed *at, unsigned long function)
{
	UNDEFINED(&at->site, "%pS is called as %s", (void *)function,
		  at->type->name);
}

HANDLER(builtin_unreachable, struct site *site)
{
	panic("undefined: the unreachable is reached at %s:%u", site->file,
	      site->line);
}

HANDLER(missing_return, struct site *site)
{
	panic("undefined: a function ends without a value at %s:%u", site->file,
	      site->line);
}
