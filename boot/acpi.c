/* SPDX-License-Identifier: MIT */
/*
 * acpi.c - from the root pointer to the tables.
 *
 * Problem.    Firmware writes these tables, and gets them wrong: lengths that
 *             lie, checksums nobody computed, pointers to nowhere.
 * Idea.       Nothing is read before it is known to be there.  A table is
 *             mapped by its header first, then whole, and its sum is checked;
 *             only then a reader sees it, and the reader believes no length
 *             inside it.  What fails is left out, by name and with the reason.
 * Order.      MADT before SRAT before SLIT, whatever order they are listed in:
 *             each speaks of what the one before it introduced.
 *
 * Context: boot CPU, before memblock; a test on its own buffers, any time.
 */
#include <arch/early_console.h>
#include <arch/layout.h>
#include <boot/boot_info.h>
#include <boot/note.h>
#include <lib/checksum.h>
#include <lib/math.h>
#include <string.h>
#include "acpi_impl.h"

#define MAX_TABLE_SIZE (16u << 20)

#define EBDA_SEGMENT  0x40e /* where the BIOS notes it */
#define EBDA_SEARCH   1024
#define BIOS_ROM      0xe0000
#define BIOS_ROM_SIZE 0x20000
#define RSDP_STEP     16

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	/* From revision 2 on. */
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

#define RSDP_SIZE_1 20 /* what the first checksum covers */

struct acpi_info acpi_info;

static const void *map(struct acpi_source *src, phys_addr_t pa, size_t len)
{
	return pa ? src->map(src, pa, len) : NULL;
}

/* --- the root --------------------------------------------------------------*/

static bool is_rsdp(const struct acpi_rsdp *r)
{
	return r && !memcmp(r->signature, "RSD PTR ", 8) &&
	       !checksum_bytes(r, RSDP_SIZE_1);
}

static phys_addr_t search_rsdp(struct acpi_source *src, phys_addr_t start,
			       size_t size)
{
	for (size_t at = 0; at + RSDP_SIZE_1 <= size; at += RSDP_STEP) {
		if (is_rsdp(map(src, start + at, RSDP_SIZE_1)))
			return start + at;
	}
	return 0;
}

static phys_addr_t search_bios(struct acpi_source *src)
{
	const u8 *ebda = map(src, EBDA_SEGMENT, 2);
	phys_addr_t found = 0;

	if (ebda)
		found = search_rsdp(src, (ebda[0] | ebda[1] << 8) << 4,
				    EBDA_SEARCH);
	return found ? found : search_rsdp(src, BIOS_ROM, BIOS_ROM_SIZE);
}

/* The XSDT's address, or 0 if there is none that can be believed. */
static phys_addr_t rsdp_xsdt(struct acpi_source *src, phys_addr_t pa)
{
	const struct acpi_rsdp *r = map(src, pa, RSDP_SIZE_1);

	if (r->revision < 2)
		return 0;
	r = map(src, pa, sizeof(*r));
	if (!r || r->length < sizeof(*r) || r->length > PAGE_SIZE ||
	    !map(src, pa, r->length) || checksum_bytes(r, r->length)) {
		boot_warn("ACPI: RSDP: second half does not check out; "
			  "only the RSDT is used");
		return 0;
	}
	return r->xsdt;
}

/* --- tables ----------------------------------------------------------------*/

static const struct acpi_table *map_header(struct acpi_source *src,
					   phys_addr_t pa)
{
	return map(src, pa, sizeof(struct acpi_table));
}

/* The table at @pa, or NULL with a warning. */
static const struct acpi_table *load(struct acpi_source *src, phys_addr_t pa,
				     const char *signature)
{
	const struct acpi_table *t = map_header(src, pa);
	u8 sum;

	if (!t) {
		boot_warn("ACPI: %.4s: no memory at %#llx; ignored", signature,
			  pa);
	} else if (memcmp(t->signature, signature, 4)) {
		boot_warn("ACPI: %.4s: not at %#llx; ignored", signature, pa);
	} else if (t->length < sizeof(*t) || t->length > MAX_TABLE_SIZE ||
		   !map(src, pa, t->length)) {
		acpi_warn(t, "%u bytes cannot be its length; ignored",
			  t->length);
	} else if ((sum = checksum_bytes(t, t->length))) {
		acpi_warn(t, "checksum is off by %#x; ignored", sum);
	} else {
		return t;
	}
	return NULL;
}

enum wanted { MADT, SRAT, SLIT, HPET, FADT, MCFG, NR_WANTED };

static const struct {
	const char *signature;
	void (*read)(struct acpi_info *info, const struct acpi_table *t);
} wanted[NR_WANTED] = {
	[MADT] = {"APIC", acpi_read_madt}, [SRAT] = {"SRAT", acpi_read_srat},
	[SLIT] = {"SLIT", acpi_read_slit}, [HPET] = {"HPET", acpi_read_hpet},
	[FADT] = {"FACP", acpi_read_fadt}, [MCFG] = {"MCFG", acpi_read_mcfg},
};

/* Note where a table we want is; of several of one kind the first counts. */
static void note_table(phys_addr_t found[NR_WANTED], const char *signature,
		       phys_addr_t pa)
{
	for (int i = 0; i < NR_WANTED; i++) {
		if (memcmp(signature, wanted[i].signature, 4))
			continue;
		if (found[i])
			boot_warn("ACPI: %.4s: listed twice; "
				  "the first counts",
				  signature);
		else
			found[i] = pa;
	}
}

