/* SPDX-License-Identifier: MIT */
/*
 * boot_info.h - what every door hands over, in one form.
 *
 * Filled once, before anything else runs, by the door the image came in by;
 * read-only afterwards.  Addresses are physical.
 */
#pragma once
#include <lib/types.h>

#define BOOT_MAX_RANGES	 128
#define BOOT_MAX_CMDLINE 2048

enum boot_door { BOOT_DOOR_PVH = 1, BOOT_DOOR_MULTIBOOT2 = 2 };

enum boot_range_type {
	BOOT_RANGE_USABLE = 1,
	BOOT_RANGE_RESERVED,
	BOOT_RANGE_ACPI, /* tables; ours after they are read */
	BOOT_RANGE_NVS,	 /* firmware's for ever */
	BOOT_RANGE_BAD,
};

struct boot_range {
	phys_addr_t start;
	phys_addr_t end; /* exclusive */
	enum boot_range_type type;
};

enum boot_screen_type { BOOT_SCREEN_NONE, BOOT_SCREEN_TEXT, BOOT_SCREEN_RGB };

struct boot_screen {
	enum boot_screen_type type;
	phys_addr_t base;
	u32 width, height; /* characters, or pixels */
	u32 pitch;	   /* bytes from one line to the next */
	u8 bits_per_pixel;
	u8 red_shift, red_bits;
	u8 green_shift, green_bits;
	u8 blue_shift, blue_bits;
};

struct boot_info {
	enum boot_door door;
	char loader[64]; /* name, for the banner */
	bool uefi;
	u64 entry_tsc; /* when the first line of C ran */

	/* Sorted, disjoint; everything not named is a hole. */
	struct boot_range ranges[BOOT_MAX_RANGES];
	unsigned int nr_ranges;
	unsigned int nr_nonsense; /* ranges no machine can have */
	u64 lost_bytes;		  /* usable, but one range too many */
	u64 unreachable_bytes;	  /* usable, but the CPU cannot address it */

	/* A modules' range must not be handed out before it is read. */
	phys_addr_t initrd_start, initrd_end;

	phys_addr_t rsdp; /* 0: none told, search the BIOS areas */
	u8 rsdp_copy[36]; /* where rsdp points if the loader's would not last */
	struct boot_screen screen;
	char cmdline[BOOT_MAX_CMDLINE];
};

extern struct boot_info boot_info;
