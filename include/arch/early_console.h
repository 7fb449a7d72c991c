/* SPDX-License-Identifier: MIT */
/*
 * early_console.h - polled COM1, for what happens before printk and after it.
 *
 * No locks, no interrupts, any context.
 */
#pragma once
#include <lib/types.h>

void early_console_init(void);
void early_console_write(const char *text, size_t len);
void early_puts(const char *text);

/* Say why this machine cannot run Tally, then stop for good. */
void __attribute__((noreturn)) early_die(const char *why);
