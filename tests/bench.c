/* SPDX-License-Identifier: MIT */
/*
 * bench.c - run a benchmark's rounds, and make figures of what it measured.
 *
 * Clock.      In a boot that counts instructions (-icount shift=0) the TSC
 *             advances by one with each, whichever it is.  That is a promise of
 *             the command line, not of the machine, so it is checked first: two
 *             loops that differ by a known number of instructions must differ
 *             by as much, to the last one.  Otherwise the clock is
 *             arch_clock_ns().
 * Figure.     Each round gives one sample, in thousandths of the unit.  The
 *             least of the counted ones is the cost: an interrupt can only add.
 *             Time has no such bound (caches, the host), so its figure is the
 *             median.
 * Overhead.   What bench_begin() and bench_end() count of themselves is found
 *             by measuring nothing, and taken off.
 *
 * Context: everything here is the benchmark's main task's own.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <kernel/core/printk.h>
#include <string.h>
#include <tests/bench.h>
#include "framework_impl.h"

#define MAX_FIGURES 32
#define MAX_FIELDS  4

struct field {
	const char *key;
	const char *value;
};

struct figure {
	const char *name;
	const char *unit;
	const char *context;
	struct field fields[MAX_FIELDS];
	u64 samples[BENCH_ROUNDS]; /* thousandths, ascending */
	unsigned int nr_samples;
};

struct bench {
	u64 started_at;
	u64 elapsed;
	bool is_measuring;
	const char *context;
	struct field fields[MAX_FIELDS];
	unsigned int nr_fields;
};

static bool counts_insns;
static u64 overhead;

static const struct bench_entry *entry;
static bool warming_up;
static struct figure figures[MAX_FIGURES];
static unsigned int nr_figures;

/* --- The clock --- */

bool bench_counts_insns(void)
{
	return counts_insns;
}

u64 bench_clock(void)
{
	return counts_insns ? rdtsc() : arch_clock_ns();
}

/* Two instructions an iteration, whatever the compiler thinks. */
static void loop(unsigned long iterations)
{
	asm volatile("1: dec %0; jnz 1b" : "+r"(iterations) : : "cc");
}

static noinline u64 cost_of_loop(unsigned long iterations)
{
	u64 least = ~0ull;

	for (int i = 0; i < 5; i++) {
		u64 start = rdtsc();

		loop(iterations);
		start = rdtsc() - start;
		if (start < least)
			least = start;
	}
	return least;
}

static bool clock_counts_insns(void)
{
	u64 base = cost_of_loop(1000);

	return cost_of_loop(2000) - base == 2 * 1000 &&
	       cost_of_loop(2001) - base == 2 * 1001 &&
	       cost_of_loop(11000) - base == 2 * 10000;
}

static void measure_overhead(void)
{
	const char *volatile no_figure = NULL; /* or a copy is made for it */
	struct bench nothing = {};
	u64 least = ~0ull;

	overhead = 0;
	for (int i = 0; i < 100; i++) {
		bench_begin(&nothing);
		bench_end(&nothing, no_figure, 1);
		if (nothing.elapsed < least)
			least = nothing.elapsed;
	}
	overhead = least;
}

bool bench_start(bool count_insns)
{
	unsigned long flags;
	bool is_right = true;

	counts_insns = count_insns;
	if (count_insns) {
		flags = arch_local_irq_save();
		is_right = clock_counts_insns();
		arch_local_irq_restore(flags);
	}
	measure_overhead();
	return is_right;
}

/* --- What a benchmark calls --- */

void bench_context(struct bench *b, const char *context)
{
	b->context = context;
}

void bench_field(struct bench *b, const char *key, const char *value)
{
	for (unsigned int i = 0; i < MAX_FIELDS; i++) {
		struct field *f = &b->fields[i];

		if (f->key && strcmp(f->key, key))
			continue;
		*f = (struct field){key, value};
		return;
	}
	FAIL("more than %d fields", MAX_FIELDS);
}

static bool is_figure(const struct figure *f, const struct bench *b,
		      const char *name)
{
	if (strcmp(f->name, name) || strcmp(f->context, b->context))
		return false;
	for (unsigned int i = 0; i < MAX_FIELDS; i++) {
		const struct field *x = &f->fields[i], *y = &b->fields[i];

		if (!x->key != !y->key)
			return false;
		if (x->key &&
		    (strcmp(x->key, y->key) || strcmp(x->value, y->value)))
			return false;
	}
	return true;
}

