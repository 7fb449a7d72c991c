/* SPDX-License-Identifier: MIT */
/* cmd_test.c - the tests and benchmarks, from the prompt. */
#include <errno.h>
#include <lib/glob.h>
#include <lib/parse.h>
#include <string.h>
#include <tests/run.h>
#include "shell_impl.h"

typedef bool names_fn(unsigned int i, const char **suite, const char **name);

static int list_names(names_fn *names, const char *glob)
{
	const char *suite, *name;
	unsigned int nr = 0;
	char full[128];

	for (unsigned int i = 0; names(i, &suite, &name); i++) {
		scnprintf(full, sizeof(full), "%s.%s", suite, name);
		if (!glob_match(glob, full) && !glob_match(glob, suite))
			continue;
		sh_printf("%s\n", full);
		nr++;
	}
	sh_printf("%u in all\n", nr);
	return 0;
}

static int say_result(const char *command, const char *glob, int failed)
{
	if (failed == -ENOENT)
		sh_error(
			"%s: nothing matches '%.60s'; `%s -l' lists what there "
			"is\n",
			command, glob, command);
	else if (failed == -EBUSY)
		sh_error("%s: some run already\n", command);
	return failed ? 1 : 0;
}

static int cmd_test(int argc, char **argv)
{
	u64 seed = 0;

	if (argc > 1 && argc < 4 && !strcmp(argv[1], "-l"))
		return list_names(tests_name, argc == 3 ? argv[2] : "*");
	if (argc == 3 && !strncmp(argv[2], "seed=", 5)) {
		if (kstrtou64(argv[2] + 5, 0, &seed)) {
			sh_error("test: '%.40s' is not a number\n",
				 argv[2] + 5);
			return SH_USAGE;
		}
	} else if (argc != 2) {
		return sh_usage(argv[0]);
	}
	tests_set_stop(sh_interrupted);
	return say_result(argv[0], argv[1], tests_run(argv[1], seed));
}
COMMAND(test, "TESTS|-l [seed=NUMBER]",
	"run the tests that match, as in `test list.*'; -l lists", cmd_test);

static int cmd_bench(int argc, char **argv)
{
	if (argc > 1 && argc < 4 && !strcmp(argv[1], "-l"))
		return list_names(benches_name, argc == 3 ? argv[2] : "*");
	if (argc != 2)
		return sh_usage(argv[0]);
	tests_set_stop(sh_interrupted);
	return say_result(argv[0], argv[1], benches_run(argv[1]));
}
COMMAND(bench, "BENCHES|-l", "run the benchmarks that match, by the clock",
	cmd_bench);
