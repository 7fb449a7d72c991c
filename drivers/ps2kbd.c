/* SPDX-License-Identifier: MIT */
/*
 * ps2kbd.c - scan codes to what a terminal would send.
 *
 * The controller translates to scan code set 1, which every PC's firmware and
 * QEMU have: one byte a key, bit 7 set when it is let go, keys that the first
 * keyboards did not have with 0xe0 in front.  Firmware has started keyboard and
 * controller; a USB keyboard shows here too as long as firmware emulates it.
 *
 * Context: ps2kbd_decode() any; the rest tasks and the keyboard's interrupt.
 */
#define pr_fmt(fmt) "ps2kbd: " fmt
#include <arch/cpu.h>
#include <arch/io.h>
#include <drivers/ioapic.h>
#include <drivers/ps2kbd.h>
#include <drivers/tty.h>
#include <errno.h>
#include <kernel/core/irq.h>
#include <kernel/core/printk.h>
#include <lib/compiler.h>
#include <string.h>

#define KEYBOARD_IRQ 1

#define PORT_DATA    0x60
#define PORT_STATUS  0x64
#define PORT_COMMAND 0x64

#define STATUS_OUTPUT 0x01 /* a byte for us */
#define STATUS_INPUT  0x02 /* it has not read our last byte yet */
#define STATUS_MOUSE  0x20 /* ... and it is the mouse's */
#define STATUS_ABSENT 0xff

#define COMMAND_READ_CONFIG  0x20
#define COMMAND_WRITE_CONFIG 0x60
#define COMMAND_ENABLE	     0xae

#define CONFIG_INTERRUPT 0x01
#define CONFIG_DISABLED	 0x10
#define CONFIG_TRANSLATE 0x40

#define WAIT_LOOPS 100000
#define MAX_CODES  64 /* in one interrupt */

/* -- Keys -------------------------------------------------------------------- */

#define CODE_RELEASED	  0x80
#define CODE_EXTENDED	  0xe0
#define CODE_PAUSE	  0xe1
#define CODE_CONTROL	  0x1d
#define CODE_LEFT_SHIFT	  0x2a
#define CODE_RIGHT_SHIFT  0x36
#define CODE_ALT	  0x38
#define CODE_CAPS_LOCK	  0x3a
#define CODE_KEYPAD_FIRST 0x47
#define CODE_KEYPAD_LAST  0x53
#define CODE_KEYPAD_SLASH 0x35
#define CODE_KEYPAD_ENTER 0x1c

static const char plain_keys[] =
	"\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0"
	"*\0 ";
static const char shift_keys[] =
	"\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0"
	"*\0 ";

/* From CODE_KEYPAD_FIRST on: the cursor block, and the keypad without Num
 * Lock; 0 is a key that sends itself. */
