/* SPDX-License-Identifier: MIT */
/* sched_test.c - who runs, where, and for how long. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/random.h>
#include <tests/test.h>
#include "sched_impl.h"

#define MS NSEC_PER_MSEC

/* -- Helpers ----------------------------------------------------------------- */

static void spin_for(u64 ns)
{
	u64 end = ktime_get_ns() + ns;

	while (ktime_get_ns() < end)
		cpu_relax();
}

/* The nth online CPU, round and round. */
static unsigned int nth_cpu(unsigned int n)
{
	unsigned int cpu = cpumask_first(&cpu_online_mask);

	for (n %= num_online_cpus(); n; n--)
		cpu = cpumask_next(cpu, &cpu_online_mask);
	return cpu;
}

/* Stay on one CPU for the rest of the test. */
static unsigned int pin_here(void)
{
	unsigned int cpu = nth_cpu(test_random_below(num_online_cpus()));
	struct cpumask mask = cpumask_of(cpu);

	EXPECT_EQ(set_cpus_allowed(current, &mask), 0);
	EXPECT_EQ(smp_processor_id(), cpu);
	return cpu;
}

static void unpin(void)
{
	EXPECT_EQ(set_cpus_allowed(current, &cpu_online_mask), 0);
}

static struct task *make(int (*fn)(void *), void *arg)
{
	struct task *t = kthread_create(fn, arg, "test");

	ASSERT(!IS_ERR(t));
	return t;
}

static struct task *make_on(int (*fn)(void *), void *arg, unsigned int cpu)
{
	struct task *t = make(fn, arg);

	kthread_bind(t, cpu);
	return t;
}

/* Notes when it ran, and where. */
struct mark {
	int		order;
	unsigned int	cpu;
	bool		ran;
};
static atomic_t next_order;

static int leave_mark(void *arg)
{
	struct mark *m = arg;

	m->order = atomic_inc_return(&next_order);
	m->cpu = smp_processor_id();
	WRITE_ONCE(m->ran, true);
	return 0;
}

/* Counts as long as it may. */
struct spinner {
	struct task	*task;
	u64		count;
	bool		stop;
	unsigned int	cpu;
};

static int spin_and_count(void *arg)
{
	struct spinner *s = arg;

	while (!READ_ONCE(s->stop)) {
		WRITE_ONCE(s->count, s->count + 1);
		WRITE_ONCE(s->cpu, smp_processor_id());
		cpu_relax();
	}
	return 0;
}

static void stop_spinner(struct spinner *s)
{
	WRITE_ONCE(s->stop, true);
	task_join(s->task);
}

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

TEST(sched, realtime_levels_run_in_order)
{
	static const int levels[] = {7, RT_PRIO_MAX, RT_PRIO_MIN, 30, 8};
	static const int order[] = {4, 1, 5, 2, 3};
	struct mark m[5] = {{0}};
	struct task *t[5];
	unsigned int cpu = pin_here();

	atomic_set(&next_order, 0);
	for (int i = 0; i < 5; i++) {
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
		msleep(150);
		EXPECT_GT(READ_ONCE(s[0].count), 0);
		if (rr)
			EXPECT_GT(READ_ONCE(s[1].count), 0);
		else
			EXPECT_EQ(READ_ONCE(s[1].count), 0);
		stop_spinner(&s[0]);
		stop_spinner(&s[1]);
		sched_set_normal(current, 0);
	}
	unpin();
}

/* Each of two tasks that yield to each other runs every second time. */
struct turns {
	int	*log;
	int	*nr;
	int	id;
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

	for (int i = 0; i < 2; i++)
		t[i] = make_on(yield_in_turn, &turns[i], cpu);
	preempt_disable();
	wake_up_process(t[0]);
	wake_up_process(t[1]);
	preempt_enable();
	task_join(t[0]);
	task_join(t[1]);
	ASSERT_EQ(nr, 40);
	for (int i = 0; i < 38; i++)
		EXPECT_NE(log[i], log[i + 1]);
	unpin();
}

/* -- Shares ------------------------------------------------------------------ */

/* @n spinners with these nice values share one CPU for @ms; their times. */
static void share_cpu(const int *nice, int n, u64 ms, u64 *ns)
{
	unsigned int cpu = pin_here();
	struct spinner s[8] = {{0}};

	sched_set_fifo(current, 10);
	for (int i = 0; i < n; i++) {
		s[i].task = make_on(spin_and_count, &s[i], cpu);
		sched_set_normal(s[i].task, nice[i]);
		wake_up_process(s[i].task);
	}
	msleep(ms);
	for (int i = 0; i < n; i++)
		ns[i] = task_cpu_time(s[i].task);
	for (int i = 0; i < n; i++)
		stop_spinner(&s[i]);
	sched_set_normal(current, 0);
	unpin();
}

