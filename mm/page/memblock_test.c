/* SPDX-License-Identifier: MIT */
/* memblock_test.c - two lists, cut and merged, against a model of bytes. */
#include <arch/layout.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "memblock_impl.h"

/* Too big for a stack; each test starts by emptying it. */
static struct memblock mb;

static void reset(void)
{
	memset(&mb, 0, sizeof(mb));
	mb.current_limit = MEMBLOCK_ANYWHERE;
}

TEST(memblock, touching_ranges_merge_only_within_a_node)
{
	reset();
	EXPECT(memblock_list_add(&mb.memory, 0x1000, 0x2000, 0));
	EXPECT(memblock_list_add(&mb.memory, 0x3000, 0x4000, 0));
	EXPECT_EQ(mb.memory.nr, 2);
	EXPECT(memblock_list_add(&mb.memory, 0x2000, 0x3000, 0));
	EXPECT_EQ(mb.memory.nr, 1);
	EXPECT(memblock_list_set_node(&mb.memory, 0x1800, 0x2800, 1));
	ASSERT_EQ(mb.memory.nr, 3);
	EXPECT_EQ(mb.memory.r[1].start, 0x1800);
	EXPECT_EQ(mb.memory.r[1].end, 0x2800);
	EXPECT_EQ(mb.memory.r[1].nid, 1);
	EXPECT_EQ(memblock_list_size(&mb.memory), 0x3000);
}

TEST(memblock, node_ranges_do_not_create_memory)
{
	reset();
	EXPECT(memblock_list_add(&mb.memory, 0x4000, 0x5000, 0));
	EXPECT(memblock_list_set_node(&mb.memory, 0, 0x4800, 1));
	EXPECT(memblock_list_set_node(&mb.memory, 0x6000, 0x7000, 2));
	EXPECT_EQ(mb.memory.nr, 2);
	EXPECT_EQ(memblock_list_size(&mb.memory), 0x1000);
}

TEST(memblock, removal_cuts_the_middle_out)
{
	reset();
	EXPECT(memblock_list_add(&mb.memory, 0x1000, 0x9000, 0));
	EXPECT(memblock_list_remove(&mb.memory, 0x3000, 0x5000));
	ASSERT_EQ(mb.memory.nr, 2);
	EXPECT_EQ(mb.memory.r[0].end, 0x3000);
	EXPECT_EQ(mb.memory.r[1].start, 0x5000);
	EXPECT(memblock_list_remove(&mb.memory, 0, 0x10000));
	EXPECT_EQ(mb.memory.nr, 0);
}

TEST(memblock, empty_and_backward_ranges_change_nothing)
{
	reset();
	EXPECT(memblock_list_add(&mb.memory, 0x1000, 0x1000, 0));
	EXPECT(memblock_list_add(&mb.memory, 0x2000, 0x1000, 0));
	EXPECT_EQ(mb.memory.nr, 0);
	EXPECT(memblock_list_add(&mb.memory, 0x1000, 0x4000, 0));
	EXPECT(memblock_list_remove(&mb.memory, 0x3000, 0x2000));
	EXPECT_EQ(memblock_list_size(&mb.memory), 0x3000);
}

TEST(memblock, a_full_list_refuses_and_stays_whole)
{
	unsigned int nr;

	reset();
	for (u64 at = 0;; at += 0x2000) {
		if (!memblock_list_add(&mb.memory, at, at + 0x1000, 0))
			break;
		ASSERT_LE(mb.memory.nr, MEMBLOCK_MAX_REGIONS);
	}
	nr = mb.memory.nr;
	EXPECT_GT(nr, MEMBLOCK_MAX_REGIONS - 4);
	EXPECT(!memblock_list_remove(&mb.memory, 0x100, 0x200));
	EXPECT_EQ(mb.memory.nr, nr);
	EXPECT_EQ(memblock_list_size(&mb.memory), nr * 0x1000ull);
}

