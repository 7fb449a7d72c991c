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
#include <boot/note.h>
#include <mm/page/memblock.h>
#include <tests/run.h>

static void print_note(enum boot_note_level level, const char *text)
{
	early_puts(text);
	early_puts("\n");
}

void kernel_main(void)
{
	early_puts("Tally: entered through ");
	early_puts(boot_info.loader);
	early_puts("\n");
	boot_note_set_sink(print_note);
	memblock_init();
	tests_run_all();
	for (;;)
		cpu_halt();
}
