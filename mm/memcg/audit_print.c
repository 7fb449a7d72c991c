/* SPDX-License-Identifier: MIT */
/* audit_print.c - what an audit saw, for people: findings, ledgers, a verdict. */
#include <arch/cpumask.h>
#include <kernel/core/clock.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/memcg/audit.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "memcg_impl.h"

/* Of a group's path, what a line shows. */
#define PATH_CHARS 40

static const char *plural(unsigned long nr)
{
	return nr == 1 ? "" : "s";
}

static const char *path_of(const struct audit_group *g, char path[PATH_CHARS])
{
	return cgroup_path(mem_cgroup_css(g->memcg)->cgroup, path, PATH_CHARS);
}

/* --- findings ------------------------------------------------------------------ */

static void print_place(struct seq_text *out, const struct audit_finding *f)
{
	if (f->page)
		seq_printf(out, "page %#lx (%s, order %u)",
			   page_to_pfn(f->page),
			   page_type_name(page_type(f->page)),
			   compound_order(f->page));
	else if (f->cache)
		seq_printf(out, "object %p of %s", f->object,
			   kmem_cache_name(f->cache));
	else
		seq_printf(out, "area %p", f->object);
}

static void print_unequal(struct seq_text *out, const struct audit_finding *f,
			  const char *book)
{
	seq_printf(out, "%s %ld bytes, found %ld: %+ld", book, f->expected,
		   f->found, f->found - f->expected);
}

void audit_print_finding(struct seq_text *out, const struct audit_finding *f)
{
	char path[PATH_CHARS];

	if (f->group)
		seq_printf(out, "%s: ", path_of(f->group, path));
	switch (f->rule) {
	case AUDIT_COUNTER:
		print_unequal(out, f, "counter");
		break;
	case AUDIT_STAT:
		seq_printf(out, "%s: ", memcg_kind_name(f->kind));
		print_unequal(out, f, "memory.stat");
		break;
	case AUDIT_NODE_STAT:
		seq_printf(out, "%s on node %d: ", memcg_kind_name(f->kind),
			   f->nid);
		print_unequal(out, f, "memory.numa_stat");
		break;
	case AUDIT_OWNER:
		print_place(out, f);
		seq_printf(out, ", %ld bytes of %s: ", f->found,
			   memcg_kind_name(f->kind));
		if (f->owner == ~0u)
			seq_puts(out, "owned by what is no owner");
		else
			seq_printf(out, "there is no owner %u", f->owner);
		break;
	case AUDIT_FREE:
		print_place(out, f);
		seq_puts(out, " is free, and has an owner");
		break;
	case AUDIT_PLACE:
		print_place(out, f);
		seq_puts(out, " is within a block, and has an owner");
		break;
	case AUDIT_SLOT:
		seq_printf(out,
			   "stock of CPU %u: slot of owner %u is wrong, "
			   "%ld bytes",
			   f->cpu, f->owner, f->found);
		break;
	case AUDIT_LEFTOVER:
		seq_printf(out, "owner %u has %ld bytes left over", f->owner,
			   f->found);
		break;
	case AUDIT_WHOLE_PAGES:
		seq_printf(out, "owner %u has %ld bytes: not whole pages",
			   f->owner, f->found);
		break;
	case AUDIT_REFERENCES:
		seq_printf(out, "owner %u has %ld references instead of %ld",
			   f->owner, f->found, f->expected);
		break;
	}
}

/* --- ledgers --------------------------------------------------------------------- */

static void line(struct seq_text *out, const char *name, long bytes)
{
	seq_printf(out, "  %-28s %16ld\n", name, bytes);
}

static void rule_off(struct seq_text *out)
{
	seq_printf(out, "  %-28s %16s\n", "", "----------------");
}

/* Stocks of CPUs that have none of it are left out. */
static void print_stocks(struct seq_text *out, const struct audit_group *g)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		long bytes = audit_group_stocked_on(g, cpu);

		if (bytes)
			seq_printf(out, "  stocked on CPU %-13u %16ld\n", cpu,
				   bytes);
	}
	if (!g->stocked)
		line(out, "stocked", 0);
}

