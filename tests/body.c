/* SPDX-License-Identifier: MIT */
/*
 * body.c - the test that runs: its failures, its end, its numbers.
 *
 * At most one test runs at a time.  Its body has a task to itself, the main
 * task; whatever else it starts reports to the same place, from any CPU and any
 * context but NMI, under a plain test-and-set lock: the framework does not lean
 * on the locks it tests.
 */
#include <arch/irqflags.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/task/newlib.h>
#include <kernel/task/task.h>
#include <lib/format.h>
#include <lib/random.h>
#include <setjmp.h>
#include <string.h>
#include "framework_impl.h"

static volatile char lock;

/* Since when allocations have failed; the test may blame them. */
static unsigned long faults_before;
static bool may_blame_faults;

/* The main task came back from the body, by return or by test_end(). */
static bool came_back;

/* Under the lock. */
static const char *name;
static struct test_result current_result;
static unsigned int nr_stray_failures;

/* Written by the runner before the body starts. */
static u64 seed;
static u64 nr_drawn; /* atomically, while it runs */

/* The main task, and its own way out. */
static struct task *main_task;
static jmp_buf way_out;

static unsigned long take_lock(void)
{
	unsigned long flags = arch_local_irq_save();

	while (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE)) {
		arch_local_irq_restore(flags);
		cpu_relax();
		flags = arch_local_irq_save();
	}
	return flags;
}

static void drop_lock(unsigned long flags)
{
	__atomic_clear(&lock, __ATOMIC_RELEASE);
	arch_local_irq_restore(flags);
}

void test_body_open(const char *test_name, u64 test_seed)
{
	unsigned long flags = take_lock();

	memset(&current_result, 0, sizeof(current_result));
	name = test_name;
	seed = test_seed;
	nr_drawn = 0;
	drop_lock(flags);
}

/* clang has to be told when it is freestanding: or it ends fn() by a jump, and
 * test_end() comes back to a frame that is gone. */
int setjmp(jmp_buf env) __attribute__((returns_twice));

/* Has an allocation failed on purpose since the body began? */
static unsigned long nr_faults(void)
{
	return fault_nr_failures() - faults_before;
}

static void faults_on(void)
{
	faults_before = fault_nr_failures();
	may_blame_faults = plan.faults;
	if (plan.faults)
		fault_boot_on(seed);
}

static void faults_off(void)
{
	if (plan.faults)
		fault_boot_off();
}

void test_tolerates_faults(void)
{
	may_blame_faults = false;
}

void test_body_strict(void)
{
	may_blame_faults = false;
}

bool test_body_was_cut_short(void)
{
	return current_result.cut_short;
}

void test_body_guard(void (*fn)(void))
{
	main_task = current;
	if (!setjmp(way_out))
		fn();
}

/* Whoever comes next must not inherit what keeps a CPU to itself. */
static void check_left_clean(void)
{
	u32 count = preempt_count();

	if (irqs_disabled()) {
		test_body_left_fmt("ended with interrupts off");
		local_irq_enable();
	}
	if (count) {
		test_body_left_fmt("ended in atomic context (preempt count %x)",
				   count);
		preempt_count_sub(count);
	}
}

/* newlib's state is made first, so that no test finds it in its own books. */
static int task_body(void *fn)
{
	task_set_kernel_code();
	if (task_reent_prepare()) {
		faults_on();
		test_body_guard((void (*)(void))fn);
		faults_off();
	} else {
		test_body_fail("no memory for the test's task");
	}
	came_back = true;
	check_left_clean();
	return 0;
}

void test_body_in_task(void (*fn)(void))
{
	struct task *t = task_create(task_body, fn, "test");
	int code;

	if (!t) {
		test_body_fail("no memory for the test's task");
		return;
	}
	came_back = false;
	wake_up_new_task(t);
	code = task_join(t);
	if (came_back)
		return;
	faults_off();
	test_body_left_fmt("its task ended in the middle of it, with code %d",
			   code);
}

void test_body_close(struct test_result *result)
{
	unsigned long flags = take_lock();

	name = NULL;
	*result = current_result;
	drop_lock(flags);
}

const char *test_body_name(void)
{
	return name;
}

int test_body_pid(void)
{
	return main_task->pid;
}

unsigned int test_nr_stray_failures(void)
{
	return nr_stray_failures;
}

void test_body_fail(const char *words)
{
	struct test_result *r = &current_result;
	unsigned long flags = take_lock();

	if (!name)
		nr_stray_failures++;
	else if (r->nr_failures++ < TEST_MAX_FAILURES)
		strlcpy(r->failures[r->nr_failures - 1], words,
			TEST_FAILURE_CHARS);
	drop_lock(flags);
	pr_err("FAILED %s\n", words);
}

static void skipped_because(const char *fmt, ...) __printf(1, 2);
static void skipped_because(const char *fmt, ...)
{
	unsigned long flags = take_lock();
	va_list args;

	va_start(args, fmt);
	current_result.skipped = true;
	vscnprintf(current_result.why, sizeof(current_result.why), fmt, args);
	va_end(args);
	for (char *c = current_result.why; *c; c++)
		if (*c < ' ')
			*c = ' ';
	drop_lock(flags);
}

void test_body_unmet(const char *words)
{
	if (!may_blame_faults || !nr_faults()) {
		test_body_fail(words);
		return;
	}
	if (!current_result.skipped)
		skipped_because("allocations failed: %s", words);
	pr_notice("unmet, but %lu allocations failed: %s\n", nr_faults(),
		  words);
}

void test_body_fail_fmt(const char *fmt, ...)
{
	char words[TEST_FAILURE_CHARS];
	va_list args;

	va_start(args, fmt);
	vscnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	test_body_fail(words);
}

void test_body_left_fmt(const char *fmt, ...)
{
	char words[TEST_FAILURE_CHARS];
	va_list args;

	va_start(args, fmt);
	vscnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	current_result.left_things = true;
	test_body_fail(words);
}

void test_end(void)
{
	if (!in_task())
		panic("a test cannot end in an interrupt");
	if (may_blame_faults && nr_faults())
		current_result.cut_short = true;
	if (current == main_task)
		longjmp(way_out, 1);
	task_exit(1);
}

void test_skip(const char *why)
{
	skipped_because("%s", why);
	test_end();
}

void test_log(const char *fmt, ...)
{
	char words[TEST_FAILURE_CHARS];
	const char *test = READ_ONCE(name);
	va_list args;

	if (!test)
		test = "no test";
	va_start(args, fmt);
	vscnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	pr_notice("%s: %s\n", test, words);
}

u64 test_seed(void)
{
	return seed;
}

/*
 * Numbered draws, each from a generator of its own: CPUs that draw at once
 * neither wait for each other nor get the same number.
 */
u64 test_random(void)
{
	u64 n = __atomic_add_fetch(&nr_drawn, 1, __ATOMIC_RELAXED);
	struct prng rng;

	prng_init(&rng, seed + n * 0x9e3779b97f4a7c15);
	return prng_u64(&rng);
}

u64 test_random_below(u64 bound)
{
	/* The high half of the product: even to within bound / 2^64. */
	return (unsigned __int128)test_random() * bound >> 64;
}
