/* SPDX-License-Identifier: MIT */
/*
 * history.c - lines one behind the other in a buffer; the oldest make room.
 *
 * Context: one caller at a time.
 */
#include <string.h>
#include "history_impl.h"

static void forget_oldest(struct history *h)
{
	size_t len = strlen(h->text) + 1;

	h->used -= len;
	memmove(h->text, h->text + len, h->used);
	h->nr--;
	h->nr_forgotten++;
}

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t")];
}

void history_add(struct history *h, const char *line)
{
	size_t len = strlen(line) + 1;
	const char *last = history_get(h, 1);

	if (is_blank(line) || len > sizeof(h->text))
		return;
	if (last && !strcmp(last, line))
		return;
	while (len > sizeof(h->text) - h->used)
		forget_oldest(h);
	memcpy(h->text + h->used, line, len);
	h->used += len;
	h->nr++;
}

const char *history_get(const struct history *h, unsigned int back)
{
	const char *line = h->text;

	if (!back || back > h->nr)
		return NULL;
	for (unsigned int i = back; i < h->nr; i++)
		line += strlen(line) + 1;
	return line;
}

unsigned int history_find(const struct history *h, const char *part,
			  unsigned int back)
{
	while (++back <= h->nr) {
		if (strstr(history_get(h, back), part))
			return back;
	}
	return 0;
}
