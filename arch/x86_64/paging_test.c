/* SPDX-License-Identifier: MIT */
/* paging_test.c - who may do what with which page. */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/paging.h>
#include <arch/trap.h>
#include <errno.h>
#include <kernel/core/sched.h>
#include <kernel/core/smp.h>
#include <kernel/core/static_key.h>
#include <kernel/task/kthread.h>
#include <lib/atomic.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "paging_impl.h"

/* Addresses nobody else uses: far above the patch window, in its region. */
#define WINDOW	    (PATCH_WINDOW + (1ul << 30))
#define WINDOW_SIZE (4ul << 20)

#define MAX_READERS 3u

static char pages[2][PAGE_SIZE] __attribute__((aligned(4096)));

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[];
extern char __data_start[], boot_stack_guard[], boot_stack[];
extern char __percpu_start[];

static void window_close(void)
{
	paging_unmap(WINDOW, WINDOW_SIZE);
	tlb_flush_range(WINDOW, WINDOW + WINDOW_SIZE);
	paging_free_tables(WINDOW, WINDOW_SIZE);
}

/* The last byte before a symbol of the linker's. */
static void *before(const char *symbol)
{
	return (void *)((unsigned long)symbol - 1);
}

static unsigned int prot_of(const void *va)
{
	struct paging_entry entry;

	if (!EXPECT(paging_lookup((unsigned long)va, &entry)))
		return ~0u;
	return entry.prot;
}

/*
 * What the CPU makes of all the levels together: a page may be written if every
 * level says so, executed if none forbids it, and is the user's if all are.
 * Walked here by hand, so as not to take the code's word for it.
 */
struct map_census {
	unsigned long writable_and_executable;
	unsigned long writable_text; /* or rodata, by any of its addresses */
	unsigned long executable;    /* bytes */
	unsigned long low_half;
	unsigned long user; /* entries of any level */
};

struct rights {
	bool write, exec;
};

static void count_leaf(struct map_census *census, u64 entry, int level,
		       struct rights r)
{
	phys_addr_t pa = entry & PTE_ADDR & ~(level_size(level) - 1);
	phys_addr_t end = pa + level_size(level);

	if (r.write && r.exec)
		census->writable_and_executable++;
	if (r.exec)
		census->executable += level_size(level);
	if (r.write && pa < virt_to_phys(__rodata_end) &&
	    end > virt_to_phys(__text_start))
		census->writable_text++;
}

static void count_table(struct map_census *census, const u64 *table, int level,
			struct rights upper)
{
	for (int i = 0; i < TABLE_ENTRIES; i++) {
		u64 e = READ_ONCE(table[i]);
		struct rights r = {upper.write && (e & PTE_WRITE),
				   upper.exec && !(e & PTE_NX)};

		if (!(e & PTE_PRESENT))
			continue;
		if (e & PTE_USER)
			census->user++;
		if (level == TOP_LEVEL && i < TABLE_ENTRIES / 2)
			census->low_half++;
		if (entry_is_leaf(e, level))
			count_leaf(census, e, level, r);
		else
			count_table(census, entry_table(e), level - 1, r);
	}
}

static void expect_w_xor_x(void)
{
	const u64 *root = phys_to_virt(read_cr3() & PTE_ADDR);
	struct map_census census = {0};

	count_table(&census, root, TOP_LEVEL, (struct rights){true, true});
	EXPECT_EQ(census.writable_and_executable, 0);
	EXPECT_EQ(census.writable_text, 0);
	EXPECT_EQ(census.executable, __text_end - __text_start);
	EXPECT_EQ(census.low_half, 0);
	EXPECT_EQ(census.user, 0);
}

/* Every entry of the whole tree is looked at, and what is executed cannot be
 * written by any other address either. */
TEST(paging, no_page_is_writable_and_executable)
{
	EXPECT_EQ(read_cr3() & PTE_ADDR, virt_to_phys(kernel_pml4));
	expect_w_xor_x();
}

static DEFINE_STATIC_KEY_FALSE(patched_key);

/* Text is changed through a writable window: it must be closed again. */
TEST(paging, patching_text_leaves_no_way_to_write_it)
{
	struct paging_entry entry;

	for (int i = 0; i < 4; i++) {
		if (i % 2)
			static_branch_disable(&patched_key);
		else
			static_branch_enable(&patched_key);
		EXPECT_EQ(static_branch_unlikely(&patched_key), !(i % 2));
		EXPECT(!paging_lookup(PATCH_WINDOW, &entry));
		EXPECT(!paging_lookup(PATCH_WINDOW + PAGE_SIZE, &entry));
		expect_w_xor_x();
	}
}

