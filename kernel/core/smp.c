/* SPDX-License-Identifier: MIT */
/*
 * smp.c - function calls between CPUs.
 *
 * Problem.    Ask some CPUs to run a function, and perhaps wait, without
 *             allocating, and without a lock that all senders share.
 * Idea.       Each CPU owns one outgoing request and one incoming bitmap with a
 *             bit for each CPU that may ask.  To send is to fill the request,
 *             set our bit at each receiver and interrupt it.  A receiver takes
 *             its bitmap word by word, runs what the senders left, and counts
 *             itself off.  The request is free again when the count is 0.
 * Nesting.    Filling and sending happen with interrupts off; so what runs on
 *             top finds the request free, or on its way to being so.
 * Async.      A caller that cannot wait for the request brings its own
 *             (call_single_data) and it is put on a lockless list.
 * Rejected.   A descriptor for each pair of CPUs: 64 KiB a CPU at 256 CPUs.
 */
#include <arch/ipi.h>
#include <arch/irqflags.h>
#include <arch/upcalls.h>
#include <errno.h>
#include <kernel/core/panic.h>
#include <kernel/core/preempt.h>
#include <kernel/core/smp.h>
#include <lib/atomic.h>
#include <lib/bitops.h>

struct call_request {
	/* Own CPU, while nr_pending is 0; then read by the receivers. */
	smp_call_func_t func;
	void *info;

	/* Receivers that have not finished.  Any CPU, atomically. */
	atomic_t nr_pending;
};

struct call_inbox {
	/* Which CPUs' requests are for us.  Any CPU, atomically. */
	cpumask_t senders;
	struct llist_head async;
};

static DEFINE_PER_CPU_ALIGNED(struct call_request, outgoing);
static DEFINE_PER_CPU_ALIGNED(struct call_inbox, inbox);

/* -- Sending --------------------------------------------------------------- */

static void wait_until_free(struct call_request *request)
{
	/* Pairs with the full barrier of the last receiver's decrement. */
	while (atomic_read_acquire(&request->nr_pending))
		cpu_relax();
}

/* @mask: online, without this CPU, not empty.  Preemption off. */
static void send(const cpumask_t *mask, smp_call_func_t func, void *info,
		 bool wait)
{
	struct call_request *request = this_cpu_ptr(&outgoing);
	unsigned int me = smp_processor_id(), cpu;
	unsigned long flags;

	WARN_ON_ONCE(irqs_disabled() && !panic_in_progress());
	for (;;) {
		wait_until_free(request);
		local_irq_save(flags);
		if (likely(!atomic_read(&request->nr_pending)))
			break;
		local_irq_restore(flags); /* an interrupt was faster */
	}
	request->func = func;
	request->info = info;
	atomic_set(&request->nr_pending, cpumask_weight(mask));
	/* Each bit is set with a full barrier: the request, then the bit.
	 * Pairs with the receiver's exchange in run_requests(). */
	for_each_cpu(cpu, mask)
		cpumask_set_cpu(me, &per_cpu(inbox, cpu).senders);
	arch_send_call_function_mask(mask);
	local_irq_restore(flags);
	if (wait)
		wait_until_free(request);
}

void smp_call_function_many(const cpumask_t *mask, smp_call_func_t func,
			    void *info, bool wait)
{
	cpumask_t others;

	cpumask_and(&others, mask, cpu_online_mask);
	cpumask_clear_cpu(smp_processor_id(), &others);
	if (!cpumask_empty(&others))
		send(&others, func, info, wait);
}

void smp_call_function(smp_call_func_t func, void *info, bool wait)
{
	preempt_disable();
	smp_call_function_many(cpu_online_mask, func, info, wait);
	preempt_enable();
}

static void call_here(smp_call_func_t func, void *info)
{
	unsigned long flags;

	local_irq_save(flags);
	func(info);
	local_irq_restore(flags);
}

int smp_call_function_single(unsigned int cpu, smp_call_func_t func, void *info,
			     bool wait)
{
	int err = 0;

	preempt_disable();
	if (cpu == smp_processor_id()) {
		call_here(func, info);
	} else if (cpu < NR_CPUS && cpu_online(cpu)) {
		send(cpumask_of(cpu), func, info, wait);
	} else {
		err = -ENXIO;
	}
	preempt_enable();
	return err;
}

void on_each_cpu_mask(const cpumask_t *mask, smp_call_func_t func, void *info,
		      bool wait)
{
	preempt_disable();
	smp_call_function_many(mask, func, info, wait);
	if (cpumask_test_cpu(smp_processor_id(), mask))
		call_here(func, info);
	preempt_enable();
}

void on_each_cpu(smp_call_func_t func, void *info, bool wait)
{
	on_each_cpu_mask(cpu_online_mask, func, info, wait);
}

int smp_call_function_single_async(unsigned int cpu,
				   struct call_single_data *csd)
{
	if (xchg(&csd->busy, 1))
		return -EBUSY;
	/* Whoever finds the list empty sends; the others ride along. */
	if (llist_add(&csd->node, &per_cpu(inbox, cpu).async))
		arch_send_call_function(cpu);
	return 0;
}

/* -- Receiving ------------------------------------------------------------- */

static void run_requests(struct call_inbox *in)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++) {
		u64 word = in->senders.bits[i] ? xchg(&in->senders.bits[i], 0)
					       : 0;

		while (word) {
			unsigned int sender = i * 64 + __builtin_ctzll(word);
			struct call_request *request =
				per_cpu_ptr(&outgoing, sender);

			word &= word - 1;
			request->func(request->info);
			/* A full barrier: what func did, then the count. */
			atomic_dec_return(&request->nr_pending);
		}
	}
}

static void run_async(struct call_inbox *in)
{
	struct llist_node *list;
	struct call_single_data *csd, *next;

	list = llist_reverse_order(llist_del_all(&in->async));
	llist_for_each_entry_safe(csd, next, list, node) {
		smp_call_func_t func = csd->func;
		void *info = csd->info;

		/* From here on it may be sent again: pairs with the exchange in
		 * smp_call_function_single_async(). */
		smp_store_release(&csd->busy, 0);
		func(info);
	}
}

void call_function_interrupt(void)
{
	struct call_inbox *in = this_cpu_ptr(&inbox);

	run_requests(in);
	run_async(in);
}
