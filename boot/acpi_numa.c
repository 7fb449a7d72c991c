/* SPDX-License-Identifier: MIT */
/*
 * acpi_numa.c - which CPUs and which memory are near each other.
 *
 * Firmware calls nodes by proximity domains, any 32-bit numbers; ours count
 * from 0, in the order of the domains.  A wrong answer here would tear memory
 * apart, and no answer only makes it slower: an SRAT with anything wrong in it
 * is dropped whole, and the machine is one node.
 */
#include <arch/layout.h>
#include <boot/note.h>
#include <lib/math.h>
#include <string.h>
#include "acpi_impl.h"

struct srat {
	struct acpi_table header;
	u8 reserved[12];
} __packed;

enum { SRAT_CPU = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

struct srat_cpu {
	struct acpi_entry entry;
	u8 domain_low;
	u8 apic_id;
	u32 flags;
	u8 sapic_eid;
	u8 domain_high[3]; /* from revision 2 on */
	u32 clock_domain;
} __packed;

struct srat_memory {
	struct acpi_entry entry;
	u32 domain;
	u16 reserved1;
	u64 base;
	u64 size;
	u32 reserved2;
	u32 flags;
	u64 reserved3;
} __packed;

struct srat_x2apic {
	struct acpi_entry entry;
	u16 reserved1;
	u32 domain;
	u32 apic_id;
	u32 flags;
	u32 clock_domain;
	u32 reserved2;
} __packed;

#define SRAT_ENABLED	 (1u << 0)
#define SRAT_NONVOLATILE (1u << 2) /* memory only */
#define SRAT_IS_OLD(t)	 ((t)->revision < 2)
#define DOMAIN_MASK(t)	 (SRAT_IS_OLD(t) ? 0xff : 0xffffffff)

struct slit {
	struct acpi_table header;
	u64 nr_domains;
	u8 distance[]; /* row by row */
} __packed;

/* What one entry says, whichever type it is. */
struct affinity {
	enum { AFFINE_NOTHING, AFFINE_CPU, AFFINE_MEMORY } kind;
	u32 domain;
	u32 apic_id;
	phys_addr_t start, end;
};

static bool read_memory(const struct acpi_table *t, const struct srat_memory *e,
			struct affinity *a)
{
	if (!(e->flags & SRAT_ENABLED) || e->flags & SRAT_NONVOLATILE ||
	    !e->size)
		return true;
	a->kind = AFFINE_MEMORY;
	a->domain = e->domain & DOMAIN_MASK(t);
	a->start = ALIGN_DOWN(e->base, PAGE_SIZE);
	if (!check_add_overflow(e->base, e->size, &a->end) &&
	    !check_add_overflow(a->end, PAGE_SIZE - 1, &a->end)) {
		a->end = ALIGN_DOWN(a->end, PAGE_SIZE);
		return true;
	}
	acpi_warn(t, "memory at %#llx wraps around", a->start);
	return false;
}

/* False if the entry makes no sense. */
static bool read_entry(const struct acpi_table *t, const struct acpi_entry *e,
		       struct affinity *a)
{
	const struct srat_cpu *cpu = (const void *)e;
	const struct srat_x2apic *x2 = (const void *)e;

