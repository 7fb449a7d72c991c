/* SPDX-License-Identifier: MIT */
/*
 * format.h - printf into a buffer, for kernel code.
 *
 * Integers, strings and pointers; no floating point, no memory, no locks, and
 * under 512 bytes of stack, so that it serves in any context, NMI and panic
 * included.
 *
 *   %d %i %u %x %X %o %c %s %p %%   with flags - + space # 0, a width and a
 *                                   precision (numbers or *), and hh h l ll z
 *                                   j t
 *   %pS   function pointer or return address as symbol+offset/size
 *   %pa   a phys_addr_t, through a pointer to it, as 0x and 16 digits
 *
 * %p prints 0x and 16 digits; a NULL %s prints (null).  An unknown conversion
 * is copied out as it stands, and consumes no argument.
 */
#pragma once

#include <stdarg.h>

#include <lib/compiler.h>

/*
 * Return the length the whole text has, without the NUL, whatever @size is; it
 * was truncated if that is >= @size.  The buffer is always terminated unless
 * @size is 0, in which case @buf may be NULL.
 */
int format_v(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
int format(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Return what was really stored, without the NUL: buf + ret is where to go on,
 * and never lies outside the buffer. */
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__printf(3, 0);
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/*
 * What %pS asks.  The hook writes @addr's name into @buf (never more than
 * @size bytes, NUL included) and returns whether it knows one; without a hook,
 * and for unknown addresses, %pS prints the number.  Returns the hook before.
 */
typedef bool format_symbol_fn(char *buf, size_t size, unsigned long addr);
format_symbol_fn *format_set_symbol_hook(format_symbol_fn *hook);
