/* SPDX-License-Identifier: MIT */
/* audit_test.c - the books balance whenever somebody looks, and if they do not,
 * the audit says where. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/report.h>
#include <kernel/core/stop_machine.h>
#include <kernel/task/kthread.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/memcg/audit.h>
#include <mm/page/page_alloc.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/slab/owner.h>
#include <mm/virt/vmalloc_owner.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "things_test.h"

TEST_AUDIT(books)
{
	if (!audit_is_pointless())
		EXPECT_EQ(audit(), 0l);
}

/* --- looking ------------------------------------------------------------------- */

static struct audit *take(void)
{
	struct audit *a = audit_take();

	ASSERT(a);
	return a;
}

static const struct audit_group *ledger_of(const struct audit *a,
					   const struct mem_cgroup *memcg)
{
	for (unsigned int i = 0; i < a->nr_groups; i++)
		if (audit_group(a, i)->memcg == memcg)
			return audit_group(a, i);
	return NULL;
}

static void log_findings(const struct audit *a)
{
	for (unsigned long i = 0; i < min(a->nr_findings, 8ul); i++) {
		struct seq_text text = SEQ_TEXT_INIT;

		audit_print_finding(&text, &a->findings[i]);
		test_log("%s", seq_text_string(&text));
		seq_text_free(&text);
	}
}

static void expect_balance(void)
{
	struct audit *a = take();

	if (!EXPECT_EQ(a->nr_findings, 0ul))
		log_findings(a);
	audit_free(a);
}

/* The finding about @memcg's book (NULL: nobody's) by this rule, or NULL. */
static const struct audit_finding *finding_of(const struct audit *a,
					      enum audit_rule rule,
					      const struct mem_cgroup *memcg)
{
	for (unsigned long i = 0;
	     i < min(a->nr_findings, (unsigned long)AUDIT_MAX_FINDINGS); i++) {
		const struct audit_finding *f = &a->findings[i];

		if (f->rule == rule &&
		    (f->group ? f->group->memcg : NULL) == memcg)
			return f;
	}
	return NULL;
}

/* There is one, and it is off by @by. */
static void expect_off_by(const struct audit *a, enum audit_rule rule,
			  const struct mem_cgroup *memcg, long by)
{
	const struct audit_finding *f = finding_of(a, rule, memcg);

	if (EXPECT(f))
		EXPECT_EQ(f->found - f->expected, by);
	else
		log_findings(a);
}

struct search {
	const void *object;
	long bytes;
};

static void compare_object(const struct slab_owned *what, void *search_)
{
	struct search *search = search_;

	if (what->object == search->object)
		search->bytes = what->bytes;
}

static int find_object(void *search)
{
	slab_walk_owners(compare_object, search);
	return 0;
}

static bool exists(u32 owner)
{
	bool does;

	rcu_read_lock();
	does = obj_cgroup_find(owner);
	rcu_read_unlock();
	return does;
}

/* What it takes, with what surrounds it where objects are debugged. */
static long charged_for(const void *object)
{
	struct search search = {.object = object};

	stop_machine(find_object, &search);
	return search.bytes;
}

/* --- a group with an object ------------------------------------------------------ */

static void *object_of(struct mem_cgroup *memcg)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	void *object = kmalloc(64, GFP_KERNEL_ACCOUNT);

	set_active_memcg(old);
	ASSERT(object);
	ASSERT_EQ(slab_object_owner(object), memcg->objcg->id);
	return object;
}

static struct page *page_of(struct mem_cgroup *memcg, unsigned int order)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	struct page *page = alloc_pages(GFP_KERNEL_ACCOUNT, order);

	set_active_memcg(old);
	ASSERT(page);
	ASSERT_EQ(page_objcg(page), memcg->objcg);
	return page;
}

/* --- in order -------------------------------------------------------------------- */

