/* SPDX-License-Identifier: MIT */
/* pvh_test.c - what a PVH loader may tell, and what it should not. */
#include <arch/layout.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "boot_impl.h"

/* As pvh.c has them, written out once more: these are the loader's. */
struct start_info {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp;
	u64 memmap;
	u32 nr_memmap, reserved;
};

static const struct {
	u64 base, size;
	u32 type, reserved;
} map[] = {
	{0x100000, 0x7f00000, 1, 0},
	{0, 0x9fc00, 1, 0},
	{0xfffc0000, 0x40000, 2, 0},
};

static u64 module[4] = {0x200000, 0x3000, 0, 0};
static struct start_info si;
static struct boot_info bi; /* too big for a stack */
static char said[512];

static void hear(enum boot_note_level level, const char *note)
{
	strlcat(said, note, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static void start(void)
{
	memset(&bi, 0, sizeof(bi));
	si = (struct start_info){
		.magic = 0x336ec578,
		.version = 1,
		.rsdp = 0xf5a40,
		.nr_modules = 1,
		.modules = virt_to_phys(module),
		.cmdline = virt_to_phys("a=1 b"),
		.memmap = virt_to_phys(map),
		.nr_memmap = ARRAY_SIZE(map),
	};
	module[0] = 0x200000;
}

static bool parse(void)
{
	boot_note_sink_t old = boot_note_set_sink(hear);
	bool ok;

	said[0] = '\0';
	ok = pvh_parse(&bi, &si);
	boot_note_set_sink(old);
	return ok;
}

TEST(pvh, everything_told_is_taken)
{
	start();
	EXPECT(parse());
	EXPECT_STREQ(said, "");
	EXPECT_STREQ(bi.loader, "PVH");
	EXPECT_STREQ(bi.cmdline, "a=1 b");
	EXPECT_EQ(bi.rsdp, 0xf5a40);
	EXPECT_EQ(bi.initrd_start, 0x200000);
	EXPECT_EQ(bi.initrd_end, 0x203000);
	ASSERT_EQ(bi.nr_ranges, 3);
	EXPECT_EQ(bi.ranges[1].end, 0x9fc00);
	EXPECT_EQ((int)bi.ranges[2].type, BOOT_RANGE_RESERVED);
}

TEST(pvh, strangers_and_ancestors_are_refused)
{
	start();
	si.magic++;
	EXPECT(!parse());
	start();
	si.version = 0; /* has no memory map */
	EXPECT(!parse());
	EXPECT_EQ(bi.nr_ranges, 0);
}

TEST(pvh, what_was_not_told_is_not_there)
{
	start();
	si.nr_modules = 0;
	si.cmdline = 0;
	si.rsdp = 0;
	EXPECT(parse());
	EXPECT_STREQ(said, "");
	EXPECT_EQ(bi.initrd_end, 0);
	EXPECT_STREQ(bi.cmdline, "");
}

/* Following any of these would end the boot without a word. */
TEST(pvh, pointers_out_of_reach_are_not_followed)
{
	static const u64 nowhere[] = {EARLY_MAP_END, 1ull << 52, ~0ull};

	for (unsigned int i = 0; i < ARRAY_SIZE(nowhere); i++) {
		start();
		si.memmap = nowhere[i];
		si.cmdline = nowhere[i];
		si.modules = nowhere[i];
		EXPECT(parse());
		EXPECT(strstr(said, "PVH: memory map of 3 ranges"));
		EXPECT(strstr(said, "PVH: command line at"));
		EXPECT(strstr(said, "PVH: module, told of at"));
		EXPECT_EQ(bi.nr_ranges, 0);
		EXPECT_EQ(bi.initrd_end, 0);
		EXPECT_STREQ(bi.cmdline, "");
	}

	start();
	si.memmap = 0;
	EXPECT(parse());
	EXPECT(strstr(said, "PVH: memory map of 3 ranges at 0;"));

	start();
	si.nr_memmap = ~0u;
	EXPECT(parse());
	EXPECT(strstr(said, "PVH: memory map of 4294967295 ranges"));
	EXPECT_EQ(bi.nr_ranges, 0);
}

TEST(pvh, a_module_that_wraps_around_is_left_out)
{
	start();
	module[0] = ~0ull - 0x1000;
	EXPECT(parse());
	EXPECT(strstr(said, "PVH: module"));
	EXPECT_EQ(bi.initrd_end, 0);
}
