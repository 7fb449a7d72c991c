/* SPDX-License-Identifier: MIT */
/*
 * fault_inject.c - decide which allocation fails.
 *
 * Problem.   Error paths run once a year, and are wrong.
 * Idea.      Make them run: at random under a seed, to shake a whole workload;
 *            or exactly the n-th allocation of one task, for every n, to prove
 *            that one operation unwinds from each of its steps.
 * Sweep.     A call is known by a hash of its stack and of how many with that
 *            stack came before it in the round.  The first that is unknown fails.
 * Random.    The k-th call since the start fails if a hash of (seed, k) says
 *            so: no generator to lock, and the same calls give the same fate.
 *
 * Context: any.
 */
#include <errno.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/preempt.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <lib/random.h>
#include <string.h>

DEFINE_FAULT_ATTR(failslab);
DEFINE_FAULT_ATTR(fail_page_alloc);
DEFINE_FAULT_ATTR(fail_percpu);

/* All failures of all attributes, since boot. */
static atomic_long_t nr_failures;

static bool hash_says_fail(struct fault_attr *attr, unsigned long call)
{
	struct prng rng;

	prng_init(&rng, attr->seed + call);
	return prng_below(&rng, 1000000) < attr->n;
}

/* --- sweeps -------------------------------------------------------------------- */

#define MAX_CALLS 1024 /* in a round; what comes after them succeeds */
#define MAX_STACK 12

/* One sweep at a time, by one task. */
static u32 failed_calls[MAX_CALLS], stacks[MAX_CALLS];
static unsigned int nr_failed_calls, nr_stacks;

static u32 stack_hash(void)
{
	unsigned long stack[MAX_STACK];
	u32 hash = 0;

	for (unsigned int n = backtrace_save(stack, MAX_STACK, 1); n--;)
		hash = hash * 0x9e3779b1 + (u32)stack[n];
	return hash;
}

/* How many times @x is among the @n words at @p. */
static unsigned int count(const u32 *p, unsigned int n, u32 x)
{
	unsigned int times = 0;

	while (n--)
		times += *p++ == x;
	return times;
}

static bool is_new_call(void)
{
	u32 stack = stack_hash(), call;

	if (nr_stacks == MAX_CALLS || nr_failed_calls == MAX_CALLS)
		return false;
	call = stack * 31 + count(stacks, nr_stacks, stack);
	stacks[nr_stacks++] = stack;
	if (count(failed_calls, nr_failed_calls, call))
		return false;
	failed_calls[nr_failed_calls++] = call;
	return true;
}

/* --- deciding ------------------------------------------------------------------ */

bool __should_fail(struct fault_attr *attr)
{
	unsigned long call;
	bool fail = false;

	if (attr->task && (!in_task() || current != attr->task))
		return false;

	call = atomic_long_inc_return(&attr->calls);
	if (attr->mode == FAULT_SITE)
		fail = !fault_fired(attr) && is_new_call();
	else if (attr->mode == FAULT_NTH)
		fail = call == attr->n;
	else if (attr->mode == FAULT_FROM)
		fail = call >= attr->n;
	else if (attr->mode == FAULT_EVERY)
		fail = call % attr->n == 0;
	else if (attr->mode == FAULT_RANDOM)
		fail = hash_says_fail(attr, call);
	if (fail) {
		atomic_long_inc(&attr->failures);
		atomic_long_inc(&nr_failures);
	}
	return fail;
}

static void fault_start(struct fault_attr *attr, enum fault_mode mode,
			unsigned long n, u64 seed, struct task *task)
{
	fault_off(attr);
	attr->mode = mode;
	attr->n = n;
	attr->seed = seed;
	attr->task = task;
	atomic_long_set(&attr->calls, 0);
	atomic_long_set(&attr->failures, 0);
	static_branch_enable(&attr->key);
}

void fault_fail_nth(struct fault_attr *attr, unsigned long n)
{
	fault_start(attr, FAULT_NTH, n, 0, current);
}

bool fault_sweep(struct fault_attr *attr, unsigned long *n)
{
	if (!*n)
		nr_failed_calls = 0;
	else if (!fault_off(attr))
		return false;
	++*n;
	nr_stacks = 0;
	fault_start(attr, FAULT_SITE, 0, 0, current);
	return true;
}

void fault_fail_from(struct fault_attr *attr, unsigned long n)
{
	fault_start(attr, FAULT_FROM, n, 0, current);
}

void fault_fail_every(struct fault_attr *attr, unsigned long n)
{
	fault_start(attr, FAULT_EVERY, n, 0, NULL);
}

void fault_fail_randomly(struct fault_attr *attr, unsigned long per_million,
			 u64 seed)
{
	fault_start(attr, FAULT_RANDOM, per_million, seed, NULL);
}

unsigned long fault_off(struct fault_attr *attr)
{
	static_branch_disable(&attr->key);
	return atomic_long_read(&attr->failures);
}

/* --- failslab=every:N, failslab=random:PPM[:SEED] ----------------------------- */

/* What the boot line asks for. */
static struct boot_fault {
	struct fault_attr *const attr;
	enum fault_mode mode;
	unsigned long n;
	u64 seed;
} boot_faults[] = {{.attr = &failslab},
		   {.attr = &fail_page_alloc},
		   {.attr = &fail_percpu}};

static int set_fault(const struct boot_param *param, const char *value)
{
	struct boot_fault *fault = param->target;
	enum fault_mode mode;
	u64 n, seed = 0;
	char *end;

	if (!value)
		return -EINVAL;
	if (!strncmp(value, "every:", 6)) {
		mode = FAULT_EVERY;
		value += 6;
	} else if (!strncmp(value, "random:", 7)) {
		mode = FAULT_RANDOM;
		value += 7;
	} else {
		return -EINVAL;
	}
	n = memparse(value, &end);
	if (n && *end == ':')
		seed = memparse(end + 1, &end);
	if (!n || *end)
		return -EINVAL;
	fault->mode = mode;
	fault->n = n;
	fault->seed = seed;
	return 0;
}

#define FAULT_EXPECTS "every:N or random:PER_MILLION[:SEED]"
BOOT_PARAM_("failslab", set_fault, FAULT_EXPECTS,
	    "fail object allocations on purpose", &boot_faults[0], 0, 0);
BOOT_PARAM_("fail_page_alloc", set_fault, FAULT_EXPECTS,
	    "fail page allocations on purpose", &boot_faults[1], 0, 0);
BOOT_PARAM_("fail_percpu", set_fault, FAULT_EXPECTS,
	    "fail per-CPU allocations on purpose", &boot_faults[2], 0, 0);

void fault_boot_on(u64 salt)
{
	for (int i = 0; i < ARRAY_SIZE(boot_faults); i++) {
		struct boot_fault *f = &boot_faults[i];

		if (f->mode != FAULT_OFF)
			fault_start(f->attr, f->mode, f->n, f->seed + salt,
				    NULL);
	}
}

void fault_boot_off(void)
{
	for (int i = 0; i < ARRAY_SIZE(boot_faults); i++)
		if (boot_faults[i].mode != FAULT_OFF)
			fault_off(boot_faults[i].attr);
}

unsigned long fault_nr_failures(void)
{
	return atomic_long_read(&nr_failures);
}

void fault_inject_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(boot_faults); i++)
		if (boot_faults[i].mode != FAULT_OFF)
			pr_notice("%s: failing on purpose\n",
				  boot_faults[i].attr->name);
	fault_boot_on(0);
}
