/* SPDX-License-Identifier: MIT */
/*
 * files.c - memory.*: how groups are seen and set by whoever looks after them.
 *
 * Names, contents and meanings are those of cgroup v2.  A size is a number of
 * bytes, with K, M, G and so on behind it or not, or "max"; it is rounded down to
 * pages.  Anything else is -EINVAL, and nothing has changed.
 *
 * Below usage. A limit holds from the moment it is written: nobody gets more.
 *             Then the writer brings down what is in use already: memory.high
 *             by reclaiming, memory.max by killing too, until it fits or nothing
 *             is left to kill.  A killed writer leaves it at that; so does one
 *             whose limit was overtaken by another's.
 *
 * Locks: limits_mutex for what page_counter wants one writer for; not while
 * memory is reclaimed.
 */
#include <errno.h>
#include <kernel/core/mutex.h>
#include <lib/math.h>
#include <lib/parse.h>
#include <mm/slab/slab.h>
#include <string.h>
#include "memcg_impl.h"

static DEFINE_MUTEX(limits_mutex);

/* -- Sizes ------------------------------------------------------------------- */

static int parse_pages(const char *text, unsigned long *pages)
{
	u64 bytes;

	if (kstrtosize(text, &bytes))
		return -EINVAL;
	*pages = min_t(u64, bytes / PAGE_SIZE, PAGE_COUNTER_MAX);
	return 0;
}

static int parse_limit(const char *text, unsigned long *pages)
{
	if (strcmp(text, "max"))
		return parse_pages(text, pages);
	*pages = PAGE_COUNTER_MAX;
	return 0;
}

static int show_pages(struct seq_text *out, unsigned long pages)
{
	seq_printf(out, "%lu\n", pages * PAGE_SIZE);
	return 0;
}

static int show_limit(struct seq_text *out, unsigned long pages)
{
	if (pages < PAGE_COUNTER_MAX)
		return show_pages(out, pages);
	seq_puts(out, "max\n");
	return 0;
}

static struct page_counter *counter_of(struct cgroup_subsys_state *css)
{
	return &mem_cgroup_from_css(css)->memory;
}

/* -- memory.current, memory.peak --------------------------------------------- */

static int current_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_pages(out, page_counter_read(counter_of(css)));
}

/* Since the group was made, or since this opening was last written to. */
static int peak_show(struct seq_text *out, struct cgroup_file *file)
{
	struct page_counter *counter = counter_of(file->css);

	return show_pages(out, file->private ? page_counter_watch_read(
						       counter, file->private)
					     : page_counter_peak(counter));
}

static int peak_write(struct cgroup_subsys_state *css, char *text,
		      struct cgroup_file *file)
{
	struct page_counter_watch *watch = file->private;

	if (!*text)
		return -EINVAL;
	if (watch) {
		page_counter_watch_reset(counter_of(css), watch);
		return 0;
	}
	watch = kmalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return -ENOMEM;
	page_counter_watch_begin(counter_of(css), watch);
	file->private = watch;
	return 0;
}

static void peak_release(struct cgroup_file *file)
{
	if (file->private)
		page_counter_watch_end(file->private);
	kfree(file->private);
}

/* -- memory.min, memory.low --------------------------------------------------- */

static int write_shield(struct cgroup_subsys_state *css, const char *text,
			void (*set)(struct page_counter *c,
				    unsigned long pages))
{
	unsigned long pages;
	int err = parse_limit(text, &pages);

	if (err)
		return err;
	mutex_lock(&limits_mutex);
	/* A group that has gone offline claims nothing of its parent again. */
	if (css_is_dying(css))
		err = -ENODEV;
	else
		set(counter_of(css), pages);
	mutex_unlock(&limits_mutex);
	return err;
}

void memcg_drop_shields(struct mem_cgroup *memcg)
{
	mutex_lock(&limits_mutex);
	page_counter_set_min(&memcg->memory, 0);
	page_counter_set_low(&memcg->memory, 0);
	mutex_unlock(&limits_mutex);
}

static int min_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_limit(out, READ_ONCE(counter_of(css)->min.wanted));
}

static int min_write(struct cgroup_subsys_state *css, char *text,
		     struct cgroup_file *file)
{
	return write_shield(css, text, page_counter_set_min);
}

static int low_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_limit(out, READ_ONCE(counter_of(css)->low.wanted));
}

static int low_write(struct cgroup_subsys_state *css, char *text,
		     struct cgroup_file *file)
{
	return write_shield(css, text, page_counter_set_low);
}

/* -- Bringing the usage down -------------------------------------------------- */

/* One step on the way to @target.  False: it is reached, or the task has to end,
 * or so many steps in a row have brought nothing. */
static bool reclaim_step(struct mem_cgroup *memcg, unsigned long target,
			 unsigned int *idle)
{
	unsigned long before = page_counter_read(&memcg->memory), now;

	if (before <= target || kill_pending())
		return false;
	/* What the CPUs have charged ahead costs nobody anything. */
	mem_cgroup_drain_stocks(memcg);
	now = page_counter_read(&memcg->memory);
	if (now <= target)
		return false;
	mem_cgroup_reclaim(memcg, now - target, GFP_KERNEL);
	mem_cgroup_drain_stocks(memcg);
	if (page_counter_read(&memcg->memory) < before)
		*idle = 0;
	else if (++*idle >= MAX_RECLAIM_RETRIES)
		return false;
	cond_resched();
	return true;
}

