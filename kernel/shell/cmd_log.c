/* SPDX-License-Identifier: MIT */
/* cmd_log.c - the kernel's log. */
#include <kernel/core/printk.h>
#include <lib/parse.h>
#include <string.h>
#include "shell_impl.h"

static const char *const level_names[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

/* By name, or by number.  Negative: there is no such level. */
static int parse_level(const char *s)
{
	unsigned int n;

	for (int i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (!strcmp(s, level_names[i]))
			return i;
	}
	if (!kstrtouint(s, 10, &n) && n < ARRAY_SIZE(level_names))
		return n;
	return -1;
}

static int print_log(unsigned int level)
{
	char line[PRINTK_MAX_LINE + 32];
	struct printk_record rec;
	u64 seq = 0;

	while (printk_read(&seq, &rec) && !sh_interrupted()) {
		if (rec.level > level)
			continue;
		printk_render(&rec, line, sizeof(line));
		if (sh_printf("%s", line))
			return 1;
	}
	if (printk_nr_dropped())
		sh_printf("(%lu lines found no room in the log)\n",
			  printk_nr_dropped());
	return 0;
}

static int cmd_dmesg(int argc, char **argv)
{
	int level = LOG_DEBUG;

	if (argc == 3 && !strcmp(argv[1], "-n")) {
		level = parse_level(argv[2]);
		if (level < 0) {
			sh_error("dmesg: '%.40s' is no level: 0 to 7, or emerg "
				 "alert crit err\nwarning notice info debug\n",
				 argv[2]);
			return SH_USAGE;
		}
	} else if (argc > 1) {
		return sh_usage(argv[0]);
	}
	return print_log(level);
}
COMMAND(dmesg, "[-n LEVEL]", "the kernel's log, all or up to a level",
	cmd_dmesg);
