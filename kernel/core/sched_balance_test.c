/* SPDX-License-Identifier: MIT */
/* sched_balance_test.c - where tasks run, and where nothing happens. */
#include <kernel/core/rcu.h>
#include "sched_test.h"

/* -- Where ------------------------------------------------------------------- */

/* The mask may change while its task runs; what counts is that the task is gone
 * from a forbidden CPU when set_cpus_allowed() returns. */
struct wanderer {
	struct task *task;
	unsigned int changes; /* odd while the mask is being changed */
	u64 wrong;
	u64 steps;
	bool stop;
};

static int wander(void *arg)
{
	struct wanderer *w = arg;

	while (!READ_ONCE(w->stop)) {
		unsigned int before = READ_ONCE(w->changes), cpu = get_cpu();
		bool allowed = task_allowed_on(current, cpu);

		put_cpu();
		if (!allowed && !(before & 1) &&
		    READ_ONCE(w->changes) == before)
			w->wrong++;
		if (w->steps++ % 64 == 0)
			sleep_ns(20000);
	}
	return 0;
}

/* It may still be asleep where it was; it wakes elsewhere. */
static void expect_gone(struct task *t, const struct cpumask *mask)
{
	unsigned int cpu = task_cpu(t);

	if (cpumask_test_cpu(cpu, mask) || !smp_load_acquire(&t->on_rq))
		return;
	EXPECT_NE(task_cpu(t), cpu);
}

/* Changing the mask of tasks that run, wait and sleep. */
TEST_T(sched, tasks_stay_where_they_may_be, 30)
{
	struct wanderer s[6] = {{0}};

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	for (int i = 0; i < 6; i++) {
		s[i].task = make(wander, &s[i]);
		wake_up_process(s[i].task);
	}
	for (int round = 0; round < 300; round++) {
		struct wanderer *w = &s[test_random_below(6)];
		unsigned int a = nth_cpu(test_random());
		unsigned int b = nth_cpu(test_random());
		struct cpumask mask = *cpumask_of(a);

		cpumask_set_cpu(b, &mask);
		WRITE_ONCE(w->changes, w->changes + 1);
		EXPECT_EQ(set_cpus_allowed(w->task, &mask), 0);
		expect_gone(w->task, &mask);
		smp_store_release(&w->changes, w->changes + 1);
	}
	for (int i = 0; i < 6; i++) {
		while (READ_ONCE(s[i].steps) < 10)
			msleep(1);
		WRITE_ONCE(s[i].stop, true);
		task_join(s[i].task);
		EXPECT_EQ(s[i].wrong, 0);
	}
}

TEST(sched, a_running_task_is_moved)
{
	struct spinner s = {0};

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	s.task = make_on(spin_and_count, &s, nth_cpu(0));
	wake_up_process(s.task);
	for (unsigned int i = 1; i < 20; i++) {
		struct cpumask mask = *cpumask_of(nth_cpu(i));
		u64 count;

		EXPECT_EQ(set_cpus_allowed(s.task, &mask), 0);
		EXPECT_EQ(task_cpu(s.task), nth_cpu(i));
		count = READ_ONCE(s.count);
		while (READ_ONCE(s.count) < count + 2)
			cpu_relax();
		EXPECT_EQ(READ_ONCE(s.cpu), nth_cpu(i));
	}
	stop_spinner(&s);
}

TEST(sched, a_mask_without_online_cpus_is_refused)
{
	struct cpumask none = {{0}}, before = current->cpus_allowed;

	EXPECT_EQ(set_cpus_allowed(current, &none), -EINVAL);
	if (!cpu_online(NR_CPUS - 1)) {
		cpumask_set_cpu(NR_CPUS - 1, &none);
		EXPECT_EQ(set_cpus_allowed(current, &none), -EINVAL);
	}
	EXPECT(cpumask_equal(&before, &current->cpus_allowed));
}

/* As many spinners as CPUs, all started on one: each soon has its own. */
TEST_T(sched, spinners_spread_over_the_cpus, 30)
{
	unsigned int n = num_online_cpus(), used;
	struct spinner s[16] = {{0}};
	struct cpumask seen;
	int tries = 100;

	if (n < 2 || n > 16)
		SKIP("needs 2 to 16 CPUs");
	for (unsigned int i = 0; i < n; i++) {
		s[i].task = make_on(spin_and_count, &s[i], nth_cpu(0));
		wake_up_process(s[i].task);
	}
	for (unsigned int i = 0; i < n; i++)
		EXPECT_EQ(set_cpus_allowed(s[i].task, cpu_online_mask), 0);
	do {
		msleep(10);
		cpumask_clear(&seen);
		for (unsigned int i = 0; i < n; i++)
			cpumask_set_cpu(task_cpu(s[i].task), &seen);
		used = cpumask_weight(&seen);
	} while (used < n && --tries);
	EXPECT_EQ(used, n);
	for (unsigned int i = 0; i < n; i++)
		stop_spinner(&s[i]);
}

