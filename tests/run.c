/* SPDX-License-Identifier: MIT */
/*
 * run.c - run the plan's tests one by one, and report what came of them.
 *
 * The report is TAP 14 with a subtest for each suite (tap.c says how it is
 * sealed).  `# start' tells the runner whom to blame if nothing follows.
 */
#include <arch/clock.h>
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <lib/format.h>
#include <lib/random.h>
#include <tests/run.h>
#include "framework_impl.h"

struct tally {
	unsigned int passed, failed, skipped;
};

/* One run at a time; all of this is its own. */
static struct tally tally;
static struct test_result result;
static u64 elapsed_ns;

/* --- Reporting --- */

static void report_header(unsigned int nr_tests)
{
	struct text *t = tap_begin();

	text_add(t, "TAP version 14\n");
	text_add(t,
		 "# tally tests=%u seed=%llu repeat=%llu shuffle=%d "
		 "from=%llu at_ms=%llu\n",
		 nr_tests, plan.seed, plan.repeat, plan.shuffle, plan.from,
		 arch_clock_ns() / 1000000);
	tap_end();
}

static void report_line(const char *fmt, ...) __printf(1, 2);
static void report_line(const char *fmt, ...)
{
	char line[TEST_NAME_CHARS + 100];
	va_list args;

	va_start(args, fmt);
	vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	text_add(tap_begin(), "%s\n", line);
	tap_end();
}

static void report_test(const struct test *test, unsigned int number)
{
	struct text *t = tap_begin();
	unsigned int kept = result.nr_failures;
	char name[TEST_NAME_CHARS];

	test_fit_name(name, test->name);
	text_add(t, "    %s %u - %s", result.nr_failures ? "not ok" : "ok",
		 number, name);
	if (!result.nr_failures && result.skipped)
		text_add(t, " # SKIP %s", result.why);
	text_add(t, "\n      ---\n      duration_ms: %llu.%03llu\n",
		 elapsed_ns / 1000000, elapsed_ns / 1000 % 1000);
	if (kept > TEST_MAX_FAILURES)
		kept = TEST_MAX_FAILURES;
	if (kept)
		text_add(t, "      failures:\n");
	for (unsigned int i = 0; i < kept; i++) {
		text_add(t, "        - ");
		text_add_quoted(t, result.failures[i]);
		text_add(t, "\n");
	}
	if (kept < result.nr_failures)
		text_add(t, "        - \"... and %u more\"\n",
			 result.nr_failures - kept);
	if (plan.bench && !result.nr_failures && !result.skipped)
		bench_add_figures(t);
	text_add(t, "      ...\n");
	tap_end();
}

/* --- Running --- */

/* Not shared with any other test, or seed. */
static u64 seed_of(const char *name, u64 seed)
{
	u64 hash = 0xcbf29ce484222325; /* FNV-1a */
	struct prng rng;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3;
	prng_init(&rng, seed ^ hash);
	return prng_u64(&rng);
}

static void run_one(const struct test *test, unsigned int number, u64 seed)
{
	char name[TEST_NAME_CHARS];
	u64 started_at;

	test_full_name(name, test);
	pr_notice("test: %s\n", name);
	report_line("    # start %s seconds=%lu seed=%llu", name,
		    test->seconds * plan.scale, seed);

	if (plan.bench)
		bench_set_entry(plan_bench_of(test));
	test_body_open(name, seed_of(name, seed));
	test_limit_start(test->seconds * plan.scale);
	test_settle_before();
	started_at = arch_clock_ns();
	test_body_in_task(plan.bench ? bench_body : test->fn);
	elapsed_ns = arch_clock_ns() - started_at;
	test_settle_after();
	test_limit_stop();
	test_body_close(&result);

	if (plan.bench && !tap_is_open())
		bench_print_figures();
	if (result.nr_failures)
		tally.failed++;
	else if (result.skipped)
		tally.skipped++;
	else
		tally.passed++;
	report_test(test, number);
}

/* For people only: a report must be complete. */
static bool (*should_stop)(void);

void tests_set_stop(bool (*stop)(void))
{
	should_stop = stop;
}

static bool stopped(void)
{
	return should_stop && should_stop();
}

/* A test that left in mid-way, or that still has tasks, timers or locks, may
 * disturb those that come after it: the runner boots again for them. */
static void leave_if_disturbed(void)
{
	if (!(result.cut_short || result.left_things) || !tap_is_open())
		return;
	report_line("# again");
	test_exit(tally.failed ? TEST_EXIT_FAILED : TEST_EXIT_PASSED);
}

static void run_suite(const struct stretch *s, unsigned int number)
{
	unsigned int failed_before = tally.failed;
	char suite[TEST_NAME_CHARS];

	test_fit_name(suite, s->suite);
	report_line("# Subtest: %s\n    1..%u", suite, s->nr);
	for (unsigned int i = 0; i < s->nr && !stopped(); i++) {
		run_one(s->tests[i], i + 1, s->seed);
		leave_if_disturbed();
	}
	report_line("%s %u - %s",
		    tally.failed == failed_before ? "ok" : "not ok", number,
		    suite);
}

/* Returns whether anything ran and nothing failed. */
static bool run_plan(void)
{
	unsigned int stray = test_nr_stray_failures();
	unsigned int nr_tests = plan_rewind(), nr = 0;
	struct stretch s;

	tally = (struct tally){};
	if (report_total())
		FAIL("%lu reports before the first test", report_total());
	while (plan_next(&s))
		nr++;
	report_header(nr_tests);
	report_line("1..%u", nr);

	plan_rewind();
	for (nr = 0; !stopped() && plan_next(&s);)
		run_suite(&s, ++nr);

	stray = test_nr_stray_failures() - stray;
	report_line("# end passed=%u failed=%u skipped=%u stray=%u",
		    tally.passed, tally.failed, tally.skipped, stray);
	tally.failed += stray;
	return nr && !tally.failed;
}

void tests_run_all(void)
{
	if (!plan_read())
		return;
	if (plan.bench && !bench_start(plan.bench == BENCH_INSN)) {
		tap_bail_out("the clock does not count instructions exactly");
		test_exit(TEST_EXIT_ABORTED);
	}
	if (plan.faults)
		fault_boot_off(); /* until the first test */
	test_exit(run_plan() ? TEST_EXIT_PASSED : TEST_EXIT_FAILED);
}

static int run_for_people(const char *glob, enum bench_when bench, u64 seed)
{
	static bool is_running;
	int ret = -ENOENT;

	if (__atomic_exchange_n(&is_running, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	plan_for(glob, bench);
	if (seed)
		plan.seed = seed;
	if (bench)
		bench_start(false);
	if (plan_rewind()) {
		run_plan();
		pr_notice("%u passed, %u failed, %u skipped (seed=%llu)\n",
			  tally.passed, tally.failed, tally.skipped, plan.seed);
		ret = tally.failed;
	}
	__atomic_store_n(&is_running, false, __ATOMIC_RELEASE);
	return ret;
}

int tests_run(const char *glob, u64 seed)
{
	return run_for_people(glob, 0, seed);
}

int benches_run(const char *glob)
{
	return run_for_people(glob, BENCH_WALL, 0);
}
