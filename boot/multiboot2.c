/* SPDX-License-Identifier: MIT */
/*
 * multiboot2.c - the door GRUB comes through, on BIOS and on UEFI.
 *
 * The loader leaves a list of tags in memory that the map calls usable, so all
 * that matters is copied into boot_info; the ACPI root pointer too, which lies
 * inside a tag.  UEFI's own map (tag 17) is not read: the common one (tag 6)
 * has it translated, boot services' memory included.
 * Source: the Multiboot2 specification 2.0, chapter 3.6.
 */
#include <arch/early_console.h>
#include <arch/layout.h>
#include <boot/note.h>
#include <lib/compiler.h>
#include <lib/math.h>
#include <string.h>
#include "boot_impl.h"

#define TAG_ALIGN     8
#define MAX_INFO_SIZE (1u << 20)

enum {
	TAG_END = 0,
	TAG_CMDLINE = 1,
	TAG_LOADER_NAME = 2,
	TAG_MODULE = 3,
	TAG_MEMORY_MAP = 6,
	TAG_FRAMEBUFFER = 8,
	TAG_EFI_64 = 12,
	TAG_ACPI_OLD = 14,
	TAG_ACPI_NEW = 15,
};

struct tag {
	u32 type;
	u32 size; /* this header included, padding not */
};

struct information {
	u32 total_size;
	u32 reserved;
	struct tag first;
};

struct module_tag {
	struct tag tag;
	u32 start, end;
};

struct memory_map_tag {
	struct tag tag;
	u32 entry_size;
	u32 entry_version;
};

struct memory_map_entry {
	u64 base, size;
	u32 type; /* as in boot_range_type */
	u32 reserved;
};

enum { FRAMEBUFFER_RGB = 1, FRAMEBUFFER_TEXT = 2 };

struct framebuffer_tag {
	struct tag tag;
	u64 base;
	u32 pitch, width, height;
	u8 bits_per_pixel;
	u8 type;
	u16 reserved;
	/* FRAMEBUFFER_RGB only. */
	u8 red_shift, red_bits;
	u8 green_shift, green_bits;
	u8 blue_shift, blue_bits;
} __packed;

static const void *payload(const struct tag *t)
{
	return t + 1;
}

static size_t payload_size(const struct tag *t)
{
	return t->size - sizeof(*t);
}

static void read_memory_map(struct boot_info *bi, const struct tag *t)
{
	const struct memory_map_tag *map = (const void *)t;
	size_t left = t->size - sizeof(*map);
	const char *at = (const char *)(map + 1);

	if (map->entry_size < sizeof(struct memory_map_entry)) {
		boot_warn("multiboot2: memory map of %u-byte entries; ignored",
			  map->entry_size);
		return;
	}
	for (; left >= map->entry_size;
	     at += map->entry_size, left -= map->entry_size) {
		const struct memory_map_entry *e = (const void *)at;

		boot_info_add_range(bi, e->base, e->size, e->type);
	}
}

static void read_framebuffer(struct boot_info *bi, const struct tag *t)
{
	const struct framebuffer_tag *fb = (const void *)t;
	struct boot_screen *s = &bi->screen;

	s->base = fb->base;
	s->width = fb->width;
	s->height = fb->height;
	s->pitch = fb->pitch;
	s->bits_per_pixel = fb->bits_per_pixel;
	if (fb->type == FRAMEBUFFER_TEXT) {
		s->type = BOOT_SCREEN_TEXT;
	} else if (fb->type == FRAMEBUFFER_RGB && t->size >= sizeof(*fb)) {
		s->type = BOOT_SCREEN_RGB;
		s->red_shift = fb->red_shift;
		s->red_bits = fb->red_bits;
		s->green_shift = fb->green_shift;
		s->green_bits = fb->green_bits;
		s->blue_shift = fb->blue_shift;
		s->blue_bits = fb->blue_bits;
	}
}

/* The newer pointer wins, whichever comes first. */
static void read_rsdp(struct boot_info *bi, const struct tag *t)
{
	size_t size = min(payload_size(t), sizeof(bi->rsdp_copy));

	if (t->type == TAG_ACPI_OLD && bi->rsdp)
		return;
	memset(bi->rsdp_copy, 0, sizeof(bi->rsdp_copy));
	memcpy(bi->rsdp_copy, payload(t), size);
	bi->rsdp = virt_to_phys(bi->rsdp_copy);
}

static void read_module(struct boot_info *bi, const struct tag *t)
{
	const struct module_tag *mod = (const void *)t;

	if (mod->end <= mod->start)
		return;
	if (bi->initrd_end) {
		boot_warn("multiboot2: module at %#x is one too many; ignored",
			  mod->start);
		return;
	}
	bi->initrd_start = mod->start;
	bi->initrd_end = mod->end;
}

static void read_loader_name(struct boot_info *bi, const struct tag *t)
{
	size_t len = min(strnlen(payload(t), payload_size(t)),
			 sizeof(bi->loader) - 1);

	memcpy(bi->loader, payload(t), len);
	bi->loader[len] = '\0';
}

/* What a tag of this type holds at least, its header included. */
static size_t least_size(u32 type)
{
	switch (type) {
	case TAG_MODULE:
		return sizeof(struct module_tag);
	case TAG_MEMORY_MAP:
		return sizeof(struct memory_map_tag);
	case TAG_FRAMEBUFFER:
		return offsetof(struct framebuffer_tag, red_shift);
	}
	return sizeof(struct tag);
}

static void read_tag(struct boot_info *bi, const struct tag *t)
{
	if (t->size < least_size(t->type)) {
		boot_warn("multiboot2: tag of type %u has %u bytes; ignored",
			  t->type, t->size);
		return;
	}
	switch (t->type) {
	case TAG_CMDLINE:
		boot_info_add_cmdline(bi, payload(t), payload_size(t));
		break;
	case TAG_LOADER_NAME:
		read_loader_name(bi, t);
		break;
	case TAG_MODULE:
		read_module(bi, t);
		break;
	case TAG_MEMORY_MAP:
		read_memory_map(bi, t);
		break;
	case TAG_FRAMEBUFFER:
		read_framebuffer(bi, t);
		break;
	case TAG_EFI_64:
		bi->uefi = true;
		break;
	case TAG_ACPI_OLD:
	case TAG_ACPI_NEW:
		read_rsdp(bi, t);
		break;
	}
}

void multiboot2_parse(struct boot_info *bi, const void *information)
{
	const struct information *info = information;
	const char *at = (const char *)&info->first;
	size_t left = min(info->total_size, MAX_INFO_SIZE);

	strlcpy(bi->loader, "multiboot2", sizeof(bi->loader));
	left -= min(left, offsetof(struct information, first));
	while (left >= sizeof(struct tag)) {
		const struct tag *t = (const void *)at;
		size_t step;

		if (t->type == TAG_END)
			return;
		if (t->size < sizeof(*t) || t->size > left)
			break;
		read_tag(bi, t);
		step = min(ALIGN((size_t)t->size, TAG_ALIGN), left);
		at += step;
		left -= step;
	}
	boot_warn("multiboot2: the loader's information breaks off");
}

void multiboot2_read_info(struct boot_info *bi, phys_addr_t info)
{
	multiboot2_parse(bi, phys_to_virt(info));
}
