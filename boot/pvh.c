/* SPDX-License-Identifier: MIT */
/*
 * pvh.c - the door QEMU's -kernel comes through.
 *
 * The loader leaves a struct hvm_start_info, version 1, low in memory that it
 * also calls usable, so all of it is copied out before anyone may allocate.
 * Source: the PVH boot ABI, xen/include/public/arch-x86/hvm/start_info.h.
 */
#include <arch/layout.h>
#include <arch/early_console.h>
#include <string.h>
#include "boot_impl.h"

#define PVH_MAGIC 0x336ec578

struct pvh_start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	/* Version 1 and later. */
	u64 memmap;
	u32 nr_memmap, reserved;
};

struct pvh_module {
	u64 base, size, cmdline, reserved;
};

struct pvh_range {
	u64 base, size;
	u32 type, reserved;
};

void pvh_read_info(struct boot_info *bi, phys_addr_t info)
{
	const struct pvh_start_info *si = phys_to_virt(info);
	const struct pvh_range *map = phys_to_virt(si->memmap);

	if (si->magic != PVH_MAGIC || si->version < 1)
		early_die("PVH start info has no memory map");

	strlcpy(bi->loader, "PVH", sizeof(bi->loader));
	bi->rsdp = si->rsdp;
	for (u32 i = 0; i < si->nr_memmap; i++)
		boot_info_add_range(bi, map[i].base, map[i].size, map[i].type);
	if (si->cmdline)
		boot_info_add_cmdline(bi, phys_to_virt(si->cmdline),
				      BOOT_MAX_CMDLINE);
	if (si->nr_modules) {
		const struct pvh_module *mod = phys_to_virt(si->modules);

		bi->initrd_start = mod->base;
		bi->initrd_end = mod->base + mod->size;
	}
}
