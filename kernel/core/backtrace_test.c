/* SPDX-License-Identifier: MIT */
/* backtrace_test.c - who called whom, and no fault whatever the stack holds. */
#include <arch/irqflags.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/printk.h>
#include <kernel/core/smp.h>
#include <kernel/core/symbols.h>
#include <kernel/task/kthread.h>
#include <string.h>
#include <tests/test.h>
#include "panic_impl.h"

#define MAX 16

static unsigned long pcs[MAX];

/* Is frame @n a call in the function called @name? */
static bool calls_from(unsigned int n, const char *name)
{
	const char *found;

	return symbol_lookup(pcs[n] - 1, &found, NULL, NULL) &&
	       !strncmp(found, name, strlen(name));
}

/* The barriers keep the calls from becoming jumps. */
static noinline unsigned int inner(unsigned int skip)
{
	unsigned int n = backtrace_save(pcs, MAX, skip);

	barrier();
	return n;
}

static noinline unsigned int middle(unsigned int skip)
{
	unsigned int n = inner(skip);

	barrier();
	return n;
}

static noinline unsigned int outer(unsigned int skip)
{
	unsigned int n = middle(skip);

	barrier();
	return n;
}

TEST(backtrace, callers_come_in_order)
{
	unsigned int n = outer(0);

	ASSERT_GE(n, 4);
	EXPECT(calls_from(0, "inner"));
	EXPECT(calls_from(1, "middle"));
	EXPECT(calls_from(2, "outer"));
	EXPECT(calls_from(3, "test_fn_backtrace__callers_come_in_order"));
	EXPECT(calls_from(n - 1, "task_start"));
}

TEST(backtrace, skipped_callers_are_left_out)
{
	ASSERT_GE(outer(2), 2);
	EXPECT(calls_from(0, "outer"));
}

/* -- Through interrupts ---------------------------------------------------- */

static unsigned int nr_saved;

static void save_in_interrupt(void *unused)
{
	nr_saved = backtrace_save(pcs, MAX, 0);
	barrier();
}

static bool keep_going;

static noinline int interrupted_function(void *unused)
{
	while (READ_ONCE(keep_going))
		cpu_relax();
	return 0;
}

static noinline int caller_of_interrupted(void *unused)
{
	int ret = interrupted_function(unused);

	barrier();
	return ret;
}

/* From the handler, across the trap's frame, to the task that was running. */
TEST(backtrace, walk_crosses_an_interrupt)
{
	unsigned int cpu, n;
	struct task *t;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	WRITE_ONCE(keep_going, true);
	t = kthread_create(caller_of_interrupted, NULL, "interrupted");
	ASSERT(!IS_ERR(t));
	preempt_disable();
	cpu = (smp_processor_id() + 1) % num_online_cpus();
	kthread_bind(t, cpu);
	wake_up_process(t);
	while (READ_ONCE(t->on_cpu) == 0)
		cpu_relax();
	smp_call_function_single(cpu, save_in_interrupt, NULL, true);
	preempt_enable();
	WRITE_ONCE(keep_going, false);
	task_join(t);

	for (n = 0; n < nr_saved; n++)
		if (calls_from(n, "caller_of_interrupted"))
			break;
	/* Unless it came before the function was reached. */
	EXPECT(n < nr_saved || calls_from(nr_saved - 1, "task_start"));
	EXPECT(calls_from(0, "save_in_interrupt"));
	EXPECT(calls_from(nr_saved - 1, "task_start"));
}

/* -- Broken stacks --------------------------------------------------------- */

/* Frames as the walk reads them: the next frame, and where it returns to. */
struct fake_frame {
	unsigned long fp, pc;
};

static unsigned int walk_fake(struct fake_frame *first)
{
	return backtrace_save_from(first, pcs, MAX);
}

TEST(backtrace, frame_pointer_to_itself_ends_the_walk)
{
	struct fake_frame f[2] = {};

	f[0].fp = (unsigned long)&f[1];
	f[0].pc = f[1].pc = (unsigned long)walk_fake;
	f[1].fp = (unsigned long)&f[1];
	EXPECT_LE(walk_fake(f), 2);
}

