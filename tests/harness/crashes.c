/* SPDX-License-Identifier: MIT */
/* crashes.c - tests that take the machine down, each in its own way. */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <lib/types.h>
#include <tests/test.h>

/* Keeps the compiler from seeing that what follows is never reached. */
static volatile bool always = true;

TEST_T(culprit, hangs_with_irqs_on, 1)
{
	while (always)
		cpu_relax();
}

TEST_T(culprit, hangs_with_irqs_off, 1)
{
	local_irq_disable();
	while (always)
		cpu_relax();
}

TEST_T(culprit, halts_with_irqs_off, 1)
{
	local_irq_disable();
	while (always)
		cpu_halt();
}

/* Within its own limit, but not within any that a person would wait for. */
TEST_T(endless, never_ends, 3600)
{
	while (always)
		cpu_relax();
}

TEST(endless, comes_after)
{
}

TEST(culprit, writes_to_nowhere)
{
	int *volatile nowhere = (int *)0x10;

	*nowhere = 1;
}

TEST(culprit, runs_nowhere)
{
	void (*volatile nowhere)(void) = (void (*)(void))0x10;

	nowhere();
}

TEST(culprit, writes_to_text)
{
	*(volatile char *)(unsigned long)test_end = 0;
}

TEST(culprit, runs_an_undefined_instruction)
{
	asm volatile("ud2");
}

TEST(culprit, triple_faults)
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} nothing = {};

	asm volatile("lidt %0; int3" : : "m"(nothing));
}

static int deeper(volatile char *above)
{
	volatile char frame[512];

	frame[0] = above[0] + 1;
	return always ? deeper(frame) + frame[0] : 0;
}

TEST(culprit, overflows_its_stack)
{
	volatile char start[1] = {};

	deeper(start);
}
