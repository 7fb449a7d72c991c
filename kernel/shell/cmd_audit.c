/* SPDX-License-Identifier: MIT */
/* cmd_audit.c - do the books balance? */
#include <kernel/cgroup/cgroup.h>
#include <kernel/shell/shell.h>
#include <lib/err.h>
#include <mm/memcg/audit.h>
#include <mm/memcg/memcg.h>
#include <string.h>

static int say(struct seq_text *text)
{
	if (seq_text_error(text))
		sh_error("audit: no memory\n");
	else
		sh_write(text->text, text->len);
	seq_text_free(text);
	return 1;
}

/* The ledger of the group at @path, or what is wrong with it. */
static bool print_group(struct seq_text *out, const struct audit *a,
			const char *path)
{
	struct cgroup *cgrp = cgroup_find(path);
	bool found = false;

	if (IS_ERR(cgrp)) {
		sh_error("audit: there is no group %s\n", path);
		return false;
	}
	for (unsigned int i = 0; i < a->nr_groups && !found; i++) {
		struct audit_group *g = audit_group(a, i);

		found = mem_cgroup_css(g->memcg)->cgroup == cgrp;
		if (found)
			audit_print_ledger(out, g);
	}
	cgroup_put(cgrp);
	if (!found)
		sh_error("audit: %s has no books of its own\n", path);
	return found;
}

static int cmd_audit(int argc, char **argv)
{
	bool quiet = argc > 1 && !strcmp(argv[1], "-q");
	const char *path = argc > 1 && !quiet ? argv[1] : NULL;
	struct seq_text out = SEQ_TEXT_INIT;
	struct audit *a;
	int status = 0;

	if (argc > 2 || (path && *path == '-'))
		return sh_usage(argv[0]);
	a = audit_take();
	if (!a) {
		sh_error("audit: no memory\n");
		return 1;
	}
	if (path && !print_group(&out, a, path))
		status = 1;
	if (!path && !quiet)
		audit_print_table(&out, a, &cgroup_root);
	if (a->nr_findings)
		status = 1;
	if (!status || a->nr_findings)
		audit_print_verdict(&out, a);
	audit_free(a);
	say(&out);
	return status;
}
COMMAND(audit, "[-q] [GROUP]", "walk all memory and compare with the books",
	cmd_audit);
