/* SPDX-License-Identifier: MIT */
/*
 * oom_report.c - what the log says when memory has run out.
 *
 * One line always: which group, who ends.  The group's memory and its tasks, the
 * biggest first, only if that has not been told within the last second: in a
 * group that runs into its limit all the time the log must not be what everybody
 * waits for.
 *
 * Context: oom_mutex held.
 */
#include <kernel/core/clock.h>
#include <kernel/core/printk.h>
#include <lib/math.h>
#include <mm/page/zone.h>
#include <string.h>
#include "oom_impl.h"

#define REPORT_NS  NSEC_PER_SEC
#define NOBODY_NS  (10 * NSEC_PER_SEC)
#define MAX_SHOWN  12
#define PATH_CHARS 128

static unsigned long kib(unsigned long pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/* The root has no counter that anybody charges: the machine's own figures. */
static unsigned long used_pages(struct mem_cgroup *memcg)
{
	struct page_info info;

	if (memcg != root_mem_cgroup)
		return mem_cgroup_usage(memcg);
	page_get_info(&info);
	return info.in_use;
}

static const char *path_of(struct mem_cgroup *memcg, char path[PATH_CHARS])
{
	return cgroup_path(mem_cgroup_css(memcg)->cgroup, path, PATH_CHARS);
}

/* Has it been so long since *@last?  Then it is now. */
static bool is_time(u64 *last, u64 ns)
{
	u64 now = ktime_get_ns();

	if (*last && now - *last < ns)
		return false;
	*last = now;
	return true;
}

static void report_memory(struct mem_cgroup *memcg)
{
	mem_cgroup_flush_stats(memcg);
	for (int kind = 0; kind < MEMCG_NR_KINDS; kind++) {
		u64 bytes = mem_cgroup_state(memcg, kind);

		if (bytes)
			pr_warn("    %-20s %8llu KiB\n", memcg_kind_name(kind),
				bytes / 1024);
	}
}

/* -- The table of tasks ------------------------------------------------------------- */

struct row {
	int pid, adj;
	unsigned long pages;
	long points;
	char comm[16];
};

struct table {
	unsigned long limit;
	unsigned int nr;
	struct row row[MAX_SHOWN]; /* most points first */
};

static void table_add(struct task *t, void *arg)
{
	struct table *table = arg;
	long points = oom_points(t, table->limit);
	unsigned int at;

	if (t->is_kernel_code)
		return; /* never chosen, and has no memory to speak of */
	if (table->nr == MAX_SHOWN &&
	    points <= table->row[MAX_SHOWN - 1].points)
		return;
	if (table->nr < MAX_SHOWN)
		table->nr++;
	for (at = table->nr - 1; at && table->row[at - 1].points < points; at--)
		table->row[at] = table->row[at - 1];
	table->row[at] = (struct row){
		.pid = t->pid,
		.adj = READ_ONCE(t->oom_score_adj),
		.pages = oom_task_pages(t),
		.points = points,
	};
	memcpy(table->row[at].comm, t->comm, sizeof(table->row[at].comm) - 1);
}

/* Tasks come and go meanwhile: it is a picture, not a proof. */
static void report_tasks(const struct oom_choice *choice)
{
	struct table table = {.limit = choice->limit};

	oom_for_each_task(choice->memcg, table_add, &table);
	pr_warn("      pid       KiB    adj  name\n");
	for (unsigned int i = 0; i < table.nr; i++) {
		const struct row *r = &table.row[i];
		bool chosen = choice->task && choice->task->pid == r->pid;

		pr_warn("    %5d  %8lu  %5d  %s%s\n", r->pid, kib(r->pages),
			r->adj, r->comm, chosen ? "  <- ends" : "");
	}
	if (choice->nr_tasks > table.nr)
		pr_warn("    and %lu more\n", choice->nr_tasks - table.nr);
}

/* -- The report ----------------------------------------------------------------------- */

static void report_fully(const struct oom_choice *choice)
{
	static u64 last; /* oom_mutex */

	if (!is_time(&last, REPORT_NS))
		return;
	report_memory(choice->memcg);
	report_tasks(choice);
}

void oom_report(const struct oom_choice *choice)
{
	static u64 last_nobody; /* oom_mutex */
	struct mem_cgroup *memcg = choice->memcg;
	char path[PATH_CHARS];

	if (!choice->task) {
		if (!is_time(&last_nobody, NOBODY_NS))
			return;
		pr_warn("out of memory in %s: %s (pid %d) is refused 2^%u "
			"pages, for of %lu tasks none can be killed; %lu of "
			"%lu KiB are in use\n",
			path_of(memcg, path), current->comm, current->pid,
			choice->order, choice->nr_tasks, kib(used_pages(memcg)),
			kib(choice->limit));
	} else {
		pr_warn("out of memory in %s: %lu of %lu KiB in use, %s (pid "
			"%d) wants 2^%u pages: %s (pid %d) ends\n",
			path_of(memcg, path), kib(used_pages(memcg)),
			kib(choice->limit), current->comm, current->pid,
			choice->order, choice->task->comm, choice->task->pid);
	}
	report_fully(choice);
}

void oom_report_group(struct mem_cgroup *group)
{
	char path[PATH_CHARS];

	pr_warn("out of memory: all of %s ends (memory.oom.group)\n",
		path_of(group, path));
}
