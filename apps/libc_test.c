/* SPDX-License-Identifier: MIT */
/*
 * libc_test.c - what a program may expect of newlib: that it reads and writes
 * numbers of every kind, and that its state is the program's own.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <kernel/task/task.h>
#include <tests/test.h>

#define CONTESTANTS 16

/* Runs @fn in a task of its own; its exit code. */
static int outcome_of(int (*fn)(void *arg))
{
	struct task *t = task_run(fn, NULL, "libc-test");

	return t ? task_join(t) : -ENOMEM;
}

/* Many at once, each with its number; how many did not return 0. */
static int failures_of(int (*fn)(void *arg))
{
	struct task *t[CONTESTANTS];
	int failed = 0;

	for (long i = 0; i < CONTESTANTS; i++)
		t[i] = task_run(fn, (void *)i, "libc-test");
	for (int i = 0; i < CONTESTANTS; i++)
		failed += !t[i] || task_join(t[i]);
	return failed;
}

/* -- Numbers ----------------------------------------------------------------- */

#define EXPECT_PRINTS(text, ...)                                               \
	do {                                                                   \
		char out_[128];                                                \
                                                                               \
		EXPECT_EQ(snprintf(out_, sizeof(out_), __VA_ARGS__),           \
			  strlen(text));                                       \
		EXPECT_STREQ(out_, text);                                      \
	} while (0)

static int print_everything(void *arg)
{
	int count = 0;

	EXPECT_PRINTS("1.500000 1.500000 3.250000", "%f %lf %Lf", 1.5, 1.5,
		      3.25L);
	EXPECT_PRINTS("0x1.8p+0 0x1.ap+1", "%a %La", 1.5, 3.25L);
	EXPECT_PRINTS("1e+100 1.0e+00 1E-07", "%g %.1e %G", 1e100, 1.0, 1e-7);
	EXPECT_PRINTS("inf -inf nan", "%f %f %f", INFINITY, -INFINITY, NAN);
	EXPECT_PRINTS("0.1000000000000000055511151231257827", "%.34f", 0.1);
	EXPECT_PRINTS("-9223372036854775808", "%lld", LLONG_MIN);
	EXPECT_PRINTS("18446744073709551615", "%llu", ULLONG_MAX);
	EXPECT_PRINTS("123 -5 1 0xff 017", "%zu %td %hd %#x %#o", (size_t)123,
		      (ptrdiff_t)-5, (short)1, 255, 15);
	EXPECT_PRINTS("  42|42  |0042|+42|abc|%", "%4d|%-4d|%04d|%+d|%.3s|%%",
		      42, 42, 42, 42, "abcdef");
	EXPECT_PRINTS("  3.14|*", "%*.*f|%c%n", 6, 2, 3.14159, '*', &count);
	EXPECT_EQ(count, 8);
	return 0;
}

TEST(libc, printf_writes_numbers_of_every_kind)
{
	EXPECT_EQ(outcome_of(print_everything), 0);
}

static int scan_everything(void *arg)
{
	long double ld;
	long long ll;
	unsigned int x;
	char word[8], c;
	size_t z;
	double d;
	float f;
	int i, n;

	EXPECT_EQ(sscanf("12 3.5 2.25 1.125 word Z 123456789012345 77 ff",
			 "%d %lf %f %Lf %7s %c %lld %zu %x", &i, &d, &f, &ld,
			 word, &c, &ll, &z, &x),
		  9);
	EXPECT(i == 12 && d == 3.5 && f == 2.25f && ld == 1.125L);
	EXPECT_STREQ(word, "word");
	EXPECT(c == 'Z' && ll == 123456789012345 && z == 77 && x == 0xff);
	EXPECT_EQ(sscanf("abc123", "%7[a-z]%n%i", word, &n, &i), 2);
	EXPECT(!strcmp(word, "abc") && n == 3 && i == 123);
	EXPECT_EQ(sscanf("x", "%d", &i), 0);
	EXPECT_EQ(sscanf("", "%d", &i), EOF);
	EXPECT_EQ(strtod("0x1.8p1 rest", NULL), 3.0);
	return 0;
}

