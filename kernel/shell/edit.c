/* SPDX-License-Identifier: MIT */
/*
 * edit.c - a line, a cursor, and the least text that shows them.
 *
 * Keys.       Bytes become keys in a small automaton: control characters, and
 *             the sequences that terminals send for cursor keys.  Unknown ones
 *             are swallowed whole, so that no key leaves rubbish in the line.
 * Showing.    Keys change the line only; edit_render() then compares with what
 *             the terminal shows: it moves the cursor to the first byte that
 *             changed, writes from there and erases what is left over.  Typing
 *             at the end costs one byte; a paste is rendered once.
 * Wrapping.   Positions are columns from the prompt's start, wrapped by
 *             division.  Rows are ended by a newline of ours, not left to the
 *             terminal, which wraps late or where we do not expect it: so
 *             several may show the same line, if none is narrower than we
 *             think.
 * UTF-8.      A sequence is one column; wider characters are not known of.
 *
 * Context: any; one caller at a time.
 */
#include <string.h>
#include "edit_impl.h"

#define CTRL(letter) ((letter)&0x1f)
#define KEY_ESCAPE   0x1b
#define KEY_DELETE   0x7f

void edit_start(struct edit *e)
{
	e->line[0] = '\0';
	e->len = e->pos = 0;
	e->back = 0;
	e->searching = false;
	e->state = EDIT_TEXT;
	e->shown_cursor = e->shown_end = 0;
	e->changed_from = 0;
	e->redraw = true;
	e->clear_screen = false;
	e->bell = false;
}

/* -- The text ---------------------------------------------------------------- */

static bool is_tail(char c)
{
	return ((u8)c & 0xc0) == 0x80;
}

static size_t next_char(const struct edit *e, size_t pos)
{
	if (pos < e->len)
		pos++;
	while (pos < e->len && is_tail(e->line[pos]))
		pos++;
	return pos;
}

static size_t prev_char(const struct edit *e, size_t pos)
{
	if (pos)
		pos--;
	while (pos && is_tail(e->line[pos]))
		pos--;
	return pos;
}

static size_t next_word(const struct edit *e, size_t pos)
{
	while (pos < e->len && e->line[pos] == ' ')
		pos++;
	while (pos < e->len && e->line[pos] != ' ')
		pos++;
	return pos;
}

static size_t prev_word(const struct edit *e, size_t pos)
{
	while (pos && e->line[pos - 1] == ' ')
		pos--;
	while (pos && e->line[pos - 1] != ' ')
		pos--;
	return pos;
}

static void change(struct edit *e, size_t from)
{
	if (from < e->changed_from)
		e->changed_from = from;
}

bool edit_insert(struct edit *e, const char *text, size_t len)
{
	if (len > sizeof(e->line) - 1 - e->len) {
		e->bell = true;
		return false;
	}
	memmove(e->line + e->pos + len, e->line + e->pos, e->len - e->pos + 1);
	memcpy(e->line + e->pos, text, len);
	change(e, e->pos);
	e->pos += len;
	e->len += len;
	return true;
}

/* The cursor ends where the text was. */
static void delete (struct edit *e, size_t from, size_t to)
{
	if (from == to) {
		e->bell = true;
		return;
	}
	memmove(e->line + from, e->line + to, e->len - to + 1);
	e->len -= to - from;
	e->pos = from;
	change(e, from);
}

static void kill(struct edit *e, size_t from, size_t to)
{
	if (from != to) {
		e->killed_len = to - from;
		memcpy(e->killed, e->line + from, e->killed_len);
	}
	delete (e, from, to);
}

static void set_line(struct edit *e, const char *text)
{
	e->len = strnlen(text, sizeof(e->line) - 1);
	memmove(e->line, text, e->len);
	e->line[e->len] = '\0';
	e->pos = e->len;
	change(e, 0);
}

/* -- Older lines ------------------------------------------------------------- */

static void go_back(struct edit *e, unsigned int back)
{
	const char *line = history_get(e->history, back);

	if (back && !line) {
		e->bell = true;
		return;
	}
	if (!e->back)
		memcpy(e->typed, e->line, e->len + 1);
	e->back = back;
	set_line(e, back ? line : e->typed);
}

static void go_forth(struct edit *e)
{
	if (e->back)
		go_back(e, e->back - 1);
	else
		e->bell = true;
}

/* -- Searching --------------------------------------------------------------- */

static void search_leave(struct edit *e)
{
	e->searching = false;
	e->redraw = true; /* its prompt was another one */
}

static void search_from(struct edit *e, unsigned int back)
{
	unsigned int found = 0;

	e->sought[e->sought_len] = '\0';
	if (e->sought_len)
		found = history_find(e->history, e->sought, back);
	if (found)
		go_back(e, found);
	else if (e->sought_len)
		e->bell = true;
	e->redraw = true;
}

