/* SPDX-License-Identifier: MIT */
/* hello.c - the smallest programs: hello and echo. */
#include <stdio.h>
#include <unistd.h>
#include <apps/app.h>
#include "arguments.h"

APP(hello, "say hello: hello [NAME]")
{
	if (too_many(argc, argv, 1))
		return EXIT_USAGE;
	printf("Hello, %s, from task %d.\n", argc > 1 ? argv[1] : "world",
	       (int)getpid());
	return 0;
}

APP(echo, "print the arguments: echo [WORD...]")
{
	for (int i = 1; i < argc; i++)
		printf("%s%s", i > 1 ? " " : "", argv[i]);
	putchar('\n');
	return 0;
}
