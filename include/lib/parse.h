/* SPDX-License-Identifier: MIT */
/*
 * parse.h - numbers out of text, strictly.
 *
 * The kstrto functions take a whole string: digits of @base (2 to 36; 0 looks
 * at a leading 0x, 0b or 0), an optional sign, and at most one newline after
 * them.  They return 0, -EINVAL for anything else, or -ERANGE for a number
 * that does not fit, and then *@res is untouched.  The unsigned ones accept
 * "+5" and refuse "-5".
 *
 * Context: any.
 */
#pragma once

#include <lib/compiler.h>

int __must_check kstrtou64(const char *s, unsigned int base, u64 *res);
int __must_check kstrtos64(const char *s, unsigned int base, s64 *res);
int __must_check kstrtou32(const char *s, unsigned int base, u32 *res);
int __must_check kstrtos32(const char *s, unsigned int base, s32 *res);
int __must_check kstrtoul(const char *s, unsigned int base, unsigned long *res);
int __must_check kstrtol(const char *s, unsigned int base, long *res);

static inline int __must_check kstrtouint(const char *s, unsigned int base,
					  unsigned int *res)
{
	return kstrtou32(s, base, res);
}

static inline int __must_check kstrtoint(const char *s, unsigned int base,
					 int *res)
{
	return kstrtos32(s, base, res);
}

/* y n yes no on off true false 1 0, in either case. */
int __must_check kstrtobool(const char *s, bool *res);

/*
 * A size in bytes: a number in any base as above, without a sign, and at most
 * one suffix of K M G T P E, in either case, for powers of 1,024.  *@end is
 * set past what was understood; on no digits or overflow that is nothing, so
 * *@end == @s and the result is 0.  Strict callers check **@end.
 */
u64 memparse(const char *s, char **end);

/* The same for a whole string: 0, -EINVAL or -ERANGE like the above. */
int __must_check kstrtosize(const char *s, u64 *bytes);

/* Cuts "name=value" at the =, in place; returns the value, or NULL when there
 * is no =. */
char *parse_split(char *s, char separator);

/*
 * The next word of *@cursor, ended in place with a NUL, or NULL when there is
 * none left; *@cursor moves past it.  Words are separated by blanks; "double
 * quotes" hold blanks together and are removed; a quote never closed reaches
 * to the end of the line.
 */
char *parse_word(char **cursor);
