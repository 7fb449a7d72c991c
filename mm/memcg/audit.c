/* SPDX-License-Identifier: MIT */
/*
 * audit.c - add up again what every group owes, and compare.
 *
 * Problem.    Counters, stocks, leftovers, owners and statistics are changed by
 *             all CPUs, in all contexts, without a common lock.  One byte lost
 *             somewhere is lost for good, and nothing else would tell.
 * Idea.       Everything charged has an owner that can be found by walking: a
 *             page's and a slab's word, a per-CPU or vmalloc area's number.  So
 *             the sum of what is found, by owner, is what each group owes; its
 *             counter and statistics must say the same.
 * Exact.      Whoever moves bytes from one book to another has preemption off
 *             from the first to the second.  A stopped CPU has it on
 *             (stop_machine.c).  Hence, while the world stands, each byte is
 *             in exactly one book, whatever goes on around it.
 * Memory.     None is allocated meanwhile.  The tables are made before, and cannot
 *             be too small: under cgroup_mutex groups neither appear nor go
 *             offline, and obj_cgroups only vanish.
 * Statistics. Are flushed while the world stands.  What stocks have handed out and
 *             not yet counted is added here, slot by slot.
 * Time.       One look at each struct page, and at each entry of each slab that
 *             has owners.
 * Rejected.   Locking everything instead of stopping: it would need a lock on the
 *             fast paths.  Comparing only at rest: books that are right only when
 *             nobody uses them are not worth much.
 *
 * Locks: cgroup_mutex, the flush mutex; then the world.
 */
#define pr_fmt(fmt) "audit: " fmt
#include <arch/cpumask.h>
#include <boot/acpi.h>
#include <errno.h>
#include <kernel/core/clock.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/stop_machine.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <mm/memcg/audit.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/percpu/percpu_owner.h>
#include <mm/slab/owner.h>
#include <mm/virt/vmalloc_owner.h>
#include "memcg_impl.h"

/* What is known of an obj_cgroup, by its id. */
struct audit_owner {
	struct audit_group
		*group; /* who pays; NULL: there is none of this id */
	u32 kept;	/* by so many whose heir it is, and tasks */
	long bytes;	/* owned, stocked and left over */
};

static unsigned int nr_nodes(void)
{
	return max(acpi_info.nr_nodes, 1u);
}

/* --- the tables ---------------------------------------------------------------- */

struct audit_group *audit_group(const struct audit *a, unsigned int i)
{
	return (struct audit_group *)(a->groups + i * a->group_size);
}

/* A node's part of detail[]: owned[] of those kinds that have nodes, and what was
 * handed out. */
#define NODE_DETAIL (MEMCG_NR_NODE_KINDS + 1)

static long *node_detail(struct audit_group *g, int nid)
{
	return g->detail + nr_cpu_ids + nid * NODE_DETAIL;
}

long audit_group_stocked_on(const struct audit_group *g, unsigned int cpu)
{
	return g->detail[cpu];
}

long audit_group_sum(const struct audit_group *g)
{
	long sum = g->stocked + g->left_over;

	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++)
		sum += g->owned[kind];
	return sum;
}

static struct audit_group *group_of(const struct audit *a,
				    const struct mem_cgroup *memcg)
{
	return audit_group(a, a->group_of_css[memcg->css.id]);
}

/* A group that is online has an obj_cgroup. */
static bool is_online(const struct cgroup_subsys_state *css)
{
	return ((const struct mem_cgroup *)css)->objcg;
}

static struct cgroup_subsys_state *root_css(void)
{
	return mem_cgroup_css(root_mem_cgroup);
}

static void measure(struct audit *a, int *max_css)
{
	struct cgroup_subsys_state *css;
	u32 id;

	*max_css = 0;
	css_for_each_descendant_pre(css, root_css()) {
		if (!is_online(css))
			continue;
		a->nr_groups++;
		*max_css = max(*max_css, css->id);
	}
	rcu_read_lock();
	for (id = 1; obj_cgroup_next(&id); id++)
		a->max_owner = id;
	rcu_read_unlock();
	a->group_size = sizeof(struct audit_group) +
			(nr_cpu_ids + nr_nodes() * NODE_DETAIL) * sizeof(long);
}

