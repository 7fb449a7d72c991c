/* SPDX-License-Identifier: MIT */
/*
 * edit_test.c - the terminal shows the line, whatever is typed.
 *
 * The tests have a terminal of their own: what the editor writes is played on
 * it, and then it must show the prompt and the line, wrapped, with the cursor
 * where it belongs and nothing left over.
 */
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>
#include "edit_impl.h"

#define COLUMNS 20
#define ROWS	60
#define PROMPT	"tally> "

static struct edit edit;
static struct history history;

static char bytes[EDIT_MAX * 2];

/* -- A terminal -------------------------------------------------------------- */

static char cells[ROWS][COLUMNS];
static unsigned int row, col; /* col == COLUMNS: wraps before the next one */
static unsigned int bells;

static void terminal_clear(void)
{
	memset(cells, ' ', sizeof(cells));
	row = col = 0;
	bells = 0;
}

static void terminal_put(char c)
{
	if ((c & 0xc0) == 0x80)
		return; /* the rest of a character */
	if (col == COLUMNS) {
		col = 0;
		row++;
	}
	ASSERT_LT(row, ROWS);
	cells[row][col++] = c;
}

static void terminal_escape(char letter, unsigned int n)
{
	col = min(col, COLUMNS - 1u);
	switch (letter) {
	case 'A':
		ASSERT_LE(n, row);
		row -= n;
		break;
	case 'B':
		row += n;
		ASSERT_LT(row, ROWS);
		break;
	case 'C':
		col += n;
		ASSERT_LT(col, COLUMNS);
		break;
	case 'H':
		row = col = 0;
		break;
	case 'J':
		if (n == 2)
			memset(cells, ' ', sizeof(cells));
		else
			memset(&cells[row][col], ' ',
			       sizeof(cells) - (row * COLUMNS + col));
		break;
	default:
		FAIL("unknown sequence: %c", letter);
	}
}

