/* SPDX-License-Identifier: MIT */
/* stat_test.c - what memory is used for, exact to the byte after a flush. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "group_test.h"

/* As memory.stat calls them; NULL: only part of "kernel". */
static const char *const kind_names[MEMCG_NR_KINDS] = {
	[MEMCG_SLAB_UNRECLAIMABLE] = "slab_unreclaimable",
	[MEMCG_SLAB_RECLAIMABLE] = "slab_reclaimable",
	[MEMCG_ANON] = "anon",
	[MEMCG_FILE] = "file",
	[MEMCG_KERNEL_STACK] = "kernel_stack",
	[MEMCG_SOCK] = "sock",
	[MEMCG_PERCPU] = "percpu",
	[MEMCG_VMALLOC] = "vmalloc",
};

static bool is_kernel(enum memcg_kind kind)
{
	return kind != MEMCG_ANON && kind != MEMCG_FILE && kind != MEMCG_SOCK;
}

/* -- What the files should say ------------------------------------------------- */

struct model {
	long kind[MEMCG_NR_KINDS];
	long node[MAX_NUMNODES][MEMCG_NR_KINDS];
};

static void model_add(struct model *m, const struct test_charge *c, long sign)
{
	m->kind[c->kind] += sign * (long)c->bytes;
	m->node[c->nid][c->kind] += sign * (long)c->bytes;
}

static void expect_model(struct mem_cgroup *memcg, const struct model *m)
{
	long kernel = 0;

	for (enum memcg_kind kind = 0; kind < MEMCG_NR_KINDS; kind++) {
		if (is_kernel(kind))
			kernel += m->kind[kind];
		if (!kind_names[kind])
			continue;
		EXPECT_EQ(group_read(memcg, "memory.stat", kind_names[kind]),
			  m->kind[kind]);
		if (kind >= MEMCG_NR_NODE_KINDS)
			continue;
		for (int nid = 0; nid < test_nr_nodes(); nid++)
			EXPECT_EQ(group_read_node(memcg, kind_names[kind], nid),
				  m->node[nid][kind]);
	}
	EXPECT_EQ(group_read(memcg, "memory.stat", "kernel"), kernel);
	EXPECT_EQ(group_read(memcg, "memory.stat", "slab"),
		  m->kind[MEMCG_SLAB_RECLAIMABLE] +
			  m->kind[MEMCG_SLAB_UNRECLAIMABLE]);
}

/* -- One thread ------------------------------------------------------------------ */

TEST(memcg_stat, every_kind_on_every_cpu_and_node_shows_to_the_byte)
{
	static struct test_charge c[MEMCG_NR_KINDS][MAX_NUMNODES][4];
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	unsigned int cpu, n = 0, cpus[4];
	struct model model = {0};

	for_each_online_cpu(cpu)
		if (n < ARRAY_SIZE(cpus))
			cpus[n++] = cpu;
	for (unsigned int i = 0; i < n; i++) {
		move_to(cpus[i]);
		for (enum memcg_kind k = 0; k < MEMCG_NR_KINDS; k++)
			for (int nid = 0; nid < test_nr_nodes(); nid++) {
				EXPECT(charge_take(&c[k][nid][i], b,
						   1000 * k + 100 * nid + 7 + i,
						   k, nid, GFP_KERNEL));
				model_add(&model, &c[k][nid][i], 1);
			}
		expect_model(b, &model);
	}
	expect_model(a, &model);
	/* Each is freed on another CPU than the one that took it. */
	for (unsigned int i = 0; i < n; i++) {
		move_to(cpus[(i + 1) % n]);
		for (enum memcg_kind k = 0; k < MEMCG_NR_KINDS; k++)
			for (int nid = 0; nid < test_nr_nodes(); nid++) {
				model_add(&model, &c[k][nid][i], -1);
				charge_give(&c[k][nid][i]);
			}
		expect_model(b, &model);
		expect_model(a, &model);
	}
	move_anywhere();
	test_group_remove(b);
	test_group_remove(a);
}