static unsigned long visited;

static void count_visit(unsigned long va, const struct paging_entry *entry,
			void *arg)
{
	unsigned long *last = arg;

	EXPECT(!visited || va > *last);
	EXPECT_EQ(va & (entry->size - 1), 0);
	*last = va;
	visited++;
}

static unsigned long count_leaves(const u64 *table, int level)
{
	unsigned long nr = 0;

	for (int i = 0; i < TABLE_ENTRIES; i++) {
		if (!(table[i] & PTE_PRESENT))
			continue;
		nr += entry_is_leaf(table[i], level)
			      ? 1
			      : count_leaves(entry_table(table[i]), level - 1);
	}
	return nr;
}

TEST(paging, every_page_is_visited_once_and_in_order)
{
	unsigned long last = 0;

	visited = 0;
	paging_for_each(count_visit, &last);
	EXPECT_EQ(visited, count_leaves(kernel_pml4, TOP_LEVEL));
}

TEST(paging, image_has_its_segments_rights)
{
	EXPECT_EQ(prot_of(__text_start), PAGE_KERNEL_RX);
	EXPECT_EQ(prot_of(before(__text_end)), PAGE_KERNEL_RX);
	EXPECT_EQ(prot_of(__rodata_start), PAGE_KERNEL_RO);
	EXPECT_EQ(prot_of(before(__rodata_end)), PAGE_KERNEL_RO);
	EXPECT_EQ(prot_of(__data_start), PAGE_KERNEL);
	EXPECT_EQ(prot_of(pages), PAGE_KERNEL);

	/* The same bytes, seen through the direct map. */
	EXPECT_EQ(prot_of(phys_to_virt(virt_to_phys(__text_start))),
		  PAGE_KERNEL_RO);
	EXPECT_EQ(prot_of(phys_to_virt(virt_to_phys(before(__rodata_end)))),
		  PAGE_KERNEL_RO);
	EXPECT_EQ(prot_of(phys_to_virt(virt_to_phys(pages))), PAGE_KERNEL);
}

/* Rights are what the CPU enforces, not only what the entries say. */
TEST(paging, text_cannot_be_written)
{
	char byte = __text_start[0];

	EXPECT_EQ(probe_write(__text_start, &byte, 1), -EFAULT);
	EXPECT_EQ(
		probe_write(phys_to_virt(virt_to_phys(__text_start)), &byte, 1),
		-EFAULT);
	EXPECT_EQ(probe_write(__rodata_start, &byte, 1), -EFAULT);
}

TEST(paging, guards_and_the_pristine_percpu_copy_are_holes)
{
	char byte;

	EXPECT_EQ(probe_read(&byte, boot_stack_guard, 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, before(boot_stack), 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, boot_stack, 1), 0);
	EXPECT_EQ(probe_read(&byte, __percpu_start, 1), -EFAULT);
	EXPECT_EQ(probe_read(&byte, (void *)0, 1), -EFAULT);
}

TEST(paging, maps_with_the_largest_pages_that_fit)
{
	phys_addr_t pa = 64ul << 20; /* never touched */
	struct paging_entry entry;

	ASSERT_EQ(paging_map(WINDOW, pa, WINDOW_SIZE, PAGE_KERNEL_RO), 0);
	ASSERT(paging_lookup(WINDOW + 5 * PAGE_SIZE, &entry));
	EXPECT_EQ(entry.size, 2ul << 20);
	EXPECT_EQ(entry.pa, pa);
	window_close();

	ASSERT_EQ(paging_map(WINDOW + PAGE_SIZE, pa, WINDOW_SIZE - PAGE_SIZE,
			     PAGE_KERNEL_RO),
		  0);
	ASSERT(paging_lookup(WINDOW + (2ul << 20), &entry));
	EXPECT_EQ(entry.size, PAGE_SIZE);
	EXPECT(!paging_lookup(WINDOW, &entry));
	window_close();
	EXPECT(!paging_lookup(WINDOW + PAGE_SIZE, &entry));
}

TEST(paging, a_refused_map_leaves_nothing)
{
	phys_addr_t pa = virt_to_phys(pages);
	struct paging_entry entry;

	ASSERT_EQ(
		paging_map(WINDOW + 3 * PAGE_SIZE, pa, PAGE_SIZE, PAGE_KERNEL),
		0);
	EXPECT_EQ(paging_map(WINDOW, pa, 8 * PAGE_SIZE, PAGE_KERNEL), -EEXIST);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(paging_lookup(WINDOW + i * PAGE_SIZE, &entry),
			  i == 3);
	window_close();
}

