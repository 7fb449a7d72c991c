/* SPDX-License-Identifier: MIT */
/*
 * exception.c - what an exception nobody resolved means, in words.
 *
 * Called by the trap code (arch/upcalls.h).  In ring 0 there is nobody else to
 * blame, so all of them are a panic; the work is to say what was wrong: the
 * address and the access, a NULL pointer, a stack that overflowed and whose,
 * memory that was freed (by its poison).
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/layout.h>
#include <arch/trap.h>
#include <arch/upcalls.h>
#include <kernel/core/printk.h>
#include <kernel/core/sched.h>
#include <lib/format.h>
#include <lib/poison.h>
#include <string.h>
#include "panic_impl.h"

#define CODE_BEFORE 12
#define CODE_AFTER  12

static void print_code(const struct trap_frame *regs)
{
	char line[4 * (CODE_BEFORE + CODE_AFTER)];
	const u8 *at = (const u8 *)regs->rip;
	size_t len = 0;

	for (int i = -CODE_BEFORE; i < CODE_AFTER; i++) {
		u8 byte;

		if (probe_read(&byte, at + i, 1))
			continue;
		len += scnprintf(line + len, sizeof(line) - len,
				 i ? " %02x" : " <%02x>", byte);
	}
	line[len] = '\0';
	pr_emerg("code:%s\n", line);
}

void regs_print(const struct trap_frame *r)
{
	pr_emerg("rip %016llx  %pS\n", r->rip, (void *)r->rip);
	pr_emerg("rsp %016llx  rflags %06llx%s  preempt %08x  cr3 %08lx\n",
		 r->rsp, r->rflags,
		 r->rflags & RFLAGS_IF ? "" : " (interrupts off)",
		 preempt_count(), read_cr3());
	pr_emerg("rax %016llx  rbx %016llx  rcx %016llx\n", r->rax, r->rbx,
		 r->rcx);
	pr_emerg("rdx %016llx  rsi %016llx  rdi %016llx\n", r->rdx, r->rsi,
		 r->rdi);
	pr_emerg("rbp %016llx  r8  %016llx  r9  %016llx\n", r->rbp, r->r8,
		 r->r9);
	pr_emerg("r10 %016llx  r11 %016llx  r12 %016llx\n", r->r10, r->r11,
		 r->r12);
	pr_emerg("r13 %016llx  r14 %016llx  r15 %016llx\n", r->r13, r->r14,
		 r->r15);
	print_code(r);
}

/* A pointer that lib/poison.h left in a list entry, in some register? */
static bool has_list_poison(const struct trap_frame *r)
{
	const u64 values[] = {r->rax, r->rbx, r->rcx, r->rdx, r->rsi,
			      r->rdi, r->rbp, r->r8,  r->r9,  r->r10,
			      r->r11, r->r12, r->r13, r->r14, r->r15};

	for (int i = 0; i < ARRAY_SIZE(values); i++)
		if (values[i] - POISON_POINTER_BASE < PAGE_SIZE)
			return true;
	return false;
}

/* A write just below a stack's end is that stack running over. */
static bool is_stack_overflow(unsigned long addr)
{
	unsigned long low;

	if (trap_stack_guard_hit(addr))
		return true;
	if (!current->stack)
		return false;
	low = (unsigned long)current->stack;
	return addr < low && addr >= low - PAGE_SIZE;
}

static const char *fault_access(u64 error)
{
	if (error & FAULT_INSTRUCTION)
		return "execute";
	return error & FAULT_WRITE ? "write" : "read";
}

static const char *fault_reason(u64 error)
{
	if (error & FAULT_RESERVED)
		return "a page-table entry is malformed";
	if (!(error & FAULT_PRESENT))
		return "nothing is mapped there";
	return error & FAULT_INSTRUCTION ? "the page holds no code"
					 : "the page is read-only";
}

static void __noreturn report_page_fault(const struct trap_frame *regs,
					 unsigned long addr)
{
	const char *access = fault_access(regs->error);

	if (is_stack_overflow(addr))
		panic_regs(regs,
			   "stack overflow in task %s (guard page at "
			   "%#lx)",
			   current->comm, addr);
	if (addr < PAGE_SIZE)
		panic_regs(regs, "NULL dereference: %s at address %#lx", access,
			   addr);
	if (addr - ARENA_BASE < ARENA_SIZE &&
	    (in_atomic() || !(regs->rflags & RFLAGS_IF)))
		panic_regs(regs,
			   "page fault: cannot %s %#lx, a task's memory, where "
			   "nothing may sleep: its pages are made when touched",
			   access, addr);
	panic_regs(regs, "page fault: cannot %s %#lx, %s", access, addr,
		   fault_reason(regs->error));
}

static void __noreturn report_double_fault(const struct trap_frame *regs,
					   unsigned long addr)
{
	if (is_stack_overflow(addr) || is_stack_overflow(regs->rsp - 1))
		panic_regs(regs,
			   "stack overflow in task %s (guard page at "
			   "%#lx)",
			   current->comm, addr);
	panic_regs(regs, "double fault, last faulting address %#lx", addr);
}

/* The hardware says what broke, in its own words: bank by bank. */
static void __noreturn report_machine_check(const struct trap_frame *regs)
{
	struct machine_check mc;

	for (unsigned int i = 0; i < MAX_MACHINE_CHECK_BANKS; i++) {
		if (!machine_check_read(i, &mc))
			continue;
		if (mc.has_address)
			panic_regs(regs,
				   "machine check: bank %u, status %#llx, "
				   "address %#llx",
				   i, mc.status, mc.address);
		panic_regs(regs, "machine check: bank %u, status %#llx", i,
			   mc.status);
	}
	panic_regs(regs, "machine check; no bank says why");
}

void exception_report(struct trap_frame *frame, unsigned long addr)
{
	if (frame->vector == TRAP_PAGE_FAULT)
		report_page_fault(frame, addr);
	if (frame->vector == TRAP_DOUBLE_FAULT)
		report_double_fault(frame, addr);
	if (frame->vector == TRAP_MACHINE_CHECK)
		report_machine_check(frame);
	if (frame->vector == TRAP_PROTECTION && has_list_poison(frame))
		panic_regs(frame, "general protection fault: a list entry is "
				  "followed after it was removed");
	panic_regs(frame, "%s (error code %#llx)", trap_name(frame->vector),
		   frame->error);
}