static void list_groups(struct audit *a)
{
	struct cgroup_subsys_state *css;
	unsigned int i = 0;

	css_for_each_descendant_pre(css, root_css()) {
		struct audit_group *g = audit_group(a, i);

		if (!is_online(css))
			continue;
		css_get(css);
		g->memcg = mem_cgroup_from_css(css);
		if (css->parent) {
			g->parent = group_of(a, parent_mem_cgroup(g->memcg));
			g->level = g->parent->level + 1;
		}
		a->group_of_css[css->id] = i++;
	}
}

/* Under cgroup_mutex. */
static bool make_tables(struct audit *a)
{
	int max_css;

	measure(a, &max_css);
	a->groups = kvzalloc(a->nr_groups * a->group_size, GFP_KERNEL);
	a->owners =
		kvzalloc((a->max_owner + 1ul) * sizeof(*a->owners), GFP_KERNEL);
	a->group_of_css = kvzalloc((max_css + 1ul) * sizeof(*a->group_of_css),
				   GFP_KERNEL);
	if (!a->groups || !a->owners || !a->group_of_css) {
		a->nr_groups = 0;
		return false;
	}
	list_groups(a);
	return true;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < a->nr_groups; i++)
		css_put(mem_cgroup_css(audit_group(a, i)->memcg));
	kvfree(a->groups);
	kvfree(a->owners);
	kvfree(a->group_of_css);
	kfree(a);
}

/* --- with the world stopped: findings ---------------------------------------- */

static void find(struct audit *a, struct audit_finding finding)
{
	if (a->nr_findings < AUDIT_MAX_FINDINGS)
		a->findings[a->nr_findings] = finding;
	a->nr_findings++;
}

/* --- what belongs to whom -------------------------------------------------------- */

/* Something of @bytes with an owner; @where says what, in case there is no such
 * owner. */
static void owned(struct audit *a, u32 id, long bytes, enum memcg_kind kind,
		  int nid, struct audit_finding where)
{
	struct audit_owner *owner = &a->owners[min(id, a->max_owner)];

	if (id > a->max_owner || !owner->group) {
		where.rule = AUDIT_OWNER;
		where.owner = id;
		where.kind = kind;
		where.found = bytes;
		find(a, where);
		return;
	}
	owner->bytes += bytes;
	owner->group->owned[kind] += bytes;
	if (kind < MEMCG_NR_NODE_KINDS)
		node_detail(owner->group, nid)[kind] += bytes;
}

static void object_owned(const struct slab_owned *what, void *audit)
{
	struct audit *a = audit;

	a->nr_objects++;
	owned(a, what->owner, what->bytes, what->kind, what->nid,
	      (struct audit_finding){.object = what->object,
				     .cache = what->cache});
}

static void percpu_owned(const struct percpu_owned *what, void *audit)
{
	struct audit *a = audit;

	a->nr_areas++;
	owned(a, what->owner, what->bytes, what->kind, what->nid,
	      (struct audit_finding){.object = what->area});
}

static void vmalloc_owned(const struct vmalloc_owned *what, void *audit)
{
	struct audit *a = audit;

	a->nr_areas++;
	owned(a, what->owner, what->bytes, what->kind, what->nid,
	      (struct audit_finding){.object = what->va});
}

/* The id of the obj_cgroup that a page points to, or ~0 if it is none: the pointer
 * may be anything. */
static u32 page_owner_id(const struct page *page)
{
	unsigned long addr = (unsigned long)page_objcg(page);
	const struct obj_cgroup *objcg = (void *)addr;

	if (addr - DIRECT_MAP_BASE >= DIRECT_MAP_SIZE ||
	    !pfn_valid(PFN_DOWN(addr - DIRECT_MAP_BASE)) ||
	    obj_cgroup_find(objcg->id) != objcg)
		return ~0u;
	return objcg->id;
}

static bool is_free(const struct page *page)
{
	return page_type(page) <= PAGE_PCP;
}

static void walk_block(struct page *head, unsigned int order, void *audit)
{
	struct audit *a = audit;

	for (unsigned long i = 1; i < 1ul << order; i++)
		if (unlikely(head[i].memcg_data))
			find(a, (struct audit_finding){
					.rule = is_free(head) ? AUDIT_FREE
							      : AUDIT_PLACE,
					.page = &head[i]});
	if (likely(!head->memcg_data) || PageSlab(head))
		return;
	a->nr_blocks++;
	if (is_free(head))
		find(a,
		     (struct audit_finding){.rule = AUDIT_FREE, .page = head});
	owned(a, page_owner_id(head), PAGE_SIZE << order,
	      min_t(unsigned int, page_memcg_kind(head), MEMCG_NR_KINDS - 1),
	      page_to_nid(head), (struct audit_finding){.page = head});
}

