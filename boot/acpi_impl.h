/* SPDX-License-Identifier: MIT */
/*
 * acpi_impl.h - between the files of the ACPI parser.
 *
 * Layouts: ACPI specification 6.5, chapters 5 and 17; SRAT, SLIT and MADT in
 * 5.2.12, 5.2.16, 5.2.17; HPET and MCFG in their own documents.
 */
#pragma once
#include <boot/acpi.h>
#include <lib/compiler.h>

struct acpi_table {
	char signature[4];
	u32 length; /* of all of it, this header included */
	u8 revision;
	u8 checksum;
	char oem[26];
} __packed;

/* The MADT and the SRAT are lists of these, each its own length. */
struct acpi_entry {
	u8 type;
	u8 length;
} __packed;

enum { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1 };

/* A register somewhere. */
struct acpi_address {
	u8 space; /* ACPI_SPACE_* */
	u8 bit_width, bit_offset, access_size;
	u64 address;
} __packed;

/* Each gets a table whose length and checksum are right. */
void acpi_read_madt(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_srat(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_slit(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_hpet(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_fadt(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_mcfg(struct acpi_info *info, const struct acpi_table *t);
void acpi_read_dsdt(struct acpi_info *info, const struct acpi_table *t);
phys_addr_t acpi_fadt_dsdt(const struct acpi_table *fadt);

/*
 * The entry after @e, or the first, at offset @first, if @e is NULL.  NULL at
 * the end, and, with a warning and *@broken set, where an entry's length makes
 * no sense: what follows cannot be found.
 */
const struct acpi_entry *acpi_next_entry(const struct acpi_table *t,
					 const struct acpi_entry *e, u32 first,
					 bool *broken);

/* Is @e long enough to be what its type says?  Warns if not. */
bool acpi_entry_fits(const struct acpi_table *t, const struct acpi_entry *e,
		     size_t size);

#define acpi_warn(table, fmt, ...)                                             \
	boot_warn("ACPI: %.4s: " fmt, (table)->signature, ##__VA_ARGS__)
