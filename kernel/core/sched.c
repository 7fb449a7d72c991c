/* SPDX-License-Identifier: MIT */
/*
 * sched.c - switch between tasks, and wake them.
 *
 * Problem.    Many CPUs pick from many tasks; wakeups come from anywhere, at
 *             any moment, for tasks on other CPUs, even for one that is just
 *             about to sleep.
 * Idea.       Each CPU has a runqueue with its own lock and never looks at
 *             another's to decide what to run.  Whoever wakes a task chooses
 *             its CPU (sched_balance.c) and puts it on that queue.  Two classes:
 *             real-time tasks by strict priority (sched_rt.c), all others by
 *             fair shares (sched_fair.c), else the idle task.
 * Sleeping.   The sleeper stores its state, then tests its condition; the waker
 *             makes the condition true, then tests the state: a full barrier on
 *             each side, so that one of them sees the other.
 *             __schedule() takes a sleeper off its queue (on_rq = 0) and leaves
 *             its registers last (on_cpu = 0); try_to_wake_up() goes by these:
 *
 *		on_rq	on_cpu
 *		  1	   -	not asleep yet: its state is set back, no more
 *		  0	   1	being left: wait for on_cpu, it does not take long
 *		  0	   0	asleep: choose a CPU, put it there
 *
 * The switch. The lock is taken by the task that leaves and released by the one
 *             that comes, so that nobody can pick the former before its
 *             registers are saved.  What must happen after a task is off its
 *             stack (moving it, dropping its last reference) is done by its
 *             successor in finish_switch().
 * Moving.     A task goes from one queue to another with no lock held: on_rq is
 *             TASK_ON_RQ_MIGRATING, everyone else waits, interrupts stay off.
 *             So nobody ever holds two runqueue locks.
 * Tick.       There is none as such.  timer_set_tick() asks for one interrupt,
 *             at the end of the slice, only while tasks wait for this CPU.
 * Rejected.   One global queue: its lock is the bottleneck from four CPUs on.
 *             A "migration thread" for each CPU: the switch does it.
 *
 * Locks: wake_lock, then one rq->lock, then a timer base.  All with interrupts
 * off.
 */
#include <arch/ipi.h>
#include <arch/irqflags.h>
#include <arch/upcalls.h>
#include <kernel/core/completion.h>
#include <kernel/core/panic.h>
#include <kernel/core/rcu.h>
#include <kernel/core/stop_machine.h>
#include "sched_impl.h"

DEFINE_PER_CPU(u32, __preempt_count) = PREEMPT_NO_RESCHED | PREEMPT_OFFSET;

static struct task *pick_next(struct rq *rq, struct task *prev)
{
	bool goes_on = prev->on_rq == TASK_ON_RQ_QUEUED;
	bool goes_on_fair = goes_on && !task_is_rt(prev);
	struct task *next;

	next = rt_pick(rq);
	if (!next)
		next = fair_pick(rq, goes_on_fair ? prev : NULL);
	if (!next)
		next = rq->idle;
	if (next == prev)
		return prev;

	if (goes_on_fair)
		fair_put_prev(rq, prev);
	if (!task_is_rt(next) && !task_is_idle(next))
		fair_set_next(rq, next);
	return next;
}

/*
 * On the stack of the task that comes: @prev is left.  The runqueue is locked
 * by it and unlocked here.  Enables interrupts.
 */
static void finish_switch(struct task *prev)
{
	struct rq *rq = this_rq();
	struct task *migrating = rq->migrating;
	struct completion *moved = rq->moved;
	bool dead = READ_ONCE(prev->state) == TASK_DEAD;

	lock_acquire(&rq->lock.dep_map, 0, 0, lockdep_here());
	rq->migrating = NULL;
	rq->moved = NULL;
	/*
	 * From here on a waker may run @prev elsewhere, and it may even end
	 * there.  Pairs with the acquire in try_to_wake_up(): what it did here
	 * is visible there.
	 */
	smp_store_release(&prev->on_cpu, 0);
	spin_unlock(&rq->lock);

	if (migrating)
		attach_task(migrating, select_cpu(migrating, false));
	local_irq_enable();
	if (moved)
		complete(moved);
	if (dead)
		put_task(prev);
}

/* What becomes of the task that runs: it goes on, sleeps, or has to move. */
static void settle_prev(struct rq *rq, struct task *prev, bool preempted)
{
	unsigned int state = READ_ONCE(prev->state);

	if (task_is_idle(prev))
		return;
	if (state != TASK_RUNNING && !preempted) {
		if (kill_pending_state(state, prev)) {
			WRITE_ONCE(prev->state, TASK_RUNNING);
		} else {
			rq_dequeue(rq, prev, QUEUE_SLEEP);
			/* Pairs with the load in try_to_wake_up(). */
			smp_store_release(&prev->on_rq, 0);
		}
	}
	if (!task_allowed_on(prev, rq->cpu)) {
		if (prev->on_rq) {
			detach_task(rq, prev);
			rq->migrating = prev;
		}
		rq->moved = prev->moved;
		prev->moved = NULL;
	}
}

