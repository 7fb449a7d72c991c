/* SPDX-License-Identifier: MIT */
/* owner_test.c - an area is paid for by its group, whole, until it is freed. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/stop_machine.h>
#include <kernel/core/timer.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/percpu/percpu_counter.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/percpu/percpu_ref.h>
#include <string.h>
#include <tests/test.h>
#include "../memcg/memcg_test.h"
#include "chunk_impl.h"

/* --- what the books say ------------------------------------------------------ */

struct found {
	u32 owner; /* 0: anybody */
	const void __percpu *area;
	size_t bytes;
	unsigned int nr;
};

static void add(const struct percpu_owned *what, void *found_)
{
	struct found *found = found_;

	if (found->owner && what->owner != found->owner)
		return;
	found->area = what->area;
	found->bytes += what->bytes;
	found->nr++;
}

static int walk(void *found)
{
	percpu_walk_owners(add, found);
	return 0;
}

/* All that @owner pays for. */
static struct found find_owned(u32 owner)
{
	struct found found = {.owner = owner};

	stop_machine(walk, &found);
	return found;
}

static u32 id_of(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->objcg)->id;
}

/* The line of memory.stat. */
static long stat_of(struct mem_cgroup *memcg)
{
	mem_cgroup_flush_stats(memcg);
	return mem_cgroup_state(memcg, MEMCG_PERCPU);
}

static void *alloc_for(struct mem_cgroup *memcg, size_t size, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	void __percpu *p = __alloc_percpu_gfp(size, 8, gfp | __GFP_ACCOUNT);

	set_active_memcg(old);
	return p;
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
	EXPECT_EQ(stat_of(memcg), 0l);
	EXPECT_EQ(find_owned(0).nr, 0u);
	EXPECT_EQ(percpu_validate_all(), 0);
}

/* --- size -------------------------------------------------------------------- */

/* Neither a page nor a multiple of one is a limit. */
TEST(percpu_owner, an_area_costs_its_group_its_size_on_every_cpu)
{
	static const size_t sizes[] = {1, 64, 520, 1344, 5000, 32768};
	struct mem_cgroup *memcg = make_payer("/t");

	ASSERT(memcg);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct percpu_info before, after;
		struct found found;
		void __percpu *p;
		size_t bytes;

		percpu_get_info(&before);
		p = alloc_for(memcg, sizes[i], GFP_KERNEL);
		ASSERT(p);
		percpu_get_info(&after);
		bytes = (after.used - before.used) * nr_cpu_ids;
		EXPECT_GE(bytes, sizes[i] * nr_cpu_ids);
		found = find_owned(id_of(memcg));
		EXPECT_EQ(found.nr, 1u);
		EXPECT_EQ(found.area, p);
		EXPECT_EQ(found.bytes, bytes);
		EXPECT_EQ(settled_usage(memcg), DIV_ROUND_UP(bytes, PAGE_SIZE));
		EXPECT_EQ(stat_of(memcg), (long)bytes);
		free_percpu(p);
		expect_nothing_owned(memcg);
	}
	group_remove("/t");
}

TEST(percpu_owner, who_does_not_ask_or_is_nobody_pays_nothing)
{
	struct mem_cgroup *memcg = make_payer("/t"), *old;
	void __percpu *p[3];
	unsigned int slot;

	ASSERT(memcg);
	p[0] = __alloc_percpu_gfp(1000, 8, GFP_KERNEL_ACCOUNT);
	old = set_active_memcg(memcg);
	p[1] = __alloc_percpu_gfp(1000, 8, GFP_KERNEL);
	p[2] = __alloc_percpu_gfp(9000, 8, GFP_KERNEL);
	set_active_memcg(old);
	ASSERT(p[0] && p[1] && p[2]);
	/* Not even a place to write it. */
	EXPECT_EQ(pcpu_find_block(p[0], &slot)->use, PCPU_SMALL);
	EXPECT_EQ(pcpu_find_block(p[1], &slot)->use, PCPU_SMALL);
	expect_nothing_owned(memcg);
	for (int i = 0; i < 3; i++)
		free_percpu(p[i]);
	group_remove("/t");
}

