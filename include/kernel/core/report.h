/* SPDX-License-Identifier: MIT */
/*
 * report.h - count what the kernel finds wrong with itself.
 *
 * A checker that finds something prints it and goes on.  Nobody may overlook
 * that, so each finding is counted here by kind; after each test, a count that
 * moved fails the test, unless the test said that it would:
 *
 *	report_expect(REPORT_LOCKDEP);
 *	... do what must be caught ...
 *	EXPECT_EQ(report_expected(REPORT_LOCKDEP), 1);
 *
 * Any context.
 */
#pragma once
#include <lib/types.h>

enum report_kind {
	REPORT_WARN,	/* WARN_ON */
	REPORT_LOCKDEP, /* lock order, interrupt safety, recursion */
	REPORT_ATOMIC,	/* sleeping where that is not allowed */
	REPORT_RCU_STALL,
	REPORT_SOFT_LOCKUP, /* does not schedule */
	REPORT_HARD_LOCKUP, /* does not take interrupts */
	REPORT_PAGE,	    /* double free, bad order, foreign page, poison */
	REPORT_SLAB,
	REPORT_PERCPU,
	REPORT_ACCOUNTING,
	REPORT_UNDEFINED, /* a check of SANITIZE=undefined */
	NR_REPORT_KINDS,
};

/*
 * Note one finding.  True if it is to be printed in full.  An expected one is
 * only counted, so that a green test run shows no reports.
 */
bool report_note(enum report_kind kind);

/* From now on findings of @kind are expected, and counted apart. */
void report_expect(enum report_kind kind);

/* The same, but printed: for a test that reads in the log what is said. */
void report_expect_printed(enum report_kind kind);

/* End either; returns how many there were. */
unsigned long report_expected(enum report_kind kind);

/* Is one expected just now?  A checker may then spare what cannot be undone. */
bool report_is_expected(enum report_kind kind);

/* Unexpected ones since boot, of one kind and of all. */
unsigned long report_count(enum report_kind kind);
unsigned long report_total(void);

const char *report_name(enum report_kind kind);
