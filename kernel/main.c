/* SPDX-License-Identifier: MIT */
/*
 * main.c - boot's table of contents.
 *
 * Every part of Tally is started here, by name, once, in this order.
 */
#include <arch/cpu.h>
#include <arch/early_console.h>
#include <arch/upcalls.h>
#include <boot/boot_info.h>
#include <mm/page/memblock.h>
#include <tests/run.h>

void kernel_main(void)
{
	early_puts("Tally: entered through ");
	early_puts(boot_info.loader);
	early_puts("\n");
	memblock_init();
	tests_run_all();
	for (;;)
		cpu_halt();
}
