/* SPDX-License-Identifier: MIT */
/* symbols_test.c - addresses find their functions, and names their addresses. */
#include <kernel/core/symbols.h>
#include <string.h>
#include <tests/test.h>

extern const char __text_start[], __text_end[], __rodata_start[];

TEST(symbols, function_is_found_from_first_to_last_byte)
{
	const unsigned long start = (unsigned long)symbol_lookup;
	unsigned long offset, size;
	const char *name;

	ASSERT(symbol_lookup(start, &name, &offset, &size));
	EXPECT_STREQ(name, "symbol_lookup");
	EXPECT_EQ(offset, 0);
	ASSERT(size > 1);

	ASSERT(symbol_lookup(start + size - 1, &name, &offset, NULL));
	EXPECT_STREQ(name, "symbol_lookup");
	EXPECT_EQ(offset, size - 1);

	if (symbol_lookup(start + size, &name, &offset, NULL))
		EXPECT(strcmp(name, "symbol_lookup"));
}

TEST(symbols, data_and_addresses_outside_are_nobodys)
{
	int on_stack;

	EXPECT(!symbol_lookup(0, NULL, NULL, NULL));
	EXPECT(!symbol_lookup(~0UL, NULL, NULL, NULL));
	EXPECT(!symbol_lookup((unsigned long)&on_stack, NULL, NULL, NULL));
	EXPECT(!symbol_lookup((unsigned long)__text_start - 1, NULL, NULL,
			      NULL));
	EXPECT(!symbol_lookup((unsigned long)__text_end, NULL, NULL, NULL));
	EXPECT(!symbol_lookup((unsigned long)__rodata_start, NULL, NULL, NULL));
}

TEST(symbols, name_finds_its_address)
{
	EXPECT_EQ(symbol_address("symbol_lookup"),
		  (unsigned long)symbol_lookup);
	EXPECT_EQ(symbol_address("symbol_address"),
		  (unsigned long)symbol_address);
	EXPECT_EQ(symbol_address("strcmp"), (unsigned long)strcmp);
	EXPECT_EQ(symbol_address("no_such_function"), 0);
	EXPECT_EQ(symbol_address(""), 0);
}

/* Every address of the text either has a function that spans it, or none. */
TEST(symbols, whole_text_is_consistent)
{
	unsigned long functions = 0, start, size, offset;
	const char *name;

	for (unsigned long addr = (unsigned long)__text_start;
	     addr < (unsigned long)__text_end; addr++) {
		if (!symbol_lookup(addr, &name, &offset, &size))
			continue;
		start = addr - offset;
		functions += offset == 0;
		if (!EXPECT(offset < size) || !EXPECT(name[0] != '\0') ||
		    !EXPECT(start >= (unsigned long)__text_start))
			return;
	}
	EXPECT(functions > 100);
}
