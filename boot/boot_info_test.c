/* SPDX-License-Identifier: MIT */
/* boot_info_test.c - maps as no firmware should tell them. */
#include <boot/boot_info.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "boot_impl.h"

static struct boot_info bi; /* too big for a stack */

static void reset(void)
{
	memset(&bi, 0, sizeof(bi));
}

static void expect_range(unsigned int i, u64 start, u64 end, int type)
{
	ASSERT_LT(i, bi.nr_ranges);
	EXPECT_EQ(bi.ranges[i].start, start);
	EXPECT_EQ(bi.ranges[i].end, end);
	EXPECT_EQ((int)bi.ranges[i].type, type);
}

TEST(boot_info, unsorted_touching_ranges_become_one)
{
	reset();
	boot_info_add_range(&bi, 0x3000, 0x1000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x1000, 0x1000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x2000, 0x1000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x8000, 0x1000, BOOT_RANGE_USABLE);
	boot_info_normalise(&bi);
	EXPECT_EQ(bi.nr_ranges, 2);
	expect_range(0, 0x1000, 0x4000, BOOT_RANGE_USABLE);
	expect_range(1, 0x8000, 0x9000, BOOT_RANGE_USABLE);
}

TEST(boot_info, the_stricter_type_wins_an_overlap)
{
	reset();
	boot_info_add_range(&bi, 0, 0x10000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x4000, 0x4000, BOOT_RANGE_RESERVED);
	boot_info_add_range(&bi, 0x6000, 0x4000, BOOT_RANGE_ACPI);
	boot_info_add_range(&bi, 0x5000, 0x1000, BOOT_RANGE_BAD);
	boot_info_normalise(&bi);
	EXPECT_EQ(bi.nr_ranges, 6);
	expect_range(0, 0, 0x4000, BOOT_RANGE_USABLE);
	expect_range(1, 0x4000, 0x5000, BOOT_RANGE_RESERVED);
	expect_range(2, 0x5000, 0x6000, BOOT_RANGE_BAD);
	expect_range(3, 0x6000, 0x8000, BOOT_RANGE_RESERVED);
	expect_range(4, 0x8000, 0xa000, BOOT_RANGE_ACPI);
	expect_range(5, 0xa000, 0x10000, BOOT_RANGE_USABLE);
}

TEST(boot_info, unknown_types_are_reserved)
{
	reset();
	boot_info_add_range(&bi, 0x1000, 0x1000, 0);
	boot_info_add_range(&bi, 0x2000, 0x1000, 20);
	boot_info_add_range(&bi, 0x3000, 0x1000, 0xffffffff);
	boot_info_normalise(&bi);
	EXPECT_EQ(bi.nr_ranges, 1);
	expect_range(0, 0x1000, 0x4000, BOOT_RANGE_RESERVED);
}

TEST(boot_info, usable_ranges_shrink_to_pages_after_merging)
{
	reset();
	boot_info_add_range(&bi, 0x1800, 0x1000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x2800, 0x1c00, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x8001, 0xfff, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x9c00, 0x400, BOOT_RANGE_RESERVED);
	boot_info_normalise(&bi);
	EXPECT_EQ(bi.nr_ranges, 2);
	expect_range(0, 0x2000, 0x4000, BOOT_RANGE_USABLE);
	expect_range(1, 0x9c00, 0xa000, BOOT_RANGE_RESERVED);
}

TEST(boot_info, empty_and_wrapping_ranges_do_no_harm)
{
	reset();
	boot_info_add_range(&bi, 0x1000, 0, BOOT_RANGE_USABLE);
	EXPECT_EQ(bi.nr_ranges, 0);
	boot_info_add_range(&bi, 0xfffffffffffff000, 0x2000, BOOT_RANGE_USABLE);
	EXPECT_EQ(bi.nr_ranges, 0);
	EXPECT_EQ(bi.nr_nonsense, 1);
	boot_info_add_range(&bi, 0x100000, ~0ull, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x200000, 0x1000, BOOT_RANGE_RESERVED);
	EXPECT_EQ(bi.nr_nonsense, 2);
	boot_info_normalise(&bi);
	EXPECT_EQ(bi.nr_ranges, 3);
	expect_range(0, 0x100000, 0x200000, BOOT_RANGE_USABLE);
	expect_range(2, 0x201000, 1ull << 52, BOOT_RANGE_USABLE);
}

/* Every second page is usable; the last range takes four of them back. */
TEST(boot_info, too_many_ranges_lose_memory_but_no_reservation)
{
	u64 usable = 0, told = 2 * BOOT_MAX_RANGES * 0x1000ull + 0x100000;

	reset();
	for (u64 i = 0; i < 2 * BOOT_MAX_RANGES; i++)
		boot_info_add_range(&bi, i * 0x2000, 0x1000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x100000000, 0x100000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0, 0x8000, BOOT_RANGE_RESERVED);
	boot_info_normalise(&bi);

	EXPECT_LE(bi.nr_ranges, BOOT_MAX_RANGES);
	expect_range(0, 0, 0x8000, BOOT_RANGE_RESERVED);
	expect_range(bi.nr_ranges - 1, 0x100000000, 0x100100000,
		     BOOT_RANGE_USABLE);
	for (unsigned int i = 1; i < bi.nr_ranges; i++)
		usable += bi.ranges[i].end - bi.ranges[i].start;
	EXPECT_GT(bi.lost_bytes, 0);
	EXPECT_LE(usable + bi.lost_bytes, told);
	EXPECT_GE(usable + bi.lost_bytes, told - 0x4000);
}

