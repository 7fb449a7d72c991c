/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - byte sum and CRC-32.
 *
 * The CRC goes by half-bytes: sixteen table entries fit one cache line, where
 * the usual 256 would push a kilobyte of someone else's data out.
 */
#include <lib/checksum.h>

u8 checksum_bytes(const void *data, size_t size)
{
	const u8 *p = data;
	u8 sum = 0;

	while (size--)
		sum += *p++;
	return sum;
}

/* The remainders of 0 to 15 by the reversed polynomial 0xedb88320. */
static const u32 crc32_nibble[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

u32 crc32(u32 crc, const void *data, size_t size)
{
	const u8 *p = data;

	crc = ~crc;
	while (size--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ crc32_nibble[crc & 15];
		crc = (crc >> 4) ^ crc32_nibble[crc & 15];
	}
	return ~crc;
}
