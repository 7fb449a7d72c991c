/* SPDX-License-Identifier: MIT */
/*
 * acpi_machine.c - timers, PCI's configuration space, and the way out.
 *
 * Powering off takes two numbers from the DSDT, which is a program.  Firmware
 * writes them as a constant package named _S5_, which can be found without
 * running anything; where it is not constant, there is no power-off.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include "acpi_impl.h"

/* --- HPET ------------------------------------------------------------------*/

struct hpet {
	struct acpi_table header;
	u32 block_id;
	struct acpi_address base;
} __packed;

void acpi_read_hpet(struct acpi_info *info, const struct acpi_table *t)
{
	const struct hpet *h = (const struct hpet *)t;

	if (t->length < sizeof(*h))
		acpi_warn(t, "too short; ignored");
	else if (h->base.space != ACPI_SPACE_MEMORY || !h->base.address ||
		 !IS_ALIGNED(h->base.address, 8))
		acpi_warn(t, "cannot be at %#llx in space %u; ignored",
			  (u64)h->base.address, h->base.space);
	else
		info->hpet_base = h->base.address;
}

/* --- MCFG ------------------------------------------------------------------*/

struct mcfg_entry {
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
	u32 reserved;
} __packed;

#define MCFG_FIRST_ENTRY (sizeof(struct acpi_table) + 8)

static void add_ecam(struct acpi_info *info, const struct acpi_table *t,
		     const struct mcfg_entry *e)
{
	if (e->first_bus > e->last_bus || !e->base ||
	    !IS_ALIGNED(e->base, 1u << 20))
		acpi_warn(t, "buses %u to %u cannot be at %#llx; ignored",
			  e->first_bus, e->last_bus, (u64)e->base);
	else if (info->nr_ecam == ACPI_MAX_ECAM)
		acpi_warn(t, "no room for segment %u", e->segment);
	else
		info->ecam[info->nr_ecam++] = (struct acpi_ecam){
			.base = e->base,
			.segment = e->segment,
			.first_bus = e->first_bus,
			.last_bus = e->last_bus,
		};
}

void acpi_read_mcfg(struct acpi_info *info, const struct acpi_table *t)
{
	size_t at = MCFG_FIRST_ENTRY;

	for (; at + sizeof(struct mcfg_entry) <= t->length;
	     at += sizeof(struct mcfg_entry))
		add_ecam(info, t, (const void *)((const char *)t + at));
	if (at != t->length)
		acpi_warn(t, "ends in the middle of an entry");
}

/* --- FADT ------------------------------------------------------------------*/

/* Offsets, because each revision of ACPI appended to it. */
enum {
	FADT_DSDT = 40,
	FADT_SMI_COMMAND = 48,
	FADT_ENABLE_VALUE = 52,
	FADT_PM1A_CONTROL = 64,
	FADT_PM1B_CONTROL = 68,
	FADT_PM_TIMER = 76,
	FADT_PM_TIMER_LENGTH = 91,
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_DSDT = 140,
};

#define FADT_TIMER_IS_32BIT (1u << 8)
#define FADT_HAVE_RESET	    (1u << 10)

/* @size bytes at @offset, as a number; 0 if the table is too short. */
static u64 fadt_field(const struct acpi_table *t, u32 offset, size_t size)
{
	u64 value = 0;

	if (offset + size <= t->length)
		memcpy(&value, (const char *)t + offset, size);
	return value;
}

/* Ports are 16 bits wide, in fields of 32. */
static u16 fadt_port(const struct acpi_table *t, u32 offset, const char *what)
{
	u64 port = fadt_field(t, offset, 4);

	if (port <= 0xffff)
		return port;
	acpi_warn(t, "%s cannot be at port %#llx; ignored", what, port);
	return 0;
}

static void read_reset(struct acpi_info *info, const struct acpi_table *t)
{
	struct acpi_address reg;

	if (!(fadt_field(t, FADT_FLAGS, 4) & FADT_HAVE_RESET))
		return;
	if (t->length <= FADT_RESET_VALUE) {
		acpi_warn(t, "too short for the reset register it claims");
		return;
	}
	memcpy(&reg, (const char *)t + FADT_RESET_REGISTER, sizeof(reg));
	if (reg.space == ACPI_SPACE_IO && reg.address <= 0xffff) {
		info->have_reset = true;
		info->reset_port = reg.address;
		info->reset_value = fadt_field(t, FADT_RESET_VALUE, 1);
	} else {
		acpi_warn(t, "reset register %#llx in space %u; ignored",
			  (u64)reg.address, reg.space);
	}
}

