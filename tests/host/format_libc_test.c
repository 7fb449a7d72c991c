/* SPDX-License-Identifier: MIT */
/*
 * format_libc_test.c - random directives print as the host's libc prints them.
 *
 * Only what both understand alike: %p, %pS and %pa are ours.
 */
#include <stdio.h>
#include <string.h>

#include <lib/compiler.h>
#include <lib/format.h>
#include <lib/random.h>
#include <tests/test.h>

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* A directive that takes one 64-bit argument, or a string for 's'. */
static char draw_directive(struct prng *rng, char *fmt, size_t size)
{
	static const char conversions[] = "diuxXos";
	static const char *const lengths[] = {"l", "ll", "z", "j", "t"};
	char c = conversions[prng_below(rng, sizeof(conversions) - 1)];
	char *p = fmt, *end = fmt + size;

	*p++ = '%';
	for (int i = 0; i < 5; i++) {
		/* # and 0 mean nothing to a string. */
		const char *flags = c == 's' ? "-----" : "-+ #0";

		if (prng_one_in(rng, 4))
			*p++ = flags[i];
	}
	if (prng_one_in(rng, 2))
		p += snprintf(p, end - p, "%d", (int)prng_range(rng, 1, 30));
	if (prng_one_in(rng, 2))
		p += snprintf(p, end - p, ".%d", (int)prng_below(rng, 30));
	if (c != 's')
		p += snprintf(p, end - p, "%s",
			      lengths[prng_below(rng, ARRAY_SIZE(lengths))]);
	p += snprintf(p, end - p, "%c<", c);
	return c;
}

TEST(format, agrees_with_libc_on_random_directives)
{
	static const char *const strings[] = {"", "a", "some text of length"};
	struct prng rng;

	prng_init(&rng, test_seed());
	for (int i = 0; i < 20000; i++) {
		char fmt[40], ours[80], theirs[80];
		size_t size = prng_below(&rng, sizeof(ours));
		int our_len, their_len;

		if (draw_directive(&rng, fmt, sizeof(fmt)) == 's') {
			const char *s = strings[prng_below(&rng, 3)];

			our_len = format(ours, size, fmt, s);
			their_len = snprintf(theirs, size, fmt, s);
		} else {
			/* Small, middling and huge ones. */
			u64 n = prng_u64(&rng) >> prng_below(&rng, 64);

			n = prng_one_in(&rng, 8) ? 0 : n;
			n = prng_one_in(&rng, 4) ? -n : n;
			our_len = format(ours, size, fmt, n);
			their_len = snprintf(theirs, size, fmt, n);
		}
		if (our_len != their_len || (size && strcmp(ours, theirs)))
			FAIL("\"%s\" in %zu: %d \"%s\", not %d \"%s\"", fmt,
			     size, our_len, size ? ours : "", their_len,
			     size ? theirs : "");
	}
}