TEST(libc, scanf_reads_numbers_of_every_kind)
{
	EXPECT_EQ(outcome_of(scan_everything), 0);
}

/* -- Control ----------------------------------------------------------------- */

static int jump(void *arg)
{
	volatile double sum = 0.5;
	volatile int turns = 0;
	jmp_buf back;

	if (setjmp(back) < 5) {
		sum += 1.25;
		longjmp(back, ++turns);
	}
	return turns == 5 && sum == 6.75 ? 0 : 1;
}

TEST(libc, longjmp_goes_back_in_many_tasks_at_once)
{
	EXPECT_EQ(failures_of(jump), 0);
}

static volatile sig_atomic_t signals_seen;

static void count_signal(int signal)
{
	signals_seen += signal;
}

static int raise_some(void *arg)
{
	EXPECT_EQ(signal(SIGUSR1, count_signal), SIG_DFL);
	EXPECT_EQ(raise(SIGUSR1), 0);
	EXPECT_EQ(signals_seen, SIGUSR1);
	signal(SIGTERM, SIG_IGN);
	EXPECT_EQ(raise(SIGTERM), 0);
	raise(SIGINT);
	return 1;
}

static int assert_wrongly(void *arg)
{
	assert(arg);
	return 1;
}

static int exit_with_more(void *arg)
{
	exit(300);
}

TEST(libc, programs_end_with_the_code_of_their_signal)
{
	signals_seen = 0;
	EXPECT_EQ(outcome_of(raise_some), 128 + SIGINT);
	/* Another's handlers are not this one's. */
	EXPECT_EQ(signal(SIGUSR1, SIG_DFL), SIG_DFL);
	EXPECT_EQ(outcome_of(assert_wrongly), 128 + SIGABRT);
	EXPECT_EQ(outcome_of(exit_with_more), 300);
}

/* -- State ------------------------------------------------------------------- */

/* Begun in one order and gone on with in another: strtok()'s place, the random
 * numbers' seed, localtime()'s result. */
static int keep_state(void *arg)
{
	long me = (long)arg, sum = 0;
	time_t day = me * 86400;
	struct tm *tm = localtime(&day);
	char text[64], *word;
	int first;

	srand(me);
	first = rand();
	snprintf(text, sizeof(text), "%ld %ld %ld", me, me + 1, me + 2);
	srand(me);
	for (word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		usleep(500);
		sum += atol(word);
	}
	if (sum != 3 * me + 3 || tm->tm_mday != me + 1 || tm->tm_year != 70)
		return 1;
	return rand() != first;
}

TEST(libc, state_between_calls_is_each_tasks_own)
{
	EXPECT_EQ(failures_of(keep_state), 0);
}

/* Of @size bytes, all of them @mark. */
static bool is_filled(const char *p, size_t size, char mark)
{
	for (size_t i = 0; i < size; i++) {
		if (p[i] != mark)
			return false;
	}
	return true;
}

static void *allocate_somehow(void *old, size_t size, unsigned int how)
{
	void *p;

	if (how == 0)
		return realloc(old, size);
	free(old);
	if (how == 1)
		return malloc(size);
	if (how == 2)
		return memalign(256, size);
	p = calloc(1, size);
	return p && is_filled(p, size, 0) ? p : NULL;
}

static int allocate_at_random(void *arg)
{
	unsigned int seed = test_seed() + (long)arg;
	char *p[32] = {NULL};
	size_t size[32] = {0};

	for (int i = 0; i < 1000; i++) {
		int k = rand_r(&seed) % 32;
		size_t kept = size[k];
		unsigned int how = rand_r(&seed) % 4;

		if (!is_filled(p[k], size[k], k))
			return 1;
		size[k] = 1 + rand_r(&seed) % 4000;
		p[k] = allocate_somehow(p[k], size[k], how);
		if (!p[k] || (how == 2 && (unsigned long)p[k] % 256))
			return 2;
		kept = how || kept > size[k] ? size[k] : kept;
		if (!how && !is_filled(p[k], kept, k))
			return 3;
		memset(p[k], k, size[k]);
	}
	return 0;
}

TEST(libc, malloc_serves_many_tasks_at_once)
{
	EXPECT_EQ(failures_of(allocate_at_random), 0);
}
