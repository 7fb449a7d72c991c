/* SPDX-License-Identifier: MIT */
/*
 * err.h - a pointer or an error number in one word.
 *
 * The top page of the address space is never mapped, so its addresses stand
 * for -1 to -MAX_ERRNO.  A function that returns such a pointer says so at
 * its declaration; all others return NULL for failure.
 */
#pragma once

#include <errno.h>

#include <lib/compiler.h>

#define MAX_ERRNO 4095

#define IS_ERR_VALUE(x)                                                        \
	unlikely((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)

/* @error is negative. */
static __always_inline void *__must_check ERR_PTR(long error)
{
	return (void *)error;
}

static __always_inline long __must_check PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static __always_inline bool __must_check IS_ERR(const void *ptr)
{
	return IS_ERR_VALUE(ptr);
}

static __always_inline bool __must_check IS_ERR_OR_NULL(const void *ptr)
{
	return unlikely(!ptr) || IS_ERR_VALUE(ptr);
}

static __always_inline int __must_check PTR_ERR_OR_ZERO(const void *ptr)
{
	return IS_ERR(ptr) ? (int)PTR_ERR(ptr) : 0;
}

/* The same error as another type of pointer. */
static __always_inline void *__must_check ERR_CAST(const void *ptr)
{
	return (void *)ptr;
}
