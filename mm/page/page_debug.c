/* SPDX-License-Identifier: MIT */
/*
 * page_debug.c - poison free pages, and remember who allocated the others.
 *
 * On with page_debug=on, and in debug builds unless page_debug=off.  Each
 * frame then has a record of 32 bytes in a table beside vmemmap; the head's
 * record tells the block's allocation, each frame's own whether it is poisoned.
 * So the checks may begin at any time: frames freed before are not checked.
 *
 * Poison.     Freed pages are filled with POISON_FREE; a block in which some
 *             other byte is found when it is allocated again was written to by
 *             somebody who had no business there.  It is reported with the
 *             first bad byte and who had the block before.
 *
 * Context: the allocator's.  Records belong to whoever owns the block.
 */
#define pr_fmt(fmt) "page: " fmt
#include <arch/smp.h>
#include <boot/param.h>
#include <kernel/core/backtrace.h>
#include <kernel/core/panic.h>
#include <kernel/core/printk.h>
#include <kernel/core/report.h>
#include <lib/math.h>
#include <mm/page/memblock.h>
#include <mm/page/page_alloc.h>
#include <string.h>
#include "page_impl.h"

#define POISON_FREE	 0xaa
#define POISON_FREE_WORD 0xaaaaaaaaaaaaaaaaul
#define OWNER_DEPTH	 5

/* Code lies in the last 2 GiB: 32 bits, extended by sign, are an address. */
struct page_record {
	u32 pcs[OWNER_DEPTH];
	u32 number; /* of the allocation, for page_owner_mark() */
	u8 nr_pcs;
	u8 order;
	u16 gfp;
	bool allocated;
	bool poisoned;
};

DEFINE_STATIC_KEY_FALSE(page_debug_key);

static bool page_debug = CONFIG_DEBUG;
BOOT_PARAM_BOOL("page_debug", page_debug,
		"poison free pages and know who allocated the others");

/* By section; NULL where there is no memory. */
static struct page_record **records;

static atomic_t nr_allocations = ATOMIC_INIT(1);

static struct page_record *record_of(const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	return &records[pfn / PAGES_PER_SECTION][pfn % PAGES_PER_SECTION];
}

bool page_debug_enabled(void)
{
	return static_branch_unlikely(&page_debug_key);
}

void page_debug_init(void)
{
	unsigned long nr = max_pfn / PAGES_PER_SECTION;

	if (!page_debug)
		return;
	records = memblock_alloc(nr * sizeof(*records), 0);
	if (!records)
		panic("no memory for page_debug");
	for (unsigned long s = 0; s < nr; s++) {
		if (!section_present(s))
			continue;
		records[s] = memblock_alloc(
			PAGES_PER_SECTION * sizeof(**records), 0);
		if (!records[s])
			panic("no memory for page_debug");
	}
	static_branch_enable(&page_debug_key);
}

/* --- Poison --------------------------------------------------------------- */

static void poison(struct page *page)
{
	memset(page_address(page), POISON_FREE, PAGE_SIZE);
	record_of(page)->poisoned = true;
}

static void report_poison(struct page *page, const u8 *at,
			  const struct page_record *before)
{
	if (!report_note(REPORT_PAGE))
		return;
	pr_crit("pfn %#lx was written to while free: byte %#lx is %#x\n",
		page_to_pfn(page), (unsigned long)at & ~PAGE_MASK, *at);
	for (int i = 0; i < before->nr_pcs; i++)
		pr_crit("  %s %pS\n", i ? "from" : "last allocated by",
			(void *)(long)(s32)before->pcs[i]);
}

static void unpoison(struct page *page, const struct page_record *before)
{
	const unsigned long *words = page_address(page);

	if (!record_of(page)->poisoned)
		return;
	record_of(page)->poisoned = false;
	for (unsigned long i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		const u8 *at = (const u8 *)&words[i];

		if (likely(words[i] == POISON_FREE_WORD))
			continue;
		while (*at == POISON_FREE)
			at++;
		report_poison(page, at, before);
		return;
	}
}

/* --- Allocations and frees ------------------------------------------------ */