/*
 * Preemption off, nothing else held.  @preempted: whatever the state says, the
 * task did not ask to sleep.  Returns with interrupts on.
 */
static void __schedule(bool preempted)
{
	struct task *prev, *next;
	struct rq *rq;

	local_irq_disable();
	if (unlikely(this_cpu_read(stop_machine_invitation)))
		stop_machine_attend();
	rcu_note_context_switch();
	rq = this_rq();
	/*
	 * A full barrier on x86: the condition that the sleeper tested, or its
	 * kill_pending, is read after its state was stored.  Pairs with the
	 * barrier in try_to_wake_up().
	 */
	spin_lock(&rq->lock);
	rq->resched_sent = false;
	clear_need_resched();
	rq_update_curr(rq);

	prev = rq->curr;
	settle_prev(rq, prev, preempted);
	next = pick_next(rq, prev);
	if (next == prev) {
		rq_arm_tick(rq);
		spin_unlock_irq(&rq->lock);
		return;
	}

	rq->nr_switches++;
	next->nr_switches++;
	next->exec_start = prev->exec_start;
	WRITE_ONCE(rq->curr, next);
	rq_arm_tick(rq);
	WRITE_ONCE(next->on_cpu, 1);
	lock_release(&rq->lock.dep_map, lockdep_here());
	this_cpu_write(current_task, next);
	prev = container_of(arch_switch_to(&prev->arch, &next->arch),
			    struct task, arch);
	finish_switch(prev);
}

static const struct sched_worker_ops *worker_ops;

void sched_set_worker_ops(const struct sched_worker_ops *ops)
{
	worker_ops = ops;
}

static void schedule_loop(void)
{
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (need_resched());
}

/* Whether it then does sleep is not known yet; the pair is called all the same. */
static void schedule_worker(struct task *t)
{
	worker_ops->sleeps(t);
	schedule_loop();
	worker_ops->runs(t);
}

void schedule(void)
{
	struct task *t = current;

	if (unlikely(preempt_count() || task_is_idle(t)))
		panic("schedule() with preemption off: count %x, task %s",
		      preempt_count(), t->comm);
	if (unlikely(t->flags & PF_WQ_WORKER) &&
	    READ_ONCE(t->state) != TASK_RUNNING)
		schedule_worker(t);
	else
		schedule_loop();
}

/* From the idle loop, which always has preemption off. */
void schedule_idle(void)
{
	__schedule(false);
}

bool preemptible(void)
{
	return preempt_count() == 0 && !irqs_disabled();
}

/*
 * A switch is due, but the caller has interrupts off and may turn them on
 * without another look: an interrupt of our own will do the looking.  Another
 * CPU's does not count (resched_sent): it may be what made the switch due, and
 * have come and gone before preemption was on.
 */
static void preempt_when_irqs_are_on(void)
{
	struct rq *rq = this_rq();

	if (rq->self_sent)
		return;
	rq->self_sent = true;
	arch_send_reschedule(rq->cpu);
}

/* From preempt_enable(), by way of the thunk. */
void preempt_schedule(void);
void preempt_schedule(void)
{
	if (preempt_count())
		return;
	if (irqs_disabled()) {
		preempt_when_irqs_are_on();
		return;
	}
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (need_resched());
}

/* Upcall: the end of an interrupt. */
void sched_irq_return(void)
{
	while (need_resched() && preempt_count() == 0) {
		preempt_disable();
		__schedule(true);
		local_irq_disable();
		preempt_enable_no_resched();
	}
}

void yield(void)
{
	struct rq *rq;

	local_irq_disable();
	rq = this_rq();
	spin_lock(&rq->lock);
	rq_update_curr(rq);
	if (task_is_rt(current))
		rt_rotate(rq, current);
	else
		fair_yield(rq, current);
	spin_unlock_irq(&rq->lock);
	schedule();
}

bool cond_resched(void)
{
	might_sleep();
	if (!need_resched() || preempt_count())
		return false;
	preempt_schedule();
	return true;
}

/* Upcall: the first code of a task, on its stack. */
void task_entry(struct arch_task *prev, void (*fn)(void *), void *arg)
{
	finish_switch(container_of(prev, struct task, arch));
	preempt_enable();
	fn(arg);
	panic("the first function of %s returned", current->comm);
}

void sched_exit(void)
{
	struct task *t = current;

	lockdep_assert_none_held();
	BUG_ON(preempt_count() != PREEMPT_OFFSET);
	/*
	 * A waker that saw an older state may be about to set TASK_RUNNING;
	 * it does so under wake_lock, hence before or not at all.
	 */
	spin_lock_irq(&t->wake_lock);
	WRITE_ONCE(t->state, TASK_DEAD);
	spin_unlock_irq(&t->wake_lock);
	__schedule(false);
	BUG();
}
