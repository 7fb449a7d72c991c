/* SPDX-License-Identifier: MIT */
/*
 * glob.h - shell patterns: * ? [a-z] [!a-z] and \ to quote.
 *
 * No character is special in the text: * matches dots and slashes alike.  A [
 * that is never closed stands for itself.
 *
 * Context: any.  Worst case O(pattern * text), no recursion.
 */
#pragma once

#include <lib/types.h>

bool glob_match(const char *pattern, const char *text);
