/* SPDX-License-Identifier: MIT */
/* multiboot2_test.c - tags as loaders send them, and as they should not. */
#include <arch/layout.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "boot_impl.h"

static struct boot_info bi; /* too big for a stack */
static char said[256];
static struct {
	u32 total_size, reserved;
	u8 tags[1024];
} info __attribute__((aligned(8)));
static size_t used;

static void start(void)
{
	memset(&bi, 0, sizeof(bi));
	memset(&info, 0, sizeof(info));
	used = 0;
}

static void add(u32 type, u32 size, const void *payload, size_t len)
{
	memcpy(info.tags + used, &type, 4);
	memcpy(info.tags + used + 4, &size, 4);
	memcpy(info.tags + used + 8, payload, len);
	used = ALIGN(used + 8 + len, 8);
}

static void add_tag(u32 type, const void *payload, size_t len)
{
	add(type, 8 + len, payload, len);
}

static void hear(enum boot_note_level level, const char *note)
{
	strlcat(said, note, sizeof(said));
}

static void parse(void)
{
	boot_note_sink_t old;

	said[0] = '\0';
	info.total_size = 8 + used;
	old = boot_note_set_sink(hear);
	multiboot2_parse(&bi, &info);
	boot_note_set_sink(old);
}

static void finish_and_parse(void)
{
	add_tag(0, "", 0);
	parse();
}

TEST(multiboot2, every_tag_is_read)
{
	static const struct {
		u32 entry_size, version;
		struct {
			u64 base, size;
			u32 type, zero;
		} e[2];
	} map = {24, 0, {{0x1000, 0x2000, 1, 0}, {0x8000, 0x1000, 2, 0}}};
	static const u32 module[] = {0x200000, 0x201234, 0};
	static const u8 screen[] = {0,	0, 0, 0xfd, 0,	0, 0, 0, 0, 16,
				    0,	0, 0, 4,    0,	0, 0, 3, 0, 0,
				    32, 1, 0, 0,    16, 8, 8, 8, 0, 8};

	start();
	add_tag(1, "a=1 b=2", 8);
	add_tag(2, "GRUB 9", 7);
	add_tag(3, module, sizeof(module));
	add_tag(6, &map, sizeof(map));
	add_tag(8, screen, sizeof(screen));
	add_tag(12, "12345678", 8);
	add_tag(77, "whatever", 9);
	finish_and_parse();

	EXPECT_STREQ(said, "");
	EXPECT_STREQ(bi.cmdline, "a=1 b=2");
	EXPECT_STREQ(bi.loader, "GRUB 9");
	EXPECT(bi.uefi);
	EXPECT_EQ(bi.initrd_start, 0x200000);
	EXPECT_EQ(bi.initrd_end, 0x201234);
	ASSERT_EQ(bi.nr_ranges, 2);
	EXPECT_EQ(bi.ranges[0].end, 0x3000);
	EXPECT_EQ((int)bi.ranges[1].type, BOOT_RANGE_RESERVED);
	EXPECT_EQ((int)bi.screen.type, BOOT_SCREEN_RGB);
	EXPECT_EQ(bi.screen.base, 0xfd000000);
	EXPECT_EQ(bi.screen.pitch, 4096);
	EXPECT_EQ(bi.screen.width, 1024);
	EXPECT_EQ(bi.screen.height, 768);
	EXPECT_EQ(bi.screen.bits_per_pixel, 32);
	EXPECT_EQ(bi.screen.red_shift, 16);
	EXPECT_EQ(bi.screen.blue_bits, 8);
}

TEST(multiboot2, the_newer_acpi_root_wins_in_either_order)
{
	for (int new_first = 0; new_first < 2; new_first++) {
		start();
		if (new_first)
			add_tag(15, "new RSDP", 36);
		add_tag(14, "old RSDP", 20);
		if (!new_first)
			add_tag(15, "new RSDP", 36);
		finish_and_parse();
		EXPECT_EQ(bi.rsdp, virt_to_phys(bi.rsdp_copy));
		EXPECT(!memcmp(bi.rsdp_copy, "new RSDP", 8));
	}
	start();
	add_tag(14, "old RSDP", 20);
	finish_and_parse();
	EXPECT(!memcmp(bi.rsdp_copy, "old RSDP", 8));
}

