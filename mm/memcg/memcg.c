/* SPDX-License-Identifier: MIT */
/*
 * memcg.c - groups that pay for memory come and go.
 *
 *	alloc	a counter below the parent's, counts for each CPU
 *	online	an obj_cgroup; with the first, accounting is switched on
 *	offline	the parent inherits what is charged, protection is given up;
 *		nothing that is alive is visited, and the css can go
 *	free	its memory
 *
 * A group costs a mem_cgroup, an obj_cgroup and their per-CPU parts, and keeps
 * that for as long as it is there, not for as long as what it charged.
 */
#include <errno.h>
#include <kernel/core/panic.h>
#include <lib/err.h>
#include <mm/slab/slab.h>
#include "memcg_impl.h"

struct mem_cgroup *root_mem_cgroup;

static struct kmem_cache *memcg_cache;

/* -- Coming and going --------------------------------------------------------- */

static struct cgroup_subsys_state *
memcg_css_alloc(struct cgroup_subsys_state *parent_css)
{
	struct mem_cgroup *parent = parent_css ? mem_cgroup_from_css(parent_css)
					       : NULL;
	struct mem_cgroup *memcg = kmem_cache_zalloc(memcg_cache, GFP_KERNEL);

	if (!memcg)
		return ERR_PTR(-ENOMEM);
	if (memcg_stat_alloc(memcg)) {
		kmem_cache_free(memcg_cache, memcg);
		return ERR_PTR(-ENOMEM);
	}
	page_counter_init(&memcg->memory, parent ? &parent->memory : NULL);
	memcg_high_init(memcg);
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
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);

	memcg_drop_shields(memcg);
	objcg_offline(memcg);
}

static void memcg_css_free(struct cgroup_subsys_state *css)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);

	memcg_stat_free(memcg);
	kmem_cache_free(memcg_cache, memcg);
}

/* -- Tasks -------------------------------------------------------------------- */

static void memcg_attach(struct task *t, struct cgroup_subsys_state *from,
			 struct cgroup_subsys_state *to)
{
	memcg_set_home(t, mem_cgroup_from_css(to));
}

static void memcg_exit(struct task *t, struct cgroup_subsys_state *css)
{
	memcg_set_home(t, root_mem_cgroup);
}

/* -- Questions ---------------------------------------------------------------- */

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

/* -- Boot --------------------------------------------------------------------- */

struct cgroup_subsys memory_cgrp_subsys = {
	.name = "memory",
	.css_alloc = memcg_css_alloc,
	.css_online = memcg_css_online,
	.css_offline = memcg_css_offline,
	.css_free = memcg_css_free,
	.css_rstat_flush = memcg_css_rstat_flush,
	.attach = memcg_attach,
	.exit = memcg_exit,
	.files = memcg_files,
};

void memcg_init(void)
{
	memcg_stat_init();
	memcg_cache = kmem_cache_create(
		"mem_cgroup",
		sizeof(struct mem_cgroup) +
			memcg_nr_counts * sizeof(struct memcg_sum),
		0, SLAB_PANIC, NULL);
	objcg_init();
	BUG_ON(cgroup_register(&memory_cgrp_subsys));
}
