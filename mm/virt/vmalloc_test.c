/* SPDX-License-Identifier: MIT */
/* vmalloc_test.c - areas do not touch, and leave nothing behind. */
#include <arch/irqflags.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <boot/acpi.h>
#include <errno.h>
#include <kernel/core/fault_inject.h>
#include <kernel/core/report.h>
#include <kernel/core/smp.h>
#include <lib/math.h>
#include <lib/random.h>
#include <mm/page/page_alloc.h>
#include <mm/page/zone.h>
#include <mm/virt/vmalloc.h>
#include <string.h>
#include <tests/test.h>
#include "../page/page_test_impl.h"

static long nr_areas(void)
{
	struct vmalloc_info info;

	vmalloc_get_info(&info);
	return info.areas;
}

TEST_LEAK_COUNTER(vmalloc_areas)
{
	return nr_areas();
}

TEST_AUDIT(vmalloc)
{
	EXPECT_EQ(vmalloc_validate(), 0);
}

/* Can it be read?  (Without a fault: through the exception table.) */
static bool readable(const void *va)
{
	char c;

	return !probe_read(&c, va, 1);
}

TEST(vmalloc, area_is_memory_from_end_to_end)
{
	for (size_t size = 1; size < 100 * PAGE_SIZE; size = size * 3 + 1) {
		u8 *va = vmalloc(size);
		size_t wrong = 0;

		ASSERT(va);
		EXPECT(is_vmalloc_addr(va));
		for (size_t i = 0; i < size; i++)
			va[i] = i * 7 + i / PAGE_SIZE;
		for (size_t i = 0; i < size; i++)
			wrong += va[i] != (u8)(i * 7 + i / PAGE_SIZE);
		EXPECT_EQ(wrong, 0);
		vfree(va);
	}
}

TEST(vmalloc, vzalloc_is_zero)
{
	size_t size = 37 * PAGE_SIZE;
	unsigned long *va = vmalloc(size), wrong = 0;

	ASSERT(va);
	memset(va, 0xff, size);
	vfree(va);
	va = vzalloc(size);
	ASSERT(va);
	for (size_t i = 0; i < size / sizeof(*va); i++)
		wrong += va[i] != 0;
	EXPECT_EQ(wrong, 0);
	vfree(va);
}

TEST(vmalloc, both_ends_are_guarded)
{
	char *va[3];

	for (int i = 0; i < 3; i++) {
		va[i] = vmalloc(5 * PAGE_SIZE);
		ASSERT(va[i]);
	}
	for (int i = 0; i < 3; i++) {
		EXPECT(readable(va[i]));
		EXPECT(readable(va[i] + 5 * PAGE_SIZE - 1));
		EXPECT(!readable(va[i] - 1));
		EXPECT(!readable(va[i] + 5 * PAGE_SIZE));
		EXPECT_EQ(probe_write(va[i] + 5 * PAGE_SIZE, "x", 1), -EFAULT);
	}
	for (int i = 0; i < 3; i++)
		vfree(va[i]);
}

TEST(vmalloc, freed_area_is_gone_after_a_purge)
{
	char *va = vmalloc(3 * PAGE_SIZE);

	ASSERT(va);
	va[0] = 1;
	vfree(va);
	vmalloc_purge();
	EXPECT(!readable(va));
	EXPECT_EQ(vmalloc_to_page(va), NULL);
}

/* A TLB may remember a freed address until the flush. */
TEST(vmalloc, address_is_not_reused_before_a_purge)
{
	void *first, *second, *third;

	vmalloc_purge();
	first = vmalloc(PAGE_SIZE);
	vfree(first);
	second = vmalloc(PAGE_SIZE);
	EXPECT_NE(first, second);
	vfree(second);
	vmalloc_purge();
	third = vmalloc(PAGE_SIZE);
	EXPECT(third == first || third == second);
	vfree(third);
}

struct seen {
	u64 *va;
	u64 want;
	atomic_t wrong;
};

