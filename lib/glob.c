/* SPDX-License-Identifier: MIT */
/*
 * glob.c - shell patterns.
 *
 * Idea.       Match greedily from the left and remember only the last *: when
 *             something later fails, let that star swallow one character more
 *             and try again.  Earlier stars never need another try, because
 *             whatever they could swallow the last one can too.
 *
 * Context: any.
 */
#include <lib/glob.h>

/*
 * Is @c in the class that opens at @pattern?  Sets *@end past its ], or
 * returns false with *@end NULL when there is none.
 */
static bool class_match(const char *pattern, char c, const char **end)
{
	const char *p = pattern + 1;
	bool negated = *p == '!' || *p == '^';
	bool found = false;

	p += negated;
	/* A ] right at the start stands for itself. */
	do {
		unsigned char lo = *p, hi = *p;

		if (!*p) {
			*end = NULL;
			return false;
		}
		if (p[1] == '-' && p[2] && p[2] != ']') {
			hi = p[2];
			p += 2;
		}
		p++;
		if ((unsigned char)c >= lo && (unsigned char)c <= hi)
			found = true;
	} while (*p != ']');

	*end = p + 1;
	return found != negated;
}

/* Does the single-character element at @pattern match @c?  *@next is the
 * element after it. */
static bool element_match(const char *pattern, char c, const char **next)
{
	bool match;

	*next = pattern + 1;
	switch (*pattern) {
	case '\0':
		return false;
	case '?':
		return true;
	case '[':
		match = class_match(pattern, c, next);
		if (*next)
			return match;
		*next = pattern + 1;
		return c == '[';
	case '\\':
		if (pattern[1]) {
			*next = pattern + 2;
			return pattern[1] == c;
		}
		return c == '\\';
	default:
		return *pattern == c;
	}
}

bool glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *swallowed = NULL, *next;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			swallowed = text;
		} else if (element_match(pattern, *text, &next)) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++swallowed;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
