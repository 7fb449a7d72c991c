/* SPDX-License-Identifier: MIT */
/* benches.c - benchmarks that must not get away with what they report. */
#include <tests/bench.h>

BENCH(mute, says_nothing)
{
}

/* Six calls: one to warm up, five that count. */
BENCH(mute, says_it_sometimes)
{
	static int nr_calls;

	bench_report(b, "mute.always", "ratio", 1, 2);
	if (nr_calls++ % 2)
		bench_report(b, "mute.sometimes", "ratio", 1, 2);
}

BENCH(mute, begins_without_end)
{
	bench_begin(b);
	bench_report(b, "mute.half", "ratio", 1, 2);
}

BENCH(mute, ends_without_begin)
{
	bench_end(b, "mute.half", 1);
}

BENCH(mute, counts_nothing)
{
	bench_begin(b);
	bench_end(b, "mute.nothing", 0);
}

BENCH(mute, says_it_twice)
{
	bench_report(b, "mute.twice", "ratio", 1, 2);
	bench_report(b, "mute.twice", "ratio", 1, 2);
}

BENCH(mute, fails)
{
	bench_report(b, "mute.fails", "ratio", 1, 2);
	EXPECT(!"a figure of a failed benchmark is kept");
}

BENCH(mute, crashes)
{
	asm volatile("ud2");
}
