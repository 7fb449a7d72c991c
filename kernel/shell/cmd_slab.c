/* SPDX-License-Identifier: MIT */
/* cmd_slab.c - caches of objects and per-CPU memory, as the shell shows them. */
#include <kernel/shell/shell.h>
#include <lib/glob.h>
#include <mm/percpu/percpu.h>
#include <mm/slab/slab.h>
#include <string.h>

/* Of @part in @whole, in percent; 100 of nothing. */
static unsigned long percent(unsigned long part, unsigned long whole)
{
	return whole ? part * 100 / whole : 100;
}

struct choice {
	const char *glob; /* NULL: all */
	unsigned int nr;  /* shown so far */
};

static void print_cache(const struct slabinfo *info, void *arg)
{
	struct choice *choice = arg;
	unsigned long bytes = info->slabs << (info->order + PAGE_SHIFT);
	unsigned long allocs = info->alloc_fast + info->alloc_slow;
	unsigned long frees = info->free_fast + info->free_slow;

	if (choice->glob && !glob_match(choice->glob, info->name))
		return;
	choice->nr++;
	sh_printf("%-16s %6u %6u %8lu %6lu %6lu %5lu %4lu%% %4lu%% %4lu%%\n",
		  info->name, info->object_size, info->size, info->objects,
		  info->cpu_objects, info->slabs, info->partial_slabs,
		  100 - percent(info->objects * info->object_size, bytes),
		  percent(info->alloc_fast, allocs),
		  percent(info->free_fast, frees));
	if (info->aliases || info->errors)
		sh_printf("%-16s %u more names, %lu corruptions found\n", "",
			  info->aliases, info->errors);
	if (info->flags & SLAB_ACCOUNT || info->owner_bytes)
		sh_printf("%-16s charged to groups%s, %lu bytes of owners\n",
			  "",
			  info->flags & SLAB_ACCOUNT ? "" : " when asked for",
			  info->owner_bytes);
}

static int cmd_slabinfo(int argc, char **argv)
{
	struct choice choice = {.glob = argv[1]};

	if (argc > 2)
		return sh_usage(argv[0]);
	sh_printf("shape: %s; `waste' is memory in slabs that no object uses\n"
		  "%-16s %6s %6s %8s %6s %6s %5s %5s %5s %5s\n",
		  slab_shape_name(), "cache", "bytes", "stride", "objects",
		  "spare", "slabs", "part.", "waste", "fast+", "fast-");
	slab_for_each_cache(print_cache, &choice);
	if (!choice.nr)
		sh_error("slabinfo: nothing matches '%.40s'\n", argv[1]);
	return choice.nr ? 0 : 1;
}
COMMAND(slabinfo, "[GLOB]",
	"caches of objects: sizes, use, and which path served", cmd_slabinfo);

static int cmd_percpuinfo(int argc, char **argv)
{
	struct percpu_info info;

	percpu_get_info(&info);
	sh_printf("chunks     %8u  of %zu KiB for each CPU\n", info.nr_chunks,
		  info.unit_size / 1024);
	sh_printf("areas      %8lu  handed out\n", info.nr_allocs);
	sh_printf("used       %8zu  bytes of each CPU's memory\n", info.used);
	sh_printf("pages      %8lu  behind the chunks, for all CPUs\n",
		  info.populated_pages);
	sh_printf("in reserve %8lu  pages of each CPU, for who cannot wait\n",
		  info.reserve_pages);
	return 0;
}
COMMAND(percpuinfo, "", "dynamic per-CPU memory", cmd_percpuinfo);
