/* SPDX-License-Identifier: MIT */
/*
 * active.c - who pays for what a context allocates.
 *
 * Problem.    Every accounted allocation asks; so the answer must lie in the task,
 *             as the id that the fast paths compare.  It has two writers: whoever
 *             moves the task to another group, from any CPU, and the task itself,
 *             which for a while charges somebody else (set_active_memcg).
 * Idea.       One 64-bit word has the owner now and the home owner, with a bit that
 *             says that the home owner is overridden.  Both writers change it by
 *             compare-exchange, so neither loses what the other did.
 * Ids.        A group with tasks is online, so a home owner's id is in use.  Whoever
 *             is chosen with set_active_memcg() may go offline meanwhile: then its
 *             obj_cgroup is kept, and who charges finds its heir.
 * Interrupts  pay for nothing unless they choose somebody.  Each level has a place
 *             of its own on its CPU, and has finished with it when it returns.
 */
#include <kernel/core/panic.h>
#include "memcg_impl.h"
#include "stock_impl.h"

/* In task->home_owner. */
#define OWNER_OVERRIDDEN (1u << 31)

struct active {
	/* Own CPU, its level only. */
	struct mem_cgroup *memcg;
	struct obj_cgroup *objcg;
};

static DEFINE_PER_CPU(struct active, active_softirq);
static DEFINE_PER_CPU(struct active, active_hardirq);

static struct active *interrupt_active(void)
{
	return in_hardirq() ? this_cpu_ptr(&active_hardirq)
			    : this_cpu_ptr(&active_softirq);
}

u32 __accounting_owner_interrupt(void)
{
	struct obj_cgroup *objcg;

	if (in_nmi())
		return 0;
	objcg = interrupt_active()->objcg;
	return objcg ? objcg->id : 0;
}

/* The nearest that is online, kept. */
static struct obj_cgroup *get_payer(struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg;

	rcu_read_lock();
	do {
		while (!(objcg = READ_ONCE(memcg->objcg)))
			memcg = parent_mem_cgroup(memcg);
	} while (!obj_cgroup_tryget(objcg));
	rcu_read_unlock();
	return objcg;
}

void memcg_set_home(struct task *t, struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg;
	u64 old = READ_ONCE(t->owners);
	u32 owner, override;

	rcu_read_lock();
	while (!(objcg = READ_ONCE(memcg->objcg)))
		memcg = parent_mem_cgroup(memcg);
	do {
		override = old >> 32 & OWNER_OVERRIDDEN;
		owner = override ? (u32)old : objcg->id;
		stock_probe();
	} while (!try_cmpxchg(&t->owners, &old,
			      (u64)(override | objcg->id) << 32 | owner));
	rcu_read_unlock();
}

/* The current task's owner is @objcg, or its group's again. */
static void override_home(struct obj_cgroup *objcg)
{
	struct task *t = current;
	u64 old = READ_ONCE(t->owners);
	u32 owner, home;

	do {
		home = old >> 32 & ~OWNER_OVERRIDDEN;
		owner = objcg ? objcg->id : home;
		if (objcg)
			home |= OWNER_OVERRIDDEN;
		stock_probe();
	} while (!try_cmpxchg(&t->owners, &old, (u64)home << 32 | owner));
}

struct mem_cgroup *set_active_memcg(struct mem_cgroup *memcg)
{
	struct obj_cgroup *objcg, *previous;
	struct mem_cgroup *old;

	/* References are books as well: each is at a task, or none is. */
	preempt_disable();
	objcg = memcg ? get_payer(memcg) : NULL;
	if (in_task()) {
		old = current->active_memcg;
		previous = current->active_objcg;
		current->active_memcg = memcg;
		current->active_objcg = objcg;
		override_home(objcg);
	} else {
		struct active *active = interrupt_active();

		old = active->memcg;
		previous = active->objcg;
		*active = (struct active){.memcg = memcg, .objcg = objcg};
	}
	if (previous)
		obj_cgroup_put(previous);
	preempt_enable();
	return old;
}
