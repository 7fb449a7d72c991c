/* SPDX-License-Identifier: MIT */
/* cmd_tasks.c - ps and top: who there is, and who uses the CPUs. */
#include <arch/cpumask.h>
#include <drivers/tty.h>
#include <errno.h>
#include <kernel/cgroup/cgroup.h>
#include <kernel/core/clock.h>
#include <kernel/task/task.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <mm/page/zone.h>
#include <mm/slab/slab.h>
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

#define TOP_SHOWN 200u /* tasks */
#define TOP_CPUS  16   /* shown one by one */

/* A look at one task or CPU, and what has changed since the one before. */
struct top_task {
	int pid;
	u64 start_time;	   /* tells it from another with its pid */
	u64 at, total;	   /* ns: when, and its CPU time then */
	u64 used, elapsed; /* ns, since the last look */
	char name[16];
	const char *state;
	unsigned int cpu;
};

struct top_cpu {
	u64 at, idle;	      /* ns */
	u64 elapsed, idle_ns; /* since */
};

struct top {
	u64 time;		/* ns */
	struct top_task *tasks; /* by pid */
	unsigned int nr, room;
	struct top_cpu cpus[NR_CPUS];
};

/* One top at a time. */
static struct top tops[2];

/* What a task that is new did, it did since the last look. */
static void top_compare_task(struct top_task *now, u64 last_look,
			     const struct top_task *before)
{
	if (before && before->start_time == now->start_time) {
		now->used = now->total - before->total;
		now->elapsed = now->at - before->at;
	} else {
		now->used = now->total;
		now->elapsed = now->at - last_look;
	}
}

/* The one with @pid; both looks are in the order of pids, so *@from, which is
 * where to look on, only goes up. */
static const struct top_task *top_find(const struct top *top, int pid,
				       unsigned int *from)
{
	while (*from < top->nr && top->tasks[*from].pid < pid)
		++*from;
	return *from < top->nr && top->tasks[*from].pid == pid
		       ? &top->tasks[*from]
		       : NULL;
}

static void top_look_at_cpus(struct top *now, const struct top *before)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct top_cpu *c = &now->cpus[cpu];
		struct sched_cpu_stats st;

		sched_cpu_stats(cpu, &st);
		c->at = st.at;
		c->idle = st.idle_ns;
		c->elapsed = c->at - before->cpus[cpu].at;
		c->idle_ns = c->idle - before->cpus[cpu].idle;
	}
}

/* Room for those there are and a few that may come.  False: no memory. */
static bool top_make_room(struct top *top)
{
	unsigned int nr = task_nr_live() + 64;

	if (nr <= top->room)
		return true;
	kvfree(top->tasks);
	top->tasks = kvmalloc(nr * sizeof(*top->tasks), GFP_KERNEL);
	top->room = top->tasks ? nr : 0;
	return top->tasks;
}

static bool top_look(struct top *now, const struct top *before)
{
	unsigned int from = 0;

	now->time = ktime_get_ns();
	now->nr = 0;
	if (!top_make_room(now))
		return false;
	top_look_at_cpus(now, before);
	for (struct task *t = task_next(NULL); t; t = task_next(t)) {
		struct top_task *task = &now->tasks[now->nr];

		if (now->nr == now->room) {
			put_task(t);
			break;
		}
		now->nr++;
		*task = (struct top_task){
			.pid = t->pid,
			.start_time = t->start_time,
			.total = task_cpu_time(t),
			.at = ktime_get_ns(),
			.state = state_name(t),
			.cpu = task_cpu(t),
		};
		copy_name(task->name, t);
		top_compare_task(task, before->time,
				 top_find(before, task->pid, &from));
	}
	return true;
}

/* Tenths of a percent. */
static unsigned int share(u64 part, u64 whole)
{
	return whole ? min(part * 1000 / whole, (u64)1000) : 0;
}

static unsigned int busy_share(const struct top *top, unsigned int cpu)
{
	return 1000 - share(top->cpus[cpu].idle_ns, top->cpus[cpu].elapsed);
}

/* A line, cut to the terminal's width: two would push the first ones out. */
static __printf(1, 2) void print_line(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, min(sizeof(text), (size_t)tty_columns()), fmt, ap);
	va_end(ap);
	sh_printf("%s\n", text);
}

