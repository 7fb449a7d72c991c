/* SPDX-License-Identifier: MIT */
/*
 * acpi.h - the machine's parts, as firmware's tables list them.
 *
 * acpi_init() fills acpi_info once, on the boot CPU, before anything needs to
 * know; read-only afterwards.  Tables lie: whatever does not check out is left
 * out and said on the log, with the table's name and the reason.
 */
#pragma once
#include <arch/percpu.h>
#include <boot/numa.h>
#include <lib/types.h>

#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 32
#define ACPI_MAX_NMIS	   16
#define ACPI_MAX_MEMORY	   64
#define ACPI_MAX_ECAM	   8
#define ACPI_NMI_ALL_CPUS  0xffffffffu

/* In the order of the MADT, without those that are absent or off. */
struct acpi_cpu {
	u32 apic_id;
	u32 uid;  /* what the NMI entries and the SRAT may call it */
	int node; /* 0 if the SRAT says nothing */
};

struct acpi_ioapic {
	phys_addr_t base;
	u32 gsi_base; /* the interrupt its first pin raises */
	u8 id;
};

/* An ISA interrupt that is not wired to the pin of its number. */
struct acpi_override {
	u8 irq;
	u32 gsi;
	bool active_low, level;
};

/* A pin that raises an NMI: a CPU's LINT0 or LINT1. */
struct acpi_nmi {
	u32 uid; /* or ACPI_NMI_ALL_CPUS */
	u8 lint;
	bool active_low, level;
};

struct acpi_memory {
	phys_addr_t start;
	phys_addr_t end; /* exclusive */
	int node;
};

/* PCI configuration space in memory, 1 MiB for each bus. */
struct acpi_ecam {
	phys_addr_t base; /* of bus 0, even if first_bus is another */
	u16 segment;
	u8 first_bus, last_bus;
};

struct acpi_info {
	/* MADT.  Without it there are no CPUs here and have_madt is false. */
	bool have_madt;
	bool have_8259; /* mask the old controllers before using an IOAPIC */
	phys_addr_t lapic_base;
	struct acpi_cpu cpus[NR_CPUS];
	unsigned int nr_cpus, nr_cpus_left_out; /* for want of room */
	struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
	unsigned int nr_ioapics;
	struct acpi_override overrides[ACPI_MAX_OVERRIDES];
	unsigned int nr_overrides;
	struct acpi_nmi nmis[ACPI_MAX_NMIS];
	unsigned int nr_nmis;

	/* SRAT and SLIT.  One node, holding everything, if there is none.  A
	 * node may have no CPU, or no memory. */
	unsigned int nr_nodes;
	u32 node_domain[MAX_NUMNODES]; /* firmware's proximity domain */
	struct acpi_memory memory[ACPI_MAX_MEMORY];
	unsigned int nr_memory;
	u8 distance[MAX_NUMNODES][MAX_NUMNODES];

	/* HPET; 0 if there is none. */
	phys_addr_t hpet_base;

	/* FADT.  Ports are 0 if there are none. */
	u16 pm_timer_port;
	bool pm_timer_is_32bit; /* else it wraps after 24 */
	bool have_reset;
	u16 reset_port;
	u8 reset_value;
	u16 pm1a_control_port, pm1b_control_port;
	u16 smi_command_port; /* write enable_value there to take over */
	u8 enable_value;
	bool have_s5; /* power off: write these SLP_TYP values */
	u8 s5_type_a, s5_type_b;

	/* MCFG. */
	struct acpi_ecam ecam[ACPI_MAX_ECAM];
	unsigned int nr_ecam;
};

extern struct acpi_info acpi_info;

/* Read what boot_info points to; stops the machine if it names no CPU.  Boot
 * CPU, before memblock_init(). */
void acpi_init(void);

/* Ways out of the machine; each returns if the machine has no such way. */
void acpi_power_off(void);
void acpi_reset(void);

/*
 * The parser on its own.  map() gives a readable pointer to @len bytes of
 * physical memory, or NULL.  @rsdp is 0 if no loader told where the root is:
 * the BIOS areas are searched then.  *@info is filled as far as the tables
 * check out, the rest is as if the table were not there.
 */
struct acpi_source {
	const void *(*map)(struct acpi_source *src, phys_addr_t pa, size_t len);
};
void acpi_parse(struct acpi_info *info, struct acpi_source *src,
		phys_addr_t rsdp);