/* Keeps its CPU to itself, interrupts off: nobody there can give a task away. */
static int hold_cpu(void *arg)
{
	struct spinner *s = arg;
	u64 end = ktime_get_ns() + 5000 * MS;

	local_irq_disable();
	WRITE_ONCE(s->count, 1);
	while (!READ_ONCE(s->stop) && ktime_get_ns() < end)
		cpu_relax();
	local_irq_enable();
	return READ_ONCE(s->stop);
}

/* A CPU that runs dry fetches a task that waits elsewhere. */
TEST(sched, an_idle_cpu_fetches_a_waiting_task)
{
	unsigned int here, there;
	struct spinner holder = {0};
	struct mark m = {0};
	struct task *t;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	here = pin_here();
	there = here == nth_cpu(0) ? nth_cpu(1) : nth_cpu(0);
	holder.task = make_on(hold_cpu, &holder, there);
	wake_up_process(holder.task);
	while (!READ_ONCE(holder.count))
		cpu_relax();

	t = make_on(leave_mark, &m, there);
	wake_up_process(t);
	EXPECT_EQ(set_cpus_allowed(t, cpu_online_mask), 0);
	EXPECT_EQ(task_cpu(t), there);
	for (int i = 0; i < 1000 && !READ_ONCE(m.ran); i++)
		msleep(1); /* this CPU idles */
	EXPECT(READ_ONCE(m.ran));
	EXPECT_NE(m.cpu, there);
	WRITE_ONCE(holder.stop, true);
	EXPECT_EQ(task_join(holder.task), 1);
	task_join(t);
	unpin();
}

/* No CPU is idle, and its last one is held by a more urgent task. */
static int sleep_once(void *arg)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	return leave_mark(arg);
}

TEST(sched, a_realtime_task_goes_where_it_can_run)
{
	unsigned int here, there, n = num_online_cpus();
	struct spinner holder = {0}, s[16] = {{0}};
	struct mark m = {0};
	struct task *t;

	if (n < 2 || n > 16)
		SKIP("needs 2 to 16 CPUs");
	here = pin_here();
	there = here == nth_cpu(0) ? nth_cpu(1) : nth_cpu(0);
	t = make_on(sleep_once, &m, there);
	sched_set_fifo(t, 10);
	wake_up_process(t);
	while (READ_ONCE(t->state) != TASK_UNINTERRUPTIBLE ||
	       READ_ONCE(t->on_cpu))
		msleep(1);
	set_cpus_allowed(t, cpu_online_mask);

	holder.task = make_on(hold_cpu, &holder, there);
	sched_set_fifo(holder.task, 20);
	wake_up_process(holder.task);
	for (unsigned int i = 0; i < n; i++) {
		if (nth_cpu(i) == there)
			continue;
		s[i].task = make_on(spin_and_count, &s[i], nth_cpu(i));
		wake_up_process(s[i].task);
		while (!READ_ONCE(s[i].count))
			msleep(1);
	}
	while (!READ_ONCE(holder.count))
		msleep(1);

	wake_up_process(t);
	for (int i = 0; i < 1000 && !READ_ONCE(m.ran); i++)
		msleep(1);
	EXPECT(READ_ONCE(m.ran));
	EXPECT_NE(m.cpu, there);
	WRITE_ONCE(holder.stop, true);
	EXPECT_EQ(task_join(holder.task), 1);
	for (unsigned int i = 0; i < n; i++)
		if (s[i].task)
			stop_spinner(&s[i]);
	task_join(t);
	unpin();
}

/*
 * A CPU with waiting tasks gives one away, though the idle ones sleep on.  An idle
 * one that wakes for whatever reason fetches it; on a busy host that may happen
 * many times over before one sleeps long enough to be given something.
 */
TEST_T(sched, a_busy_cpu_gives_to_an_idle_one, 30)
{
	struct sched_cpu_stats before, after;
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	cpu = pin_here();
	sched_set_fifo(current, 10);
	sched_cpu_stats(cpu, &before);
	after = before;
	while (after.nr_pushed == before.nr_pushed) {
		struct spinner s[2] = {{0}};

		/* What the last round left to RCU would wake the idle one. */
		rcu_barrier();
		msleep(10);
		for (int i = 0; i < 2; i++) {
			s[i].task = make_on(spin_and_count, &s[i], cpu);
			wake_up_process(s[i].task);
			set_cpus_allowed(s[i].task, cpu_online_mask);
		}
		while (task_cpu(s[0].task) == task_cpu(s[1].task))
			msleep(5); /* and wakes on this CPU */
		stop_spinner(&s[0]);
		stop_spinner(&s[1]);
		sched_cpu_stats(cpu, &after);
	}
	sched_set_normal(current, 0);
	unpin();
}

