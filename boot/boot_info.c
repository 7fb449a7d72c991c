/* SPDX-License-Identifier: MIT */
/*
 * boot_info.c - one form for what three doors tell.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/layout.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <boot/fw_cfg.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include "boot_impl.h"

#define FW_CFG_CMDLINE "opt/tally/cmdline"

#define CPUID_MAX_EXTENDED   0x80000000u
#define CPUID_ADDRESS_BITS   0x80000008u /* EAX, lowest byte */
#define DEFAULT_ADDRESS_BITS 36u	 /* of CPUs without that leaf */

struct boot_info boot_info;

void boot_info_add_cmdline(struct boot_info *bi, const char *text, size_t len)
{
	size_t used = strlen(bi->cmdline);
	size_t room = sizeof(bi->cmdline) - 1 - used;

	len = strnlen(text, len);
	if (!len)
		return;
	if (used && room) {
		bi->cmdline[used++] = ' ';
		room--;
	}
	if (len > room) {
		boot_warn("command line is cut after %zu characters",
			  sizeof(bi->cmdline) - 1);
		len = room;
	}
	memcpy(bi->cmdline + used, text, len);
	bi->cmdline[used + len] = '\0';
}

/* What QEMU's user adds comes last, so that it wins. */
static void add_fw_cfg_cmdline(void)
{
	static char text[BOOT_MAX_CMDLINE];
	long len = fw_cfg_read(FW_CFG_CMDLINE, text, sizeof(text));

	if (len > 0)
		boot_info_add_cmdline(&boot_info, text, sizeof(text));
	if (len > (long)sizeof(text))
		boot_warn("%s is cut after %zu characters", FW_CFG_CMDLINE,
			  sizeof(text));
}

static void report_map(void)
{
	if (boot_info.nr_nonsense)
		boot_warn("memory map: %u ranges that no machine can have",
			  boot_info.nr_nonsense);
	if (boot_info.lost_bytes)
		boot_warn("memory map: too many ranges, %llu KiB left unused",
			  boot_info.lost_bytes >> 10);
	if (boot_info.unreachable_bytes)
		boot_warn("memory map: %llu MiB where this CPU or the direct "
			  "map does not reach, left unused",
			  boot_info.unreachable_bytes >> 20);
}

/* The end of what both the CPU and the direct map can address. */
static phys_addr_t end_of_reach(void)
{
	unsigned int bits = DEFAULT_ADDRESS_BITS;

	if (cpuid(CPUID_MAX_EXTENDED).eax >= CPUID_ADDRESS_BITS)
		bits = cpuid(CPUID_ADDRESS_BITS).eax & 0xff;
	return min(1ull << clamp(bits, 32u, 52u), (u64)DIRECT_MAP_SIZE);
}

void boot_info_check_screen(struct boot_info *bi)
{
	struct boot_screen *s = &bi->screen;

	if (s->type == BOOT_SCREEN_NONE ||
	    boot_info_is_free_of_ram(bi, s->base, (u64)s->pitch * s->height))
		return;
	boot_warn("screen: %u lines of %u bytes cannot be at %#llx, which is "
		  "memory or nowhere; ignored",
		  s->height, s->pitch, s->base);
	s->type = BOOT_SCREEN_NONE;
}

/* Called by entry.asm, on the boot CPU's first stack, interrupts off. */
void boot_main(enum boot_door door, phys_addr_t info);
void boot_main(enum boot_door door, phys_addr_t info)
{
	boot_info.entry_tsc = rdtsc();
	early_console_init();
	trap_init_boot(); /* from here on a fault is told, too */
	boot_info.door = door;
	if (door == BOOT_DOOR_PVH)
		pvh_read_info(&boot_info, info);
	else
		multiboot2_read_info(&boot_info, info);

	boot_info_normalise(&boot_info);
	boot_info_clip(&boot_info, end_of_reach());
	report_map();
	boot_info_check_screen(&boot_info);
	add_fw_cfg_cmdline();
	boot_params_init();
	kernel_main();
}