TEST(backtrace, frame_pointer_backwards_ends_the_walk)
{
	struct fake_frame f[2] = {};

	f[0].fp = (unsigned long)&f[1];
	f[0].pc = f[1].pc = (unsigned long)walk_fake;
	f[1].fp = (unsigned long)&f[0];
	EXPECT_LE(walk_fake(f), 2);
}

/* Each would fault if it were followed. */
TEST(backtrace, frame_pointers_to_nowhere_are_not_followed)
{
	static const unsigned long nowhere[] = {
		0, 8, 0xdead000000000100, ~0ul, ~7ul, 0xffff800000000000,
	};
	struct fake_frame f = {};
	unsigned long low = (unsigned long)current->stack;
	unsigned long high = low + current->stack_size;

	f.pc = (unsigned long)walk_fake;
	for (int i = 0; i < ARRAY_SIZE(nowhere); i++) {
		f.fp = nowhere[i];
		EXPECT_LE(walk_fake(&f), 1);
		EXPECT_EQ(walk_fake((struct fake_frame *)nowhere[i]), 0);
	}
	/* Just outside of this stack, or half outside. */
	EXPECT_EQ(walk_fake((struct fake_frame *)(low - 16)), 0);
	EXPECT_EQ(walk_fake((struct fake_frame *)(high - 8)), 0);
	EXPECT_EQ(walk_fake((struct fake_frame *)high), 0);
}

TEST(backtrace, frame_that_is_not_aligned_is_not_believed)
{
	struct fake_frame f = {.pc = (unsigned long)walk_fake};
	char __aligned(8) shifted[sizeof(f) + 1];

	memcpy(shifted, &f, sizeof(f));
	EXPECT_EQ(walk_fake((struct fake_frame *)shifted), 1);
	memcpy(shifted + 1, &f, sizeof(f));
	EXPECT_EQ(walk_fake((struct fake_frame *)(shifted + 1)), 0);
}

TEST(backtrace, return_address_outside_the_code_ends_the_walk)
{
	struct fake_frame f = {.pc = (unsigned long)&f};

	EXPECT_EQ(walk_fake(&f), 0);
}

/* -- All CPUs, asked by NMI -------------------------------------------------- */

static bool stands, may_go;

static noinline int stand_in_the_way(void *unused)
{
	local_irq_disable();
	smp_store_release(&stands, true);
	while (!smp_load_acquire(&may_go))
		cpu_relax();
	local_irq_enable();
	return 0;
}

/* Who has written to the log in an NMI since @seq? */
static void read_answers(u64 seq, cpumask_t *answered, bool *found_it)
{
	static struct printk_record rec;

	while (printk_read(&seq, &rec)) {
		if (rec.in_interrupt != 3)
			continue;
		cpumask_set_cpu(rec.cpu, answered);
		if (strstr(rec.text, "stand_in_the_way"))
			*found_it = true;
	}
}

static u64 end_of_log(void)
{
	static struct printk_record rec;
	u64 seq = 0;

	while (printk_read(&seq, &rec))
		;
	return seq;
}

/* One has its interrupts off; the others sleep. */
TEST(backtrace, every_other_cpu_shows_its_own_when_asked)
{
	unsigned long loglevel = console_loglevel;
	cpumask_t answered = {}, others;
	bool found_it = false;
	unsigned int me;
	struct task *t;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	stands = may_go = false;
	t = kthread_create(stand_in_the_way, NULL, "stands");
	ASSERT(!IS_ERR(t));
	me = get_cpu();
	kthread_bind(t, cpumask_first(cpu_online_mask) == me
				? cpumask_next(me, cpu_online_mask)
				: cpumask_first(cpu_online_mask));
	wake_up_process(t);
	while (!smp_load_acquire(&stands))
		cpu_relax();

	cpumask_copy(&others, cpu_online_mask);
	cpumask_clear_cpu(me, &others);
	WRITE_ONCE(console_loglevel, 0);
	/* A host may keep one from answering in time. */
	for (int i = 0; i < 5 && !cpumask_subset(&others, &answered); i++) {
		u64 seq = end_of_log();

		backtrace_print_all_cpus();
		read_answers(seq, &answered, &found_it);
	}
	WRITE_ONCE(console_loglevel, loglevel);
	smp_store_release(&may_go, true);
	put_cpu();
	task_join(t);
	EXPECT(cpumask_subset(&others, &answered));
	EXPECT(found_it);
}
