/* SPDX-License-Identifier: MIT */
/*
 * parse.c - numbers and words out of text.
 *
 * Everything numeric rests on scan_u64(), which reads digits and notices
 * overflow; what differs is what may stand around them and how wide the result
 * may be.
 *
 * Context: any.
 */
#include <errno.h>
#include <string.h>

#include <lib/math.h>
#include <lib/parse.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The value of a digit in any base up to 36; 36 for anything else. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 36;
}

/*
 * Is @s a prefix for @base, with a digit of that base after it?  "0x" alone is
 * the number 0 and then an x.
 */
static bool has_prefix(const char *s, char letter, unsigned int base)
{
	return s[0] == '0' && lower(s[1]) == letter && digit_value(s[2]) < base;
}

/* Past the prefix; settles a base of 0. */
static const char *skip_prefix(const char *s, unsigned int *base)
{
	if ((*base == 0 || *base == 16) && has_prefix(s, 'x', 16)) {
		*base = 16;
		return s + 2;
	}
	if ((*base == 0 || *base == 2) && has_prefix(s, 'b', 2)) {
		*base = 2;
		return s + 2;
	}
	if (*base == 0)
		*base = s[0] == '0' ? 8 : 10;
	return s;
}

/*
 * Prefix and digits.  *@end is past them, even on overflow.  0, -EINVAL
 * without a digit, or -ERANGE.
 */
static int scan_u64(const char *s, unsigned int base, const char **end,
		    u64 *res)
{
	bool overflow = false;
	const char *digits;
	u64 n = 0;

	s = digits = skip_prefix(s, &base);
	for (; digit_value(*s) < base; s++) {
		overflow |= __builtin_mul_overflow(n, (u64)base, &n);
		overflow |= __builtin_add_overflow(n, digit_value(*s), &n);
	}

	*end = s;
	if (s == digits)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*res = n;
	return 0;
}

/* scan_u64() over the whole of @s, but for one newline. */
static int scan_whole_u64(const char *s, unsigned int base, u64 *res)
{
	const char *end;
	int err = scan_u64(s, base, &end, res);

	if (err == -EINVAL)
		return err;
	if (*end == '\n')
		end++;
	return *end ? -EINVAL : err;
}

int kstrtou64(const char *s, unsigned int base, u64 *res)
{
	u64 n;
	int err = scan_whole_u64(*s == '+' ? s + 1 : s, base, &n);

	if (!err)
		*res = n;
	return err;
}

int kstrtos64(const char *s, unsigned int base, s64 *res)
{
	bool negative = *s == '-';
	u64 n;
	int err = scan_whole_u64(negative || *s == '+' ? s + 1 : s, base, &n);

	if (err)
		return err;
	/* One more below zero than above. */
	if (n > (u64)S64_MAX + negative)
		return -ERANGE;
	*res = (s64)(negative ? -n : n);
	return 0;
}

int kstrtou32(const char *s, unsigned int base, u32 *res)
{
	u64 n;
	int err = kstrtou64(s, base, &n);

	if (err)
		return err;
	if (n > U32_MAX)
		return -ERANGE;
	*res = (u32)n;
	return 0;
}

int kstrtos32(const char *s, unsigned int base, s32 *res)
{
	s64 n;
	int err = kstrtos64(s, base, &n);

	if (err)
		return err;
	if (n < S32_MIN || n > S32_MAX)
		return -ERANGE;
	*res = (s32)n;
	return 0;
}

int kstrtoul(const char *s, unsigned int base, unsigned long *res)
{
	u64 n;
	int err = kstrtou64(s, base, &n);

	if (!err)
		*res = n;
	return err;
}

int kstrtol(const char *s, unsigned int base, long *res)
{
	s64 n;
	int err = kstrtos64(s, base, &n);

	if (!err)
		*res = n;
	return err;
}

/* Equal but for the case of letters and one newline at @s's end. */
static bool is_word(const char *s, const char *word)
{
	while (*word && lower(*s) == *word) {
		s++;
		word++;
	}
	return !*word && (!*s || (s[0] == '\n' && !s[1]));
}

int kstrtobool(const char *s, bool *res)
{
	static const char *const no[] = {"0", "n", "no", "off", "false"};
	static const char *const yes[] = {"1", "y", "yes", "on", "true"};

	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		if (is_word(s, no[i])) {
			*res = false;
			return 0;
		}
		if (is_word(s, yes[i])) {
			*res = true;
			return 0;
		}
	}
	return -EINVAL;
}

/* K is 2^10, M is 2^20...; 0 for no suffix. */
static unsigned int suffix_shift(char c)
{
	static const char suffixes[] = "kmgtpe";
	const char *at = c ? strchr(suffixes, lower(c)) : NULL;

	return at ? 10 * (unsigned int)(at - suffixes + 1) : 0;
}

/* Digits and suffix; *@end is past them. */
static int scan_size(const char *s, const char **end, u64 *bytes)
{
	u64 n;
	int err = scan_u64(s, 0, end, &n);
	unsigned int shift;

	if (err == -EINVAL)
		return err;
	shift = suffix_shift(**end);
	if (shift)
		++*end;
	if (err)
		return err;
	if (n << shift >> shift != n)
		return -ERANGE;
	*bytes = n << shift;
	return 0;
}

u64 memparse(const char *s, char **end)
{
	const char *past;
	u64 bytes = 0;

	if (scan_size(s, &past, &bytes))
		past = s;
	if (end)
		*end = (char *)past;
	return bytes;
}

int kstrtosize(const char *s, u64 *bytes)
{
	const char *end;
	u64 n;
	int err = scan_size(s, &end, &n);

	if (err == -EINVAL)
		return err;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	if (!err)
		*bytes = n;
	return err;
}

char *parse_split(char *s, char separator)
{
	char *at = strchr(s, separator);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *parse_word(char **cursor)
{
	char *from = *cursor, *to, *word;
	bool quoted = false;

	while (is_blank(*from))
		from++;
	if (!*from) {
		*cursor = from;
		return NULL;
	}

	/* Quotes vanish, so the word closes up as it is read. */
	for (word = to = from; *from && (quoted || !is_blank(*from)); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*cursor = *from ? from + 1 : from;
	*to = '\0';
	return word;
}
