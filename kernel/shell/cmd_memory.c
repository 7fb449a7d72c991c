/* SPDX-License-Identifier: MIT */
/* cmd_memory.c - where the memory is. */
#include <lib/format.h>
#include <mm/page/zone.h>
#include <mm/virt/vmalloc.h>
#include "shell_impl.h"

static void line(const char *name, unsigned long pages, const char *what)
{
	char size[SH_UNIT_CHARS];

	sh_printf("%-14s %10s  %9lu pages  %s\n", name,
		  sh_size(size, (u64)pages * PAGE_SIZE), pages, what);
}

static void print_types(void)
{
	unsigned long pages[NR_PAGE_TYPES];
	char name[24];

	page_count_types(pages);
	for (int type = PAGE_USED; type < NR_PAGE_TYPES; type++) {
		if (!pages[type])
			continue;
		format(name, sizeof(name), "  %s", page_type_name(type));
		line(name, pages[type], "in use");
	}
}

static int cmd_meminfo(int argc, char **argv)
{
	struct vmalloc_info virt;
	struct page_info pages;

	page_get_info(&pages);
	vmalloc_get_info(&virt);
	line("total", pages.total, "managed by the page allocator");
	line("free", pages.free, "of that");
	line("in use", pages.in_use, "of that");
	print_types();
	line("vmalloc", virt.pages, "mapped by it: stacks, large tables");
	line("  its records", virt.metadata, "in use");
	line("reserved", pages.reserved, "never managed: image, boot, holes");
	line("  page array", pages.memmap, "of that: struct page");
	sh_printf("%-14s %10lu  allocations that found no memory\n", "failures",
		  pages.failures);
	sh_printf("%-14s %10lu  bad frees and damaged pages found\n", "errors",
		  pages.errors);
	return 0;
}
COMMAND(meminfo, "", "memory: total, free, and what it is used for",
	cmd_meminfo);

static int cmd_buddyinfo(int argc, char **argv)
{
	struct zone_info info;
	struct zone *zone;

	sh_printf("Free blocks of each order (order n is 2^n pages of 4 KiB):\n"
		  "node zone  ");
	for (int o = 0; o < NR_PAGE_ORDERS; o++)
		sh_printf("%6d", o);
	sh_printf("\n");
	for_each_zone(zone) {
		zone_get_info(zone, &info);
		sh_printf("%4d %-6s", info.nid, info.name);
		for (int o = 0; o < NR_PAGE_ORDERS; o++)
			sh_printf("%6lu", info.blocks[o]);
		sh_printf("\n");
	}
	return 0;
}
COMMAND(buddyinfo, "", "free blocks of each size, zone by zone", cmd_buddyinfo);

static void print_pcp(const struct zone_info *info)
{
	sh_printf("  on CPUs' lists  order     batch      high    blocks"
		  "    served\n");
	for (int i = 0; i < NR_PCP_LISTS; i++) {
		int order = i <= PCP_MAX_SMALL_ORDER ? i : PCP_HUGE_ORDER;

		sh_printf("%23d%10u%10u%10u%10lu\n", order,
			  info->pcp_lists[i].batch, info->pcp_lists[i].high,
			  info->pcp_lists[i].blocks, info->pcp_allocs[i]);
	}
}

static void print_zone(const struct zone_info *info)
{
	char size[SH_UNIT_CHARS];

	sh_printf("Node %d, zone %s: %s from %#lx\n", info->nid, info->name,
		  sh_size(size, (u64)info->managed * PAGE_SIZE),
		  info->start_pfn * PAGE_SIZE);
	sh_printf("  pages        spanned   present   managed      free"
		  "    on CPUs\n");
	sh_printf("             %9lu %9lu %9lu %9lu  %9lu\n", info->spanned,
		  info->present, info->managed, info->free, info->pcp);
	sh_printf("  watermarks       min       low      high   reserved for "
		  "lower zones\n");
	sh_printf("             %9lu %9lu %9lu  %9lu\n",
		  info->watermark[WMARK_MIN], info->watermark[WMARK_LOW],
		  info->watermark[WMARK_HIGH], info->lowmem_reserve);
	print_pcp(info);
	sh_printf("  refills %lu, flushes %lu\n", info->pcp_refills,
		  info->pcp_flushes);
}

static int cmd_zoneinfo(int argc, char **argv)
{
	struct zone_info info;
	struct zone *zone;

	for_each_zone(zone) {
		zone_get_info(zone, &info);
		print_zone(&info);
	}
	return 0;
}
COMMAND(zoneinfo, "", "each zone: sizes, watermarks, per-CPU lists",
	cmd_zoneinfo);

static int cmd_pageowner(int argc, char **argv)
{
	unsigned long sites = 10;

	if (argc > 2)
		return sh_usage(argv[0]);
	if (argc == 2 && !sh_number(argv[0], argv[1], 1, 64, &sites))
		return SH_USAGE;
	page_owner_report(sites, 0);
	return 0;
}
COMMAND(pageowner, "[SITES]", "who holds most pages, with page_debug=on",
	cmd_pageowner);
