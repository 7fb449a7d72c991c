/* SPDX-License-Identifier: MIT */
/* group_test.c - groups come and go whole; what tests of them share. */
#include <arch/cpumask.h>
#include <boot/acpi.h>
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/percpu/percpu.h>
#include <string.h>
#include "group_test.h"

/* -- Groups ------------------------------------------------------------------ */

static void path_below(struct mem_cgroup *parent, const char *name, char *path)
{
	struct cgroup *above = parent ? parent->css.cgroup : &cgroup_root;
	size_t len;

	cgroup_path(above, path, CGROUP_PATH_MAX);
	len = strlen(path);
	scnprintf(path + len, CGROUP_PATH_MAX - len, "/%s", name);
}

struct mem_cgroup *test_group(struct mem_cgroup *parent, const char *name)
{
	char path[CGROUP_PATH_MAX];
	struct mem_cgroup *memcg;

	path_below(parent, name, path);
	memcg = group_make(path);
	ASSERT(memcg);
	return memcg;
}

void test_group_remove(struct mem_cgroup *memcg)
{
	char path[CGROUP_PATH_MAX];

	group_remove(cgroup_path(memcg->css.cgroup, path, sizeof(path)));
}

/* -- Their files ------------------------------------------------------------- */

int group_write(struct mem_cgroup *memcg, const char *file, const char *text)
{
	return cgroup_write(memcg->css.cgroup, file, text);
}

void group_expect(struct mem_cgroup *memcg, const char *file, const char *text)
{
	struct seq_text out = SEQ_TEXT_INIT;

	EXPECT_EQ(cgroup_read(memcg->css.cgroup, file, &out), 0);
	EXPECT_STREQ(seq_text_string(&out), text);
	seq_text_free(&out);
}

/* Behind the blank or line end after @key, which begins a line. */
static const char *find_key(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text && *text; text = strchr(text, '\n'), text += !!text)
		if (!strncmp(text, key, len) && text[len] == ' ')
			return text + len + 1;
	return NULL;
}

static long read_number(const char *text)
{
	long number = 0;

	if (!text || *text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + *text - '0';
	return number;
}

long group_read(struct mem_cgroup *memcg, const char *file, const char *key)
{
	struct seq_text out = SEQ_TEXT_INIT;
	const char *text;
	long number;

	EXPECT_EQ(cgroup_read(memcg->css.cgroup, file, &out), 0);
	text = seq_text_string(&out);
	number = read_number(key ? find_key(text, key) : text);
	seq_text_free(&out);
	return number;
}

long group_read_node(struct mem_cgroup *memcg, const char *key, int nid)
{
	struct seq_text out = SEQ_TEXT_INIT;
	const char *text;
	char node[16];
	long number;

	EXPECT_EQ(cgroup_read(memcg->css.cgroup, "memory.numa_stat", &out), 0);
	text = find_key(seq_text_string(&out), key);
	scnprintf(node, sizeof(node), "N%d=", nid);
	text = text ? strstr(text, node) : NULL;
	number = read_number(text ? text + strlen(node) : NULL);
	seq_text_free(&out);
	return number;
}

/* -- Charges ----------------------------------------------------------------- */

bool charge_take(struct test_charge *c, struct mem_cgroup *memcg, u32 bytes,
		 enum memcg_kind kind, int nid, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	int owner;

	*c = (struct test_charge){.bytes = bytes, .kind = kind, .nid = nid};
	cpu_store_enter();
	owner = accounting_owner();
	if (kind != MEMCG_SLAB_UNRECLAIMABLE || nid != NUMA_NO_NODE ||
	    !stock_consume(owner, bytes)) {
		cpu_store_leave();
		owner = __accounting_charge(bytes, kind, nid, gfp);
		if (owner < 0) {
			set_active_memcg(old);
			return false;
		}
	}
	/* Where the allocators would have taken it from. */
	if (nid == NUMA_NO_NODE)
		c->nid = numa_mem_id();
	c->owner = owner;
	cpu_store_leave();
	set_active_memcg(old);
	return true;
}

void charge_give(struct test_charge *c)
{
	u32 owner = c->owner;

	if (!owner)
		return;
	cpu_store_enter();
	c->owner = 0;
	if (c->kind == MEMCG_SLAB_UNRECLAIMABLE && c->nid == numa_mem_id() &&
	    stock_refill(owner, c->bytes))
		cpu_store_leave();
	else
		accounting_uncharge_leave(owner, c->bytes, c->kind, c->nid);
}

/* -- Something to reclaim ------------------------------------------------------ */

struct test_cache test_cache;

static unsigned long cache_count(struct shrinker *s, struct shrink_control *sc)
{
	return atomic_long_read(&test_cache.nr);
}

static unsigned long cache_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;
	long nr;

	if (READ_ONCE(test_cache.stuck))
		return SHRINK_STOP;
	for (; freed < sc->nr_to_scan; freed++) {
		nr = atomic_long_dec_if_positive(&test_cache.nr);
		if (nr < 0)
			break;
		charge_give(&test_cache.charges[nr]);
	}
	return freed;
}

