/* SPDX-License-Identifier: MIT */
/* sched_test.c - who runs, in what order and for how long. */
#include "sched_test.h"

/* -- Order ------------------------------------------------------------------- */

/* A more urgent task runs before wake_up_process() returns. */
TEST(sched, realtime_task_preempts_at_once)
{
	unsigned int cpu = pin_here();
	struct mark m = {0};
	struct task *t = make_on(leave_mark, &m, cpu);

	EXPECT_EQ(sched_set_fifo(t, 1), 0);
	wake_up_process(t);
	EXPECT(READ_ONCE(m.ran));
	EXPECT_EQ(m.cpu, cpu);
	task_join(t);
	unpin();
}

/* With interrupts off it cannot; but then as soon as they are on. */
TEST(sched, preemption_waits_for_interrupts_to_be_on)
{
	unsigned int cpu = pin_here();
	struct mark m = {0};
	struct task *t = make_on(leave_mark, &m, cpu);
	u64 end;

	sched_set_fifo(t, 1);
	local_irq_disable();
	wake_up_process(t);
	EXPECT(!READ_ONCE(m.ran));
	local_irq_enable();
	/* Nothing in this loop offers to switch. */
	for (end = ktime_get_ns() + 500 * MS;
	     !READ_ONCE(m.ran) && ktime_get_ns() < end;)
		cpu_relax();
	EXPECT(READ_ONCE(m.ran));
	task_join(t);
	unpin();
}

static int wake_arg(void *arg)
{
	wake_up_process(arg);
	return 0;
}

/* Another CPU's interrupt made a switch due, and is over. */
TEST(sched,
     a_switch_that_is_due_is_not_lost_when_preemption_comes_before_interrupts)
{
	unsigned int here, there;
	struct task *t, *waker;
	struct mark m = {0};

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	here = pin_here();
	there = here == nth_cpu(0) ? nth_cpu(1) : nth_cpu(0);
	t = make_on(leave_mark, &m, here);
	sched_set_fifo(t, 1);
	waker = make_on(wake_arg, t, there);
	preempt_disable();
	wake_up_process(waker);
	while (!need_resched() || !READ_ONCE(t->on_rq))
		cpu_relax();
	local_irq_disable();
	preempt_enable();
	EXPECT(!READ_ONCE(m.ran));
	local_irq_enable();
	/* Nothing in this loop offers to switch. */
	for (u64 end = ktime_get_ns() + 500 * MS;
	     !READ_ONCE(m.ran) && ktime_get_ns() < end;)
		cpu_relax();
	EXPECT(READ_ONCE(m.ran));
	task_join(waker);
	task_join(t);
	unpin();
}

TEST(sched, realtime_levels_run_in_order)
{
	static const int levels[] = {7, RT_PRIO_MAX, RT_PRIO_MIN, 30, 8};
	static const int order[] = {4, 1, 5, 2, 3};
	atomic_t count = ATOMIC_INIT(0);
	struct mark m[5] = {{0}};
	struct task *t[5];
	unsigned int cpu = pin_here();

	for (int i = 0; i < 5; i++) {
		m[i].count = &count;
		t[i] = make_on(leave_mark, &m[i], cpu);
		EXPECT_EQ(sched_set_fifo(t[i], levels[i]), 0);
	}
	preempt_disable();
	for (int i = 0; i < 5; i++)
		wake_up_process(t[i]);
	preempt_enable();
	for (int i = 0; i < 5; i++) {
		EXPECT(READ_ONCE(m[i].ran));
		EXPECT_EQ(m[i].order, order[i]);
		task_join(t[i]);
	}
	unpin();
}

TEST(sched, priorities_out_of_range_are_refused)
{
	int nice = current->nice;

	EXPECT_EQ(sched_set_fifo(current, 0), -EINVAL);
	EXPECT_EQ(sched_set_fifo(current, RT_PRIO_MAX + 1), -EINVAL);
	EXPECT_EQ(sched_set_rr(current, -1), -EINVAL);
	EXPECT_EQ(sched_set_normal(current, NICE_MIN - 1), -EINVAL);
	EXPECT_EQ(sched_set_normal(current, NICE_MAX + 1), -EINVAL);
	EXPECT_EQ(current->policy, SCHED_NORMAL);
	EXPECT_EQ(current->nice, nice);
}

/* However urgent the other, and however long it waits. */
TEST(sched, preemption_off_means_no_switch)
{
	unsigned int cpu = pin_here();
	struct mark m = {0};
	struct task *t = make_on(leave_mark, &m, cpu);
	u64 switches;

	sched_set_fifo(t, RT_PRIO_MAX);
	preempt_disable();
	switches = this_rq()->nr_switches;
	wake_up_process(t);
	EXPECT(need_resched());
	spin_for(20 * MS);
	EXPECT(!READ_ONCE(m.ran));
	EXPECT_EQ(this_rq()->nr_switches, switches);
	preempt_enable();
	EXPECT(READ_ONCE(m.ran));
	task_join(t);
	unpin();
}

TEST(sched, round_robin_equals_take_turns_and_fifo_equals_do_not)
{
	unsigned int cpu = pin_here();

	for (int rr = 0; rr < 2; rr++) {
		struct spinner s[2] = {{0}};

		EXPECT_EQ(sched_set_fifo(current, 10), 0);
		for (int i = 0; i < 2; i++) {
			s[i].task = make_on(spin_and_count, &s[i], cpu);
			if (rr)
				sched_set_rr(s[i].task, 5);
			else
				sched_set_fifo(s[i].task, 5);
			wake_up_process(s[i].task);
		}
		do
			msleep(150);
		while (!READ_ONCE(s[0].count) ||
		       (rr && !READ_ONCE(s[1].count)));
		if (!rr)
			EXPECT_EQ(READ_ONCE(s[1].count), 0);
		stop_spinner(&s[0]);
		stop_spinner(&s[1]);
		sched_set_normal(current, 0);
	}
	unpin();
}

