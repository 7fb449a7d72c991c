/* SPDX-License-Identifier: MIT */
/*
 * seq_text.h - a text that grows as it is written.
 *
 *	struct seq_text out = SEQ_TEXT_INIT;
 *
 *	seq_printf(&out, "anon %lu\n", bytes);
 *	if (!seq_text_error(&out))
 *		use(out.text, out.len);
 *	seq_text_free(&out);
 *
 * Without memory the text ends where it was, and the error is remembered, so
 * that only the reader has to look.
 *
 * Context: tasks that may sleep.
 */
#pragma once
#include <lib/compiler.h>
#include <lib/types.h>

struct seq_text {
	char *text; /* ends with a NUL, once anything was written */
	size_t len;
	size_t size;
	int err;
};

/* clang-format off */
#define SEQ_TEXT_INIT { 0 }
/* clang-format on */

void seq_printf(struct seq_text *out, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_text *out, const char *s);
void seq_putc(struct seq_text *out, char c);

/* 0 or -ENOMEM. */
static inline int seq_text_error(const struct seq_text *out)
{
	return out->err;
}

/* What was written, "" if nothing. */
static inline const char *seq_text_string(const struct seq_text *out)
{
	return out->text ? out->text : "";
}

/* Empty again, its memory given back. */
void seq_text_free(struct seq_text *out);
