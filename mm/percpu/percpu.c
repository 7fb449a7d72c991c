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
#include <mm/slab/slab.h>
#include "chunk_impl.h"

static unsigned int blocks_of(unsigned int slots)
{
	return DIV_ROUND_UP(slots, PCPU_BLOCK_SLOTS);
}

/*
 * An area of class @k, or a large one of @n slots, in what is populated, or NULL.
 * With a @bill, it is one to be charged.
 */
static __always_inline void __percpu *take(struct pcpu_class *k, unsigned int n,
					   bool spare, struct pcpu_bill *bill)
{
	void __percpu *p;
	unsigned long flags;

	spin_lock_irqsave(&pcpu_lock, flags);
	if (likely(k))
		p = bill ? pcpu_take_owned(k, spare, bill)
			 : pcpu_take_small(k, spare);
	else
		p = bill ? pcpu_take_large_owned(blocks_of(n), spare, bill)
			 : pcpu_take_large(blocks_of(n), spare);
	spin_unlock_irqrestore(&pcpu_lock, flags);
	return p;
}

/* The same, populating blocks until there is one.  The mutex keeps others from
 * taking their pages away before we have it. */
static noinline void __percpu *
grow_and_take(struct pcpu_class *k, unsigned int n, struct pcpu_bill *bill)
{
	void __percpu *p;

	mutex_lock(&pcpu_populate_mutex);
	while (!(p = take(k, n, true, bill)) &&
	       !pcpu_grow(k ? 1 : blocks_of(n)))
		;
	mutex_unlock(&pcpu_populate_mutex);
	return p;
}

static void __percpu *alloc_plain(struct pcpu_class *k, unsigned int n,
				  gfp_t gfp)
{
	bool blocking = gfpflags_allow_blocking(gfp);
	void __percpu *p = take(k, n, blocking, NULL);

	if (unlikely(!p) && blocking)
		p = grow_and_take(k, n, NULL);
	return p;
}

/* In a new block, or one that comes into being meanwhile. */
static noinline void __percpu *alloc_owned_slow(struct pcpu_class *k,
						unsigned int n, gfp_t gfp,
						struct pcpu_bill *bill)
{
	bool blocking = gfpflags_allow_blocking(gfp);
	void __percpu *p;

	if (k) {
		bill->vector = pcpu_alloc_owners(k, gfp);
		if (!bill->vector)
			return NULL;
	}
	p = take(k, n, blocking, bill);
	if (!p && blocking)
		p = grow_and_take(k, n, bill);
	kfree(bill->vector); /* NULL if a block keeps it */
	return p;
}

static noinline void __percpu *alloc_charged(struct pcpu_class *k,
					     unsigned int n, gfp_t gfp)
{
	struct pcpu_bill bill;
	void __percpu *p;

	bill.vector = NULL;
	p = take(k, n, gfpflags_allow_blocking(gfp), &bill);
	if (unlikely(!p))
		p = alloc_owned_slow(k, n, gfp, &bill);
	if (likely(p) && unlikely(pcpu_charge(&bill, gfp))) {
		free_percpu(p);
		return NULL;
	}
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

/* Does somebody pay for this?  Who it is is asked again when it is charged. */
static __always_inline bool is_charged(gfp_t gfp)
{
	return static_branch_unlikely(&accounting_kernel) &&
	       (gfp & __GFP_ACCOUNT) && accounting_owner();
}

void __percpu *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	unsigned int n = DIV_ROUND_UP(size, PCPU_SLOT);
	struct pcpu_class *k;
	void __percpu *p;

	if (WARN_ON(!size || size > PERCPU_MAX_SIZE || !is_power_of_2(align) ||
		    align > PAGE_SIZE))
		return NULL;
	if (should_fail(&fail_percpu))
		return NULL;

	k = pcpu_class_for(n, align);
	if (is_charged(gfp))
		p = alloc_charged(k, n, gfp);
	else
		p = alloc_plain(k, n, gfp);
	if (likely(p))
		clear_copies(p, n);
	return p;
}

/* Of any kind, or none; with pcpu_lock held, which is released. */
static noinline bool free_other(struct pcpu_block *b, unsigned int slot,
				unsigned long flags)
{
	struct pcpu_bill bill = {0};
	bool given = b && pcpu_give_other(b, slot, &bill);

	preempt_disable(); /* until the owner's bytes are back */
	spin_unlock_irqrestore(&pcpu_lock, flags);
	if (bill.owner)
		pcpu_uncharge(&bill);
	preempt_enable();
	return given;
}

void free_percpu(const void __percpu *ptr)
{
	struct pcpu_block *b;
	unsigned long flags;
	unsigned int slot;
	bool given;

	if (!ptr)
		return;
	spin_lock_irqsave(&pcpu_lock, flags);
	b = pcpu_find_block(ptr, &slot);
	if (likely(b && b->use == PCPU_SMALL)) {
		given = pcpu_give_small(b, slot);
		spin_unlock_irqrestore(&pcpu_lock, flags);
	} else {
		given = free_other(b, slot, flags);
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