/* Whether the key belongs to the search. */
static bool search_key(struct edit *e, u8 key)
{
	if (key == CTRL('R')) {
		search_from(e, e->back);
		return true;
	}
	if (key == KEY_DELETE || key == CTRL('H')) {
		do
			e->sought_len -= e->sought_len > 0;
		while (e->sought_len && is_tail(e->sought[e->sought_len]));
		search_from(e, 0);
		return true;
	}
	if (key >= ' ') {
		if (e->sought_len < sizeof(e->sought) - 1)
			e->sought[e->sought_len++] = key;
		search_from(e, e->back ? e->back - 1 : 0);
		return true;
	}
	search_leave(e);
	if (key != CTRL('G'))
		return false;
	go_back(e, 0);
	return true;
}

static void search_start(struct edit *e)
{
	memcpy(e->typed, e->line, e->len + 1);
	e->back = 0;
	e->searching = true;
	e->sought_len = 0;
	e->sought[0] = '\0';
	e->redraw = true;
}

/* -- Keys -------------------------------------------------------------------- */

static enum edit_event control_key(struct edit *e, u8 key)
{
	switch (key) {
	case '\n':
		if (e->last_key == '\r')
			break; /* one Enter, as some programs send it */
		return EDIT_DONE;
	case '\r':
		return EDIT_DONE;
	case '\t':
		return EDIT_COMPLETE;
	case CTRL('C'):
		return EDIT_CANCEL;
	case CTRL('D'):
		if (!e->len)
			return EDIT_END;
		delete (e, e->pos, next_char(e, e->pos));
		break;
	case CTRL('H'):
	case KEY_DELETE:
		delete (e, prev_char(e, e->pos), e->pos);
		break;
	case CTRL('A'):
		e->pos = 0;
		break;
	case CTRL('E'):
		e->pos = e->len;
		break;
	case CTRL('B'):
		e->pos = prev_char(e, e->pos);
		break;
	case CTRL('F'):
		e->pos = next_char(e, e->pos);
		break;
	case CTRL('P'):
		go_back(e, e->back + 1);
		break;
	case CTRL('N'):
		go_forth(e);
		break;
	case CTRL('R'):
		search_start(e);
		break;
	case CTRL('K'):
		kill(e, e->pos, e->len);
		break;
	case CTRL('U'):
		kill(e, 0, e->pos);
		break;
	case CTRL('W'):
		kill(e, prev_word(e, e->pos), e->pos);
		break;
	case CTRL('Y'):
		edit_insert(e, e->killed, e->killed_len);
		break;
	case CTRL('L'):
		e->clear_screen = true;
		e->redraw = true;
		break;
	case KEY_ESCAPE:
		e->state = EDIT_ESCAPE;
		break;
	}
	return EDIT_MORE;
}

/* ESC and a key: what Alt sends, or the start of a sequence.  A control key is
 * itself, whatever came before. */
static bool escape_key(struct edit *e, u8 key)
{
	e->state = EDIT_TEXT;
	switch (key) {
	case KEY_ESCAPE:
		e->state = EDIT_ESCAPE; /* Alt with a cursor key */
		return true;
	case '[':
	case 'O':
		e->state = EDIT_SEQUENCE;
		e->params[0] = e->params[1] = 0;
		e->nr_params = 1;
		return true;
	case 'b':
		e->pos = prev_word(e, e->pos);
		return true;
	case 'f':
		e->pos = next_word(e, e->pos);
		return true;
	case 'd':
		kill(e, e->pos, next_word(e, e->pos));
		return true;
	case CTRL('H'):
	case KEY_DELETE:
		kill(e, prev_word(e, e->pos), e->pos);
		return true;
	}
	return key >= ' ';
}

/* ESC [ n ~ */
static void numbered_key(struct edit *e)
{
	switch (e->params[0]) {
	case 1:
	case 7:
		e->pos = 0;
		break;
	case 3:
		delete (e, e->pos, next_char(e, e->pos));
		break;
	case 4:
	case 8:
		e->pos = e->len;
		break;
	}
}

/* The letter that ends a sequence; the last parameter means Shift, Control... */
static void sequence_letter(struct edit *e, u8 letter)
{
	bool by_word = e->params[e->nr_params - 1] > 1;

	switch (letter) {
	case 'A':
		go_back(e, e->back + 1);
		break;
	case 'B':
		go_forth(e);
		break;
	case 'C':
		e->pos = by_word ? next_word(e, e->pos) : next_char(e, e->pos);
		break;
	case 'D':
		e->pos = by_word ? prev_word(e, e->pos) : prev_char(e, e->pos);
		break;
	case 'c': /* rxvt */
		e->pos = next_word(e, e->pos);
		break;
	case 'd':
		e->pos = prev_word(e, e->pos);
		break;
	case 'H':
		e->pos = 0;
		break;
	case 'F':
		e->pos = e->len;
		break;
	case '~':
		numbered_key(e);
		break;
	}
}

static bool sequence_key(struct edit *e, u8 key)
{
	unsigned int *param = &e->params[e->nr_params - 1];

	if (key >= '0' && key <= '9') {
		*param = *param * 10 + key - '0';
		if (*param > 999)
			*param = 999;
	} else if (key == ';') {
		if (e->nr_params < 2)
			e->nr_params++;
	} else if (key == '[') {
		e->state = EDIT_LETTER; /* a function key of Linux' console */
	} else if (key < ' ') {
		e->state = EDIT_TEXT; /* it breaks off */
		return false;
	} else if (key >= '@') {
		e->state = EDIT_TEXT;
		sequence_letter(e, key);
	}
	return true;
}

