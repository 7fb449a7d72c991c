/* SPDX-License-Identifier: MIT */
/* vmalloc_owner_test.c - areas and stacks are paid for, whole, until freed. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/completion.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/stop_machine.h>
#include <kernel/core/timer.h>
#include <kernel/task/kthread.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/slab/slab.h>
#include <mm/virt/vmalloc_owner.h>
#include <string.h>
#include <tests/test.h>
#include "../memcg/memcg_test.h"

#define STACK_PAGES (TASK_AREA_SIZE / PAGE_SIZE)

/* --- what the books say ------------------------------------------------------ */

struct found {
	u32 owner; /* 0: anybody */
	enum memcg_kind kind;
	const void *va;
	size_t bytes;
	unsigned int nr;
};

static void add(const struct vmalloc_owned *what, void *found_)
{
	struct found *found = found_;

	if (what->kind != found->kind ||
	    (found->owner && what->owner != found->owner))
		return;
	found->va = what->va;
	found->bytes += what->bytes;
	found->nr++;
}

static int walk(void *found)
{
	vmalloc_walk_owners(add, found);
	return 0;
}

/* All of that kind that @owner pays for. */
static struct found find_owned(u32 owner, enum memcg_kind kind)
{
	struct found found = {.owner = owner, .kind = kind};

	stop_machine(walk, &found);
	return found;
}

static u32 id_of(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->objcg)->id;
}

/* A line of memory.stat. */
static long stat_of(struct mem_cgroup *memcg, enum memcg_kind kind)
{
	mem_cgroup_flush_stats(memcg);
	return mem_cgroup_state(memcg, kind);
}

/* With memcg.kmem=off nobody pays: see the last test. */
static struct mem_cgroup *make_payer(const char *path)
{
	if (memcg_kmem_off)
		SKIP("memcg.kmem=off");
	return group_make(path);
}

static void expect_nothing_owned(struct mem_cgroup *memcg)
{
	EXPECT_EQ(settled_usage(memcg), 0ul);
	EXPECT_EQ(stat_of(memcg, MEMCG_VMALLOC), 0l);
	EXPECT_EQ(stat_of(memcg, MEMCG_KERNEL_STACK), 0l);
	EXPECT_EQ(find_owned(0, MEMCG_VMALLOC).nr, 0u);
	EXPECT_EQ(find_owned(0, MEMCG_KERNEL_STACK).nr, 0u);
}

/* --- areas ------------------------------------------------------------------- */

static void *vmalloc_for(struct mem_cgroup *memcg, size_t size)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	void *va = __vmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NORETRY);

	set_active_memcg(old);
	return va;
}

/* Its pages, not its guard, and no page by itself. */
TEST(vmalloc_owner, an_area_costs_its_group_its_pages)
{
	static const size_t sizes[] = {1, 4096, 5000, 300 * 4096};
	struct mem_cgroup *memcg = make_payer("/t");

	ASSERT(memcg);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t bytes = ALIGN(sizes[i], PAGE_SIZE);
		void *va = vmalloc_for(memcg, sizes[i]);
		struct found found;

		ASSERT(va);
		found = find_owned(id_of(memcg), MEMCG_VMALLOC);
		EXPECT_EQ(found.nr, 1u);
		EXPECT_EQ(found.va, va);
		EXPECT_EQ(found.bytes, bytes);
		EXPECT_EQ(vmalloc_to_page(va)->memcg_data, 0ul);
		EXPECT_EQ(settled_usage(memcg), bytes / PAGE_SIZE);
		EXPECT_EQ(stat_of(memcg, MEMCG_VMALLOC), (long)bytes);
		vfree(va);
		expect_nothing_owned(memcg);
	}
	group_remove("/t");
}

