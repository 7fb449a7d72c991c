/* SPDX-License-Identifier: MIT */
/*
 * hog.c - take memory by the page, and keep it.
 *
 * Each page is written, so each is made and charged.  In a group with a limit
 * that is where hog meets it, and is killed.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include <apps/app.h>
#include "arguments.h"
#include "options.h"

#define PAGE 4096

/* Write to every page, and say so after every @step bytes; 0: never. */
static void touch(volatile char *p, long size, long step)
{
	char done[16], all[16];

	for (long at = 0; at < size; at += PAGE) {
		p[at] = 1;
		if (step && at % step == 0 && at) {
			printf("hog: %s of %s\n", size_text(done, at),
			       size_text(all, size));
			usleep(100000);
		} else if (at % (1 << 20) == 0) {
			sched_yield();
		}
	}
}

APP(hog, "take memory and keep it: hog [SIZE=64M] [--hold S] [--step SIZE]")
{
	long size = 64l << 20, hold = 0, step = 0;
	const struct option options[] = {
		{"SIZE", "how much to take", &size, 1, 1l << 42, OPTION_SIZE},
		{"--hold", "seconds to keep it", &hold, 0, 1000000, 0},
		{"--step", "rest and tell after each so much", &step, PAGE,
		 1l << 42, OPTION_SIZE},
		{NULL, NULL, NULL, 0, 0, 0},
	};
	int code = options_read(argc, argv, options);
	double start, touched;
	char text[16];
	void *p;

	if (code >= 0)
		return code;
	step &= -PAGE;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("hog");
		return EXIT_FAILURE;
	}
	start = seconds_now();
	touch(p, size, step);
	touched = seconds_now() - start;
	sleep(hold);
	munmap(p, size);
	printf("hog: took %s in %.2f s, kept it for %ld s\n",
	       size_text(text, size), touched, hold);
	return 0;
}
