/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - which function an address belongs to.
 *
 * The table is read-only data that tools/symbols made at link time.  Nothing
 * is set up and no lock is taken: usable from the first instruction on, in any
 * context, in NMI and in a panic too.
 */
#pragma once
#include <stdbool.h>

/*
 * The function whose code holds @addr.  Any of the results may be NULL.
 *
 * A return address may lie just behind its function, when the call was the
 * last thing there and does not return: look such addresses up less one.
 */
bool symbol_lookup(unsigned long addr, const char **name, unsigned long *offset,
		   unsigned long *size);

/*
 * The address of the function called @name, or 0.  Of several static functions
 * of one name it is the lowest.  Slow: it compares with every name.
 */
unsigned long symbol_address(const char *name);