/* A range may cross from one node's memory to the next, but not a hole. */
TEST(memblock, coverage_crosses_nodes_but_no_holes)
{
	reset();
	memblock_list_add(&mb.memory, 0x1000, 0x3000, 0);
	memblock_list_add(&mb.memory, 0x3000, 0x4000, 1);
	memblock_list_add(&mb.memory, 0x4000, 0x6000, 0);
	memblock_list_add(&mb.memory, 0x7000, 0x8000, 0);
	ASSERT_EQ(mb.memory.nr, 4);
	EXPECT(memblock_list_covers(&mb.memory, 0x1000, 0x3000));
	EXPECT(memblock_list_covers(&mb.memory, 0x2000, 0x5000));
	EXPECT(memblock_list_covers(&mb.memory, 0x1000, 0x6000));
	EXPECT(!memblock_list_covers(&mb.memory, 0x0fff, 0x2000));
	EXPECT(!memblock_list_covers(&mb.memory, 0x2000, 0x6001));
	EXPECT(!memblock_list_covers(&mb.memory, 0x5000, 0x7800));
	EXPECT(!memblock_list_covers(&mb.memory, 0x6000, 0x6800));
	EXPECT(!memblock_list_covers(&mb.memory, 0x9000, 0x9800));
}

TEST(memblock, trim_keeps_the_lowest_bytes)
{
	reset();
	memblock_list_add(&mb.memory, 0x1000, 0x3000, 0);
	memblock_list_add(&mb.memory, 0x8000, 0xc000, 0);
	memblock_trim(&mb, 0x10000);
	EXPECT_EQ(memblock_list_size(&mb.memory), 0x6000);
	memblock_trim(&mb, 0x3000);
	ASSERT_EQ(mb.memory.nr, 2);
	EXPECT_EQ(mb.memory.r[1].end, 0x9000);
	memblock_trim(&mb, 0x2000);
	EXPECT_EQ(mb.memory.nr, 1);
	memblock_trim(&mb, 0);
	EXPECT_EQ(mb.memory.nr, 0);
}

TEST(memblock, find_goes_top_down_around_what_is_taken)
{
	reset();
	memblock_list_add(&mb.memory, 0x1000, 0x8000, 0);
	memblock_list_add(&mb.memory, 0x10000, 0x14000, 1);
	memblock_list_add(&mb.reserved, 0x13000, 0x13800, NUMA_NO_NODE);
	memblock_list_add(&mb.reserved, 0x7800, 0x10800, NUMA_NO_NODE);

#define FIND(size, align, min, max, nid)                                       \
	memblock_find(&mb, size, align, min, max, nid)
	EXPECT_EQ(FIND(0x800, 0x10, 0, ~0ull, NUMA_NO_NODE), 0x13800);
	EXPECT_EQ(FIND(0x1000, 0x1000, 0, ~0ull, NUMA_NO_NODE), 0x12000);
	EXPECT_EQ(FIND(0x3000, 0x10, 0, ~0ull, NUMA_NO_NODE), 0x4800);
	EXPECT_EQ(FIND(0x1000, 0x1000, 0, 0x12800, NUMA_NO_NODE), 0x11000);
	EXPECT_EQ(FIND(0x1000, 0x1000, 0, ~0ull, 0), 0x6000);
	EXPECT_EQ(FIND(0x1000, 0x1000, 0x6800, ~0ull, 0), 0);
	EXPECT_EQ(FIND(0x7000, 0x10, 0, ~0ull, 0), 0);
	EXPECT_EQ(FIND(0x100, 0x10, 0, ~0ull, 2), 0);
#undef FIND
}

TEST(memblock, free_walk_yields_each_gap_once)
{
	static const u64 want[][3] = {
		{0x2000, 0x4000, 0},
		{0x5000, 0x8000, 0},
		{0x8000, 0x9000, 1},
	};
	phys_addr_t start, end;
	unsigned int n = 0;
	u64 i = 0;
	int nid;

	reset();
	memblock_list_add(&mb.memory, 0x1000, 0xa000, 0);
	memblock_list_set_node(&mb.memory, 0x8000, 0xa000, 1);
	memblock_list_add(&mb.reserved, 0, 0x2000, NUMA_NO_NODE);
	memblock_list_add(&mb.reserved, 0x4000, 0x5000, NUMA_NO_NODE);
	memblock_list_add(&mb.reserved, 0x9000, 0x20000, NUMA_NO_NODE);
	while (memblock_next_free_of(&mb, &i, NUMA_NO_NODE, &start, &end,
				     &nid)) {
		ASSERT_LT(n, ARRAY_SIZE(want));
		EXPECT_EQ(start, want[n][0]);
		EXPECT_EQ(end, want[n][1]);
		EXPECT_EQ(nid, (int)want[n][2]);
		n++;
	}
	EXPECT_EQ(n, ARRAY_SIZE(want));

	n = 0;
	for (i = 0; memblock_next_free_of(&mb, &i, 1, &start, &end, &nid); n++)
		EXPECT_EQ(start, 0x8000);
	EXPECT_EQ(n, 1);
}

#define MODEL_CELLS 64

