/* SPDX-License-Identifier: MIT */
/*
 * pcp.c - each CPU keeps a few free blocks of the common orders for itself.
 *
 * Problem.    The zone's lock and its lists are shared by all CPUs, and a
 *             split and a merge for each page would cost more than the page.
 * Idea.       For each CPU, zone and order (0 to 3, and 9 for 2 MiB) two
 *             stacks: `hot`, which allocations and frees pop and push, and
 *             `spare`, which is full or empty.  When hot runs out, spare takes
 *             its place; when hot is full, it becomes the spare and the old
 *             spare goes back to the zone.  So however allocations and frees
 *             alternate, `batch` operations lie between two visits to the
 *             zone, and what goes back is what has been cold longest.  (After
 *             the magazines of Bonwick and Adams, USENIX 2001.)
 * Singly linked, because a doubly linked pop writes to the page behind the one
 *             taken, and its cache line is the only one we do not have.
 * Context.    Tasks with interrupts on, softirqs and interrupts all come here,
 *             and turning interrupts off would cost more than the pop.  So the
 *             lock is only ever tried.  Whoever finds it taken (an interrupt
 *             that hit its own CPU inside, or during a remote drain) goes to
 *             the zone instead, whose lock is held with interrupts off and
 *             only briefly.  Nobody spins on a pcp lock in a context that could
 *             have interrupted its holder: nobody spins on it at all but
 *             drain_all_pages(), a task's.
 * Low memory. What lies here is free, but counts as taken from the zone; when
 *             no zone has a block above its watermark all lists are drained.
 * Rejected.   IPIs to drain: they wake idle CPUs, and a CPU with interrupts
 *             off would hold up whoever is short of memory.
 */
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <kernel/core/preempt.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include "page_impl.h"

/* At most this much of a zone is kept on all CPUs' lists together. */
#define PCP_ZONE_FRACTION 8
#define PCP_MAX_BATCH	  64

DEFINE_PER_CPU_ALIGNED(struct pcp[MAX_ZONES], zone_pcps);
DEFINE_PER_CPU(struct pcp *[2], local_pcps);

/* Of a node without such memory: always empty.  All is slow there, so that
 * __GFP_THISNODE holds. */
static struct pcp no_pcp;

struct pcp *node_pcp(int nid, enum zone_type type)
{
	struct zone *zone = zonelists[nid][type].zones[0];

	return zone && zone->nid == nid ? zone_pcp(zone) : &no_pcp;
}