/* --- what is charged and not in use ------------------------------------------- */

static void walk_slot(struct audit *a, unsigned int cpu,
		      const struct stock_slot *slot)
{
	struct audit_finding wrong = {.rule = AUDIT_SLOT,
				      .owner = slot->owner,
				      .cpu = cpu,
				      .found = slot->bytes};
	long handed_out = (s32)(slot->base - slot->bytes);
	struct obj_cgroup *objcg;
	struct audit_group *g;

	if (!slot->owner) {
		if (slot->bytes || slot->objcg)
			find(a, wrong);
		return;
	}
	objcg = obj_cgroup_find(slot->owner);
	if (!objcg || objcg != slot->objcg || objcg->heir ||
	    slot->bytes > STOCK_MAX)
		find(a, wrong);
	if (!objcg)
		return;
	g = a->owners[objcg->id].group;
	a->owners[objcg->id].bytes += slot->bytes;
	g->stocked += slot->bytes;
	g->detail[cpu] += slot->bytes;
	g->handed_out += handed_out;
	node_detail(g, cpu_to_mem(cpu))[MEMCG_NR_NODE_KINDS] += handed_out;
}

static void walk_stocks(struct audit *a)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		for (unsigned int i = 0; i < STOCK_SLOTS; i++)
			walk_slot(a, cpu, per_cpu_ptr(&stock[i], cpu));
}

static void walk_owners(struct audit *a)
{
	struct obj_cgroup *objcg;

	for (u32 id = 1; (objcg = obj_cgroup_next(&id)); id++) {
		struct audit_group *g = group_of(a, obj_cgroup_memcg(objcg));
		long left_over = atomic_long_read(&objcg->leftover);

		a->nr_owners++;
		a->owners[id].group = g;
		a->owners[id].bytes += left_over;
		g->left_over += left_over;
		if (objcg->heir)
			a->owners[objcg->heir->id].kept++;
		if (left_over < 0 || left_over >= (long)PAGE_SIZE)
			find(a, (struct audit_finding){.rule = AUDIT_LEFTOVER,
						       .group = g,
						       .owner = id,
						       .found = left_over});
	}
}

/* Tasks keep whom they have chosen to charge for a while. */
static void walk_tasks(struct audit *a)
{
	for (struct task *t = task_next(NULL); t; t = task_next(t))
		if (t->active_objcg)
			a->owners[t->active_objcg->id].kept++;
}

/* --- comparing -------------------------------------------------------------------- */

/* An owner's references: one while its group is online, one for each page, and
 * those of who keeps it. */
static void check_owners(struct audit *a)
{
	struct obj_cgroup *objcg;

	for (u32 id = 1; (objcg = obj_cgroup_next(&id)); id++) {
		struct audit_owner *owner = &a->owners[id];
		struct audit_finding wrong = {.group = owner->group,
					      .owner = id};

		wrong.rule = AUDIT_WHOLE_PAGES;
		wrong.found = owner->bytes;
		if (owner->bytes % (long)PAGE_SIZE)
			find(a, wrong);
		wrong.rule = AUDIT_REFERENCES;
		wrong.found = percpu_ref_sum(&objcg->refs);
		wrong.expected = owner->bytes / (long)PAGE_SIZE + !objcg->heir +
				 owner->kept;
		if (wrong.found != wrong.expected)
			find(a, wrong);
	}
}

/* Of a group and all below, without those of its children that are online. */
static long own_count(const struct audit_group *g, unsigned int i)
{
	struct cgroup_subsys_state *child, *css = mem_cgroup_css(g->memcg);
	long count = g->memcg->sums[i].all;

	css_for_each_child(child, css)
		if (is_online(child))
			count -= mem_cgroup_from_css(child)->sums[i].all;
	return count;
}

static long own_pages(const struct audit_group *g)
{
	struct cgroup_subsys_state *child, *css = mem_cgroup_css(g->memcg);
	long pages = page_counter_read(&g->memcg->memory);

	css_for_each_child(child, css)
		if (is_online(child))
			pages -= page_counter_read(
				&mem_cgroup_from_css(child)->memory);
	return pages;
}