static void expect_model(const struct memblock_list *l, const int *model)
{
	unsigned int cell = 0;

	for (unsigned int i = 0; i < l->nr; i++) {
		EXPECT_LT(l->r[i].start, l->r[i].end);
		if (i)
			EXPECT(l->r[i - 1].end < l->r[i].start ||
			       (l->r[i - 1].end == l->r[i].start &&
				l->r[i - 1].nid != l->r[i].nid));
		for (; cell < l->r[i].start; cell++)
			EXPECT_EQ(model[cell], -1);
		for (; cell < l->r[i].end; cell++)
			EXPECT_EQ(model[cell], l->r[i].nid);
	}
	for (; cell < MODEL_CELLS; cell++)
		EXPECT_EQ(model[cell], -1);
}

/* Random changes to a list and to an array with one entry for each address. */
TEST(memblock, lists_agree_with_a_plain_model)
{
	int model[MODEL_CELLS];

	reset();
	memset(model, -1, sizeof(model));
	for (int round = 0; round < 500; round++) {
		u64 start = test_random_below(MODEL_CELLS);
		u64 end = start + test_random_below(MODEL_CELLS - start + 1);
		int nid = test_random_below(3);
		u64 what = test_random_below(3);

		if (what == 0)
			memblock_list_add(&mb.memory, start, end, nid);
		else if (what == 1)
			memblock_list_remove(&mb.memory, start, end);
		else
			memblock_list_set_node(&mb.memory, start, end, nid);
		for (u64 i = start; i < end; i++) {
			if (what == 0 || (what == 2 && model[i] >= 0))
				model[i] = nid;
			else if (what == 1)
				model[i] = -1;
		}
		expect_model(&mb.memory, model);
	}
}

static phys_addr_t find_plainly(const int *memory, const bool *taken, u64 size,
				u64 align, u64 min, u64 max, int nid)
{
	for (u64 start = max; start-- > min;) {
		u64 n = 0;

		if (start % align)
			continue;
		while (n < size && start + n < max && !taken[start + n] &&
		       memory[start + n] >= 0 &&
		       memory[start + n] == memory[start])
			n++;
		if (n == size && (nid == NUMA_NO_NODE || memory[start] == nid))
			return start;
	}
	return 0;
}

/* Random memory with random holes and nodes, some of it taken: a place is the
 * highest that fits, to the byte. */
TEST(memblock, places_agree_with_a_plain_search)
{
	for (int round = 0; round < 300; round++) {
		int memory[MODEL_CELLS];
		bool taken[MODEL_CELLS] = {false};

		reset();
		memset(memory, -1, sizeof(memory));
		for (int i = 0; i < 8; i++) {
			u64 start = 1 + test_random_below(MODEL_CELLS - 1);
			u64 end = start +
				  test_random_below(MODEL_CELLS - start + 1);
			int nid = test_random_below(3);

			if (i < 4) {
				memblock_list_add(&mb.memory, start, end, nid);
				for (; start < end; start++)
					memory[start] = nid;
				continue;
			}
			end = min(end, start + 5);
			memblock_list_add(&mb.reserved, start, end,
					  NUMA_NO_NODE);
			for (; start < end; start++)
				taken[start] = true;
		}
		for (int i = 0; i < 20; i++) {
			u64 size = 1 + test_random_below(12);
			u64 align = 1ull << test_random_below(4);
			u64 low = test_random_below(MODEL_CELLS / 2);
			u64 high = low + test_random_below(MODEL_CELLS - low);
			int nid = (int)test_random_below(4) - 1;

			EXPECT_EQ(
				memblock_find(&mb, size, align, low, high, nid),
				find_plainly(memory, taken, size, align, low,
					     high, nid));
		}
	}
}

/* The machine this runs on: nothing free is taken, or outside of memory. */
TEST(memblock, the_machines_lists_are_consistent)
{
	phys_addr_t start, end, last = 0, sum = 0;
	u64 i;
	int nid;

	for_each_free_mem_range(i, NUMA_NO_NODE, &start, &end, &nid)
	{
		EXPECT_LE(last, start);
		EXPECT_LT(start, end);
		EXPECT_GE(start, 1ull << 20);
		EXPECT(nid >= 0 && nid < MAX_NUMNODES);
		last = end;
		sum += end - start;
	}
	EXPECT_LE(last, memblock_end_of_DRAM());
	EXPECT_EQ(sum + memblock_reserved_size(), memblock_phys_mem_size());
	EXPECT_LT(memblock_startup_page(), 0xa0000);
}