static const char *const cursor_keys[] = {
	"\033[H", "\033[A", "\033[5~", "-",	  "\033[D",  "", "\033[C", "+",
	"\033[F", "\033[B", "\033[6~", "\033[2~", "\033[3~",
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The character of a key of the main block, or 0. */
static char key_character(const struct ps2kbd *kbd, u8 code)
{
	bool shift = kbd->shift;
	char c;

	if (code >= sizeof(plain_keys) - 1)
		return 0;
	c = plain_keys[code];
	if (is_letter(c))
		shift ^= kbd->caps;
	if (shift)
		c = shift_keys[code];
	if (kbd->control && c >= '@' && c < 0x7f)
		c &= 0x1f;
	return c;
}

/* A key that changes others: whether it was one. */
static bool take_modifier(struct ps2kbd *kbd, u8 key, bool down)
{
	switch (key) {
	case CODE_LEFT_SHIFT:
	case CODE_RIGHT_SHIFT:
		kbd->shift = down;
		return true;
	case CODE_CONTROL:
		kbd->control = down;
		return true;
	case CODE_ALT:
		kbd->alt = down;
		return true;
	case CODE_CAPS_LOCK:
		kbd->caps ^= down;
		return true;
	}
	return false;
}

static size_t put_text(u8 *bytes, const char *text)
{
	size_t len = strlen(text);

	memcpy(bytes, text, len);
	return len;
}

size_t ps2kbd_decode(struct ps2kbd *kbd, u8 code, u8 bytes[PS2KBD_MAX_BYTES])
{
	bool extended = kbd->extended;
	u8 key = code & ~CODE_RELEASED;
	char c;

	if (kbd->skip) {
		kbd->skip--;
		return 0;
	}
	kbd->extended = code == CODE_EXTENDED;
	if (kbd->extended)
		return 0;
	if (code == CODE_PAUSE) {
		kbd->skip = 2; /* its two more bytes look like keys */
		return 0;
	}
	/* The cursor block pretends to shift: 0xe0 0x2a around its keys. */
	if (extended && (key == CODE_LEFT_SHIFT || key == CODE_RIGHT_SHIFT))
		return 0;
	if (take_modifier(kbd, key, !(code & CODE_RELEASED)))
		return 0;
	if (code & CODE_RELEASED)
		return 0;
	if (key >= CODE_KEYPAD_FIRST && key <= CODE_KEYPAD_LAST)
		return put_text(bytes, cursor_keys[key - CODE_KEYPAD_FIRST]);
	if (extended && key != CODE_KEYPAD_ENTER && key != CODE_KEYPAD_SLASH)
		return 0;
	c = key_character(kbd, key);
	if (!c)
		return 0;
	bytes[0] = '\033';
	bytes[kbd->alt] = c;
	return 1 + kbd->alt;
}

/* -- The controller ---------------------------------------------------------- */

static void keyboard_interrupt(unsigned int nr, void *data)
{
	static struct ps2kbd kbd; /* one interrupt at a time */
	u8 bytes[PS2KBD_MAX_BYTES];

	for (int i = 0; i < MAX_CODES; i++) {
		u8 status = inb(PORT_STATUS);
		size_t n;
		u8 code;

		if (!(status & STATUS_OUTPUT))
			break;
		code = inb(PORT_DATA);
		if (status & STATUS_MOUSE)
			continue;
		n = ps2kbd_decode(&kbd, code, bytes);
		if (n)
			tty_input(bytes, n);
	}
}

/* Whether the status became @value in the bits of @mask, in time. */
static bool wait_status(u8 mask, u8 value)
{
	for (int i = 0; i < WAIT_LOOPS; i++) {
		if ((inb(PORT_STATUS) & mask) == value)
			return true;
		cpu_relax();
	}
	return false;
}

static void drop_output(void)
{
	for (int i = 0; i < MAX_CODES; i++) {
		if (!(inb(PORT_STATUS) & STATUS_OUTPUT))
			break;
		inb(PORT_DATA);
	}
}

static bool send(u8 byte, u16 port)
{
	if (!wait_status(STATUS_INPUT, 0))
		return false;
	outb(byte, port);
	return true;
}

static bool enable(void)
{
	u8 config;

	drop_output();
	if (!send(COMMAND_ENABLE, PORT_COMMAND) ||
	    !send(COMMAND_READ_CONFIG, PORT_COMMAND) ||
	    !wait_status(STATUS_OUTPUT, STATUS_OUTPUT))
		return false;
	config = inb(PORT_DATA);
	config |= CONFIG_INTERRUPT | CONFIG_TRANSLATE;
	config &= ~CONFIG_DISABLED;
	return send(COMMAND_WRITE_CONFIG, PORT_COMMAND) &&
	       send(config, PORT_DATA);
}

void ps2kbd_init(void)
{
	int vector, err;

	if (inb(PORT_STATUS) == STATUS_ABSENT)
		return;
	vector = irq_alloc(keyboard_interrupt, "keyboard", NULL);
	if (vector < 0)
		return;
	/* The controller's answer must not come as an interrupt, whose handler
	 * would take it for a key. */
	err = enable() ? ioapic_route_isa(KEYBOARD_IRQ, vector, 0) : -EIO;
	if (err) {
		pr_warn("does not start (error %d)\n", err);
		ioapic_mask_isa(KEYBOARD_IRQ);
		free_irq(vector);
	}
	drop_output(); /* what came meanwhile would hold up the next key */
}