/* All start on one CPU; the one with the least to do is closed to them. */
TEST_T(sched, tasks_spread_over_the_cpus_that_are_open_to_them, 30)
{
	unsigned int cpu[2] = {nth_cpu(0), nth_cpu(1)};
	struct cpumask mask = *cpumask_of(cpu[0]);
	struct spinner s[4] = {{0}};
	int on_first;

	if (num_online_cpus() < 3)
		SKIP("needs three CPUs");
	cpumask_set_cpu(cpu[1], &mask);
	for (int i = 0; i < 4; i++) {
		s[i].task = make_on(spin_and_count, &s[i], cpu[0]);
		wake_up_process(s[i].task);
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(set_cpus_allowed(s[i].task, &mask), 0);
	do {
		msleep(10);
		on_first = 0;
		for (int i = 0; i < 4; i++)
			on_first += task_cpu(s[i].task) == cpu[0];
	} while (on_first != 2);
	for (int i = 0; i < 4; i++)
		stop_spinner(&s[i]);
}

/* A real-time task does not wait for another while a CPU is busy with less,
 * however much that weighs. */
TEST_T(sched, a_realtime_task_that_waits_is_given_away, 30)
{
	unsigned int first = nth_cpu(0), n = num_online_cpus();
	struct spinner holder = {0}, s[16] = {{0}};
	struct mark m = {0};
	struct task *t;

	if (n < 2 || n > 16)
		SKIP("needs 2 to 16 CPUs");
	sched_set_fifo(current, 30);
	for (unsigned int i = 1; i < n; i++) {
		s[i].task = make_on(spin_and_count, &s[i], nth_cpu(i));
		sched_set_normal(s[i].task, NICE_MIN);
		wake_up_process(s[i].task);
	}
	holder.task = make_on(spin_and_count, &holder, first);
	sched_set_fifo(holder.task, 20);
	wake_up_process(holder.task);
	while (!READ_ONCE(holder.count))
		msleep(1);
	t = make_on(leave_mark, &m, first);
	sched_set_fifo(t, 10);
	wake_up_process(t);
	EXPECT_EQ(set_cpus_allowed(t, cpu_online_mask), 0);
	while (!READ_ONCE(m.ran))
		msleep(5);
	EXPECT_NE(m.cpu, first);
	stop_spinner(&holder);
	for (unsigned int i = 1; i < n; i++)
		stop_spinner(&s[i]);
	task_join(t);
	sched_set_normal(current, 0);
}

/* -- Quiet ------------------------------------------------------------------- */

TEST(sched, idle_cpus_take_no_timer_interrupts)
{
	u64 before[NR_CPUS > 64 ? 64 : NR_CPUS];
	unsigned int cpu, quiet = 0, nr = 0;

	if (num_online_cpus() > 64)
		SKIP("more CPUs than the test has room for");
	msleep(50); /* what is going on may end */
	for_each_online_cpu(cpu)
		before[cpu % 64] = timer_interrupts(cpu);
	msleep(400);
	for_each_online_cpu(cpu) {
		u64 taken = timer_interrupts(cpu) - before[cpu % 64];

		/* A tick each 10 ms would be 40. */
		EXPECT_LE(taken, 8);
		quiet += taken <= 2;
		nr++;
	}
	EXPECT_GE(quiet, (nr + 1) / 2);
}

static void do_nothing(struct timer_list *t)
{
}

/* A timer that was deleted does not end a halt: its interrupt was set, though. */
TEST(sched, an_idle_cpu_sleeps_until_its_next_timer)
{
	unsigned int cpu = pin_here();
	u64 taken = 0;
	struct timer_list t;

	timer_setup(&t, do_nothing, TIMER_HARDIRQ);
	for (int try = 0; try < TRIES && taken != 1; try++) {
		taken = timer_interrupts(cpu);
		mod_timer(&t, ktime_get_ns() + 20 * MS);
		del_timer(&t);
		msleep(60);
		taken = timer_interrupts(cpu) - taken;
	}
	EXPECT_EQ(taken, 1);
	unpin();
}

TEST(sched, a_task_alone_on_its_cpu_is_not_interrupted_by_slices)
{
	unsigned int cpu = pin_here();
	struct sched_cpu_stats before, after;

	sched_cpu_stats(cpu, &before);
	spin_for(200 * MS);
	sched_cpu_stats(cpu, &after);
	/* Slices of 3 ms would be more than 60. */
	EXPECT_LE(after.nr_ticks - before.nr_ticks, 45);
	unpin();
}
