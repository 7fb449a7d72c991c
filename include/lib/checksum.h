/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - sums that tell whether bytes are as they were written.
 *
 * Context: any.
 */
#pragma once

#include <lib/types.h>

/* The sum of all bytes modulo 256: an ACPI table is intact if it is 0. */
u8 checksum_bytes(const void *data, size_t size);

/* CRC-32 as in Ethernet, zlib and GPT.  Start with @crc = 0; feed the result
 * back in to go on with the next piece. */
u32 crc32(u32 crc, const void *data, size_t size);
