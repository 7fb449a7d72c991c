/* SPDX-License-Identifier: MIT */
/*
 * patch.h - change instructions that other CPUs may be executing.
 *
 * A patch site is five bytes, a NOP or a JMP; it may straddle cache lines and
 * pages.  While it changes, each CPU executes the old or the new instruction,
 * never a mixture; when the call returns, all execute the new one.
 */
#pragma once
#include <lib/types.h>

#define TEXT_PATCH_SIZE 5

struct text_patch {
	void *addr;
	u8 insn[TEXT_PATCH_SIZE];
};

/* Fill in @patch for a site at @addr. */
void text_patch_nop(struct text_patch *patch, void *addr);
void text_patch_jmp(struct text_patch *patch, void *addr, const void *target);

/*
 * Put all of them in place.  Batches are cheaper: three rounds of
 * interrupts each, however many sites.  Task context, interrupts on once other
 * CPUs are up; callers serialise (static_key's mutex).
 */
void text_poke(const struct text_patch *patches, unsigned int nr);
