/* SPDX-License-Identifier: MIT */
/*
 * types.h - the integer types everything else is written in.
 *
 * The 64-bit types are `long long`, as in Linux, so that %llu and %llx print
 * them under either compiler; newlib's uint64_t is `long` and is a different
 * type to -Wformat and to pointers, though of the same width.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned __int128 u128;

typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

/* The same type as libc's, without waiting for its headers to exist. */
typedef long ssize_t;

/* A byte address on the machine's bus, never a pointer. */
typedef u64 phys_addr_t;

#define U8_MAX	((u8)~0U)
#define U16_MAX ((u16)~0U)
#define U32_MAX ((u32)~0U)
#define U64_MAX ((u64)~0ULL)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define S32_MIN ((s32)(-S32_MAX - 1))
#define S64_MAX ((s64)(U64_MAX >> 1))
#define S64_MIN ((s64)(-S64_MAX - 1))

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64

/* Lists live apart (lib/list.h); their heads are here because structs that
 * only embed one need no more than the shape. */
struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};