void test_cache_fill(struct mem_cgroup *memcg)
{
	test_cache.shrinker = (struct shrinker){
		.count_objects = cache_count,
		.scan_objects = cache_scan,
		.seeks = DEFAULT_SEEKS,
		.batch = 4,
	};
	test_cache.stuck = false;
	for (int i = 0; i < TEST_CACHE_OBJECTS; i++)
		EXPECT(charge_take(&test_cache.charges[i], memcg, PAGE_SIZE,
				   MEMCG_SLAB_RECLAIMABLE, 0, GFP_KERNEL));
	atomic_long_set(&test_cache.nr, TEST_CACHE_OBJECTS);
	ASSERT_EQ(register_shrinker(&test_cache.shrinker, "memcg_test"), 0);
}

void test_cache_drop(void)
{
	unregister_shrinker(&test_cache.shrinker);
	for (long i = atomic_long_read(&test_cache.nr); i-- > 0;)
		charge_give(&test_cache.charges[i]);
}

/* -- Where ---------------------------------------------------------------------- */

int test_nr_nodes(void)
{
	return max(acpi_info.nr_nodes, 1u);
}

void move_to(unsigned int cpu)
{
	cpumask_t mask = *cpumask_of(cpu);

	EXPECT_EQ(set_cpus_allowed(current, &mask), 0);
}

void move_anywhere(void)
{
	EXPECT_EQ(set_cpus_allowed(current, cpu_online_mask), 0);
}

/* -- Life -------------------------------------------------------------------- */

TEST(memcg, accounting_is_on_from_the_first_group_to_the_last_charge)
{
	struct mem_cgroup *a, *b;
	struct test_charge c;

	EXPECT(!static_key_enabled(&accounting_enabled));
	a = test_group(NULL, "a");
	EXPECT(static_key_enabled(&accounting_enabled));
	b = test_group(a, "b");
	EXPECT(charge_take(&c, b, 100, MEMCG_PERCPU, 0, GFP_KERNEL));
	test_group_remove(b);
	test_group_remove(a);
	cgroup_wait_teardown();
	rcu_barrier();
	memcg_flush_keys();
	/* Whoever frees must still look for an owner. */
	EXPECT(static_key_enabled(&accounting_enabled));
	charge_give(&c);
	/* The byte's page, its obj_cgroup's and so on up. */
	for (int i = 0; i < 4; i++)
		rcu_barrier();
	memcg_flush_keys();
	EXPECT(!static_key_enabled(&accounting_enabled));
}

TEST(memcg, a_task_pays_for_its_group_while_it_is_in_it)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");

	EXPECT_EQ(current->owner, 0u);
	EXPECT_EQ(cgroup_attach_task(b->css.cgroup, current), 0);
	EXPECT_EQ(current->owner, b->objcg->id);
	/* A group whose controller is taken away is its parent's. */
	EXPECT_EQ(cgroup_attach_task(&cgroup_root, current), 0);
	EXPECT_EQ(current->owner, 0u);
	test_group_remove(b);
	test_group_remove(a);
}

/* 0, and it is gone again, or -ENOMEM. */
static int try_group(const char *path)
{
	struct cgroup *cgrp = cgroup_mkdir(path);

	if (IS_ERR(cgrp))
		return PTR_ERR(cgrp);
	cgroup_put(cgrp);
	EXPECT_EQ(cgroup_rmdir(path), 0);
	return 0;
}

/* Old bug 13. */
TEST(memcg, failed_creation_leaves_no_trace)
{
	struct fault_attr *attrs[] = {&failslab, &fail_percpu,
				      &fail_page_alloc};
	struct mem_cgroup *a = test_group(NULL, "a");
	unsigned long n, failures = 0;
	long objcgs = obj_cgroup_nr_live(), groups = cgroup_nr_live();

	EXPECT_EQ(group_write(a, "cgroup.subtree_control", "+memory"), 0);
	for (int i = 0; i < ARRAY_SIZE(attrs); i++) {
		FAULT_SWEEP(attrs[i], n) {
			int err = try_group("/a/b");

			if (err)
				EXPECT_EQ(err, -ENOMEM);
			failures += err != 0;
		}
		cgroup_wait_teardown();
		rcu_barrier();
		EXPECT_EQ(obj_cgroup_nr_live(), objcgs);
		EXPECT_EQ(cgroup_nr_live(), groups);
	}
	/* The group, its mem_cgroup and obj_cgroup; their per-CPU parts. */
	EXPECT_GE(failures, 3ul + 4);
	EXPECT_EQ(group_write(a, "cgroup.subtree_control", "-memory"), 0);
	test_group_remove(a);
}

/* Whatever the system has less of: the group, its files' state, its share of
 * slabs and of per-CPU chunks. */