/* Two levels, one of everything in each, and then their sums one by one. */
TEST(audit, books_are_exact_with_one_of_everything_alive)
{
	static struct thing things[2][NR_THING_TYPES];
	struct mem_cgroup *memcg[2], *old;
	const struct audit_group *g;
	struct prng rng;
	struct audit *a;

	prng_init(&rng, test_seed());
	things_begin();
	memcg[0] = group_make("/t");
	memcg[1] = group_make("/t/u");
	ASSERT(memcg[0] && memcg[1]);
	for (int i = 0; i < 2; i++) {
		old = set_active_memcg(memcg[i]);
		for (int type = 1; type < NR_THING_TYPES; type++)
			EXPECT(thing_make(&things[i][type], type, &rng,
					  GFP_KERNEL));
		set_active_memcg(old);
	}

	a = take();
	if (!EXPECT_EQ(a->nr_findings, 0ul))
		log_findings(a);
	for (int i = 0; i < 2; i++) {
		g = ledger_of(a, memcg[i]);
		ASSERT(g);
		for (int kind = 0; kind < MEMCG_NR_KINDS; kind++)
			EXPECT_GT(g->owned[kind], 0l);
		EXPECT_EQ(g->owned[MEMCG_ANON], (long)PAGE_SIZE);
		EXPECT_EQ(g->owned[MEMCG_KERNEL_STACK], 2l * PAGE_SIZE);
		EXPECT_EQ(audit_group_sum(g), g->counter);
	}
	EXPECT_EQ(ledger_of(a, memcg[1])->parent, ledger_of(a, memcg[0]));
	EXPECT_GE(a->nr_objects, 4ul);
	EXPECT_GE(a->nr_areas, 6ul);
	EXPECT_GE(a->nr_blocks, 8ul);
	audit_free(a);

	for (int i = 0; i < 2; i++)
		for (int type = 1; type < NR_THING_TYPES; type++)
			thing_drop(&things[i][type]);
	expect_balance();
	group_remove("/t/u");
	group_remove("/t");
	things_end();
}

/* Its objects are found in the ledger of who inherited them. */
TEST(audit, a_removed_groups_objects_are_in_its_parents_ledger)
{
	struct mem_cgroup *parent = group_make("/t");
	struct mem_cgroup *child = group_make("/t/u");
	struct audit *a;
	void *object;
	long bytes;

	ASSERT(parent && child);
	object = object_of(child);
	bytes = charged_for(object);
	group_remove("/t/u");
	cgroup_wait_teardown();

	a = take();
	EXPECT_EQ(a->nr_findings, 0ul);
	EXPECT_EQ(ledger_of(a, parent)->owned[MEMCG_SLAB_UNRECLAIMABLE], bytes);
	EXPECT_EQ(ledger_of(a, parent)->counter, (long)PAGE_SIZE);
	audit_free(a);
	kfree(object);
	expect_balance();
	group_remove("/t");
}

TEST(audit, an_audit_without_memory_leaves_no_trace)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct audit *a;
	unsigned long n;

	ASSERT(memcg);
	FAULT_SWEEP(&failslab, n) {
		a = audit_take();
		EXPECT_EQ(!a, fault_fired(&failslab));
		audit_free(a);
	}
	group_remove("/t");
}

/* --- out of order ------------------------------------------------------------------ */

TEST(audit, an_object_whose_owner_does_not_exist_is_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	void *object;
	u32 owner, none = OBJCG_MAX_ID;
	const struct audit_finding *f;
	struct audit *a;
	long bytes;

	ASSERT(memcg);
	object = object_of(memcg);
	owner = memcg->objcg->id;
	ASSERT(!exists(none));
	bytes = charged_for(object);
	ASSERT(slab_relabel_owner(object, owner, none));
	a = take();
	f = finding_of(a, AUDIT_OWNER, NULL);
	if (EXPECT(f)) {
		EXPECT_EQ(f->object, object);
		EXPECT_EQ(f->owner, none);
		EXPECT_EQ(f->found, bytes);
		EXPECT_EQ(f->kind, MEMCG_SLAB_UNRECLAIMABLE);
	}
	expect_off_by(a, AUDIT_COUNTER, memcg, -bytes);
	expect_off_by(a, AUDIT_STAT, memcg, -bytes);
	audit_free(a);
	EXPECT(slab_relabel_owner(object, none, owner));
	kfree(object);
	group_remove("/t");
}

