/* SPDX-License-Identifier: MIT */
/* checksum_test.c - known sums of known bytes. */
#include <lib/checksum.h>
#include <tests/test.h>

TEST(checksum, byte_sum_wraps_at_256)
{
	static const u8 table[] = {0x50, 0x60, 0x70, 0xe0};

	EXPECT_EQ(checksum_bytes(table, 0), 0);
	EXPECT_EQ(checksum_bytes(table, 3), 0x20);
	EXPECT_EQ(checksum_bytes(table, 4), 0);
}

TEST(checksum, crc32_has_its_check_value)
{
	EXPECT_EQ(crc32(0, "", 0), 0);
	EXPECT_EQ(crc32(0, "123456789", 9), 0xcbf43926U);
	EXPECT_EQ(crc32(0, "a", 1), 0xe8b7be43U);
}

TEST(checksum, crc32_in_pieces_is_the_crc_of_the_whole)
{
	static const char text[] =
		"The quick brown fox jumps over the lazy dog";
	size_t size = sizeof(text) - 1;

	EXPECT_EQ(crc32(0, text, size), 0x414fa339U);
	for (size_t cut = 0; cut <= size; cut++)
		EXPECT_EQ(crc32(crc32(0, text, cut), text + cut, size - cut),
			  0x414fa339U);
}
