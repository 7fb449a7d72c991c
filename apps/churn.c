/* SPDX-License-Identifier: MIT */
/*
 * churn.c - many small objects that come and go.
 *
 * A table of places; each step picks one at random.  An empty one gets an object
 * of random size, filled with a mark; a full one is checked and freed.
 */
#include <sched.h>
#include <string.h>
#include <apps/app.h>
#include "arguments.h"
#include "options.h"

struct object {
	unsigned char *p;
	unsigned int size;
	unsigned char mark;
};

struct churn {
	struct object *table;
	long count, size;
	unsigned long random;

	long steps, live, peak, wrong;
};

static unsigned long next_random(struct churn *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static int object_make(struct churn *c, struct object *o)
{
	/* On average as big as was asked for. */
	o->size = 1 + next_random(c) % (2 * c->size - 1);
	o->mark = c->random >> 32;
	o->p = malloc(o->size);
	if (!o->p)
		return -1;
	memset(o->p, o->mark, o->size);
	c->live += o->size;
	if (c->live > c->peak)
		c->peak = c->live;
	return 0;
}

static void object_drop(struct churn *c, struct object *o)
{
	for (unsigned int i = 0; i < o->size; i++) {
		if (o->p[i] != o->mark) {
			c->wrong++;
			break;
		}
	}
	c->live -= o->size;
	free(o->p);
	o->p = NULL;
}

/* Returns -1 when there is no memory. */
static int churn_for(struct churn *c, double seconds)
{
	double end = seconds_now() + seconds;

	do {
		for (int i = 0; i < 1000; i++) {
			struct object *o = &c->table[next_random(c) % c->count];

			if (o->p)
				object_drop(c, o);
			else if (object_make(c, o))
				return -1;
			c->steps++;
		}
		sched_yield();
	} while (seconds_now() < end);
	return 0;
}

APP(churn, "allocate and free: churn [SIZE=64] [COUNT=10000] [SECONDS=1]")
{
	long seconds = 1, seed = 1;
	struct churn c = {.size = 64, .count = 10000};
	const struct option options[] = {
		{"SIZE", "of an object, on average", &c.size, 1, 1 << 24,
		 OPTION_SIZE},
		{"COUNT", "objects at most", &c.count, 1, 100000000, 0},
		{"SECONDS", "how long", &seconds, 0, 1000000, 0},
		{"--seed", "for what is random", &seed, 1, 1l << 62, 0},
		{NULL, NULL, NULL, 0, 0, 0},
	};
	int code = options_read(argc, argv, options);
	double start = seconds_now();
	char text[16];

	if (code >= 0)
		return code;
	c.random = seed * 0x9e3779b97f4a7c15ul;
	c.table = calloc(c.count, sizeof(*c.table));
	if (!c.table || churn_for(&c, seconds)) {
		perror("churn");
		return EXIT_FAILURE;
	}
	for (long i = 0; i < c.count; i++) {
		if (c.table[i].p)
			object_drop(&c, &c.table[i]);
	}
	free(c.table);
	printf("churn: %ld steps in %.2f s, at most %s, %ld damaged\n", c.steps,
	       seconds_now() - start, size_text(text, c.peak), c.wrong);
	return c.wrong ? EXIT_FAILURE : 0;
}
