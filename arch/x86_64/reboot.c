/* SPDX-License-Identifier: MIT */
/*
 * reboot.c - start the machine again, by whichever way works.
 *
 * ACPI's reset register, the keyboard controller's line, and last a triple
 * fault, which no machine survives.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/smp.h>
#include <boot/acpi.h>

#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_BUSY	 0x02
#define KEYBOARD_RESET	 0xfe
#define MAX_WAIT_LOOPS	 100000

static void reset_by_keyboard(void)
{
	for (int i = 0; i < MAX_WAIT_LOOPS; i++) {
		if (!(inb(KEYBOARD_COMMAND) & KEYBOARD_BUSY))
			break;
		cpu_relax();
	}
	outb(KEYBOARD_RESET, KEYBOARD_COMMAND);
	for (int i = 0; i < MAX_WAIT_LOOPS; i++)
		cpu_relax();
}

static void __noreturn reset_by_triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_table;

	asm volatile("lidt %0; int3" ::"m"(no_table));
	__builtin_unreachable();
}

void arch_reboot(void)
{
	arch_local_irq_disable();
	acpi_reset();
	reset_by_keyboard();
	reset_by_triple_fault();
}
