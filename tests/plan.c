/* SPDX-License-Identifier: MIT */
/*
 * plan.c - which tests, and in which order.
 *
 * Tests lie in a linker section, file by file in link order.  A plan goes over
 * them round by round and suite by suite, shuffled by the seed if asked, and
 * numbers them as it goes.  The numbers are the same for the same command line,
 * so a runner whose guest died at position n boots again with test.from=n+1 and
 * the rest is tested as if nothing had happened.  Round n draws from the seed
 * plus n: given that one, it comes first.
 *
 *	test=GLOB[,GLOB]	on suite.name, or a whole suite
 *	bench=GLOB[,GLOB]	benchmarks instead of tests
 *	bench.count=insns	what they measure; time otherwise
 *	test.nonce=HEX		the seal's key, 32 digits; without it no report
 *	test.seed=N test.repeat=N test.shuffle=1 test.from=N
 *	test.quick=1		leave out tests that ask for extra time
 *	test.faults=1		failslab= and its like are for tests alone
 *	test.scale=N		all time limits times N
 */
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <boot/boot_info.h>
#include <boot/param.h>
#include <ctype.h>
#include <errno.h>
#include <lib/format.h>
#include <lib/glob.h>
#include <lib/random.h>
#include <string.h>
#include <tests/run.h>
#include "framework_impl.h"

#define MAX_TESTS      4096
#define MAX_SUITES     1024
#define MAX_NAME_CHARS 190 /* of a suite, or of a test in it */

extern const struct test *const __registry_tests_start[];
extern const struct test *const __registry_tests_end[];
extern const struct bench_entry *const __registry_benches_start[];
extern const struct bench_entry *const __registry_benches_end[];

struct suite {
	const char *name;
	unsigned int first; /* in chosen[] */
	unsigned int nr;
};

struct plan plan;

/* The patterns of the plan, each ended by a NUL. */
static char globs[BOOT_MAX_CMDLINE];
static const char *globs_end;

/* Chosen for this round, suite after suite. */
static const struct test *chosen[MAX_TESTS];
static unsigned int nr_chosen;
static struct suite suites[MAX_SUITES];
static unsigned int nr_suites;

/* Where plan_next() is. */
static u64 round;
static u64 position;
static unsigned int next_suite;

/* --- What the command line asks for --- */

static const char *asked_tests;
static const char *asked_bench;
static enum bench_when asked_count = BENCH_WALL;
static unsigned long asked_seed;
static unsigned long asked_repeat = 1;
static unsigned long asked_from;
static bool asked_shuffle;
static bool asked_quick;
static bool asked_faults;
static unsigned long asked_scale = 1;
static char asked_nonce[2 * SEAL_KEY_BYTES + 2];

/* Copied out, and unreadable afterwards: no test may find it lying about. */
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
BOOT_PARAM_ULONG("test.from", asked_from, 0, ~0ul, "skip so many at the start");
BOOT_PARAM_ULONG("test.scale", asked_scale, 1, 1000,
		 "how much slower than usual this machine is");
BOOT_PARAM_BOOL("test.shuffle", asked_shuffle, "in an order the seed chooses");
BOOT_PARAM_BOOL("test.quick", asked_quick, "leave out the long ones");
BOOT_PARAM_BOOL("test.faults", asked_faults,
		"what fails on purpose does so only while a test runs");
BOOT_PARAM("test.nonce", take_nonce, "32 hexadecimal digits",
	   "the key of the report's seals; without it there is no report");

static void set_globs(const char *text)
{
	strlcpy(globs, text, sizeof(globs));
	globs_end = globs + strlen(globs);
	for (char *c = globs; *c; c++)
		if (*c == ',')
			*c = '\0';
}

bool plan_read(void)
{
	const char *glob = asked_bench ? asked_bench : asked_tests;

	if (!glob)
		return false;
	plan = (struct plan){
		.seed = asked_seed,
		.repeat = asked_repeat,
		.from = asked_from,
		.scale = asked_scale,
		.shuffle = asked_shuffle,
		.quick = asked_quick,
		.faults = asked_faults,
		.bench = asked_bench ? asked_count : 0,
	};
	set_globs(glob);
	if (asked_nonce[0])
		tap_open(asked_nonce);
	memset(asked_nonce, 0, sizeof(asked_nonce));
	return true;
}

