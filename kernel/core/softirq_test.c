/* SPDX-License-Identifier: MIT */
/* softirq_test.c - interrupts, and what they leave to be done. */
#include <arch/trap.h>
#include <arch/irqflags.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/irq.h>
#include <kernel/core/smp.h>
#include <kernel/core/softirq.h>
#include <kernel/task/kthread.h>
#include <tests/test.h>

#define MS NSEC_PER_MSEC

static struct completion served;
static atomic_t nr_served;
static u32 context;
static unsigned int served_on;

static void serve(void)
{
	context = preempt_count();
	served_on = smp_processor_id();
	atomic_inc(&nr_served);
	complete(&served);
}

static void start(void)
{
	init_completion(&served);
	atomic_set(&nr_served, 0);
	open_softirq(TEST_SOFTIRQ, serve);
}

TEST(softirq, is_served_soon_in_its_context)
{
	start();
	raise_softirq(TEST_SOFTIRQ);
	EXPECT_GT(wait_for_completion_timeout(&served, 1000 * MS), 0);
	EXPECT(context & SOFTIRQ_OFFSET);
	EXPECT(!(context & HARDIRQ_MASK));
	EXPECT_EQ(atomic_read(&nr_served), 1);
}

TEST(softirq, waits_while_held_off)
{
	start();
	local_bh_disable();
	EXPECT(in_softirq());
	EXPECT(!in_serving_softirq());
	raise_softirq(TEST_SOFTIRQ);
	for (u64 end = ktime_get_ns() + 20 * MS; ktime_get_ns() < end;)
		cpu_relax();
	EXPECT_EQ(atomic_read(&nr_served), 0);
	local_bh_disable();
	local_bh_enable();
	EXPECT_EQ(atomic_read(&nr_served), 0);
	local_bh_enable();
	EXPECT_EQ(atomic_read(&nr_served), 1);
	EXPECT_EQ(preempt_count(), 0);
}

/* One that is always raised again shares its CPU with the tasks there. */
static bool stop_raising;

static void serve_until_told(void)
{
	atomic_inc(&nr_served);
	if (READ_ONCE(stop_raising))
		complete(&served);
	else
		raise_softirq(TEST_SOFTIRQ);
}

TEST(softirq, overload_does_not_keep_tasks_out)
{
	struct cpumask here = *cpumask_of(smp_processor_id());
	u64 end;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	start();
	WRITE_ONCE(stop_raising, false);
	open_softirq(TEST_SOFTIRQ, serve_until_told);
	raise_softirq(TEST_SOFTIRQ);
	/* Until it has had its turns between ours. */
	end = ktime_get_ns() + 5000 * MS;
	while (atomic_read(&nr_served) < 1000 && ktime_get_ns() < end)
		cpu_relax();
	EXPECT_GE(atomic_read(&nr_served), 1000);
	WRITE_ONCE(stop_raising, true);
	EXPECT_GT(wait_for_completion_timeout(&served, 1000 * MS), 0);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

static void raise_here(void *unused)
{
	raise_softirq_irqoff(TEST_SOFTIRQ);
}

TEST(softirq, runs_on_the_cpu_that_raised_it)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		start();
		smp_call_function_single(cpu, raise_here, NULL, true);
		EXPECT_GT(wait_for_completion_timeout(&served, 1000 * MS), 0);
		EXPECT_EQ(served_on, cpu);
	}
}

/* -- Interrupt handlers ------------------------------------------------------ */

#define TEST_VECTOR 0x77

static int nr_handled;
static u32 handled_in;
static bool handled_irqs_off;

static void handle(unsigned int nr, void *data)
{
	EXPECT_EQ(nr, TEST_VECTOR);
	EXPECT_EQ(data, &nr_handled);
	handled_in = preempt_count();
	handled_irqs_off = irqs_disabled();
	nr_handled++;
}

TEST(irq, a_vector_has_one_handler_at_a_time)
{
	u64 before = irq_count(TEST_VECTOR), spurious;

	nr_handled = 0;
	EXPECT_EQ(request_irq(VECTOR_TIMER, handle, "test", NULL), -EINVAL);
	EXPECT_EQ(request_irq(TRAP_NMI, handle, "test", NULL), -EINVAL);
	EXPECT_EQ(request_irq(TEST_VECTOR, handle, "test", &nr_handled), 0);
	EXPECT_EQ(request_irq(TEST_VECTOR, handle, "other", NULL), -EBUSY);
	EXPECT_STREQ(irq_name(TEST_VECTOR), "test");

	asm volatile("int %0" ::"i"(TEST_VECTOR) : "memory");
	EXPECT_EQ(nr_handled, 1);
	EXPECT(handled_in & HARDIRQ_MASK);
	EXPECT(handled_irqs_off);
	EXPECT_EQ(irq_count(TEST_VECTOR), before + 1);

	free_irq(TEST_VECTOR);
	EXPECT_EQ(irq_name(TEST_VECTOR), NULL);
	preempt_disable();
	spurious = irq_spurious_count(smp_processor_id());
	asm volatile("int %0" ::"i"(TEST_VECTOR) : "memory");
	EXPECT_EQ(irq_spurious_count(smp_processor_id()), spurious + 1);
	preempt_enable();
	EXPECT_EQ(nr_handled, 1);
}

TEST(irq, alloc_gives_each_a_vector_of_its_own)
{
	int a = irq_alloc(handle, "a", NULL), b = irq_alloc(handle, "b", NULL);

	EXPECT_GE(a, VECTOR_DEVICE_FIRST);
	EXPECT_GE(b, VECTOR_DEVICE_FIRST);
	EXPECT_NE(a, b);
	free_irq(a);
	free_irq(b);
	EXPECT_EQ(irq_alloc(handle, "c", NULL), a);
	free_irq(a);
}

/* An interrupt that wakes somebody more urgent ends in that one. */
static bool woken_ran;

static int note_run(void *unused)
{
	WRITE_ONCE(woken_ran, true);
	return 0;
}

static void handle_by_waking(unsigned int nr, void *task)
{
	wake_up_process(task);
}

TEST(irq, a_task_woken_by_it_preempts_the_interrupted_one)
{
	struct cpumask here = *cpumask_of(smp_processor_id());
	struct task *t;

	EXPECT_EQ(set_cpus_allowed(current, &here), 0);
	t = kthread_create(note_run, NULL, "test");
	ASSERT(!IS_ERR(t));
	kthread_bind(t, smp_processor_id());
	sched_set_fifo(t, 20);
	woken_ran = false;
	ASSERT_EQ(request_irq(TEST_VECTOR, handle_by_waking, "test", t), 0);
	asm volatile("int %0" ::"i"(TEST_VECTOR) : "memory");
	EXPECT(READ_ONCE(woken_ran));
	free_irq(TEST_VECTOR);
	task_join(t);
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}
