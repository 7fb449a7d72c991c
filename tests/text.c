/* SPDX-License-Identifier: MIT */
/* text.c - append to a buffer. */
#include <lib/format.h>
#include "framework_impl.h"

void text_init(struct text *t, char *buf, size_t size)
{
	*t = (struct text){.start = buf, .size = size};
	buf[0] = '\0';
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	t->len += vscnprintf(t->start + t->len, t->size - t->len, fmt, args);
	va_end(args);
}

void text_add_quoted(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			text_add(t, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			text_add(t, "\\x%02x", c);
		else
			text_add(t, "%c", c);
	}
	text_add(t, "\"");
}