#define CPU_WIDTH 34

static void print_cpu(const struct top *top, unsigned int cpu)
{
	unsigned int busy = busy_share(top, cpu);
	char bar[21];

	for (unsigned int i = 0; i < 20; i++)
		bar[i] = i * 50 + 25 <= busy ? '#' : '.';
	bar[20] = '\0';
	sh_printf("cpu%-3u [%s] %3u.%u%%", cpu, bar, busy / 10, busy % 10);
}

/* How many lines that takes. */
static unsigned int print_cpus(const struct top *top)
{
	unsigned int in_line = tty_columns() > 2 * CPU_WIDTH + 3 ? 2 : 1;
	unsigned int cpu, nr = 0, sum = 0;

	for_each_online_cpu(cpu) {
		sum += busy_share(top, cpu);
		if (num_online_cpus() > TOP_CPUS)
			continue;
		print_cpu(top, cpu);
		sh_printf(++nr % in_line ? "   " : "\n");
	}
	if (nr % in_line)
		sh_printf("\n");
	if (!nr)
		print_line("%u CPUs, of which %u.%u busy", num_online_cpus(),
			   sum / 1000, sum / 100 % 10);
	return max(DIV_ROUND_UP(nr, in_line), 1u);
}

static unsigned int task_share(const struct top_task *t)
{
	return share(t->used, t->elapsed);
}

/* The busiest, most used first, and at most @max of them; how many. */
static unsigned int top_choose(const struct top *top,
			       const struct top_task **chosen, unsigned int max)
{
	unsigned int nr = 0;

	for (const struct top_task *t = top->tasks; t < top->tasks + top->nr;
	     t++) {
		unsigned int at = nr;

		if (nr == max) {
			if (!nr || task_share(chosen[nr - 1]) >= task_share(t))
				continue;
			at--;
		} else {
			nr++;
		}
		for (; at && task_share(chosen[at - 1]) < task_share(t); at--)
			chosen[at] = chosen[at - 1];
		chosen[at] = t;
	}
	return nr;
}

static void top_print(const struct top *top)
{
	static const struct top_task *chosen[TOP_SHOWN];
	char up[SH_UNIT_CHARS], used[SH_UNIT_CHARS], total[SH_UNIT_CHARS];
	unsigned int lines = 4, rows = tty_rows(), nr;
	struct page_info pages;

	page_get_info(&pages);
	if (!tty_plain)
		sh_printf("\033[H\033[J");
	print_line("up %s, %u tasks, memory %s of %s in use%s",
		   sh_time(up, top->time), top->nr,
		   sh_size(used, pages.in_use * PAGE_SIZE),
		   sh_size(total, pages.total * PAGE_SIZE),
		   tty_plain ? "" : "; q quits");
	lines += print_cpus(top);
	sh_printf("\n");
	print_line("  PID   CPU %%  STATE   CPU    CPU TIME  NAME");
	nr = top_choose(top, chosen,
			rows > lines ? min(rows - lines, TOP_SHOWN) : 0);
	for (unsigned int i = 0; i < nr; i++) {
		const struct top_task *t = chosen[i];
		unsigned int used_share = task_share(t);
		char time[SH_UNIT_CHARS];

		print_line("%5d  %4u.%u  %-6s  %3u  %10s  %s", t->pid,
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

static int top_show(u64 interval)
{
	int which = 0;

	if (!top_look(&tops[0], &tops[1]))
		return -ENOMEM;
	if (tty_sleep(NSEC_PER_SEC / 4))
		return 0;
	do {
		which ^= 1;
		if (!top_look(&tops[which], &tops[which ^ 1]))
			return -ENOMEM;
		top_print(&tops[which]);
		/* A program at the line wants one look. */
	} while (!tty_plain && !top_wait(interval));
	return 0;
}

static int top_run(u64 interval)
{
	int err;

	memset(tops, 0, sizeof(tops));
	err = top_show(interval);
	for (int i = 0; i < 2; i++)
		kvfree(tops[i].tasks);
	if (err)
		sh_error("top: no memory to list %ld tasks\n", task_nr_live());
	return err != 0;
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
