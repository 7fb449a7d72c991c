/* SPDX-License-Identifier: MIT */
/* expect.c - expectations: nothing when they hold, words when they do not. */
#include <lib/format.h>
#include <string.h>
#include "framework_impl.h"

static const char *const op_text[] = {
	[TEST_EQ] = "==", [TEST_NE] = "!=", [TEST_LT] = "<",
	[TEST_LE] = "<=", [TEST_GT] = ">",  [TEST_GE] = ">=",
};

static void start_words(struct text *t, char *buf, const char *file, int line)
{
	text_init(t, buf, TEST_FAILURE_CHARS);
	text_add(t, "%s:%d: ", file, line);
}

static void add_value(struct text *t, struct test_value v)
{
	if (v.is_pointer)
		text_add(t, "%#llx", v.bits);
	else if (v.is_signed)
		text_add(t, "%lld", (long long)v.bits);
	else
		text_add(t, "%llu", v.bits);
	/* Large numbers are mostly addresses or masks: read them as such. */
	if (!v.is_pointer && v.bits > 0xffff && v.bits + 0xffff > 0x1fffe)
		text_add(t, " (%#llx)", v.bits);
}

static bool is_negative(struct test_value v)
{
	return v.is_signed && (s64)v.bits < 0;
}

/* As numbers, whatever their types: -1 is less than any unsigned one. */
static bool less(struct test_value a, struct test_value b)
{
	if (is_negative(a) != is_negative(b))
		return is_negative(a);
	return a.bits < b.bits;
}

/*
 * Equality is of the 64 bits: (u64)-1 and -1 are the same error code to a
 * person, and a pointer compares with NULL.
 */
static bool holds(enum test_op op, struct test_value a, struct test_value b)
{
	switch (op) {
	case TEST_EQ:
		return a.bits == b.bits;
	case TEST_NE:
		return a.bits != b.bits;
	case TEST_LT:
		return less(a, b);
	case TEST_LE:
		return !less(b, a);
	case TEST_GT:
		return less(b, a);
	case TEST_GE:
		return !less(a, b);
	}
	return false;
}

bool test_true(const struct test_site *site, bool held)
{
	char words[TEST_FAILURE_CHARS];
	struct text t;

	if (held)
		return true;
	start_words(&t, words, site->file, site->line);
	text_add(&t, "%s", site->a);
	test_body_unmet(words);
	return false;
}

bool test_compare(const struct test_site *site, struct test_value a,
		  struct test_value b)
{
	char words[TEST_FAILURE_CHARS];
	struct text t;

	if (holds(site->op, a, b))
		return true;
	start_words(&t, words, site->file, site->line);
	text_add(&t, "%s %s %s, but ", site->a, op_text[site->op], site->b);
	add_value(&t, a);
	text_add(&t, " and ");
	add_value(&t, b);
	test_body_unmet(words);
	return false;
}

static void add_string(struct text *t, const char *s)
{
	if (s)
		text_add_quoted(t, s);
	else
		text_add(t, "NULL");
}

bool test_streq(const struct test_site *site, const char *a, const char *b)
{
	char words[TEST_FAILURE_CHARS];
	struct text t;

	if (a == b || (a && b && !strcmp(a, b)))
		return true;
	start_words(&t, words, site->file, site->line);
	text_add(&t, "%s is %s, but ", site->a, site->b);
	add_string(&t, a);
	text_add(&t, " and ");
	add_string(&t, b);
	test_body_unmet(words);
	return false;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char words[TEST_FAILURE_CHARS];
	struct text t;
	va_list args;

	start_words(&t, words, file, line);
	va_start(args, fmt);
	vscnprintf(words + t.len, sizeof(words) - t.len, fmt, args);
	va_end(args);
	test_body_unmet(words);
}
