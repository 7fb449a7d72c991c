/* SPDX-License-Identifier: MIT */
/*
 * patch.c - replace five bytes of code under the feet of every CPU.
 *
 * Problem.   The CPUs fetch bytes, not instructions: a store to five of them
 *            may be seen in pieces.
 * Idea.      One byte is always seen whole, and one byte is an instruction:
 *            INT3.  So:
 *		1. the first byte becomes INT3; all CPUs serialise
 *		2. the four others become the new ones; all CPUs serialise
 *		3. the first byte becomes the new one; all CPUs serialise
 *            A CPU that meets the INT3 is put where the finished instruction
 *            would have put it.  After the first step nobody fetches the tail;
 *            after the last one, nobody is on its way into the trap.
 * Alias.     Text is read-only everywhere.  Stores go through a window of two
 *            pages, mapped for the moment and on this CPU only: interrupts
 *            are off while it is.  What this CPU's TLB may have kept of an
 *            earlier window is dropped before it looks through this one.
 * TCG.       QEMU before 8.1 does not lock a page while it translates code from
 *            it.  A virtual CPU that was translating the INT3 during the third
 *            store leaves a translation of it behind that no store has made
 *            invalid, and everyone would run that for ever.  So there the third
 *            step is done twice: after the first time nobody translates the
 *            INT3 any more, and the second store drops what was left.
 * Rejected.  Stopping the machine: it needs the scheduler, and a static key
 *            would then cost a stop.
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/paging.h>
#include <arch/patch.h>
#include <arch/trap.h>
#include <lib/atomic.h>
#include <string.h>
#include "arch_impl.h"
#include "paging_impl.h"

#define OPCODE_INT3 0xcc
#define OPCODE_JMP  0xe9

static const u8 nop5[TEXT_PATCH_SIZE] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

/* What is being put in place; NULL at rest.  Read by the trap. */
static const struct text_patch *batch;
static unsigned int batch_size;

void text_patch_nop(struct text_patch *patch, void *addr)
{
	patch->addr = addr;
	memcpy(patch->insn, nop5, sizeof(nop5));
}

void text_patch_jmp(struct text_patch *patch, void *addr, const void *target)
{
	s32 distance = (const char *)target - ((char *)addr + TEXT_PATCH_SIZE);

	patch->addr = addr;
	patch->insn[0] = OPCODE_JMP;
	memcpy(&patch->insn[1], &distance, sizeof(distance));
}

static void write_text(char *addr, const u8 *bytes, size_t len)
{
	unsigned long page = (unsigned long)addr & PAGE_MASK;
	unsigned long offset = (unsigned long)addr & ~PAGE_MASK;
	unsigned long size = offset + len > PAGE_SIZE ? 2 * PAGE_SIZE
						      : PAGE_SIZE;
	unsigned long flags;

	if (!kernel_pml4) { /* the boot map is writable */
		memcpy(addr, bytes, len);
		return;
	}
	flags = arch_local_irq_save();
	/* Its tables exist since paging_init(): this cannot fail. */
	ARCH_BUG_ON(paging_map(PATCH_WINDOW, virt_to_phys((void *)page), size,
			       PAGE_KERNEL | PAGE_SMALL));
	tlb_flush_local(PATCH_WINDOW, PATCH_WINDOW + size);
	memcpy((char *)PATCH_WINDOW + offset, bytes, len);
	paging_unmap(PATCH_WINDOW, size);
	tlb_flush_local(PATCH_WINDOW, PATCH_WINDOW + size);
	arch_local_irq_restore(flags);
}

/* The three steps. */

static void write_int3s(void)
{
	const u8 int3 = OPCODE_INT3;

	for (unsigned int i = 0; i < batch_size; i++)
		write_text(batch[i].addr, &int3, 1);
	cpu_sync_all();
}

static void write_tails(void)
{
	for (unsigned int i = 0; i < batch_size; i++)
		write_text((char *)batch[i].addr + 1, &batch[i].insn[1],
			   TEXT_PATCH_SIZE - 1);
	cpu_sync_all();
}

static void write_heads(void)
{
	for (unsigned int i = 0; i < batch_size; i++)
		write_text(batch[i].addr, &batch[i].insn[0], 1);
	cpu_sync_all();
}

void text_poke(const struct text_patch *patches, unsigned int nr)
{
	batch_size = nr;
	smp_store_release(&batch, patches); /* pairs with the trap */

	write_int3s();
	write_tails();
	write_heads();
	if (cpu_features.translated)
		write_heads();

	/* The last round of interrupts came after the last trap. */
	WRITE_ONCE(batch, NULL);
}

static unsigned long resume_address(const struct text_patch *p)
{
	unsigned long next = (unsigned long)p->addr + TEXT_PATCH_SIZE;
	s32 distance;

	if (p->insn[0] != OPCODE_JMP)
		return next;
	memcpy(&distance, &p->insn[1], sizeof(distance));
	return next + distance;
}

bool text_patch_breakpoint(struct trap_frame *frame)
{
	const struct text_patch *p = smp_load_acquire(&batch);

	if (!p)
		return false;
	for (unsigned int i = 0; i < batch_size; i++) {
		if ((unsigned long)p[i].addr == frame->rip - 1) {
			frame->rip = resume_address(&p[i]);
			return true;
		}
	}
	return false;
}
