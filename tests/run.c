/* SPDX-License-Identifier: MIT */
/*
 * run.c - which tests, in which order, and what came of them.
 *
 * Tests lie in a linker section in link order.  A run is a list of positions:
 * each round, suite by suite, shuffled by the seed if asked.  The list is the
 * same for the same command line, so a runner whose guest died at position n
 * boots again with test.from=n+1 and the rest is tested as if nothing had
 * happened.
 *
 *	test=GLOB[,GLOB]	on suite.name, or a whole suite
 *	bench=GLOB[,GLOB]	benchmarks instead of tests
 *	bench.count=insns	what they measure; time otherwise
 *	test.nonce=HEX		the seal's key, 32 digits; without it no report
 *	test.seed=N test.repeat=N test.shuffle=1 test.from=N
 *	test.quick=1		leave out tests that ask for extra time
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <boot/boot_info.h>
#include <boot/param.h>
#include <errno.h>
#include <kernel/core/printk.h>
#include <lib/format.h>
#include <lib/glob.h>
#include <lib/random.h>
#include <string.h>
#include <tests/bench.h>
#include <tests/run.h>
#include "framework_impl.h"

#define MAX_TESTS  4096
#define MAX_SUITES 512
#define NAME_CHARS 128

extern const struct test *const __registry_tests_start[];
extern const struct test *const __registry_tests_end[];
extern const struct bench_entry *const __registry_benches_start[];
extern const struct bench_entry *const __registry_benches_end[];

struct suite {
	const char	*name;
	unsigned int	first; /* in chosen[] */
	unsigned int	nr;
};

struct plan {
	char		glob[256];
	u64		seed;
	u64		repeat;
	u64		from;
	bool		shuffle;
	bool		quick;
	enum bench_when	bench; /* 0: tests */
};

struct tally {
	unsigned int	passed, failed, skipped;
};

/* One run at a time; all of this is its own. */
static struct plan	plan;
static struct tally	tally;
static const struct test *chosen[MAX_TESTS];
static unsigned int	nr_chosen;
static struct suite	suites[MAX_SUITES];
static unsigned int	nr_suites;
static struct test_result result;
static u64		elapsed_ns;

/* --- What was asked for --- */

static const char	*asked_tests;
static const char	*asked_bench;
static enum bench_when	asked_count = BENCH_WALL;
static unsigned long	scale = 1;
static unsigned long	asked_seed;
static unsigned long	asked_repeat = 1;
static unsigned long	asked_from;
static bool		asked_shuffle;
static bool		asked_quick;
static char		asked_nonce[2 * SEAL_KEY_BYTES + 2];

/* Copied out, and unreadable afterwards: a test must not find it lying about. */
static int take_nonce(const struct boot_param *param, const char *value)
{
	char *original = strstr(boot_info.cmdline, param->name);

	if (!value || strlen(value) >= sizeof(asked_nonce))
		return -EINVAL;
	strlcpy(asked_nonce, value, sizeof(asked_nonce));
	if (original)
		memset(original + strlen(param->name) + 1, '-', strlen(value));
	memset((char *)value, '-', strlen(value));
	return 0;
}

static int set_count(const struct boot_param *param, const char *value)
{
	if (!value || (strcmp(value, "insns") && strcmp(value, "time")))
		return -EINVAL;
	asked_count = strcmp(value, "time") ? BENCH_INSN : BENCH_WALL;
	return 0;
}

BOOT_PARAM_STRING("test", asked_tests, "run the tests that match, and leave");
BOOT_PARAM_STRING("bench", asked_bench,
		  "run the benchmarks that match, and leave");
BOOT_PARAM("bench.count", set_count, "insns or time",
	   "what benchmarks measure; insns takes QEMU's -icount shift=0");
BOOT_PARAM_ULONG("test.seed", asked_seed, 0, ~0ul,
		 "what random tests draw from");
BOOT_PARAM_ULONG("test.repeat", asked_repeat, 1, ~0ul, "rounds");
BOOT_PARAM_ULONG("test.from", asked_from, 0, ~0ul,
		 "skip so many at the start");
BOOT_PARAM_ULONG("test.scale", scale, 1, 1000,
		 "how much slower than usual this machine is");
BOOT_PARAM_BOOL("test.shuffle", asked_shuffle, "in an order the seed chooses");
BOOT_PARAM_BOOL("test.quick", asked_quick, "leave out the long ones");
BOOT_PARAM("test.nonce", take_nonce, "32 hexadecimal digits",
	   "the key of the report's seals; without it there is no report");