/* Walk an RSDT (@width 4) or an XSDT (8). */
static bool list_tables(struct acpi_source *src, phys_addr_t pa, size_t width,
			phys_addr_t found[NR_WANTED])
{
	const struct acpi_table *root;
	const char *at;
	size_t left;

	root = load(src, pa, width == 8 ? "XSDT" : "RSDT");
	if (!root)
		return false;
	at = (const char *)(root + 1);
	left = root->length - sizeof(*root);
	for (; left >= width; at += width, left -= width) {
		const struct acpi_table *t;
		phys_addr_t entry = 0;

		memcpy(&entry, at, width);
		if (!entry)
			continue;
		t = map_header(src, entry);
		if (t)
			note_table(found, t->signature, entry);
		else
			acpi_warn(root,
				  "names a table at %#llx, "
				  "where no memory is",
				  entry);
	}
	if (left)
		acpi_warn(root, "ends in the middle of an entry");
	return true;
}

static bool find_tables(struct acpi_source *src, phys_addr_t rsdp,
			phys_addr_t found[NR_WANTED])
{
	const struct acpi_rsdp *r;
	phys_addr_t xsdt;

	if (rsdp && !is_rsdp(map(src, rsdp, RSDP_SIZE_1))) {
		boot_warn("ACPI: RSDP: the loader's at %#llx is not one; "
			  "searching",
			  rsdp);
		rsdp = 0;
	}
	if (!rsdp)
		rsdp = search_bios(src);
	if (!rsdp) {
		boot_warn("ACPI: RSDP: not found");
		return false;
	}

	xsdt = rsdp_xsdt(src, rsdp);
	if (xsdt && list_tables(src, xsdt, 8, found))
		return true;
	r = map(src, rsdp, RSDP_SIZE_1);
	if (r->rsdt)
		return list_tables(src, r->rsdt, 4, found);
	boot_warn("ACPI: RSDP: names neither XSDT nor RSDT");
	return false;
}

/* --- entries inside a table ------------------------------------------------*/

const struct acpi_entry *acpi_next_entry(const struct acpi_table *t,
					 const struct acpi_entry *e, u32 first,
					 bool *broken)
{
	u32 at = e ? (const char *)e - (const char *)t + e->length : first;

	if (at == t->length)
		return NULL;
	e = (const struct acpi_entry *)((const char *)t + at);
	if (at > t->length || t->length - at < sizeof(*e) ||
	    e->length < sizeof(*e) || e->length > t->length - at) {
		acpi_warn(t,
			  "entry at %u runs past the end or nowhere; "
			  "the rest is ignored",
			  at);
		*broken = true;
		return NULL;
	}
	return e;
}

bool acpi_entry_fits(const struct acpi_table *t, const struct acpi_entry *e,
		     size_t size)
{
	if (e->length >= size)
		return true;
	acpi_warn(t, "entry of type %u has %u bytes, not %zu; ignored", e->type,
		  e->length, size);
	return false;
}

/* --- all of it -------------------------------------------------------------*/

static void set_defaults(struct acpi_info *info)
{
	memset(info, 0, sizeof(*info));
	info->nr_nodes = 1;
	for (int from = 0; from < MAX_NUMNODES; from++) {
		for (int to = 0; to < MAX_NUMNODES; to++)
			info->distance[from][to] = from == to ? LOCAL_DISTANCE
							      : REMOTE_DISTANCE;
	}
}

static void read_dsdt(struct acpi_info *info, struct acpi_source *src,
		      const struct acpi_table *fadt)
{
	phys_addr_t pa = acpi_fadt_dsdt(fadt);
	const struct acpi_table *t = pa ? load(src, pa, "DSDT") : NULL;

	if (t)
		acpi_read_dsdt(info, t);
}

void acpi_parse(struct acpi_info *info, struct acpi_source *src,
		phys_addr_t rsdp)
{
	phys_addr_t found[NR_WANTED] = {0};

	set_defaults(info);
	if (!find_tables(src, rsdp, found))
		return;
	for (int i = 0; i < NR_WANTED; i++) {
		const struct acpi_table *t = NULL;

		if (found[i])
			t = load(src, found[i], wanted[i].signature);
		if (t)
			wanted[i].read(info, t);
		if (t && i == FADT)
			read_dsdt(info, src, t);
	}
}

static const void *map_early(struct acpi_source *src, phys_addr_t pa,
			     size_t len)
{
	if (pa >= EARLY_MAP_END || len > EARLY_MAP_END - pa)
		return NULL;
	return phys_to_virt(pa);
}

static void report(const struct acpi_info *info)
{
	boot_say("ACPI: CPUs %u, I/O APICs %u, nodes %u, HPET %s, PM timer %s",
		 info->nr_cpus, info->nr_ioapics, info->nr_nodes,
		 info->hpet_base ? "yes" : "no",
		 info->pm_timer_port ? "yes" : "no");
}

void acpi_init(void)
{
	struct acpi_source src = {.map = map_early};

	acpi_parse(&acpi_info, &src, boot_info.rsdp);
	if (!acpi_info.have_madt)
		early_die("ACPI has no usable MADT, so CPUs and interrupt "
			  "controllers are unknown");
	report(&acpi_info);
}
