/* SPDX-License-Identifier: MIT */
/* timer_test.c - in order, in time, and not after del_timer_sync(). */
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/softirq.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/random.h>
#include <string.h>
#include <tests/test.h>

#define MS  NSEC_PER_MSEC
#define MAX 40

/* Not in this test's time. */
#define LATER (3600 * NSEC_PER_SEC)

TEST_LEAK_COUNTER(timers)
{
	return timers_nr_armed();
}

struct alarm {
	struct timer_list timer;
	u64 due;
	u64 fired_at;
	int order;
	unsigned int cpu;
	bool hard, soft;
	atomic_t *count;
	struct completion done;
};

static void alarm_fire(struct timer_list *t)
{
	struct alarm *a = from_timer(a, t, timer);

	a->fired_at = ktime_get_ns();
	a->cpu = smp_processor_id();
	a->hard = in_hardirq();
	a->soft = in_serving_softirq();
	if (a->count)
		a->order = atomic_inc_return(a->count);
	complete(&a->done);
}

static void alarm_init(struct alarm *a, unsigned int flags)
{
	*a = (struct alarm){0};
	timer_setup(&a->timer, alarm_fire, flags);
	init_completion(&a->done);
}

static void alarm_arm(struct alarm *a, u64 in)
{
	a->due = ktime_get_ns() + in;
	mod_timer(&a->timer, a->due);
}

TEST(timer, udelay_takes_as_long_as_the_clock_says)
{
	static const u64 delays[] = {0, 1, 50, 2000};

	for (int i = 0; i < 4; i++) {
		u64 start = ktime_get_ns();

		udelay(delays[i]);
		EXPECT_GE(ktime_get_ns() - start, delays[i] * NSEC_PER_USEC);
	}
	/* Nor much longer: the best of many, whatever else the host does. */
	for (int tries = 0;; tries++) {
		u64 start = ktime_get_ns();

		udelay(1000);
		if (ktime_get_ns() - start < 2 * MS)
			break;
		if (!EXPECT_LT(tries, 100))
			break;
	}
}

TEST(timer, fires_once_and_in_its_context)
{
	for (int hard = 0; hard < 2; hard++) {
		struct alarm a;

		alarm_init(&a, hard ? TIMER_HARDIRQ : 0);
		EXPECT(!timer_pending(&a.timer));
		alarm_arm(&a, LATER);
		EXPECT(timer_pending(&a.timer));
		alarm_arm(&a, 5 * MS);
		wait_for_completion(&a.done);
		EXPECT_GE(a.fired_at, a.due);
		EXPECT_EQ(a.hard, hard);
		EXPECT_EQ(a.soft, !hard);
		EXPECT(!timer_pending(&a.timer));
		msleep(10);
		EXPECT(!completion_done(&a.done));
		EXPECT(!del_timer_sync(&a.timer));
	}
}

