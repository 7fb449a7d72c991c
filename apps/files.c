/* SPDX-License-Identifier: MIT */
/* files.c - look at files: cat and ls. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <apps/app.h>
#include "arguments.h"

/* Says what went wrong with @name; the exit code for that. */
static int complain(const char *app, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", app, name, strerror(errno));
	return EXIT_FAILURE;
}

static int copy_out(FILE *in)
{
	char line[256];

	while (fgets(line, sizeof(line), in))
		fputs(line, stdout);
	return ferror(in) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

APP(cat, "print files, or what is typed: cat [FILE...]")
{
	int result = EXIT_SUCCESS;

	if (argc == 1 && copy_out(stdin))
		return complain(argv[0], "what is typed");
	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "r");

		if (!in || copy_out(in))
			result = complain(argv[0], argv[i]);
		if (in)
			fclose(in);
	}
	return result;
}

static void list_entry(const char *dir, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (stat(path, &st))
		memset(&st, 0, sizeof(st));
	if (S_ISDIR(st.st_mode))
		printf("%8s  %s/\n", "", name);
	else if (S_ISREG(st.st_mode))
		printf("%8ld  %s\n", (long)st.st_size, name);
	else
		printf("%8s  %s\n", "device", name);
}

APP(ls, "list a directory: ls [DIRECTORY]")
{
	const char *name = argc > 1 ? argv[1] : ".";
	struct dirent *entry;
	DIR *dir;

	if (too_many(argc, argv, 1))
		return EXIT_USAGE;
	dir = opendir(name);
	if (!dir)
		return complain(argv[0], name);
	while ((entry = readdir(dir)))
		list_entry(name, entry->d_name);
	closedir(dir);
	return EXIT_SUCCESS;
}
