/* SPDX-License-Identifier: MIT */
/* percpu.c - the variables behind <arch/percpu.h>. */
#include <arch/cpu.h>
#include <arch/percpu.h>
#include "arch_impl.h"

unsigned long __per_cpu_offset[NR_CPUS];

DEFINE_PER_CPU(unsigned long, this_cpu_offset);
DEFINE_PER_CPU(unsigned int, cpu_number);

void percpu_switch_base(unsigned int cpu)
{
	wrmsr(MSR_GS_BASE, __per_cpu_offset[cpu]);
}