static void record_site(struct page_record *r, unsigned int order, gfp_t gfp)
{
	unsigned long pcs[OWNER_DEPTH];

	/* Leave out this file's frames, not the allocator's: they say how. */
	r->nr_pcs = backtrace_save(pcs, OWNER_DEPTH, 2);
	for (int i = 0; i < r->nr_pcs; i++)
		r->pcs[i] = pcs[i];
	r->order = order;
	r->gfp = gfp;
	r->number = atomic_inc_return_relaxed(&nr_allocations);
	r->allocated = true;
}

void page_debug_alloc(struct page *page, unsigned int order, gfp_t gfp)
{
	struct page_record *head = record_of(page);

	for (unsigned long i = 0; i < 1ul << order; i++)
		unpoison(page + i, head);
	record_site(head, order, gfp);
}

void page_debug_free(struct page *page, unsigned int order)
{
	record_of(page)->allocated = false;
	for (unsigned long i = 0; i < 1ul << order; i++)
		poison(page + i);
}

void page_debug_split(struct page *page, unsigned int order)
{
	struct page_record *head = record_of(page);

	head->order = 0;
	for (unsigned long i = 1; i < 1ul << order; i++)
		*record_of(page + i) = *head;
}

/* --- Owners --------------------------------------------------------------- */

unsigned int page_owner(const struct page *page, unsigned long *addrs,
			unsigned int max)
{
	const struct page_record *r;
	unsigned int n;

	if (!page_debug_enabled())
		return 0;
	r = record_of(page);
	if (!r->allocated)
		return 0;
	n = min_t(unsigned int, r->nr_pcs, max);
	for (unsigned int i = 0; i < n; i++)
		addrs[i] = (long)(s32)r->pcs[i];
	return n;
}

unsigned int page_owner_mark(void)
{
	return atomic_read(&nr_allocations);
}

/* The sites with most pages so far, by their whole backtrace. */
#define MAX_SITES 64

struct site {
	const struct page_record *record;
	unsigned long pages;
};

static bool same_site(const struct page_record *a, const struct page_record *b)
{
	return a->nr_pcs == b->nr_pcs &&
	       !memcmp(a->pcs, b->pcs, a->nr_pcs * sizeof(a->pcs[0]));
}

static void count_site(struct site *sites, const struct page_record *r)
{
	struct site *s;

	for (s = sites; s < sites + MAX_SITES && s->record; s++)
		if (same_site(s->record, r))
			break;
	/* The last one collects what found no place of its own. */
	if (s == sites + MAX_SITES)
		s--;
	if (!s->record)
		s->record = r;
	s->pages += 1ul << r->order;
}

static struct site *largest(struct site *sites)
{
	struct site *best = sites;

	for (struct site *s = sites; s < sites + MAX_SITES; s++)
		if (s->pages > best->pages)
			best = s;
	return best;
}

/* The site of the block that @pfn leads, if it is to be reported. */
static const struct page_record *allocated_since(const struct zone *zone,
						 unsigned long pfn, u32 mark)
{
	const struct page *page = pfn_to_page(pfn);

	if (!pfn_valid(pfn) || page_zone_id(page) != zone->id ||
	    !record_of(page)->allocated)
		return NULL;
	return (s32)(record_of(page)->number - mark) > 0 ? record_of(page)
							 : NULL;
}

void page_owner_report(unsigned int nr, unsigned int mark)
{
	static struct site sites[MAX_SITES];
	struct zone *zone;

	if (!page_debug_enabled()) {
		pr_info("owners are known with page_debug=on only\n");
		return;
	}
	memset(sites, 0, sizeof(sites));
	for_each_zone(zone) {
		for (unsigned long pfn = zone->start_pfn; pfn < zone->end_pfn;
		     pfn++) {
			const struct page_record *r =
				allocated_since(zone, pfn, mark);

			if (r)
				count_site(sites, r);
		}
	}
	while (nr--) {
		struct site *s = largest(sites);

		if (!s->pages)
			break;
		pr_info("%8lu pages\n", s->pages);
		for (int i = 0; i < s->record->nr_pcs; i++)
			pr_info("    %pS\n",
				(void *)(long)(s32)s->record->pcs[i]);
		s->pages = 0;
	}
}