TEST(multiboot2, a_text_screen_is_one)
{
	static const u8 screen[] = {0,	 0x80, 0xb, 0, 0,  0, 0, 0,
				    160, 0,    0,   0, 80, 0, 0, 0,
				    25,	 0,    0,   0, 16, 2, 0, 0};

	start();
	add_tag(8, screen, sizeof(screen));
	finish_and_parse();
	EXPECT_EQ((int)bi.screen.type, BOOT_SCREEN_TEXT);
	EXPECT_EQ(bi.screen.base, 0xb8000);
	EXPECT_EQ(bi.screen.width, 80);
}

/* Pixels whose colours are not told cannot be drawn. */
TEST(multiboot2, pixels_without_colours_are_no_screen)
{
	u8 screen[24] = {0};

	start();
	screen[21] = 1;
	add_tag(8, screen, sizeof(screen));
	finish_and_parse();
	EXPECT_EQ((int)bi.screen.type, BOOT_SCREEN_NONE);
}

/* Only one is kept from being given out: say so. */
TEST(multiboot2, a_second_module_is_named)
{
	static const u32 first[] = {0x200000, 0x280000}, none[] = {0x10, 0x10};
	static const u32 second[] = {0x300000, 0x301000};

	start();
	add_tag(3, none, sizeof(none));
	add_tag(3, first, sizeof(first));
	finish_and_parse();
	EXPECT_STREQ(said, "");
	start();
	add_tag(3, first, sizeof(first));
	add_tag(3, second, sizeof(second));
	finish_and_parse();
	EXPECT_EQ(bi.initrd_start, 0x200000);
	EXPECT_EQ(bi.initrd_end, 0x280000);
	EXPECT(strstr(said, "module at 0x300000"));
}

/* Text without an end, in tags that end before it. */
TEST(multiboot2, texts_end_with_their_tags)
{
	start();
	add_tag(1, "abcdefgh", 8);
	add_tag(2,
		"GRUB....................................................."
		"............................",
		80);
	finish_and_parse();
	EXPECT_STREQ(bi.cmdline, "abcdefgh");
	EXPECT_EQ(strlen(bi.loader), sizeof(bi.loader) - 1);
}

TEST(multiboot2, short_tags_are_left_out)
{
	static const u32 small_entries[] = {8, 0, 0x1000, 0x1000, 1, 0};

	start();
	add_tag(3, "1234", 4);
	add_tag(6, "1234", 4);
	add_tag(8, "1234", 4);
	add_tag(6, small_entries, sizeof(small_entries));
	add_tag(1, "a=1", 4);
	finish_and_parse();
	EXPECT_EQ(bi.nr_ranges, 0);
	EXPECT_EQ(bi.initrd_end, 0);
	EXPECT_EQ((int)bi.screen.type, BOOT_SCREEN_NONE);
	EXPECT_STREQ(bi.cmdline, "a=1");
	EXPECT(strstr(said, "type 3 has 12 bytes"));
	EXPECT(strstr(said, "type 6 has 12 bytes"));
	EXPECT(strstr(said, "type 8 has 12 bytes"));
	EXPECT(strstr(said, "8-byte entries"));
}

/* Tags that stand still, that reach too far, and that never end. */
TEST(multiboot2, broken_lists_end_the_walk)
{
	static const u32 sizes[] = {0, 7, 1000, ~0u};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		start();
		add_tag(1, "a=1", 4);
		add(2, sizes[i], "GRUB", 5);
		finish_and_parse();
		EXPECT_STREQ(bi.cmdline, "a=1");
		EXPECT_STREQ(bi.loader, "multiboot2");
		EXPECT(strstr(said, "breaks off"));
	}
	start();
	add_tag(1, "a=1", 4);
	parse();
	EXPECT_STREQ(bi.cmdline, "a=1");
	EXPECT(strstr(said, "breaks off"));
	start();
	parse();
	EXPECT(strstr(said, "breaks off"));
}
