/* SPDX-License-Identifier: MIT */
/* cmd_tasks.c - ps and top: who there is, and who uses the CPUs. */
#include <arch/cpumask.h>
#include <drivers/tty.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/clock.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <mm/page/zone.h>
#include <string.h>
#include "shell_impl.h"

static const char *state_name(const struct task *t)
{
	unsigned int state = READ_ONCE(t->state);

	if (READ_ONCE(t->on_cpu))
		return "runs";
	if (state == TASK_RUNNING || state == TASK_WAKING)
		return "ready";
	if (state & TASK_DEAD)
		return "ends";
	if (state & TASK_NEW)
		return "new";
	return state & (TASK_WAKEKILL | TASK_INTERRUPTIBLE) ? "sleeps"
							    : "waits";
}

/* "-5", or "fifo 10". */
static const char *priority_name(const struct task *t, char buf[16])
{
	if (t->policy == SCHED_FIFO)
		format(buf, 16, "fifo %d", t->rt_prio);
	else if (t->policy == SCHED_RR)
		format(buf, 16, "rr %d", t->rt_prio);
	else
		format(buf, 16, "%d", t->nice);
	return buf;
}

/* A comm changes under our eyes. */
static void copy_name(char name[16], const struct task *t)
{
	memcpy(name, t->comm, 16);
	name[15] = '\0';
}

/* "  /a/b", or nothing for the root. */
static const char *group_name(const struct task *t, char *buf, size_t size)
{
	struct cgroup *cgrp;

	rcu_read_lock();
	cgrp = task_cgroup(t);
	strlcpy(buf, "  ", size);
	if (cgrp == &cgroup_root)
		buf[0] = '\0';
	else
		cgroup_path(cgrp, buf + 2, size - 2);
	rcu_read_unlock();
	return buf;
}

static int cmd_ps(int argc, char **argv)
{
	sh_printf("  PID  STATE   CPU  PRIORITY    CPU TIME   SWITCHES  NAME  "
		  "GROUP\n");
	for (struct task *t = task_next(NULL); t; t = task_next(t)) {
		char priority[16], time[SH_UNIT_CHARS], name[16], group[64];

		copy_name(name, t);
		sh_printf("%5d  %-6s  %3u  %-8s  %10s  %9llu  %s%s%s%s\n",
			  t->pid, state_name(t), task_cpu(t),
			  priority_name(t, priority),
			  sh_time(time, task_cpu_time(t)),
			  READ_ONCE(t->nr_switches),
			  t->flags & PF_KTHREAD ? "[" : "", name,
			  t->flags & PF_KTHREAD ? "]" : "",
			  group_name(t, group, sizeof(group)));
	}
	return 0;
}
COMMAND(ps, "", "the tasks; the kernel's own are in brackets", cmd_ps);

/* -- top --------------------------------------------------------------------- */

#define TOP_TASKS 200
#define TOP_CPUS  16 /* shown one by one */

/* What top saw last, and what has changed since. */
struct top_task {
	int pid;
	u64 total, used; /* ns */
	char name[16];
	const char *state;
	unsigned int cpu;
};

struct top {
	u64 time, elapsed; /* ns */
	struct top_task tasks[TOP_TASKS];
	unsigned int nr;
	u64 idle[NR_CPUS], idle_part[NR_CPUS];
};

/* One top at a time. */
static struct top tops[2];

static u64 total_before(const struct top *before, int pid)
{
	for (unsigned int i = 0; i < before->nr; i++) {
		if (before->tasks[i].pid == pid)
			return before->tasks[i].total;
	}
	return 0;
}

/* Most used first. */
static void top_insert(struct top *top, const struct top_task *task)
{
	unsigned int at;

	if (top->nr == TOP_TASKS)
		return;
	for (at = top->nr++; at && top->tasks[at - 1].used < task->used; at--)
		top->tasks[at] = top->tasks[at - 1];
	top->tasks[at] = *task;
}

static void top_look(struct top *now, const struct top *before)
{
	unsigned int cpu;

	now->nr = 0;
	now->time = ktime_get_ns();
	now->elapsed = now->time - before->time;
	for_each_online_cpu(cpu) {
		struct sched_cpu_stats st;

		sched_cpu_stats(cpu, &st);
		now->idle[cpu] = st.idle_ns;
		now->idle_part[cpu] = st.idle_ns - before->idle[cpu];
	}
	for (struct task *t = task_next(NULL); t; t = task_next(t)) {
		struct top_task task = {
			.pid = t->pid,
			.total = task_cpu_time(t),
			.state = state_name(t),
			.cpu = task_cpu(t),
		};

		copy_name(task.name, t);
		task.used = task.total - total_before(before, t->pid);
		top_insert(now, &task);
	}
}