static struct figure *find_figure(const struct bench *b, const char *name)
{
	struct figure *f;

	for (f = figures; f < figures + nr_figures; f++)
		if (is_figure(f, b, name))
			return f;
	if (nr_figures == MAX_FIGURES) {
		FAIL("more than %d figures", MAX_FIGURES);
		return NULL;
	}
	nr_figures++;
	*f = (struct figure){.name = name, .context = b->context};
	memcpy(f->fields, b->fields, sizeof(f->fields));
	return f;
}

static void add_sample(struct figure *f, u64 sample)
{
	unsigned int i;

	if (f->nr_samples == BENCH_ROUNDS) {
		FAIL("%s is reported twice in a round", f->name);
		return;
	}
	for (i = f->nr_samples++; i && f->samples[i - 1] > sample; i--)
		f->samples[i] = f->samples[i - 1];
	f->samples[i] = sample;
}

static void take(struct bench *b, const char *name, const char *unit, u64 num,
		 u64 den)
{
	struct figure *f;

	if (!den) {
		FAIL("%s is a figure over nothing", name);
		return;
	}
	if (warming_up)
		return;
	f = find_figure(b, name);
	if (!f)
		return;
	f->unit = unit;
	add_sample(f, num * 1000 / den);
}

noinline void bench_begin(struct bench *b)
{
	b->is_measuring = true;
	b->started_at = bench_clock();
}

noinline void bench_end(struct bench *b, const char *figure,
			unsigned long count)
{
	u64 now = bench_clock();

	b->elapsed = now - b->started_at;
	b->elapsed = b->elapsed > overhead ? b->elapsed - overhead : 0;
	if (!figure)
		return;
	if (!b->is_measuring) {
		FAIL("%s: bench_end() without bench_begin()", figure);
		return;
	}
	b->is_measuring = false;
	take(b, figure, counts_insns ? "insn" : "ns", b->elapsed, count);
}

void bench_report(struct bench *b, const char *figure, const char *unit,
		  u64 num, u64 den)
{
	take(b, figure, unit, num, den);
}

/* --- What the framework calls --- */

void bench_set_entry(const struct bench_entry *e)
{
	entry = e;
	nr_figures = 0;
}

void bench_body(void)
{
	for (int round = -1; round < BENCH_ROUNDS; round++) {
		struct bench b = {.context = "idle"};

		warming_up = round < 0;
		entry->fn(&b);
		if (b.is_measuring)
			FAIL("bench_begin() without bench_end()");
	}
	if (!nr_figures)
		FAIL("reported no figure");
	for (unsigned int i = 0; i < nr_figures; i++)
		if (figures[i].nr_samples != BENCH_ROUNDS)
			FAIL("%s is missing from some rounds", figures[i].name);
}

static u64 value_of(const struct figure *f)
{
	if (!strcmp(f->unit, "insn"))
		return f->samples[0];
	return f->samples[f->nr_samples / 2];
}

/* Flow style, which is JSON and YAML alike. */
void bench_add_figures(struct text *t)
{
	if (nr_figures)
		text_add(t, "      figures:\n");
	for (struct figure *f = figures; f < figures + nr_figures; f++) {
		u64 value = value_of(f);

		text_add(t, "        - {\"name\": ");
		text_add_quoted(t, f->name);
		text_add(t, ", \"unit\": ");
		text_add_quoted(t, f->unit);
		text_add(t, ", \"value\": %llu.%03llu, \"context\": ",
			 value / 1000, value % 1000);
		text_add_quoted(t, f->context);
		for (int i = 0; i < MAX_FIELDS && f->fields[i].key; i++) {
			text_add(t, ", ");
			text_add_quoted(t, f->fields[i].key);
			text_add(t, ": ");
			text_add_quoted(t, f->fields[i].value);
		}
		text_add(t, "}\n");
	}
}

void bench_print_figures(void)
{
	for (struct figure *f = figures; f < figures + nr_figures; f++) {
		u64 value = value_of(f);

		pr_notice("  %-32s %8llu.%llu %s (%s)\n", f->name, value / 1000,
			  value % 1000 / 100, f->unit, f->context);
	}
}
