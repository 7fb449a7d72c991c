/* SPDX-License-Identifier: MIT */
/*
 * task_area.c - the memory of tasks, a few of them kept for the next.
 *
 * A vmalloc area costs page tables on the way in and a flush of every TLB on the
 * way out; tasks come and go faster than that.  So freed areas go to a short
 * list first.  It is one list for all CPUs: making a task takes longer than
 * its lock.
 *
 * The group of who makes a task pays for the area as long as the task is there;
 * for those in the list nobody does.
 */
#include <boot/numa.h>
#include <kernel/core/spinlock.h>
#include <lib/math.h>
#include <mm/virt/vmalloc_owner.h>
#include "task_impl.h"

#define MAX_CACHED 32

static DEFINE_SPINLOCK(cache_lock);

/* Under cache_lock. */
static struct llist_node *cached;
static unsigned int nr_cached;

#define AREA_OFFSET (TASK_AREA_SIZE - ALIGN(sizeof(struct task_area), 64ul))

void *task_area_start(struct task_area *area)
{
	return (void *)area - AREA_OFFSET;
}

static struct task_area *cache_pop(void)
{
	struct task_area *area = NULL;
	unsigned long flags;

	spin_lock_irqsave(&cache_lock, flags);
	if (cached) {
		area = container_of(cached, struct task_area, cached);
		cached = cached->next;
		nr_cached--;
	}
	spin_unlock_irqrestore(&cache_lock, flags);
	return area;
}

static bool cache_push(struct task_area *area)
{
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&cache_lock, flags);
	room = nr_cached < MAX_CACHED;
	if (room) {
		area->cached.next = cached;
		cached = &area->cached;
		nr_cached++;
	}
	spin_unlock_irqrestore(&cache_lock, flags);
	return room;
}

static void put_area(struct task_area *area)
{
	if (!cache_push(area))
		vfree(task_area_start(area));
}

static struct task_area *get_area(void)
{
	struct task_area *area = cache_pop();
	void *start;

	if (area)
		return area;
	start = __vmalloc_node(TASK_AREA_SIZE, PAGE_SIZE, GFP_KERNEL,
			       NUMA_NO_NODE, VM_STACK);
	return start ? start + AREA_OFFSET : NULL;
}

struct task_area *task_area_alloc(bool charged)
{
	struct task_area *area = get_area();

	if (area && charged &&
	    vmalloc_charge(task_area_start(area), GFP_KERNEL_ACCOUNT)) {
		put_area(area);
		return NULL;
	}
	return area;
}

void task_area_free(struct task_area *area)
{
	vmalloc_uncharge(task_area_start(area));
	put_area(area);
}

void task_drain_cache(void)
{
	struct task_area *area;

	while ((area = cache_pop()))
		vfree(task_area_start(area));
}
