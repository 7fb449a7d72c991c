/* SPDX-License-Identifier: MIT */
/* smp_test.c - functions are called where and as often as asked. */
#include <arch/irqflags.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/preempt.h>
#include <kernel/core/smp.h>
#include <kernel/core/stop_machine.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/atomic.h>
#include <tests/test.h>

static atomic_t calls[NR_CPUS];

static void reset(void)
{
	for (int cpu = 0; cpu < NR_CPUS; cpu++)
		atomic_set(&calls[cpu], 0);
}

static void count(void *info)
{
	EXPECT_EQ(info, &calls);
	EXPECT(irqs_disabled());
	atomic_inc(&calls[smp_processor_id()]);
}

TEST(smp, single_call_runs_on_that_cpu_only)
{
	unsigned int cpu, other;

	for_each_online_cpu(cpu) {
		reset();
		EXPECT_EQ(smp_call_function_single(cpu, count, &calls, true),
			  0);
		for_each_online_cpu(other)
			EXPECT_EQ(atomic_read(&calls[other]), other == cpu);
	}
}

TEST(smp, call_to_an_offline_cpu_is_refused)
{
	EXPECT_EQ(smp_call_function_single(NR_CPUS - 1, count, &calls, true),
		  -ENXIO);
	EXPECT_EQ(smp_call_function_single(NR_CPUS, count, &calls, true),
		  -ENXIO);
}

TEST(smp, each_cpu_is_called_once)
{
	unsigned int cpu;

	reset();
	on_each_cpu(count, &calls, true);
	for_each_online_cpu(cpu)
		EXPECT_EQ(atomic_read(&calls[cpu]), 1);
}

static void finish_slowly(void *info)
{
	for (int i = 0; i < 2000; i++)
		cpu_relax();
	WRITE_ONCE(*(bool *)info, true);
}

/* Who waits goes on when the function has returned, not when it begins. */
TEST(smp, who_waits_sees_what_the_function_did)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		for (int i = 0; i < 5; i++) {
			bool done = false;

			smp_call_function_single(cpu, finish_slowly, &done,
						 true);
			EXPECT(done);
		}
	}
}

/* Not waiting does not lose calls: the next send waits for the room. */
TEST(smp, calls_without_waiting_all_arrive)
{
	unsigned int cpu;

	reset();
	for (int i = 0; i < 100; i++)
		on_each_cpu(count, &calls, false);
	on_each_cpu(count, &calls, true);
	for_each_online_cpu(cpu)
		EXPECT_EQ(atomic_read(&calls[cpu]), 101);
}

static void call_back(void *info)
{
	struct call_single_data *csd = info;

	atomic_inc(&calls[smp_processor_id()]);
	if (csd)
		EXPECT_EQ(smp_call_function_single_async(0, csd), 0);
}

/* A call may be sent from where it is running, and on to this CPU too. */
TEST(smp, async_call_is_free_again_when_it_runs)
{
	static struct call_single_data last =
		CALL_SINGLE_DATA_INIT(call_back, NULL);
	static struct call_single_data csd =
		CALL_SINGLE_DATA_INIT(call_back, &last);
	unsigned int cpu, n = 0;

	for_each_online_cpu(cpu) {
		reset();
		ASSERT_EQ(smp_call_function_single_async(cpu, &csd), 0);
		for (n = 0; n < 100000000; n++) {
			if (atomic_read(&calls[0]) + atomic_read(&calls[cpu]) >=
			    (cpu ? 2 : 4))
				break;
			cpu_relax();
		}
		EXPECT_EQ(atomic_read(&calls[0]), cpu ? 1 : 2);
		EXPECT_EQ(READ_ONCE(csd.busy), 0);
	}
}

/* -- stop_machine ---------------------------------------------------------- */

static bool keep_moving;

/* Mostly with interrupts off: it is asked to stop long before it can. */
static int move_until_told(void *moving)
{
	while (READ_ONCE(keep_moving)) {
		local_irq_disable();
		for (int i = 0; i < 1000; i++) {
			atomic_inc(moving);
			cpu_relax();
		}
		local_irq_enable();
	}
	return 0;
}

/* Does anybody move while we look? */
static int look_around(void *arg)
{
	atomic_t *moving = arg;
	int before = atomic_read(moving);

	/* Long enough for one that has left to be at it again. */
	ndelay(2 * NSEC_PER_MSEC);
	EXPECT(irqs_disabled());
	return atomic_read(moving) == before ? 42 : -1;
}

TEST(smp, nobody_moves_while_the_machine_is_stopped)
{
	static struct task *tasks[NR_CPUS];
	static atomic_t moving;
	unsigned int cpu;

	WRITE_ONCE(keep_moving, true);
	atomic_set(&moving, 0);
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(move_until_told, &moving, "moves");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
	}
	while (atomic_read(&moving) < 100)
		yield();
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(stop_machine(look_around, &moving), 42);
	WRITE_ONCE(keep_moving, false);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
}