static void reclaim_down_to(struct mem_cgroup *memcg, unsigned long target)
{
	unsigned int idle = 0;

	while (reclaim_step(memcg, target, &idle))
		;
}

/* -- memory.high, memory.max -------------------------------------------------- */

static int high_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_limit(out, READ_ONCE(counter_of(css)->high));
}

static int high_write(struct cgroup_subsys_state *css, char *text,
		      struct cgroup_file *file)
{
	unsigned long high;
	int err = parse_limit(text, &high);

	if (err)
		return err;
	page_counter_set_high(counter_of(css), high);
	reclaim_down_to(mem_cgroup_from_css(css), high);
	return 0;
}

static int max_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_limit(out, READ_ONCE(counter_of(css)->max));
}

static int max_write(struct cgroup_subsys_state *css, char *text,
		     struct cgroup_file *file)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);
	unsigned long max;
	int err = parse_limit(text, &max);

	if (err)
		return err;
	page_counter_force_max(&memcg->memory, max);
	for (;;) {
		reclaim_down_to(memcg, max);
		if (page_counter_read(&memcg->memory) <= max ||
		    READ_ONCE(memcg->memory.max) != max || kill_pending())
			return 0;
		if (!mem_cgroup_out_of_memory(memcg, GFP_KERNEL, 0))
			return 0;
	}
}

/* -- memory.reclaim ------------------------------------------------------------ */

static int reclaim_write(struct cgroup_subsys_state *css, char *text,
			 struct cgroup_file *file)
{
	struct mem_cgroup *memcg = mem_cgroup_from_css(css);
	unsigned long pages, usage, target;
	int err = parse_pages(text, &pages);

	if (err)
		return err;
	/* What was charged ahead is not memory that was reclaimed. */
	mem_cgroup_drain_stocks(memcg);
	usage = page_counter_read(&memcg->memory);
	target = usage - min(usage, pages);
	reclaim_down_to(memcg, target);
	if (kill_pending())
		return -EINTR;
	return pages > usage || page_counter_read(&memcg->memory) > target
		       ? -EAGAIN
		       : 0;
}

/* -- memory.oom.group ---------------------------------------------------------- */

static int oom_group_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	seq_printf(out, "%d\n", READ_ONCE(mem_cgroup_from_css(css)->oom_group));
	return 0;
}

static int oom_group_write(struct cgroup_subsys_state *css, char *text,
			   struct cgroup_file *file)
{
	int value;

	if (kstrtoint(text, 0, &value) || (value != 0 && value != 1))
		return -EINVAL;
	WRITE_ONCE(mem_cgroup_from_css(css)->oom_group, value);
	return 0;
}

/* -- memory.events, memory.stat ------------------------------------------------ */

static int show_events(struct seq_text *out, const atomic_long_t *counts)
{
	static const char *const names[] = {
		[MEMCG_LOW] = "low",
		[MEMCG_HIGH] = "high",
		[MEMCG_MAX] = "max",
		[MEMCG_OOM] = "oom",
		[MEMCG_OOM_KILL] = "oom_kill",
		[MEMCG_OOM_GROUP_KILL] = "oom_group_kill",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		seq_printf(out, "%s %ld\n", names[i],
			   atomic_long_read(&counts[i]));
	return 0;
}

static int events_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	return show_events(out, mem_cgroup_from_css(css)->events);
}

static int events_local_show(struct seq_text *out,
			     struct cgroup_subsys_state *css)
{
	return show_events(out, mem_cgroup_from_css(css)->events_local);
}

static int stat_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	mem_cgroup_flush_stats(mem_cgroup_from_css(css));
	memcg_stat_show(out, mem_cgroup_from_css(css));
	return 0;
}

static int numa_stat_show(struct seq_text *out, struct cgroup_subsys_state *css)
{
	mem_cgroup_flush_stats(mem_cgroup_from_css(css));
	memcg_numa_stat_show(out, mem_cgroup_from_css(css));
	return 0;
}

const struct cftype memcg_files[] = {
	{
		.name = "memory.current",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = current_show,
	},
	{
		.name = "memory.peak",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show_file = peak_show,
		.write = peak_write,
		.release = peak_release,
	},
	{
		.name = "memory.min",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = min_show,
		.write = min_write,
	},
	{
		.name = "memory.low",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = low_show,
		.write = low_write,
	},
	{
		.name = "memory.high",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = high_show,
		.write = high_write,
	},
	{
		.name = "memory.max",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = max_show,
		.write = max_write,
	},
	{
		.name = "memory.events",
		.flags = CFTYPE_NOT_ON_ROOT,
		.event = MEMCG_EVENTS_FILE,
		.show = events_show,
	},
	{
		.name = "memory.events.local",
		.flags = CFTYPE_NOT_ON_ROOT,
		.event = MEMCG_EVENTS_LOCAL_FILE,
		.show = events_local_show,
	},
	{
		.name = "memory.stat",
		.show = stat_show,
	},
	{
		.name = "memory.numa_stat",
		.show = numa_stat_show,
	},
	{
		.name = "memory.oom.group",
		.flags = CFTYPE_NOT_ON_ROOT,
		.show = oom_group_show,
		.write = oom_group_write,
	},
	{
		.name = "memory.reclaim",
		.write = reclaim_write,
	},
	{.name = NULL},
};
