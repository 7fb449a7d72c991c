/* SPDX-License-Identifier: MIT */
/* forgeries.c - tests that would pass by what they say. */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/irqflags.h>
#include <tests/test.h>

#define COM1		0x3f8
#define COM2		0x2f8
#define LSR		5
#define DEBUG_EXIT_PORT 0xf4
#define CODE_PASSED	0x2a
#define KEYBOARD_PORT	0x64

static void say(u16 port, const char *text)
{
	for (; *text; text++) {
		while (!(inb(port + LSR) & 0x20))
			cpu_relax();
		outb(*text, port);
	}
}

/* What the framework would write for this test, with a made-up seal. */
#define FORGED_RESULT(name)                                                    \
	"    ok 1 - " name "\n      ---\n      ...\n"                          \
	"# seal 5 0123456789abcdef\n"

/* Words on the first line are words: this one must simply fail. */
TEST(culprit, forges_on_the_console)
{
	say(COM1, "\n" FORGED_RESULT("forges_on_the_console"));
	say(COM1, "ok 1 - culprit\n9 passed, 0 failed\n");
	EXPECT(!"the console is believed");
}

TEST(culprit, forges_on_the_report_line)
{
	say(COM2, FORGED_RESULT("forges_on_the_report_line"));
}

TEST(culprit, forges_half_a_line)
{
	say(COM2, "    ok 1 - forges_half_a_line");
}

/* More than anybody would keep. */
TEST_T(culprit, floods_the_report_line, 2)
{
	for (;;)
		say(COM2, FORGED_RESULT("floods_the_report_line"));
}

TEST_T(culprit, floods_the_console, 2)
{
	for (;;)
		say(COM1, "ok 1 - floods_the_console ");
}

/* Everything that would follow, up to the exit code. */
TEST(culprit, forges_all_that_follows)
{
	say(COM2, FORGED_RESULT("forges_all_that_follows"));
	say(COM2, "ok 1 - culprit\n# seal 6 0123456789abcdef\n"
		  "# end passed=1 failed=0 skipped=0 stray=0\n"
		  "# seal 7 0123456789abcdef\n");
	outl(CODE_PASSED, DEBUG_EXIT_PORT);
}

TEST(culprit, leaves_with_the_code_of_success)
{
	outl(CODE_PASSED, DEBUG_EXIT_PORT);
}

TEST(culprit, fails_and_leaves_with_the_code_of_success)
{
	EXPECT(!"this holds");
	outl(CODE_PASSED, DEBUG_EXIT_PORT);
}

TEST(culprit, resets_the_machine)
{
	outb(0xfe, KEYBOARD_PORT);
	for (;;)
		cpu_relax();
}

/* As ACPI would on QEMU's q35: PM1a control at its usual place. */
TEST(culprit, powers_off)
{
	outw(0x2000, 0x604);
	for (;;)
		cpu_relax();
}
