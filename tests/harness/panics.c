/* SPDX-License-Identifier: MIT */
/* panics.c - tests that panic in the places where it is hardest to say why. */
#include <kernel/core/backtrace.h>
#include <kernel/core/clock.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/smp.h>
#include <kernel/core/spinlock.h>
#include <kernel/task/kthread.h>
#include <lib/poison.h>
#include <string.h>
#include <tests/test.h>

static unsigned int next_cpu(void)
{
	return (smp_processor_id() + 1) % num_online_cpus();
}

static noinline int follow(void *pointer)
{
	return *(volatile int *)pointer;
}

static void follow_removed_entry(void *unused)
{
	follow(LIST_POISON1);
}

/* On another CPU, on top of whatever runs there. */
TEST(culprit, follows_a_removed_entry_in_an_interrupt)
{
	smp_call_function_single(next_cpu(), follow_removed_entry, NULL, true);
}

static DEFINE_SPINLOCK(kept_lock);

static int take_kept_lock(void *unused)
{
	spin_lock(&kept_lock);
	spin_unlock(&kept_lock);
	return 0;
}

TEST(culprit, panics_while_another_waits_for_its_lock)
{
	struct task *t = kthread_create(take_kept_lock, NULL, "waiter");
	u64 end;

	ASSERT(!IS_ERR(t));
	spin_lock(&kept_lock);
	kthread_bind(t, next_cpu());
	wake_up_process(t);
	end = ktime_get_ns() + 300 * NSEC_PER_MSEC;
	while (ktime_get_ns() < end)
		cpu_relax();
	panic("holding what others want");
}

static void fault_when_panicking(struct console *con, const char *text,
				 size_t len)
{
	if (panic_in_progress())
		follow(NULL);
}

/* The console it would print on is what is broken. */
TEST(culprit, panics_inside_the_panic)
{
	static struct console broken = {
		.name = "broken",
		.write = fault_when_panicking,
	};

	register_console(&broken);
	panic("the first");
}

static void panic_too(void *unused)
{
	panic("everywhere at once");
}

TEST(culprit, panics_on_all_cpus_at_once)
{
	on_each_cpu(panic_too, NULL, false);
}

static void panic_when_asked(struct console *con, const char *text, size_t len)
{
	if (!panic_in_progress() && strstr(text, "] now\n"))
		panic("while it writes");
}

/* It owns the consoles, and will not give them back. */
TEST(culprit, panics_in_a_console)
{
	static struct console con = {
		.name = "culprit",
		.write = panic_when_asked,
	};

	register_console(&con);
	while (printk_pending())
		printk_flush();
	pr_info("now\n");
}

static void panic_in_nmi(struct console *con, const char *text, size_t len)
{
	if (!in_nmi() || panic_cpu() == (int)smp_processor_id())
		return;
	while (!panic_in_progress())
		cpu_relax();
	panic("in an NMI, too");
}

/* No NMI reaches that CPU any more; it has to stop, and be shown, all the same. */
TEST(culprit, panics_while_another_panics_in_an_nmi)
{
	static struct console con = {.name = "culprit", .write = panic_in_nmi};

	register_console(&con);
	backtrace_print_all_cpus();
	panic("the first");
}

static void take_kept_lock_in_interrupt(void *unused)
{
	take_kept_lock(NULL);
}

/* Not by another interrupt's chance: this CPU would wait for itself. */
TEST(culprit, takes_a_lock_that_it_holds)
{
	spin_lock(&kept_lock);
	smp_call_function_single(smp_processor_id(),
				 take_kept_lock_in_interrupt, NULL, true);
}

/* Under the feet of one that is writing to the console. */
static int print_for_ever(void *unused)
{
	for (;;)
		pr_info("chatter\n");
	return 0;
}

TEST(culprit, panics_while_another_prints)
{
	struct task *t = kthread_create(print_for_ever, NULL, "chatterbox");
	u64 end;

	ASSERT(!IS_ERR(t));
	kthread_bind(t, next_cpu());
	wake_up_process(t);
	end = ktime_get_ns() + 100 * NSEC_PER_MSEC;
	while (ktime_get_ns() < end)
		cpu_relax();
	panic("in the midst of it");
}
