/* SPDX-License-Identifier: MIT */
/*
 * trap.h - vectors, and what the stubs in trap_entry.asm leave on the stack.
 *
 * Everything runs in ring 0 on one GS base, so a trap saves the general
 * registers and nothing else: no SWAPGS, no XMM (the kernel has none).  The
 * stub builds a stack frame that names the interrupted instruction, so that
 * a walk along the frame pointers crosses a trap as if it were a call.
 */
#pragma once
#include <lib/types.h>

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector;
	u64 error; /* 0 where the CPU gives none */
	u64 rip, cs, rflags, rsp, ss;
};

enum trap_vector {
	TRAP_DIVIDE = 0,
	TRAP_DEBUG = 1,
	TRAP_NMI = 2,
	TRAP_BREAKPOINT = 3,
	TRAP_OVERFLOW = 4,
	TRAP_BOUND = 5,
	TRAP_INVALID_OPCODE = 6,
	TRAP_NO_FPU = 7,
	TRAP_DOUBLE_FAULT = 8,
	TRAP_INVALID_TSS = 10,
	TRAP_NO_SEGMENT = 11,
	TRAP_STACK_SEGMENT = 12,
	TRAP_PROTECTION = 13,
	TRAP_PAGE_FAULT = 14,
	TRAP_X87 = 16,
	TRAP_ALIGNMENT = 17,
	TRAP_MACHINE_CHECK = 18,
	TRAP_SIMD = 19,
	NR_EXCEPTIONS = 32,

	/* The 8259s are masked, but a spurious interrupt still has a vector. */
	VECTOR_PIC = 0x20,

	/* Given out to devices by kernel/core/irq. */
	VECTOR_DEVICE_FIRST = 0x30,
	VECTOR_DEVICE_LAST = 0xef,

	VECTOR_TIMER = 0xf0,
	VECTOR_RESCHEDULE = 0xf1,
	VECTOR_CALL_FUNCTION = 0xf2,
	VECTOR_TLB = 0xf3,
	VECTOR_APIC_ERROR = 0xfe,
	VECTOR_SPURIOUS = 0xff,

	NR_VECTORS = 256,
};

/* Bits of a page fault's error code. */
#define FAULT_PRESENT	  (1u << 0) /* the page is there, but not for this */
#define FAULT_WRITE	  (1u << 1)
#define FAULT_RESERVED	  (1u << 3) /* a reserved bit in a page-table entry */
#define FAULT_INSTRUCTION (1u << 4)

/* "page fault", "divide error"...  Exceptions only. */
const char *trap_name(unsigned int vector);

/*
 * The trap frame above a stack frame whose return address is @ret, or NULL
 * when @ret is not the stubs'.  @caller_fp is what that stack frame holds as
 * the caller's frame pointer.  For whoever walks a stack.
 */
struct trap_frame *trap_frame_from_stack(unsigned long caller_fp,
					 unsigned long ret);

/*
 * The stack that @cpu keeps for exceptions that must not trust the current one
 * (NMI, double fault, machine check, debug), if @addr lies on it.  Sets
 * [*start, *end) and returns its name, or NULL.
 */
const char *trap_stack_of(unsigned int cpu, unsigned long addr,
			  unsigned long *start, unsigned long *end);

/*
 * Whether @addr is in the guard page under one of those stacks, or under the
 * boot stack: a write there is that stack's overflow.
 */
bool trap_stack_guard_hit(unsigned long addr);

/*
 * Read memory that may not be there.  0, or -EFAULT and *@dst is unspecified.
 * Any context, NMI included; does not fault pages in.
 */
int probe_read(void *dst, const void *src, size_t len);
int probe_write(void *dst, const void *src, size_t len);

/* This CPU's GDT, TSS, IDT and exception stacks. */
void trap_init_boot(void); /* first: no exception stacks yet */
void trap_init_cpu(unsigned int cpu);

/* Map @cpu's exception stacks, from @node's memory if it can be: 0, or -ENOMEM
 * (the boot is over).  @alloc is memblock_alloc_node(). */
typedef void *(*arch_alloc_node_fn)(size_t size, size_t align, int node);
int trap_map_stacks(unsigned int cpu, arch_alloc_node_fn alloc, int node);
