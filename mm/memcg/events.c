/* SPDX-License-Identifier: MIT */
/*
 * events.c - what happens to a group, counted, and who waits for it woken.
 *
 * An event belongs to one group and shows in memory.events of all above it too;
 * memory.events.local shows those of the group alone.
 *
 * Rate.       Who waits for a file is woken only while he sleeps, and sleeps only
 *             after he has read it: so a storm of events costs one wakeup for
 *             each time that somebody looks, and no timer is needed to thin it.
 */
#include <errno.h>
#include <kernel/core/clock.h>
#include "memcg_impl.h"

void memcg_event(struct mem_cgroup *memcg, enum memcg_event event)
{
	atomic_long_inc(&memcg->events_local[event]);
	cgroup_file_notify(&memcg->css, MEMCG_EVENTS_LOCAL_FILE);
	/* The root has no such file. */
	for (; memcg && memcg != root_mem_cgroup;
	     memcg = parent_mem_cgroup(memcg)) {
		atomic_long_inc(&memcg->events[event]);
		cgroup_file_notify(&memcg->css, MEMCG_EVENTS_FILE);
	}
}

long mem_cgroup_events(struct mem_cgroup *memcg, enum memcg_event event)
{
	return atomic_long_read(&memcg->events[event]);
}

int mem_cgroup_wait_event(struct mem_cgroup *memcg, enum memcg_event event,
			  long seen, s64 timeout_ns)
{
	static const struct cftype type = {.event = MEMCG_EVENTS_FILE};
	struct cgroup_file file = {.css = &memcg->css, .type = &type};
	u64 deadline = ktime_get_ns() + timeout_ns;
	int err;

	for (;;) {
		s64 left = deadline - ktime_get_ns();

		/* Before the count is read: what changes later is news. */
		file.seen_event = atomic_read_acquire(
			&memcg->css.events[MEMCG_EVENTS_FILE - 1]);
		if (mem_cgroup_events(memcg, event) != seen)
			return 0;
		if (css_is_dying(&memcg->css))
			return -ENODEV;
		if (left <= 0)
			return -ETIMEDOUT;
		err = cgroup_file_wait(&file, left);
		if (err == -EINTR)
			return err;
	}
}
