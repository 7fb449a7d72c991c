/* SPDX-License-Identifier: MIT */
/* page_check_test.c - every kind of misuse is caught, once, and does no harm. */
#include <kernel/core/report.h>
#include <kernel/core/symbols.h>
#include <lib/math.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <string.h>
#include <tests/test.h>
#include "page_impl.h"
#include "page_test_impl.h"

/* Do @what, which must be reported exactly @nr times and change no count. */
#define EXPECT_REPORTS(nr, what)                                               \
	do {                                                                   \
		long in_use_ = page_nr_in_use();                               \
                                                                               \
		report_expect(REPORT_PAGE);                                    \
		what;                                                          \
		EXPECT_EQ(report_expected(REPORT_PAGE), nr);                   \
		EXPECT_EQ(page_nr_in_use(), in_use_);                          \
	} while (0)

/* --- Bad frees ------------------------------------------------------------ */

TEST(page_check, double_free_is_caught_once)
{
	struct page *page = alloc_page(GFP_KERNEL);

	ASSERT(page);
	__free_page(page);
	EXPECT_REPORTS(1, __free_page(page));
	drain_all_pages();
	EXPECT_REPORTS(1, __free_page(page));
	EXPECT_EQ(page_validate_all(), 0);
}

TEST(page_check, double_free_of_a_large_block_is_caught)
{
	struct page *page = alloc_pages(GFP_KERNEL, 6);

	ASSERT(page);
	__free_pages(page, 6);
	EXPECT_REPORTS(1, __free_pages(page, 6));
	EXPECT_EQ(page_validate_all(), 0);
}

TEST(page_check, wrong_order_is_caught)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	ASSERT(page);
	EXPECT_REPORTS(1, __free_pages(page, 1));
	EXPECT_REPORTS(1, __free_pages(page, 3));
	__free_pages(page, 2);
}

TEST(page_check, free_inside_a_block_is_caught)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	ASSERT(page);
	EXPECT_REPORTS(1, __free_page(page + 5));
	EXPECT_REPORTS(1, __free_pages(page + 4, 2));
	__free_pages(page, 3);
}

/* The image's own pages were never the allocator's to give. */
TEST(page_check, foreign_page_is_caught)
{
	static char in_the_image[PAGE_SIZE] __aligned(PAGE_SIZE);

	EXPECT_REPORTS(1, __free_page(virt_to_page(in_the_image)));
}

/* Nor were struct pages of somebody's own making; and where there is no memory
 * there is nothing to look at. */
TEST(page_check, what_is_no_page_is_caught)
{
	static struct page forged;

	EXPECT_REPORTS(1, __free_page(&forged));
	EXPECT_REPORTS(1, __free_pages(&forged, 4));
	if (!page_debug_enabled())
		return;
	forged.state = PAGE_STATE(PAGE_USED, 0, 1);
	EXPECT_REPORTS(1, __free_page(&forged));
	EXPECT_REPORTS(1, __free_page(pfn_to_page(max_pfn + 7)));
	EXPECT_REPORTS(1, __free_page((void *)vmemmap + 24));
	EXPECT_REPORTS(1, __free_page(NULL));
}

TEST(page_check, address_without_a_page_is_caught)
{
	static char in_the_image[PAGE_SIZE] __aligned(PAGE_SIZE);

	report_expect(REPORT_WARN);
	free_pages((unsigned long)in_the_image, 0);
	free_pages(DIRECT_MAP_BASE + 17, 0);
	free_pages(DIRECT_MAP_BASE + DIRECT_MAP_SIZE - PAGE_SIZE, 0);
	EXPECT_EQ(report_expected(REPORT_WARN), 3);
	free_pages(0, 0);
}

TEST(page_check, page_its_owner_still_claims_is_caught)
{
	struct page *page = alloc_page(GFP_KERNEL);

	ASSERT(page);
	page_set_type(page, PAGE_SLAB);
	EXPECT_REPORTS(1, __free_page(page));
	page_set_type(page, PAGE_USED);

	SetPageLRU(page);
	EXPECT_REPORTS(1, __free_page(page));
	ClearPageLRU(page);

	page->mapcount = 1;
	EXPECT_REPORTS(1, __free_page(page));
	page->mapcount = 0;
	__free_page(page);
}

