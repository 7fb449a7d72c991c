/* SPDX-License-Identifier: MIT */
/*
 * symbols.c - the kernel's own map of its functions.
 *
 * Problem.    A backtrace is a list of numbers; the person who reads it has
 *             perhaps only the serial line, and not the image.
 * Idea.       The image is linked twice.  After the first time tools/symbols
 *             reads its functions and writes the table; the second link holds
 *             it, in a section behind all code, so that no function moves.  The
 *             build proves that by making the table again from the result.
 * Layout.     Entries sorted by address, 12 bytes each, then the names.  Where
 *             functions share an address, the best known name comes first.
 * Rejected.   Names compressed by common pieces: it would save some 30 KB of
 *             an image of megabytes, and cost a decoder in the panic path.
 *
 * Context: any.  Reads constants only.
 */
#include <string.h>
#include <kernel/core/symbols.h>
#include <lib/types.h>

/* As in tools/symbols. */
struct symbol {
	u32 start; /* from __text_start */
	u32 size;
	u32 name; /* from symbol_names */
};

extern const u32 symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

extern const char __text_start[], __text_end[];

/* The last symbol that starts at or before @start, or NULL. */
static const struct symbol *symbol_before(u32 start)
{
	u32 low = 0, high = symbol_count;

	/* All below low start at or before; none at high or above does. */
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (symbol_table[mid].start <= start)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &symbol_table[low - 1] : NULL;
}

bool symbol_lookup(unsigned long addr, const char **name, unsigned long *offset,
		   unsigned long *size)
{
	const unsigned long text = (unsigned long)__text_start;
	const struct symbol *sym;

	if (addr < text || addr >= (unsigned long)__text_end)
		return false;
	sym = symbol_before(addr - text);
	if (!sym)
		return false;
	while (sym > symbol_table && sym[-1].start == sym->start)
		sym--;
	if (addr - text - sym->start >= sym->size)
		return false;

	if (name)
		*name = symbol_names + sym->name;
	if (offset)
		*offset = addr - text - sym->start;
	if (size)
		*size = sym->size;
	return true;
}

unsigned long symbol_address(const char *name)
{
	for (u32 i = 0; i < symbol_count; i++) {
		if (!strcmp(symbol_names + symbol_table[i].name, name))
			return (unsigned long)__text_start +
			       symbol_table[i].start;
	}
	return 0;
}
