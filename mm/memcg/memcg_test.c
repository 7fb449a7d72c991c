/* SPDX-License-Identifier: MIT */
/* memcg_test.c - what tests of charging share. */
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/task/task.h>
#include <lib/err.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <string.h>
#include <tests/test.h>
#include "memcg_test.h"
#include "oom_impl.h"

TEST_LEAK_COUNTER(obj_cgroups)
{
	return obj_cgroup_nr_live();
}

TEST_QUIESCE(memcg)
{
	cgroup_wait_teardown();
	rcu_barrier();
	/* An obj_cgroup lets go of its heir a grace period later. */
	rcu_barrier();
	memcg_flush_keys();
}

/* The group above @path. */
static struct cgroup *parent_of(const char *path)
{
	char parent[CGROUP_PATH_MAX];
	char *slash;

	strlcpy(parent, path, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash)
		*slash = 0;
	return cgroup_find(slash ? parent : "/");
}

struct mem_cgroup *group_make(const char *path)
{
	struct cgroup *parent = parent_of(path), *cgrp;
	struct cgroup_subsys_state *css;

	if (!EXPECT(!IS_ERR(parent)))
		return NULL;
	EXPECT_EQ(cgroup_write(parent, "cgroup.subtree_control", "+memory"), 0);
	cgroup_put(parent);
	cgrp = cgroup_mkdir(path);
	if (!EXPECT(!IS_ERR(cgrp)))
		return NULL;
	css = cgrp->subsys[memory_cgrp_subsys.id];
	cgroup_put(cgrp);
	EXPECT(css);
	return css ? mem_cgroup_from_css(css) : NULL;
}

void group_remove(const char *path)
{
	struct cgroup *parent = parent_of(path);

	EXPECT_EQ(cgroup_rmdir(path), 0);
	if (IS_ERR(parent))
		return;
	/* As it was: a controller that other groups need stays. */
	if (!parent->nr_descendants)
		EXPECT_EQ(cgroup_write(parent, "cgroup.subtree_control",
				       "-memory"),
			  0);
	cgroup_put(parent);
}

const char *numbered(char *path, unsigned int n)
{
	memcpy(path, "/t/000", 7);
	path[3] += n / 100;
	path[4] += n / 10 % 10;
	path[5] += n % 10;
	return path;
}

#define MAX_DEPTH 16

/* "/b", "/b/b", ... */
static void chain_path(char *path, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++) {
		path[2 * i] = '/';
		path[2 * i + 1] = 'b';
	}
	path[2 * depth] = 0;
}

static unsigned int entered_depth;

struct mem_cgroup *group_enter(unsigned int depth)
{
	struct mem_cgroup *memcg = NULL;
	char path[2 * MAX_DEPTH + 1];

	ASSERT(depth <= MAX_DEPTH);
	entered_depth = max(depth, 1u);
	for (unsigned int i = 1; i <= entered_depth; i++) {
		chain_path(path, i);
		ASSERT((memcg = group_make(path)));
	}
	group_limit(memcg, 1ul << 18);
	if (depth)
		EXPECT_EQ(cgroup_attach_task(memcg->css.cgroup, current), 0);
	return memcg;
}

void group_leave(void)
{
	char path[2 * MAX_DEPTH + 1];

	EXPECT_EQ(cgroup_attach_task(&cgroup_root, current), 0);
	for (; entered_depth; entered_depth--) {
		chain_path(path, entered_depth);
		group_remove(path);
	}
	cgroup_wait_teardown();
}

void group_limit(struct mem_cgroup *memcg, unsigned long pages)
{
	page_counter_force_max(&memcg->memory, pages);
}

int charge_bytes(struct mem_cgroup *memcg, size_t bytes, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	int owner =
		__accounting_charge(bytes, MEMCG_VMALLOC, NUMA_NO_NODE, gfp);

	if (owner >= 0)
		cpu_store_leave();
	set_active_memcg(old);
	return owner;
}

void uncharge_bytes(int owner, size_t bytes)
{
	preempt_disable();
	__accounting_uncharge(owner, bytes, MEMCG_VMALLOC, NUMA_NO_NODE);
	preempt_enable();
}

unsigned long settled_usage(struct mem_cgroup *memcg)
{
	/* The reaper may have the last of a victim's arena in its hands; but one
	 * that is stuck is not waited for. */
	for (int i = 0; i < 1000 && oom_has_victims(); i++)
		sleep_ns(NSEC_PER_MSEC);
	kfree_rcu_barrier();
	mem_cgroup_drain_stocks(memcg);
	return usage_of(memcg);
}

void run_on(unsigned int cpu, int (*fn)(void *arg), void *arg)
{
	struct task *t = task_create(fn, arg, "on");
	cpumask_t cpus;

	ASSERT(t);
	cpumask_clear(&cpus);
	cpumask_set_cpu(cpu, &cpus);
	EXPECT_EQ(set_cpus_allowed(t, &cpus), 0);
	wake_up_process(t);
	task_join(t);
}

unsigned long settled_pages(void)
{
	cgroup_wait_teardown();
	rcu_barrier();
	slab_drain_all();
	percpu_drain();
	return page_nr_in_use();
}

void **make_objects(struct mem_cgroup *memcg, int nr)
{
	struct mem_cgroup *old = set_active_memcg(memcg);
	void **first = NULL;

	for (int i = 0; i < nr; i++) {
		void **object = kmalloc(64, GFP_KERNEL_ACCOUNT);

		if (!EXPECT(object))
			break;
		*object = first;
		first = object;
	}
	set_active_memcg(old);
	return first;
}

void free_objects(void **first)
{
	while (first) {
		void **next = *first;

		kfree(first);
		first = next;
	}
}
