/* SPDX-License-Identifier: MIT */
/*
 * patch_test.c - code changes while every CPU runs it.
 *
 * The sites are functions that return 0 with a NOP in place and 1 with a JMP.
 * One straddles a cache line, one a page.
 */
#include <arch/cpu.h>
#include <arch/patch.h>
#include <kernel/core/sched.h>
#include <kernel/core/smp.h>
#include <kernel/task/kthread.h>
#include <lib/atomic.h>
#include <lib/math.h>
#include <tests/test.h>

#define MAX_RUNNERS 3u
#define ROUNDS	    10 /* even: the sites end as they began */

/* Five bytes of NOP, two of them before the boundary. */
#define PATCHED_FUNCTION(name, boundary)                                       \
	asm(".pushsection .text\n\t"                                           \
	    ".balign " #boundary "\n\t"                                        \
	    ".skip " #boundary " - 2, 0xcc\n\t"                                \
	    ".globl " #name "\n" #name ":\n\t"                                 \
	    ".byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"                           \
	    "xorl %eax, %eax\n\t"                                              \
	    "ret\n"                                                            \
	    ".globl " #name "_jumps\n" #name "_jumps:\n\t"                     \
	    "movl $1, %eax\n\t"                                                \
	    "ret\n\t"                                                          \
	    ".popsection");                                                    \
	extern int name(void);                                                 \
	extern char name##_jumps[]

PATCHED_FUNCTION(patched_on_a_line, 64);
PATCHED_FUNCTION(patched_on_a_page, 4096);

static void set_sites(bool jump)
{
	struct text_patch batch[2];

	if (jump) {
		text_patch_jmp(&batch[0], patched_on_a_line,
			       patched_on_a_line_jumps);
		text_patch_jmp(&batch[1], patched_on_a_page,
			       patched_on_a_page_jumps);
	} else {
		text_patch_nop(&batch[0], patched_on_a_line);
		text_patch_nop(&batch[1], patched_on_a_page);
	}
	text_poke(batch, 2);
}

static void check_sites(void *expected)
{
	EXPECT_EQ(patched_on_a_line(), *(int *)expected);
	EXPECT_EQ(patched_on_a_page(), *(int *)expected);
}

TEST(patch, all_cpus_run_the_new_code_afterwards)
{
	for (int i = 1; i <= 6; i++) {
		int expected = i % 2;

		set_sites(expected);
		on_each_cpu(check_sites, &expected, true);
	}
}

struct runner {
	u64 calls, jumps, wrong;
};

static int run_sites(void *arg)
{
	struct runner *r = arg;

	while (!kthread_should_stop()) {
		for (int i = 0; i < 20; i++) {
			int a = patched_on_a_line(), b = patched_on_a_page();

			r->calls++;
			r->jumps += a == 1;
			if ((a | b) & ~1)
				r->wrong++;
		}
		cpu_relax(); /* one host thread for all: let others run */
		cond_resched();
	}
	return 0;
}

/*
 * A torn instruction would be an invalid one, or return something else.
 * Threads call without pause while the sites change; not on all CPUs, for
 * each change waits until the host has run each that is busy.
 */
TEST(patch, no_cpu_ever_runs_half_an_instruction)
{
	struct runner runners[MAX_RUNNERS] = {{0}};
	struct task *threads[MAX_RUNNERS];
	unsigned int nr = min(num_online_cpus(), MAX_RUNNERS);

	for (unsigned int i = 0; i < nr; i++) {
		threads[i] = kthread_create_on_cpu(
			run_sites, &runners[i], cpumask_nth(i, cpu_online_mask),
			"patched");
		ASSERT(!IS_ERR(threads[i]));
		wake_up_process(threads[i]);
	}
	for (unsigned int i = 0; i < nr; i++)
		while (!READ_ONCE(runners[i].calls))
			msleep(1);

	for (int i = 1; i <= ROUNDS; i++) {
		int expected = i % 2;

		set_sites(expected);
		EXPECT_EQ(patched_on_a_line(), expected);
		EXPECT_EQ(patched_on_a_page(), expected);
	}

	for (unsigned int i = 0; i < nr; i++) {
		kthread_stop(threads[i]);
		EXPECT_EQ(runners[i].wrong, 0);
	}
	EXPECT_EQ(patched_on_a_line(), 0);
}