/*
 * A host that takes its CPU away for a while makes that time look like one
 * task's.  That averages out over the tries; an unfair scheduler does not.
 */
#define TRIES 4

TEST_T(sched, equals_share_a_cpu_equally, 20)
{
	static const int nice[4];
	bool fair = false;
	u64 ns[4], sum;

	for (int try = 0; try < TRIES && !fair; try++) {
		share_cpu(nice, 4, 400, ns);
		sum = 0;
		fair = true;
		for (int i = 0; i < 4; i++)
			sum += ns[i];
		for (int i = 0; i < 4; i++)
			fair &= ns[i] >= sum / 4 * 85 / 100 &&
				ns[i] <= sum / 4 * 115 / 100;
		EXPECT_GE(sum, 300 * MS);
	}
	EXPECT(fair);
}

/* Weights of nice 0 and 5 are 1024 to 336, that is 3.05. */
TEST_T(sched, nice_values_weigh_the_shares, 20)
{
	static const int nice[2] = {0, 5};
	bool fair = false;
	u64 ns[2];

	for (int try = 0; try < TRIES && !fair; try++) {
		share_cpu(nice, 2, 500, ns);
		fair = ns[0] * 100 >= ns[1] * 260 && ns[0] * 100 <= ns[1] * 360;
	}
	EXPECT(fair);
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
	u64 before = task_cpu_time(current), start = ktime_get_ns(), used;

	msleep(50);
	EXPECT_LT(task_cpu_time(current) - before, 25 * MS);
	before = task_cpu_time(current);
	start = ktime_get_ns();
	spin_for(50 * MS);
	used = task_cpu_time(current) - before;
	EXPECT_GE(used, 20 * MS);
	EXPECT_LE(used, ktime_get_ns() - start);
}

/* -- Sleeping and waking ----------------------------------------------------- */

/*
 * A token goes round a ring of tasks on all CPUs by bare set_current_state()
 * and wake_up_process().  Random delays on both sides move the wakeup to every
 * point of falling asleep.  A lost wakeup shows as a timeout.
 */
#define RING   6
#define ROUNDS 400

struct ring_member {
	struct task		*task;
	struct ring_member	*next;
	struct prng		rng;
	int			tokens; /* any CPU, atomically */
	bool			lost;
};

static void random_delay(struct ring_member *m)
{
	u32 loops = prng_below(&m->rng, 400);

	while (loops--)
		cpu_relax();
}

static bool take_token(struct ring_member *m)
{
	int tokens = READ_ONCE(m->tokens);

	return tokens && cmpxchg(&m->tokens, tokens, tokens - 1) == tokens;
}

static int pass_tokens(void *arg)
{
	struct ring_member *m = arg;

	for (int i = 0; i < ROUNDS; i++) {
		s64 left = 5 * NSEC_PER_SEC;

		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			random_delay(m);
			if (take_token(m) || !left)
				break;
			left = schedule_timeout(left);
		}
		__set_current_state(TASK_RUNNING);
		if (!left) {
			WRITE_ONCE(m->lost, true);
			return 1;
		}
		random_delay(m);
		__atomic_fetch_add(&m->next->tokens, 1, __ATOMIC_RELAXED);
		wake_up_process(m->next->task);
	}
	return 0;
}

TEST_T(sched, wakeups_are_never_lost, 60)
{
	struct ring_member m[RING] = {{0}};
	u64 seed = test_seed();

	for (int i = 0; i < RING; i++) {
		m[i].task = make(pass_tokens, &m[i]);
		m[i].next = &m[(i + 1) % RING];
		prng_init(&m[i].rng, seed + i);
		if (i % 2)
			kthread_bind(m[i].task, nth_cpu(i));
	}
	m[0].tokens = 2;
	for (int i = 0; i < RING; i++)
		wake_up_process(m[i].task);
	for (int i = 0; i < RING; i++) {
		task_wait(m[i].task);
		EXPECT(!m[i].lost);
	}
	for (int i = 0; i < RING; i++)
		task_join(m[i].task);
}

static int sleep_through(void *arg)
{
	u64 start = ktime_get_ns();

	sleep_ns(30 * MS);
	return ktime_get_ns() - start >= 30 * MS;
}

TEST(sched, sleep_goes_on_when_woken_early)
{
	struct task *t = make(sleep_through, NULL);

	wake_up_process(t);
	for (int i = 0; i < 5; i++) {
		sleep_ns(2 * MS);
		wake_up_process(t);
	}
	EXPECT_EQ(task_join(t), 1);
}

