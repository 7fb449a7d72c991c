/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg.c - files that QEMU's command line hands to its guest.
 *
 * Two ports: write which item, then read it byte by byte.  Item 0 says "QEMU",
 * item 0x19 lists the files.  Numbers in the list are big-endian.
 * Source: QEMU, docs/specs/fw_cfg.
 *
 * On a real PC those ports may belong to anything, so nothing is written there
 * unless CPUID says that there is a hypervisor.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <boot/fw_cfg.h>
#include <errno.h>
#include <string.h>

#define FW_CFG_SELECT	 0x510
#define FW_CFG_DATA	 0x511
#define ITEM_SIGNATURE	 0x00
#define ITEM_FILES	 0x19
#define NAME_SIZE	 56
#define MAX_FILES	 1024
#define CPUID_HYPERVISOR (1u << 31) /* leaf 1, ECX */

struct file_entry {
	u32 size;
	u16 item;
	u16 reserved;
	char name[NAME_SIZE];
};

static void read_bytes(void *buf, size_t len)
{
	for (u8 *p = buf; len > 0; len--)
		*p++ = inb(FW_CFG_DATA);
}

static bool is_present(void)
{
	char signature[4];

	if (!(cpuid(1).ecx & CPUID_HYPERVISOR))
		return false;
	outw(ITEM_SIGNATURE, FW_CFG_SELECT);
	read_bytes(signature, sizeof(signature));
	return !memcmp(signature, "QEMU", sizeof(signature));
}

long fw_cfg_read(const char *name, void *buf, size_t len)
{
	struct file_entry f;
	u32 nr_files;

	if (!is_present())
		return -ENOENT;
	outw(ITEM_FILES, FW_CFG_SELECT);
	read_bytes(&nr_files, sizeof(nr_files));
	nr_files = __builtin_bswap32(nr_files);
	if (nr_files > MAX_FILES)
		return -ENOENT;

	while (nr_files-- > 0) {
		read_bytes(&f, sizeof(f));
		if (strncmp(f.name, name, NAME_SIZE))
			continue;
		outw(__builtin_bswap16(f.item), FW_CFG_SELECT);
		f.size = __builtin_bswap32(f.size);
		read_bytes(buf, len < f.size ? len : f.size);
		return f.size;
	}
	return -ENOENT;
}
