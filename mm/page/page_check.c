/* SPDX-License-Identifier: MIT */
/*
 * page_check.c - report what is wrong with a page, and look for more.
 *
 * Reports.    A bad free or a damaged free block is counted (REPORT_PAGE) and
 *             printed, and changes nothing: whatever the truth is, a page that
 *             is not given out again does no further harm.
 * Validator.  Because every frame is the head of a block or a tail in one, the
 *             zones can be walked block by block, and each frame is seen once.
 *             Blocks never cross a section, so sections are checked one by
 *             one, each under the zone's lock, and nobody waits long.
 * Sums.       The walk's sums are compared with the counters if no block moved
 *             meanwhile (zone->changes), and otherwise left uncompared: what a
 *             moving target misses, the next quiet run finds.
 * In flight.  States change in one store, or under the zone's lock if they are
 *             several pages'; so the walk may meet a used block without
 *             references, or a free one that is on no list yet, but no pieces.
 */
#define pr_fmt(fmt) "page: " fmt
#include <arch/cpumask.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <kernel/core/sched.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include "page_impl.h"

/* Of one run of the validator. */
#define MAX_PRINTED 8

static const char *const type_names[NR_PAGE_TYPES] = {
	[PAGE_TAIL] = "tail",	   [PAGE_RESERVED] = "reserved",
	[PAGE_FREE] = "free",	   [PAGE_PCP] = "free (per-CPU)",
	[PAGE_USED] = "used",	   [PAGE_SLAB] = "slab",
	[PAGE_PERCPU] = "per-CPU", [PAGE_VMALLOC] = "vmalloc",
	[PAGE_STACK] = "stack",	   [PAGE_TABLE] = "page table",
	[PAGE_ANON] = "anonymous", [PAGE_FILE] = "file",
};

const char *page_type_name(enum page_type type)
{
	return type < NR_PAGE_TYPES ? type_names[type] : "unknown";
}

struct page *page_block_head(struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	for (unsigned int o = 0; o <= MAX_PAGE_ORDER; o++) {
		struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1ul << o));

		if (page_type(head) == PAGE_TAIL)
			continue;
		if (pfn - page_to_pfn(head) < 1ul << head->order)
			return head;
		break;
	}
	return NULL;
}

/* Of what somebody took for a page: is it one's struct page? */
bool page_is_known(const struct page *page)
{
	unsigned long offset = (unsigned long)page - VMEMMAP_BASE;

	return offset < max_pfn * sizeof(*page) &&
	       IS_ALIGNED(offset, sizeof(*page)) &&
	       pfn_valid(page_to_pfn(page));
}

/* --- Reports -------------------------------------------------------------- */

void page_dump(const struct page *page, const char *why)
{
	unsigned long addrs[8];
	unsigned int n = page_owner(page, addrs, ARRAY_SIZE(addrs));

	pr_crit("%s: pfn %#lx, %s, order %u, refs %d, maps %u, flags %#lx\n",
		why, page_to_pfn(page), page_type_name(page->type), page->order,
		page_count(page), page->mapcount,
		page->flags & (BIT(NR_PAGE_FLAGS) - 1));
	for (unsigned int i = 0; i < n; i++)
		pr_crit("  %s %pS\n", i ? "from" : "allocated by",
			(void *)addrs[i]);
}

void page_report_stranger(const struct page *page, unsigned int order)
{
	if (!report_note(REPORT_PAGE))
		return;
	pr_crit("free of what is no page: %p, with order %u\n", page, order);
	backtrace_print();
}

void page_report_bad_free(struct page *page, unsigned int order, u64 state)
{
	const char *why;

	if (!page_is_known(page)) {
		page_report_stranger(page, order);
		return;
	}
	switch ((u8)state) {
	case PAGE_FREE:
	case PAGE_PCP:
		why = "double free";
		break;
	case PAGE_TAIL:
		why = "free of a page inside a block";
		break;
	case PAGE_RESERVED:
		why = "free of a page that was never allocated";
		break;
	case PAGE_USED:
	case PAGE_ANON:
	case PAGE_FILE:
		if ((u8)(state >> 8) != order)
			why = "free with the wrong order";
		else if ((int)(state >> 32) <= 0)
			why = "free of a page that is being freed";
		else if ((u16)(state >> 16))
			why = "free of a mapped page";
		else
			why = "free of a page that is in use (flags)";
		break;
	default:
		why = "free of a page that its owner still claims";
		break;
	}
	if (!report_note(REPORT_PAGE))
		return;
	page_dump(page, why);
	pr_crit("  freed with order %u\n", order);
	backtrace_print();
}

