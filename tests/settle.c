/* SPDX-License-Identifier: MIT */
/*
 * settle.c - what a test took must have come back.
 *
 * Problem.    Much of a kernel gives back late: callbacks wait for readers,
 *             pages wait in per-CPU lists, tasks are reaped by others.  A count
 *             taken right after a test would accuse it of what is on its way.
 * Idea.       Before counts are compared, every TEST_QUIESCE hook brings
 *             forward what its module put off.  As one module's settling feeds
 *             the next, that is repeated while some count is still off, a
 *             bounded number of times.
 * Invariant.  At the start of each test everything is settled; so a count that
 *             is lower afterwards is as wrong as one that is higher.
 *
 * Context: the runner's task, between tests.
 */
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include "framework_impl.h"

#define MAX_COUNTERS 64
#define MAX_ROUNDS   40 /* 0.8 s in all */

extern const struct test_counter *const __registry_test_counters_start[];
extern const struct test_counter *const __registry_test_counters_end[];
extern const struct test_hook *const __registry_test_audits_start[];
extern const struct test_hook *const __registry_test_audits_end[];
extern const struct test_hook *const __registry_test_quiesces_start[];
extern const struct test_hook *const __registry_test_quiesces_end[];

static long before[MAX_COUNTERS];
static unsigned long reports_before[NR_REPORT_KINDS];

static size_t nr_counters(void)
{
	size_t nr =
		__registry_test_counters_end - __registry_test_counters_start;

	return nr < MAX_COUNTERS ? nr : MAX_COUNTERS;
}

static void quiesce(void)
{
	const struct test_hook *const *h;

	for (h = __registry_test_quiesces_start;
	     h < __registry_test_quiesces_end; h++)
		test_body_guard((*h)->fn);
}

static bool is_settled(void)
{
	for (size_t i = 0; i < nr_counters(); i++)
		if (__registry_test_counters_start[i]->count() != before[i])
			return false;
	return true;
}

/* What a test had when it ended in mid-way it could not give back. */
static bool excused(void)
{
	return test_body_was_cut_short();
}

/* What the kernel found wrong with itself meanwhile (report.h). */
static void check_reports(void)
{
	for (int kind = 0; kind < NR_REPORT_KINDS; kind++) {
		unsigned long nr = report_count(kind) - reports_before[kind];

		if (nr)
			test_body_fail_fmt("report: %lu unexpected %s", nr,
					   report_name(kind));
		if (!report_is_expected(kind))
			continue;
		report_expected(kind);
		if (!excused())
			test_body_fail_fmt("report: still expects %s at its "
					   "end",
					   report_name(kind));
	}
}

void test_settle_before(void)
{
	for (int kind = 0; kind < NR_REPORT_KINDS; kind++)
		reports_before[kind] = report_count(kind);
	quiesce();
	for (size_t i = 0; i < nr_counters(); i++)
		before[i] = __registry_test_counters_start[i]->count();
}

void test_settle_after(void)
{
	const struct test_hook *const *h;

	test_body_strict();
	quiesce();
	for (int round = 0; round < MAX_ROUNDS && !is_settled(); round++) {
		msleep(round); /* others have to get their turn as well */
		quiesce();
	}
	for (size_t i = 0; i < nr_counters(); i++) {
		const struct test_counter *c =
			__registry_test_counters_start[i];
		long change = c->count() - before[i];

		if (change && !excused())
			test_body_left_fmt("leak: %+ld %s (%ld before)", change,
					   c->name, before[i]);
	}
	for (h = __registry_test_audits_start; h < __registry_test_audits_end;
	     h++)
		test_body_guard((*h)->fn);
	check_reports();
}
