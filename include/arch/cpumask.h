/* SPDX-License-Identifier: MIT */
/*
 * cpumask.h - sets of CPUs, and the three sets that everyone asks for.
 *
 * CPU numbers are Tally's own, dense from 0 (the boot CPU); APIC ids are known
 * to floor 1 only.  possible is fixed once the firmware tables are read;
 * online only grows, while the other CPUs are brought up.
 *
 * A CPU enters cpu_online_mask when it can take interrupts and be scheduled on.
 */
#pragma once
#include <arch/percpu.h>
#include <lib/compiler.h>
#include <lib/types.h>

#define CPUMASK_WORDS (NR_CPUS / 64)

typedef struct cpumask {
	u64 bits[CPUMASK_WORDS];
} cpumask_t;

extern cpumask_t __cpu_possible_mask;
extern cpumask_t __cpu_present_mask;
extern cpumask_t __cpu_online_mask;
#define cpu_possible_mask ((const cpumask_t *)&__cpu_possible_mask)
#define cpu_present_mask  ((const cpumask_t *)&__cpu_present_mask)
#define cpu_online_mask	  ((const cpumask_t *)&__cpu_online_mask)

/* One more than the highest possible CPU: the bound for arrays and loops. */
extern unsigned int nr_cpu_ids;

/* Kept beside the mask, so that asking is one load. */
extern unsigned int nr_online_cpus;

static inline bool cpumask_test_cpu(unsigned int cpu, const cpumask_t *mask)
{
	u64 word = __atomic_load_n(&mask->bits[cpu / 64], __ATOMIC_RELAXED);

	return word >> (cpu % 64) & 1;
}

/* Setting and clearing are atomic and order like full barriers. */
static inline void cpumask_set_cpu(unsigned int cpu, cpumask_t *mask)
{
	__atomic_fetch_or(&mask->bits[cpu / 64], 1ull << (cpu % 64),
			  __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear_cpu(unsigned int cpu, cpumask_t *mask)
{
	__atomic_fetch_and(&mask->bits[cpu / 64], ~(1ull << (cpu % 64)),
			   __ATOMIC_SEQ_CST);
}

/* Whether the bit was set before. */
static inline bool cpumask_test_and_set_cpu(unsigned int cpu, cpumask_t *mask)
{
	u64 bit = 1ull << (cpu % 64);

	return __atomic_fetch_or(&mask->bits[cpu / 64], bit, __ATOMIC_SEQ_CST) &
	       bit;
}

static inline bool cpumask_test_and_clear_cpu(unsigned int cpu, cpumask_t *mask)
{
	u64 bit = 1ull << (cpu % 64);

	return __atomic_fetch_and(&mask->bits[cpu / 64], ~bit,
				  __ATOMIC_SEQ_CST) &
	       bit;
}

static inline void cpumask_clear(cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		mask->bits[i] = 0;
}

static inline void cpumask_setall(cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		mask->bits[i] = ~0ull;
}

static inline void cpumask_copy(cpumask_t *dst, const cpumask_t *src)
{
	*dst = *src;
}

static inline void cpumask_and(cpumask_t *dst, const cpumask_t *a,
			       const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		dst->bits[i] = a->bits[i] & b->bits[i];
}

static inline void cpumask_or(cpumask_t *dst, const cpumask_t *a,
			      const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		dst->bits[i] = a->bits[i] | b->bits[i];
}

static inline void cpumask_andnot(cpumask_t *dst, const cpumask_t *a,
				  const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		dst->bits[i] = a->bits[i] & ~b->bits[i];
}

static inline bool cpumask_empty(const cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (mask->bits[i])
			return false;
	return true;
}

static inline bool cpumask_equal(const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (a->bits[i] != b->bits[i])
			return false;
	return true;
}

static inline bool cpumask_intersects(const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

static inline bool cpumask_subset(const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_WORDS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

unsigned int cpumask_weight(const cpumask_t *mask);

/* The first member above @cpu (-1: from the start); NR_CPUS when none is. */
unsigned int cpumask_next(int cpu, const cpumask_t *mask);

static inline unsigned int cpumask_first(const cpumask_t *mask)
{
	return cpumask_next(-1, mask);
}

/* The member that @n others come before; NR_CPUS if there are fewer. */
static inline unsigned int cpumask_nth(unsigned int n, const cpumask_t *mask)
{
	unsigned int cpu = cpumask_first(mask);

	while (n-- && cpu < NR_CPUS)
		cpu = cpumask_next(cpu, mask);
	return cpu;
}

static inline unsigned int cpumask_next_and(int cpu, const cpumask_t *a,
					    const cpumask_t *b)
{
	unsigned int next = cpu;

	do {
		next = cpumask_next(next, a);
	} while (next < NR_CPUS && !cpumask_test_cpu(next, b));
	return next;
}

/* The set of @cpu alone, for good. */
extern const cpumask_t __cpumask_of[NR_CPUS];

static inline const cpumask_t *cpumask_of(unsigned int cpu)
{
	return &__cpumask_of[cpu];
}

#define for_each_cpu(cpu, mask)                                                \
	for ((cpu) = cpumask_first(mask); (cpu) < NR_CPUS;                     \
	     (cpu) = cpumask_next((cpu), (mask)))

#define for_each_possible_cpu(cpu) for_each_cpu(cpu, cpu_possible_mask)
#define for_each_present_cpu(cpu)  for_each_cpu(cpu, cpu_present_mask)
#define for_each_online_cpu(cpu)   for_each_cpu(cpu, cpu_online_mask)

static inline bool cpu_online(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, cpu_online_mask);
}

static inline bool cpu_possible(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, cpu_possible_mask);
}

static inline unsigned int num_online_cpus(void)
{
	return __atomic_load_n(&nr_online_cpus, __ATOMIC_RELAXED);
}

static inline bool cpu_present(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, cpu_present_mask);
}

static inline unsigned int num_possible_cpus(void)
{
	return cpumask_weight(cpu_possible_mask);
}

static inline unsigned int num_present_cpus(void)
{
	return cpumask_weight(cpu_present_mask);
}

/* By the CPU itself, at the end of its bring-up. */
void cpu_set_online(unsigned int cpu);