void page_report_free_corruption(struct page *page, unsigned int order)
{
	if (!report_note(REPORT_PAGE))
		return;
	page_dump(page, "free block changed while it was free");
	pr_crit("  was free with order %u; it is not used again\n", order);
}

/* --- The validator -------------------------------------------------------- */

struct check {
	struct zone *zone;
	unsigned long errors;

	/* Sums of the walk. */
	unsigned long free;
	unsigned long blocks[NR_PAGE_ORDERS];
};

static void bad(struct check *c, const struct page *page, const char *why)
{
	if (c->errors++ >= MAX_PRINTED || report_is_expected(REPORT_PAGE))
		return;
	if (page)
		page_dump(page, why);
	else
		pr_crit("node %d zone %u: %s\n", c->zone->nid, c->zone->type,
			why);
}

/* A compound block may be dissolved, and another made, while we look: the tails
 * say so only while the head does. */
static bool tail_is_lost(struct page *head, const struct page *tail)
{
	for (int looks = 0; looks < 3; looks++)
		if (!PageHead(head) ||
		    READ_ONCE(tail->compound_head) == ((unsigned long)head | 1))
			return false;
	return true;
}

static void check_tails(struct check *c, struct page *head)
{
	bool compound = PageHead(head);

	for (unsigned long i = 1; i < 1ul << head->order; i++) {
		if (head[i].state)
			bad(c, &head[i], "a tail is not blank");
		if (compound && tail_is_lost(head, &head[i]))
			bad(c, &head[i], "a compound tail has lost its head");
		if (page_zone_id(&head[i]) != c->zone->id)
			bad(c, &head[i], "a tail is in another zone");
	}
}

static void check_free(struct check *c, struct page *head)
{
	unsigned int order = head->order;
	struct page *buddy;

	if (head->state != PAGE_STATE(PAGE_FREE, order, 0))
		bad(c, head, "a free block is referenced");
	if (!(c->zone->orders & 1u << order))
		bad(c, head, "the zone does not know of blocks of this order");
	c->free += 1ul << order;
	c->blocks[order]++;
	if (order == MAX_PAGE_ORDER)
		return;
	buddy = pfn_to_page(page_to_pfn(head) ^ 1ul << order);
	if (buddy->state == head->state && page_zone_id(buddy) == c->zone->id)
		bad(c, head, "a block and its buddy are both free");
}

/* Returns how many pages the block has. */
static unsigned long check_block(struct check *c, struct page *head)
{
	unsigned int order = head->order;

	if (head->type == PAGE_TAIL || head->type >= NR_PAGE_TYPES) {
		bad(c, head, "a page belongs to no block");
		return 1;
	}
	if (order > MAX_PAGE_ORDER ||
	    !IS_ALIGNED(page_to_pfn(head), 1ul << order)) {
		bad(c, head, "a block's order is impossible");
		return 1;
	}
	if (page_count(head) < 0)
		bad(c, head, "a block has a negative count");

	switch (head->type) {
	case PAGE_FREE:
		check_free(c, head);
		break;
	case PAGE_PCP:
		if (head->state != PAGE_STATE(PAGE_PCP, order, 0) ||
		    pcp_index(order) == NR_PCP_LISTS)
			bad(c, head, "a block on a per-CPU list is not free");
		break;
	case PAGE_RESERVED:
		if (order)
			bad(c, head, "a reserved page is not alone");
		break;
	}
	check_tails(c, head);
	return 1ul << order;
}

static void check_section(struct check *c, unsigned long pfn)
{
	unsigned long end = pfn + PAGES_PER_SECTION, flags;

	spin_lock_irqsave(&c->zone->lock, flags);
	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);

		if (page_zone_id(page) == c->zone->id)
			pfn += check_block(c, page);
		else
			pfn++;
	}
	spin_unlock_irqrestore(&c->zone->lock, flags);
}