TEST(page_check, bad_page_in_a_bulk_free_is_caught_alone)
{
	struct page *pages[32];

	ASSERT_EQ(alloc_pages_bulk(GFP_KERNEL, 32, pages), 32);
	__free_page(pages[7]);
	report_expect(REPORT_PAGE);
	free_pages_bulk(32, pages);
	EXPECT_EQ(report_expected(REPORT_PAGE), 1);
	EXPECT_EQ(page_validate_all(), 0);
}

/* Others would find half a block. */
TEST(page_check, split_of_a_shared_or_compound_block_is_refused)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	struct page *compound = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);

	ASSERT(page && compound);
	get_page(page);
	report_expect(REPORT_WARN);
	split_page(page, 2);
	split_page(compound, 2);
	split_page(page, 1);
	EXPECT_EQ(report_expected(REPORT_WARN), 3);
	EXPECT_EQ(compound_order(page), 2);
	EXPECT_EQ(compound_order(compound), 2);
	put_page(page);
	put_page(page);
	put_page(compound);
}

/* A free page whose struct page was overwritten is never given out. */
TEST(page_check, damaged_free_page_is_kept_from_everybody)
{
	struct page *page = alloc_page(GFP_KERNEL), *other;

	ASSERT(page);
	__free_page(page);
	page->mapcount = 3;
	report_expect(REPORT_PAGE);
	other = alloc_page(GFP_KERNEL);
	EXPECT_EQ(report_expected(REPORT_PAGE), 1);
	EXPECT(other && other != page);
	if (other)
		__free_page(other);

	/* It is nobody's now: make it ours, and give it back. */
	page->state = PAGE_STATE(PAGE_USED, 0, 1);
	__free_page(page);
}

/* --- The validator -------------------------------------------------------- */

#define EXPECT_FOUND(damage, repair)                                           \
	do {                                                                   \
		report_expect(REPORT_PAGE);                                    \
		damage;                                                        \
		EXPECT_GT(page_validate_all(), 0);                             \
		repair;                                                        \
		report_expected(REPORT_PAGE);                                  \
		EXPECT_EQ(page_validate_all(), 0);                             \
	} while (0)

TEST(page_check, validator_finds_damage_to_a_used_block)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	ASSERT(page);
	EXPECT_FOUND(page[3].state = 1, page[3].state = 0);
	EXPECT_FOUND(page->order = 4, page->order = 3);
	EXPECT_FOUND(page->order = 77, page->order = 3);
	EXPECT_FOUND(page->type = PAGE_TAIL, page->type = PAGE_USED);
	EXPECT_FOUND(atomic_set(&page->refcount, -1),
		     atomic_set(&page->refcount, 1));
	EXPECT_FOUND(page->type = NR_PAGE_TYPES, page->type = PAGE_USED);
	__free_pages(page, 3);
}

TEST(page_check, validator_finds_a_compound_tail_without_head)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 2);
	unsigned long head;

	ASSERT(page);
	head = page[2].compound_head;
	EXPECT_FOUND(page[2].compound_head = 0, page[2].compound_head = head);
	__free_pages(page, 2);
}

TEST(page_check, validator_finds_damage_to_a_free_block)
{
	struct page *page = alloc_pages(GFP_KERNEL, 8);
	struct zone *zone;
	struct list_head *next;
	u64 state;

	ASSERT(page);
	zone = page_zone(page);
	__free_pages(page, 8);
	drain_all_pages();
	page = page_block_head(page);
	ASSERT(page);
	ASSERT_EQ(page_type(page), PAGE_FREE);
	state = page->state;

	EXPECT_FOUND(page[1].state = 5, page[1].state = 0);
	EXPECT_FOUND(page->order--, page->state = state);
	EXPECT_FOUND(page->mapcount = 1, page->mapcount = 0);
	EXPECT_FOUND(page->type = PAGE_USED, page->type = PAGE_FREE);
	next = page->buddy_list.next;
	EXPECT_FOUND(page->buddy_list.next = &page->buddy_list,
		     page->buddy_list.next = next);
	EXPECT_FOUND(page->buddy_list.next = (void *)0x1234,
		     page->buddy_list.next = next);
	EXPECT_FOUND(zone->free++, zone->free--);
	EXPECT_FOUND(zone->area[0].nr++, zone->area[0].nr--);
	EXPECT_FOUND(zone->orders ^= 1u << 9, zone->orders ^= 1u << 9);
}

