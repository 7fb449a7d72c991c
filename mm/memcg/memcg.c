/* SPDX-License-Identifier: MIT */
/* memcg.c - groups that pay for memory come and go. */
#include <errno.h>
#include <kernel/core/panic.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include "memcg_impl.h"

struct mem_cgroup *root_mem_cgroup;

/* --- coming and going -------------------------------------------------------------- */

static struct cgroup_subsys_state *
memcg_css_alloc(struct cgroup_subsys_state *parent_css)
{
	struct mem_cgroup *parent = parent_css ? mem_cgroup_from_css(parent_css)
					       : NULL;
	struct mem_cgroup *memcg = kzalloc(sizeof(*memcg), GFP_KERNEL);

	if (!memcg)
		return ERR_PTR(-ENOMEM);
	memcg->percpu = alloc_percpu(struct memcg_percpu);
	if (!memcg->percpu) {
		kfree(memcg);
		return ERR_PTR(-ENOMEM);
	}
	page_counter_init(&memcg->memory, parent ? &parent->memory : NULL);
	if (!parent)
		root_mem_cgroup = memcg;
	return &memcg->css;
}

static int memcg_css_online(struct cgroup_subsys_state *css)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);

	if (memcg == root_mem_cgroup)
		return objcg_online_root(memcg);
	return objcg_online(memcg);
}

static void memcg_css_offline(struct cgroup_subsys_state *css)
{
	objcg_offline(mem_cgroup_from_css(css));
}

static void memcg_css_free(struct cgroup_subsys_state *css)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);

	free_percpu(memcg->percpu);
	kfree(memcg);
}

/* --- tasks --------------------------------------------------------------------------- */

static void memcg_attach(struct task *t, struct cgroup_subsys_state *from,
			 struct cgroup_subsys_state *to)
{
	memcg_set_home(t, mem_cgroup_from_css(to));
}

static void memcg_exit(struct task *t, struct cgroup_subsys_state *css)
{
	memcg_set_home(t, root_mem_cgroup);
}

/* --- statistics and events -------------------------------------------------------------- */

static void memcg_css_rstat_flush(struct cgroup_subsys_state *css,
				  unsigned int cpu)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);
	struct mem_cgroup *parent = parent_mem_cgroup(memcg);
	struct memcg_percpu *pc = per_cpu_ptr(memcg->percpu, cpu);

	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++) {
		long now = READ_ONCE(pc->state[kind]);
		long delta =
			now - pc->flushed[kind] + memcg->state_pending[kind];

		pc->flushed[kind] = now;
		memcg->state_pending[kind] = 0;
		WRITE_ONCE(memcg->state[kind], memcg->state[kind] + delta);
		if (parent)
			parent->state_pending[kind] += delta;
	}
}

void memcg_event(struct mem_cgroup *memcg, enum memcg_event event)
{
	atomic_long_inc(&memcg->events_local[event]);
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		atomic_long_inc(&memcg->events[event]);
}

unsigned long mem_cgroup_usage(struct mem_cgroup *memcg)
{
	return page_counter_read(&memcg->memory);
}

bool mem_cgroup_is_descendant(struct mem_cgroup *memcg, struct mem_cgroup *root)
{
	for (; memcg; memcg = parent_mem_cgroup(memcg))
		if (memcg == root)
			return true;
	return false;
}

/* --- boot ---------------------------------------------------------------------------------- */

struct cgroup_subsys memory_cgrp_subsys = {
	.name = "memory",
	.css_alloc = memcg_css_alloc,
	.css_online = memcg_css_online,
	.css_offline = memcg_css_offline,
	.css_free = memcg_css_free,
	.css_rstat_flush = memcg_css_rstat_flush,
	.attach = memcg_attach,
	.exit = memcg_exit,
};

void memcg_init(void)
{
	objcg_init();
	BUG_ON(cgroup_register(&memory_cgrp_subsys));
}