/* --- Choosing --- */

static void full_name(char *buf, const struct test *test)
{
	scnprintf(buf, NAME_CHARS, "%s.%s", test->suite, test->name);
}

/* Patterns separated by commas; a suite's bare name means all of it. */
static bool is_meant(const struct test *test)
{
	char name[NAME_CHARS], globs[sizeof(plan.glob)], *next = globs, *glob;

	full_name(name, test);
	strlcpy(globs, plan.glob, sizeof(globs));
	while ((glob = strsep(&next, ",")))
		if (glob_match(glob, name) || glob_match(glob, test->suite))
			return true;
	return false;
}

/* Benchmarks are planned by the test they contain. */
static const struct bench_entry *bench_of(const struct test *test)
{
	return container_of(test, struct bench_entry, test);
}

static size_t nr_candidates(void)
{
	if (plan.bench)
		return __registry_benches_end - __registry_benches_start;
	return __registry_tests_end - __registry_tests_start;
}

/* The @i-th that is there, or NULL if it is not asked for. */
static const struct test *candidate(size_t i)
{
	const struct test *test;

	if (plan.bench)
		test = &__registry_benches_start[i]->test;
	else
		test = __registry_tests_start[i];
	if (plan.bench && !(bench_of(test)->when & plan.bench))
		return NULL;
	if (plan.quick && test->seconds > TEST_SECONDS)
		return NULL;
	return is_meant(test) ? test : NULL;
}

static struct suite *find_suite(const char *name)
{
	for (unsigned int i = nr_suites; i-- > 0;)
		if (!strcmp(suites[i].name, name))
			return &suites[i];
	if (nr_suites == MAX_SUITES)
		return NULL;
	suites[nr_suites] = (struct suite){.name = name};
	return &suites[nr_suites++];
}

/*
 * In link order, file by file; within a file as written, since a compiler may
 * emit a file's objects in any order.
 */
static void add_to_suite(struct suite *s, const struct test *test)
{
	const struct test **place = chosen + s->first + s->nr++;

	for (; place > chosen + s->first; place--) {
		if (strcmp(place[-1]->file, test->file) ||
		    place[-1]->line < test->line)
			break;
		place[0] = place[-1];
	}
	*place = test;
}

/* Count each suite's tests, then put each test in its suite's stretch. */
static void choose(void)
{
	const struct test *test;
	size_t i, end = nr_candidates();
	struct suite *s;

	nr_suites = nr_chosen = 0;
	for (i = 0; i < end; i++) {
		test = candidate(i);
		if (!test)
			continue;
		s = find_suite(test->suite);
		if (!s || nr_chosen == MAX_TESTS) {
			FAIL("no room for %s.%s", test->suite, test->name);
			end = i;
			break;
		}
		s->nr++;
		nr_chosen++;
	}
	for (i = 1; i < nr_suites; i++)
		suites[i].first = suites[i - 1].first + suites[i - 1].nr;
	for (i = 0; i < nr_suites; i++)
		suites[i].nr = 0;
	for (i = 0; i < end; i++) {
		test = candidate(i);
		if (test)
			add_to_suite(find_suite(test->suite), test);
	}
}

static void shuffle(struct prng *rng)
{
	prng_shuffle(rng, suites, nr_suites, sizeof(suites[0]));
	for (unsigned int i = 0; i < nr_suites; i++)
		prng_shuffle(rng, chosen + suites[i].first, suites[i].nr,
			     sizeof(chosen[0]));
}

/* --- Reporting --- */

static void report_header(void)
{
	struct text *t = tap_begin();

	text_add(t, "TAP version 14\n");
	text_add(t, "# tally tests=%u seed=%llu repeat=%llu shuffle=%d "
		    "from=%llu at_ms=%llu\n",
		 nr_chosen, plan.seed, plan.repeat, plan.shuffle, plan.from,
		 arch_clock_ns() / 1000000);
	tap_end();
}

