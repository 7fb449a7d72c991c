/* SPDX-License-Identifier: MIT */
/*
 * pvh.c - the door QEMU's -kernel comes through.
 *
 * The loader leaves a struct hvm_start_info, version 1, low in memory that it
 * also calls usable, so all of it is copied out before anyone may allocate.
 * Its pointers are followed only as far as the boot map shows memory.
 * Source: the PVH boot ABI, xen/include/public/arch-x86/hvm/start_info.h.
 */
#include <arch/layout.h>
#include <arch/early_console.h>
#include <arch/io.h>
#include <boot/note.h>
#include <lib/math.h>
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

/* @nr things of @size at @pa; NULL if nothing is there, or not yet to be seen. */
static const void *table_at(phys_addr_t pa, u32 nr, size_t size)
{
	if (!pa || pa >= EARLY_MAP_END || nr > (EARLY_MAP_END - pa) / size)
		return NULL;
	return phys_to_virt(pa);
}

static void read_map(struct boot_info *bi, const struct pvh_start_info *si)
{
	const struct pvh_range *map =
		table_at(si->memmap, si->nr_memmap, sizeof(*map));

	if (!map) {
		boot_warn("PVH: memory map of %u ranges at %#llx; ignored",
			  si->nr_memmap, si->memmap);
		return;
	}
	for (u32 i = 0; i < si->nr_memmap; i++)
		boot_info_add_range(bi, map[i].base, map[i].size, map[i].type);
}

static void read_cmdline(struct boot_info *bi, phys_addr_t pa)
{
	const char *text = table_at(pa, 1, 1);

	if (text)
		boot_info_add_cmdline(
			bi, text,
			min(EARLY_MAP_END - pa, (phys_addr_t)BOOT_MAX_CMDLINE));
	else if (pa)
		boot_warn("PVH: command line at %#llx; ignored", pa);
}

static void read_module(struct boot_info *bi, const struct pvh_start_info *si)
{
	const struct pvh_module *mod;
	phys_addr_t end;

	if (!si->nr_modules)
		return;
	mod = table_at(si->modules, 1, sizeof(*mod));
	if (!mod || check_add_overflow(mod->base, mod->size, &end)) {
		boot_warn("PVH: module, told of at %#llx; ignored",
			  si->modules);
		return;
	}
	bi->initrd_start = mod->base;
	bi->initrd_end = end;
}

bool pvh_parse(struct boot_info *bi, const void *start_info)
{
	const struct pvh_start_info *si = start_info;

	if (si->magic != PVH_MAGIC || si->version < 1)
		return false;
	strlcpy(bi->loader, "PVH", sizeof(bi->loader));
	bi->rsdp = si->rsdp;
	read_map(bi, si);
	read_cmdline(bi, si->cmdline);
	read_module(bi, si);
	return true;
}

void pvh_read_info(struct boot_info *bi, phys_addr_t info)
{
	if (!pvh_parse(bi, phys_to_virt(info)))
		early_die("PVH start info has no memory map");
	find_text_screen(&bi->screen);
}
