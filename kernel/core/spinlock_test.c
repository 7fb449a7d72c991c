/* SPDX-License-Identifier: MIT */
/* spinlock_test.c - one at a time, whoever waits and however they wait. */
#include <arch/irqflags.h>
#include <kernel/core/clock.h>
#include <kernel/core/spinlock.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <tests/test.h>

#define ROUNDS 2000

static spinlock_t lock;

/* Under lock.  Two words that are only ever equal there. */
static unsigned long twin_a, twin_b;
static unsigned long nr_inside;

static void critical_section(void)
{
	EXPECT_EQ(nr_inside++, 0);
	EXPECT(spin_is_held(&lock));
	EXPECT_EQ(twin_a, twin_b);
	twin_a++;
	cpu_relax(); /* where virtual CPUs take turns, now it is another's */
	twin_b++;
	nr_inside--;
}

/* Every way to take it, in turn; returns how often it was inside. */
static int take_in_all_ways(void *arg)
{
	unsigned long flags;
	int times = 0;

	for (int i = 0; i < ROUNDS; i++) {
		times++;
		switch (i % 5) {
		case 0:
			spin_lock(&lock);
			critical_section();
			spin_unlock(&lock);
			break;
		case 1:
			spin_lock_irq(&lock);
			critical_section();
			spin_unlock_irq(&lock);
			break;
		case 2:
			spin_lock_irqsave(&lock, flags);
			critical_section();
			spin_unlock_irqrestore(&lock, flags);
			break;
		case 3:
			spin_lock_bh(&lock);
			critical_section();
			spin_unlock_bh(&lock);
			break;
		case 4:
			if (!spin_trylock(&lock)) {
				times--;
				break;
			}
			critical_section();
			spin_unlock(&lock);
		}
	}
	EXPECT_EQ(preempt_count(), 0);
	EXPECT(!irqs_disabled());
	return times;
}

static int taker(void *arg)
{
	int *times = arg;

	*times = take_in_all_ways(NULL);
	return 0;
}

TEST(spinlock, one_cpu_at_a_time_is_inside)
{
	static struct task *tasks[NR_CPUS];
	static int times[NR_CPUS];
	unsigned long total = 0;
	unsigned int cpu;

	spin_lock_init(&lock);
	twin_a = twin_b = nr_inside = 0;
	for_each_online_cpu(cpu) {
		tasks[cpu] = kthread_create(taker, &times[cpu], "taker");
		ASSERT(!IS_ERR(tasks[cpu]));
		kthread_bind(tasks[cpu], cpu);
	}
	for_each_online_cpu(cpu)
		wake_up_process(tasks[cpu]);
	for_each_online_cpu(cpu) {
		task_join(tasks[cpu]);
		total += times[cpu];
	}
	EXPECT_EQ(twin_a, total);
	EXPECT_EQ(twin_b, total);
	EXPECT_GT(total, 0);
	EXPECT(!spin_is_locked(&lock));
}

static int try_it(void *unused)
{
	bool got = spin_trylock(&lock);

	if (got)
		spin_unlock(&lock);
	return got;
}

TEST(spinlock, trylock_refuses_what_another_holds)
{
	struct task *t;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	spin_lock_init(&lock);
	EXPECT_EQ(try_it(NULL), 1);

	t = kthread_create(try_it, NULL, "tries");
	ASSERT(!IS_ERR(t));
	preempt_disable();
	kthread_bind(t, (smp_processor_id() + 1) % num_online_cpus());
	spin_lock(&lock);
	wake_up_process(t);
	while (!task_exited(t))
		cpu_relax();
	EXPECT_EQ(spin_owner(&lock), smp_processor_id());
	spin_unlock(&lock);
	preempt_enable();
	EXPECT_EQ(task_join(t), 0);
}

TEST(spinlock, failed_trylock_leaves_no_trace)
{
	unsigned long flags;

	spin_lock_init(&lock);
	lock.raw.owner = NR_CPUS + 1; /* somebody who is not here */
	EXPECT(!spin_trylock(&lock));
	EXPECT_EQ(preempt_count(), 0);
	EXPECT(!spin_trylock_irq(&lock));
	EXPECT_EQ(preempt_count(), 0);
	EXPECT(!irqs_disabled());
	EXPECT(!spin_trylock_irqsave(&lock, flags));
	EXPECT_EQ(preempt_count(), 0);
	EXPECT(!irqs_disabled());
	EXPECT(!spin_trylock_bh(&lock));
	EXPECT_EQ(preempt_count(), 0);
	EXPECT_EQ(spin_owner(&lock), NR_CPUS);
	lock.raw.owner = 0;
}

TEST(spinlock, holding_keeps_what_it_says_off)
{
	unsigned long flags;

	spin_lock_init(&lock);
	spin_lock(&lock);
	EXPECT_EQ(preempt_count(), PREEMPT_OFFSET);
	EXPECT(!irqs_disabled());
	spin_unlock(&lock);

	spin_lock_bh(&lock);
	EXPECT(in_softirq());
	EXPECT(!irqs_disabled());
	spin_unlock_bh(&lock);
	EXPECT(!in_softirq());

	spin_lock_irq(&lock);
	EXPECT(irqs_disabled());
	spin_unlock_irq(&lock);
	EXPECT(!irqs_disabled());

	/* _irqsave gives back what was, off included. */
	local_irq_disable();
	spin_lock_irqsave(&lock, flags);
	spin_unlock_irqrestore(&lock, flags);
	EXPECT(irqs_disabled());
	local_irq_enable();
	EXPECT_EQ(preempt_count(), 0);
}
