/* SPDX-License-Identifier: MIT */
/*
 * bench.h - measure what an operation costs.
 *
 *	BENCH(page, order0)
 *	{
 *		bench_begin(b);
 *		for (int i = 0; i < 1000; i++)
 *			__free_pages(alloc_pages(GFP_KERNEL, 0), 0);
 *		bench_end(b, "page.order0.pair", 1000);
 *	}
 *
 * The body calls the public header as any user would.  It runs in a task, once
 * to warm up and then BENCH_ROUNDS times.  `make bench` boots four times:
 *
 *	icount, 1 CPU	bench_end() counts instructions (unit "insn"), exactly;
 *			the figure is the least of all rounds, so a timer tick
 *			in one round does not show.
 *	icount, 2 CPUs	All CPUs' instructions count, and they take turns: only
 *			for what is written for that (BENCH_SMP).
 *	wall, 1 CPU	bench_end() measures time (unit "ns"); the figure is
 *	wall, 2 CPUs	the median.
 *
 * and all that again in the object allocator's other shape, for the figures
 * that have a field "slab".
 *
 * What the loop itself costs (two instructions an iteration) is counted; what
 * bench_begin() and bench_end() cost is not.
 *
 * A body must report at least one figure, and the same ones each round: one
 * that does not is an error.  EXPECT and ASSERT of <tests/test.h> work here,
 * and a failed one withdraws the figures.
 *
 * Figure names are stable: dots between the parts, as in page.order0.pair.
 */
#pragma once
#include <lib/types.h>
#include <tests/test.h>

#define BENCH_ROUNDS 5

/* Which of the boots a benchmark takes part in. */
enum bench_when {
	BENCH_INSN = 1,
	BENCH_WALL = 2,
	BENCH_BOTH = BENCH_INSN | BENCH_WALL,
	BENCH_SMP = 4, /* needs two CPUs, and knows whose work it counts */
};

struct bench;

#define BENCH(suite, name) BENCH_WHEN(suite, name, BENCH_BOTH, TEST_SECONDS)

#define BENCH_WHEN(suite_, name_, when_, seconds_)                             \
	static void bench_fn_##suite_##__##name_(struct bench *b);             \
	static const struct bench_entry bench_##suite_##__##name_ = {          \
		.test =                                                        \
			{                                                      \
				.suite = #suite_,                              \
				.name = #name_,                                \
				.file = __FILE__,                              \
				.line = __LINE__,                              \
				.seconds = (seconds_),                         \
			},                                                     \
		.when = (when_),                                               \
		.fn = bench_fn_##suite_##__##name_,                            \
	};                                                                     \
	TEST_REGISTER("benches", bench_entry, bench_##suite_##__##name_);      \
	static void bench_fn_##suite_##__##name_(struct bench *b)

/*
 * Say under what circumstances the figures that follow were taken; "idle"
 * (no groups) unless told.  @context must outlive the benchmark.
 */
void bench_context(struct bench *b, const char *context);

/* Add a field to the figures that follow.  Both must outlive the benchmark. */
void bench_field(struct bench *b, const char *key, const char *value);

/* Measure from here ... */
void bench_begin(struct bench *b);

/* ... to here, where @count operations were done. */
void bench_end(struct bench *b, const char *figure, unsigned long count);

/*
 * Report a figure found otherwise (a ratio, bytes): @num / @den.  The figure
 * is the median of the rounds.
 */
void bench_report(struct bench *b, const char *figure, const char *unit,
		  u64 num, u64 den);

/* Whether this boot counts instructions; it measures time otherwise. */
bool bench_counts_insns(void);

/* What is measured: instructions, or nanoseconds. */
u64 bench_clock(void);

/* What the macro is made of. */
struct bench_entry {
	struct test test; /* without a function */
	enum bench_when when;
	void (*fn)(struct bench *b);
};
