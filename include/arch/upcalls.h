/* SPDX-License-Identifier: MIT */
/*
 * upcalls.h - where the machine calls the kernel.
 *
 * The only upward door of floor 1: declared here, below, and defined above.
 * tools/check-floors lets floor 1 name these symbols and no others.
 */
#pragma once
#include <lib/types.h>

/* Floor 7, kernel/main.c.  Boot CPU, first stack, interrupts off. */
void __attribute__((noreturn)) kernel_main(void);