TEST(memcg, an_empty_group_costs_2_kib_and_512_bytes_for_each_cpu_at_most)
{
	struct mem_cgroup *a = test_group(NULL, "a");
	unsigned long before, bytes;
	struct cgroup *cgrp;
	char path[32];

	EXPECT_EQ(group_write(a, "cgroup.subtree_control", "+memory"), 0);
	before = settled_pages();
	for (int i = 0; i < 500; i++) {
		scnprintf(path, sizeof(path), "/a/%d", i);
		cgrp = cgroup_mkdir(path);
		ASSERT(!IS_ERR(cgrp));
		cgroup_put(cgrp);
	}
	bytes = (settled_pages() - before) * PAGE_SIZE / 500;
	EXPECT_LE(bytes, 2048ul + 512 * num_possible_cpus());
	/* They are there. */
	EXPECT_GE(bytes, sizeof(struct mem_cgroup));
	for (int i = 0; i < 500; i++) {
		scnprintf(path, sizeof(path), "/a/%d", i);
		EXPECT_EQ(cgroup_rmdir(path), 0);
	}
	cgroup_wait_teardown();
	test_group_remove(a);
}

/* What was charged to a group that is gone is its parent's: to charge against, to
 * see and to give back. */
TEST(memcg, what_a_removed_group_leaves_is_its_parents)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	struct test_charge c[2];

	EXPECT(charge_take(&c[0], b, 5000, MEMCG_PERCPU, 0, GFP_KERNEL));
	EXPECT(charge_take(&c[1], b, 300, MEMCG_SLAB_UNRECLAIMABLE,
			   NUMA_NO_NODE, GFP_KERNEL));
	mem_cgroup_flush_stats(a);
	EXPECT_EQ(mem_cgroup_local_state(b, MEMCG_PERCPU), 5000);
	EXPECT_EQ(mem_cgroup_local_state(a, MEMCG_PERCPU), 0);
	test_group_remove(b);
	cgroup_wait_teardown();
	EXPECT_EQ(group_read(a, "memory.stat", "percpu"), 5000);
	EXPECT_EQ(mem_cgroup_local_state(a, MEMCG_PERCPU), 5000);
	EXPECT_EQ(group_read(a, "memory.stat", "slab"), 300);
	EXPECT_EQ(mem_cgroup_local_state(a, MEMCG_SLAB_UNRECLAIMABLE), 300);
	EXPECT_EQ(group_read(a, "memory.current", NULL), 2 * (long)PAGE_SIZE);
	charge_give(&c[0]);
	charge_give(&c[1]);
	EXPECT_EQ(group_read(a, "memory.stat", "percpu"), 0);
	EXPECT_EQ(group_read(a, "memory.stat", "slab"), 0);
	mem_cgroup_drain_stocks(a);
	EXPECT_EQ(group_read(a, "memory.current", NULL), 0);
	test_group_remove(a);
}

/* The group that those of the stress are below. */
static struct mem_cgroup *nursery;

static int make_and_remove(void *arg)
{
	long me = (long)arg;
	char name[8] = "s0";
	struct prng rng;

	name[1] += me;
	prng_init(&rng, test_seed() + me);
	for (int round = 0; round < 40; round++) {
		struct mem_cgroup *a = test_group(nursery, name);
		struct mem_cgroup *b = test_group(a, "b");
		struct test_charge c[8];
		bool first;
		int n;

		for (n = 0; n < ARRAY_SIZE(c); n++)
			EXPECT(charge_take(&c[n], prng_below(&rng, 2) ? a : b,
					   prng_range(&rng, 1, 9000),
					   prng_below(&rng, MEMCG_NR_KINDS),
					   NUMA_NO_NODE, GFP_KERNEL));
		while (n > 4)
			charge_give(&c[--n]);
		test_group_remove(b);
		first = prng_below(&rng, 2);
		if (first)
			test_group_remove(a);
		while (n > 0)
			charge_give(&c[--n]);
		if (!first)
			test_group_remove(a);
	}
	return 0;
}

TEST(memcg, stress_groups_come_and_go_with_charges_alive)
{
	struct mem_cgroup *always;
	struct task *t[8];

	/* With a child that stays, it keeps the controller for all. */
	nursery = test_group(NULL, "nursery");
	always = test_group(nursery, "always");
	for (long i = 0; i < ARRAY_SIZE(t); i++) {
		t[i] = task_run(make_and_remove, (void *)i, "groups");
		ASSERT(t[i]);
	}
	for (int i = 0; i < ARRAY_SIZE(t); i++)
		task_join(t[i]);
	mem_cgroup_drain_stocks(NULL);
	EXPECT_EQ(mem_cgroup_usage(root_mem_cgroup), 0ul);
	mem_cgroup_flush_stats(root_mem_cgroup);
	for (enum memcg_kind kind = 0; kind < MEMCG_NR_KINDS; kind++)
		EXPECT_EQ(root_mem_cgroup->sums[kind].all, 0l);
	test_group_remove(always);
	test_group_remove(nursery);
}