static void look(void *arg)
{
	struct seen *seen = arg;

	if (READ_ONCE(*seen->va) != seen->want)
		atomic_inc(&seen->wrong);
}

/* No CPU goes on seeing what was there before. */
TEST(vmalloc, reused_address_shows_the_new_page_on_every_cpu)
{
	struct page *pages[2] = {alloc_page(GFP_KERNEL),
				 alloc_page(GFP_KERNEL)};
	struct seen seen = {.wrong = ATOMIC_INIT(0)};
	void *fence[2];

	ASSERT(pages[0] && pages[1]);
	*(u64 *)page_address(pages[0]) = 1;
	*(u64 *)page_address(pages[1]) = 2;
	/* Between two others it becomes a gap that fits. */
	fence[0] = vmap(&pages[0], 1, false);
	seen.va = vmap(&pages[0], 1, false);
	fence[1] = vmap(&pages[0], 1, false);
	ASSERT(fence[0] && seen.va && fence[1]);

	for (int i = 0; i < 50; i++) {
		void *va = seen.va;

		seen.want = i % 2 + 1;
		on_each_cpu(look, &seen, true);
		vunmap(va);
		vmalloc_purge();
		seen.va = vmap(&pages[!(i % 2)], 1, false);
		ASSERT(seen.va);
		EXPECT_EQ(seen.va, va);
	}
	EXPECT_EQ(atomic_read(&seen.wrong), 0);
	vunmap(seen.va);
	vunmap(fence[0]);
	vunmap(fence[1]);
	__free_page(pages[0]);
	__free_page(pages[1]);
}

#define HUGE_ALIGN (VMALLOC_SIZE / 4)

/* As far apart as can be, so that a handful uses all there is. */
static unsigned int take_all_addresses(void *va[8])
{
	unsigned int n = 0;

	while (n < 8 && (va[n] = __vmalloc_node(PAGE_SIZE, HUGE_ALIGN,
						GFP_KERNEL, NUMA_NO_NODE, 0)))
		n++;
	return n;
}

TEST(vmalloc, addresses_run_out_and_come_back)
{
	void *va[8], *small;
	unsigned int n;

	vmalloc_purge();
	n = take_all_addresses(va);
	EXPECT_GE(n, 2);
	EXPECT_LE(n, 4);
	small = vmalloc(PAGE_SIZE);
	EXPECT(small);
	EXPECT_EQ(vmalloc_validate(), 0);
	vfree(small);
	for (unsigned int i = 0; i < n; i++)
		vfree(va[i]);
	/* Nobody has flushed meanwhile: who needs the addresses does. */
	EXPECT_EQ(take_all_addresses(va), n);
	for (unsigned int i = 0; i < n; i++)
		vfree(va[i]);
	EXPECT_EQ(vmalloc_validate(), 0);
}

TEST(vmalloc, pages_come_from_the_node_asked_for)
{
	for (int nid = 0; nid < (int)acpi_info.nr_nodes; nid++) {
		char *va = vmalloc_node(4 * PAGE_SIZE, nid);

		ASSERT(va);
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(page_to_nid(
					  vmalloc_to_page(va + i * PAGE_SIZE)),
				  nid);
		vfree(va);
	}
}

TEST(vmalloc, address_tells_its_area)
{
	char *va = __vmalloc_node(4 * PAGE_SIZE, PAGE_SIZE, GFP_KERNEL,
				  NUMA_NO_NODE, VM_STACK);
	struct vm_area_info info;

	ASSERT(va);
	EXPECT(vmalloc_find_area((unsigned long)va + 5000, &info));
	EXPECT_EQ(info.start, (unsigned long)va);
	EXPECT_EQ(info.size, 4 * PAGE_SIZE);
	EXPECT(info.flags & VM_STACK);
	EXPECT(!info.in_guard);

	/* Where the stack overflows to, and where it is overrun. */
	EXPECT(vmalloc_find_area((unsigned long)va - 8, &info));
	EXPECT_EQ(info.start, (unsigned long)va);
	EXPECT(info.in_guard);
	EXPECT(vmalloc_find_area((unsigned long)va + 4 * PAGE_SIZE, &info));
	EXPECT(info.in_guard);

	vfree(va);
	EXPECT(!vmalloc_find_area((unsigned long)va, &info));
	EXPECT(!vmalloc_find_area(DIRECT_MAP_BASE, &info));
}