static void compare_stat(struct audit *a, struct audit_group *g,
			 enum memcg_kind kind)
{
	long expected = own_count(g, kind);

	if (kind == MEMCG_SLAB_UNRECLAIMABLE)
		expected += g->handed_out;
	if (g->owned[kind] != expected)
		find(a, (struct audit_finding){.rule = AUDIT_STAT,
					       .group = g,
					       .kind = kind,
					       .expected = expected,
					       .found = g->owned[kind]});
}

/* The first node has what the others leave. */
static void compare_node_stat(struct audit *a, struct audit_group *g,
			      enum memcg_kind kind, int nid)
{
	long expected = own_count(g, memcg_node_count(kind, nid));
	const long *detail = node_detail(g, nid);

	if (kind == MEMCG_SLAB_UNRECLAIMABLE)
		expected += detail[MEMCG_NR_NODE_KINDS];
	if (detail[kind] != expected)
		find(a, (struct audit_finding){.rule = AUDIT_NODE_STAT,
					       .group = g,
					       .kind = kind,
					       .nid = nid,
					       .expected = expected,
					       .found = detail[kind]});
}

static void compare_group(struct audit *a, struct audit_group *g)
{
	long sum = audit_group_sum(g);

	g->counter = own_pages(g) * (long)PAGE_SIZE;
	if (sum != g->counter)
		find(a, (struct audit_finding){.rule = AUDIT_COUNTER,
					       .group = g,
					       .expected = g->counter,
					       .found = sum});
	for (unsigned int kind = 0; kind < MEMCG_NR_KINDS; kind++)
		compare_stat(a, g, kind);
	for (unsigned int kind = 0; kind < MEMCG_NR_NODE_KINDS; kind++)
		for (unsigned int nid = 1; nid < nr_nodes(); nid++)
			compare_node_stat(a, g, kind, nid);
}

/* --- the audit -------------------------------------------------------------------- */

static int look(void *audit)
{
	struct audit *a = audit;
	u64 start = ktime_get_ns();

	walk_owners(a);
	page_walk_blocks(walk_block, a);
	slab_walk_owners(object_owned, a);
	percpu_walk_owners(percpu_owned, a);
	vmalloc_walk_owners(vmalloc_owned, a);
	walk_stocks(a);
	walk_tasks(a);
	cgroup_rstat_flush_stopped(root_css());
	check_owners(a);
	for (unsigned int i = 0; i < a->nr_groups; i++)
		compare_group(a, audit_group(a, i));
	a->stopped_ns = ktime_get_ns() - start;
	return 0;
}

struct audit *audit_take(void)
{
	struct audit *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	mutex_lock(&cgroup_mutex);
	if (!make_tables(a)) {
		mutex_unlock(&cgroup_mutex);
		audit_free(a);
		return NULL;
	}
	cgroup_rstat_lock();
	stop_machine(look, a);
	cgroup_rstat_unlock();
	mutex_unlock(&cgroup_mutex);
	return a;
}

static void report(const struct audit_finding *f)
{
	struct seq_text text = SEQ_TEXT_INIT;

	if (!report_note(REPORT_ACCOUNTING))
		return;
	audit_print_finding(&text, f);
	pr_err("%s\n", seq_text_string(&text));
	seq_text_free(&text);
}

/* Of obj_cgroups made until an audit found nothing wrong. */
static unsigned long audited;

long audit(void)
{
	unsigned long made = obj_cgroup_nr_made();
	bool gone = !obj_cgroup_nr_live();
	struct audit *a = audit_take();
	long nr;

	if (!a)
		return -ENOMEM;
	nr = a->nr_findings;
	for (long i = 0; i < min(nr, (long)AUDIT_MAX_FINDINGS); i++)
		report(&a->findings[i]);
	/* The ones that are not described count all the same. */
	for (long i = AUDIT_MAX_FINDINGS; i < nr; i++)
		report_note(REPORT_ACCOUNTING);
	audit_free(a);
	if (gone && !nr)
		WRITE_ONCE(audited, made);
	return nr;
}

bool audit_is_pointless(void)
{
	return READ_ONCE(audited) == obj_cgroup_nr_made();
}