/* Each of two tasks that yield to each other runs every second time. */
struct turns {
	int *log;
	int *nr;
	int id;
};

static int yield_in_turn(void *arg)
{
	struct turns *t = arg;

	for (int i = 0; i < 20; i++) {
		t->log[(*t->nr)++] = t->id;
		yield();
	}
	return 0;
}

TEST(sched, yield_lets_the_other_run)
{
	unsigned int cpu = pin_here();
	int log[40], nr = 0;
	struct turns turns[2] = {{log, &nr, 0}, {log, &nr, 1}};
	struct task *t[2];
	int changes = 0;

	for (int i = 0; i < 2; i++)
		t[i] = make_on(yield_in_turn, &turns[i], cpu);
	preempt_disable();
	wake_up_process(t[0]);
	wake_up_process(t[1]);
	preempt_enable();
	task_join(t[0]);
	task_join(t[1]);
	ASSERT_EQ(nr, 40);
	/* Where a slice ended on the way to yield(), there is no change. */
	for (int i = 0; i < 38; i++)
		changes += log[i] != log[i + 1];
	EXPECT_GE(changes, 30);
	unpin();
}

/* -- Shares ------------------------------------------------------------------ */

/*
 * @n spinners with these nice values share one CPU until @is_fair says so of
 * their times, for 12 s at most.  If the host took the CPU away, one of them has
 * been charged for it, and the others come up to it.
 */
static bool share_cpu(const int *nice, int n, bool (*is_fair)(const u64 *ns))
{
	unsigned int cpu = pin_here();
	struct spinner s[8] = {{0}};
	bool fair = false;

	sched_set_fifo(current, 10);
	for (int i = 0; i < n; i++) {
		s[i].task = make_on(spin_and_count, &s[i], cpu);
		sched_set_normal(s[i].task, nice[i]);
		wake_up_process(s[i].task);
	}
	msleep(800);
	for (int i = 0; i < 120 && !fair; i++) {
		u64 ns[8], sum = 0;

		for (int k = 0; k < n; k++)
			sum += ns[k] = task_cpu_time(s[k].task);
		fair = sum >= 700 * MS && is_fair(ns);
		if (!fair)
			msleep(100);
	}
	for (int i = 0; i < n; i++)
		stop_spinner(&s[i]);
	sched_set_normal(current, 0);
	unpin();
	return fair;
}

static bool are_equal(const u64 *ns)
{
	u64 sum = ns[0] + ns[1] + ns[2] + ns[3];

	for (int i = 0; i < 4; i++)
		if (ns[i] < sum / 4 * 85 / 100 || ns[i] > sum / 4 * 115 / 100)
			return false;
	return true;
}

TEST_T(sched, equals_share_a_cpu_equally, 20)
{
	static const int nice[4];

	EXPECT(share_cpu(nice, 4, are_equal));
}

/* Weights of nice 0 and 5 are 1024 to 336, that is 3.05. */
static bool are_three_to_one(const u64 *ns)
{
	return ns[0] * 100 >= ns[1] * 260 && ns[0] * 100 <= ns[1] * 360;
}

TEST_T(sched, nice_values_weigh_the_shares, 20)
{
	static const int nice[2] = {0, 5};

	EXPECT(share_cpu(nice, 2, are_three_to_one));
}

/* One who slept long may run first, but not for as long as it slept. */
static int sleep_then_spin(void *arg)
{
	struct spinner *s = arg;

	msleep(200);
	return spin_and_count(s);
}

/* What a busy task gets in the 100 ms after the other woke. */
static u64 share_with_sleeper(unsigned int cpu)
{
	struct spinner busy = {0}, sleeper = {0};
	u64 before, got;

	busy.task = make_on(spin_and_count, &busy, cpu);
	sleeper.task = make_on(sleep_then_spin, &sleeper, cpu);
	wake_up_process(busy.task);
	wake_up_process(sleeper.task);
	msleep(220);
	before = task_cpu_time(busy.task);
	msleep(100);
	got = task_cpu_time(busy.task) - before;
	stop_spinner(&busy);
	stop_spinner(&sleeper);
	return got;
}

TEST(sched, sleeping_saves_up_no_more_than_a_burst)
{
	unsigned int cpu = pin_here();
	u64 got = 0;

	sched_set_fifo(current, 10);
	for (int try = 0; try < TRIES && got < 30 * MS; try++)
		got = share_with_sleeper(cpu);
	EXPECT_GE(got, 30 * MS);
	sched_set_normal(current, 0);
	unpin();
}

TEST(sched, cpu_time_is_what_was_used)
{
	u64 before, start, slept = 0, used = 0;

	for (int try = 0; try < TRIES && (!try || slept >= 25 * MS); try++) {
		before = task_cpu_time(current);
		msleep(50);
		slept = task_cpu_time(current) - before;
	}
	EXPECT_LT(slept, 25 * MS);
	for (int try = 0; try < TRIES && used < 20 * MS; try++) {
		before = task_cpu_time(current);
		start = ktime_get_ns();
		spin_for(50 * MS);
		used = task_cpu_time(current) - before;
		EXPECT_LE(used, ktime_get_ns() - start);
	}
	EXPECT_GE(used, 20 * MS);
}
