/* SPDX-License-Identifier: MIT */
/* fw_cfg.h - files that QEMU's command line hands to its guest. */
#pragma once
#include <lib/types.h>

/*
 * Read up to @len bytes of file @name.  Returns the file's whole size, which
 * may be more than @len, or -ENOENT if there is no such file or this is not
 * QEMU.  Boot CPU, before others run.
 */
long fw_cfg_read(const char *name, void *buf, size_t len);