TEST(timer, fire_in_order_and_not_early)
{
	static struct alarm a[MAX];
	atomic_t count = ATOMIC_INIT(0);
	struct cpumask here = *cpumask_of(smp_processor_id());

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	for (int i = 0; i < MAX; i++) {
		alarm_init(&a[i], 0);
		a[i].count = &count;
		alarm_arm(&a[i], 5 * MS + test_random_below(30 * MS));
	}
	for (int i = 0; i < MAX; i++) {
		wait_for_completion(&a[i].done);
		EXPECT_GE(a[i].fired_at, a[i].due);
	}
	for (int i = 0; i < MAX; i++)
		for (int k = 0; k < MAX; k++)
			if (a[i].due < a[k].due)
				EXPECT_LT(a[i].order, a[k].order);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

TEST(timer, mod_timer_moves_the_deadline)
{
	struct alarm a;

	alarm_init(&a, TIMER_HARDIRQ);
	alarm_arm(&a, LATER);
	a.due = ktime_get_ns() + 5 * MS;
	EXPECT(mod_timer(&a.timer, a.due));
	wait_for_completion(&a.done);

	/* And back, in time. */
	for (;;) {
		alarm_arm(&a, 50 * MS);
		a.due = ktime_get_ns() + 80 * MS;
		if (mod_timer(&a.timer, a.due))
			break;
		wait_for_completion(&a.done);
		EXPECT(del_timer(&a.timer) || completion_done(&a.done));
		reinit_completion(&a.done);
	}
	wait_for_completion(&a.done);
	EXPECT_GE(a.fired_at, a.due);
}

static void static_fire(struct timer_list *t);
static DEFINE_TIMER(static_timer, static_fire);
static int static_fired;

static void static_fire(struct timer_list *t)
{
	EXPECT_EQ(t, &static_timer);
	WRITE_ONCE(static_fired, static_fired + 1);
}

TEST(timer, one_set_up_by_the_compiler_is_as_good)
{
	static_fired = 0;
	EXPECT(!timer_pending(&static_timer));
	EXPECT(!del_timer_sync(&static_timer));
	static_timer.expires = ktime_get_ns() + MS;
	add_timer(&static_timer);
	while (!READ_ONCE(static_fired))
		msleep(1);
	EXPECT(!del_timer_sync(&static_timer));
	EXPECT_EQ(static_fired, 1);
}

/* A host may keep it waiting, but not each time. */
TEST(timer, fires_not_long_after_it_is_due)
{
	u64 least = U64_MAX;

	for (int i = 0; i < 50 && least > 4 * MS; i++) {
		struct alarm a;

		alarm_init(&a, TIMER_HARDIRQ);
		alarm_arm(&a, 8 * MS);
		wait_for_completion(&a.done);
		least = min(least, a.fired_at - a.due);
	}
	EXPECT_LE(least, 4 * MS);
}

TEST(timer, a_deadline_in_the_past_fires_soon)
{
	struct alarm a;

	alarm_init(&a, 0);
	mod_timer(&a.timer, 1);
	EXPECT_GT(wait_for_completion_timeout(&a.done, 1000 * MS), 0);
}

TEST(timer, a_deleted_timer_does_not_fire)
{
	struct alarm a;

	alarm_init(&a, 0);
	for (alarm_arm(&a, 100 * MS); !del_timer(&a.timer);
	     alarm_arm(&a, 100 * MS))
		wait_for_completion(&a.done); /* the host was slow */
	EXPECT(!del_timer(&a.timer));
	msleep(120);
	EXPECT(!completion_done(&a.done));
}

TEST(timer, equal_deadlines_fire_in_the_order_of_arming)
{
	static struct alarm a[MAX];
	struct cpumask here = *cpumask_of(smp_processor_id());
	u64 due;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	for (int flags = 0; flags <= (int)TIMER_HARDIRQ; flags++) {
		atomic_t count = ATOMIC_INIT(0);

		due = ktime_get_ns() + 20 * MS;
		for (int i = 0; i < MAX; i++) {
			alarm_init(&a[i], flags);
			a[i].count = &count;
		}
		/* Some of them were armed for another time first. */
		for (int i = 0; i < MAX; i += 3)
			mod_timer(&a[i].timer, due + LATER);
		preempt_disable();
		for (int i = 0; i < MAX; i++)
			mod_timer(&a[MAX - 1 - i].timer, due);
		preempt_enable();
		for (int i = 0; i < MAX; i++)
			wait_for_completion(&a[i].done);
		if (ktime_get_ns() < due)
			FAIL("early");
		for (int i = 0; i < MAX; i++)
			EXPECT_EQ(a[MAX - 1 - i].order, i + 1);
	}
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

/* Too far for the hardware to count to, or for anything. */
TEST(timer, the_far_future_can_be_waited_for)
{
	static const u64 far[] = {1ull << 33, 1ull << 45, S64_MAX, U64_MAX - 1,
				  U64_MAX};
	struct alarm a;

	for (int i = 0; i < (int)ARRAY_SIZE(far); i++) {
		alarm_init(&a, i % 2 ? TIMER_HARDIRQ : 0);
		mod_timer(&a.timer, far[i] > LATER ? far[i] : LATER);
		EXPECT(timer_pending(&a.timer));
		msleep(2);
		EXPECT(timer_pending(&a.timer));
		EXPECT(!completion_done(&a.done));
		EXPECT(mod_timer(&a.timer, ktime_get_ns() + MS));
		wait_for_completion(&a.done);
		EXPECT(!del_timer_sync(&a.timer));
	}
}

TEST(timer, fires_on_the_cpu_it_is_armed_for)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct alarm a;

		alarm_init(&a, TIMER_HARDIRQ);
		mod_timer_on(&a.timer, ktime_get_ns() + 2 * MS, cpu);
		EXPECT_GT(wait_for_completion_timeout(&a.done, 1000 * MS), 0);
		EXPECT_EQ(a.cpu, cpu);
		del_timer_sync(&a.timer);
	}
}

