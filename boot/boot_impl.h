/* SPDX-License-Identifier: MIT */
/* boot_impl.h - between the doors and boot_main(). */
#pragma once
#include <boot/boot_info.h>

/* Each fills *bi from its loader's information, and panics on the serial line
 * when that is unusable. */
void pvh_read_info(struct boot_info *bi, phys_addr_t info);
void multiboot2_read_info(struct boot_info *bi, phys_addr_t info);

/* The same on any memory below EARLY_MAP_END.  False: it is no start info. */
bool pvh_parse(struct boot_info *bi, const void *start_info);
void multiboot2_parse(struct boot_info *bi, const void *information);

/* Append up to @len characters of @text, after a blank if need be. */
void boot_info_add_cmdline(struct boot_info *bi, const char *text, size_t len);

/* Set what boot_info.cmdline says. */
void boot_params_init(void);

/*
 * Add one range as the loader told it; order and overlaps do not matter.  What
 * no machine can have (empty, past 52 bits, wrapping around) is cut to what
 * makes sense.  When the table is full, the smallest usable range gives way:
 * losing memory is better than taking somebody else's.
 */
void boot_info_add_range(struct boot_info *bi, phys_addr_t start, u64 size,
			 u32 type);

/*
 * Sorted, disjoint and merged: @in becomes @out.  Where ranges overlap, the
 * stricter type wins; usable ranges shrink to whole pages.  Returns how many
 * there are, at most @max; *@lost is how many usable bytes did not fit.
 */
unsigned int boot_ranges_normalise(const struct boot_range *in,
				   unsigned int nr_in, struct boot_range *out,
				   unsigned int max, u64 *lost);
void boot_info_normalise(struct boot_info *bi);

/* Leave out what lies at @limit or above, of a normalised map. */
void boot_info_clip(struct boot_info *bi, phys_addr_t limit);

/* Could a device be there?  Usable memory is none, and neither is an address
 * that no machine has. */
bool boot_info_is_free_of_ram(const struct boot_info *bi, phys_addr_t start,
			      u64 size);

/* A screen whose pixels are said to lie in memory is none. */
void boot_info_check_screen(struct boot_info *bi);