void plan_for(const char *glob, enum bench_when bench)
{
	plan = (struct plan){
		.seed = rdtsc(),
		.repeat = 1,
		.scale = asked_scale,
		.bench = bench,
	};
	set_globs(glob);
}

/* --- Choosing --- */

bool tests_name(unsigned int i, const char **suite, const char **name)
{
	const struct test *const *t = __registry_tests_start + i;

	if (t >= __registry_tests_end)
		return false;
	*suite = (*t)->suite;
	*name = (*t)->name;
	return true;
}

bool benches_name(unsigned int i, const char **suite, const char **name)
{
	const struct bench_entry *const *b;

	for (b = __registry_benches_start; b < __registry_benches_end; b++) {
		if (!((*b)->when & BENCH_WALL) || i--)
			continue;
		*suite = (*b)->test.suite;
		*name = (*b)->test.name;
		return true;
	}
	return false;
}

/* What TEST() makes of C's identifiers is taken as it is. */
char *test_fit_name(char *buf, const char *name)
{
	char *start = buf;

	for (; *name && buf < start + MAX_NAME_CHARS; name++)
		*buf++ = isalnum((unsigned char)*name) || *name == '-' ? *name
								       : '_';
	if (buf == start)
		*buf++ = '_';
	*buf = '\0';
	return buf;
}

void test_full_name(char *buf, const struct test *test)
{
	buf = test_fit_name(buf, test->suite);
	*buf++ = '.';
	test_fit_name(buf, test->name);
}

/* A suite's bare name means all of it. */
static bool is_meant(const struct test *test)
{
	char name[TEST_NAME_CHARS], suite[TEST_NAME_CHARS];

	test_full_name(name, test);
	test_fit_name(suite, test->suite);
	for (const char *glob = globs; glob <= globs_end;
	     glob += strlen(glob) + 1)
		if (glob_match(glob, name) || glob_match(glob, suite))
			return true;
	return false;
}

const struct bench_entry *plan_bench_of(const struct test *test)
{
	return container_of(test, struct bench_entry, test);
}

static size_t nr_candidates(void)
{
	if (plan.bench)
		return __registry_benches_end - __registry_benches_start;
	return __registry_tests_end - __registry_tests_start;
}

/* Can this machine, in this boot, measure it? */
static bool is_measurable(const struct bench_entry *b)
{
	bool is_smp = b->when & BENCH_SMP;

	if (!(b->when & plan.bench))
		return false;
	return nr_online_cpus > 1 ? is_smp || plan.bench == BENCH_WALL
				  : !is_smp;
}

/* The @i-th that is there, or NULL if it is not asked for. */
static const struct test *candidate(size_t i)
{
	const struct test *test;

	if (plan.bench)
		test = &__registry_benches_start[i]->test;
	else
		test = __registry_tests_start[i];
	if (plan.bench && !is_measurable(plan_bench_of(test)))
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

/* From the order in which they were chosen, whatever rounds came before. */
static void shuffle(void)
{
	struct prng rng;

	prng_init(&rng, plan.seed + round);
	prng_shuffle(&rng, suites, nr_suites, sizeof(suites[0]));
	for (unsigned int i = 0; i < nr_suites; i++)
		prng_shuffle(&rng, chosen + suites[i].first, suites[i].nr,
			     sizeof(chosen[0]));
}

/* --- Going through it --- */

unsigned int plan_rewind(void)
{
	position = round = next_suite = 0;
	choose();
	if (plan.shuffle)
		shuffle();
	return nr_chosen;
}

/* How many of the @nr tests from position @start on lie at or after from. */
static unsigned int nr_left(u64 start, unsigned int nr)
{
	if (plan.from <= start)
		return nr;
	return plan.from - start < nr ? nr - (plan.from - start) : 0;
}

/* The positions of a round follow the order of its suites, shuffled or not. */
bool plan_next(struct stretch *stretch)
{
	const struct suite *s;
	unsigned int nr;

	while (nr_suites && round < plan.repeat) {
		if (next_suite == nr_suites) {
			next_suite = 0;
			round++;
			if (plan.shuffle) {
				choose();
				shuffle();
			}
			continue;
		}
		s = &suites[next_suite++];
		nr = nr_left(position, s->nr);
		position += s->nr;
		if (!nr)
			continue;
		*stretch = (struct stretch){
			.suite = s->name,
			.tests = chosen + s->first + s->nr - nr,
			.nr = nr,
			.seed = plan.seed + round,
		};
		return true;
	}
	return false;
}