TEST(vmalloc, alignment_and_large_pages)
{
	size_t size = 6ul << 20;
	struct paging_entry entry;
	char *va = __vmalloc_node(size, 2ul << 20, GFP_KERNEL, NUMA_NO_NODE, 0);

	if (!va)
		SKIP("not enough memory");
	EXPECT(IS_ALIGNED((unsigned long)va, 2ul << 20));
	memset(va, 1, size);
	EXPECT(paging_lookup((unsigned long)va, &entry));
	EXPECT(!readable(va + size));
	vfree(va);

	va = __vmalloc_node(3 * PAGE_SIZE, 64 * PAGE_SIZE, GFP_KERNEL,
			    NUMA_NO_NODE, 0);
	ASSERT(va);
	EXPECT(IS_ALIGNED((unsigned long)va, 64 * PAGE_SIZE));
	vfree(va);
}

TEST(vmalloc, impossible_size_is_refused)
{
	long before = pages_held();

	EXPECT_EQ(vmalloc(0), NULL);
	EXPECT_EQ(vmalloc(VMALLOC_SIZE), NULL);
	EXPECT_EQ(vmalloc(~0ul - PAGE_SIZE), NULL);
	EXPECT_EQ(vmalloc(~0ul), NULL);
	EXPECT_EQ(vmalloc(1ul << 63), NULL);
	EXPECT_EQ(__vmalloc(VMALLOC_SIZE + 1, GFP_KERNEL | __GFP_ZERO), NULL);
	EXPECT_EQ(vzalloc_node(~0ul >> 1, 0), NULL);
	/* Here the pages can be had, but not the addresses. */
	EXPECT_EQ(__vmalloc_node(3 * PAGE_SIZE, VMALLOC_SIZE, GFP_KERNEL,
				 NUMA_NO_NODE, 0),
		  NULL);
	EXPECT_EQ(pages_held(), before);
}

TEST(vmalloc, mapped_pages_are_seen_at_both_addresses)
{
	struct page *pages[5];
	char *rw, *ro;

	ASSERT_EQ(alloc_pages_bulk(GFP_KERNEL, 5, pages), 5);
	swap(pages[0], pages[3]);
	rw = vmap(pages, 5, true);
	ro = vmap(pages, 5, false);
	ASSERT(rw && ro);
	for (int i = 0; i < 5; i++) {
		rw[i * PAGE_SIZE + 9] = 'a' + i;
		EXPECT_EQ(ro[i * PAGE_SIZE + 9], 'a' + i);
		EXPECT_EQ(((char *)page_address(pages[i]))[9], 'a' + i);
		EXPECT_EQ(vmalloc_to_page(ro + i * PAGE_SIZE), pages[i]);
	}
	EXPECT_EQ(probe_write(ro, "x", 1), -EFAULT);
	vunmap(rw);
	vunmap(ro);
	free_pages_bulk(5, pages);
}

TEST(vmalloc, wrong_free_is_reported_and_harmless)
{
	char *va = vmalloc(2 * PAGE_SIZE);

	ASSERT(va);
	report_expect(REPORT_WARN);
	vfree(va + PAGE_SIZE);
	vunmap(va);
	vfree((void *)DIRECT_MAP_BASE);
	EXPECT_EQ(report_expected(REPORT_WARN), 3);
	EXPECT(readable(va));
	vfree(va);
	report_expect(REPORT_WARN);
	vfree(va);
	EXPECT_EQ(report_expected(REPORT_WARN), 1);
	vfree(NULL);
}