/* The same with an owner that did exist. */
TEST(audit, an_object_of_a_dead_owner_is_named)
{
	struct mem_cgroup *memcg = group_make("/t"), *dead = group_make("/d");
	const struct audit_finding *f;
	struct audit *a;
	u32 owner, was;
	void *object;

	ASSERT(memcg && dead);
	object = object_of(memcg);
	owner = memcg->objcg->id;
	was = dead->objcg->id;
	group_remove("/d");
	cgroup_wait_teardown();
	rcu_barrier();
	rcu_barrier();
	ASSERT(slab_relabel_owner(object, owner, was));
	a = take();
	f = finding_of(a, AUDIT_OWNER, NULL);
	if (EXPECT(f))
		EXPECT_EQ(f->object, object);
	audit_free(a);
	EXPECT(slab_relabel_owner(object, was, owner));
	kfree(object);
	group_remove("/t");
}

TEST(audit, an_object_that_changes_hands_shows_in_both_books)
{
	struct mem_cgroup *memcg[2] = {group_make("/t"), group_make("/u")};
	struct audit *a;
	void *object;
	long bytes;

	ASSERT(memcg[0] && memcg[1]);
	object = object_of(memcg[0]);
	bytes = charged_for(object);
	ASSERT(slab_relabel_owner(object, memcg[0]->objcg->id,
				  memcg[1]->objcg->id));
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg[0], -bytes);
	expect_off_by(a, AUDIT_COUNTER, memcg[1], bytes);
	expect_off_by(a, AUDIT_STAT, memcg[1], bytes);
	EXPECT(finding_of(a, AUDIT_WHOLE_PAGES, memcg[0]));
	audit_free(a);
	EXPECT(slab_relabel_owner(object, memcg[1]->objcg->id,
				  memcg[0]->objcg->id));
	kfree(object);
	group_remove("/t");
	group_remove("/u");
}

TEST(audit, areas_that_change_hands_show_in_both_books)
{
	struct mem_cgroup *memcg[2] = {group_make("/t"), group_make("/u")},
			  *old;
	long bytes = 4096l * nr_cpu_ids;
	void __percpu *area;
	struct audit *a;
	void *va;

	ASSERT(memcg[0] && memcg[1]);
	old = set_active_memcg(memcg[0]);
	area = __alloc_percpu_gfp(4096, 8, GFP_KERNEL_ACCOUNT);
	va = __vmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	ASSERT(area && va);

	ASSERT(percpu_relabel_owner(area, memcg[0]->objcg->id,
				    memcg[1]->objcg->id));
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg[0], -bytes);
	expect_off_by(a, AUDIT_COUNTER, memcg[1], bytes);
	audit_free(a);
	EXPECT(percpu_relabel_owner(area, memcg[1]->objcg->id,
				    memcg[0]->objcg->id));

	ASSERT(vmalloc_relabel_owner(va, memcg[0]->objcg->id, OBJCG_MAX_ID));
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg[0], -(long)PAGE_SIZE);
	EXPECT_EQ(finding_of(a, AUDIT_OWNER, NULL)->object, va);
	audit_free(a);
	EXPECT(vmalloc_relabel_owner(va, OBJCG_MAX_ID, memcg[0]->objcg->id));

	free_percpu(area);
	vfree(va);
	group_remove("/t");
	group_remove("/u");
}

TEST(audit, a_page_that_lost_its_owner_is_missed)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct page *page;
	unsigned long data;
	struct audit *a;

	ASSERT(memcg);
	page = page_of(memcg, 1);
	data = page->memcg_data;
	page->memcg_data = 0;
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg, -2 * (long)PAGE_SIZE);
	expect_off_by(a, AUDIT_STAT, memcg, -2 * (long)PAGE_SIZE);
	EXPECT_EQ(finding_of(a, AUDIT_STAT, memcg)->kind, MEMCG_PAGES);
	expect_off_by(a, AUDIT_REFERENCES, memcg, 2);
	audit_free(a);
	page->memcg_data = data;
	__free_pages(page, 1);
	group_remove("/t");
}