	a->kind = AFFINE_NOTHING;
	switch (e->type) {
	case SRAT_CPU:
		if (!acpi_entry_fits(t, e, sizeof(*cpu)))
			return false;
		if (!(cpu->flags & SRAT_ENABLED))
			return true;
		a->kind = AFFINE_CPU;
		a->apic_id = cpu->apic_id;
		a->domain = (cpu->domain_low | cpu->domain_high[0] << 8 |
			     cpu->domain_high[1] << 16 |
			     (u32)cpu->domain_high[2] << 24) &
			    DOMAIN_MASK(t);
		return true;
	case SRAT_X2APIC:
		if (!acpi_entry_fits(t, e, sizeof(*x2)))
			return false;
		if (!(x2->flags & SRAT_ENABLED))
			return true;
		a->kind = AFFINE_CPU;
		a->apic_id = x2->apic_id;
		a->domain = x2->domain;
		return true;
	case SRAT_MEMORY:
		return acpi_entry_fits(t, e, sizeof(struct srat_memory)) &&
		       read_memory(t, (const void *)e, a);
	}
	return true;
}

/* --- domains ---------------------------------------------------------------*/

static int node_of(const struct acpi_info *info, u32 domain)
{
	for (unsigned int n = 0; n < info->nr_nodes; n++) {
		if (info->node_domain[n] == domain)
			return n;
	}
	return NUMA_NO_NODE;
}

static bool add_domain(struct acpi_info *info, const struct acpi_table *t,
		       u32 domain)
{
	unsigned int n = info->nr_nodes;

	if (node_of(info, domain) != NUMA_NO_NODE)
		return true;
	if (n == MAX_NUMNODES) {
		acpi_warn(t, "more than %d nodes", MAX_NUMNODES);
		return false;
	}
	for (; n > 0 && info->node_domain[n - 1] > domain; n--)
		info->node_domain[n] = info->node_domain[n - 1];
	info->node_domain[n] = domain;
	info->nr_nodes++;
	return true;
}

/* --- the two passes over the SRAT ------------------------------------------*/

static bool add_memory(struct acpi_info *info, const struct acpi_table *t,
		       const struct affinity *a)
{
	int node = node_of(info, a->domain);

	for (unsigned int i = 0; i < info->nr_memory; i++) {
		const struct acpi_memory *m = &info->memory[i];

		if (m->node != node && m->start < a->end && a->start < m->end) {
			acpi_warn(t, "memory at %#llx is in two nodes",
				  max(m->start, a->start));
			return false;
		}
	}
	if (info->nr_memory == ACPI_MAX_MEMORY) {
		acpi_warn(t, "more than %d memory ranges", ACPI_MAX_MEMORY);
		return false;
	}
	info->memory[info->nr_memory++] =
		(struct acpi_memory){a->start, a->end, node};
	return true;
}

static void set_cpu_node(struct acpi_info *info, const struct affinity *a)
{
	for (unsigned int i = 0; i < info->nr_cpus; i++) {
		if (info->cpus[i].apic_id == a->apic_id)
			info->cpus[i].node = node_of(info, a->domain);
	}
}

/* Which domains are there? */
static bool collect_domains(struct acpi_info *info, const struct acpi_table *t)
{
	const struct acpi_entry *e = NULL;
	bool broken = false;
	struct affinity a;

	info->nr_nodes = 0;
	while ((e = acpi_next_entry(t, e, sizeof(struct srat), &broken))) {
		if (!read_entry(t, e, &a))
			return false;
		if (a.kind != AFFINE_NOTHING && !add_domain(info, t, a.domain))
			return false;
	}
	return !broken && info->nr_nodes > 0;
}

/* Whose is what? */
static bool collect_members(struct acpi_info *info, const struct acpi_table *t)
{
	const struct acpi_entry *e = NULL;
	bool broken = false;
	struct affinity a;

	while ((e = acpi_next_entry(t, e, sizeof(struct srat), &broken))) {
		read_entry(t, e, &a);
		if (a.kind == AFFINE_MEMORY && !add_memory(info, t, &a))
			return false;
		if (a.kind == AFFINE_CPU)
			set_cpu_node(info, &a);
	}
	return true;
}

static void forget_nodes(struct acpi_info *info)
{
	info->nr_nodes = 1;
	info->node_domain[0] = 0;
	info->nr_memory = 0;
	for (unsigned int i = 0; i < info->nr_cpus; i++)
		info->cpus[i].node = 0;
}

void acpi_read_srat(struct acpi_info *info, const struct acpi_table *t)
{
	if (t->length < sizeof(struct srat) || !collect_domains(info, t) ||
	    !collect_members(info, t)) {
		acpi_warn(t, "ignored: the machine counts as one node");
		forget_nodes(info);
	}
}

/* --- distances -------------------------------------------------------------*/

/* Nowhere is nearer than home, and home is 10. */
static bool distances_make_sense(const struct slit *s)
{
	for (u64 from = 0; from < s->nr_domains; from++) {
		for (u64 to = 0; to < s->nr_domains; to++) {
			u8 d = s->distance[from * s->nr_domains + to];

			if (from == to ? d != LOCAL_DISTANCE
				       : d <= LOCAL_DISTANCE)
				return false;
		}
	}
	return true;
}

void acpi_read_slit(struct acpi_info *info, const struct acpi_table *t)
{
	const struct slit *s = (const struct slit *)t;
	u32 room = t->length - min_t(u32, t->length, sizeof(*s));

	if (t->length < sizeof(*s) || s->nr_domains > room ||
	    s->nr_domains * s->nr_domains > room) {
		acpi_warn(t, "too short for its distances; ignored");
		return;
	}
	if (!distances_make_sense(s)) {
		acpi_warn(t, "distances make no sense; ignored");
		return;
	}
	if (info->node_domain[info->nr_nodes - 1] >= s->nr_domains) {
		acpi_warn(t, "misses domain %u; ignored",
			  info->node_domain[info->nr_nodes - 1]);
		return;
	}
	for (unsigned int from = 0; from < info->nr_nodes; from++) {
		const u8 *row =
			&s->distance[info->node_domain[from] * s->nr_domains];

		for (unsigned int to = 0; to < info->nr_nodes; to++)
			info->distance[from][to] = row[info->node_domain[to]];
	}
}
