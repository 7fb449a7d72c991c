/* SPDX-License-Identifier: MIT */
/* ps2kbd_test.c - scan codes become what a terminal sends. */
#include <drivers/ps2kbd.h>
#include <string.h>
#include <tests/test.h>

static struct ps2kbd kbd;

/* The text that @nr codes type. */
static const char *typed(const u8 *codes, size_t nr)
{
	static char out[128];
	size_t len = 0;

	for (size_t i = 0; i < nr; i++)
		len += ps2kbd_decode(&kbd, codes[i], (u8 *)out + len);
	out[len] = '\0';
	return out;
}

#define TYPED(...)                                                             \
	typed((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

TEST(ps2kbd, keys_type_when_pressed_only)
{
	kbd = (struct ps2kbd){};
	EXPECT_STREQ(TYPED(0x19, 0x99, 0x1f, 0x9f), "ps");
	EXPECT_STREQ(TYPED(0x1c, 0x9c), "\r");
	EXPECT_STREQ(TYPED(0x0e), "\177");
	EXPECT_STREQ(TYPED(0x39, 0x35, 0x0f), " /\t");
}

TEST(ps2kbd, shift_and_caps_lock_choose_the_character)
{
	kbd = (struct ps2kbd){};
	EXPECT_STREQ(TYPED(0x2a, 0x1e, 0x02, 0xaa, 0x1e), "A!a");
	EXPECT_STREQ(TYPED(0x3a, 0xba, 0x1e, 0x02), "A1");
	EXPECT_STREQ(TYPED(0x36, 0x1e, 0x02, 0xb6), "a!");
	EXPECT_STREQ(TYPED(0x3a, 0xba, 0x1e), "a");
}

TEST(ps2kbd, control_and_alt_send_what_terminals_do)
{
	kbd = (struct ps2kbd){};
	EXPECT_STREQ(TYPED(0x1d, 0x2e, 0x9d, 0x2e), "\003c");
	EXPECT_STREQ(TYPED(0x38, 0x30, 0xb8, 0x30), "\033bb");
	EXPECT_STREQ(TYPED(0xe0, 0x1d, 0x1e, 0xe0, 0x9d, 0x1e), "\001a");
}

TEST(ps2kbd, cursor_keys_send_sequences)
{
	kbd = (struct ps2kbd){};
	EXPECT_STREQ(TYPED(0xe0, 0x48, 0xe0, 0xc8), "\033[A");
	EXPECT_STREQ(TYPED(0xe0, 0x4b, 0xe0, 0x4d), "\033[D\033[C");
	EXPECT_STREQ(TYPED(0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x53),
		     "\033[H\033[F\033[3~");
	/* As some keyboards send it: with a shift that is none. */
	EXPECT_STREQ(
		TYPED(0xe0, 0x2a, 0xe0, 0x50, 0xe0, 0xd0, 0xe0, 0xaa, 0x1e),
		"\033[Ba");
}

TEST(ps2kbd, pause_and_unknown_keys_type_nothing)
{
	kbd = (struct ps2kbd){};
	EXPECT_STREQ(TYPED(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5), "");
	EXPECT_STREQ(TYPED(0x3b, 0x58, 0x7f, 0xe0, 0x5b, 0xe0, 0xdb), "");
	EXPECT_STREQ(TYPED(0x1e), "a");
}

TEST(ps2kbd, any_codes_fit_their_buffer)
{
	u8 bytes[PS2KBD_MAX_BYTES + 1];

	kbd = (struct ps2kbd){};
	for (int i = 0; i < 100000; i++) {
		bytes[PS2KBD_MAX_BYTES] = 0x55;
		ASSERT_LE(ps2kbd_decode(&kbd, test_random(), bytes),
			  PS2KBD_MAX_BYTES);
		ASSERT_EQ(bytes[PS2KBD_MAX_BYTES], 0x55);
	}
}