TEST(percpu_owner, refs_and_counters_are_charged_if_asked_for)
{
	struct mem_cgroup *memcg = make_payer("/t"), *old;
	struct percpu_counter counter;
	struct found found;

	ASSERT(memcg);
	old = set_active_memcg(memcg);
	EXPECT_EQ(percpu_counter_init(&counter, 5, GFP_KERNEL_ACCOUNT), 0);
	set_active_memcg(old);
	found = find_owned(id_of(memcg));
	EXPECT_EQ(found.nr, 1u);
	EXPECT_EQ(found.bytes, 8ul * nr_cpu_ids);
	percpu_counter_destroy(&counter);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

/* --- refusals ------------------------------------------------------------------ */

TEST(percpu_owner, a_refused_charge_leaves_no_trace)
{
	struct mem_cgroup *memcg = make_payer("/t");
	struct percpu_info before, after;

	ASSERT(memcg);
	group_limit(memcg, 0);
	for (unsigned int i = 0; i < 4; i++) {
		gfp_t gfp = i & 1 ? GFP_ATOMIC & ~__GFP_HIGH
				  : GFP_KERNEL | __GFP_NORETRY;

		percpu_get_info(&before);
		EXPECT_EQ(alloc_for(memcg, i & 2 ? 64 : 9000, gfp), NULL);
		percpu_get_info(&after);
		EXPECT_EQ(after.nr_allocs, before.nr_allocs);
		EXPECT_EQ(after.used, before.used);
	}
	expect_nothing_owned(memcg);
	group_remove("/t");
}

static void sweep(struct mem_cgroup *memcg, struct fault_attr *attr,
		  size_t size)
{
	struct percpu_info before, after;
	unsigned long n;

	FAULT_SWEEP(attr, n) {
		void __percpu *p;

		percpu_drain(); /* no block is ready, and no vector */
		percpu_get_info(&before);
		p = alloc_for(memcg, size, GFP_KERNEL | __GFP_NORETRY);
		EXPECT(p || fault_fired(attr));
		free_percpu(p);
		percpu_get_info(&after);
		EXPECT_EQ(after.nr_allocs, before.nr_allocs);
		EXPECT_EQ(settled_usage(memcg), 0ul);
	}
	EXPECT_GT(n, 1);
}

/* Of areas, of pages behind them, and of vectors of owners. */
TEST(percpu_owner, failing_anywhere_leaves_nothing)
{
	struct mem_cgroup *memcg = make_payer("/t");

	ASSERT(memcg);
	sweep(memcg, &fail_percpu, 1344);
	sweep(memcg, &failslab, 1344);
	sweep(memcg, &fail_page_alloc, 1344);
	expect_nothing_owned(memcg);
	group_remove("/t");
}

/* --- freeing: by whom, where, and when -------------------------------------------- */

struct gift {
	void __percpu *p;
	struct mem_cgroup *to;
};

static int free_elsewhere(void *gift_)
{
	struct gift *gift = gift_;
	struct mem_cgroup *old = set_active_memcg(gift->to);

	free_percpu(gift->p);
	set_active_memcg(old);
	return 0;
}

TEST(percpu_owner, whoever_frees_it_its_group_gets_it_back)
{
	struct mem_cgroup *memcg = make_payer("/t");
	struct mem_cgroup *other = group_make("/u");
	unsigned int cpu;

	ASSERT(memcg && other);
	for_each_online_cpu(cpu) {
		struct gift gift = {alloc_for(memcg, 3000, GFP_KERNEL), other};

		ASSERT(gift.p);
		run_on(cpu, free_elsewhere, &gift);
	}
	expect_nothing_owned(memcg);
	expect_nothing_owned(other);
	group_remove("/u");
	group_remove("/t");
}

struct in_interrupt {
	struct timer_list timer;
	struct mem_cgroup *memcg;
	void __percpu *given, *made;
	bool done;
};

static void swap_areas(struct timer_list *t)
{
	struct in_interrupt *work = from_timer(work, t, timer);

	free_percpu(work->given);
	work->made = alloc_for(work->memcg, 3000, GFP_ATOMIC);
	smp_store_release(&work->done, true);
}

static void in_context(struct mem_cgroup *memcg, unsigned int timer_flags)
{
	struct in_interrupt work = {.memcg = memcg};

	work.given = alloc_for(memcg, 100, GFP_KERNEL);
	ASSERT(work.given);
	timer_setup(&work.timer, swap_areas, timer_flags);
	mod_timer(&work.timer, ktime_get_ns());
	while (!smp_load_acquire(&work.done))
		cond_resched();
	del_timer_sync(&work.timer);
	EXPECT(work.made);
	EXPECT_EQ(find_owned(id_of(memcg)).nr, 1u);
	EXPECT_EQ(find_owned(id_of(memcg)).area, work.made);
	free_percpu(work.made);
	expect_nothing_owned(memcg);
}

TEST(percpu_owner, interrupts_charge_whom_they_choose_and_give_back)
{
	struct mem_cgroup *memcg = make_payer("/t");

	ASSERT(memcg);
	in_context(memcg, 0);
	in_context(memcg, TIMER_HARDIRQ);
	group_remove("/t");
}

TEST(percpu_owner, what_outlives_its_group_is_paid_by_the_parent)
{
	struct mem_cgroup *parent = make_payer("/t"), *child;
	void __percpu *p;
	u32 owner;

	ASSERT(parent && (child = group_make("/t/c")));
	owner = id_of(child);
	p = alloc_for(child, 5000, GFP_KERNEL);
	ASSERT(p);
	group_remove("/t/c");
	cgroup_wait_teardown();
	EXPECT_EQ(settled_usage(parent), 2ul * nr_cpu_ids);
	EXPECT_EQ(stat_of(parent), (long)(2 * PAGE_SIZE * nr_cpu_ids));
	EXPECT_EQ(find_owned(owner).area, p);
	free_percpu(p);
	expect_nothing_owned(parent);
	group_remove("/t");
}

struct relabel {
	const void __percpu *area;
	u32 from, to;
};

static int relabel(void *r_)
{
	struct relabel *r = r_;

	return percpu_relabel_owner(r->area, r->from, r->to);
}

TEST(percpu_owner, a_relabelled_area_is_the_other_owners)
{
	struct mem_cgroup *memcg = make_payer("/t");
	void __percpu *p[2];
	struct relabel r;
	u32 owner;

	ASSERT(memcg);
	owner = id_of(memcg);
	p[0] = alloc_for(memcg, 64, GFP_KERNEL);
	p[1] = alloc_for(memcg, 8000, GFP_KERNEL);
	ASSERT(p[0] && p[1]);
	for (int i = 0; i < 2; i++) {
		r = (struct relabel){p[i], owner + 1, owner};
		EXPECT(!stop_machine(relabel, &r));
		r = (struct relabel){p[i] + 8, owner, owner + 1};
		EXPECT(!stop_machine(relabel, &r));
		r = (struct relabel){p[i], owner, owner + 1};
		EXPECT(stop_machine(relabel, &r));
		EXPECT_EQ(find_owned(owner + 1).area, p[i]);
		r = (struct relabel){p[i], owner + 1, owner};
		EXPECT(stop_machine(relabel, &r));
		free_percpu(p[i]);
	}
	expect_nothing_owned(memcg);
	group_remove("/t");
}

/* --- everybody at once ------------------------------------------------------------ */

#define NR_GROUPS   4
#define NR_HELD	    50
#define MAX_WORKERS 8

struct payer {
	struct task *task;
	struct timer_list timer;
	struct prng rng, timer_rng;
	void __percpu *held[NR_HELD], *timer_held[4];
	bool stop;
};

static struct mem_cgroup *groups[NR_GROUPS];
static struct payer payers[MAX_WORKERS];

static void act(void __percpu **place, struct prng *rng, gfp_t gfp)
{
	struct mem_cgroup *memcg = groups[prng_below(rng, NR_GROUPS)];
	size_t size = prng_range(rng, 1, prng_one_in(rng, 20) ? 9000 : 300);

	if (*place) {
		free_percpu(*place);
		*place = NULL;
	} else {
		*place = alloc_for(memcg, size, gfp);
	}
}

static void act_in_interrupt(struct timer_list *t)
{
	struct payer *w = from_timer(w, t, timer);

	act(&w->timer_held[prng_below(&w->timer_rng, 4)], &w->timer_rng,
	    GFP_ATOMIC);
	if (!READ_ONCE(w->stop))
		mod_timer(t, ktime_get_ns() + 100 * 1000);
}

static int pay(void *arg)
{
	struct payer *w = arg;

	mod_timer(&w->timer, ktime_get_ns());
	for (int round = 0; round < 3000; round++) {
		if (prng_one_in(&w->rng, 200))
			mem_cgroup_drain_stocks(NULL);
		act(&w->held[prng_below(&w->rng, NR_HELD)], &w->rng,
		    prng_one_in(&w->rng, 4) ? GFP_ATOMIC
					    : GFP_KERNEL | __GFP_NORETRY);
	}
	WRITE_ONCE(w->stop, true);
	del_timer_sync(&w->timer);
	del_timer_sync(&w->timer); /* it may have re-armed itself */
	return 0;
}

struct sum {
	size_t bytes[NR_GROUPS];
	u32 owners[NR_GROUPS];
	unsigned int strangers;
};

static void add_up(const struct percpu_owned *what, void *sum_)
{
	struct sum *sum = sum_;

	for (int i = 0; i < NR_GROUPS; i++)
		if (sum->owners[i] == what->owner) {
			sum->bytes[i] += what->bytes;
			return;
		}
	sum->strangers++;
}

static int walk_sum(void *sum)
{
	percpu_walk_owners(add_up, sum);
	return 0;
}

static void run_payers(unsigned int timer_flags)
{
	static const char *const paths[NR_GROUPS] = {"/s", "/s/1", "/s/1/2",
						     "/s/3"};
	int nr = min(nr_online_cpus, (unsigned int)MAX_WORKERS);
	struct sum sum = {0};
	struct prng rng;

	prng_init(&rng, test_seed());
	memset(payers, 0, sizeof(payers));
	for (int i = 0; i < NR_GROUPS; i++) {
		groups[i] = make_payer(paths[i]);
		ASSERT(groups[i]);
		sum.owners[i] = id_of(groups[i]);
	}
	group_limit(groups[2], 40 * nr_cpu_ids); /* some are refused */
	for (int i = 0; i < nr; i++) {
		struct payer *w = &payers[i];

		w->rng = prng_fork(&rng);
		w->timer_rng = prng_fork(&rng);
		timer_setup(&w->timer, act_in_interrupt, timer_flags);
		w->task = task_run(pay, w, "payer");
		ASSERT(w->task);
	}
	for (int i = 0; i < nr; i++)
		task_join(payers[i].task);

	/* What is held, no more and no less, is what each has been charged. */
	stop_machine(walk_sum, &sum);
	EXPECT_EQ(sum.strangers, 0u);
	EXPECT_EQ(stat_of(groups[0]), (long)(sum.bytes[0] + sum.bytes[1] +
					     sum.bytes[2] + sum.bytes[3]));
	EXPECT_EQ(stat_of(groups[1]), (long)(sum.bytes[1] + sum.bytes[2]));
	EXPECT_EQ(stat_of(groups[2]), (long)sum.bytes[2]);
	EXPECT_EQ(stat_of(groups[3]), (long)sum.bytes[3]);
	EXPECT_EQ(settled_usage(groups[3]),
		  DIV_ROUND_UP(sum.bytes[3], PAGE_SIZE));

	for (int i = 0; i < nr; i++) {
		for (int j = 0; j < NR_HELD; j++)
			free_percpu(payers[i].held[j]);
		for (int j = 0; j < 4; j++)
			free_percpu(payers[i].timer_held[j]);
	}
	for (int i = NR_GROUPS - 1; i >= 0; i--) {
		EXPECT_EQ(settled_usage(groups[i]), 0ul);
		group_remove(paths[i]);
	}
	EXPECT_EQ(find_owned(0).nr, 0u);
}

TEST_T(percpu_owner, stress_with_softirqs_charges_what_is_held, 60)
{
	run_payers(0);
}

TEST_T(percpu_owner, stress_with_interrupts_charges_what_is_held, 60)
{
	run_payers(TIMER_HARDIRQ);
}

/* memcg.kmem=off: groups limit programs, and the kernel is not charged. */
TEST(percpu_owner, without_kmem_nobody_pays)
{
	struct mem_cgroup *memcg;
	void __percpu *p;

	if (!memcg_kmem_off)
		SKIP("needs memcg.kmem=off");
	memcg = group_make("/t");
	ASSERT(memcg);
	p = alloc_for(memcg, 5000, GFP_KERNEL);
	EXPECT(p);
	expect_nothing_owned(memcg);
	free_percpu(p);
	group_remove("/t");
}
