/* SPDX-License-Identifier: MIT */
/* primes.c - count primes with a sieve: malloc, and a loop that is long. */
#include <sched.h>
#include <string.h>
#include <apps/app.h>
#include "arguments.h"

static long sieve(unsigned char *composite, long limit)
{
	long count = 0;

	for (long n = 2; n <= limit; n++) {
		if (composite[n])
			continue;
		count++;
		for (long m = n * n; m <= limit; m += n)
			composite[m] = 1;
		if (n < 1000)
			sched_yield();
	}
	return count;
}

APP(primes, "count the primes up to a number: primes [LIMIT=1000000]")
{
	long limit = argument(argc, argv, 1, 2, 100000000, 1000000);
	unsigned char *composite;

	if (limit < 0 || too_many(argc, argv, 1))
		return EXIT_USAGE;
	composite = calloc(limit + 1, 1);
	if (!composite) {
		perror("primes");
		return EXIT_FAILURE;
	}
	printf("%ld primes up to %ld\n", sieve(composite, limit), limit);
	free(composite);
	return 0;
}