static void report_line(const char *fmt, ...) __printf(1, 2);
static void report_line(const char *fmt, ...)
{
	char line[256];
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

	text_add(t, "    %s %u - %s", result.nr_failures ? "not ok" : "ok",
		 number, test->name);
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

/* Not shared with any other test, round or seed. */
static u64 seed_of(const char *name, u64 round)
{
	u64 hash = 0xcbf29ce484222325; /* FNV-1a */
	struct prng rng;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3;
	prng_init(&rng, plan.seed ^ hash);
	return prng_u64(&rng) + round;
}

static void run_one(const struct test *test, unsigned int number, u64 round)
{
	char name[NAME_CHARS];
	u64 started_at;

	full_name(name, test);
	pr_notice("test: %s\n", name);
	report_line("    # start %s seconds=%lu", name, test->seconds * scale);

	if (plan.bench)
		bench_set_entry(bench_of(test));
	test_body_open(name, seed_of(name, round));
	test_settle_before();
	started_at = arch_clock_ns();
	test_body_guard(plan.bench ? bench_body : test->fn);
	elapsed_ns = arch_clock_ns() - started_at;
	test_settle_after();
	test_body_close(&result);

	if (result.nr_failures)
		tally.failed++;
	else if (result.skipped)
		tally.skipped++;
	else
		tally.passed++;
	report_test(test, number);
}

/* How many of the @nr tests from position @start on lie at or after from. */
static unsigned int nr_left(u64 start, unsigned int nr)
{
	if (plan.from <= start)
		return nr;
	return plan.from - start < nr ? nr - (plan.from - start) : 0;
}

/* The suite's last @nr tests, as the report's suite @number. */
static void run_suite(const struct suite *s, unsigned int nr,
		      unsigned int number, u64 round)
{
	unsigned int failed_before = tally.failed;

	report_line("# Subtest: %s\n    1..%u", s->name, nr);
	for (unsigned int i = 1; i <= nr; i++)
		run_one(chosen[s->first + s->nr - nr + i - 1], i, round);
	report_line("%s %u - %s",
		    tally.failed == failed_before ? "ok" : "not ok", number,
		    s->name);
}

/*
 * Visit every suite of every round that has tests left to run; with @dry, only
 * count them.  The positions of a round follow the order of its suites, which
 * shuffling changes.
 */
static unsigned int walk_plan(bool dry)
{
	unsigned int number = 0;
	u64 position = 0;
	struct prng rng;

	choose();
	prng_init(&rng, plan.seed);
	for (u64 round = 0; round < plan.repeat; round++) {
		if (plan.shuffle)
			shuffle(&rng);
		for (unsigned int i = 0; i < nr_suites; i++) {
			const struct suite *s = &suites[i];
			unsigned int nr = nr_left(position, s->nr);

			position += s->nr;
			number += nr > 0;
			if (nr && !dry)
				run_suite(s, nr, number, round);
		}
	}
	return number;
}

static void run_plan(void)
{
	unsigned int stray = test_nr_stray_failures();
	unsigned int nr = walk_plan(true);

	tally = (struct tally){};
	report_header();
	report_line("1..%u", nr);
	walk_plan(false);
	stray = test_nr_stray_failures() - stray;
	report_line("# end passed=%u failed=%u skipped=%u stray=%u",
		    tally.passed, tally.failed, tally.skipped, stray);
	tally.failed += stray;
}

/* What the command line asks for; false if for nothing. */
static bool read_plan(void)
{
	plan = (struct plan){
		.seed = asked_seed,
		.repeat = asked_repeat,
		.from = asked_from,
		.shuffle = asked_shuffle,
		.quick = asked_quick,
	};
	if (asked_bench)
		plan.bench = asked_count;
	else if (!asked_tests)
		return false;
	strlcpy(plan.glob, asked_bench ? asked_bench : asked_tests,
		sizeof(plan.glob));
	return true;
}

void tests_run_all(void)
{
	if (!read_plan())
		return;
	if (asked_nonce[0])
		tap_open(asked_nonce);
	memset(asked_nonce, 0, sizeof(asked_nonce));
	if (plan.bench && !bench_start(plan.bench == BENCH_INSN)) {
		tap_bail_out("the clock does not count instructions exactly");
		test_exit(TEST_EXIT_ABORTED);
	}
	run_plan();
	test_exit(tally.failed || !nr_chosen ? TEST_EXIT_FAILED
					     : TEST_EXIT_PASSED);
}

int tests_run(const char *glob)
{
	plan = (struct plan){.repeat = 1, .seed = rdtsc()};
	strlcpy(plan.glob, glob, sizeof(plan.glob));
	run_plan();
	return nr_chosen ? (int)tally.failed : -1;
}
