/* SPDX-License-Identifier: MIT */
/*
 * stat.c - what a group's memory is used for, to the byte.
 *
 * Problem.    Every allocation changes a count in its group and in all above,
 *             and hardly anybody ever reads one.
 * Idea.       Each CPU counts for itself, in the group that pays; only there.
 *             Who reads has the changes of every CPU carried up the tree, and
 *             finds sums of the group and all below it.  What a CPU has counted
 *             only ever goes on; beside it the flusher remembers how much of it
 *             is in the sums, so neither waits for the other.
 * Stocks.     The commonest allocations do not even count: what a stock's fast
 *             path handed out can be told from the slot.  A read has it folded
 *             into the counts first, by the CPU that owns it.
 * Nodes.      A kind of memory for which nodes matter has a count for each node
 *             but the first, whose share is what the others leave.
 * Offline.    A group that goes offline needs nothing moved: its parent's sums
 *             hold its share already, and what it leaves behind is counted in
 *             the parent from then on.  What is the parent's own is its sum
 *             less those of its children that are online.
 * Negative.   Memory allocated on one CPU and freed on another is +1 here and
 *             -1 there.  A flush between the two looks may see only the second;
 *             the next one makes up for it.  Readers show no less than 0.
 * Rejected.   Counting in every ancestor: as many cache lines as levels.  One
 *             signed batch per CPU, added up when it is large: off by batch
 *             times CPUs, and nobody could audit it.
 *
 * Locks: the flush mutex of kernel/cgroup.
 */
#include <boot/acpi.h>
#include <errno.h>
#include <lib/math.h>
#include <mm/percpu/percpu.h>
#include "memcg_impl.h"

/* One node has no counts of its own. */
unsigned int memcg_nr_counts = MEMCG_NODE_COUNTS;

static int nr_nodes = 1;

void memcg_stat_init(void)
{
	nr_nodes = max(acpi_info.nr_nodes, 1u);
	memcg_nr_counts += (nr_nodes - 1) * MEMCG_NR_NODE_KINDS;
}

int memcg_stat_alloc(struct mem_cgroup *memcg)
{
	memcg->counts = __alloc_percpu(
		memcg_nr_counts * sizeof(struct memcg_count), sizeof(long));
	return memcg->counts ? 0 : -ENOMEM;
}

void memcg_stat_free(struct mem_cgroup *memcg)
{
	free_percpu(memcg->counts);
}

/* -- Up the tree ------------------------------------------------------------- */

void memcg_css_rstat_flush(struct cgroup_subsys_state *css, unsigned int cpu)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);
	struct mem_cgroup *parent = parent_mem_cgroup(memcg);
	struct memcg_count *counts = per_cpu_ptr(memcg->counts, cpu);

	for (unsigned int i = 0; i < memcg_nr_counts; i++) {
		struct memcg_sum *sum = &memcg->sums[i];
		long now = READ_ONCE(counts[i].now);
		long delta = now - counts[i].flushed + sum->from_below;

		counts[i].flushed = now;
		sum->from_below = 0;
		if (!delta)
			continue;
		WRITE_ONCE(sum->all, sum->all + delta);
		if (parent)
			parent->sums[i].from_below += delta;
	}
}

void mem_cgroup_flush_stats(struct mem_cgroup *memcg)
{
	mem_cgroup_fold_stocks(memcg);
	cgroup_rstat_flush(&memcg->css);
}

/* -- Reading ----------------------------------------------------------------- */

static u64 read_sum(const struct mem_cgroup *memcg, unsigned int i)
{
	long sum = READ_ONCE(memcg->sums[i].all);

	return sum > 0 ? sum : 0;
}

u64 mem_cgroup_state(struct mem_cgroup *memcg, enum memcg_kind kind)
{
	return read_sum(memcg, kind);
}

u64 mem_cgroup_node_state(struct mem_cgroup *memcg, enum memcg_kind kind,
			  int nid)
{
	long sum = READ_ONCE(memcg->sums[kind].all);

	if (nid)
		return read_sum(memcg, memcg_node_count(kind, nid));
	while (++nid < nr_nodes)
		sum -= READ_ONCE(memcg->sums[memcg_node_count(kind, nid)].all);
	return sum > 0 ? sum : 0;
}

u64 mem_cgroup_vm_events(struct mem_cgroup *memcg, enum memcg_vm_event event)
{
	return read_sum(memcg, MEMCG_NR_KINDS + event);
}