/* What the fast paths hand out is counted nowhere: it is told from the slot. */
TEST(memcg_stat, what_the_stock_handed_out_shows_at_once)
{
	static struct test_charge c[500];
	struct mem_cgroup *memcg = test_group(NULL, "a");
	int node = 0;

	move_to(smp_processor_id());
	node = numa_mem_id();
	for (int i = 0; i < 500; i++) {
		EXPECT(charge_take(&c[i], memcg, 64, MEMCG_SLAB_UNRECLAIMABLE,
				   NUMA_NO_NODE, GFP_KERNEL));
		if (i % 100 == 0) {
			EXPECT_EQ(group_read(memcg, "memory.stat", "slab"),
				  64l * (i + 1));
			EXPECT_EQ(group_read_node(memcg, "slab_unreclaimable",
						  node),
				  64l * (i + 1));
		}
	}
	for (int i = 0; i < 500; i++)
		charge_give(&c[i]);
	EXPECT_EQ(group_read(memcg, "memory.stat", "slab"), 0);
	move_anywhere();
	test_group_remove(memcg);
}

TEST(memcg_stat, the_roots_are_the_sums_of_all_groups)
{
	struct mem_cgroup *a = test_group(NULL, "a"),
			  *b = test_group(NULL, "b");
	struct test_charge ca, cb;
	struct seq_text out = SEQ_TEXT_INIT;

	EXPECT(charge_take(&ca, a, 1111, MEMCG_SOCK, 0, GFP_KERNEL));
	EXPECT(charge_take(&cb, b, 2222, MEMCG_SOCK, 0, GFP_KERNEL));
	EXPECT_EQ(cgroup_read(&cgroup_root, "memory.stat", &out), 0);
	EXPECT(strstr(seq_text_string(&out), "\nsock 3333\n"));
	seq_text_free(&out);
	EXPECT_EQ(mem_cgroup_local_state(root_mem_cgroup, MEMCG_SOCK), 0);
	charge_give(&ca);
	charge_give(&cb);
	test_group_remove(a);
	test_group_remove(b);
}

TEST(memcg_stat, page_faults_are_the_payers)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *old;

	accounting_count_fault(false);
	old = set_active_memcg(a);
	accounting_count_fault(false);
	accounting_count_fault(true);
	accounting_count_fault(false);
	set_active_memcg(old);
	EXPECT_EQ(group_read(a, "memory.stat", "pgfault"), 3l);
	EXPECT_EQ(group_read(a, "memory.stat", "pgmajfault"), 1l);
	test_group_remove(a);
}

/* -- All CPUs ---------------------------------------------------------------------- */

#define NR_SLOTS    32
#define MAX_WORKERS 16

/* Held at all times, and on top of that at most. */
#define HELD  10000u
#define EXTRA 5000u

struct worker {
	struct task *task;
	struct mem_cgroup *memcg;
	struct test_charge slots[NR_SLOTS];
	unsigned int cpu;
	u64 seed;
};

static struct worker workers[MAX_WORKERS];
static atomic_t holding;
static bool stop;

static int any_node(struct prng *rng)
{
	return (int)prng_below(rng, test_nr_nodes() + 1) - 1;
}

static int mix(void *arg)
{
	struct worker *w = arg;
	struct prng rng;

	prng_init(&rng, w->seed);
	for (int round = 0; round < 3000; round++) {
		struct test_charge *c = &w->slots[prng_below(&rng, NR_SLOTS)];

		if (c->owner) {
			charge_give(c);
			continue;
		}
		EXPECT(charge_take(c, w->memcg, prng_range(&rng, 1, 9000),
				   prng_below(&rng, MEMCG_NR_KINDS),
				   any_node(&rng), GFP_KERNEL));
		if (prng_below(&rng, 64) == 0)
			mem_cgroup_flush_stats(w->memcg);
	}
	return 0;
}

