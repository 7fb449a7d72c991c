/* SPDX-License-Identifier: MIT */
/*
 * boot_info.c - one form for what three doors tell.
 */
#include <arch/early_console.h>
#include <arch/upcalls.h>
#include "boot_impl.h"

struct boot_info boot_info;

void boot_info_add_range(struct boot_info *bi, phys_addr_t start, u64 size,
			 enum boot_range_type type)
{
	if (bi->nr_ranges < BOOT_MAX_RANGES)
		bi->ranges[bi->nr_ranges++] =
			(struct boot_range){start, start + size, type};
}

/* Called by entry.asm, on the boot CPU's first stack, interrupts off. */
void boot_main(enum boot_door door, phys_addr_t info);
void boot_main(enum boot_door door, phys_addr_t info)
{
	early_console_init();
	boot_info.door = door;
	if (door == BOOT_DOOR_PVH)
		pvh_read_info(&boot_info, info);
	else
		early_die("no such door");
	kernel_main();
}