static const char *play_escape(const char *at, const char *end)
{
	unsigned int n = 0;

	ASSERT_EQ(*at, '[');
	for (at++; at < end && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + *at - '0';
	ASSERT(at < end);
	terminal_escape(*at, n);
	return at + 1;
}

static void play(const struct shell_text *out)
{
	const char *at = out->data, *end = at + out->len;

	ASSERT(!out->full);
	while (at < end) {
		char c = *at++;

		switch (c) {
		case '\033':
			at = play_escape(at, end);
			break;
		case '\r':
			col = 0;
			break;
		case '\n': /* the driver sends CR LF */
			col = 0;
			row++;
			break;
		case '\a':
			bells++;
			break;
		default:
			terminal_put(c);
		}
	}
}

/* -- What it must show ------------------------------------------------------- */

static unsigned int cell_index;

static void expect_cells(const char *text)
{
	for (; *text; text++) {
		if ((*text & 0xc0) == 0x80)
			continue;
		ASSERT_EQ(cells[cell_index / COLUMNS][cell_index % COLUMNS],
			  *text);
		cell_index++;
	}
}

static void expect_shown(const char *prompt)
{
	unsigned int cursor = strlen(prompt);

	cell_index = 0;
	expect_cells(prompt);
	expect_cells(edit.line);
	for (; cell_index < ROWS * COLUMNS; cell_index++)
		ASSERT_EQ(cells[cell_index / COLUMNS][cell_index % COLUMNS],
			  ' ');
	for (size_t i = 0; i < edit.pos; i++)
		cursor += (edit.line[i] & 0xc0) != 0x80;
	ASSERT_EQ(row * COLUMNS + col, cursor);
}

static void render(void)
{
	struct shell_text out = SHELL_TEXT(bytes);

	edit_render(&edit, &out);
	play(&out);
}

static void start(void)
{
	memset(&edit, 0, sizeof(edit));
	edit.prompt = PROMPT;
	edit.columns = COLUMNS;
	edit.history = &history;
	edit_start(&edit);
	terminal_clear();
}

/* Types @keys, and compares the terminal after each. */
static enum edit_event type(const char *keys)
{
	enum edit_event event = EDIT_MORE;

	for (; *keys; keys++) {
		event = edit_key(&edit, *keys);
		render();
		if (!edit.searching)
			expect_shown(PROMPT);
	}
	return event;
}

/* -- Keys -------------------------------------------------------------------- */

TEST(shell_edit, typing_inserts_at_the_cursor)
{
	start();
	type("held\033[D\033[Dl\033[Cx");
	EXPECT_STREQ(edit.line, "hellxd");
	EXPECT_EQ(type("\r"), EDIT_DONE);
}

TEST(shell_edit, keys_move_by_character_word_and_line)
{
	start();
	type("one two three");
	type("\x01");
	EXPECT_EQ(edit.pos, 0);
	type("\033f");
	EXPECT_EQ(edit.pos, 3);
	type("\033[1;5C");
	EXPECT_EQ(edit.pos, 7);
	type("\033b");
	EXPECT_EQ(edit.pos, 4);
	type("\033[H");
	EXPECT_EQ(edit.pos, 0);
	type("\033OF");
	EXPECT_EQ(edit.pos, 13);
	type("\033[1~\x06\x06\x02");
	EXPECT_EQ(edit.pos, 1);
	type("\x05");
	EXPECT_EQ(edit.pos, 13);
}

TEST(shell_edit, keys_delete_and_bring_back)
{
	start();
	type("one two three\177\x08");
	EXPECT_STREQ(edit.line, "one two thr");
	type("\x17");
	EXPECT_STREQ(edit.line, "one two ");
	type("\x01\x0b");
	EXPECT_STREQ(edit.line, "");
	type("\x19!");
	EXPECT_STREQ(edit.line, "one two !");
	type("\x15");
	EXPECT_STREQ(edit.line, "");
	type("abc\x01\x04\033[3~");
	EXPECT_STREQ(edit.line, "c");
}

TEST(shell_edit, enter_cancel_end_and_tab_are_events)
{
	start();
	EXPECT_EQ(type("\x04"), EDIT_END);
	EXPECT_EQ(type("a\t"), EDIT_COMPLETE);
	EXPECT_EQ(type("\x03"), EDIT_CANCEL);
	EXPECT_EQ(type("\n"), EDIT_DONE);
	edit_start(&edit);
	edit_key(&edit, '\r');
	EXPECT_EQ(edit_key(&edit, '\n'), EDIT_MORE); /* CR LF is one Enter */
	EXPECT_EQ(edit_key(&edit, '\n'), EDIT_DONE);
}

TEST(shell_edit, unknown_sequences_leave_nothing)
{
	start();
	type("a\033[20~\033[1;2P\033[Z\033OP\033x\x1c"
	     "b");
	EXPECT_STREQ(edit.line, "ab");
	type("\033[[A\033[[E\033[25~"); /* F1, F5 of a Linux console */
	type("\033O5P\033OR");
	type("c");
	EXPECT_STREQ(edit.line, "abc");
}

/* As other terminals name the same keys. */
TEST(shell_edit, keys_are_known_by_all_their_names)
{
	start();
	type("one two three");
	type("\033Od"); /* rxvt's Control and an arrow */
	EXPECT_EQ(edit.pos, 8);
	type("\033O5D\033[1;3D"); /* an old xterm's; Alt */
	EXPECT_EQ(edit.pos, 0);
	type("\033Oc\033[7~\033[8~");
	EXPECT_EQ(edit.pos, 13);
	type("\033\033[D"); /* Alt, as some send it */
	EXPECT_EQ(edit.pos, 12);
	type("\033\x08"); /* and Backspace */
	EXPECT_STREQ(edit.line, "one two e");
}

TEST(shell_edit, a_control_key_breaks_a_sequence_off)
{
	start();
	type("abc\033[1;\x01");
	EXPECT_EQ(edit.pos, 0);
	type("\033\x05");
	EXPECT_EQ(edit.pos, 3);
	type("\033O\033[D\033[[\x04");
	EXPECT_STREQ(edit.line, "ab");
	EXPECT_EQ(type("\033\x03"), EDIT_CANCEL);
	EXPECT_EQ(type("\033[\r"), EDIT_DONE);
}

TEST(shell_edit, deleting_takes_whole_characters)
{
	start();
	type("\xc3\xa4\xe2\x82\xac");
	EXPECT_EQ(edit.len, 5);
	type("\177");
	EXPECT_STREQ(edit.line, "\xc3\xa4");
	type("\033[D\x04");
	EXPECT_STREQ(edit.line, "");
}

/* -- Wrapping ---------------------------------------------------------------- */

TEST(shell_edit, long_lines_wrap_at_every_length)
{
	start();
	for (int i = 0; i < 5 * COLUMNS; i++)
		type((char[]){'a' + i % 26, '\0'});
	for (int i = 0; i < 5 * COLUMNS; i++)
		type(i % 3 ? "\033[D" : "\177");
	type("\x05");
	for (int i = 0; i < 5 * COLUMNS; i++)
		type("\177");
	EXPECT_STREQ(edit.line, "");
}

TEST(shell_edit, insertion_pushes_across_rows)
{
	start();
	type("0123456789012345678901234567890123456789\x01");
	for (int i = 0; i < 2 * COLUMNS; i++)
		type("x");
	EXPECT_EQ(edit.len, 40 + 2 * COLUMNS);
}

TEST(shell_edit, full_line_rings_and_keeps_what_it_has)
{
	start();
	for (int i = 0; i < EDIT_MAX + 10; i++)
		edit_key(&edit, 'x');
	EXPECT_EQ(edit.len, EDIT_MAX - 1);
	EXPECT(edit.bell);
	EXPECT(!edit_insert(&edit, "ab", 2));
	EXPECT_EQ(strlen(edit.line), (size_t)EDIT_MAX - 1);
}

TEST(shell_edit, erase_and_redraw_step_aside_for_the_log)
{
	struct shell_text out = SHELL_TEXT(bytes);

	start();
	type("echo 0123456789012345678901234567890\033[D\033[D");
	edit_erase(&edit, &out);
	play(&out);
	EXPECT_EQ(row, 0);
	EXPECT_EQ(col, 0);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		ASSERT_EQ((&cells[0][0])[i], ' ');
	shell_text_clear(&out);
	edit_redraw(&edit, &out);
	play(&out);
	expect_shown(PROMPT);
}

/* -- History ----------------------------------------------------------------- */

static void remember(const char *const *lines, int nr)
{
	memset(&history, 0, sizeof(history));
	for (int i = 0; i < nr; i++)
		history_add(&history, lines[i]);
}

TEST(shell_edit, up_and_down_walk_history_and_come_back)
{
	static const char *const lines[] = {"first", "second", "third"};

	remember(lines, 3);
	start();
	type("typed\033[A");
	EXPECT_STREQ(edit.line, "third");
	type("\x10\x10");
	EXPECT_STREQ(edit.line, "first");
	bells = 0;
	type("\033[A");
	EXPECT_STREQ(edit.line, "first");
	EXPECT_EQ(bells, 1);
	type("\033[B\x0e");
	EXPECT_STREQ(edit.line, "third");
	type("\033[B");
	EXPECT_STREQ(edit.line, "typed");
}

TEST(shell_edit, search_finds_older_lines)
{
	static const char *const lines[] = {"test list.*", "ps", "test rb.*"};

	remember(lines, 3);
	start();
	type("x\x12te");
	EXPECT_STREQ(edit.line, "test rb.*");
	expect_shown("(search) te: ");
	type("\x12");
	EXPECT_STREQ(edit.line, "test list.*");
	type("\x07");
	EXPECT_STREQ(edit.line, "x");
	type("\x12ps");
	EXPECT_EQ(type("\r"), EDIT_DONE);
	EXPECT_STREQ(edit.line, "ps");
}

TEST(shell_history, keeps_the_newest_and_no_repeats)
{
	char line[100];
	unsigned int nr;

	memset(&history, 0, sizeof(history));
	history_add(&history, "");
	history_add(&history, "  ");
	EXPECT_EQ(history.nr, 0);
	history_add(&history, "a");
	history_add(&history, "a");
	EXPECT_EQ(history.nr, 1);
	for (unsigned int i = 0; i < 2000; i++) {
		scnprintf(line, sizeof(line), "line %u of many, many lines", i);
		history_add(&history, line);
	}
	nr = history.nr;
	EXPECT_LT(nr, 2000);
	EXPECT_GT(nr, HISTORY_BYTES / 40);
	EXPECT_EQ(history.nr_forgotten + nr, 2001);
	EXPECT_STREQ(history_get(&history, 1), line);
	for (unsigned int back = 1; back <= nr; back++) {
		scnprintf(line, sizeof(line), "line %u of many, many lines",
			  2000 - back);
		ASSERT_STREQ(history_get(&history, back), line);
	}
	EXPECT(!history_get(&history, nr + 1));
	EXPECT(!history_get(&history, 0));
}

/* -- Anything ---------------------------------------------------------------- */

/* Whole keys, and bytes of all kinds. */
static void random_key(char key[8])
{
	static const char *const keys[] = {
		"\033[A",    "\033[B", "\033[C",   "\033[D", "\033[H",
		"\033[F",    "\033b",  "\033f",	   "\033d",  "\033[3~",
		"\x01",	     "\x05",   "\x0b",	   "\x19",   "\x17",
		"\177",	     "\x04",   "\x0c",	   "\x12",   "\x07",
		"\033[1;5D", "word ",  "\xc3\xb6", "x",
	};

	if (test_random_below(4)) {
		strcpy(key, keys[test_random_below(ARRAY_SIZE(keys))]);
		return;
	}
	key[0] = 1 + test_random_below(255);
	key[1] = '\0';
}

/* The search's prompt grows with what is typed, over the terminal's edge too. */
TEST(shell_edit, a_prompt_that_fills_its_row_does_not_lose_the_cursor)
{
	memset(&history, 0, sizeof(history));
	start();
	render();
	edit_key(&edit, 'R' & 0x1f);
	for (int i = 0; i < 3 * COLUMNS; i++) {
		edit_key(&edit, 'x');
		render();
	}
	edit_key(&edit, 'G' & 0x1f);
	render();
	expect_shown(PROMPT);
}

TEST(shell_edit, any_keys_leave_terminal_and_line_in_step)
{
	char key[8];

	memset(&history, 0, sizeof(history));
	start();
	for (int i = 0; i < 20000; i++) {
		random_key(key);
		for (const char *k = key; *k; k++) {
			if (edit_key(&edit, *k) != EDIT_DONE)
				continue;
			history_add(&history, edit.line);
			edit_start(&edit);
			terminal_clear();
		}
		if (edit.len > 20 * COLUMNS || row > ROWS / 2) {
			edit_start(&edit);
			terminal_clear();
		}
		ASSERT_LE(edit.pos, edit.len);
		ASSERT_EQ(strlen(edit.line), edit.len);
		if (!test_random_below(3))
			continue; /* several keys between two renderings */
		render();
		if (!edit.searching)
			expect_shown(PROMPT);
	}
}