static void put_chain(struct zone *zone, struct page *page, unsigned int order)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	while (page) {
		struct page *next = page->pcp_next;

		if (likely(page->state == PAGE_STATE(PAGE_PCP, order, 0)))
			buddy_put(zone, page, order);
		else
			page_report_free_corruption(page, order);
		page = next;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

bool pcp_make_room(struct pcp *pcp, unsigned int index)
{
	struct pcp_list *list = &pcp->lists[index];

	if (!list->batch)
		return false;
	if (list->spare) {
		put_chain(pcp->zone, list->spare, pcp_order(index));
		pcp->flushes++;
	}
	list->spare = list->hot;
	list->hot = NULL;
	list->nr_hot = 0;
	return true;
}

/* Single pages come fastest as the pieces of one larger block. */
static void refill_singles(struct zone *zone, struct pcp_list *list,
			   unsigned int want)
{
	while (want) {
		unsigned int order;
		struct page *page = buddy_take_any(zone, fls(want) - 1, &order);

		if (!page)
			break;
		/* Backwards, so that they come out in ascending order. */
		for (int i = (1 << order) - 1; i >= 0; i--) {
			page[i].state = PAGE_STATE(PAGE_PCP, 0, 0);
			page[i].pcp_next = list->hot;
			list->hot = &page[i];
		}
		list->nr_hot += 1u << order;
		want -= 1u << order;
	}
}

static void refill_blocks(struct zone *zone, struct pcp_list *list,
			  unsigned int order, unsigned int want)
{
	while (want--) {
		struct page *page = buddy_take(zone, order);

		if (!page)
			break;
		page->state = PAGE_STATE(PAGE_PCP, order, 0);
		page->pcp_next = list->hot;
		list->hot = page;
		list->nr_hot++;
	}
}

bool pcp_refill(struct pcp *pcp, unsigned int index, unsigned long floor)
{
	struct pcp_list *list = &pcp->lists[index];
	unsigned int order = pcp_order(index);
	struct zone *zone = pcp->zone;
	unsigned long flags, want;

	if (list->spare) {
		list->hot = list->spare;
		list->nr_hot = list->batch;
		list->spare = NULL;
		return true;
	}
	if (!list->batch || !zone_has(zone, order, floor))
		return false;

	spin_lock_irqsave(&zone->lock, flags);
	if (zone->free > floor) {
		want = min((zone->free - floor) >> order,
			   (unsigned long)list->batch);
		if (!order)
			refill_singles(zone, list, want);
		else
			refill_blocks(zone, list, order, want);
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	pcp->refills++;
	return list->hot;
}

/* --- Draining ------------------------------------------------------------- */

static void drain_locked(struct pcp *pcp)
{
	assert_held(&pcp->lock);
	for (int i = 0; i < NR_PCP_LISTS; i++) {
		struct pcp_list *list = &pcp->lists[i];

		if (list->hot)
			put_chain(pcp->zone, list->hot, pcp_order(i));
		if (list->spare)
			put_chain(pcp->zone, list->spare, pcp_order(i));
		list->hot = NULL;
		list->spare = NULL;
		list->nr_hot = 0;
	}
}

bool pcp_try_drain(struct zone *zone, unsigned int cpu)
{
	struct pcp *pcp = per_cpu_ptr(&zone_pcps[zone->id], cpu);

	if (!spin_trylock(&pcp->lock))
		return false;
	drain_locked(pcp);
	spin_unlock(&pcp->lock);
	return true;
}

void pcp_try_drain_all(void)
{
	struct zone *zone;
	unsigned int cpu;

	for_each_zone(zone)
		for_each_possible_cpu(cpu)
			pcp_try_drain(zone, cpu);
}

void drain_local_pages(void)
{
	struct zone *zone;

	for_each_zone(zone)
		pcp_try_drain(zone, smp_processor_id());
}

void drain_all_pages(void)
{
	struct zone *zone;
	unsigned int cpu;

	assert_can_sleep();
	for_each_zone(zone)
		for_each_possible_cpu(cpu)
			while (!pcp_try_drain(zone, cpu))
				cpu_relax();
}

unsigned long zone_pcp_pages(const struct zone *zone)
{
	unsigned long pages = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct pcp *pcp = per_cpu_ptr(&zone_pcps[zone->id], cpu);

		for (int i = 0; i < NR_PCP_LISTS; i++)
			pages += (unsigned long)pcp_list_blocks(&pcp->lists[i])
				 << pcp_order(i);
	}
	return pages;
}

/* --- Starting ------------------------------------------------------------- */

/*
 * Two stacks of `batch` blocks for each order.  Half of a CPU's share is for
 * the large order, the other half divided by the small ones.  Where even two
 * blocks would be more than its part, the order is not kept.
 */
static unsigned int list_batch(unsigned int index, unsigned long share)
{
	unsigned int order = pcp_order(index);
	unsigned long part = order == PCP_HUGE_ORDER
				     ? share / 2
				     : share / 2 / (PCP_MAX_SMALL_ORDER + 1);

	return min((part / 2) >> order, (unsigned long)PCP_MAX_BATCH >> index);
}

static void pcp_init_one(struct pcp *pcp, struct zone *zone,
			 unsigned long share)
{
	spin_lock_init(&pcp->lock);
	pcp->zone = zone;
	for (int i = 0; i < NR_PCP_LISTS; i++)
		pcp->lists[i].batch = list_batch(i, share);
}

static struct pcp *first_pcp(int nid, enum zone_type type, unsigned int cpu)
{
	struct zone *zone = zonelists[nid][type].zones[0];

	return zone && zone->nid == nid ? per_cpu_ptr(&zone_pcps[zone->id], cpu)
					: &no_pcp;
}

void pcp_init(void)
{
	struct zone *zone;
	unsigned int cpu;

	spin_lock_init(&no_pcp.lock);
	for_each_possible_cpu(cpu) {
		int nid = cpu_to_node(cpu);
		struct pcp **local = per_cpu(local_pcps, cpu);

		for_each_zone(zone)
			pcp_init_one(per_cpu_ptr(&zone_pcps[zone->id], cpu),
				     zone,
				     zone->managed / PCP_ZONE_FRACTION /
					     num_possible_cpus());
		local[0] = first_pcp(nid, ZONE_NORMAL, cpu);
		local[__GFP_DMA32] = first_pcp(nid, ZONE_DMA32, cpu);
	}
}
