/* SPDX-License-Identifier: MIT */
/*
 * rcu_callback.c - functions to call when a grace period is over.
 *
 * Each CPU keeps its callbacks in three lists, in the order they came:
 *
 *	next	have come, and wait for no particular grace period yet
 *	wait	wait for grace period `seq` to end
 *	done	may be called
 *
 * While `wait` is in use newcomers gather in `next` and share the grace period
 * after it, so however many there are, no more grace periods are asked for
 * than can be had.  The lists are their CPU's own, with interrupts off; the
 * thread only reads `seq`, and sends an interrupt when it has come.
 *
 * Calling.    In RCU_SOFTIRQ, BATCH at a time, so that interrupts and other
 *             softirqs get their turn in a flood.
 * Barrier.    One more callback on each CPU that has any: lists keep order, so
 *             when it is called all before it have been.
 * Idle.       A CPU may rest while its callbacks wait; when they may be called
 *             it is interrupted for them, and for no other reason.
 */
#include <arch/irqflags.h>
#include <kernel/core/completion.h>
#include <kernel/core/mutex.h>
#include <kernel/core/panic.h>
#include <lib/atomic.h>
#include "rcu_impl.h"

#define BATCH 128

/* Tail is valid while head is not NULL, so that zeroed memory is empty. */
struct callback_list {
	struct rcu_head *head;
	struct rcu_head *tail;
};

struct callbacks {
	/* Own CPU, interrupts off. */
	struct callback_list next;
	struct callback_list wait;
	struct callback_list done;

	/* What `wait` waits for; 0 when it is empty.  The thread reads it. */
	unsigned long seq;

	/* Own CPU, the second in softirq; others read. */
	unsigned long nr_queued;
	unsigned long nr_called;

	/* The thread's call to this CPU. */
	struct call_single_data ready;
};

static DEFINE_PER_CPU(struct callbacks, callbacks);

static rcu_kfree_t kfree_object;

static void list_append(struct callback_list *list, struct callback_list *more)
{
	if (!more->head)
		return;
	if (list->head)
		list->tail->next = more->head;
	else
		list->head = more->head;
	list->tail = more->tail;
	more->head = NULL;
}

static void push(struct callback_list *list, struct rcu_head *head)
{
	struct callback_list one = {head, head};

	head->next = NULL;
	list_append(list, &one);
}

/*
 * Move callbacks along as far as they may go.  Returns the number of a grace
 * period to ask for, or 0.  Own CPU, interrupts off.
 */
static unsigned long line_up(struct callbacks *cbs)
{
	unsigned long asked = 0;

	for (;;) {
		if (cbs->wait.head) {
			if (!poll_state_synchronize_rcu(cbs->seq))
				return asked;
			list_append(&cbs->done, &cbs->wait);
			WRITE_ONCE(cbs->seq, 0);
		}
		if (!cbs->next.head)
			return 0;
		list_append(&cbs->wait, &cbs->next);
		asked = get_state_synchronize_rcu();
		WRITE_ONCE(cbs->seq, asked);
		/* The wish, then whether it has come true meanwhile (the next
		 * turn): pairs with the barrier in rcu.c's end(). */
		smp_mb();
	}
}

bool rcu_callbacks_due(void)
{
	struct callbacks *cbs = this_cpu_ptr(&callbacks);

	return cbs->done.head || (cbs->seq && rcu_seq_reached(cbs->seq));
}

/* -- Queueing -------------------------------------------------------------- */

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	struct callbacks *cbs;
	unsigned long flags, seq = 0;

	head->func = func;
	local_irq_save(flags);
	cbs = this_cpu_ptr(&callbacks);
	push(&cbs->next, head);
	WRITE_ONCE(cbs->nr_queued, cbs->nr_queued + 1);
	if (!cbs->wait.head)
		seq = line_up(cbs);
	local_irq_restore(flags);
	if (seq)
		rcu_request(seq);
}