/* With interrupts off, as in a handler: the pages are back at once. */
TEST(vmalloc, freeing_in_an_interrupt_frees_at_once)
{
	void *va = vmalloc(300 * PAGE_SIZE);
	long before = pages_held();
	unsigned long flags;

	ASSERT(va);
	local_irq_save(flags);
	vfree(va);
	local_irq_restore(flags);
	EXPECT_EQ(pages_held(), before - 300);
}

/* --- Failing in the middle ------------------------------------------------ */

/* The 1st, 2nd, 3rd... allocation fails, and all after it, until there is none
 * left to fail: pages, records, page tables.  Nothing is ever left behind. */
TEST(vmalloc, failure_at_any_point_unwinds)
{
	size_t size = 2000 * PAGE_SIZE;
	char *va = NULL;
	int n;

	for (n = 1; n < 1000 && !va; n++) {
		long before = pages_held(), areas = nr_areas();

		fault_fail_from(&fail_page_alloc, n);
		/* So far apart that each needs tables of its own. */
		va = __vmalloc_node(size, 1ul << 30, GFP_KERNEL, NUMA_NO_NODE,
				    0);
		fault_off(&fail_page_alloc);
		if (!va) {
			EXPECT_EQ(pages_held(), before);
			EXPECT_EQ(nr_areas(), areas);
		}
	}
	ASSERT(va);
	EXPECT_GT(n, 10);
	EXPECT(readable(va));
	EXPECT(readable(va + size - 1));
	vfree(va);
}

TEST(vmalloc, takes_all_memory_and_gives_it_back)
{
	size_t size = max(nr_free_pages() / 256 * PAGE_SIZE, PAGE_SIZE);
	long before = pages_held();
	void **first = NULL;
	unsigned long n = 0;

	for (;;) {
		void **va = __vmalloc(size, GFP_KERNEL | __GFP_NOWARN |
						    __GFP_NORETRY);

		if (!va)
			break;
		*va = first;
		first = va;
		n++;
	}
	EXPECT_GT(n, 0);
	EXPECT_EQ(vmalloc_validate(), 0);
	while (first) {
		void **next = *first;

		vfree(first);
		first = next;
	}
	EXPECT_EQ(pages_held(), before);
}

/* --- Stress --------------------------------------------------------------- */

struct slot {
	u64 *va;
	size_t words;
	u64 seed;
};

static void slot_fill(struct slot *slot, struct prng *rng)
{
	slot->words = prng_range(rng, 1, 40 * PAGE_SIZE / 8);
	slot->seed = prng_u64(rng);
	slot->va = vmalloc(slot->words * 8);
	for (size_t i = 0; slot->va && i < slot->words; i += 64)
		slot->va[i] = slot->seed + i;
}

static u64 slot_empty(struct slot *slot)
{
	u64 wrong = 0;

	for (size_t i = 0; i < slot->words; i += 64)
		wrong += slot->va[i] != slot->seed + i;
	vfree(slot->va);
	slot->va = NULL;
	return wrong;
}

TEST(vmalloc, random_areas_keep_their_contents)
{
	static struct slot slots[64];
	struct prng rng;
	u64 wrong = 0;

	memset(slots, 0, sizeof(slots));
	prng_init(&rng, test_seed());
	for (int i = 0; i < 3000; i++) {
		struct slot *slot = &slots[prng_below(&rng, 64)];

		if (slot->va)
			wrong += slot_empty(slot);
		else
			slot_fill(slot, &rng);
		if (prng_one_in(&rng, 500))
			vmalloc_purge();
	}
	EXPECT_EQ(vmalloc_validate(), 0);
	for (int i = 0; i < 64; i++)
		if (slots[i].va)
			wrong += slot_empty(&slots[i]);
	EXPECT_EQ(wrong, 0);
}