TEST(paging, protecting_a_part_splits_a_large_page)
{
	phys_addr_t pa = 64ul << 20;
	struct paging_entry entry;

	ASSERT_EQ(paging_map(WINDOW, pa, 2ul << 20, PAGE_KERNEL), 0);
	ASSERT_EQ(paging_protect(WINDOW + 7 * PAGE_SIZE, PAGE_SIZE,
				 PAGE_KERNEL_RO),
		  0);
	for (int i = 6; i <= 8; i++) {
		ASSERT(paging_lookup(WINDOW + i * PAGE_SIZE, &entry));
		EXPECT_EQ(entry.size, PAGE_SIZE);
		EXPECT_EQ(entry.pa, pa + i * PAGE_SIZE);
		EXPECT_EQ(entry.prot, i == 7 ? PAGE_KERNEL_RO : PAGE_KERNEL);
	}
	window_close();
}

TEST(paging, tables_of_an_owned_range_come_back)
{
	unsigned long before = 0;

	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(paging_map(WINDOW, virt_to_phys(pages), PAGE_SIZE,
				     PAGE_KERNEL),
			  0);
		window_close();
		/* The first leaves those above the window: they are shared. */
		if (!i)
			before = paging_nr_tables();
	}
	EXPECT_EQ(paging_nr_tables(), before);
}

TEST(paging, translation_of_any_address)
{
	phys_addr_t pa;

	ASSERT_EQ(
		paging_map(WINDOW, virt_to_phys(pages), PAGE_SIZE, PAGE_KERNEL),
		0);
	EXPECT(virt_to_phys_any((void *)(WINDOW + 123), &pa));
	EXPECT_EQ(pa, virt_to_phys(pages) + 123);
	window_close();
	EXPECT(!virt_to_phys_any((void *)(WINDOW + 123), &pa));

	EXPECT(virt_to_phys_any(pages, &pa));
	EXPECT_EQ(pa, virt_to_phys(pages));
}

TEST(paging, accessed_bit_tells_who_was_touched)
{
	ASSERT_EQ(
		paging_map(WINDOW, virt_to_phys(pages), PAGE_SIZE, PAGE_KERNEL),
		0);
	paging_test_and_clear_accessed(WINDOW);
	tlb_flush_local(WINDOW, WINDOW + PAGE_SIZE);
	EXPECT(!paging_test_and_clear_accessed(WINDOW));
	(void)*(volatile char *)WINDOW;
	EXPECT(paging_test_and_clear_accessed(WINDOW));
	window_close();
}

/* -- Shootdown: other CPUs asleep, then busy ------------------------------- */

static void read_window(void *result)
{
	*(char *)result = *(volatile char *)WINDOW;
}

/*
 * Each other CPU reads a page, so that its TLB knows it; then the address is
 * given another page.  After the flush each must see the new one.
 */
TEST(paging, every_cpu_sees_a_remapping_after_the_flush)
{
	unsigned int cpu;
	char seen;

	memset(pages[0], 'a', PAGE_SIZE);
	memset(pages[1], 'b', PAGE_SIZE);
	for (int round = 0; round < 20; round++) {
		char *page = pages[round % 2];

		ASSERT_EQ(paging_map(WINDOW, virt_to_phys(page), PAGE_SIZE,
				     PAGE_KERNEL_RO),
			  0);
		for_each_online_cpu(cpu) {
			seen = 0;
			smp_call_function_single(cpu, read_window, &seen, true);
			EXPECT_EQ(seen, page[0]);
		}
		paging_unmap(WINDOW, PAGE_SIZE);
		tlb_flush_range(WINDOW, WINDOW + PAGE_SIZE);
	}
	window_close();
}

static void probe_window(void *result)
{
	char byte;

	*(int *)result = probe_read(&byte, (void *)WINDOW, 1);
}

TEST(paging, no_cpu_reads_an_unmapped_page_after_the_flush)
{
	unsigned int cpu;
	int err;

	ASSERT_EQ(paging_map(WINDOW, virt_to_phys(pages), PAGE_SIZE,
			     PAGE_KERNEL_RO),
		  0);
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, probe_window, &err, true);
		EXPECT_EQ(err, 0);
	}
	paging_unmap(WINDOW, PAGE_SIZE);
	tlb_flush_all();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, probe_window, &err, true);
		EXPECT_EQ(err, -EFAULT);
	}
	window_close();
}

