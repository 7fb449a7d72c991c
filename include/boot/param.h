/* SPDX-License-Identifier: MIT */
/*
 * param.h - settings given on the boot command line.
 *
 *	static unsigned long nr_things = 8;
 *	BOOT_PARAM_ULONG("things", nr_things, 1, 64, "how many things to keep");
 *
 *	static int set_shape(const struct boot_param *p, const char *value)
 *	BOOT_PARAM("slab", set_shape, "cmpxchg|sheaves", "shape of the slabs");
 *
 * All are set before kernel_main(): a setter may only write variables.  Of
 * several values for one name the last counts.  A word nobody declared, or a
 * value its setter refuses, is reported by name and otherwise ignored.
 */
#pragma once
#include <lib/types.h>

struct boot_param {
	const char *name;
	const char *expects; /* shown when a value is refused, and by help */
	const char *help;
	/* Returns 0, or -errno and changes nothing.  @value is NULL for a bare
	 * word, and otherwise stays valid for ever. */
	int (*set)(const struct boot_param *param, const char *value);
	void *target;
	unsigned long min, max;
};

#define BOOT_PARAM(name, set, expects, help)                                   \
	BOOT_PARAM_(name, set, expects, help, NULL, 0, 0)

/* unsigned long: decimal, or hexadecimal after 0x. */
#define BOOT_PARAM_ULONG(name, var, min, max, help)                            \
	BOOT_PARAM_(name, boot_param_set_ulong, "a number", help,              \
		    _Generic(&(var), unsigned long *: &(var)), min, max)

/* u64 bytes: a number with K, M, G or T behind it, or none. */
#define BOOT_PARAM_SIZE(name, var, help)                                       \
	BOOT_PARAM_(name, boot_param_set_size, "a size such as 64M", help,     \
		    _Generic(&(var), u64 *                                     \
			     : &(var)),                                        \
		    0, 0)

/* bool: on, off, yes, no, 1, 0; a bare word is on. */
#define BOOT_PARAM_BOOL(name, var, help)                                       \
	BOOT_PARAM_(name, boot_param_set_bool, "on or off", help,              \
		    _Generic(&(var), bool *: &(var)), 0, 1)

/* const char *: the text, whatever it is. */
#define BOOT_PARAM_STRING(name, var, help)                                     \
	BOOT_PARAM_(name, boot_param_set_string, "text", help,                 \
		    _Generic(&(var), const char **: &(var)), 0, 0)

int boot_param_set_ulong(const struct boot_param *param, const char *value);
int boot_param_set_size(const struct boot_param *param, const char *value);
int boot_param_set_bool(const struct boot_param *param, const char *value);
int boot_param_set_string(const struct boot_param *param, const char *value);

/* Every declared parameter: for (p = first; p < end; p++) (*p)->name ... */
extern const struct boot_param *const __registry_params_start[];
extern const struct boot_param *const __registry_params_end[];

/*
 * Set what @line says, cutting it into words in place.  Returns how many words
 * were unknown or refused; each has been reported.
 */
unsigned int boot_param_parse(char *line, const struct boot_param *const *first,
			      const struct boot_param *const *end);

/* The section holds pointers, so that no padding can come between entries. */
#define BOOT_PARAM_(name_, set_, expects_, help_, target_, min_, max_)         \
	BOOT_PARAM__(__COUNTER__, name_, set_, expects_, help_, target_, min_, \
		     max_)
#define BOOT_PARAM__(n_, ...) BOOT_PARAM___(n_, __VA_ARGS__)
#define BOOT_PARAM___(n_, name_, set_, expects_, help_, target_, min_, max_)   \
	static const struct boot_param boot_param_##n_ = {                     \
		.name = name_,                                                 \
		.expects = expects_,                                           \
		.help = help_,                                                 \
		.set = set_,                                                   \
		.target = target_,                                             \
		.min = min_,                                                   \
		.max = max_,                                                   \
	};                                                                     \
	static const struct boot_param *const boot_param_ptr_##n_              \
		__attribute__((used, section(".registry.params"))) =           \
			&boot_param_##n_
