/* SPDX-License-Identifier: MIT */
/* percpu.c - the variables behind <arch/percpu.h>. */
#include <arch/percpu.h>

unsigned long __per_cpu_offset[NR_CPUS];

DEFINE_PER_CPU(unsigned long, this_cpu_offset);
DEFINE_PER_CPU(unsigned int, cpu_number);
