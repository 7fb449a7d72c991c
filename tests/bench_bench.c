/* SPDX-License-Identifier: MIT */
/* bench_bench.c - figures whose right value is known: the frame's own check. */
#include <tests/bench.h>

/* Two instructions each, and nothing for the frame's own part. */
BENCH_WHEN(frame, loop, BENCH_INSN, TEST_SECONDS)
{
	unsigned long n = 1000;

	bench_begin(b);
	asm volatile("1: dec %0; jnz 1b" : "+r"(n) : : "cc");
	bench_end(b, "frame.loop", 1000);
}

BENCH_WHEN(frame, ratio, BENCH_INSN, TEST_SECONDS)
{
	bench_report(b, "frame.ratio", "ratio", 3, 2);
}

/* What every this_cpu operation stays clear of: a locked one on this CPU. */
BENCH(frame, locked_add)
{
	static unsigned long counter;

	bench_begin(b);
	for (int i = 0; i < 1000; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
	bench_end(b, "frame.locked_add", 1000);
}