/* Its own function may arm it again. */
static void alarm_repeat(struct timer_list *t)
{
	struct alarm *a = from_timer(a, t, timer);

	if (++a->order < 5)
		mod_timer(t, ktime_get_ns() + MS);
	else
		complete(&a->done);
}

TEST(timer, may_arm_itself_again)
{
	for (int hard = 0; hard < 2; hard++) {
		struct alarm a;

		alarm_init(&a, hard ? TIMER_HARDIRQ : 0);
		a.timer.fn = alarm_repeat;
		alarm_arm(&a, MS);
		EXPECT_GT(wait_for_completion_timeout(&a.done, 2000 * MS), 0);
		del_timer_sync(&a.timer);
		EXPECT_EQ(a.order, 5);
	}
}

/* For a time that has passed: it is due again at once, and so on. */
static void alarm_rush(struct timer_list *t)
{
	struct alarm *a = from_timer(a, t, timer);

	WRITE_ONCE(a->order, a->order + 1);
	mod_timer(t, a->due);
}

/* Others have their turns: timers of its kind, and tasks of its CPU. */
TEST(timer, one_that_is_always_due_keeps_nobody_out)
{
	struct cpumask here = *cpumask_of(smp_processor_id());
	struct alarm rush, other;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	for (int flags = 0; flags <= (int)TIMER_HARDIRQ; flags++) {
		alarm_init(&rush, flags);
		rush.timer.fn = alarm_rush;
		rush.due = 1;
		mod_timer(&rush.timer, 1);
		while (READ_ONCE(rush.order) < 500)
			cpu_relax();
		alarm_init(&other, flags);
		alarm_arm(&other, MS);
		wait_for_completion(&other.done);
		/* And it can be stopped. */
		del_timer_sync(&rush.timer);
		EXPECT(!timer_pending(&rush.timer));
		rush.order = 0;
		msleep(5);
		EXPECT_EQ(rush.order, 0);
	}
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

/* The softirq goes on by itself: the hardware is not asked for each round.
 * Ticks come too, so a calm stretch has to be found. */
TEST(timer, a_softirq_that_is_still_due_needs_no_interrupt)
{
	unsigned int cpu = smp_processor_id();
	struct cpumask here = *cpumask_of(cpu);
	struct alarm rush;
	bool found = false;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	for (int i = 0; i < 50 && !found; i++) {
		u64 before;

		alarm_init(&rush, 0);
		rush.timer.fn = alarm_rush;
		rush.due = 1;
		before = timer_interrupts(cpu);
		mod_timer(&rush.timer, 1);
		while (READ_ONCE(rush.order) < 200)
			cpu_relax();
		found = timer_interrupts(cpu) - before < 100;
		del_timer_sync(&rush.timer);
	}
	EXPECT(found);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

static void alarm_again(struct timer_list *t)
{
	struct alarm *a = from_timer(a, t, timer);

	WRITE_ONCE(a->order, a->order + 1);
	mod_timer(t, ktime_get_ns() + 20000);
}

/* From any CPU, whatever its function does about it. */
TEST(timer, del_timer_sync_stops_one_that_arms_itself)
{
	for (int i = 0; i < 200; i++) {
		struct alarm a;

		alarm_init(&a, i % 2 ? TIMER_HARDIRQ : 0);
		a.timer.fn = alarm_again;
		mod_timer_on(&a.timer, ktime_get_ns(),
			     i % 3 ? cpumask_first(cpu_online_mask)
				   : (u32)smp_processor_id());
		while (READ_ONCE(a.order) < 2)
			cpu_relax();
		for (u64 n = test_random_below(500); n; n--)
			cpu_relax();
		del_timer_sync(&a.timer);
		EXPECT(!timer_pending(&a.timer));
		a.order = 0;
		ndelay(50000);
		EXPECT_EQ(READ_ONCE(a.order), 0);
	}
}

/* A function that is still running when it is deleted: told to go on, it takes
 * its time. */
static void alarm_slow(struct timer_list *t)
{
	struct alarm *a = from_timer(a, t, timer);

	WRITE_ONCE(a->soft, true);
	while (!READ_ONCE(a->order))
		cpu_relax();
	ndelay(20 * MS);
	WRITE_ONCE(a->hard, true); /* the last thing it does */
}

TEST(timer, del_timer_sync_waits_for_the_function)
{
	struct alarm a;
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	preempt_disable();
	cpu = cpumask_next(smp_processor_id(), cpu_online_mask);
	if (cpu >= NR_CPUS)
		cpu = cpumask_first(cpu_online_mask);
	preempt_enable();
	for (int hard = 0; hard < 2; hard++) {
		alarm_init(&a, hard ? TIMER_HARDIRQ : 0);
		a.timer.fn = alarm_slow;
		mod_timer_on(&a.timer, ktime_get_ns() + MS, cpu);
		while (!READ_ONCE(a.soft))
			cpu_relax();
		WRITE_ONCE(a.order, 1);
		EXPECT(!del_timer_sync(&a.timer));
		EXPECT(READ_ONCE(a.hard));
	}
}

/*
 * All CPUs arm and delete the same few timers at random.  Each arming of a timer
 * that was not armed is followed by exactly one firing or one successful
 * deletion.
 */
#define STRESS_TIMERS 8

struct stress {
	struct timer_list timer[STRESS_TIMERS];
	atomic_t armed, ended;
	bool overlap;
	atomic_t running[STRESS_TIMERS];
};
static struct stress stress;

static void stress_fire(struct timer_list *t)
{
	int i = t - stress.timer;

	if (atomic_inc_return(&stress.running[i]) != 1)
		WRITE_ONCE(stress.overlap, true);
	atomic_inc(&stress.ended);
	ndelay(2000);
	atomic_dec(&stress.running[i]);
}

static int stress_run(void *arg)
{
	struct prng rng;

	prng_init(&rng, (u64)arg);
	for (int i = 0; i < 1500; i++) {
		struct timer_list *t =
			&stress.timer[prng_below(&rng, STRESS_TIMERS)];
		u64 when = ktime_get_ns() + prng_below(&rng, 300000);

		switch (prng_below(&rng, 4)) {
		case 0:
			if (del_timer(t))
				atomic_inc(&stress.ended);
			break;
		case 1:
			if (!mod_timer_on(t, when,
					  cpumask_first(cpu_online_mask)))
				atomic_inc(&stress.armed);
			break;
		default:
			if (!mod_timer(t, when))
				atomic_inc(&stress.armed);
		}
		if (prng_one_in(&rng, 50))
			sleep_ns(prng_below(&rng, 200000));
	}
	return 0;
}

TEST_T(timer, stress_each_arming_ends_once, 60)
{
	struct task *t[6];
	u64 seed = test_seed();

	memset(&stress, 0, sizeof(stress));
	for (int i = 0; i < STRESS_TIMERS; i++)
		timer_setup(&stress.timer[i], stress_fire,
			    i % 2 ? TIMER_HARDIRQ : 0);
	for (int i = 0; i < 6; i++) {
		t[i] = kthread_run(stress_run, (void *)(seed + i), "test");
		ASSERT(!IS_ERR(t[i]));
	}
	for (int i = 0; i < 6; i++)
		task_join(t[i]);
	for (int i = 0; i < STRESS_TIMERS; i++)
		if (del_timer_sync(&stress.timer[i]))
			atomic_inc(&stress.ended);
	EXPECT_EQ(atomic_read(&stress.armed), atomic_read(&stress.ended));
	EXPECT(!stress.overlap);
}