/* Tenths of a percent. */
static unsigned int share(u64 part, u64 whole)
{
	return whole ? min(part * 1000 / whole, (u64)1000) : 0;
}

static unsigned int busy_share(const struct top *top, unsigned int cpu)
{
	return 1000 - share(top->idle_part[cpu], top->elapsed);
}

static void print_cpu(const struct top *top, unsigned int cpu)
{
	unsigned int busy = busy_share(top, cpu);
	char bar[21];

	for (unsigned int i = 0; i < 20; i++)
		bar[i] = i * 50 + 25 <= busy ? '#' : '.';
	bar[20] = '\0';
	sh_printf("cpu%-3u [%s] %3u.%u%%", cpu, bar, busy / 10, busy % 10);
}

static unsigned int print_cpus(const struct top *top)
{
	unsigned int cpu, nr = 0, sum = 0;

	for_each_online_cpu(cpu) {
		sum += busy_share(top, cpu);
		if (num_online_cpus() > TOP_CPUS)
			continue;
		print_cpu(top, cpu);
		sh_printf(nr++ % 2 ? "\n" : "   ");
	}
	if (nr % 2)
		sh_printf("\n");
	if (!nr)
		sh_printf("%u CPUs, of which %u.%u busy\n", num_online_cpus(),
			  sum / 1000, sum / 100 % 10);
	return max(DIV_ROUND_UP(nr, 2), 1u);
}

static void top_print(const struct top *top)
{
	char up[SH_UNIT_CHARS], used[SH_UNIT_CHARS], total[SH_UNIT_CHARS];
	unsigned int lines = 4, rows = tty_rows();
	struct page_info pages;

	page_get_info(&pages);
	if (!tty_plain)
		sh_printf("\033[H\033[J");
	sh_printf("up %s, %u tasks, memory %s of %s in use%s\n",
		  sh_time(up, top->time), top->nr,
		  sh_size(used, pages.in_use * PAGE_SIZE),
		  sh_size(total, pages.total * PAGE_SIZE),
		  tty_plain ? "" : "; q quits");
	lines += print_cpus(top);
	sh_printf("\n  PID   CPU %%  STATE   CPU    CPU TIME  NAME\n");
	for (unsigned int i = 0; i < top->nr && lines < rows; i++, lines++) {
		const struct top_task *t = &top->tasks[i];
		unsigned int used_share = share(t->used, top->elapsed);
		char time[SH_UNIT_CHARS];

		sh_printf("%5d  %4u.%u  %-6s  %3u  %10s  %s\n", t->pid,
			  used_share / 10, used_share % 10, t->state, t->cpu,
			  sh_time(time, t->total), t->name);
	}
}

/* Whether to end. */
static bool top_wait(u64 ns)
{
	u64 end = ktime_get_ns() + ns;

	while (!sh_interrupted() && ktime_get_ns() < end) {
		u8 key;

		if (tty_read_keys(&key, 1, end - ktime_get_ns()) > 0 &&
		    (key == 'q' || key == 'Q'))
			return true;
	}
	return sh_interrupted();
}

static int top_run(u64 interval)
{
	int which = 0;

	memset(tops, 0, sizeof(tops));
	top_look(&tops[0], &tops[1]);
	if (tty_sleep(NSEC_PER_SEC / 4))
		return 0;
	do {
		which ^= 1;
		top_look(&tops[which], &tops[which ^ 1]);
		top_print(&tops[which]);
		/* A program at the line wants one look. */
	} while (!tty_plain && !top_wait(interval));
	return 0;
}

static int cmd_top(int argc, char **argv)
{
	unsigned long seconds = 2;

	if (argc > 2)
		return sh_usage(argv[0]);
	if (argc == 2 && !sh_number(argv[0], argv[1], 1, 3600, &seconds))
		return SH_USAGE;
	if (!shell_is_current()) {
		sh_error("top: only in front\n");
		return 1;
	}
	return top_run(seconds * NSEC_PER_SEC);
}
COMMAND(top, "[SECONDS]", "who uses the CPUs, live; q quits", cmd_top);