/* Whatever its word says: nothing, something else, somewhere that is not. */
TEST(audit, a_page_whose_owner_is_no_owner_is_named)
{
	static const unsigned long strange[] = {MEMCG_PAGES, 0x123456780,
						~0ul << 4, KERNEL_VMA};
	struct mem_cgroup *memcg = group_make("/t");
	const struct audit_finding *f;
	struct page *page;
	unsigned long data;
	struct audit *a;

	ASSERT(memcg);
	page = page_of(memcg, 0);
	data = page->memcg_data;
	for (unsigned int i = 0; i <= ARRAY_SIZE(strange); i++) {
		page->memcg_data = i ? strange[i - 1] : (unsigned long)memcg;
		a = take();
		f = finding_of(a, AUDIT_OWNER, NULL);
		if (EXPECT(f))
			EXPECT_EQ(f->page, page);
		audit_free(a);
	}
	page->memcg_data = data;
	__free_pages(page, 0);
	group_remove("/t");
}

TEST(audit, an_owner_where_none_may_be_is_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct audit_finding *f;
	struct page *page;
	struct audit *a;

	ASSERT(memcg);
	page = page_of(memcg, 1);
	page[1].memcg_data = page->memcg_data;
	a = take();
	f = finding_of(a, AUDIT_PLACE, NULL);
	if (EXPECT(f))
		EXPECT_EQ(f->page, page + 1);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	page[1].memcg_data = 0;

	/* The block is ours, so nobody else minds. */
	page_set_type(page, PAGE_PCP);
	a = take();
	f = finding_of(a, AUDIT_FREE, NULL);
	if (EXPECT(f))
		EXPECT_EQ(f->page, page);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	page_set_type(page, PAGE_USED);
	__free_pages(page, 1);
	group_remove("/t");
}

/* The parent's own book has nothing to do with it. */
TEST(audit, a_counter_that_is_wrong_is_named)
{
	struct mem_cgroup *parent = group_make("/t");
	struct mem_cgroup *memcg = group_make("/t/u");
	struct audit *a;

	ASSERT(parent && memcg);
	page_counter_charge(&memcg->memory, 1);
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg, -(long)PAGE_SIZE);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	page_counter_uncharge(&memcg->memory, 1);

	page_counter_charge(&parent->memory, 3);
	a = take();
	expect_off_by(a, AUDIT_COUNTER, parent, -3 * (long)PAGE_SIZE);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	page_counter_uncharge(&parent->memory, 3);
	group_remove("/t/u");
	group_remove("/t");
}

TEST(audit, statistics_that_are_wrong_are_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct audit *a;

	ASSERT(memcg);
	preempt_disable();
	memcg_state_add(memcg, MEMCG_SOCK, 0, 8);
	preempt_enable();
	a = take();
	expect_off_by(a, AUDIT_STAT, memcg, -8);
	EXPECT_EQ(a->findings[0].kind, MEMCG_SOCK);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	preempt_disable();
	memcg_state_add(memcg, MEMCG_SOCK, 0, -8);
	preempt_enable();
	expect_balance();
	group_remove("/t");
}

TEST(audit, bytes_left_over_that_are_wrong_are_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct obj_cgroup *objcg;
	struct audit *a;

	ASSERT(memcg);
	objcg = memcg->objcg;
	atomic_long_add(8, &objcg->leftover);
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg, 8);
	EXPECT(finding_of(a, AUDIT_WHOLE_PAGES, memcg));
	audit_free(a);

	atomic_long_set(&objcg->leftover, PAGE_SIZE);
	a = take();
	EXPECT(finding_of(a, AUDIT_LEFTOVER, memcg));
	expect_off_by(a, AUDIT_REFERENCES, memcg, -1);
	audit_free(a);
	atomic_long_set(&objcg->leftover, 0);
	group_remove("/t");
}

/* The slot of @owner, on whichever CPU has one. */
static struct stock_slot *any_slot_of(u32 owner, unsigned int *on)
{
	unsigned int cpu;

	*on = 0;
	for_each_online_cpu(cpu)
		for (unsigned int i = 0; i < STOCK_SLOTS; i++) {
			struct stock_slot *slot = per_cpu_ptr(&stock[i], cpu);

			*on = cpu;
			if (slot->owner == owner)
				return slot;
		}
	return NULL;
}

