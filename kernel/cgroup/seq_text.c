/* SPDX-License-Identifier: MIT */
/*
 * seq_text.c - a text that grows as it is written.
 *
 * It doubles, so a text of n bytes is copied twice at most, and every piece is
 * formatted in place: the first try either fits or says how much room it takes.
 */
#include <errno.h>
#include <kernel/cgroup/seq_text.h>
#include <lib/format.h>
#include <lib/math.h>
#include <mm/slab/slab.h>
#include <string.h>

#define FIRST_SIZE 256

/* Room for @more bytes and the NUL. */
static bool reserve(struct seq_text *out, size_t more)
{
	size_t size = max(out->size, (size_t)FIRST_SIZE);
	char *text;

	if (out->err)
		return false;
	while (size <= out->len + more)
		size *= 2;
	if (size == out->size)
		return true;
	text = kvmalloc(size, GFP_KERNEL);
	if (!text) {
		out->err = -ENOMEM;
		return false;
	}
	if (out->text)
		memcpy(text, out->text, out->len + 1);
	else
		text[0] = '\0';
	kvfree(out->text);
	out->text = text;
	out->size = size;
	return true;
}

void seq_printf(struct seq_text *out, const char *fmt, ...)
{
	size_t more = 0;
	va_list ap;

	for (int try = 0; try < 2 && reserve(out, more); try++) {
		size_t room = out->size - out->len;

		va_start(ap, fmt);
		more = format_v(out->text + out->len, room, fmt, ap);
		va_end(ap);
		if (more < room) {
			out->len += more;
			return;
		}
		out->text[out->len] = '\0';
	}
}

void seq_puts(struct seq_text *out, const char *s)
{
	size_t more = strlen(s);

	if (!reserve(out, more))
		return;
	memcpy(out->text + out->len, s, more + 1);
	out->len += more;
}

void seq_putc(struct seq_text *out, char c)
{
	char s[2] = {c, '\0'};

	seq_puts(out, s);
}

void seq_text_free(struct seq_text *out)
{
	kvfree(out->text);
	*out = (struct seq_text)SEQ_TEXT_INIT;
}
