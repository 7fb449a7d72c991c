/* SPDX-License-Identifier: MIT */
/*
 * main.c - run the tests of floor 0 as a program on the host.
 *
 * Why.        Floor 0 needs no machine.  Here its tests run in a second, under
 *             the address and undefined-behaviour sanitizers, with real
 *             threads, before a kernel exists that could boot.
 * Verdict.    TAP on standard output, indented as a subtest, plan first; the
 *             exit code is 0 if all passed.  A sanitizer's complaint ends the
 *             program, so whoever reads the TAP must also count the results
 *             against the plan (tests/host/run does).
 * Settings.   T=glob selects by suite.name, SEED=n repeats a run.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lib/atomic.h>
#include <lib/checksum.h>
#include <lib/glob.h>
#include <lib/parse.h>
#include <lib/random.h>
#include <tests/test.h>

extern const struct test *const __start_host_tests[];
extern const struct test *const __stop_host_tests[];

static u64 run_seed;

/* The test that runs.  Fixed while it does, but for the atomics. */
static const char *skip_reason;
static u64 current_seed;
static atomic64_t nr_draws;
static atomic_t nr_failures;
static pthread_t test_thread;
static jmp_buf test_exit;

static void complain(const char *file, int line)
{
	atomic_inc(&nr_failures);
	printf("    # %s:%d: ", file, line);
}

bool test_true(const struct test_site *site, bool held)
{
	if (!held) {
		complain(site->file, site->line);
		printf("expected %s\n", site->a);
	}
	return held;
}

/* < 0, 0, > 0 as mathematics has it: a negative number is below any unsigned
 * one. */
static int compare_values(struct test_value a, struct test_value b)
{
	bool a_negative = a.is_signed && (s64)a.bits < 0;
	bool b_negative = b.is_signed && (s64)b.bits < 0;

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	return a.bits < b.bits ? -1 : a.bits > b.bits;
}

static bool comparison_holds(enum test_op op, int order)
{
	switch (op) {
	case TEST_EQ:
		return order == 0;
	case TEST_NE:
		return order != 0;
	case TEST_LT:
		return order < 0;
	case TEST_LE:
		return order <= 0;
	case TEST_GT:
		return order > 0;
	case TEST_GE:
		return order >= 0;
	}
	return false;
}

static void print_value(struct test_value v)
{
	if (v.is_pointer)
		printf("0x%llx", v.bits);
	else if (v.is_signed)
		printf("%lld", (s64)v.bits);
	else
		printf("%llu", v.bits);
}

bool test_compare(const struct test_site *site, struct test_value a,
		  struct test_value b)
{
	static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};

	if (comparison_holds(site->op, compare_values(a, b)))
		return true;

	complain(site->file, site->line);
	printf("expected %s %s %s: ", site->a, signs[site->op], site->b);
	print_value(a);
	printf(", ");
	print_value(b);
	printf("\n");
	return false;
}

bool test_streq(const struct test_site *site, const char *a, const char *b)
{
	if (a && b && !strcmp(a, b))
		return true;

	complain(site->file, site->line);
	printf("expected %s to be %s: \"%s\", \"%s\"\n", site->a, site->b,
	       a ? a : "(null)", b ? b : "(null)");
	return false;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	complain(file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void test_log(const char *fmt, ...)
{
	va_list ap;

	printf("    # ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* A thread that the test started ends alone. */
void test_end(void)
{
	if (!pthread_equal(pthread_self(), test_thread))
		pthread_exit(NULL);
	longjmp(test_exit, 1);
}

void test_skip(const char *why)
{
	skip_reason = why;
	test_end();
}

u64 test_seed(void)
{
	return current_seed;
}

/* The n-th draw hashes n, so that threads may draw at once. */
u64 test_random(void)
{
	struct prng rng;

	prng_init(&rng, current_seed + atomic64_fetch_inc(&nr_draws));
	return prng_u64(&rng);
}

u64 test_random_below(u64 bound)
{
	return test_random() % bound;
}

static void name_of(const struct test *test, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", test->suite, test->name);
}

static double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Returns whether it passed, or was skipped. */
static bool run_test(const struct test *test, int number, const char *name)
{
	double start = seconds_now();
	bool ok;

	current_seed = run_seed ^ crc32(0, name, strlen(name));
	atomic64_set(&nr_draws, 0);
	atomic_set(&nr_failures, 0);
	skip_reason = NULL;
	test_thread = pthread_self();

	if (!setjmp(test_exit))
		test->fn();

	ok = atomic_read(&nr_failures) == 0;
	printf("    %s %d - %s", ok ? "ok" : "not ok", number, name);
	if (skip_reason)
		printf(" # SKIP %s", skip_reason);
	printf("\n    # time=%.3fms\n", (seconds_now() - start) * 1e3);
	fflush(stdout);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	const struct test *x = *(const struct test *const *)a;
	const struct test *y = *(const struct test *const *)b;
	int order = strcmp(x->suite, y->suite);

	return order ? order : strcmp(x->name, y->name);
}

/* SEED=, or one that differs from run to run. */
static bool choose_seed(void)
{
	const char *text = getenv("SEED");

	run_seed = (u64)time(NULL);
	return !text || !*text || kstrtou64(text, 0, &run_seed) == 0;
}

int main(void)
{
	size_t nr = __stop_host_tests - __start_host_tests, nr_chosen = 0;
	const struct test **chosen = calloc(nr, sizeof(*chosen));
	const char *glob = getenv("T");
	size_t nr_passed = 0;
	char name[200];

	if (!chosen || !choose_seed()) {
		fprintf(stderr, "host tests: SEED= wants a number\n");
		return 2;
	}

	for (size_t i = 0; i < nr; i++) {
		name_of(__start_host_tests[i], name, sizeof(name));
		if (!glob || !*glob || glob_match(glob, name))
			chosen[nr_chosen++] = __start_host_tests[i];
	}
	qsort(chosen, nr_chosen, sizeof(*chosen), by_name);

	printf("    1..%zu\n    # seed=%llu\n", nr_chosen, run_seed);
	for (size_t i = 0; i < nr_chosen; i++) {
		name_of(chosen[i], name, sizeof(name));
		nr_passed += run_test(chosen[i], (int)i + 1, name);
	}
	free(chosen);

	/* Nothing run is nothing shown. */
	return nr_chosen && nr_passed == nr_chosen ? 0 : 1;
}
