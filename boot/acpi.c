/* SPDX-License-Identifier: MIT */
/* acpi.c - what the firmware's tables said. */
#include <boot/acpi.h>

struct acpi_info acpi_info;