/* More ranges than there is room for: the big ones and the usable stay. */
TEST(boot_info, a_full_map_drops_the_smallest_and_counts_it)
{
	static const struct boot_range in[] = {
		{0x0000, 0x3000, BOOT_RANGE_USABLE},
		{0x4000, 0x5000, BOOT_RANGE_USABLE},
		{0x6000, 0x8000, BOOT_RANGE_USABLE},
		{0x9000, 0xa000, BOOT_RANGE_RESERVED},
		{0xb000, 0xc000, BOOT_RANGE_USABLE},
	};
	struct boot_range out[2];
	u64 lost;

	ASSERT_EQ(boot_ranges_normalise(in, ARRAY_SIZE(in), out,
					ARRAY_SIZE(out), &lost),
		  2);
	EXPECT_EQ(out[0].end, 0x3000);
	EXPECT_EQ(out[1].start, 0x6000);
	EXPECT_EQ(out[1].end, 0x8000);
	EXPECT_EQ(lost, 0x2000);
}

/* A map that goes on where the CPU's address lines end. */
TEST(boot_info, what_cannot_be_addressed_is_left_out_and_counted)
{
	reset();
	boot_info_add_range(&bi, 0x100000, 0x100000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x300000, 0x400000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x800000, 0x100000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0x900000, 0x100000, BOOT_RANGE_ACPI);
	boot_info_normalise(&bi);
	boot_info_clip(&bi, 1ull << 52);
	EXPECT_EQ(bi.nr_ranges, 4);
	EXPECT_EQ(bi.unreachable_bytes, 0);

	boot_info_clip(&bi, 0x500000);
	EXPECT_EQ(bi.nr_ranges, 2);
	expect_range(0, 0x100000, 0x200000, BOOT_RANGE_USABLE);
	expect_range(1, 0x300000, 0x500000, BOOT_RANGE_USABLE);
	EXPECT_EQ(bi.unreachable_bytes, 0x300000);
}

static char said[256];

static void hear(enum boot_note_level level, const char *note)
{
	strlcat(said, note, sizeof(said));
}

static enum boot_screen_type screen_at(u64 base, u32 pitch, u32 height)
{
	boot_note_sink_t old;

	reset();
	boot_info_add_range(&bi, 0x100000, 0x7f00000, BOOT_RANGE_USABLE);
	boot_info_add_range(&bi, 0xfd000000, 0x1000000, BOOT_RANGE_RESERVED);
	boot_info_normalise(&bi);
	bi.screen.type = BOOT_SCREEN_RGB;
	bi.screen.base = base;
	bi.screen.pitch = pitch;
	bi.screen.height = height;
	said[0] = '\0';
	old = boot_note_set_sink(hear);
	boot_info_check_screen(&bi);
	boot_note_set_sink(old);
	EXPECT_EQ(bi.screen.type == BOOT_SCREEN_NONE, said[0] != '\0');
	return bi.screen.type;
}

/* The first thing done with a screen is to blank it: better not the memory. */
TEST(boot_info, a_screen_in_the_middle_of_memory_is_none)
{
	EXPECT_EQ((int)screen_at(0xfd000000, 4096, 768), BOOT_SCREEN_RGB);
	EXPECT_EQ((int)screen_at(0xb8000, 160, 25), BOOT_SCREEN_RGB);
	EXPECT_EQ((int)screen_at(0x8000000, 4096, 768), BOOT_SCREEN_RGB);
	EXPECT_EQ((int)screen_at(0, 4096, 768), BOOT_SCREEN_NONE);
	EXPECT_EQ((int)screen_at(0x7fff000, 4096, 768), BOOT_SCREEN_NONE);
	EXPECT_EQ((int)screen_at(0x90000, ~0u, ~0u), BOOT_SCREEN_NONE);
	EXPECT_EQ((int)screen_at(~0ull - 4095, 4096, 768), BOOT_SCREEN_NONE);
	EXPECT_EQ((int)screen_at(1ull << 52, 4096, 768), BOOT_SCREEN_NONE);
}

#define MODEL_PAGES 64

/* Random ranges against an array with one type for each page. */
TEST(boot_info, maps_agree_with_a_plain_model)
{
	static const int strict[] = {0, 1, 3, 2, 4, 5};

	for (int round = 0; round < 200; round++) {
		u8 model[MODEL_PAGES] = {0};
		u64 pos = 0;

		reset();
		for (int n = test_random_below(12); n > 0; n--) {
			u64 start = test_random_below(MODEL_PAGES);
			u64 nr = test_random_below(MODEL_PAGES - start + 1);
			int type = 1 + test_random_below(5);

			boot_info_add_range(&bi, start << 12, nr << 12, type);
			for (u64 i = start; i < start + nr; i++)
				if (strict[type] > strict[model[i]])
					model[i] = type;
		}
		boot_info_normalise(&bi);
		for (unsigned int r = 0; r < bi.nr_ranges; r++) {
			const struct boot_range *range = &bi.ranges[r];

			EXPECT_LT(range->start, range->end);
			for (; pos < range->start >> 12; pos++)
				EXPECT_EQ(model[pos], 0);
			for (; pos < range->end >> 12; pos++)
				EXPECT_EQ((int)model[pos], (int)range->type);
		}
		for (; pos < MODEL_PAGES; pos++)
			EXPECT_EQ(model[pos], 0);
	}
}

/* What this machine told: sorted, disjoint, with some memory in it. */
TEST(boot_info, the_machines_map_is_normal)
{
	u64 usable = 0;

	for (unsigned int i = 0; i < boot_info.nr_ranges; i++) {
		const struct boot_range *r = &boot_info.ranges[i];

		EXPECT_LT(r->start, r->end);
		if (i)
			EXPECT_LE(r[-1].end, r->start);
		if (r->type == BOOT_RANGE_USABLE)
			usable += r->end - r->start;
	}
	EXPECT_GT(usable, 16ull << 20);
}
