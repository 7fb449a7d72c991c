/* SPDX-License-Identifier: MIT */
/*
 * param.c - settings given on the boot command line.
 *
 * Words are cut in place and values keep pointing into the line, so the line
 * must live as long as they do: boot_params_init() works on a copy of its own,
 * and boot_info keeps the text as it was given.
 *
 * Context: boot CPU, before kernel_main(); a test on its own table, any time.
 */
#include <boot/boot_info.h>
#include <boot/note.h>
#include <boot/param.h>
#include <errno.h>
#include <lib/parse.h>
#include <string.h>
#include "boot_impl.h"

int boot_param_set_ulong(const struct boot_param *param, const char *value)
{
	unsigned long n;
	int err = value ? kstrtoul(value, 0, &n) : -EINVAL;

	if (err)
		return err;
	if (n < param->min || n > param->max)
		return -ERANGE;
	*(unsigned long *)param->target = n;
	return 0;
}

int boot_param_set_size(const struct boot_param *param, const char *value)
{
	return value ? kstrtosize(value, param->target) : -EINVAL;
}

int boot_param_set_bool(const struct boot_param *param, const char *value)
{
	return kstrtobool(value ? value : "on", param->target);
}

int boot_param_set_string(const struct boot_param *param, const char *value)
{
	if (!value)
		return -EINVAL;
	*(const char **)param->target = value;
	return 0;
}

static const struct boot_param *find(const char *name,
				     const struct boot_param *const *first,
				     const struct boot_param *const *end)
{
	for (; first < end; first++) {
		if (!strcmp((*first)->name, name))
			return *first;
	}
	return NULL;
}

static void report_refused(const struct boot_param *p, const char *value,
			   int err)
{
	if (err == -ERANGE && p->max)
		boot_warn("%s=%s: expected %s from %lu to %lu; ignored",
			  p->name, value, p->expects, p->min, p->max);
	else if (value)
		boot_warn("%s=%s: expected %s; ignored", p->name, value,
			  p->expects);
	else
		boot_warn("%s: needs a value, %s; ignored", p->name,
			  p->expects);
}

unsigned int boot_param_parse(char *line, const struct boot_param *const *first,
			      const struct boot_param *const *end)
{
	unsigned int complaints = 0;
	char *word;

	while ((word = parse_word(&line))) {
		char *value = parse_split(word, '=');
		const struct boot_param *p = find(word, first, end);
		int err = p ? p->set(p, value) : 0;

		if (!p)
			boot_warn("unknown boot parameter: %s%s%s", word,
				  value ? "=" : "", value ? value : "");
		else if (err)
			report_refused(p, value, err);
		complaints += !p || err;
	}
	return complaints;
}

void boot_params_init(void)
{
	static char words[BOOT_MAX_CMDLINE];

	memcpy(words, boot_info.cmdline, sizeof(words));
	boot_param_parse(words, __registry_params_start, __registry_params_end);
}