void acpi_read_fadt(struct acpi_info *info, const struct acpi_table *t)
{
	if (fadt_field(t, FADT_PM_TIMER_LENGTH, 1) == 4)
		info->pm_timer_port = fadt_port(t, FADT_PM_TIMER, "PM timer");
	info->pm_timer_is_32bit = fadt_field(t, FADT_FLAGS, 4) &
				  FADT_TIMER_IS_32BIT;
	info->pm1a_control_port = fadt_port(t, FADT_PM1A_CONTROL, "PM1a");
	info->pm1b_control_port = fadt_port(t, FADT_PM1B_CONTROL, "PM1b");
	info->smi_command_port = fadt_port(t, FADT_SMI_COMMAND, "SMI command");
	info->enable_value = fadt_field(t, FADT_ENABLE_VALUE, 1);
	read_reset(info, t);
}

phys_addr_t acpi_fadt_dsdt(const struct acpi_table *fadt)
{
	phys_addr_t wide = fadt_field(fadt, FADT_X_DSDT, 8);

	return wide ? wide : fadt_field(fadt, FADT_DSDT, 4);
}

/* --- the DSDT's _S5_ -------------------------------------------------------*/

enum { AML_ZERO = 0x00, AML_ONE = 0x01, AML_BYTE = 0x0a, AML_PACKAGE = 0x12 };

/* A small constant at *p; moves past it. */
static bool read_constant(const u8 **p, const u8 *end, u8 *value)
{
	if (*p < end && **p <= AML_ONE) {
		*value = *(*p)++;
		return true;
	}
	if (end - *p >= 2 && **p == AML_BYTE) {
		*value = (*p)[1];
		*p += 2;
		return true;
	}
	return false;
}

/* Name (_S5_, Package () { type_a, type_b, ... }), at its name. */
static bool read_s5(struct acpi_info *info, const u8 *p, const u8 *end)
{
	int skip;

	p += 4;
	if (end - p < 3 || *p++ != AML_PACKAGE)
		return false;
	skip = 1 + (*p >> 6); /* the package's length is 1 to 4 bytes long */
	if (end - p <= skip)
		return false;
	p += skip;
	if (*p++ < 2)
		return false;
	return read_constant(&p, end, &info->s5_type_a) &&
	       read_constant(&p, end, &info->s5_type_b);
}

void acpi_read_dsdt(struct acpi_info *info, const struct acpi_table *t)
{
	const u8 *p = (const u8 *)(t + 1);
	const u8 *end = (const u8 *)t + t->length;

	for (; end - p >= 4; p++) {
		if (memcmp(p, "_S5_", 4))
			continue;
		info->have_s5 = read_s5(info, p, end);
		if (info->have_s5)
			return;
	}
}

/* --- ways out --------------------------------------------------------------*/

#define PM1_SCI_ENABLED	  (1u << 0)
#define PM1_SLEEP_TYPE(t) (((t)&7) << 10)
#define PM1_SLEEP	  (1u << 13)
#define MAX_WAIT_LOOPS	  1000000

/* Take the power registers over from the firmware, if it still has them. */
static void take_over(void)
{
	u16 control = acpi_info.pm1a_control_port;

	if (inw(control) & PM1_SCI_ENABLED || !acpi_info.smi_command_port ||
	    !acpi_info.enable_value)
		return;
	outb(acpi_info.enable_value, acpi_info.smi_command_port);
	for (int i = 0; i < MAX_WAIT_LOOPS; i++) {
		if (inw(control) & PM1_SCI_ENABLED)
			return;
		cpu_relax();
	}
}

void acpi_power_off(void)
{
	if (!acpi_info.have_s5 || !acpi_info.pm1a_control_port)
		return;
	take_over();
	outw(PM1_SLEEP_TYPE(acpi_info.s5_type_a) | PM1_SLEEP,
	     acpi_info.pm1a_control_port);
	if (acpi_info.pm1b_control_port)
		outw(PM1_SLEEP_TYPE(acpi_info.s5_type_b) | PM1_SLEEP,
		     acpi_info.pm1b_control_port);
	for (int i = 0; i < MAX_WAIT_LOOPS; i++)
		cpu_relax();
}

void acpi_reset(void)
{
	if (!acpi_info.have_reset)
		return;
	outb(acpi_info.reset_value, acpi_info.reset_port);
	for (int i = 0; i < MAX_WAIT_LOOPS; i++)
		cpu_relax();
}
