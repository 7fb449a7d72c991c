/* SPDX-License-Identifier: MIT */
/* features_test.c - what protects the kernel is on, on every CPU. */
#include <arch/cpu.h>
#include <kernel/core/smp.h>
#include <tests/test.h>
#include "arch_impl.h"

#define CR4_LA57 (1ul << 12)

struct controls {
	unsigned long cr0, cr4;
	u64 efer;
};

static void read_controls(void *arg)
{
	struct controls *c = arg;

	c->cr0 = read_cr0();
	c->cr4 = read_cr4();
	c->efer = rdmsr(MSR_EFER);
}

/* CPUID is asked here, and not what the kernel remembers of it. */
static unsigned long protections_there_are(void)
{
	struct cpuid_result r = {0};
	unsigned long cr4 = 0;

	if (cpuid(0).eax >= 7)
		r = cpuid_count(7, 0);
	if (r.ebx & 1u << 7)
		cr4 |= CR4_SMEP;
	if (r.ebx & 1u << 20)
		cr4 |= CR4_SMAP;
	if (r.ecx & 1u << 2)
		cr4 |= CR4_UMIP;
	return cr4;
}

TEST(features, protections_the_cpu_has_are_on_everywhere)
{
	unsigned long wanted = protections_there_are();
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct controls c = {0};

		smp_call_function_single(cpu, read_controls, &c, true);
		EXPECT_EQ(c.cr4 & (CR4_SMEP | CR4_SMAP | CR4_UMIP), wanted);
		EXPECT(c.cr4 & CR4_MCE);
		EXPECT(!(c.cr4 & CR4_LA57));
		EXPECT(c.cr0 & CR0_WP);
		EXPECT(c.efer & EFER_NXE);
	}
}
