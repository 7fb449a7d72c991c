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
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/rcu.h>
#include <kernel/core/timer.h>
#include "sched_impl.h"

DEFINE_PER_CPU(u32, __preempt_count) = PREEMPT_NO_RESCHED | PREEMPT_OFFSET;
DEFINE_PER_CPU_ALIGNED(struct rq, runqueues);

/* -- The queues -------------------------------------------------------------- */

void rq_enqueue(struct rq *rq, struct task *t, enum queue_why why)
{
	/* A slice outlasts being preempted, but not sleeping or moving. */
	t->slice_start = t->sum_exec;
	if (task_is_rt(t))
		rt_enqueue(rq, t);
	else
		fair_enqueue(rq, t, why);
	rq->nr_running++;
	balance_note_load(rq);
}

void rq_dequeue(struct rq *rq, struct task *t, enum queue_why why)
{
	if (task_is_rt(t))
		rt_dequeue(rq, t);
	else
		fair_dequeue(rq, t, why);
	rq->nr_running--;
	balance_note_load(rq);
}

struct rq *task_rq_lock(struct task *t)
{
	assert_irqs_off();
	for (;;) {
		struct rq *rq = cpu_rq(task_cpu(t));

		spin_lock(&rq->lock);
		if (likely(rq->cpu == task_cpu(t) &&
			   READ_ONCE(t->on_rq) != TASK_ON_RQ_MIGRATING))
			return rq;
		spin_unlock(&rq->lock);
		cpu_relax();
	}
}

void detach_task(struct rq *rq, struct task *t)
{
	assert_held(&rq->lock);
	rq_dequeue(rq, t, QUEUE_MOVE);
	WRITE_ONCE(t->on_rq, TASK_ON_RQ_MIGRATING);
}

void attach_task(struct task *t, unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	assert_irqs_off();
	spin_lock(&rq->lock);
	WRITE_ONCE(t->cpu, cpu);
	t->nr_migrations++;
	rq_update_curr(rq);
	rq_enqueue(rq, t, QUEUE_MOVE);
	/* Pairs with the load in task_rq_lock(): cpu before on_rq. */
	smp_store_release(&t->on_rq, TASK_ON_RQ_QUEUED);
	rq_check_preempt(rq, t);
	spin_unlock(&rq->lock);
}

/* -- Time -------------------------------------------------------------------- */

void rq_update_curr(struct rq *rq)
{
	struct task *curr = rq->curr;
	u64 now = ktime_get_ns();
	u64 ran = now - curr->exec_start;

	curr->exec_start = now;
	WRITE_ONCE(curr->sum_exec, curr->sum_exec + ran);
	if (!task_is_idle(curr) && !task_is_rt(curr))
		fair_charge(rq, curr, ran);
}

static u64 task_slice(struct rq *rq, struct task *t)
{
	if (!task_is_rt(t))
		return fair_slice(rq, t);
	if (t->policy == SCHED_RR && !rt_alone_at_level(rq, t))
		return RR_SLICE_NS;
	return S64_MAX;
}

/* Own CPU: the next tick, given what runs and who waits.  Time is up to date. */
static void arm_tick(struct rq *rq)
{
	struct task *curr = rq->curr;
	u64 used, slice, slice_end;

	if (rq->nr_running < 2 || task_is_idle(curr)) {
		timer_set_tick(U64_MAX);
		return;
	}
	used = curr->sum_exec - curr->slice_start;
	slice = task_slice(rq, curr);
	slice_end = curr->exec_start + (used < slice ? slice - used : 0);
	timer_set_tick(min(slice_end, rq->next_balance));
}

void sched_tick(void)
{
	struct rq *rq = this_rq();
	struct task *curr, *moving;
	unsigned int dst;

	spin_lock(&rq->lock);
	rq->nr_ticks++;
	rq_update_curr(rq);
	curr = rq->curr;
	if (rq->nr_running > 1 && !task_is_idle(curr) &&
	    curr->sum_exec - curr->slice_start >= task_slice(rq, curr)) {
		if (task_is_rt(curr))
			rt_rotate(rq, curr);
		curr->slice_start = curr->sum_exec;
		set_need_resched();
	}
	moving = balance_tick(rq, curr->exec_start, &dst);
	arm_tick(rq);
	spin_unlock(&rq->lock);

	if (moving)
		attach_task(moving, dst);
	rcu_tick();
	if (unlikely(printk_pending()))
		printk_flush();
}

/* -- Making a CPU look ------------------------------------------------------- */

void resched_cpu(unsigned int cpu)
{
	unsigned int this = get_cpu();

	if (cpu == this)
		set_need_resched();
	else
		arch_send_reschedule(cpu);
	put_cpu();
}

void rq_resched(struct rq *rq)
{
	assert_held(&rq->lock);
	if (rq->cpu == smp_processor_id()) {
		set_need_resched();
	} else if (!rq->resched_sent) {
		rq->resched_sent = true;
		arch_send_reschedule(rq->cpu);
	}
}

/* Upcall. */
void resched_interrupt(void)
{
	set_need_resched();
	timers_kick();
}

/* @t was just queued: should it run now, or at least end a lonely slice? */
void rq_check_preempt(struct rq *rq, struct task *t)
{
	struct task *curr = rq->curr;
	bool preempt;

	if (t == curr)
		return;
	if (task_is_idle(curr))
		preempt = true;
	else if (task_is_rt(t) || task_is_rt(curr))
		preempt = t->rt_prio > curr->rt_prio;
	else
		preempt = fair_preempts(rq, t, curr);

	if (preempt || (rq->nr_running == 2 && rq != this_rq()))
		rq_resched(rq);
	else if (rq->nr_running == 2)
		arm_tick(rq);
}

