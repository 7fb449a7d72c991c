/* SPDX-License-Identifier: MIT */
/*
 * acpi_madt.c - CPUs and interrupt controllers.
 *
 * Firmware lists sockets that are empty and CPUs that could be plugged in later;
 * only those that can be started are kept.  CPUs above APIC id 254 have an
 * entry type of their own, and some firmware lists every CPU in both.
 */
#include <arch/layout.h>
#include <boot/note.h>
#include <lib/math.h>
#include "acpi_impl.h"

struct madt {
	struct acpi_table header;
	u32 lapic_base;
	u32 flags;
} __packed;

#define MADT_HAVE_8259 (1u << 0)

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_NMI = 4,
	MADT_LAPIC_BASE = 5,
	MADT_X2APIC = 9,
	MADT_X2APIC_NMI = 10,
};

struct madt_lapic {
	struct acpi_entry entry;
	u8 uid;
	u8 apic_id;
	u32 flags;
} __packed;

struct madt_x2apic {
	struct acpi_entry entry;
	u16 reserved;
	u32 apic_id;
	u32 flags;
	u32 uid;
} __packed;

#define CPU_ENABLED (1u << 0)

struct madt_ioapic {
	struct acpi_entry entry;
	u8 id;
	u8 reserved;
	u32 base;
	u32 gsi_base;
} __packed;

struct madt_override {
	struct acpi_entry entry;
	u8 bus; /* 0 is ISA, and there is no other */
	u8 irq;
	u32 gsi;
	u16 flags;
} __packed;

/* Polarity and trigger: 0 is the bus's own (ISA: high, edge), 2 is nothing. */
#define FLAGS_ACTIVE_LOW(f) (((f)&3) == 3)
#define FLAGS_LEVEL(f)	    (((f) >> 2 & 3) == 3)
#define NR_ISA_IRQS	    16

struct madt_lapic_nmi {
	struct acpi_entry entry;
	u8 uid; /* 0xff: all */
	u16 flags;
	u8 lint;
} __packed;

struct madt_x2apic_nmi {
	struct acpi_entry entry;
	u16 flags;
	u32 uid; /* 0xffffffff: all */
	u8 lint;
	u8 reserved[3];
} __packed;

struct madt_lapic_base {
	struct acpi_entry entry;
	u16 reserved;
	u64 base;
} __packed;

static bool is_known(const struct acpi_info *info, u32 apic_id)
{
	for (unsigned int i = 0; i < info->nr_cpus; i++) {
		if (info->cpus[i].apic_id == apic_id)
			return true;
	}
	return false;
}

static void add_cpu(struct acpi_info *info, const struct acpi_table *t,
		    u32 apic_id, u32 uid, u32 flags)
{
	if (!(flags & CPU_ENABLED))
		return;
	if (is_known(info, apic_id)) {
		acpi_warn(t, "CPU with APIC id %u is listed twice", apic_id);
		return;
	}
	if (info->nr_cpus == NR_CPUS) {
		info->nr_cpus_left_out++;
		return;
	}
	info->cpus[info->nr_cpus++] = (struct acpi_cpu){
		.apic_id = apic_id,
		.uid = uid,
	};
}

static void add_lapic(struct acpi_info *info, const struct acpi_table *t,
		      const struct madt_lapic *e)
{
	if (e->apic_id != 0xff)
		add_cpu(info, t, e->apic_id, e->uid, e->flags);
}

static void add_x2apic(struct acpi_info *info, const struct acpi_table *t,
		       const struct madt_x2apic *e)
{
	if (e->apic_id != 0xffffffff)
		add_cpu(info, t, e->apic_id, e->uid, e->flags);
}

static void add_ioapic(struct acpi_info *info, const struct acpi_table *t,
		       const struct madt_ioapic *e)
{
	if (!e->base || !IS_ALIGNED(e->base, 16)) {
		acpi_warn(t, "I/O APIC %u cannot be at %#x; ignored", e->id,
			  e->base);
	} else if (info->nr_ioapics == ACPI_MAX_IOAPICS) {
		acpi_warn(t, "no room for I/O APIC %u", e->id);
	} else {
		info->ioapics[info->nr_ioapics++] = (struct acpi_ioapic){
			.base = e->base,
			.gsi_base = e->gsi_base,
			.id = e->id,
		};
	}
}