long mem_cgroup_local_state(struct mem_cgroup *memcg, enum memcg_kind kind)
{
	long sum = READ_ONCE(memcg->sums[kind].all);
	struct cgroup_subsys_state *child;

	rcu_read_lock();
	css_for_each_child(child, &memcg->css)
		if (css_is_online(child))
			sum -= READ_ONCE(
				mem_cgroup_from_css(child)->sums[kind].all);
	rcu_read_unlock();
	return sum;
}

/* -- As text ------------------------------------------------------------------ */

const char *memcg_kind_name(enum memcg_kind kind)
{
	static const char *const names[MEMCG_NR_KINDS] = {
		[MEMCG_SLAB_UNRECLAIMABLE] = "slab_unreclaimable",
		[MEMCG_SLAB_RECLAIMABLE] = "slab_reclaimable",
		[MEMCG_ANON] = "anon",
		[MEMCG_FILE] = "file",
		[MEMCG_SOCK] = "sock",
		[MEMCG_PAGES] = "pages",
		[MEMCG_KERNEL_STACK] = "kernel_stack",
		[MEMCG_PERCPU] = "percpu",
		[MEMCG_VMALLOC] = "vmalloc",
	};

	return kind < MEMCG_NR_KINDS ? names[kind] : "unknown";
}

/* Kernel memory is all that tasks do not see. */
static u64 kernel_state(struct mem_cgroup *memcg)
{
	u64 sum = 0;

	for (enum memcg_kind kind = 0; kind < MEMCG_NR_KINDS; kind++)
		if (kind != MEMCG_ANON && kind != MEMCG_FILE &&
		    kind != MEMCG_SOCK)
			sum += mem_cgroup_state(memcg, kind);
	return sum;
}

static void show(struct seq_text *out, const char *name, u64 value)
{
	seq_printf(out, "%s %llu\n", name, value);
}

void memcg_stat_show(struct seq_text *out, struct mem_cgroup *memcg)
{
	u64 reclaimable = mem_cgroup_state(memcg, MEMCG_SLAB_RECLAIMABLE);
	u64 unreclaimable = mem_cgroup_state(memcg, MEMCG_SLAB_UNRECLAIMABLE);

	show(out, "anon", mem_cgroup_state(memcg, MEMCG_ANON));
	show(out, "file", mem_cgroup_state(memcg, MEMCG_FILE));
	show(out, "kernel", kernel_state(memcg));
	show(out, "kernel_stack", mem_cgroup_state(memcg, MEMCG_KERNEL_STACK));
	show(out, "percpu", mem_cgroup_state(memcg, MEMCG_PERCPU));
	show(out, "sock", mem_cgroup_state(memcg, MEMCG_SOCK));
	show(out, "vmalloc", mem_cgroup_state(memcg, MEMCG_VMALLOC));
	show(out, "slab_reclaimable", reclaimable);
	show(out, "slab_unreclaimable", unreclaimable);
	show(out, "slab", reclaimable + unreclaimable);
	show(out, "pgfault", mem_cgroup_vm_events(memcg, MEMCG_PGFAULT));
	show(out, "pgmajfault", mem_cgroup_vm_events(memcg, MEMCG_PGMAJFAULT));
}

static void show_nodes(struct seq_text *out, const char *name,
		       struct mem_cgroup *memcg, enum memcg_kind kind)
{
	seq_puts(out, name);
	for (int nid = 0; nid < nr_nodes; nid++)
		seq_printf(out, " N%d=%llu", nid,
			   mem_cgroup_node_state(memcg, kind, nid));
	seq_putc(out, '\n');
}

void memcg_numa_stat_show(struct seq_text *out, struct mem_cgroup *memcg)
{
	show_nodes(out, "anon", memcg, MEMCG_ANON);
	show_nodes(out, "file", memcg, MEMCG_FILE);
	show_nodes(out, "kernel_stack", memcg, MEMCG_KERNEL_STACK);
	show_nodes(out, "slab_reclaimable", memcg, MEMCG_SLAB_RECLAIMABLE);
	show_nodes(out, "slab_unreclaimable", memcg, MEMCG_SLAB_UNRECLAIMABLE);
}

/* -- Page faults -------------------------------------------------------------- */

void __accounting_count_fault(bool major)
{
	struct obj_cgroup *objcg;
	struct memcg_count __percpu *counts;

	preempt_disable();
	objcg = obj_cgroup_find(accounting_owner());
	if (objcg) {
		struct mem_cgroup *memcg = obj_cgroup_memcg(objcg);

		counts = memcg->counts + MEMCG_NR_KINDS;
		this_cpu_inc(counts[MEMCG_PGFAULT].now);
		if (major)
			this_cpu_inc(counts[MEMCG_PGMAJFAULT].now);
		cgroup_rstat_updated(&memcg->css);
	}
	preempt_enable();
}