/* -- The switch -------------------------------------------------------------- */

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
		arm_tick(rq);
		spin_unlock_irq(&rq->lock);
		return;
	}

	rq->nr_switches++;
	next->nr_switches++;
	next->exec_start = prev->exec_start;
	WRITE_ONCE(rq->curr, next);
	arm_tick(rq);
	WRITE_ONCE(next->on_cpu, 1);
	lock_release(&rq->lock.dep_map, lockdep_here());
	this_cpu_write(current_task, next);
	prev = container_of(arch_switch_to(&prev->arch, &next->arch),
			    struct task, arch);
	finish_switch(prev);
}

void schedule(void)
{
	if (unlikely(preempt_count() || task_is_idle(current)))
		panic("schedule() with preemption off: count %x, task %s",
		      preempt_count(), current->comm);
	do {
		preempt_disable();
		__schedule(false);
		preempt_enable_no_resched();
	} while (need_resched());
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
 * without another look: an interrupt of our own will do the looking.
 */
static void preempt_when_irqs_are_on(void)
{
	struct rq *rq = this_rq();

	preempt_disable();
	spin_lock(&rq->lock);
	if (!rq->resched_sent) {
		rq->resched_sent = true;
		arch_send_reschedule(rq->cpu);
	}
	spin_unlock(&rq->lock);
	preempt_enable_no_resched();
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

/* -- Waking ------------------------------------------------------------------ */

/* wake_lock held.  True if @t was still on its runqueue: it just goes on. */
static bool wake_queued(struct task *t)
{
	struct rq *rq;
	bool queued;

	/* Pairs with the release in settle_prev(). */
	if (!smp_load_acquire(&t->on_rq))
		return false;
	rq = task_rq_lock(t);
	queued = t->on_rq;
	if (queued)
		WRITE_ONCE(t->state, TASK_RUNNING);
	rq_unlock(rq);
	return queued;
}

static void wake_sleeping(struct task *t, bool is_new)
{
	unsigned int cpu;
	struct rq *rq;

	/* Until its last CPU has left its stack; pairs with finish_switch(). */
	while (smp_load_acquire(&t->on_cpu))
		cpu_relax();

	WRITE_ONCE(t->state, TASK_WAKING);
	cpu = select_cpu(t, is_new);
	rq = cpu_rq(cpu);
	spin_lock(&rq->lock);
	if (cpu != t->cpu) {
		t->nr_migrations += !is_new;
		WRITE_ONCE(t->cpu, cpu);
	}
	rq_update_curr(rq);
	rq_enqueue(rq, t, is_new ? QUEUE_MOVE : QUEUE_SLEEP);
	smp_store_release(&t->on_rq, TASK_ON_RQ_QUEUED);
	WRITE_ONCE(t->state, TASK_RUNNING);
	rq_check_preempt(rq, t);
	spin_unlock(&rq->lock);
}

static bool try_to_wake_up(struct task *t, unsigned int mask)
{
	unsigned long flags;
	unsigned int state;

	/*
	 * The lock is a full barrier on x86: the waker's stores come before
	 * this load of the state.  Pairs with set_current_state() and with
	 * __schedule().
	 */
	spin_lock_irqsave(&t->wake_lock, flags);
	state = READ_ONCE(t->state) & mask;
	if (state && !wake_queued(t))
		wake_sleeping(t, state == TASK_NEW);
	spin_unlock_irqrestore(&t->wake_lock, flags);
	return state;
}

bool wake_up_state(struct task *t, unsigned int mask)
{
	return try_to_wake_up(t, mask);
}

bool wake_up_process(struct task *t)
{
	return try_to_wake_up(t, TASK_NORMAL | TASK_NEW);
}

void wake_up_new_task(struct task *t)
{
	BUG_ON(!try_to_wake_up(t, TASK_NEW));
}

/* -- Tasks, as far as the scheduler makes them ------------------------------- */

void sched_task_init(struct task *t)
{
	spin_lock_init(&t->wake_lock);
	refcount_set(&t->refs, 1);
	INIT_LIST_HEAD(&t->rt_node);
	t->state = TASK_NEW;
	t->cpu = smp_processor_id();
	t->policy = SCHED_NORMAL;
	cpumask_setall(&t->cpus_allowed);
	fair_init_task(t);
}

void put_task(struct task *t)
{
	if (refcount_dec_and_test(&t->refs))
		t->release(t);
}

u64 task_cpu_time(struct task *t)
{
	unsigned long flags;
	struct rq *rq;
	u64 ns;

	local_irq_save(flags);
	rq = task_rq_lock(t);
	ns = t->sum_exec;
	if (rq->curr == t)
		ns += ktime_get_ns() - t->exec_start;
	rq_unlock(rq);
	local_irq_restore(flags);
	return ns;
}

void sched_cpu_stats(unsigned int cpu, struct sched_cpu_stats *st)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long flags;

	spin_lock_irqsave(&rq->lock, flags);
	st->curr = rq->curr;
	st->nr_running = rq->nr_running;
	st->nr_switches = rq->nr_switches;
	st->idle_ns = rq->idle->sum_exec;
	if (rq->curr == rq->idle)
		st->idle_ns += ktime_get_ns() - rq->idle->exec_start;
	st->nr_pulled = rq->nr_pulled;
	st->nr_pushed = rq->nr_pushed;
	st->nr_ticks = rq->nr_ticks;
	spin_unlock_irqrestore(&rq->lock, flags);
}

bool cpu_is_idle(unsigned int cpu)
{
	struct rq *rq = cpu_rq(cpu);

	return READ_ONCE(rq->curr) == rq->idle && !READ_ONCE(rq->nr_running);
}
