/* SPDX-License-Identifier: MIT */
/* features.h - what this CPU can do, read once from CPUID. */
#pragma once
#include <lib/types.h>

struct cpu_features {
	bool x2apic, tsc_deadline, invariant_tsc;
	bool smep, smap, umip;
	bool pages_1g, pat;
	bool machine_check;
	bool xsave, xsaveopt, rdtscp;
	bool hypervisor;
	bool translated; /* by QEMU's TCG: not a CPU at all */
	char vendor[13];
	char brand[49];
};

extern struct cpu_features cpu_features;

/* What one of this CPU's banks of machine-check registers holds. */
struct machine_check {
	u64 status, address;
	bool has_address;
};

/* Read @bank: false if it holds no error, or there is no such bank. */
bool machine_check_read(unsigned int bank, struct machine_check *mc);
#define MAX_MACHINE_CHECK_BANKS 32

/* Boot CPU, once; reads CPUID. */
void cpu_features_init(void);

/* Turn on in CR0, CR4, EFER and PAT what the boot CPU has.  Every CPU. */
void cpu_enable_features(void);
