/* SPDX-License-Identifier: MIT */
/* active_test.c - each context charges whom it chose, or its own group. */
#include <kernel/core/smp.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "stock_impl.h"

struct mover {
	struct mem_cgroup *other;
	struct cgroup *home[2];
	struct task *task;
	bool stop;
	unsigned long wrong;
};

/* --- one between two steps of the other --------------------------------------------- */

static struct {
	struct mem_cgroup *memcg;
	bool move; /* the current task to memcg; or else it chooses memcg */
	bool done;
} between;

static void happen(void)
{
	if (!in_task() || between.done)
		return;
	between.done = true;
	if (between.move)
		memcg_set_home(current, between.memcg);
	else
		set_active_memcg(between.memcg);
}

static void let_happen(struct mem_cgroup *memcg, bool move)
{
	between.memcg = memcg;
	between.move = move;
	between.done = false;
	stock_probe_fn = happen;
	static_branch_enable(&stock_probe_key);
}

static void has_happened(void)
{
	static_branch_disable(&stock_probe_key);
	EXPECT(between.done);
}

TEST(active, a_move_between_the_steps_of_a_switch_is_not_lost)
{
	struct mem_cgroup *home = group_make("/t"), *other = group_make("/u");

	ASSERT(home && other);
	let_happen(home, true);
	set_active_memcg(other);
	has_happened();
	EXPECT_EQ(current->owner, other->objcg->id);
	set_active_memcg(NULL);
	EXPECT_EQ(current->owner, home->objcg->id);

	/* The same when it goes back. */
	memcg_set_home(current, root_mem_cgroup);
	set_active_memcg(other);
	let_happen(home, true);
	set_active_memcg(NULL);
	has_happened();
	EXPECT_EQ(current->owner, home->objcg->id);
	memcg_set_home(current, root_mem_cgroup);
	EXPECT_EQ(current->owner, 0u);
	group_remove("/u");
	group_remove("/t");
}

TEST(active, a_switch_between_the_steps_of_a_move_is_not_lost)
{
	struct mem_cgroup *home = group_make("/t"), *other = group_make("/u");

	ASSERT(home && other);
	let_happen(other, false);
	memcg_set_home(current, home);
	has_happened();
	EXPECT_EQ(current->owner, other->objcg->id);
	set_active_memcg(NULL);
	EXPECT_EQ(current->owner, home->objcg->id);

	set_active_memcg(other);
	let_happen(NULL, false);
	memcg_set_home(current, root_mem_cgroup);
	has_happened();
	EXPECT_EQ(current->owner, 0u);
	group_remove("/u");
	group_remove("/t");
}

/* --- all at once ------------------------------------------------------------------------ */

/* Switch to another group and back all the time; what the switches leave must be
 * right whenever one looks. */
static int switch_all_the_time(void *arg)
{
	struct mover *m = arg;
	u32 chosen = m->other->objcg->id;

	while (!READ_ONCE(m->stop)) {
		struct mem_cgroup *old = set_active_memcg(m->other);

		m->wrong += READ_ONCE(current->owner) != chosen;
		m->wrong += set_active_memcg(old) != m->other;
		m->wrong += READ_ONCE(current->owner) == chosen;
		yield();
	}
	return 0;
}

TEST(active, a_move_and_a_switch_at_once_lose_neither)
{
	struct mem_cgroup *homes[2];
	struct mover m = {};

	ASSERT((m.other = group_make("/t")));
	ASSERT((homes[0] = group_make("/u")));
	ASSERT((homes[1] = group_make("/v")));
	for (unsigned int i = 0; i < 2; i++)
		m.home[i] = homes[i]->css.cgroup;
	ASSERT((m.task = task_run(switch_all_the_time, &m, "switcher")));
	for (unsigned int i = 0; i < 2000; i++) {
		EXPECT_EQ(cgroup_attach_task(m.home[i % 2], m.task), 0);
		EXPECT_EQ(m.task->home_owner & ~(1u << 31),
			  homes[i % 2]->objcg->id);
		if (i % 16 == 0)
			yield();
	}
	get_task(m.task);
	WRITE_ONCE(m.stop, true);
	task_join(m.task);
	EXPECT_EQ(m.wrong, 0ul);
	/* It has left its group, and the switch is over. */
	EXPECT_EQ(m.task->owner, 0u);
	EXPECT_EQ(m.task->home_owner, 0u);
	put_task(m.task);
	group_remove("/v");
	group_remove("/u");
	group_remove("/t");
}

/* In hard interrupt. */
static void expect_own_owner(void *arg)
{
	struct mem_cgroup *memcg = arg, *old;

	EXPECT_EQ(accounting_owner(), 0u);
	old = set_active_memcg(memcg);
	EXPECT(!old);
	EXPECT_EQ(accounting_owner(), memcg->objcg->id);
	EXPECT_EQ(set_active_memcg(NULL), memcg);
	EXPECT_EQ(accounting_owner(), 0u);
}

TEST(active, an_interrupt_charges_nobody_unless_it_chooses)
{
	struct mem_cgroup *a = group_make("/t"), *b = group_make("/u"), *old;
	struct call_single_data csd =
		CALL_SINGLE_DATA_INIT(expect_own_owner, b);
	u32 mine = current->owner;

	ASSERT(a && b);
	old = set_active_memcg(a);
	EXPECT_EQ(accounting_owner(), a->objcg->id);
	smp_call_function(expect_own_owner, b, true);
	/* On this CPU it comes at once: interrupts are on. */
	preempt_disable();
	EXPECT_EQ(smp_call_function_single_async(smp_processor_id(), &csd), 0);
	EXPECT(!csd.busy);
	preempt_enable();
	EXPECT_EQ(accounting_owner(), a->objcg->id);
	EXPECT_EQ(set_active_memcg(b), a);
	EXPECT_EQ(accounting_owner(), b->objcg->id);
	EXPECT_EQ(set_active_memcg(root_mem_cgroup), b);
	EXPECT_EQ(accounting_owner(), 0u);
	set_active_memcg(old);
	EXPECT_EQ(accounting_owner(), mine);
	EXPECT_EQ(percpu_ref_sum(&a->objcg->refs), 1l);
	EXPECT_EQ(percpu_ref_sum(&b->objcg->refs), 1l);
	group_remove("/u");
	group_remove("/t");
}

static int report_owner(void *arg)
{
	return current->owner;
}

static int spawn_in(void *arg)
{
	struct cgroup *cgrp = arg;
	struct task *child;

	EXPECT_EQ(cgroup_attach_task(cgrp, current), 0);
	child = task_run(report_owner, NULL, "child");
	return child ? task_join(child) : -1;
}

TEST(active, a_child_charges_its_parents_group)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct task *t;

	ASSERT(memcg);
	ASSERT((t = task_run(spawn_in, memcg->css.cgroup, "parent")));
	EXPECT_EQ(task_join(t), (int)memcg->objcg->id);
	group_remove("/t");
}
