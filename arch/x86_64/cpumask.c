/* SPDX-License-Identifier: MIT */
/* cpumask.c - the sets of CPUs, and walking them. */
#include <arch/cpumask.h>
#include "tlb_impl.h"

cpumask_t __cpu_possible_mask;
cpumask_t __cpu_present_mask;
cpumask_t __cpu_online_mask = {{1}};

/* All sets of one, spelled out: they are there from the start, and for good. */
#define ONE(n)	[n] = {.bits[(n) / 64] = 1ull << (n) % 64}
#define FOUR(n) ONE(n), ONE((n) + 1), ONE((n) + 2), ONE((n) + 3)
#define X16(n)	FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)
#define X64(n)	X16(n), X16((n) + 16), X16((n) + 32), X16((n) + 48)

_Static_assert(NR_CPUS == 256, "as many as listed here");
const cpumask_t __cpumask_of[NR_CPUS] = {X64(0), X64(64), X64(128), X64(192)};

unsigned int nr_cpu_ids = 1;
unsigned int nr_online_cpus = 1;

unsigned int cpumask_weight(const cpumask_t *mask)
{
	unsigned int weight = 0;

	for (int i = 0; i < CPUMASK_WORDS; i++)
		for (u64 word = mask->bits[i]; word; word &= word - 1)
			weight++;
	return weight;
}

unsigned int cpumask_next(int cpu, const cpumask_t *mask)
{
	unsigned int from = cpu + 1;

	for (unsigned int i = from / 64; i < CPUMASK_WORDS; i++) {
		u64 word = __atomic_load_n(&mask->bits[i], __ATOMIC_RELAXED);

		if (i == from / 64)
			word &= ~0ull << (from % 64);
		if (word)
			return i * 64 + __builtin_ctzll(word);
	}
	return NR_CPUS;
}

/*
 * The TLB catches up after the bit is set: a flush that did not see the bit
 * changed the page tables before that, and this one covers it.
 */
void cpu_set_online(unsigned int cpu)
{
	if (!cpumask_test_and_set_cpu(cpu, &__cpu_online_mask))
		__atomic_fetch_add(&nr_online_cpus, 1, __ATOMIC_SEQ_CST);
	tlb_interrupt();
}
