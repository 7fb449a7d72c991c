/* SPDX-License-Identifier: MIT */
/* boot_impl.h - between the doors and boot_main(). */
#pragma once
#include <boot/boot_info.h>

/* Each fills *bi from its loader's information, and panics on the serial line
 * when that is unusable. */
void pvh_read_info(struct boot_info *bi, phys_addr_t info);
void multiboot2_read_info(struct boot_info *bi, phys_addr_t info);

/* Add one range as the loader told it; order and overlaps do not matter. */
void boot_info_add_range(struct boot_info *bi, phys_addr_t start, u64 size,
			 enum boot_range_type type);
