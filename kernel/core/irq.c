/* SPDX-License-Identifier: MIT */
/*
 * irq.c - which device's handler a vector means.
 *
 * Problem.   Handlers come and go while other CPUs take interrupts, and the
 *            path from vector to handler should take no lock.
 * Idea.      An entry is live while its fn is set; fn is stored last and cleared
 *            first.  Each CPU notes the vector it serves, so free_irq() can wait
 *            until nobody serves the one it cleared.
 * Ordering.  The CPU stores its note, then loads fn; free_irq() clears fn, then
 *            loads the notes: a full barrier on each side, and one of them sees
 *            the other.
 */
#include <arch/cpumask.h>
#include <arch/irqflags.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <errno.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/spinlock.h>

#define NR_DEVICE_VECTORS (VECTOR_DEVICE_LAST - VECTOR_DEVICE_FIRST + 1)

struct irq_entry {
	/* Stored under irq_lock, loaded freely. */
	irq_handler_t fn;

	/* Stored before fn is set; fixed until nobody runs it any more. */
	void *data;
	const char *name;
};

static DEFINE_SPINLOCK(irq_lock);
static struct irq_entry entries[NR_DEVICE_VECTORS];

static DEFINE_PER_CPU(u64, irq_counts[NR_DEVICE_VECTORS]);
static DEFINE_PER_CPU(u64, irq_spurious);
static DEFINE_PER_CPU(struct irq_entry *, irq_serving);

static struct irq_entry *irq_entry_of(unsigned int nr)
{
	if (nr < VECTOR_DEVICE_FIRST || nr > VECTOR_DEVICE_LAST)
		return NULL;
	return &entries[nr - VECTOR_DEVICE_FIRST];
}

static void entry_set(struct irq_entry *e, irq_handler_t fn, const char *name,
		      void *data)
{
	assert_held(&irq_lock);
	e->data = data;
	e->name = name;
	/* Pairs with the load in irq_interrupt(). */
	smp_store_release(&e->fn, fn);
}

int request_irq(unsigned int nr, irq_handler_t fn, const char *name, void *data)
{
	struct irq_entry *e = irq_entry_of(nr);
	unsigned long flags;
	int err = 0;

	if (!e || !fn)
		return -EINVAL;
	spin_lock_irqsave(&irq_lock, flags);
	if (e->name)
		err = -EBUSY;
	else
		entry_set(e, fn, name, data);
	spin_unlock_irqrestore(&irq_lock, flags);
	return err;
}

int irq_alloc(irq_handler_t fn, const char *name, void *data)
{
	unsigned long flags;
	int nr = -ENOSPC;

	spin_lock_irqsave(&irq_lock, flags);
	for (int i = 0; i < NR_DEVICE_VECTORS; i++) {
		if (entries[i].name)
			continue;
		entry_set(&entries[i], fn, name, data);
		nr = VECTOR_DEVICE_FIRST + i;
		break;
	}
	spin_unlock_irqrestore(&irq_lock, flags);
	return nr;
}

void free_irq(unsigned int nr)
{
	struct irq_entry *e = irq_entry_of(nr);
	unsigned int cpu;

	BUG_ON(!e || !e->name);
	WRITE_ONCE(e->fn, NULL);
	smp_mb(); /* pairs with the one in irq_interrupt() */
	for_each_online_cpu(cpu)
		while (READ_ONCE(per_cpu(irq_serving, cpu)) == e)
			cpu_relax();
	/* Now the entry may be given out again. */
	smp_store_release(&e->name, NULL);
}

/* Upcall. */
void irq_interrupt(unsigned int vector, struct trap_frame *frame)
{
	struct irq_entry *e = irq_entry_of(vector);
	irq_handler_t fn;

	if (unlikely(!e)) {
		this_cpu_inc(irq_spurious);
		return;
	}
	this_cpu_write(irq_serving, e);
	smp_mb(); /* pairs with the one in free_irq() */
	fn = smp_load_acquire(&e->fn);
	if (likely(fn)) {
		this_cpu_inc(irq_counts[vector - VECTOR_DEVICE_FIRST]);
		fn(vector, e->data);
	} else {
		this_cpu_inc(irq_spurious);
	}
	/* Pairs with the load in free_irq(): the handler's work is done. */
	barrier();
	this_cpu_write(irq_serving, NULL);
}

u64 irq_count_cpu(unsigned int nr, unsigned int cpu)
{
	if (!irq_entry_of(nr))
		return 0;
	return READ_ONCE(per_cpu(irq_counts[nr - VECTOR_DEVICE_FIRST], cpu));
}

u64 irq_count(unsigned int nr)
{
	unsigned int cpu;
	u64 sum = 0;

	for_each_online_cpu(cpu)
		sum += irq_count_cpu(nr, cpu);
	return sum;
}

u64 irq_spurious_count(unsigned int cpu)
{
	return READ_ONCE(per_cpu(irq_spurious, cpu));
}

const char *irq_name(unsigned int nr)
{
	struct irq_entry *e = irq_entry_of(nr);

	return e && READ_ONCE(e->fn) ? READ_ONCE(e->name) : NULL;
}
