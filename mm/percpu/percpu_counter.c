/* SPDX-License-Identifier: MIT */
/*
 * percpu_counter.c - count here, and tell everybody now and then.
 *
 * The common case is one per-CPU addition.  Two of them may be torn apart by an
 * interrupt that counts too, so interrupts are off for the few instructions
 * between looking at the part and moving it.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <errno.h>
#include <mm/percpu/percpu_counter.h>

int percpu_counter_init(struct percpu_counter *c, s64 value, gfp_t gfp)
{
	spin_lock_init(&c->lock);
	c->count = value;
	c->parts = alloc_percpu_gfp(s32, gfp);
	return c->parts ? 0 : -ENOMEM;
}

void percpu_counter_destroy(struct percpu_counter *c)
{
	free_percpu(c->parts);
	c->parts = NULL;
}

void percpu_counter_add_batch(struct percpu_counter *c, s64 amount, s32 batch)
{
	unsigned long flags;
	s64 part;

	local_irq_save(flags);
	part = this_cpu_read(*c->parts) + amount;
	if (part >= batch || part <= -batch) {
		spin_lock(&c->lock);
		c->count += part;
		spin_unlock(&c->lock);
		part = 0;
	}
	this_cpu_write(*c->parts, (s32)part);
	local_irq_restore(flags);
}

s64 percpu_counter_sum(struct percpu_counter *c)
{
	unsigned long flags;
	unsigned int cpu;
	s64 sum;

	spin_lock_irqsave(&c->lock, flags);
	sum = c->count;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(c->parts, cpu));
	spin_unlock_irqrestore(&c->lock, flags);
	return sum;
}

void percpu_counter_set(struct percpu_counter *c, s64 value)
{
	unsigned long flags;
	unsigned int cpu;

	spin_lock_irqsave(&c->lock, flags);
	for_each_possible_cpu(cpu)
		WRITE_ONCE(*per_cpu_ptr(c->parts, cpu), 0);
	c->count = value;
	spin_unlock_irqrestore(&c->lock, flags);
}

int percpu_counter_compare(struct percpu_counter *c, s64 value)
{
	s64 slack = (s64)PERCPU_COUNTER_BATCH * nr_cpu_ids;
	s64 count = percpu_counter_read(c);

	if (count - value <= slack && value - count <= slack)
		count = percpu_counter_sum(c);
	return (count > value) - (count < value);
}