/* A pointer that may be damaged: is it a link of this list? */
static bool is_link(const struct list_head *link, const struct free_area *area)
{
	const struct page *page = list_entry(link, struct page, buddy_list);

	return link == &area->blocks ||
	       (page >= vmemmap && page < vmemmap + max_pfn &&
		pfn_valid(page_to_pfn(page)));
}

static void check_lists(struct check *c)
{
	struct zone *zone = c->zone;
	unsigned long flags, free = 0;

	spin_lock_irqsave(&zone->lock, flags);
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
		struct free_area *area = &zone->area[o];
		struct list_head *prev = &area->blocks, *link = prev->next;
		unsigned long nr = 0;

		for (; is_link(link, area) && link->prev == prev &&
		       link != &area->blocks && nr <= area->nr;
		     prev = link, link = link->next, nr++) {
			struct page *page =
				list_entry(link, struct page, buddy_list);

			if (page->state != PAGE_STATE(PAGE_FREE, o, 0) ||
			    page_zone_id(page) != zone->id)
				bad(c, page, "a page is on a wrong free list");
		}
		if (link != &area->blocks || link->prev != prev)
			bad(c, NULL, "a free list is broken");
		if (nr != area->nr)
			bad(c, NULL, "a free list has lost count");
		if (!!nr != !!(zone->orders & 1u << o))
			bad(c, NULL, "the map of orders is wrong");
		free += nr << o;
	}
	if (free != zone->free)
		bad(c, NULL, "the free lists and the free count differ");
	spin_unlock_irqrestore(&zone->lock, flags);
}

static unsigned int check_chain(struct check *c, struct page *page,
				unsigned int order, unsigned int most)
{
	unsigned int nr = 0;

	for (; page && nr <= most; page = page->pcp_next, nr++)
		if (page->state != PAGE_STATE(PAGE_PCP, order, 0) ||
		    page_zone_id(page) != c->zone->id) {
			bad(c, page, "a page is on a wrong per-CPU list");
			break;
		}
	return nr;
}

static void check_pcps(struct check *c)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct pcp *pcp = per_cpu_ptr(&zone_pcps[c->zone->id], cpu);

		while (!spin_trylock(&pcp->lock))
			cpu_relax();
		for (unsigned int i = 0; i < NR_PCP_LISTS; i++) {
			struct pcp_list *list = &pcp->lists[i];
			unsigned int order = pcp_order(i);

			if (check_chain(c, list->hot, order, list->nr_hot) !=
			    list->nr_hot)
				bad(c, NULL, "a per-CPU list has lost count");
			if (list->spare &&
			    check_chain(c, list->spare, order, list->batch) !=
				    list->batch)
				bad(c, NULL, "a spare list is not full");
		}
		spin_unlock(&pcp->lock);
	}
}

/* If nothing has moved since there were @changes. */
static void compare_sums(struct check *c, unsigned long changes)
{
	struct zone *zone = c->zone;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	if (zone->changes == changes) {
		if (c->free != zone->free)
			bad(c, NULL, "free pages and the free count differ");
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
			if (c->blocks[o] != zone->area[o].nr)
				bad(c, NULL,
				    "free blocks and their count differ");
	}
	spin_unlock_irqrestore(&zone->lock, flags);
}

static unsigned long check_zone(struct zone *zone)
{
	unsigned long changes = READ_ONCE(zone->changes);
	struct check c = {.zone = zone};

	check_lists(&c);
	check_pcps(&c);
	for (unsigned long pfn = ALIGN_DOWN(zone->start_pfn, PAGES_PER_SECTION);
	     pfn < zone->end_pfn; pfn += PAGES_PER_SECTION) {
		if (pfn_valid(pfn))
			check_section(&c, pfn);
		cond_resched();
	}
	compare_sums(&c, changes);
	return c.errors;
}

unsigned long page_validate_all(void)
{
	unsigned long errors = 0;
	struct zone *zone;

	for_each_zone(zone)
		errors += check_zone(zone);
	return errors;
}
