/* SPDX-License-Identifier: MIT */
/*
 * layout.h - where everything lives in the one address space.
 *
 * Every region has its own PML4 slots, so that a stray pointer from one region
 * faults instead of landing in another.  All values are virtual addresses; the
 * image is loaded at KERNEL_PHYS; linker.ld says why there.
 *
 *	ffff888000000000  direct map   all RAM, one to one
 *	ffffa00000000000  arenas       8 TiB, tasks' memory, made when touched
 *	ffffc90000000000  vmalloc      1 TiB, guard pages between areas
 *	ffffd10000000000  per-CPU      units of all CPUs, chunk after chunk
 *	ffffd20000000000  exceptions   each CPU's stacks for NMI, double fault...
 *	ffffd30000000000  devices      registers, and firmware's tables
 *	ffffd40000000000  patch window writable alias of text being patched
 *	ffffea0000000000  vmemmap      struct page, present sections only
 *	ffffffff80000000  image        the last 2 GiB, for -mcmodel=kernel
 */
#pragma once

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define DIRECT_MAP_BASE 0xffff888000000000ul
#define DIRECT_MAP_SIZE 0x0000100000000000ul /* 16 TiB */
#define ARENA_BASE	0xffffa00000000000ul
#define ARENA_SIZE	0x0000080000000000ul /* 8 TiB */
#define VMALLOC_BASE	0xffffc90000000000ul
#define VMALLOC_SIZE	0x0000010000000000ul /* 1 TiB */
#define PERCPU_BASE	0xffffd10000000000ul
#define PERCPU_SIZE	0x0000010000000000ul
#define TRAP_STACK_BASE 0xffffd20000000000ul
#define DEVICE_BASE	0xffffd30000000000ul
#define DEVICE_SIZE	0x0000010000000000ul
#define PATCH_WINDOW	0xffffd40000000000ul
#define VMEMMAP_BASE	0xffffea0000000000ul
#define VMEMMAP_SIZE	0x0000010000000000ul
#define KERNEL_VMA	0xffffffff80000000ul
#define KERNEL_PHYS	0x0000000000a00000ul

/* Physical memory that entry.asm shows, until paging_init() shows all. */
#define EARLY_MAP_END 0x0000000100000000ul

#ifndef __ASSEMBLER__
#include <lib/types.h>

/* Valid for any RAM address once the final map is live, and for the first
 * 4 GiB from the first line of C. */
static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(pa + DIRECT_MAP_BASE);
}

/* Accepts direct-map and image addresses only. */
static inline phys_addr_t virt_to_phys(const volatile void *va)
{
	unsigned long v = (unsigned long)va;

	return v >= KERNEL_VMA ? v - KERNEL_VMA : v - DIRECT_MAP_BASE;
}
#endif