/* Does the key belong to the sequence that is under way? */
static bool in_sequence(struct edit *e, u8 key)
{
	switch (e->state) {
	case EDIT_TEXT:
		break;
	case EDIT_ESCAPE:
		return escape_key(e, key);
	case EDIT_SEQUENCE:
		return sequence_key(e, key);
	case EDIT_LETTER:
		e->state = EDIT_TEXT;
		return key >= ' ';
	}
	return false;
}

enum edit_event edit_key(struct edit *e, u8 byte)
{
	enum edit_event event = EDIT_MORE;

	if (in_sequence(e, byte))
		;
	else if (e->searching && search_key(e, byte))
		;
	else if (byte < ' ' || byte == KEY_DELETE)
		event = control_key(e, byte);
	else
		edit_insert(e, (const char *)&byte, 1);
	e->last_key = byte;
	return event;
}

/* -- Showing ----------------------------------------------------------------- */

static size_t width(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += !is_tail(text[i]);
	return columns;
}

/* The prompt, or what stands in its place while searching. */
static void put_prompt(const struct edit *e, struct shell_text *out)
{
	if (!e->searching) {
		shell_text_puts(out, e->prompt);
		return;
	}
	shell_text_puts(out, "(search) ");
	shell_text_puts(out, e->sought);
	shell_text_puts(out, ": ");
}

static size_t prompt_width(const struct edit *e)
{
	char text[sizeof(e->sought) + 16];
	struct shell_text prompt = SHELL_TEXT(text);

	if (!e->searching)
		return width(e->prompt, strlen(e->prompt));
	put_prompt(e, &prompt);
	return width(text, prompt.len);
}

static size_t column_of(const struct edit *e, size_t pos)
{
	return prompt_width(e) + width(e->line, pos);
}

/* A prompt that fills its last row has left the terminal in it, waiting for one
 * more character; we are in the next. */
static void show_prompt(const struct edit *e, struct shell_text *out)
{
	put_prompt(e, out);
	if (prompt_width(e) % e->columns == 0)
		shell_text_puts(out, "\n");
}

static void move_cursor(const struct edit *e, struct shell_text *out,
			size_t from, size_t to)
{
	size_t row = from / e->columns, to_row = to / e->columns;

	if (from == to)
		return;
	if (row > to_row)
		shell_text_escape(out, row - to_row, 'A');
	else
		shell_text_escape(out, to_row - row, 'B');
	shell_text_puts(out, "\r");
	shell_text_escape(out, to % e->columns, 'C');
}

/* The cursor is at @from's column; then it is behind the text. */
static void put_text(const struct edit *e, struct shell_text *out, size_t from)
{
	size_t column = column_of(e, from);
	bool filled = false;

	for (size_t i = from; i < e->len; i++) {
		shell_text_put(out, &e->line[i], 1);
		if (!is_tail(e->line[i]))
			filled = ++column % e->columns == 0;
		if (filled && !is_tail(e->line[i + 1])) {
			shell_text_puts(out, "\n");
			filled = false;
		}
	}
}

static void render_all(struct edit *e, struct shell_text *out)
{
	if (e->clear_screen)
		shell_text_puts(out, "\033[H\033[2J");
	else
		edit_erase(e, out);
	show_prompt(e, out);
	put_text(e, out, 0);
}

static void render_change(struct edit *e, struct shell_text *out)
{
	size_t from = e->changed_from;

	while (from && is_tail(e->line[from]))
		from--;
	move_cursor(e, out, e->shown_cursor, column_of(e, from));
	put_text(e, out, from);
	if (column_of(e, e->len) < e->shown_end)
		shell_text_puts(out, "\033[J");
}

void edit_render(struct edit *e, struct shell_text *out)
{
	size_t end = column_of(e, e->len), cursor = column_of(e, e->pos);

	if (e->bell)
		shell_text_puts(out, "\a");
	if (e->redraw) {
		render_all(e, out);
		move_cursor(e, out, end, cursor);
	} else if (e->changed_from <= e->len) {
		render_change(e, out);
		move_cursor(e, out, end, cursor);
	} else {
		move_cursor(e, out, e->shown_cursor, cursor);
	}
	e->shown_cursor = cursor;
	e->shown_end = end;
	e->changed_from = SIZE_MAX;
	e->redraw = e->clear_screen = e->bell = false;
}

void edit_erase(const struct edit *e, struct shell_text *out)
{
	shell_text_puts(out, "\r");
	shell_text_escape(out, e->shown_cursor / e->columns, 'A');
	shell_text_puts(out, "\033[J");
}

void edit_redraw(const struct edit *e, struct shell_text *out)
{
	show_prompt(e, out);
	put_text(e, out, 0);
	move_cursor(e, out, e->shown_end, e->shown_cursor);
}

void edit_leave(const struct edit *e, struct shell_text *out)
{
	move_cursor(e, out, e->shown_cursor, e->shown_end);
	shell_text_puts(out, "\n");
}