static void add_override(struct acpi_info *info, const struct acpi_table *t,
			 const struct madt_override *e)
{
	if (e->bus || e->irq >= NR_ISA_IRQS) {
		acpi_warn(t, "override of interrupt %u on bus %u; ignored",
			  e->irq, e->bus);
	} else if (info->nr_overrides == ACPI_MAX_OVERRIDES) {
		acpi_warn(t, "no room for the override of interrupt %u",
			  e->irq);
	} else {
		info->overrides[info->nr_overrides++] = (struct acpi_override){
			.irq = e->irq,
			.gsi = e->gsi,
			.active_low = FLAGS_ACTIVE_LOW(e->flags),
			.level = FLAGS_LEVEL(e->flags),
		};
	}
}

static void add_nmi(struct acpi_info *info, const struct acpi_table *t, u32 uid,
		    u8 lint, u16 flags)
{
	if (lint > 1) {
		acpi_warn(t, "NMI on pin LINT%u, which no CPU has; ignored",
			  lint);
	} else if (info->nr_nmis == ACPI_MAX_NMIS) {
		acpi_warn(t, "no room for the NMI of CPU %u", uid);
	} else {
		info->nmis[info->nr_nmis++] = (struct acpi_nmi){
			.uid = uid,
			.lint = lint,
			.active_low = FLAGS_ACTIVE_LOW(flags),
			.level = FLAGS_LEVEL(flags),
		};
	}
}

static void add_lapic_nmi(struct acpi_info *info, const struct acpi_table *t,
			  const struct madt_lapic_nmi *e)
{
	add_nmi(info, t, e->uid == 0xff ? ACPI_NMI_ALL_CPUS : e->uid, e->lint,
		e->flags);
}

static void add_x2apic_nmi(struct acpi_info *info, const struct acpi_table *t,
			   const struct madt_x2apic_nmi *e)
{
	add_nmi(info, t, e->uid, e->lint, e->flags);
}

static void set_lapic_base(struct acpi_info *info, const struct acpi_table *t,
			   const struct madt_lapic_base *e)
{
	if (e->base && IS_ALIGNED(e->base, PAGE_SIZE))
		info->lapic_base = e->base;
	else
		acpi_warn(t, "local APICs cannot be at %#llx; ignored",
			  (u64)e->base);
}

static void read_entry(struct acpi_info *info, const struct acpi_table *t,
		       const struct acpi_entry *e)
{
#define READ(reader, type)                                                     \
	do {                                                                   \
		if (acpi_entry_fits(t, e, sizeof(type)))                       \
			reader(info, t, (const type *)e);                      \
	} while (0)

	switch (e->type) {
	case MADT_LAPIC:
		READ(add_lapic, struct madt_lapic);
		break;
	case MADT_IOAPIC:
		READ(add_ioapic, struct madt_ioapic);
		break;
	case MADT_OVERRIDE:
		READ(add_override, struct madt_override);
		break;
	case MADT_LAPIC_NMI:
		READ(add_lapic_nmi, struct madt_lapic_nmi);
		break;
	case MADT_LAPIC_BASE:
		READ(set_lapic_base, struct madt_lapic_base);
		break;
	case MADT_X2APIC:
		READ(add_x2apic, struct madt_x2apic);
		break;
	case MADT_X2APIC_NMI:
		READ(add_x2apic_nmi, struct madt_x2apic_nmi);
		break;
	}
#undef READ
}

void acpi_read_madt(struct acpi_info *info, const struct acpi_table *t)
{
	const struct madt *m = (const struct madt *)t;
	const struct acpi_entry *e = NULL;
	bool broken = false;

	if (t->length < sizeof(*m)) {
		acpi_warn(t, "%u bytes are too short for it; ignored",
			  t->length);
		return;
	}
	info->lapic_base = m->lapic_base;
	info->have_8259 = m->flags & MADT_HAVE_8259;
	while ((e = acpi_next_entry(t, e, sizeof(*m), &broken)))
		read_entry(info, t, e);
	if (info->nr_cpus_left_out)
		acpi_warn(t, "lists %u CPUs more than the %u there is room for",
			  info->nr_cpus_left_out, NR_CPUS);
	if (info->nr_cpus)
		info->have_madt = true;
	else
		acpi_warn(t, "lists no CPU that is enabled; ignored");
}
