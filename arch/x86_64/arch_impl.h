/* SPDX-License-Identifier: MIT */
/* arch_impl.h - between the files of this folder. */
#pragma once
#include <arch/percpu.h>
#include <arch/trap.h>
#include <lib/compiler.h>
#include <lib/types.h>

/* A broken contract.  The report comes from above, through the exception. */
#define ARCH_BUG_ON(cond)                                                      \
	do {                                                                   \
		if (unlikely(cond))                                            \
			__builtin_trap();                                      \
	} while (0)

/* Segment selectors; entry.asm's first table has the same first three. */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

#define MSR_APIC_BASE	 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_MCG_CAP	 0x179
#define MSR_MCG_CTL	 0x17b
#define MSR_PAT		 0x277
#define MSR_MC_CTL(bank) (0x400 + 4 * (bank)) /* then status, address, misc */
#define MSR_X2APIC	 0x800
#define MSR_EFER	 0xc0000080
#define MSR_GS_BASE	 0xc0000101

#define EFER_NXE (1u << 11)

#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)

#define CR4_PAE	       (1ul << 5)
#define CR4_MCE	       (1ul << 6)
#define CR4_PGE	       (1ul << 7)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

/* Continue at the fixup if the faulting instruction has one. */
bool fixup_exception(struct trap_frame *frame);

/* A breakpoint that the text patcher put there: resume as the finished
 * instruction would.  False if it is none of its. */
bool text_patch_breakpoint(struct trap_frame *frame);

/* End of interrupt, to the local APIC. */
void lapic_eoi(void);

/* How many NMI handlers this CPU is inside of: 0 or 1. */
DECLARE_PER_CPU(unsigned int, trap_nmi_depth);
bool trap_in_nmi(void);
