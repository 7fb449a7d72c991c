/* SPDX-License-Identifier: MIT */
/*
 * paging_init.c - the final map, and windows for devices.
 *
 * The boot map shows the first 4 GiB three times, writable and executable.  It
 * goes.  What takes its place: the image by its segments, each with its own
 * rights; all memory in the direct map, where text and rodata are read-only as
 * well; no low half.  Nothing is both writable and executable, and everything
 * is global, since there is one address space.
 *
 * The top level's entries for all regions are made here, so that the top
 * level hardly ever changes again: for the start-up page of other CPUs, and
 * when arenas spread over more than half a TiB.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/features.h>
#include <arch/paging.h>
#include <boot/boot_info.h>
#include <errno.h>
#include <lib/atomic.h>
#include "arch_impl.h"
#include "paging_impl.h"

extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];
extern char __data_start[], __image_end[];
extern char boot_stack_guard[], boot_stack[];

static const struct region {
	unsigned long base, size;
} regions[] = {
	{ARENA_BASE, 1},
	{VMALLOC_BASE, VMALLOC_SIZE},
	{PERCPU_BASE, PERCPU_SIZE},
	{TRAP_STACK_BASE, 1},
	{DEVICE_BASE, DEVICE_SIZE},
	{PATCH_WINDOW, 1},
	{VMEMMAP_BASE, VMEMMAP_SIZE},
	{KERNEL_VMA, -KERNEL_VMA},
};

static void need(bool ok)
{
	if (!ok)
		early_die("no memory for the page tables");
}

static void map_image_part(u64 *root, const char *start, const char *end,
			   unsigned int prot)
{
	need(paging_map_in(root, (unsigned long)start, virt_to_phys(start),
			   end - start, prot | PAGE_SMALL) == 0);
}

static void map_image(u64 *root)
{
	map_image_part(root, __text_start, __text_end, PAGE_KERNEL_RX);
	map_image_part(root, __rodata_start, __rodata_end, PAGE_KERNEL_RO);
	map_image_part(root, __data_start, boot_stack_guard, PAGE_KERNEL);
	map_image_part(root, boot_stack, __image_end, PAGE_KERNEL);
}

/* Map [*start, end) of the direct map without the text and rodata in it. */
static void map_ram(u64 *root, phys_addr_t start, phys_addr_t end)
{
	const phys_addr_t ro_start = virt_to_phys(__text_start);
	const phys_addr_t ro_end = virt_to_phys(__rodata_end);

	while (start < end) {
		phys_addr_t stop = end;
		unsigned int prot = PAGE_KERNEL;

		if (start < ro_start && ro_start < end) {
			stop = ro_start;
		} else if (start >= ro_start && start < ro_end) {
			stop = ro_end < end ? ro_end : end;
			prot = PAGE_KERNEL_RO;
		}
		need(paging_map_in(root, DIRECT_MAP_BASE + start, start,
				   stop - start, prot) == 0);
		start = stop;
	}
}

static bool is_memory(enum boot_range_type type)
{
	return type == BOOT_RANGE_USABLE || type == BOOT_RANGE_ACPI ||
	       type == BOOT_RANGE_NVS;
}

/* Whole pages, and one mapping for ranges that touch. */
static void map_direct(u64 *root)
{
	phys_addr_t start = 0, end = 0;

	for (unsigned int i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];
		phys_addr_t from = r->start & PAGE_MASK;
		phys_addr_t to = (r->end + PAGE_SIZE - 1) & PAGE_MASK;

		if (!is_memory(r->type))
			continue;
		if (from > end) {
			map_ram(root, start, end);
			start = from;
		}
		if (to > end)
			end = to;
	}
	map_ram(root, start, end);
}

void paging_init(void)
{
	u64 dummy = 0;
	u64 *root = paging_ensure_table(&dummy);

	need(root);
	for (int i = 0; i < ARRAY_SIZE(regions); i++) {
		unsigned long va = regions[i].base;
		unsigned long last = va + regions[i].size - 1;

		for (unsigned int slot = level_index(va, TOP_LEVEL);
		     slot <= level_index(last, TOP_LEVEL); slot++)
			need(paging_ensure_table(&root[slot]));
	}
	map_image(root);
	map_direct(root);

	kernel_pml4 = root;
	write_cr3(virt_to_phys(root));
	write_cr0(read_cr0() | CR0_WP);
}

/* -- devices ------------------------------------------------------------------
 *
 * Addresses are given out once and never come back: a device stays. */

static atomic_long_t device_used;

static void *device_map(phys_addr_t pa, unsigned long size, unsigned int prot)
{
	unsigned long offset = pa & ~PAGE_MASK;
	unsigned long span = (offset + size + PAGE_SIZE - 1) & PAGE_MASK;
	unsigned long va;

	/* One page more, which stays unmapped. */
	va = DEVICE_BASE +
	     atomic_long_fetch_add(span + PAGE_SIZE, &device_used);
	if (va + span > DEVICE_BASE + DEVICE_SIZE)
		return NULL;
	if (paging_map(va, pa - offset, span, prot))
		return NULL;
	return (void *)(va + offset);
}

volatile void *mmio_map(phys_addr_t pa, unsigned long size)
{
	return device_map(pa, size, PAGE_DEVICE);
}

void *firmware_map(phys_addr_t pa, unsigned long size, unsigned int prot)
{
	return device_map(pa, size, prot);
}
