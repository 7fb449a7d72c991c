/* SPDX-License-Identifier: MIT */
/* directories.c - make them, remove them, see how they lie: mkdir, rmdir, tree. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <apps/app.h>
#include "arguments.h"

static int complain(const char *app, const char *name)
{
	/* Of groups; newlib would speak of processes. */
	const char *why = errno == EAGAIN ? "Too deep or too many here"
					  : strerror(errno);

	fprintf(stderr, "%s: %s: %s\n", app, name, why);
	return EXIT_FAILURE;
}

/* -- mkdir, rmdir -------------------------------------------------------------- */

static int make_directory(const char *path)
{
	return mkdir(path, 0755);
}

/* Each of the arguments, whatever became of the one before. */
static int for_each_argument(int argc, char **argv,
			     int (*call)(const char *path))
{
	int result = EXIT_SUCCESS;

	if (argc == 1) {
		fprintf(stderr, "usage: %s DIRECTORY...\n", argv[0]);
		return EXIT_USAGE;
	}
	for (int i = 1; i < argc; i++)
		if (call(argv[i]))
			result = complain(argv[0], argv[i]);
	return result;
}

APP(mkdir, "make directories: mkdir DIRECTORY...")
{
	return for_each_argument(argc, argv, make_directory);
}

APP(rmdir, "remove empty directories: rmdir DIRECTORY...")
{
	return for_each_argument(argc, argv, rmdir);
}

/* -- tree ------------------------------------------------------------------------ */

struct names {
	char (*name)[MAXNAMLEN + 1];
	size_t nr, room;
};

static int names_add(struct names *names, const char *name)
{
	if (names->nr == names->room) {
		size_t room = names->room ? 2 * names->room : 8;
		void *more = realloc(names->name, room * sizeof(*names->name));

		if (!more)
			return -1;
		names->name = more;
		names->room = room;
	}
	strcpy(names->name[names->nr++], name);
	return 0;
}

/* The directories in @path.  It is closed again before anything is done with
 * them: a tree may be deeper than there are descriptors. */
static int read_directories(const char *path, struct names *names)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -1;
	while (!err && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR)
			err = names_add(names, entry->d_name);
	closedir(dir);
	return err;
}

struct walk {
	char path[512];	  /* where we are */
	char indent[512]; /* what stands in front of its lines */
	size_t nr;	  /* directories seen */
	int result;
};

static void walk_below(struct walk *w);

/* One of the directories in w->path, with what is below it. */
static void walk_into(struct walk *w, const char *name, int is_last)
{
	size_t path = strlen(w->path), indent = strlen(w->indent);

	printf("%s%s %s\n", w->indent, is_last ? "`--" : "|--", name);
	w->nr++;
	if (path + strlen(name) + 2 > sizeof(w->path) ||
	    indent + 5 > sizeof(w->indent))
		return;
	sprintf(w->path + path, "%s%s", path > 1 ? "/" : "", name);
	strcat(w->indent, is_last ? "    " : "|   ");
	walk_below(w);
	w->path[path] = '\0';
	w->indent[indent] = '\0';
}

static void walk_below(struct walk *w)
{
	struct names names = {NULL, 0, 0};

	/* It may have been removed since it was listed. */
	if (read_directories(w->path, &names) && errno != ENOENT)
		w->result = complain("tree", w->path);
	for (size_t i = 0; i < names.nr; i++)
		walk_into(w, names.name[i], i + 1 == names.nr);
	free(names.name);
}

APP(tree, "directories and those in them: tree [DIRECTORY]")
{
	const char *top = argc > 1 ? argv[1] : ".";
	struct walk w = {.result = EXIT_SUCCESS};
	struct stat st;

	if (argc > 2) {
		fprintf(stderr, "usage: tree [DIRECTORY]\n");
		return EXIT_USAGE;
	}
	if (strlen(top) >= sizeof(w.path))
		errno = ENAMETOOLONG;
	else if (!stat(top, &st))
		errno = S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	if (errno)
		return complain(argv[0], top);
	strcpy(w.path, top);
	printf("%s\n", top);
	walk_below(&w);
	printf("%zu %s\n", w.nr, w.nr == 1 ? "directory" : "directories");
	return w.result;
}
