/* SPDX-License-Identifier: MIT */
/*
 * framework_impl.h - the parts of the test framework, to each other.
 *
 *	plan.c		which tests, in which order
 *	run.c		running them, and what came of it
 *	body.c		the test that runs: its failures, its end, its seed
 *	limit.c		its time limit
 *	settle.c	leaks and audits, once all is settled
 *	expect.c	what was compared, in words
 *	tap.c		records on COM2, each under a seal
 *	seal.c		the seal: a keyed hash that a test cannot compute
 *	bench.c		benchmarks: rounds, figures, calibration
 *	exit.c		the ways out of the machine
 */
#pragma once
#include <lib/compiler.h>
#include <lib/types.h>
#include <tests/bench.h>
#include <tests/test.h>

/* A line or a record being built; stops quietly when it is full. */
struct text {
	char *start;
	size_t len;
	size_t size;
};

void text_init(struct text *t, char *buf, size_t size);
void text_add(struct text *t, const char *fmt, ...) __printf(2, 3);
/* In double quotes, as YAML understands it; never a line break. */
void text_add_quoted(struct text *t, const char *s);

/* --- plan.c --- */
#define TEST_NAME_CHARS 400

/*
 * A suite's or a test's name as it is reported: not empty, of letters, digits,
 * _ and - alone, and cut where it gets unreasonable.  Returns its end.
 */
char *test_fit_name(char *buf, const char *name);

/* suite.name, each of the two made to fit. */
void test_full_name(char *buf, const struct test *test);

struct plan {
	u64 seed;
	u64 repeat;
	u64 from;
	unsigned long scale;
	bool shuffle;
	bool quick;
	bool faults;	       /* allocations fail while a test runs */
	enum bench_when bench; /* 0: tests */
};
extern struct plan plan;

/* What the command line asks for; opens the report.  False if for nothing. */
bool plan_read(void);

/* All that match, once; @bench is 0 for tests. */
void plan_for(const char *glob, enum bench_when bench);

/* Consecutive tests of one suite, in one round. */
struct stretch {
	const char *suite;
	const struct test *const *tests;
	unsigned int nr;
	u64 seed; /* the round's: SEED= with it repeats the round as the first */
};

/* Start from the beginning; returns how many tests a round has. */
unsigned int plan_rewind(void);
bool plan_next(struct stretch *stretch);

/* Benchmarks are planned by the test that they contain. */
const struct bench_entry *plan_bench_of(const struct test *test);

/* --- seal.c --- */
#define SEAL_KEY_BYTES 16
struct seal_key {
	u64 half[2];
};
u64 seal_compute(const struct seal_key *key, const void *data, size_t len);

/* --- tap.c --- */

/* Take the key of all records from @nonce (32 hex digits) and find COM2. */
bool tap_open(const char *nonce);

/* Between these, nobody else sends and interrupts are off. */
bool tap_is_open(void);
struct text *tap_begin(void);
void tap_end(void);

/*
 * Say why the run ends here.  From any context, also while a record is being
 * built on a CPU that will not come back to it.
 */
void tap_bail_out(const char *why);

/* --- body.c --- */
#define TEST_MAX_FAILURES  8 /* kept in words; all are counted */
#define TEST_FAILURE_CHARS 240

struct test_result {
	unsigned int nr_failures;
	bool skipped;
	bool cut_short;	  /* it ended in mid-way for want of memory */
	bool left_things; /* it is not over, whatever the test thinks */
	char why[TEST_FAILURE_CHARS]; /* it was skipped */
	char failures[TEST_MAX_FAILURES][TEST_FAILURE_CHARS];
};

/* From here on, what fails is a failure of the test called @name ... */
void test_body_open(const char *name, u64 seed);

/* ... until here; *@result is what came of it. */
void test_body_close(struct test_result *result);

/*
 * Call @fn, in this task or in one of its own.  When this comes back it has
 * ended: by return, test_end() or test_skip().
 */
void test_body_guard(void (*fn)(void));
void test_body_in_task(void (*fn)(void));

/* The test that runs now, or NULL. */
const char *test_body_name(void);

/* Its main task's, and less than that of any task that it made. */
int test_body_pid(void);

/* Failures that no test was there to take, from something one left behind. */
unsigned int test_nr_stray_failures(void);

/* A failure, already in words. */
void test_body_fail(const char *words);

/* The same, of a test that may disturb others after its end. */
void test_body_left_fmt(const char *fmt, ...) __printf(1, 2);

/* The same of an expectation, for which a failed allocation may be to blame. */
void test_body_unmet(const char *words);

/* It is the framework that expects something now, and accepts no excuse. */
void test_body_strict(void);

/* Did the body end in mid-way because an allocation failed on purpose? */
bool test_body_was_cut_short(void);
void test_body_fail_fmt(const char *fmt, ...) __printf(1, 2);

/* --- settle.c: around each test; failures are the test's. --- */
void test_settle_before(void);
void test_settle_after(void);

/* --- bench.c --- */

/*
 * Choose the clock, and hold it against loops of known length when it is to
 * count instructions: false if it is off by even one.
 */
bool bench_start(bool count_insns);

/* The body of a benchmark, as test_body_run() calls it: all its rounds. */
void bench_set_entry(const struct bench_entry *entry);
void bench_body(void);

/* What the rounds came to, as lines of the record, or for people. */
void bench_add_figures(struct text *t);
void bench_print_figures(void);

/* --- limit.c --- */

/* Between these the test has @seconds, or the kernel panics. */
void test_limit_start(unsigned int seconds);
void test_limit_stop(void);

/* --- exit.c --- */
enum test_exit {
	TEST_EXIT_PASSED = 0x2a,
	TEST_EXIT_FAILED = 0x2b,
	TEST_EXIT_ABORTED = 0x2c,
};
void __attribute__((noreturn)) test_exit(enum test_exit code);