rcu_kfree_t rcu_set_kfree(rcu_kfree_t kfree)
{
	return xchg(&kfree_object, kfree);
}

unsigned long rcu_nr_pending(void)
{
	unsigned long nr = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct callbacks *cbs = per_cpu_ptr(&callbacks, cpu);
		unsigned long called = READ_ONCE(cbs->nr_called);

		nr += READ_ONCE(cbs->nr_queued) - called;
	}
	return nr;
}

/* -- Calling --------------------------------------------------------------- */

static void call(struct rcu_head *head)
{
	unsigned long func = (unsigned long)head->func;

	if (func < RCU_MAX_OFFSET)
		kfree_object((char *)head - func);
	else
		head->func(head);
}

static struct rcu_head *pop_done(struct callbacks *cbs)
{
	struct rcu_head *head;

	local_irq_disable();
	head = cbs->done.head;
	if (head)
		cbs->done.head = head->next;
	local_irq_enable();
	return head;
}

/* Softirqs off, so this CPU it stays. */
static void call_done(void)
{
	struct callbacks *cbs = this_cpu_ptr(&callbacks);
	unsigned long seq;

	local_irq_disable();
	seq = line_up(cbs);
	local_irq_enable();
	if (seq)
		rcu_request(seq);
	for (int n = 0; n < BATCH; n++) {
		struct rcu_head *head = pop_done(cbs);

		if (!head)
			return;
		call(head);
		/* Only now: rcu_barrier() takes equal counts for nothing to
		 * wait for, and pairs with this. */
		smp_store_release(&cbs->nr_called, cbs->nr_called + 1);
	}
	raise_softirq(RCU_SOFTIRQ);
}

static void ready(void *unused)
{
	raise_softirq_irqoff(RCU_SOFTIRQ);
}

void rcu_callbacks_ready(unsigned int cpu)
{
	struct callbacks *cbs = per_cpu_ptr(&callbacks, cpu);
	unsigned long seq = READ_ONCE(cbs->seq);

	if (seq && rcu_seq_reached(seq))
		smp_call_function_single_async(cpu, &cbs->ready);
}

void rcu_callbacks_init(void)
{
	unsigned int cpu;

	open_softirq(RCU_SOFTIRQ, call_done);
	for_each_possible_cpu(cpu)
		per_cpu(callbacks, cpu).ready.func = ready;
}

/* -- Barrier --------------------------------------------------------------- */

static DEFINE_MUTEX(barrier_lock);

/* Under barrier_lock. */
static DEFINE_PER_CPU(struct rcu_head, barrier_head);
static DECLARE_COMPLETION(barrier_done);
static atomic_t barrier_count;

static void barrier_called(struct rcu_head *unused)
{
	if (atomic_dec_and_test(&barrier_count))
		complete(&barrier_done);
}

/* On each CPU, interrupts off. */
static void barrier_queue(void *unused)
{
	struct callbacks *cbs = this_cpu_ptr(&callbacks);

	if (cbs->nr_queued == cbs->nr_called)
		return;
	atomic_inc(&barrier_count);
	call_rcu(this_cpu_ptr(&barrier_head), barrier_called);
}

void rcu_barrier(void)
{
	unsigned int cpu;

	assert_can_sleep();
	mutex_lock(&barrier_lock);
	reinit_completion(&barrier_done);
	/* One for us, so that the count cannot reach 0 before all are asked. */
	atomic_set(&barrier_count, 1);
	for_each_online_cpu(cpu) {
		struct callbacks *cbs = per_cpu_ptr(&callbacks, cpu);

		/* Equal: all of them have been called, and what they did is
		 * done; pairs with the release in call_done(). */
		if (smp_load_acquire(&cbs->nr_called) !=
		    READ_ONCE(cbs->nr_queued))
			smp_call_function_single(cpu, barrier_queue, NULL,
						 true);
	}
	barrier_called(NULL);
	wait_for_completion(&barrier_done);
	mutex_unlock(&barrier_lock);
}