TEST(vmalloc_owner, kvmalloc_charges_what_it_takes)
{
	struct mem_cgroup *memcg = make_payer("/t"), *old;
	size_t size = 6ul << 20; /* more than pages in a row */
	void *p;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	p = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	ASSERT(p);
	EXPECT(is_vmalloc_addr(p));
	EXPECT_EQ(settled_usage(memcg), size / PAGE_SIZE);
	kvfree(p);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

TEST(vmalloc_owner, who_does_not_ask_or_is_nobody_pays_nothing)
{
	struct mem_cgroup *memcg = make_payer("/t"), *old;
	void *va[2];

	ASSERT(memcg);
	va[0] = __vmalloc(5000, GFP_KERNEL_ACCOUNT);
	old = set_active_memcg(memcg);
	va[1] = vmalloc(5000);
	set_active_memcg(old);
	ASSERT(va[0] && va[1]);
	expect_nothing_owned(memcg);
	vfree(va[0]);
	vfree(va[1]);
	group_remove("/t");
}

TEST(vmalloc_owner, a_refused_charge_leaves_no_trace)
{
	struct mem_cgroup *memcg = make_payer("/t");
	struct vmalloc_info before, after;

	ASSERT(memcg);
	group_limit(memcg, 9);
	vmalloc_get_info(&before);
	EXPECT_EQ(vmalloc_for(memcg, 10 * PAGE_SIZE), NULL);
	vmalloc_get_info(&after);
	EXPECT_EQ(after.areas, before.areas);
	EXPECT_EQ(after.pages, before.pages);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

TEST(vmalloc_owner, failing_anywhere_leaves_nothing)
{
	struct mem_cgroup *memcg = make_payer("/t");
	unsigned long n;

	ASSERT(memcg);
	FAULT_SWEEP(&fail_page_alloc, n) {
		void *va = vmalloc_for(memcg, 20 * PAGE_SIZE);

		EXPECT(va || fault_fired(&fail_page_alloc));
		vfree(va);
		EXPECT_EQ(settled_usage(memcg), 0ul);
	}
	EXPECT_GT(n, 1);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

struct in_interrupt {
	struct timer_list timer;
	void *va;
	bool done;
};

static void free_there(struct timer_list *t)
{
	struct in_interrupt *work = from_timer(work, t, timer);

	vfree(work->va);
	smp_store_release(&work->done, true);
}

TEST(vmalloc_owner, interrupts_give_back_what_they_free)
{
	static const unsigned int flags[] = {0, TIMER_HARDIRQ};
	struct mem_cgroup *memcg = make_payer("/t");

	ASSERT(memcg);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		struct in_interrupt work = {.va = vmalloc_for(memcg, 9000)};

		ASSERT(work.va);
		timer_setup(&work.timer, free_there, flags[i]);
		mod_timer(&work.timer, ktime_get_ns());
		while (!smp_load_acquire(&work.done))
			cond_resched();
		del_timer_sync(&work.timer);
		expect_nothing_owned(memcg);
	}
	group_remove("/t");
}

TEST(vmalloc_owner, what_outlives_its_group_is_paid_by_the_parent)
{
	struct mem_cgroup *parent = make_payer("/t"), *child;
	void *va;
	u32 owner;

	ASSERT(parent && (child = group_make("/t/c")));
	owner = id_of(child);
	va = vmalloc_for(child, 9000);
	ASSERT(va);
	group_remove("/t/c");
	cgroup_wait_teardown();
	EXPECT_EQ(settled_usage(parent), 3ul);
	EXPECT_EQ(stat_of(parent, MEMCG_VMALLOC), (long)(3 * PAGE_SIZE));
	EXPECT_EQ(find_owned(owner, MEMCG_VMALLOC).va, va);
	vfree(va);
	expect_nothing_owned(parent);
	group_remove("/t");
}

struct relabel {
	const void *va;
	u32 from, to;
};

static int relabel(void *r_)
{
	struct relabel *r = r_;

	return vmalloc_relabel_owner(r->va, r->from, r->to);
}

TEST(vmalloc_owner, a_relabelled_area_is_the_other_owners)
{
	struct mem_cgroup *memcg = make_payer("/t");
	struct relabel there, back;
	void *va;
	u32 owner;

	ASSERT(memcg);
	owner = id_of(memcg);
	va = vmalloc_for(memcg, 100);
	ASSERT(va);
	there = (struct relabel){va, owner, owner + 1};
	back = (struct relabel){va, owner + 1, owner};
	EXPECT(!stop_machine(relabel, &back));
	EXPECT(stop_machine(relabel, &there));
	EXPECT_EQ(find_owned(owner + 1, MEMCG_VMALLOC).va, va);
	EXPECT(stop_machine(relabel, &back));
	vfree(va);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

/* --- stacks ------------------------------------------------------------------ */

static int wait_until(void *gate)
{
	wait_for_completion(gate);
	return 0;
}

static struct task *task_for(struct mem_cgroup *memcg, struct completion *gate)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct task *t = task_run(wait_until, gate, "payer");

	set_active_memcg(old);
	return t;
}

/* Those kept for the next task included. */
static void join_and_free(struct task *t, struct completion *gate)
{
	complete_all(gate);
	task_join(t);
	/* It is off its stack then (task_exit()), and has been let go of. */
	synchronize_rcu();
	rcu_barrier();
}

TEST(stack_owner, a_task_costs_its_group_a_stack_while_it_is_there)
{
	struct mem_cgroup *memcg = make_payer("/t");
	struct found found;

	ASSERT(memcg);
	/* A new area, and one that another task had. */
	task_drain_cache();
	for (int i = 0; i < 2; i++) {
		DECLARE_COMPLETION_ONSTACK(gate);
		struct task *t = task_for(memcg, &gate);

		ASSERT(t);
		found = find_owned(id_of(memcg), MEMCG_KERNEL_STACK);
		EXPECT_EQ(found.nr, 1u);
		EXPECT_EQ(found.va, t->stack);
		EXPECT_EQ(found.bytes, TASK_AREA_SIZE);
		EXPECT_EQ(settled_usage(memcg), STACK_PAGES);
		EXPECT_EQ(stat_of(memcg, MEMCG_KERNEL_STACK), TASK_AREA_SIZE);
		join_and_free(t, &gate);
		expect_nothing_owned(memcg);
	}
	group_remove("/t");
}

static int nothing(void *unused)
{
	return 0;
}

TEST(stack_owner, kernel_threads_are_nobodys)
{
	struct mem_cgroup *memcg = make_payer("/t"), *old;
	struct task *t;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	t = kthread_create(nothing, NULL, "free");
	set_active_memcg(old);
	ASSERT(!IS_ERR(t));
	expect_nothing_owned(memcg);
	kthread_stop(t);
	group_remove("/t");
}

/* With a stack at hand, and without. */
TEST(stack_owner, a_task_too_many_is_refused_and_leaves_no_trace)
{
	struct mem_cgroup *memcg = make_payer("/t");
	DECLARE_COMPLETION_ONSTACK(gate);
	struct task *first;
	long live;

	ASSERT(memcg);
	group_limit(memcg, 2 * STACK_PAGES - 1);
	first = task_for(memcg, &gate);
	ASSERT(first);
	live = task_nr_live();
	for (int i = 0; i < 2; i++) {
		if (i)
			task_drain_cache();
		EXPECT_EQ(task_for(memcg, &gate), NULL);
		EXPECT_EQ(task_nr_live(), live);
		EXPECT_EQ(find_owned(0, MEMCG_KERNEL_STACK).nr, 1u);
		EXPECT_EQ(settled_usage(memcg), STACK_PAGES);
	}
	join_and_free(first, &gate);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

TEST(stack_owner, failing_anywhere_leaves_nothing)
{
	struct mem_cgroup *memcg = make_payer("/t");
	unsigned long n;

	ASSERT(memcg);
	FAULT_SWEEP(&fail_page_alloc, n) {
		DECLARE_COMPLETION_ONSTACK(gate);
		struct task *t;

		task_drain_cache();
		t = task_for(memcg, &gate);
		EXPECT(t || fault_fired(&fail_page_alloc));
		if (t)
			join_and_free(t, &gate);
		EXPECT_EQ(settled_usage(memcg), 0ul);
	}
	EXPECT_GT(n, 1);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

TEST(stack_owner, a_task_that_outlives_its_group_is_paid_by_the_parent)
{
	struct mem_cgroup *parent = make_payer("/t"), *child;
	DECLARE_COMPLETION_ONSTACK(gate);
	struct task *t;

	ASSERT(parent && (child = group_make("/t/c")));
	t = task_for(child, &gate);
	ASSERT(t);
	group_remove("/t/c");
	cgroup_wait_teardown();
	EXPECT_EQ(settled_usage(parent), STACK_PAGES);
	EXPECT_EQ(stat_of(parent, MEMCG_KERNEL_STACK), TASK_AREA_SIZE);
	join_and_free(t, &gate);
	expect_nothing_owned(parent);
	group_remove("/t");
}

/* --- everybody at once --------------------------------------------------------- */

#define NR_GROUPS   3
#define NR_HELD	    16
#define MAX_WORKERS 8

struct payer {
	struct task *task;
	struct prng rng;
	void *held[NR_HELD];
};

static struct mem_cgroup *groups[NR_GROUPS];
static struct payer payers[MAX_WORKERS];

static void one_task(struct mem_cgroup *memcg)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct task *t = task_run(nothing, NULL, "short");

	set_active_memcg(old);
	if (t)
		task_join(t);
}

static int pay(void *arg)
{
	struct payer *w = arg;

	for (int round = 0; round < 400; round++) {
		void **place = &w->held[prng_below(&w->rng, NR_HELD)];
		struct mem_cgroup *memcg =
			groups[prng_below(&w->rng, NR_GROUPS)];

		if (prng_one_in(&w->rng, 10))
			one_task(memcg);
		if (*place) {
			vfree(*place);
			*place = NULL;
		} else {
			*place = vmalloc_for(memcg,
					     prng_range(&w->rng, 1, 40000));
		}
	}
	return 0;
}

TEST_T(vmalloc_owner, stress_charges_what_is_held, 60)
{
	static const char *const paths[NR_GROUPS] = {"/s", "/s/1", "/s/1/2"};
	int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);
	size_t sum = 0;
	struct prng rng;

	prng_init(&rng, test_seed());
	memset(payers, 0, sizeof(payers));
	for (int i = 0; i < NR_GROUPS; i++) {
		groups[i] = make_payer(paths[i]);
		ASSERT(groups[i]);
	}
	group_limit(groups[2], 100); /* some are refused */
	for (int i = 0; i < nr; i++) {
		payers[i].rng = prng_fork(&rng);
		payers[i].task = task_run(pay, &payers[i], "payer");
		ASSERT(payers[i].task);
	}
	for (int i = 0; i < nr; i++)
		task_join(payers[i].task);
	synchronize_rcu();
	rcu_barrier();

	/* What is held, no more and no less, is what each has been charged. */
	for (int i = NR_GROUPS - 1; i >= 0; i--) {
		sum += find_owned(id_of(groups[i]), MEMCG_VMALLOC).bytes;
		EXPECT_EQ(stat_of(groups[i], MEMCG_VMALLOC), (long)sum);
		EXPECT_EQ(settled_usage(groups[i]), sum / PAGE_SIZE);
	}
	EXPECT_EQ(find_owned(0, MEMCG_VMALLOC).bytes, sum);
	for (int i = 0; i < nr; i++)
		for (int j = 0; j < NR_HELD; j++)
			vfree(payers[i].held[j]);
	for (int i = NR_GROUPS - 1; i >= 0; i--) {
		expect_nothing_owned(groups[i]);
		group_remove(paths[i]);
	}
}

/* memcg.kmem=off: groups limit programs, and the kernel is not charged. */
TEST(vmalloc_owner, without_kmem_nobody_pays)
{
	DECLARE_COMPLETION_ONSTACK(gate);
	struct mem_cgroup *memcg;
	struct task *t;
	void *va;

	if (!memcg_kmem_off)
		SKIP("needs memcg.kmem=off");
	memcg = group_make("/t");
	ASSERT(memcg);
	va = vmalloc_for(memcg, 5000);
	t = task_for(memcg, &gate);
	EXPECT(va && t);
	expect_nothing_owned(memcg);
	vfree(va);
	join_and_free(t, &gate);
	group_remove("/t");
}