/* Tasks migrate, so much of it is freed elsewhere than it was taken. */
TEST(memcg_stat, stress_sums_are_exact_once_it_is_quiet)
{
	struct mem_cgroup *a = test_group(NULL, "a"), *b = test_group(a, "b");
	struct mem_cgroup *c = test_group(a, "c");
	struct model model = {0}, below[2] = {0};
	unsigned int n = min(2 * num_online_cpus(), MAX_WORKERS + 0u);

	for (unsigned int i = 0; i < n; i++) {
		workers[i] = (struct worker){.memcg = i & 1 ? b : c,
					     .seed = test_seed() + i};
		workers[i].task = task_run(mix, &workers[i], "mix");
		ASSERT(workers[i].task);
	}
	for (unsigned int i = 0; i < n; i++) {
		task_join(workers[i].task);
		for (int s = 0; s < NR_SLOTS; s++)
			if (workers[i].slots[s].owner) {
				model_add(&model, &workers[i].slots[s], 1);
				model_add(&below[i & 1], &workers[i].slots[s],
					  1);
			}
	}
	expect_model(a, &model);
	expect_model(b, &below[1]);
	expect_model(c, &below[0]);
	for (unsigned int i = 0; i < n; i++)
		for (int s = 0; s < NR_SLOTS; s++)
			charge_give(&workers[i].slots[s]);
	memset(&model, 0, sizeof(model));
	expect_model(a, &model);
	test_group_remove(c);
	test_group_remove(b);
	test_group_remove(a);
}

static int hold_and_play(void *arg)
{
	struct worker *w = arg;
	struct test_charge *held = &w->slots[0], *extra = &w->slots[1];
	unsigned int round = 0;
	struct prng rng;

	move_to(w->cpu);
	prng_init(&rng, w->seed);
	EXPECT(charge_take(held, w->memcg, HELD, MEMCG_SLAB_UNRECLAIMABLE,
			   NUMA_NO_NODE, GFP_KERNEL));
	atomic_inc(&holding);
	while (!READ_ONCE(stop)) {
		EXPECT(charge_take(extra, w->memcg, prng_range(&rng, 1, EXTRA),
				   MEMCG_SLAB_UNRECLAIMABLE, NUMA_NO_NODE,
				   GFP_KERNEL));
		charge_give(extra);
		/* More CPUs than the host has must not stand in each other's
		 * way all the time. */
		if (++round % 256 == 0)
			msleep(1);
	}
	charge_give(held);
	return 0;
}

/* Each CPU holds so much and plays with a little more; nobody frees on another, so
 * whatever the flush sees of each is true. */
TEST(memcg_stat, stress_a_reader_sees_no_jump_and_nothing_negative)
{
	struct mem_cgroup *memcg = test_group(NULL, "a");
	u64 deadline = ktime_get_ns() + 2 * NSEC_PER_SEC;
	unsigned int n = 0, cpu;
	long least, most;

	stop = false;
	atomic_set(&holding, 0);
	for_each_online_cpu(cpu) {
		if (n == MAX_WORKERS)
			break;
		workers[n] = (struct worker){
			.memcg = memcg, .cpu = cpu, .seed = test_seed() + n};
		workers[n].task = task_run(hold_and_play, &workers[n], "play");
		ASSERT(workers[n].task);
		n++;
	}
	while (atomic_read(&holding) < (int)n)
		msleep(1);
	least = n * HELD;
	most = n * (HELD + EXTRA);
	/* Where CPUs outnumber the host's, a flush takes its time. */
	for (int i = 0; i < 300 && (i < 5 || ktime_get_ns() < deadline); i++) {
		long slab = group_read(memcg, "memory.stat", "slab");

		EXPECT_GE(slab, least);
		EXPECT_LE(slab, most);
		cond_resched();
	}
	WRITE_ONCE(stop, true);
	for (unsigned int i = 0; i < n; i++)
		task_join(workers[i].task);
	EXPECT_EQ(group_read(memcg, "memory.stat", "slab"), 0);
	test_group_remove(memcg);
}