void audit_print_ledger(struct seq_text *out, const struct audit_group *g)
{
	static const struct {
		enum memcg_kind kind;
		const char *name;
	} lines[MEMCG_NR_KINDS] = {
		{MEMCG_ANON, "anonymous"},
		{MEMCG_FILE, "file"},
		{MEMCG_SOCK, "sockets"},
		{MEMCG_SLAB_UNRECLAIMABLE, "slab objects"},
		{MEMCG_SLAB_RECLAIMABLE, "slab objects, reclaimable"},
		{MEMCG_PAGES, "pages"},
		{MEMCG_KERNEL_STACK, "stacks"},
		{MEMCG_PERCPU, "per-CPU"},
		{MEMCG_VMALLOC, "vmalloc"},
	};
	char path[PATH_CHARS];
	long sum = audit_group_sum(g);

	seq_printf(out, "%-30s %16s\n", path_of(g, path), "bytes");
	for (unsigned int i = 0; i < MEMCG_NR_KINDS; i++)
		line(out, lines[i].name, g->owned[lines[i].kind]);
	print_stocks(out, g);
	line(out, "left over", g->left_over);
	rule_off(out);
	line(out, "sum", sum);
	line(out, "counter", g->counter);
	line(out, "difference", g->counter - sum);
}

/* --- a table ----------------------------------------------------------------------- */

static long kernel_bytes(const struct audit_group *g)
{
	return audit_group_sum(g) - g->stocked - g->left_over -
	       g->owned[MEMCG_ANON] - g->owned[MEMCG_FILE];
}

static void print_row(struct seq_text *out, const struct audit_group *g)
{
	const struct cgroup *cgrp = mem_cgroup_css(g->memcg)->cgroup;
	char name[24];

	scnprintf(name, 20, "%*s%s", 2 * min(g->level, 6u), "",
		  g->level ? cgrp->name : "/");
	seq_printf(out, "%-18s%11ld%10ld%10ld%9ld%5ld%11ld%6ld\n", name,
		   g->owned[MEMCG_ANON], g->owned[MEMCG_FILE], kernel_bytes(g),
		   g->stocked, g->left_over, g->counter,
		   g->counter - audit_group_sum(g));
}

void audit_print_table(struct seq_text *out, const struct audit *a,
		       const struct cgroup *top)
{
	seq_printf(out, "%-18s%11s%10s%10s%9s%5s%11s%6s\n", "group, in bytes",
		   "anon", "file", "kernel", "stocked", "left", "counter",
		   "diff.");
	for (unsigned int i = 0; i < a->nr_groups; i++) {
		const struct audit_group *g = audit_group(a, i);

		if (cgroup_is_descendant(mem_cgroup_css(g->memcg)->cgroup, top))
			print_row(out, g);
	}
}

void audit_print_verdict(struct seq_text *out, const struct audit *a)
{
	for (unsigned long i = 0;
	     i < min(a->nr_findings, (unsigned long)AUDIT_MAX_FINDINGS); i++) {
		audit_print_finding(out, &a->findings[i]);
		seq_putc(out, '\n');
	}
	seq_printf(out,
		   "%u group%s; %lu object%s, %lu block%s of pages and %lu "
		   "area%s have an owner\n",
		   a->nr_groups, plural(a->nr_groups), a->nr_objects,
		   plural(a->nr_objects), a->nr_blocks, plural(a->nr_blocks),
		   a->nr_areas, plural(a->nr_areas));
	if (a->nr_findings)
		seq_printf(out, "The books do not balance: %lu difference%s",
			   a->nr_findings, plural(a->nr_findings));
	else
		seq_puts(out, "The books balance, to the byte");
	seq_printf(out, " (the world stood still for %llu us)\n",
		   a->stopped_ns / NSEC_PER_USEC);
}