/* Nobody else charges to this group, so nobody else touches its slot. */
TEST(audit, a_stock_that_is_wrong_is_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	const struct audit_finding *f;
	struct obj_cgroup *objcg;
	struct stock_slot *slot;
	struct audit *a;
	unsigned int cpu;
	void *object;
	u32 bytes;

	ASSERT(memcg);
	object = object_of(memcg);
	slot = any_slot_of(memcg->objcg->id, &cpu);
	ASSERT(slot);
	slot->level -= 0x10000000010ull; /* 16, and they were not handed out */
	a = take();
	EXPECT_NE(a->nr_findings, 0ul);
	EXPECT(finding_of(a, AUDIT_COUNTER, memcg));
	audit_free(a);
	slot->level += 0x10000000010ull;

	slot->bytes -= 8;
	a = take();
	expect_off_by(a, AUDIT_COUNTER, memcg, -8);
	expect_off_by(a, AUDIT_STAT, memcg, -8);
	audit_free(a);
	slot->bytes += 8;

	bytes = slot->bytes;
	slot->bytes = STOCK_MAX + 1;
	a = take();
	f = finding_of(a, AUDIT_SLOT, NULL);
	if (EXPECT(f)) {
		EXPECT_EQ(f->cpu, cpu);
		EXPECT_EQ(f->owner, memcg->objcg->id);
	}
	audit_free(a);
	slot->bytes = bytes;

	objcg = slot->objcg;
	slot->objcg = NULL;
	a = take();
	EXPECT(finding_of(a, AUDIT_SLOT, NULL));
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	slot->objcg = objcg;
	kfree(object);
	group_remove("/t");
}

TEST(audit, references_that_are_wrong_are_named)
{
	struct mem_cgroup *memcg = group_make("/t");
	struct obj_cgroup *objcg;
	struct audit *a;

	ASSERT(memcg);
	objcg = memcg->objcg;
	ASSERT(obj_cgroup_tryget(objcg));
	a = take();
	expect_off_by(a, AUDIT_REFERENCES, memcg, 1);
	EXPECT_EQ(a->nr_findings, 1ul);
	audit_free(a);
	obj_cgroup_put(objcg);
	group_remove("/t");
}

/* Whoever runs audit() is told by the count, and by a report for each. */
TEST(audit, every_difference_is_reported)
{
	struct mem_cgroup *memcg = group_make("/t");

	ASSERT(memcg);
	page_counter_charge(&memcg->memory, 1);
	report_expect(REPORT_ACCOUNTING);
	EXPECT_EQ(audit(), 1l);
	EXPECT_EQ(report_expected(REPORT_ACCOUNTING), 1ul);
	page_counter_uncharge(&memcg->memory, 1);
	EXPECT_EQ(audit(), 0l);
	group_remove("/t");
}

/* --- under load -------------------------------------------------------------------- */

/* As long as audits go on, on a machine that is not too slow for it. */
#define LOAD_NS	    (2 * NSEC_PER_SEC)
#define LOAD_GROUPS 6
#define LOAD_THINGS 24

static struct mem_cgroup *load_groups[LOAD_GROUPS];

struct load {
	struct task *task;
	struct prng rng;
	unsigned long rounds;
};

static bool load_stop;

/* Charge to any group, free what was charged before. */
static int load_fn(void *load)
{
	struct thing things[LOAD_THINGS] = {};
	struct load *l = load;

	while (!READ_ONCE(load_stop)) {
		struct thing *t = &things[prng_below(&l->rng, LOAD_THINGS)];
		struct mem_cgroup *old = set_active_memcg(
			load_groups[prng_below(&l->rng, LOAD_GROUPS)]);

		thing_drop(t);
		thing_make(t, 1 + prng_below(&l->rng, NR_THING_TYPES - 1),
			   &l->rng,
			   prng_below(&l->rng, 4) ? GFP_KERNEL : GFP_NOWAIT);
		set_active_memcg(old);
		WRITE_ONCE(l->rounds, l->rounds + 1);
		if (l->rounds % 16 == 0)
			cond_resched();
	}
	for (int i = 0; i < LOAD_THINGS; i++)
		thing_drop(&things[i]);
	return 0;
}