TEST(sched, sleep_is_never_early)
{
	for (int i = 0; i < 10; i++) {
		u64 ns = test_random_below(10 * MS), start = ktime_get_ns();

		sleep_ns(ns);
		EXPECT_GE(ktime_get_ns() - start, ns);
	}
}

TEST(sched, timeout_of_a_sleep_says_what_is_left)
{
	s64 left;

	set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT_EQ(schedule_timeout(5 * MS), 0);
	EXPECT_EQ(current->state, TASK_RUNNING);

	/* Woken before it slept: hardly anything passes. */
	set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT(wake_up_process(current));
	left = schedule_timeout(1000 * MS);
	EXPECT_GT(left, 0);
	EXPECT_LE(left, 1000 * MS);
}

TEST(sched, waking_asks_for_the_right_state)
{
	EXPECT(!wake_up_process(current));
	__set_current_state(TASK_UNINTERRUPTIBLE);
	EXPECT(!wake_up_state(current, TASK_INTERRUPTIBLE));
	EXPECT_EQ(current->state, TASK_UNINTERRUPTIBLE);
	EXPECT(wake_up_state(current, TASK_UNINTERRUPTIBLE));
	EXPECT_EQ(current->state, TASK_RUNNING);
}

/* -- Where ------------------------------------------------------------------- */

/* The mask may change while its task runs; what counts is that the task is gone
 * from a forbidden CPU when set_cpus_allowed() returns. */
struct wanderer {
	struct task	*task;
	unsigned int	changes; /* odd while the mask is being changed */
	u64		wrong;
	u64		steps;
	bool		stop;
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
		struct cpumask mask = cpumask_of(a);

		cpumask_set_cpu(b, &mask);
		WRITE_ONCE(w->changes, w->changes + 1);
		EXPECT_EQ(set_cpus_allowed(w->task, &mask), 0);
		EXPECT(task_cpu(w->task) == a || task_cpu(w->task) == b ||
		       READ_ONCE(w->task->on_rq) == 0);
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
		struct cpumask mask = cpumask_of(nth_cpu(i));
		u64 count;

		EXPECT_EQ(set_cpus_allowed(s.task, &mask), 0);
		EXPECT_EQ(task_cpu(s.task), nth_cpu(i));
		count = READ_ONCE(s.count);
		while (READ_ONCE(s.count) < count + 2)
			cond_resched();
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
		EXPECT_EQ(set_cpus_allowed(s[i].task, &cpu_online_mask), 0);
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
	u64 end = ktime_get_ns() + 2000 * MS;

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
		cond_resched();

	t = make_on(leave_mark, &m, there);
	wake_up_process(t);
	EXPECT_EQ(set_cpus_allowed(t, &cpu_online_mask), 0);
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
	set_cpus_allowed(t, &cpu_online_mask);

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
	for (int i = 0; i < 100 && !READ_ONCE(m.ran); i++)
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

/* A CPU with waiting tasks gives one away, though the idle ones sleep on. */
TEST(sched, a_busy_cpu_gives_to_an_idle_one)
{
	struct sched_cpu_stats before, after;
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	cpu = pin_here();
	sched_set_fifo(current, 10);
	sched_cpu_stats(cpu, &before);
	after = before;
	/* The idle one may also wake for another reason, and fetch it. */
	for (int round = 0; round < 20 && after.nr_pushed == before.nr_pushed;
	     round++) {
		struct spinner s[2] = {{0}};

		for (int i = 0; i < 2; i++) {
			s[i].task = make_on(spin_and_count, &s[i], cpu);
			wake_up_process(s[i].task);
			set_cpus_allowed(s[i].task, &cpu_online_mask);
		}
		for (int i = 0; i < 40 && task_cpu(s[0].task) ==
						  task_cpu(s[1].task); i++)
			msleep(5); /* and wakes on this CPU */
		EXPECT_NE(task_cpu(s[0].task), task_cpu(s[1].task));
		stop_spinner(&s[0]);
		stop_spinner(&s[1]);
		sched_cpu_stats(cpu, &after);
	}
	EXPECT_GT(after.nr_pushed, before.nr_pushed);
	sched_set_normal(current, 0);
	unpin();
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

static void do_nothing(struct timer *t)
{
}

/* A timer that was deleted does not end a halt: its interrupt was set, though. */
TEST(sched, an_idle_cpu_sleeps_until_its_next_timer)
{
	unsigned int cpu = pin_here();
	u64 taken = 0;
	struct timer t;

	timer_setup(&t, do_nothing, TIMER_HARDIRQ);
	for (int try = 0; try < 10 && taken != 1; try++) {
		taken = timer_interrupts(cpu);
		mod_timer(&t, ktime_get_ns() + 20 * MS);
		EXPECT(del_timer(&t));
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
