/* SPDX-License-Identifier: MIT */
/*
 * ranges.c - a memory map that can be believed.
 *
 * Problem.    Firmware's map is out of order, overlaps, has holes, repeats
 *             itself, and on some machines ends past the end of everything.
 * Idea.       Look only at addresses where some range begins or ends.  Between
 *             two neighbours of these nothing changes, so one question per
 *             gap, "which is the strictest type here?", settles every kind of
 *             overlap at once.
 * Strictness. usable < ACPI tables < reserved < NVS < bad: whoever has a claim
 *             keeps it.  Types we do not know are reserved.
 * Cost.       Quadratic, on a few dozen ranges, once.
 * Rejected.   Sorting first: then each kind of overlap is a case of its own.
 *
 * Context: pure functions of their arguments.
 */
#include <arch/layout.h>
#include <lib/math.h>
#include <string.h>
#include "boot_impl.h"

/* What x86 can ever address. */
#define PHYS_LIMIT (1ull << 52)

static enum boot_range_type known_type(u32 type)
{
	switch (type) {
	case BOOT_RANGE_USABLE:
	case BOOT_RANGE_ACPI:
	case BOOT_RANGE_NVS:
	case BOOT_RANGE_BAD:
		return type;
	}
	return BOOT_RANGE_RESERVED;
}

/* 0 for a hole. */
static int strictness(enum boot_range_type type)
{
	switch (type) {
	case BOOT_RANGE_USABLE:
		return 1;
	case BOOT_RANGE_ACPI:
		return 2;
	case BOOT_RANGE_RESERVED:
		return 3;
	case BOOT_RANGE_NVS:
		return 4;
	case BOOT_RANGE_BAD:
		return 5;
	}
	return 0;
}

static u64 range_size(const struct boot_range *r)
{
	return r->end - r->start;
}

static struct boot_range *smallest_usable(struct boot_range *r, unsigned int nr)
{
	struct boot_range *best = NULL;

	for (unsigned int i = 0; i < nr; i++) {
		if (r[i].type != BOOT_RANGE_USABLE)
			continue;
		if (!best || range_size(&r[i]) < range_size(best))
			best = &r[i];
	}
	return best;
}

void boot_info_add_range(struct boot_info *bi, phys_addr_t start, u64 size,
			 u32 type)
{
	struct boot_range new = {start, start + size, known_type(type)};
	struct boot_range *victim;

	if (!size)
		return;
	if (start >= PHYS_LIMIT || size > PHYS_LIMIT - start) {
		bi->nr_nonsense++;
		if (start >= PHYS_LIMIT)
			return;
		new.end = PHYS_LIMIT;
	}

	if (bi->nr_ranges == BOOT_MAX_RANGES)
		boot_info_normalise(bi);
	if (bi->nr_ranges < BOOT_MAX_RANGES) {
		bi->ranges[bi->nr_ranges++] = new;
		return;
	}

	victim = smallest_usable(bi->ranges, bi->nr_ranges);
	if (new.type == BOOT_RANGE_USABLE &&
	    (!victim || range_size(&new) <= range_size(victim))) {
		bi->lost_bytes += range_size(&new);
	} else if (victim) {
		bi->lost_bytes += range_size(victim);
		*victim = new;
	}
}

/* The first address above @pos where some range begins or ends; 0 if none. */
static phys_addr_t next_edge(const struct boot_range *r, unsigned int nr,
			     phys_addr_t pos)
{
	phys_addr_t edge = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (r[i].start > pos && (!edge || r[i].start < edge))
			edge = r[i].start;
		if (r[i].end > pos && (!edge || r[i].end < edge))
			edge = r[i].end;
	}
	return edge;
}

static enum boot_range_type strictest_at(const struct boot_range *r,
					 unsigned int nr, phys_addr_t pos)
{
	enum boot_range_type type = 0;

	for (unsigned int i = 0; i < nr; i++) {
		if (r[i].start <= pos && pos < r[i].end &&
		    strictness(r[i].type) > strictness(type))
			type = r[i].type;
	}
	return type;
}

/* Append [start, end), or lengthen the last range by it. */
static unsigned int append(struct boot_range *out, unsigned int nr,
			   unsigned int max, struct boot_range new, u64 *lost)
{
	struct boot_range *victim;

	if (nr && out[nr - 1].end == new.start &&out[nr - 1].type == new.type) {
		out[nr - 1].end = new.end;
		return nr;
	}
	if (nr < max) {
		out[nr] = new;
		return nr + 1;
	}

	/* Nothing outside a listed usable range is ever used, so what is not
	 * usable may be left out once the overlaps are settled. */
	victim = smallest_usable(out, nr);
	if (new.type != BOOT_RANGE_USABLE)
		return nr;
	if (!victim || range_size(victim) >= range_size(&new)) {
		*lost += range_size(&new);
		return nr;
	}
	*lost += range_size(victim);
	for (; victim < &out[nr - 1]; victim++)
		*victim = victim[1];
	out[nr - 1] = new;
	return nr;
}

/* Usable ranges are whole pages; what was less is gone. */
static unsigned int shrink_to_pages(struct boot_range *r, unsigned int nr)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < nr; i++) {
		struct boot_range whole = r[i];

		if (whole.type == BOOT_RANGE_USABLE) {
			whole.start = ALIGN(whole.start, PAGE_SIZE);
			whole.end = ALIGN_DOWN(whole.end, PAGE_SIZE);
		}
		if (whole.start < whole.end)
			r[kept++] = whole;
	}
	return kept;
}

unsigned int boot_ranges_normalise(const struct boot_range *in,
				   unsigned int nr_in, struct boot_range *out,
				   unsigned int max, u64 *lost)
{
	unsigned int nr = 0;
	phys_addr_t pos = 0, edge;

	*lost = 0;
	for (; (edge = next_edge(in, nr_in, pos)); pos = edge) {
		struct boot_range gap = {pos, edge,
					 strictest_at(in, nr_in, pos)};

		if (gap.type)
			nr = append(out, nr, max, gap, lost);
	}
	return shrink_to_pages(out, nr);
}

void boot_info_clip(struct boot_info *bi, phys_addr_t limit)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < bi->nr_ranges; i++) {
		struct boot_range r = bi->ranges[i];
		phys_addr_t end = min(r.end, limit);

		if (r.type == BOOT_RANGE_USABLE)
			bi->unreachable_bytes += r.end - max(r.start, end);
		r.end = end;
		if (r.start < r.end)
			bi->ranges[kept++] = r;
	}
	bi->nr_ranges = kept;
}

bool boot_info_is_free_of_ram(const struct boot_info *bi, phys_addr_t start,
			      u64 size)
{
	phys_addr_t end;

	if (check_add_overflow(start, size, &end) || end > PHYS_LIMIT)
		return false;
	for (unsigned int i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->ranges[i];

		if (r->type == BOOT_RANGE_USABLE && r->start < end &&
		    start < r->end)
			return false;
	}
	return true;
}

void boot_info_normalise(struct boot_info *bi)
{
	static struct boot_range sorted[BOOT_MAX_RANGES];
	u64 lost;

	bi->nr_ranges = boot_ranges_normalise(bi->ranges, bi->nr_ranges, sorted,
					      BOOT_MAX_RANGES, &lost);
	memcpy(bi->ranges, sorted, bi->nr_ranges * sizeof(*sorted));
	bi->lost_bytes += lost;
}
