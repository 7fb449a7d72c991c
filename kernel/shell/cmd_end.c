/* SPDX-License-Identifier: MIT */
/* cmd_end.c - ends of the machine, good and bad. */
#include <arch/cpu.h>
#include <arch/cpumask.h>
#include <arch/smp.h>
#include <boot/acpi.h>
#include <kernel/core/irq.h>
#include <kernel/core/panic.h>
#include <kernel/core/preempt.h>
#include <kernel/core/printk.h>
#include <lib/compiler.h>
#include <string.h>
#include "shell_impl.h"

static int cmd_poweroff(int argc, char **argv)
{
	acpi_power_off();
	sh_error(
		"This machine has no way to turn itself off: do it by hand.\n");
	return 1;
}
COMMAND(poweroff, "", "turn the machine off", cmd_poweroff);

static int cmd_reboot(int argc, char **argv)
{
	arch_reboot();
}
COMMAND(reboot, "", "start the machine again", cmd_reboot);

/* -- Panics, to look at ------------------------------------------------------ */

static void panic_plainly(void)
{
	panic("asked for at the prompt");
}

static void panic_bug(void)
{
	int two = 2;

	BUG_ON(two + two == 4);
}

static void panic_null(void)
{
	volatile int *nowhere = NULL;

	*nowhere = 1;
}

/* Longer than any stack; the compiler must not see that. */
static volatile int depth_wanted = 1 << 20;

static noinline int overflow(int depth)
{
	volatile char frame[256];

	frame[0] = depth;
	if (depth < depth_wanted)
		frame[1] = overflow(depth + 1);
	return frame[0];
}

static void panic_stack(void)
{
	overflow(0);
}

/* It is another CPU that looks. */
static void panic_hang(void)
{
	if (num_online_cpus() == 1) {
		sh_error("panic: the only CPU would hang, and nobody see it\n");
		return;
	}
	arch_local_irq_disable();
	for (;;)
		cpu_relax();
}

static void panic_warn(void)
{
	WARN(true, "asked for at the prompt");
}

static const struct {
	const char *name;
	void (*fn)(void);
	const char *help;
} panics[] = {
	{"now", panic_plainly, "a plain panic()"},
	{"bug", panic_bug, "a BUG_ON() that holds"},
	{"null", panic_null, "write through a null pointer"},
	{"stack", panic_stack, "overflow this task's stack"},
	{"hang", panic_hang,
	 "spin with interrupts off, until the watchdog sees it"},
	{"warn", panic_warn, "not a panic: a WARN_ON(), and it goes on"},
};

static int cmd_panic(int argc, char **argv)
{
	const char *which = argc == 1 ? "now" : argv[1];

	for (int i = 0; argc <= 2 && i < ARRAY_SIZE(panics); i++) {
		if (strcmp(which, panics[i].name))
			continue;
		panics[i].fn();
		return 0;
	}
	sh_usage(argv[0]);
	for (int i = 0; i < ARRAY_SIZE(panics); i++)
		sh_error("  %-6s %s\n", panics[i].name, panics[i].help);
	return SH_USAGE;
}
COMMAND(panic, "[now|bug|null|stack|hang|warn]",
	"end in a panic, to see one; `panic help' explains the kinds",
	cmd_panic);
