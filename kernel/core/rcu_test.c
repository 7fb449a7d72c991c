/* SPDX-License-Identifier: MIT */
/*
 * rcu_test.c - nothing goes away under a reader, and everything does after.
 */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/report.h>
#include <kernel/core/watchdog.h>
#include <kernel/task/kthread.h>
#include <lib/random.h>
#include <tests/test.h>
#include "rcu_impl.h"

#define MS NSEC_PER_MSEC

/* What waits for readers is given back before anybody counts. */
TEST_QUIESCE(rcu)
{
	rcu_barrier();
}

static void spin_for(u64 ns)
{
	u64 end = ktime_get_ns() + ns;

	while (ktime_get_ns() < end)
		cpu_relax();
}

static struct task *run_on(unsigned int cpu, int (*fn)(void *), void *arg)
{
	struct task *t = kthread_create(fn, arg, "rcu_test/%u", cpu);

	ASSERT(!IS_ERR(t));
	kthread_bind(t, cpu);
	wake_up_process(t);
	return t;
}

/* A CPU that is not this one; the caller has been bound. */
static unsigned int other_cpu(void)
{
	cpumask_t here = *cpumask_of(smp_processor_id());
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			break;
	return cpu;
}

static void unbind(void)
{
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

/* -- Waiting --------------------------------------------------------------- */

struct held_reader {
	bool inside;
	bool leave;
};

static int read_until_told(void *arg)
{
	struct held_reader *reader = arg;

	rcu_read_lock();
	smp_store_release(&reader->inside, true);
	while (!smp_load_acquire(&reader->leave))
		cpu_relax();
	rcu_read_unlock();
	return 0;
}

static bool grace_period_within(u64 ns)
{
	unsigned long state = start_poll_synchronize_rcu();
	u64 end = ktime_get_ns() + ns;

	while (!poll_state_synchronize_rcu(state)) {
		if (ktime_get_ns() > end)
			return false;
		sleep_ns(MS);
	}
	return true;
}

TEST(rcu, grace_period_waits_for_a_reader)
{
	struct held_reader reader = {};
	struct task *t = run_on(other_cpu(), read_until_told, &reader);

	while (!smp_load_acquire(&reader.inside))
		cpu_relax();
	EXPECT(!grace_period_within(50 * MS));
	WRITE_ONCE(reader.leave, true);
	EXPECT(grace_period_within(5000 * MS));
	kthread_stop(t);
	unbind();
}

static int nest_until_told(void *arg)
{
	struct held_reader *reader = arg;

	rcu_read_lock();
	smp_store_release(&reader->inside, true);
	while (!smp_load_acquire(&reader->leave)) {
		rcu_read_lock();
		cpu_relax();
		rcu_read_unlock();
	}
	rcu_read_unlock();
	return 0;
}

TEST(rcu, an_inner_unlock_does_not_end_the_outer_reader)
{
	struct held_reader reader = {};
	struct task *t = run_on(other_cpu(), nest_until_told, &reader);

	while (!smp_load_acquire(&reader.inside))
		cpu_relax();
	EXPECT(!grace_period_within(50 * MS));
	WRITE_ONCE(reader.leave, true);
	EXPECT(grace_period_within(5000 * MS));
	kthread_stop(t);
	unbind();
}

static int compute_until_told(void *arg)
{
	struct held_reader *busy = arg;

	smp_store_release(&busy->inside, true);
	while (!smp_load_acquire(&busy->leave))
		cpu_relax();
	return 0;
}

/* A task alone on its CPU never switches and takes no tick: it is asked. */
TEST(rcu, grace_period_does_not_wait_for_a_computation)
{
	struct held_reader busy = {};
	struct task *t = run_on(other_cpu(), compute_until_told, &busy);

	while (!smp_load_acquire(&busy.inside))
		cpu_relax();
	EXPECT(grace_period_within(5000 * MS));
	WRITE_ONCE(busy.leave, true);
	kthread_stop(t);
	unbind();
}

static int read_again_and_again(void *arg)
{
	struct held_reader *busy = arg;

	smp_store_release(&busy->inside, true);
	while (!smp_load_acquire(&busy->leave)) {
		rcu_read_lock();
		spin_for(MS);
		rcu_read_unlock();
	}
	return 0;
}

/* Whenever it is asked it is in a reader; so it is told to switch after it. */
TEST(rcu, grace_period_gets_in_between_readers)
{
	struct held_reader busy = {};
	struct task *t = run_on(other_cpu(), read_again_and_again, &busy);

	while (!smp_load_acquire(&busy.inside))
		cpu_relax();
	for (int i = 0; i < 10; i++)
		EXPECT(grace_period_within(5000 * MS));
	WRITE_ONCE(busy.leave, true);
	kthread_stop(t);
	unbind();
}

TEST(rcu, synchronize_returns_both_ways)
{
	for (int i = 0; i < 10; i++) {
		unsigned long state = get_state_synchronize_rcu();

		if (i % 2)
			synchronize_rcu_expedited();
		else
			synchronize_rcu();
		if (num_online_cpus() > 1)
			EXPECT(poll_state_synchronize_rcu(state));
	}
}

/* Grace periods look at idle CPUs and leave them alone. */
TEST(rcu, idle_cpus_are_not_woken)
{
	enum { ROUNDS = 20 };
	unsigned long before[NR_CPUS], least = ~0ul;
	unsigned int cpu;

	if (num_online_cpus() < 3)
		SKIP("needs a CPU that is neither ours nor the thread's");
	sleep_ns(50 * MS);
	for_each_online_cpu(cpu)
		before[cpu] = READ_ONCE(per_cpu(rcu_watch, cpu).active);
	for (int i = 0; i < ROUNDS; i++)
		synchronize_rcu();
	for_each_online_cpu(cpu) {
		unsigned long moved =
			READ_ONCE(per_cpu(rcu_watch, cpu).active) - before[cpu];

		if (moved < least)
			least = moved;
	}
	/* Each waking would have counted twice. */
	EXPECT_LT(least, ROUNDS);
}

TEST(rcu, stall_is_reported)
{
	struct held_reader reader = {};
	unsigned long old = rcu_stall_ms;
	struct task *t = run_on(other_cpu(), read_until_told, &reader);

	while (!smp_load_acquire(&reader.inside))
		cpu_relax();
	rcu_stall_ms = 20;
	report_expect(REPORT_RCU_STALL);
	EXPECT(!grace_period_within(200 * MS));
	WRITE_ONCE(reader.leave, true);
	EXPECT(grace_period_within(5000 * MS));
	/* At 20, 40, 80 and 160 ms; not once a look. */
	EXPECT_GE(report_expected(REPORT_RCU_STALL), 1);
	rcu_stall_ms = old;
	kthread_stop(t);
	unbind();
}

/* -- Callbacks ------------------------------------------------------------- */

struct noted {
	struct rcu_head head;
	int order;
	unsigned int cpu;
	bool in_softirq;
};

static atomic_t nr_called;

static void note(struct rcu_head *head)
{
	struct noted *noted = container_of(head, struct noted, head);

	noted->order = atomic_inc_return(&nr_called);
	noted->cpu = smp_processor_id();
	noted->in_softirq = in_serving_softirq();
}

TEST(rcu, callbacks_come_in_order_in_softirq_on_their_cpu)
{
	static struct noted noted[300];
	unsigned int cpu;

	atomic_set(&nr_called, 0);
	preempt_disable();
	cpu = smp_processor_id();
	for (int i = 0; i < ARRAY_SIZE(noted); i++)
		call_rcu(&noted[i].head, note);
	EXPECT_EQ(atomic_read(&nr_called), 0);
	preempt_enable();
	rcu_barrier();

	EXPECT_EQ(atomic_read(&nr_called), ARRAY_SIZE(noted));
	for (int i = 0; i < ARRAY_SIZE(noted); i++) {
		EXPECT_EQ(noted[i].order, i + 1);
		EXPECT_EQ(noted[i].cpu, cpu);
		EXPECT(noted[i].in_softirq);
	}
}

static void call_from_interrupt(void *arg)
{
	struct noted *noted = arg;

	call_rcu(&noted[smp_processor_id()].head, note);
}

/* The barrier covers every CPU's, and idle CPUs' too. */
TEST(rcu, barrier_waits_for_all_cpus)
{
	static struct noted noted[NR_CPUS];

	for (int i = 0; i < 10; i++) {
		atomic_set(&nr_called, 0);
		on_each_cpu(call_from_interrupt, noted, true);
		rcu_barrier();
		EXPECT_EQ(atomic_read(&nr_called), num_online_cpus());
	}
	EXPECT_EQ(rcu_nr_pending(), 0);
}

static void set_flag(struct rcu_head *head)
{
	atomic_inc(&nr_called);
}

/* Queues one with interrupts off, and then neither sleeps, nor enables preemption,
 * nor has a tick: nothing of it may be needed. */
static bool is_called_while_computing(struct rcu_head *head)
{
	unsigned long flags;
	u64 end;

	sleep_ns(50 * MS); /* no grace period is under way */
	atomic_set(&nr_called, 0);
	local_irq_save(flags);
	call_rcu(head, set_flag);
	local_irq_restore(flags);
	end = ktime_get_ns() + 1000 * MS;
	while (!atomic_read(&nr_called) && ktime_get_ns() < end)
		cpu_relax();
	return atomic_read(&nr_called);
}

/* A loaded host may take that long, but not each time. */
static int queue_and_compute(void *unused)
{
	static struct rcu_head head;

	for (int i = 0; i < 3; i++) {
		if (is_called_while_computing(&head))
			return 1;
		rcu_barrier();
	}
	return 0;
}

TEST_T(rcu, callback_comes_to_a_task_that_only_computes, 30)
{
	/* Who looks at all CPUs now and then would set it going. */
	unsigned long old = watchdog_set_ms(0);
	struct task *t =
		run_on(cpumask_nth(num_online_cpus() - 1, cpu_online_mask),
		       queue_and_compute, NULL);

	EXPECT_EQ(task_join(t), 1);
	watchdog_set_ms(old);
}

static bool reader_left;

static void check_reader_left(struct rcu_head *head)
{
	EXPECT(smp_load_acquire(&reader_left));
	atomic_inc(&nr_called);
}

static int read_for_a_while(void *arg)
{
	struct held_reader *reader = arg;

	rcu_read_lock();
	smp_store_release(&reader->inside, true);
	spin_for(20 * MS);
	smp_store_release(&reader_left, true);
	rcu_read_unlock();
	return 0;
}

TEST(rcu, callback_waits_for_a_reader)
{
	static struct rcu_head head;
	struct held_reader reader = {};
	struct task *t;

	WRITE_ONCE(reader_left, false);
	atomic_set(&nr_called, 0);
	t = run_on(other_cpu(), read_for_a_while, &reader);
	while (!smp_load_acquire(&reader.inside))
		cpu_relax();
	call_rcu(&head, check_reader_left);
	rcu_barrier();
	EXPECT_EQ(atomic_read(&nr_called), 1);
	kthread_stop(t);
	unbind();
}

static void read_for_a_while_in_interrupt(void *arg)
{
	read_for_a_while(arg);
}

/* Its CPU is idle but for the interrupt, in which there may be readers. */
TEST(rcu, grace_period_waits_for_an_interrupt_on_an_idle_cpu)
{
	unsigned int cpu = other_cpu();

	for (int i = 0; i < 5; i++) {
		struct held_reader reader = {};

		for (int tries = 0; !rcu_cpu_is_idle(cpu) && tries < 500;
		     tries++)
			sleep_ns(MS);
		WRITE_ONCE(reader_left, false);
		smp_call_function_single(cpu, read_for_a_while_in_interrupt,
					 &reader, false);
		while (!smp_load_acquire(&reader.inside))
			cpu_relax();
		synchronize_rcu();
		EXPECT(smp_load_acquire(&reader_left));
	}
	unbind();
}

struct freed {
	long before;
	struct rcu_head rcu;
};

static const void *freed_object;

static void note_free(const void *object)
{
	freed_object = object;
}

TEST(rcu, an_offset_for_a_callback_frees_the_object_around_the_head)
{
	static struct freed object;
	rcu_kfree_t old;

	rcu_barrier();
	old = rcu_set_kfree(note_free);
	call_rcu(&object.rcu, (rcu_callback_t)offsetof(struct freed, rcu));
	rcu_barrier();
	rcu_set_kfree(old);
	EXPECT_EQ(freed_object, &object);
}

/* -- Stress ---------------------------------------------------------------- */

/*
 * Writers replace a shared element and recycle the old one after a grace
 * period, waited for in every way there is; readers look at it twice, some
 * microseconds or now and then milliseconds apart, and it must be alive both
 * times.
 */
#define NR_ELEMENTS 64
#define STRESS_NS   (1500 * MS)

enum { DEAD = 0x6b6b6b6b, ALIVE = 0x600d600d };

struct element {
	unsigned int life;
	unsigned long generation;
	struct rcu_head rcu;
	struct llist_node node;
};

struct stress {
	struct element elements[NR_ELEMENTS];
	struct llist_head recycled;
	spinlock_t lock; /* one taker of recycled elements at a time */
	struct element *shared;
	bool stop;

	atomic_long_t reads;
	atomic_long_t writes;
	atomic_long_t errors;
};

static struct stress stress;

struct worker {
	u64 seed;
};

static void recycle(struct element *element)
{
	WRITE_ONCE(element->life, DEAD);
	llist_add(&element->node, &stress.recycled);
}

static void recycle_rcu(struct rcu_head *head)
{
	recycle(container_of(head, struct element, rcu));
}

static struct element *new_element(void)
{
	struct llist_node *node;

	spin_lock(&stress.lock);
	node = llist_del_first(&stress.recycled);
	spin_unlock(&stress.lock);
	return node ? container_of(node, struct element, node) : NULL;
}

static void read_once(struct prng *prng)
{
	struct element *element;
	unsigned long generation;

	rcu_read_lock();
	element = rcu_dereference(stress.shared);
	generation = READ_ONCE(element->generation);
	if (READ_ONCE(element->life) != ALIVE)
		atomic_long_inc(&stress.errors);
	rcu_read_lock();
	if (prng_one_in(prng, 500))
		spin_for(3 * MS);
	else
		spin_for(prng_below(prng, 20000));
	rcu_read_unlock();
	if (READ_ONCE(element->life) != ALIVE ||
	    READ_ONCE(element->generation) != generation)
		atomic_long_inc(&stress.errors);
	rcu_read_unlock();
	atomic_long_inc(&stress.reads);
}

static int stress_reader(void *arg)
{
	struct worker *worker = arg;
	struct prng prng;

	prng_init(&prng, worker->seed);
	while (!READ_ONCE(stress.stop)) {
		read_once(&prng);
		if (prng_one_in(&prng, 100))
			sleep_ns(prng_below(&prng, MS));
	}
	return 0;
}

/* In an interrupt, on top of anything, idle included. */
static void read_in_interrupt(void *unused)
{
	struct element *element;

	rcu_read_lock();
	element = rcu_dereference(stress.shared);
	spin_for(5000);
	if (READ_ONCE(element->life) != ALIVE)
		atomic_long_inc(&stress.errors);
	rcu_read_unlock();
	atomic_long_inc(&stress.reads);
}

static void dispose(struct element *old, unsigned int how)
{
	unsigned long state;

	switch (how) {
	case 0:
		synchronize_rcu();
		break;
	case 1:
		synchronize_rcu_expedited();
		break;
	case 2:
		state = start_poll_synchronize_rcu();
		while (!poll_state_synchronize_rcu(state))
			sleep_ns(MS);
		break;
	default:
		call_rcu(&old->rcu, recycle_rcu);
		return;
	}
	recycle(old);
}

static int stress_writer(void *arg)
{
	struct worker *worker = arg;
	struct prng prng;

	prng_init(&prng, worker->seed);
	while (!READ_ONCE(stress.stop)) {
		struct element *new = new_element(), *old;

		if (!new) {
			rcu_barrier();
			continue;
		}
		new->generation++;
		WRITE_ONCE(new->life, ALIVE);
		old = xchg(&stress.shared, new);
		dispose(old, prng_below(&prng, 12));
		atomic_long_inc(&stress.writes);
		if (prng_one_in(&prng, 16))
			on_each_cpu(read_in_interrupt, NULL, false);
		if (prng_one_in(&prng, 4))
			sleep_ns(prng_below(&prng, MS / 2));
	}
	return 0;
}

static void stress_init(void)
{
	init_llist_head(&stress.recycled);
	spin_lock_init(&stress.lock);
	for (int i = 1; i < NR_ELEMENTS; i++)
		recycle(&stress.elements[i]);
	stress.elements[0].life = ALIVE;
	stress.shared = &stress.elements[0];
	stress.stop = false;
	atomic_long_set(&stress.reads, 0);
	atomic_long_set(&stress.writes, 0);
	atomic_long_set(&stress.errors, 0);
}

TEST_T(rcu, stress_nothing_dies_under_a_reader, 60)
{
	static struct task *tasks[2 * NR_CPUS];
	static struct worker workers[2 * NR_CPUS];
	unsigned int nr = 0, cpu, left;
	u64 seed = test_seed();

	stress_init();
	for_each_online_cpu(cpu) {
		workers[nr].seed = seed + nr;
		tasks[nr] = run_on(cpu, stress_reader, &workers[nr]);
		nr++;
		workers[nr].seed = seed + nr;
		tasks[nr] = kthread_run(stress_writer, &workers[nr], "writer");
		ASSERT(!IS_ERR(tasks[nr]));
		nr++;
	}
	sleep_ns(STRESS_NS);
	WRITE_ONCE(stress.stop, true);
	for (left = nr; left-- > 0;)
		kthread_stop(tasks[left]);
	on_each_cpu(read_in_interrupt, NULL, true);
	rcu_barrier();

	EXPECT_EQ(atomic_long_read(&stress.errors), 0);
	EXPECT_GT(atomic_long_read(&stress.reads), 100);
	EXPECT_GT(atomic_long_read(&stress.writes), 20);
	test_log("%ld reads, %ld writes", atomic_long_read(&stress.reads),
		 atomic_long_read(&stress.writes));
	/* Every element is back but the one that is shared. */
	for (left = 0; new_element(); left++)
		;
	EXPECT_EQ(left, NR_ELEMENTS - 1);
}
