/* SPDX-License-Identifier: MIT */
/* options.c - see options.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <lib/parse.h>
#include "arguments.h"
#include "options.h"

static int is_argument(const struct option *o)
{
	return o->name[0] != '-';
}

static void print_default(const struct option *o)
{
	char size[16];

	if (o->kind == OPTION_SIZE)
		printf(" (%s)\n", size_text(size, *o->value));
	else if (o->kind == OPTION_FLAG)
		printf("\n");
	else
		printf(" (%ld)\n", *o->value);
}

static void print_help(const char *name, const struct option *options)
{
	printf("usage: %s", name);
	for (const struct option *o = options; o->name; o++) {
		if (is_argument(o))
			printf(" [%s]", o->name);
		else
			printf(" [%s%s]", o->name,
			       o->kind == OPTION_FLAG ? "" : " N");
	}
	printf("\n");
	for (const struct option *o = options; o->name; o++) {
		printf("  %-10s %s", o->name, o->help);
		print_default(o);
	}
}

/* The @nth argument, or the option of that name; NULL. */
static const struct option *find(const struct option *options, const char *word,
				 int nth)
{
	int is_option = word[0] == '-' && word[1] == '-';

	for (const struct option *o = options; o->name; o++) {
		if (is_option ? !strcmp(o->name, word)
			      : is_argument(o) && !nth--)
			return o;
	}
	return NULL;
}

static int read_value(const struct option *o, const char *text)
{
	u64 bytes;
	long n;

	if (o->kind == OPTION_SIZE) {
		if (kstrtosize(text, &bytes) || bytes >> 62)
			return -1;
		n = bytes;
	} else if (kstrtol(text, 0, &n)) {
		return -1;
	}
	if (n < o->min || n > o->max)
		return -1;
	*o->value = n;
	return 0;
}

static int say_wrong(const char *name, const struct option *o, const char *text)
{
	char min[16], max[16];

	if (o->kind == OPTION_SIZE)
		fprintf(stderr, "%s: %s '%s' is not a size from %s to %s\n",
			name, o->name, text, size_text(min, o->min),
			size_text(max, o->max));
	else
		fprintf(stderr, "%s: %s '%s' is not a number from %ld to %ld\n",
			name, o->name, text, o->min, o->max);
	return EXIT_USAGE;
}

int options_read(int argc, char **argv, const struct option *options)
{
	int nth = 0;

	for (int i = 1; i < argc; i++) {
		const struct option *o = find(options, argv[i], nth);

		if (!strcmp(argv[i], "--help")) {
			print_help(argv[0], options);
			return 0;
		}
		if (!o) {
			fprintf(stderr, "%s: what is '%s'? See %s --help\n",
				argv[0], argv[i], argv[0]);
			return EXIT_USAGE;
		}
		if (o->kind == OPTION_FLAG) {
			*o->value = 1;
			continue;
		}
		if (is_argument(o)) {
			nth++;
		} else if (++i == argc) {
			fprintf(stderr, "%s: %s needs a value\n", argv[0],
				o->name);
			return EXIT_USAGE;
		}
		if (read_value(o, argv[i]))
			return say_wrong(argv[0], o, argv[i]);
	}
	return -1;
}

const char *size_text(char buf[16], double bytes)
{
	static const char *const unit[] = {"B",	  "KiB", "MiB",
					   "GiB", "TiB", "PiB"};
	int i = 0;

	while (bytes >= 1024 && i < 5) {
		bytes /= 1024;
		i++;
	}
	snprintf(buf, 16, "%.*f %s", i && bytes < 100 ? 1 : 0, bytes, unit[i]);
	return buf;
}

double seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
