/* SPDX-License-Identifier: MIT */
/* text_impl.h - text put together piece by piece in a buffer of fixed size. */
#pragma once
#include <lib/compiler.h>
#include <lib/format.h>
#include <lib/types.h>
#include <string.h>

struct shell_text {
	char *data;
	size_t len, size;
	bool full; /* something did not fit: the text is of no use */
};

#define SHELL_TEXT(buffer)                                                     \
	{                                                                      \
		.data = (buffer), .size = sizeof(buffer)                       \
	}

static inline void shell_text_clear(struct shell_text *t)
{
	t->len = 0;
	t->full = false;
}

static inline void shell_text_put(struct shell_text *t, const char *from,
				  size_t len)
{
	if (len > t->size - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->data + t->len, from, len);
	t->len += len;
}

static inline void shell_text_puts(struct shell_text *t, const char *s)
{
	shell_text_put(t, s, strlen(s));
}

/* ESC [ n letter; nothing for n == 0. */
static inline void shell_text_escape(struct shell_text *t, size_t n,
				     char letter)
{
	char sequence[16];

	if (n)
		shell_text_put(t, sequence,
			       scnprintf(sequence, sizeof(sequence),
					 "\033[%zu%c", n, letter));
}
