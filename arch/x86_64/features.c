/* SPDX-License-Identifier: MIT */
/*
 * features.c - ask CPUID once, then turn on the same things on every CPU.
 *
 * Leaves 0x15 and 0x16 (clock frequencies) are not asked: hypervisors fill
 * them with anything.
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <lib/math.h>
#include <string.h>
#include "arch_impl.h"
#include "fpu_impl.h"

/* Entry 1, which PTE_PWT alone selects, becomes write-combining; entries 0 (WB)
 * and 3 (UC, PTE_PCD and PTE_PWT) stay what they are at reset. */
#define PAT_VALUE 0x0007010600070106ull

#define CR0_CD_NW (3ul << 29)

struct cpu_features cpu_features;

static bool bit(u32 word, unsigned int nr)
{
	return word >> nr & 1;
}

static void read_brand(char *brand)
{
	for (u32 leaf = 0; leaf < 3; leaf++) {
		struct cpuid_result r = cpuid(0x80000002 + leaf);

		memcpy(brand + leaf * 16, &r, 16);
	}
	brand[48] = '\0';
}

static bool is_tcg(void)
{
	struct cpuid_result r = cpuid(0x40000000);
	char name[13] = "";

	memcpy(name, &r.ebx, 4);
	memcpy(name + 4, &r.ecx, 4);
	memcpy(name + 8, &r.edx, 4);
	return !strcmp(name, "TCGTCGTCGTCG");
}

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid_result r = cpuid(0);
	u32 max_leaf = r.eax;
	u32 max_extended = cpuid(0x80000000).eax;

	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);

	r = cpuid(1);
	f->x2apic = bit(r.ecx, 21);
	f->tsc_deadline = bit(r.ecx, 24);
	f->xsave = bit(r.ecx, 26);
	f->hypervisor = bit(r.ecx, 31);
	f->pat = bit(r.edx, 16);
	f->machine_check = bit(r.edx, 7) && bit(r.edx, 14);
	f->translated = f->hypervisor && is_tcg();

	if (max_leaf >= 7) {
		r = cpuid_count(7, 0);
		f->smep = bit(r.ebx, 7);
		f->smap = bit(r.ebx, 20);
		f->umip = bit(r.ecx, 2);
	}
	if (f->xsave && max_leaf >= 0xd)
		f->xsaveopt = bit(cpuid_count(0xd, 1).eax, 0);

	r = cpuid(0x80000001);
	f->pages_1g = bit(r.edx, 26);
	f->rdtscp = bit(r.edx, 27);
	if (max_extended >= 0x80000007)
		f->invariant_tsc = bit(cpuid(0x80000007).edx, 8);
	if (max_extended >= 0x80000004)
		read_brand(f->brand);
}

#define MCG_BANKS(cap) min_t(unsigned int, (cap)&0xff, MAX_MACHINE_CHECK_BANKS)
#define MCG_HAS_CTL    (1u << 8)

#define MC_STATUS(bank) (MSR_MC_CTL(bank) + 1)
#define MC_ADDR(bank)	(MSR_MC_CTL(bank) + 2)

#define MC_STATUS_VALID	  (1ull << 63)
#define MC_STATUS_ADDRESS (1ull << 58)

/* Without this an error is kept, at best, and no exception tells of it.  What is
 * kept from before the start is nobody's any more. */
static void enable_machine_checks(void)
{
	u64 cap = rdmsr(MSR_MCG_CAP);

	if (cap & MCG_HAS_CTL)
		wrmsr(MSR_MCG_CTL, ~0ull);
	for (unsigned int i = 0; i < MCG_BANKS(cap); i++) {
		wrmsr(MC_STATUS(i), 0);
		wrmsr(MSR_MC_CTL(i), ~0ull);
	}
}

bool machine_check_read(unsigned int bank, struct machine_check *mc)
{
	if (!cpu_features.machine_check ||
	    bank >= MCG_BANKS(rdmsr(MSR_MCG_CAP)))
		return false;
	mc->status = rdmsr(MC_STATUS(bank));
	mc->has_address = mc->status & MC_STATUS_ADDRESS;
	mc->address = mc->has_address ? rdmsr(MC_ADDR(bank)) : 0;
	return mc->status & MC_STATUS_VALID;
}

void cpu_enable_features(void)
{
	unsigned long cr4 = CR4_PAE | CR4_PGE | CR4_MCE | CR4_OSFXSR |
			    CR4_OSXMMEXCPT;

	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4); /* absolutely: firmware leaves bits behind */

	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS | CR0_CD_NW)) | CR0_MP |
		  CR0_NE | CR0_WP);
	if (cpu_features.pat)
		wrmsr(MSR_PAT, PAT_VALUE);
	if (cpu_features.machine_check)
		enable_machine_checks();
	fpu_init_cpu();
}
