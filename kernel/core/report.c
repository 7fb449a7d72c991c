/* SPDX-License-Identifier: MIT */
/*
 * report.c - findings, counted by kind.
 *
 * Expected ones are counted apart while a test has said so; two tests that
 * expect the same kind at once would share a count, and tests run one by one.
 */
#include <kernel/core/report.h>
#include <lib/atomic.h>

struct report_state {
	atomic_long_t unexpected;
	atomic_long_t expected;
	bool expecting;
	bool printing; /* those as well */
};

static struct report_state states[NR_REPORT_KINDS];

static const char *const names[NR_REPORT_KINDS] = {
	[REPORT_WARN] = "warning",
	[REPORT_LOCKDEP] = "lockdep",
	[REPORT_ATOMIC] = "sleep in atomic context",
	[REPORT_RCU_STALL] = "RCU stall",
	[REPORT_SOFT_LOCKUP] = "soft lockup",
	[REPORT_HARD_LOCKUP] = "hard lockup",
	[REPORT_PAGE] = "page",
	[REPORT_SLAB] = "slab",
	[REPORT_PERCPU] = "per-CPU",
	[REPORT_ACCOUNTING] = "accounting",
	[REPORT_UNDEFINED] = "undefined behaviour",
};

bool report_note(enum report_kind kind)
{
	struct report_state *state = &states[kind];

	/* Pairs with the release in expect(). */
	if (smp_load_acquire(&state->expecting)) {
		atomic_long_inc(&state->expected);
		return READ_ONCE(state->printing);
	}
	atomic_long_inc(&state->unexpected);
	return true;
}

static void expect(enum report_kind kind, bool printing)
{
	atomic_long_set(&states[kind].expected, 0);
	WRITE_ONCE(states[kind].printing, printing);
	/* Pairs with the load in report_note(), which then counts from 0. */
	smp_store_release(&states[kind].expecting, true);
}

void report_expect(enum report_kind kind)
{
	expect(kind, false);
}

void report_expect_printed(enum report_kind kind)
{
	expect(kind, true);
}

unsigned long report_expected(enum report_kind kind)
{
	WRITE_ONCE(states[kind].expecting, false);
	return atomic_long_read(&states[kind].expected);
}

bool report_is_expected(enum report_kind kind)
{
	return READ_ONCE(states[kind].expecting);
}

unsigned long report_count(enum report_kind kind)
{
	return atomic_long_read(&states[kind].unexpected);
}

unsigned long report_total(void)
{
	unsigned long total = 0;

	for (int kind = 0; kind < NR_REPORT_KINDS; kind++)
		total += report_count(kind);
	return total;
}

const char *report_name(enum report_kind kind)
{
	return names[kind];
}