static void make_load_groups(void)
{
	char path[32];

	for (int i = 0; i < LOAD_GROUPS; i++) {
		scnprintf(path, sizeof(path), i < 3 ? "/l%d" : "/l%d/m%d",
			  i % 3, i);
		load_groups[i] = group_make(path);
		ASSERT(load_groups[i]);
	}
}

static void remove_load_groups(void)
{
	char path[32];

	for (int i = LOAD_GROUPS - 1; i >= 0; i--) {
		scnprintf(path, sizeof(path), i < 3 ? "/l%d" : "/l%d/m%d",
			  i % 3, i);
		group_remove(path);
	}
}

static void start_load(struct load *loads, unsigned int nr)
{
	WRITE_ONCE(load_stop, false);
	for (unsigned int i = 0; i < nr; i++) {
		prng_init(&loads[i].rng, test_random());
		loads[i].rounds = 0;
		loads[i].task = kthread_create(load_fn, &loads[i], "load");
		ASSERT(!IS_ERR(loads[i].task));
		wake_up_process(loads[i].task);
	}
}

static unsigned long end_load(struct load *loads, unsigned int nr)
{
	unsigned long rounds = 0;

	WRITE_ONCE(load_stop, true);
	for (unsigned int i = 0; i < nr; i++) {
		task_join(loads[i].task);
		rounds += loads[i].rounds;
	}
	return rounds;
}

/* Rule 0: no byte is ever between two books. */
TEST(audit, books_are_exact_while_all_cpus_charge_and_uncharge)
{
	static struct load loads[NR_CPUS];
	unsigned int nr = num_online_cpus();
	unsigned long owned = 0;
	u64 end;

	things_begin();
	make_load_groups();
	start_load(loads, nr);
	end = ktime_get_ns() + LOAD_NS;
	for (int i = 0; i < 25 && (i < 5 || ktime_get_ns() < end); i++) {
		struct audit *a = take();

		if (!EXPECT_EQ(a->nr_findings, 0ul))
			log_findings(a);
		owned += a->nr_objects + a->nr_areas + a->nr_blocks;
		audit_free(a);
		msleep(1);
	}
	EXPECT_GT(end_load(loads, nr), 100ul);
	EXPECT_GT(owned, 0ul);
	remove_load_groups();
	things_end();
}

/* Groups come, get something, go, and leave it to others. */
static int come_and_go(void *load)
{
	struct load *l = load;
	struct thing things[4] = {};
	char path[32];

	while (!READ_ONCE(load_stop)) {
		struct thing *t = &things[prng_below(&l->rng, 4)];
		struct mem_cgroup *memcg, *old;

		scnprintf(path, sizeof(path), "/l%d/c%p",
			  (int)prng_below(&l->rng, 3), l);
		memcg = group_make(path);
		if (!memcg)
			break;
		thing_drop(t);
		old = set_active_memcg(memcg);
		thing_make(t, 1 + prng_below(&l->rng, NR_THING_TYPES - 1),
			   &l->rng, GFP_KERNEL);
		set_active_memcg(old);
		EXPECT_EQ(cgroup_rmdir(path), 0);
		WRITE_ONCE(l->rounds, l->rounds + 1);
	}
	for (int i = 0; i < 4; i++)
		thing_drop(&things[i]);
	return 0;
}

TEST(audit, books_are_exact_while_groups_come_and_go)
{
	static struct load loads[NR_CPUS], goers[2];
	unsigned int nr = num_online_cpus();
	u64 end;

	things_begin();
	make_load_groups();
	start_load(loads, nr);
	for (unsigned int i = 0; i < ARRAY_SIZE(goers); i++) {
		prng_init(&goers[i].rng, test_random());
		goers[i].task = kthread_create(come_and_go, &goers[i], "goer");
		ASSERT(!IS_ERR(goers[i].task));
		wake_up_process(goers[i].task);
	}
	end = ktime_get_ns() + LOAD_NS;
	for (int i = 0; i < 25 && (i < 5 || ktime_get_ns() < end); i++) {
		expect_balance();
		msleep(2);
	}
	end_load(loads, nr);
	EXPECT_GT(end_load(goers, ARRAY_SIZE(goers)), 0ul);
	cgroup_wait_teardown();
	remove_load_groups();
	things_end();
}
