/* SPDX-License-Identifier: MIT */
/*
 * float_test.c - floating point, in many tasks on every CPU.
 *
 * Compiled as programs are: it is the one test file that may use doubles.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <kernel/task/task.h>
#include <tests/test.h>

#define TASKS_PER_CPU 4

/*
 * Iterates a map that forgets nothing: one wrong bit in a register, at any
 * time, and the result is another.  Different for each @which.
 */
static double wander(int which, int steps, bool yielding)
{
	double x = 0.1 + which / 1000.0, sum = 0;

	for (int i = 0; i < steps; i++) {
		x = 3.99 * x * (1 - x);
		sum += sqrt(x) / (i + 1);
		if (yielding && i % 64 == 0)
			sched_yield();
	}
	return sum + x;
}

/* The @n-th CPU that is online. */
static void stay_on(unsigned int n)
{
	unsigned int cpu;
	cpumask_t mask;

	for_each_online_cpu(cpu) {
		if (!n--)
			break;
	}
	mask = *cpumask_of(cpu);
	EXPECT_EQ(set_cpus_allowed(current, &mask), 0);
}

struct wanderer {
	int which;
	double expected;
	struct task *task;
};

/* The test's own task may be a kernel thread, which has no such registers. */
static int expect_task(void *arg)
{
	struct wanderer *w = arg;

	w->expected = wander(w->which, 20000, false);
	return 0;
}

/* The first two rounds on a CPU of its own, the others wherever it is put. */
static int wander_task(void *arg)
{
	const struct wanderer *w = arg;

	stay_on(w->which % num_online_cpus());
	for (int round = 0; round < 4; round++) {
		if (round == 2)
			set_cpus_allowed(current, cpu_online_mask);
		if (wander(w->which, 20000, round % 2) != w->expected)
			return 1;
	}
	return 0;
}

TEST_T(floating_point, results_survive_switches_and_migrations, 60)
{
	int tasks = TASKS_PER_CPU * num_online_cpus();
	struct wanderer *w = calloc(tasks, sizeof(*w));

	ASSERT(w);
	for (int i = 0; i < tasks; i++) {
		w[i].which = i;
		w[i].task = task_run(expect_task, &w[i], "expect");
		ASSERT(w[i].task);
		EXPECT_EQ(task_join(w[i].task), 0);
	}
	for (int i = 0; i < tasks; i++) {
		w[i].task = task_run(wander_task, &w[i], "wanderer");
		EXPECT(w[i].task);
	}
	for (int i = 0; i < tasks; i++) {
		if (w[i].task)
			EXPECT_EQ(task_join(w[i].task), 0);
	}
	free(w);
}

static int print_task(void *arg)
{
	struct wanderer *w = arg;
	char text[64], expected[64];
	int wrong = 0;

	stay_on(w->which % num_online_cpus());
	for (int i = 0; i < 40; i++) {
		/* Digits by integers only, to compare with. */
		int whole = w->which * 1000 + i, part = (i * 37) % 1000;
		double x = whole + part / 1000.0;

		siprintf(expected, "%d.%03d %s", whole, part, "end");
		snprintf(text, sizeof(text), "%.3f %s", x, "end");
		wrong += strcmp(text, expected) != 0;
		wrong += strtod(text, NULL) != x;
		if (i % 8 == 0)
			sched_yield();
	}
	return wrong;
}

TEST_T(floating_point, printf_and_strtod_are_right_in_many_tasks, 60)
{
	int tasks = TASKS_PER_CPU * num_online_cpus();
	struct wanderer *w = calloc(tasks, sizeof(*w));

	ASSERT(w);
	for (int i = 0; i < tasks; i++) {
		w[i].which = i;
		w[i].task = task_run(print_task, &w[i], "printer");
		EXPECT(w[i].task);
	}
	for (int i = 0; i < tasks; i++) {
		if (w[i].task)
			EXPECT_EQ(task_join(w[i].task), 0);
	}
	free(w);
}

static int print_formats(void *arg)
{
	char text[64];

	snprintf(text, sizeof(text), "%g %e %.0f %5.1f|%a", 0.1, 12345.678, 2.5,
		 -3.14159, 1.0);
	EXPECT_STREQ(text, "0.1 1.234568e+04 2  -3.1|0x1p+0");
	snprintf(text, sizeof(text), "%zu %lld %hhx %jd %td", sizeof(text),
		 -1ll, (unsigned char)0xff, (intmax_t)-5, (ptrdiff_t)7);
	EXPECT_STREQ(text, "64 -1 ff -5 7");
	return 0;
}

TEST(floating_point, printf_knows_its_formats)
{
	struct task *t = task_run(print_formats, NULL, "formats");

	ASSERT(t);
	EXPECT_EQ(task_join(t), 0);
}