struct reader {
	char last;
	u64 reads;
};

static int read_window_always(void *arg)
{
	struct reader *r = arg;

	while (!kthread_should_stop()) {
		char byte = 0;

		probe_read(&byte, (void *)WINDOW, 1);
		WRITE_ONCE(r->last, byte);
		smp_store_release(&r->reads, r->reads + 1);
		cpu_relax();
		cond_resched();
	}
	return 0;
}

/* Two reads from now on: the first may have begun before. */
static char next_read(struct reader *r)
{
	u64 start = smp_load_acquire(&r->reads);

	while (smp_load_acquire(&r->reads) < start + 2)
		msleep(1);
	return READ_ONCE(r->last);
}

TEST(paging, busy_cpus_see_a_remapping_after_the_flush)
{
	struct reader readers[MAX_READERS] = {{0}};
	struct task *threads[MAX_READERS];
	unsigned int nr = min(num_online_cpus(), MAX_READERS);

	memset(pages[0], 'a', PAGE_SIZE);
	memset(pages[1], 'b', PAGE_SIZE);
	for (unsigned int i = 0; i < nr; i++) {
		threads[i] = kthread_create_on_cpu(
			read_window_always, &readers[i],
			cpumask_nth(i, cpu_online_mask), "reader");
		ASSERT(!IS_ERR(threads[i]));
		wake_up_process(threads[i]);
	}
	for (int round = 0; round < 10; round++) {
		char *page = pages[round % 2];

		EXPECT_EQ(paging_map(WINDOW, virt_to_phys(page), PAGE_SIZE,
				     PAGE_KERNEL_RO),
			  0);
		for (unsigned int i = 0; i < nr; i++)
			EXPECT_EQ(next_read(&readers[i]), page[0]);
		paging_unmap(WINDOW, PAGE_SIZE);
		tlb_flush_range(WINDOW, WINDOW + PAGE_SIZE);
	}
	for (unsigned int i = 0; i < nr; i++)
		kthread_stop(threads[i]);
	window_close();
}

struct deaf {
	bool listens_not, flushed, overtaken;
};

/* Nobody who has interrupts off can have dropped a translation. */
static int be_deaf_for_a_while(void *arg)
{
	struct deaf *d = arg;
	u64 end;

	local_irq_disable();
	smp_store_release(&d->listens_not, true);
	end = arch_clock_ns() + 20000000;
	while (arch_clock_ns() < end) {
		if (smp_load_acquire(&d->flushed))
			d->overtaken = true;
		cpu_relax();
	}
	local_irq_enable();
	return 0;
}

TEST(paging, a_flush_waits_for_the_last_cpu)
{
	unsigned int cpu;

	if (num_online_cpus() < 2)
		SKIP("needs two CPUs");
	for (int round = 0; round < 3; round++) {
		struct deaf deaf = {};
		struct task *t;

		preempt_disable();
		cpu = cpumask_first(cpu_online_mask);
		if (cpu == smp_processor_id())
			cpu = cpumask_next(cpu, cpu_online_mask);
		preempt_enable();
		t = kthread_create_on_cpu(be_deaf_for_a_while, &deaf, cpu,
					  "deaf");
		ASSERT(!IS_ERR(t));
		wake_up_process(t);
		while (!smp_load_acquire(&deaf.listens_not))
			cpu_relax();
		tlb_flush_range(WINDOW, WINDOW + PAGE_SIZE);
		smp_store_release(&deaf.flushed, true);
		task_join(t);
		EXPECT(!deaf.overtaken);
	}
}

static int ask_often(void *unused)
{
	for (int i = 0; i < 20; i++)
		tlb_flush_range(WINDOW + i * PAGE_SIZE,
				WINDOW + (i + 1) * PAGE_SIZE);
	return 0;
}

/* More requests than the ring holds, from all CPUs: all come back. */
TEST(paging, flushes_from_all_cpus_at_once_all_end)
{
	struct task *threads[MAX_READERS];
	unsigned int nr = min(num_online_cpus(), MAX_READERS);

	for (unsigned int i = 0; i < nr; i++) {
		threads[i] = kthread_create_on_cpu(
			ask_often, NULL, cpumask_nth(i, cpu_online_mask),
			"asker");
		ASSERT(!IS_ERR(threads[i]));
		wake_up_process(threads[i]);
	}
	for (unsigned int i = 0; i < nr; i++)
		task_join(threads[i]);
}