/* Two counts that differ only while preemption is off: in tasks, and in a
 * softirq. */
struct halves {
	atomic_t first, second;
	atomic_t stop;
};

static void change_both(struct halves *h)
{
	atomic_inc(&h->first);
	for (int i = 0; i < 300; i++)
		cpu_relax();
	atomic_inc(&h->second);
}

static int change_in_sections(void *halves)
{
	struct halves *h = halves;

	while (!atomic_read(&h->stop)) {
		preempt_disable();
		change_both(h);
		preempt_enable();
		local_bh_disable();
		change_both(h);
		local_bh_enable();
	}
	return 0;
}

static int are_equal(void *halves)
{
	struct halves *h = halves;

	return atomic_read(&h->first) == atomic_read(&h->second);
}

TEST(smp, a_stopped_machine_has_nobody_inside_a_preempt_off_section)
{
	static struct task *tasks[NR_CPUS];
	static struct halves halves;
	unsigned int cpu;

	halves = (struct halves){};
	for_each_online_cpu(cpu) {
		tasks[cpu] =
			kthread_create(change_in_sections, &halves, "half");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
	}
	while (atomic_read(&halves.second) < 100)
		yield();
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(stop_machine(are_equal, &halves), 1);
	atomic_set(&halves.stop, 1);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
}

/* A CPU on its way to the meeting may wait for the answer of one that is there
 * already: that one must still take interrupts. */
static void answer(void *unused)
{
}

static int call_until_told(void *calling)
{
	while (READ_ONCE(keep_moving)) {
		smp_call_function(answer, NULL, true);
		atomic_inc(calling);
	}
	return 0;
}

static int do_nothing(void *unused)
{
	return 0;
}

TEST(smp, a_stop_lets_calls_that_are_under_way_be_answered)
{
	static struct task *tasks[NR_CPUS];
	static atomic_t calling;
	unsigned int cpu;

	WRITE_ONCE(keep_moving, true);
	atomic_set(&calling, 0);
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(call_until_told, &calling, "calls");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
	}
	while (atomic_read(&calling) < 100)
		yield();
	for (int i = 0; i < 50; i++)
		EXPECT_EQ(stop_machine(do_nothing, NULL), 0);
	WRITE_ONCE(keep_moving, false);
	for_each_online_cpu(cpu)
		task_join(tasks[cpu]);
}

/* The same two counts, changed in interrupts, which come also to a CPU that
 * waits for the others to arrive. */
#define BEAT_NS 50000ull

struct beat {
	struct timer_list timer;
	struct halves *halves;
};

static void change_in_an_interrupt(struct timer_list *t)
{
	struct beat *b = from_timer(b, t, timer);

	atomic_inc(&b->halves->first);
	ndelay(BEAT_NS);
	atomic_inc(&b->halves->second);
	mod_timer(t, ktime_get_ns() + BEAT_NS);
}

static int arrive_late(void *halves)
{
	struct halves *h = halves;

	while (!atomic_read(&h->stop)) {
		preempt_disable();
		ndelay(4 * BEAT_NS);
		preempt_enable();
	}
	return 0;
}

static int are_unequal(void *halves)
{
	return !are_equal(halves);
}

TEST(smp, a_stopped_machine_has_nobody_inside_an_interrupt)
{
	static struct beat beats[NR_CPUS];
	static struct task *tasks[NR_CPUS];
	static struct halves halves;
	unsigned int cpu;

	halves = (struct halves){};
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(arrive_late, &halves, "late");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
		wake_up_process(tasks[cpu]);
		beats[cpu].halves = &halves;
		timer_setup(&beats[cpu].timer, change_in_an_interrupt,
			    TIMER_HARDIRQ);
		mod_timer_on(&beats[cpu].timer, 0, cpu);
	}
	while (atomic_read(&halves.second) < 100)
		yield();
	/* By everybody, the last to arrive too. */
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(stop_machine_all(are_unequal, &halves), 0);
	atomic_set(&halves.stop, 1);
	for_each_online_cpu(cpu) {
		del_timer_sync(&beats[cpu].timer);
		task_join(tasks[cpu]);
	}
}

static int everybody_is_inside(void *arg)
{
	atomic_t *inside = arg;

	atomic_inc_return(inside);
	while (atomic_read_acquire(inside) < num_online_cpus())
		cpu_relax();
	return 1 << (smp_processor_id() % 8);
}

/* If one CPU came later than another had left, this would hang. */
TEST(smp, stop_machine_all_has_every_cpu_inside_at_once)
{
	for (int i = 0; i < 10; i++) {
		atomic_t inside = ATOMIC_INIT(0);
		int mask = 0, result;
		unsigned int cpu;

		result = stop_machine_all(everybody_is_inside, &inside);
		for_each_online_cpu(cpu)
			mask |= 1 << (cpu % 8);
		EXPECT_EQ(result, mask);
		EXPECT_EQ(atomic_read(&inside), num_online_cpus());
	}
}
