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
#include <arch/io.h>
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

/*
 * PVH says nothing of the screen, but the BIOS that ran before left its notes
 * in the data area at 0x400, and a VGA answers.
 */
#define BDA_VIDEO_MODE	 0x449
#define BDA_COLUMNS	 0x44a
#define BDA_LAST_ROW	 0x484
#define MODE_COLOUR_TEXT 3
#define TEXT_WINDOW	 0xb8000
#define CRTC_INDEX	 0x3d4
#define CRTC_DATA	 0x3d5
#define CRTC_CURSOR_LOW	 0x0f

/* Does a register keep what is written to it? */
static bool vga_answers(void)
{
	bool kept;
	u8 old;

	outb(CRTC_CURSOR_LOW, CRTC_INDEX);
	old = inb(CRTC_DATA);
	outb(old ^ 0x5a, CRTC_DATA);
	kept = inb(CRTC_DATA) == (old ^ 0x5a);
	outb(old, CRTC_DATA);
	return kept;
}

static void find_text_screen(struct boot_screen *s)
{
	u8 mode = *(const u8 *)phys_to_virt(BDA_VIDEO_MODE);
	u16 columns = *(const u16 *)phys_to_virt(BDA_COLUMNS);
	u8 last_row = *(const u8 *)phys_to_virt(BDA_LAST_ROW);

	if (mode != MODE_COLOUR_TEXT || !columns || !vga_answers())
		return;
	s->type = BOOT_SCREEN_TEXT;
	s->base = TEXT_WINDOW;
	s->width = columns;
	s->height = last_row ? last_row + 1 : 25;
	s->pitch = columns * 2;
}

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
	find_text_screen(&bi->screen);
}
