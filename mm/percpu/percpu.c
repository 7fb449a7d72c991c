/* SPDX-License-Identifier: MIT */
/*
 * percpu.c - hand out memory that every CPU has its own copy of.
 *
 *	percpu.c   what is asked for
 *	area.c     blocks cut into areas of one size
 *	chunk.c    chunks of blocks, and the pages behind them
 *	balance.c  blocks in reserve for those who cannot wait
 *	owner.c    who pays for an area
 *	check.c    is it all as it should be?
 *
 * One lock, taken once to allocate and once to free.  The copies are zeroed
 * outside it.
 *
 * Context: pcpu_lock is taken with interrupts off; any but NMI.
 */
#define pr_fmt(fmt) "percpu: " fmt
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <lib/math.h>
#include <mm/percpu/percpu.h>
#include "chunk_impl.h"

/* An area of @n slots in what is populated, or NULL. */
static void __percpu *take(struct pcpu_class *k, unsigned int n, bool spare)
{
	void __percpu *p;
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	if (likely(k))
		p = pcpu_take_small(k, spare);
	else
		p = pcpu_take_large(DIV_ROUND_UP(n, PCPU_BLOCK_SLOTS), spare);
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return p;
}

/* The same, populating blocks until there is one.  The mutex keeps others from
 * taking their pages away before we have it. */
static noinline void __percpu *grow_and_take(struct pcpu_class *k,
					     unsigned int n)
{
	unsigned int nr = k ? 1 : DIV_ROUND_UP(n, PCPU_BLOCK_SLOTS);
	void __percpu *p;

	mutex_lock(&pcpu_populate_mutex);
	while (!(p = take(k, n, true)) && !pcpu_grow(nr))
		;
	mutex_unlock(&pcpu_populate_mutex);
	return p;
}

static void clear_copies(void __percpu *p, unsigned int slots)
{
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++) {
		void *copy = per_cpu_ptr(p, cpu);
		unsigned long n = slots;

		asm volatile("rep stosq"
			     : "+D"(copy), "+c"(n)
			     : "a"(0)
			     : "memory");
	}
}

/* 0, or -ENOMEM: refused. */
static __always_inline int charge(void __percpu *p, gfp_t gfp)
{
	if (static_branch_unlikely(&accounting_kernel) && (gfp & __GFP_ACCOUNT))
		return __pcpu_charge(p, gfp);
	return 0;
}

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	unsigned int n = DIV_ROUND_UP(size, PCPU_SLOT);
	bool blocking = gfpflags_allow_blocking(gfp);
	struct pcpu_class *k;
	void __percpu *p;

	if (WARN_ON(!size || size > PERCPU_MAX_SIZE || !is_power_of_2(align) ||
		    align > PAGE_SIZE))
		return NULL;
	if (should_fail(&fail_percpu))
		return NULL;

	k = pcpu_class_for(n, align);
	p = take(k, n, blocking);
	if (unlikely(!p) && blocking)
		p = grow_and_take(k, n);
	if (unlikely(!p))
		return NULL;
	if (unlikely(charge(p, gfp))) {
		free_percpu(p);
		return NULL;
	}
	clear_copies(p, n);
	return p;
}

void free_percpu(const void __percpu *ptr)
{
	struct pcpu_block *b;
	unsigned long flags;
	unsigned int slot;
	size_t bytes;
	u32 owner = 0;
	bool given;

	if (!ptr)
		return;
	spin_lock_irqsave(&pcpu_lock, flags);
	b = pcpu_find_block(ptr, &slot);
	if (static_branch_unlikely(&accounting_enabled) && b)
		owner = pcpu_erase_owner(b, slot, &bytes);
	given = b && pcpu_give_area(b, slot);
	if (unlikely(owner))
		preempt_disable(); /* until its bytes are back */
	spin_unlock_irqrestore(&pcpu_lock, flags);

	if (unlikely(owner)) {
		pcpu_uncharge(owner, bytes);
		preempt_enable();
	}
	if (unlikely(!given) && report_note(REPORT_PERCPU))
		WARN(true, "free_percpu: nothing allocated at %p", ptr);
}

void percpu_get_info(struct percpu_info *info)
{
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	*info = (struct percpu_info){
		.nr_chunks = pcpu_totals.nr_chunks,
		.unit_size = pcpu_unit_blocks * PAGE_SIZE,
		.used = pcpu_totals.slots * PCPU_SLOT,
		.populated_pages = pcpu_totals.nr_populated * nr_cpu_ids,
		.reserve_pages = pcpu_totals.nr_ready,
		.nr_allocs = pcpu_totals.nr_areas,
	};
	spin_unlock_irqrestore(&pcpu_lock, flags);
}

unsigned long percpu_validate_all(void)
{
	unsigned long errors, flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	errors = pcpu_check();
	spin_unlock_irqrestore(&pcpu_lock, flags);
	if (errors && report_note(REPORT_PERCPU))
		pr_crit("%lu errors in the books of areas\n", errors);
	return errors;
}

void percpu_init(void)
{
	pcpu_classes_init();
	pcpu_chunks_init();
	percpu_drain();
}
