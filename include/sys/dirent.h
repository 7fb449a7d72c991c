/* SPDX-License-Identifier: MIT */
/*
 * sys/dirent.h - what newlib's <dirent.h> leaves to the system.
 *
 * Found before newlib's own, which says that there are no directories.
 */
#pragma once
#include <sys/types.h>

/* The longest name. */
#define MAXNAMLEN 63

/* Values of d_type. */
#define DT_UNKNOWN 0
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_REG	   8

struct dirent {
	ino_t d_ino;
	unsigned char d_type;
	char d_name[MAXNAMLEN + 1];
};

typedef struct dir DIR;
