/* SPDX-License-Identifier: MIT */
/*
 * extable.c - instructions that are allowed to fault.
 *
 * Each entry says where to go on when a given instruction faults; its code
 * then returns an error as if it had looked first.  Entries are offsets from
 * themselves, which is half the size and needs no relocation.
 *
 * There are a handful, and they matter only after a fault, so the search is
 * a walk.
 */
#include <arch/trap.h>
#include "arch_impl.h"

struct extable_entry {
	s32 instruction;
	s32 fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];

static unsigned long target_of(const s32 *field)
{
	return (unsigned long)field + *field;
}

bool fixup_exception(struct trap_frame *frame)
{
	const struct extable_entry *e;

	for (e = __extable_start; e < __extable_end; e++) {
		if (target_of(&e->instruction) == frame->rip) {
			frame->rip = target_of(&e->fixup);
			return true;
		}
	}
	return false;
}

int probe_copy(void *dst, const void *src, size_t len); /* trap_entry.asm */

int probe_read(void *dst, const void *src, size_t len)
{
	return probe_copy(dst, src, len);
}

int probe_write(void *dst, const void *src, size_t len)
{
	return probe_copy(dst, src, len);
}