TEST(page_check, validator_finds_damage_to_a_per_cpu_list)
{
	struct pcp *pcp = this_cpu_read(local_pcps[0]);
	struct page *page = alloc_page(GFP_KERNEL);

	ASSERT(page);
	__free_page(page);
	page = pcp->lists[0].hot;
	ASSERT(page);
	EXPECT_FOUND(pcp->lists[0].nr_hot++, pcp->lists[0].nr_hot--);
	EXPECT_FOUND(page->order = 1, page->order = 0);
	EXPECT_FOUND(page->type = PAGE_USED, page->type = PAGE_PCP);
}

/* Two free halves that nobody merged. */
TEST(page_check, validator_finds_unmerged_buddies)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	struct zone *zone;
	unsigned long flags;

	ASSERT(page);
	zone = page_zone(page);
	report_expect(REPORT_PAGE);

	spin_lock_irqsave(&zone->lock, flags);
	for (int i = 0; i < 2; i++) {
		page[i].state = PAGE_STATE(PAGE_FREE, 0, 0);
		list_add(&page[i].buddy_list, &zone->area[0].blocks);
		zone->area[0].nr++;
		zone->free++;
	}
	zone->orders |= 1;
	spin_unlock_irqrestore(&zone->lock, flags);

	EXPECT_EQ(page_validate_all(), 2);

	spin_lock_irqsave(&zone->lock, flags);
	for (int i = 0; i < 2; i++)
		buddy_remove(zone, page + i);
	page->state = PAGE_STATE(PAGE_USED, 1, 1);
	spin_unlock_irqrestore(&zone->lock, flags);
	report_expected(REPORT_PAGE);
	__free_pages(page, 1);
}

/* --- page_debug ----------------------------------------------------------- */

TEST(page_check, write_to_a_free_page_is_found)
{
	struct page *page, *again;
	char *va;

	if (!page_debug_enabled())
		SKIP("needs page_debug=on");
	page = alloc_page(GFP_KERNEL);
	ASSERT(page);
	va = page_address(page);
	__free_page(page);
	va[123] = 1;
	report_expect(REPORT_PAGE);
	again = alloc_page(GFP_KERNEL);
	EXPECT_EQ(report_expected(REPORT_PAGE), 1);
	EXPECT_EQ(again, page);
	__free_page(again);
}

TEST(page_check, owner_is_who_allocated)
{
	unsigned long addrs[4];
	struct page *page;
	unsigned int n;
	bool found = false;

	if (!page_debug_enabled())
		SKIP("needs page_debug=on");
	page = alloc_pages(GFP_KERNEL, 1);
	ASSERT(page);
	n = page_owner(page, addrs, ARRAY_SIZE(addrs));
	for (unsigned int i = 0; i < n; i++) {
		const char *name = NULL;

		symbol_lookup(addrs[i] - 1, &name, NULL, NULL);
		found |= name && strstr(name, "owner_is_who_allocated");
	}
	EXPECT(found);
	__free_pages(page, 1);
	EXPECT_EQ(page_owner(page, addrs, ARRAY_SIZE(addrs)), 0);
}

/* The pieces of a block are their maker's, all of them. */
TEST(page_check, owner_outlives_a_split)
{
	unsigned long addrs[4];
	struct page *page;

	if (!page_debug_enabled())
		SKIP("needs page_debug=on");
	page = alloc_pages(GFP_KERNEL, 2);
	ASSERT(page);
	split_page(page, 2);
	for (int i = 0; i < 4; i++) {
		EXPECT_GT(page_owner(page + i, addrs, ARRAY_SIZE(addrs)), 0);
		__free_page(page + i);
	}
}
