/* SPDX-License-Identifier: MIT */
/*
 * acpi_test.c - tables right, wrong and malicious.
 *
 * Each test builds a machine's tables as firmware would, in a pretended
 * physical memory that ends where each table's buffer ends, damages them, and
 * reads both the result and what was said about it.
 */
#include <boot/acpi.h>
#include <boot/note.h>
#include <lib/checksum.h>
#include <lib/math.h>
#include <string.h>
#include <tests/test.h>

#define MAX_BLOBS  16
#define BLOB_SIZE  4096
#define BLOB_PHYS  0x1000000ull /* of blob 0; each has 64 KiB to itself */
#define BLOB_SPACE 0x10000ull
#define HEADER	   36

/* A stretch of memory with one table in it. */
struct blob {
	phys_addr_t phys;
	size_t len;
	u8 data[BLOB_SIZE];
};

/* One machine at a time; too big for a stack. */
static struct blob blobs[MAX_BLOBS];
static unsigned int nr_blobs;
static struct acpi_info info;
static char said[2048];

/* --- building --------------------------------------------------------------*/

/* @size bytes, the first of them @value's. */
static void put(struct blob *b, u64 value, size_t size)
{
	memset(b->data + b->len, 0, size);
	memcpy(b->data + b->len, &value, min(size, sizeof(value)));
	b->len += size;
}

static void put_text(struct blob *b, const char *text, size_t len)
{
	memcpy(b->data + b->len, text, len);
	b->len += len;
}

static struct blob *new_blob(void)
{
	struct blob *b = &blobs[nr_blobs];

	b->phys = BLOB_PHYS + nr_blobs++ * BLOB_SPACE;
	b->len = 0;
	memset(b->data, 0, sizeof(b->data));
	return b;
}

static struct blob *new_table(const char *signature, u8 revision)
{
	struct blob *b = new_blob();

	put_text(b, signature, 4);
	put(b, 0, 4);
	put(b, revision, 1);
	b->len = HEADER;
	return b;
}

/* Make the sum of the first @len bytes 0 by the byte at @at. */
static void fix_sum(struct blob *b, size_t at, size_t len)
{
	b->data[at] = 0;
	b->data[at] = -checksum_bytes(b->data, len);
}

static void seal(struct blob *b)
{
	u32 len = b->len;

	memcpy(b->data + 4, &len, 4);
	fix_sum(b, 9, b->len);
}

static struct blob *find(const char *signature)
{
	for (unsigned int i = 0; i < nr_blobs; i++) {
		if (!memcmp(blobs[i].data, signature, 4))
			return &blobs[i];
	}
	return NULL;
}

static void put_lapic(struct blob *madt, u8 uid, u8 apic_id, u32 flags)
{
	put(madt, 0 | 8 << 8, 2);
	put(madt, uid | apic_id << 8, 2);
	put(madt, flags, 4);
}

static void put_x2apic(struct blob *madt, u32 uid, u32 apic_id, u32 flags)
{
	put(madt, 9 | 16 << 8, 4);
	put(madt, apic_id, 4);
	put(madt, flags, 4);
	put(madt, uid, 4);
}

static struct blob *new_madt(void)
{
	struct blob *b = new_table("APIC", 3);

	put(b, 0xfee00000, 4);
	put(b, 1, 4);
	return b;
}

static struct blob *new_srat(u8 revision)
{
	struct blob *b = new_table("SRAT", revision);

	put(b, 1, 4);
	put(b, 0, 8);
	return b;
}

static void put_srat_cpu(struct blob *srat, u32 domain, u8 apic_id)
{
	put(srat, 0 | 16 << 8, 2);
	put(srat, (domain & 0xff) | apic_id << 8, 2);
	put(srat, 1, 4);
	put(srat, 0, 1);
	put(srat, domain >> 8, 3);
	put(srat, 0, 4);
}

static void put_srat_memory(struct blob *srat, u32 domain, u64 base, u64 size)
{
	put(srat, 1 | 40 << 8, 2);
	put(srat, domain, 4);
	put(srat, 0, 2);
	put(srat, base, 8);
	put(srat, size, 8);
	put(srat, 0, 4);
	put(srat, 1, 4);
	put(srat, 0, 8);
}

/* A row for each domain, all cells given. */
static struct blob *new_slit(u64 nr, const char *cells, size_t len)
{
	struct blob *b = new_table("SLIT", 1);

	put(b, nr, 8);
	put_text(b, cells, len);
	seal(b);
	return b;
}

static void put_address(struct blob *b, u8 space, u64 address)
{
	put(b, space, 4);
	put(b, address, 8);
}

/* --- root and parsing ------------------------------------------------------*/

/* Lists every table made so far, in an RSDT or XSDT. */
static struct blob *new_root(size_t width)
{
	unsigned int nr = nr_blobs;
	struct blob *b = new_table(width == 8 ? "XSDT" : "RSDT", 1);

	for (unsigned int i = 0; i < nr; i++) {
		if (memcmp(blobs[i].data, "DSDT", 4) &&
		    memcmp(blobs[i].data, "RSDT", 4))
			put(b, blobs[i].phys, width);
	}
	seal(b);
	return b;
}

static void seal_rsdp(struct blob *b)
{
	fix_sum(b, 8, 20);
	if (b->len > 20)
		fix_sum(b, 32, 36);
}

static struct blob *new_rsdp(const struct blob *rsdt, const struct blob *xsdt)
{
	struct blob *b = new_blob();

	put_text(b, "RSD PTR ", 8);
	put(b, 0, 7);
	put(b, xsdt ? 2 : 0, 1);
	put(b, rsdt ? rsdt->phys : 0, 4);
	if (xsdt) {
		put(b, 36, 4);
		put(b, xsdt->phys, 8);
		put(b, 0, 4);
	}
	seal_rsdp(b);
	return b;
}

static const void *map_blob(struct acpi_source *src, phys_addr_t pa, size_t len)
{
	for (unsigned int i = 0; i < nr_blobs; i++) {
		const struct blob *b = &blobs[i];

		if (pa >= b->phys && pa - b->phys <= b->len &&
		    len <= b->len - (pa - b->phys))
			return b->data + (pa - b->phys);
	}
	return NULL;
}

static void hear(enum boot_note_level level, const char *note)
{
	strlcat(said, note, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static void parse_at(phys_addr_t rsdp)
{
	struct acpi_source src = {.map = map_blob};
	boot_note_sink_t old;

	said[0] = '\0';
	old = boot_note_set_sink(hear);
	acpi_parse(&info, &src, rsdp);
	boot_note_set_sink(old);
}

/* Root whatever tables there are, and read them. */
static void parse(void)
{
	parse_at(new_rsdp(NULL, new_root(8))->phys);
}

static void start(void)
{
	nr_blobs = 0;
}

/* A machine with two CPUs, its MADT sealed. */
static struct blob *start_with_madt(void)
{
	struct blob *madt;

	start();
	madt = new_madt();
	put_lapic(madt, 0, 0, 1);
	put_lapic(madt, 1, 1, 1);
	seal(madt);
	return madt;
}

#define EXPECT_SAID(what)                                                      \
	do {                                                                   \
		if (!EXPECT(strstr(said, what)))                               \
			test_log("said: %s", said);                            \
	} while (0)
#define EXPECT_SILENCE() EXPECT_STREQ(said, "")

/* --- the root --------------------------------------------------------------*/

TEST(acpi, tables_are_found_through_the_xsdt)
{
	start_with_madt();
	parse();
	EXPECT(info.have_madt);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SILENCE();
}

TEST(acpi, tables_are_found_through_the_rsdt_of_old_machines)
{
	start_with_madt();
	parse_at(new_rsdp(new_root(4), NULL)->phys);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SILENCE();
}

TEST(acpi, a_corrupt_xsdt_leaves_the_rsdt)
{
	struct blob *rsdt, *xsdt;

	start_with_madt();
	rsdt = new_root(4);
	xsdt = new_root(8);
	xsdt->data[HEADER]++;
	parse_at(new_rsdp(rsdt, xsdt)->phys);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SAID("XSDT: checksum is off by 0x1");
}

TEST(acpi, a_corrupt_second_half_of_the_rsdp_leaves_the_rsdt)
{
	struct blob *rsdt, *rsdp;

	start_with_madt();
	rsdt = new_root(4);
	rsdp = new_rsdp(rsdt, new_root(8));
	rsdp->data[24]++;
	parse_at(rsdp->phys);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SAID("RSDP: second half");
}

TEST(acpi, the_root_is_searched_in_the_bios_areas)
{
	struct blob *rsdp, *bios, *ebda;

	start_with_madt();
	rsdp = new_rsdp(NULL, new_root(8));
	bios = new_blob();
	bios->phys = 0xe0000;
	bios->len = 0x100;
	memcpy(bios->data + 0x40, rsdp->data, rsdp->len);
	parse_at(0);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SILENCE();

	memset(bios->data, 0, sizeof(bios->data));
	parse_at(0);
	EXPECT(!info.have_madt);
	EXPECT_SAID("RSDP: not found");

	ebda = new_blob();
	ebda->phys = 0x9fc00;
	ebda->len = 0x400;
	memcpy(ebda->data + 0x3d0, rsdp->data, rsdp->len);
	bios->phys = 0x40e;
	bios->len = 2;
	memcpy(bios->data, "\xc0\x9f", 2);
	parse_at(0);
	EXPECT_EQ(info.nr_cpus, 2);
}

TEST(acpi, a_wrong_root_is_named)
{
	struct blob *rsdp;

	start_with_madt();
	rsdp = new_rsdp(NULL, new_root(8));
	rsdp->data[3]++;
	parse_at(rsdp->phys);
	EXPECT(!info.have_madt);
	EXPECT_SAID("RSDP: the loader's at");
	parse_at(0xdead0000);
	EXPECT_SAID("0xdead0000");

	rsdp = new_rsdp(NULL, find("XSDT"));
	rsdp->data[10]++; /* under a checksum that does not know */
	parse_at(rsdp->phys);
	EXPECT(!info.have_madt);
	EXPECT_SAID("RSDP: the loader's at");
}

TEST(acpi, a_root_with_no_tables_is_named)
{
	start_with_madt();
	parse_at(new_rsdp(NULL, NULL)->phys);
	EXPECT(!info.have_madt);
	EXPECT_SAID("names neither");
}

TEST(acpi, entries_to_nowhere_are_skipped)
{
	struct blob *xsdt;

	start_with_madt();
	xsdt = new_root(8);
	put(xsdt, 0xdead0000beef, 8);
	put(xsdt, 0, 8);
	put(xsdt, 7, 3);
	seal(xsdt);
	parse_at(new_rsdp(NULL, xsdt)->phys);
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SAID("0xdead0000beef");
	EXPECT_SAID("XSDT: ends in the middle");
}

TEST(acpi, of_two_tables_of_a_kind_the_first_counts)
{
	struct blob *second;

	start_with_madt();
	second = new_madt();
	put_lapic(second, 9, 9, 1);
	seal(second);
	parse();
	EXPECT_EQ(info.nr_cpus, 2);
	EXPECT_SAID("APIC: listed twice");
}

TEST(acpi, wrong_checksums_and_lengths_drop_the_table)
{
	static const u32 lengths[] = {0, 8, 35, 61, 5000, 0x7fffffff, ~0u};
	struct blob *madt = start_with_madt();
	u32 right = madt->len;

	madt->data[20] ^= 0x10;
	parse();
	EXPECT(!info.have_madt);
	EXPECT_SAID("APIC: checksum is off by");

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		madt = start_with_madt();
		ASSERT_NE(lengths[i], right);
		memcpy(madt->data + 4, &lengths[i], 4);
		fix_sum(madt, 9, madt->len);
		parse();
		EXPECT(!info.have_madt);
		EXPECT_SAID("cannot be its length");
	}
}

/* --- MADT ------------------------------------------------------------------*/

TEST(acpi, madt_describes_cpus_and_controllers)
{
	struct blob *b;

	start();
	b = new_madt();
	put_lapic(b, 4, 0, 1);
	put_lapic(b, 5, 2, 0);	  /* an empty socket */
	put_lapic(b, 6, 3, 2);	  /* absent, could appear */
	put_lapic(b, 7, 0xff, 1); /* not an APIC id */
	put_x2apic(b, 300, 400, 1);
	put(b, 1 | 12 << 8, 2); /* I/O APIC */
	put(b, 8, 2);
	put(b, 0xfec00000, 4);
	put(b, 24, 4);
	put(b, 2 | 10 << 8, 3); /* override of 9: level, active low */
	put(b, 9, 1);
	put(b, 20, 4);
	put(b, 0xf, 2);
	put(b, 2 | 10 << 8, 3); /* override of 0: as ISA has it */
	put(b, 0, 1);
	put(b, 2, 4);
	put(b, 0, 2);
	put(b, 4 | 6 << 8, 2); /* NMI of all CPUs on LINT1 */
	put(b, 0xff | 5 << 8, 3);
	put(b, 1, 1);
	put(b, 0x70 | 4 << 8, 4); /* of a type that we do not know */
	put(b, 5 | 12 << 8, 4);	  /* local APICs elsewhere */
	put(b, 0x1fee00000, 8);
	seal(b);
	parse();
	EXPECT_SILENCE();

	ASSERT_EQ(info.nr_cpus, 2);
	EXPECT_EQ(info.cpus[0].apic_id, 0);
	EXPECT_EQ(info.cpus[0].uid, 4);
	EXPECT_EQ(info.cpus[1].apic_id, 400);
	EXPECT_EQ(info.cpus[1].uid, 300);

	ASSERT_EQ(info.nr_ioapics, 1);
	EXPECT_EQ(info.ioapics[0].base, 0xfec00000);
	EXPECT_EQ(info.ioapics[0].gsi_base, 24);
	EXPECT_EQ(info.ioapics[0].id, 8);
	ASSERT_EQ(info.nr_overrides, 2);
	EXPECT_EQ(info.overrides[0].irq, 9);
	EXPECT_EQ(info.overrides[0].gsi, 20);
	EXPECT(info.overrides[0].active_low && info.overrides[0].level);
	EXPECT(!info.overrides[1].active_low && !info.overrides[1].level);
	ASSERT_EQ(info.nr_nmis, 1);
	EXPECT_EQ(info.nmis[0].uid, ACPI_NMI_ALL_CPUS);
	EXPECT_EQ(info.nmis[0].lint, 1);
	EXPECT_EQ(info.lapic_base, 0x1fee00000);
	EXPECT(info.have_8259);
}

TEST(acpi, madt_entries_that_lie_are_left_out)
{
	struct blob *b;

	start();
	b = new_madt();
	put_lapic(b, 0, 0, 1);
	put_lapic(b, 0, 0, 1);	/* twice */
	put(b, 0 | 4 << 8, 4);	/* too short for a CPU */
	put(b, 1 | 12 << 8, 4); /* I/O APIC at 0 */
	put(b, 0, 8);
	put(b, 1 | 12 << 8, 4); /* I/O APIC at an odd place */
	put(b, 0xfec00004, 8);
	put(b, 2 | 10 << 8, 2); /* override on bus 3 */
	put(b, 3, 8);
	put(b, 2 | 10 << 8, 3); /* override of interrupt 77 */
	put(b, 77, 7);
	put(b, 4 | 6 << 8, 5); /* NMI on LINT9 */
	put(b, 9, 1);
	put(b, 5 | 12 << 8, 4); /* local APICs at no page */
	put(b, 0x12345, 8);
	seal(b);
	parse();
	EXPECT(info.have_madt);
	EXPECT_EQ(info.nr_cpus, 1);
	EXPECT_EQ(info.nr_ioapics, 0);
	EXPECT_EQ(info.nr_overrides, 0);
	EXPECT_EQ(info.nr_nmis, 0);
	EXPECT_EQ(info.lapic_base, 0xfee00000);
	EXPECT_SAID("APIC id 0 is listed twice");
	EXPECT_SAID("type 0 has 4 bytes, not 8");
	EXPECT_SAID("I/O APIC 0 cannot be at 0;");
	EXPECT_SAID("I/O APIC 0 cannot be at 0xfec00004");
	EXPECT_SAID("interrupt 0 on bus 3");
	EXPECT_SAID("interrupt 77 on bus 0");
	EXPECT_SAID("LINT9");
	EXPECT_SAID("local APICs cannot be at 0x12345");
}

/* Lengths of 0 and 1 would walk on the spot; 200 would walk out. */
TEST(acpi, madt_entry_lengths_end_the_walk)
{
	static const u8 lengths[] = {0, 1, 200};

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct blob *b = start_with_madt();

		put(b, 0x70 | lengths[i] << 8, 4);
		put_lapic(b, 2, 2, 1);
		seal(b);
		parse();
		EXPECT_EQ(info.nr_cpus, 2);
		EXPECT_SAID("entry at 60");
	}
}

TEST(acpi, a_madt_without_cpus_does_not_count)
{
	struct blob *b;

	start();
	b = new_madt();
	put_lapic(b, 0, 0, 2);
	seal(b);
	parse();
	EXPECT(!info.have_madt);
	EXPECT_SAID("lists no CPU");

	start();
	b = new_table("APIC", 3);
	put(b, 0, 4);
	seal(b);
	parse();
	EXPECT(!info.have_madt);
	EXPECT_SAID("APIC: 40 bytes are too short");
}

TEST(acpi, more_cpus_than_we_can_have_are_said_to_be_left_out)
{
	struct blob *b;

	start();
	b = new_madt();
	for (u32 i = 0; i < NR_CPUS + 2; i++) {
		put_lapic(b, i, 0xfe, i % 2 * 2); /* absent: takes no room */
		if (i < 200)
			put_lapic(b, i, i, 1);
	}
	seal(b);
	parse();
	EXPECT_EQ(info.nr_cpus, 200);
	EXPECT_SILENCE();

	start();
	b = new_madt();
	for (u32 i = 0; i < 200; i++)
		put_lapic(b, i, i, 1);
	for (u32 i = 200; i < NR_CPUS + 3; i++)
		put_x2apic(b, i, i, 1);
	seal(b);
	parse();
	EXPECT_EQ(info.nr_cpus, NR_CPUS);
	EXPECT_EQ(info.nr_cpus_left_out, 3);
	EXPECT_SAID("3 CPUs more than the 256");
}

/* --- SRAT and SLIT ---------------------------------------------------------*/

TEST(acpi, srat_places_cpus_and_memory)
{
	struct blob *b;

	start_with_madt();
	b = new_srat(3);
	put_srat_cpu(b, 0x01000007, 0);
	put_srat_cpu(b, 2, 1);
	put_srat_memory(b, 2, 0, 0x80000000);
	put_srat_memory(b, 0x01000007, 0x100000000, 0x40000000);
	put_srat_memory(b, 0x01000007, 0x110000000, 0x1000); /* again */
	put_srat_memory(b, 5, 0x140000000, 0);		     /* empty */
	seal(b);
	parse();
	EXPECT_SILENCE();
	ASSERT_EQ(info.nr_nodes, 2);
	EXPECT_EQ(info.node_domain[0], 2);
	EXPECT_EQ(info.node_domain[1], 0x01000007);
	EXPECT_EQ(info.cpus[0].node, 1);
	EXPECT_EQ(info.cpus[1].node, 0);
	ASSERT_EQ(info.nr_memory, 3);
	EXPECT_EQ(info.memory[1].start, 0x100000000);
	EXPECT_EQ(info.memory[1].end, 0x140000000);
	EXPECT_EQ(info.memory[1].node, 1);
	EXPECT_EQ(info.distance[0][0], LOCAL_DISTANCE);
	EXPECT_EQ(info.distance[0][1], REMOTE_DISTANCE);
}

/* Before revision 2 the upper bytes of a domain were not defined. */
TEST(acpi, srat_of_revision_1_has_domains_of_8_bits)
{
	struct blob *b;

	start_with_madt();
	b = new_srat(1);
	put_srat_cpu(b, 0xabcdef01, 0);
	put_srat_memory(b, 0x12345601, 0, 0x1000000);
	seal(b);
	parse();
	EXPECT_EQ(info.nr_nodes, 1);
	EXPECT_EQ(info.node_domain[0], 1);
}

static void expect_one_node(const char *why)
{
	parse();
	EXPECT_EQ(info.nr_nodes, 1);
	EXPECT_EQ(info.nr_memory, 0);
	for (unsigned int i = 0; i < info.nr_cpus; i++)
		EXPECT_EQ(info.cpus[i].node, 0);
	EXPECT_SAID(why);
	EXPECT_SAID("SRAT: ignored: the machine counts as one node");
}

static struct blob *start_with_srat(void)
{
	struct blob *b;

	start_with_madt();
	b = new_srat(3);
	put_srat_cpu(b, 0, 0);
	put_srat_cpu(b, 1, 1);
	put_srat_memory(b, 0, 0, 0x10000000);
	put_srat_memory(b, 1, 0x10000000, 0x10000000);
	seal(b);
	return b;
}

TEST(acpi, an_srat_with_anything_wrong_is_dropped_whole)
{
	struct blob *b;

	b = start_with_srat();
	put_srat_memory(b, 0, 0x1ffff000, 0x2000);
	seal(b);
	expect_one_node("SRAT: memory at 0x1ffff000 is in two nodes");

	b = start_with_srat();
	put_srat_memory(b, 1, 0xfffffffffffff000, 0x2000);
	seal(b);
	expect_one_node("wraps around");

	b = start_with_srat();
	put(b, 1 | 12 << 8, 12);
	seal(b);
	expect_one_node("type 1 has 12 bytes, not 40");

	b = start_with_srat();
	put(b, 1, 2);
	seal(b);
	expect_one_node("entry at");

	b = start_with_srat();
	for (int i = 0; i <= MAX_NUMNODES; i++)
		put_srat_memory(b, i, (i + 100ull) << 32, 1 << 20);
	seal(b);
	expect_one_node("more than 8 nodes");

	b = start_with_srat();
	for (int i = 0; i <= ACPI_MAX_MEMORY; i++)
		put_srat_memory(b, 1, (i + 100ull) << 32, 1 << 20);
	seal(b);
	expect_one_node("more than 64 memory ranges");

	start_with_madt();
	b = new_table("SRAT", 3);
	put(b, 1, 4);
	seal(b);
	expect_one_node("SRAT");

	start_with_madt();
	seal(new_srat(3)); /* about nothing */
	expect_one_node("SRAT");
}

TEST(acpi, slit_gives_distances_by_domain)
{
	struct blob *b;

	start_with_madt();
	b = new_srat(3);
	put_srat_cpu(b, 2, 0);
	put_srat_cpu(b, 0, 1);
	seal(b);
	new_slit(3,
		 "\x0a\x0b\x0c"
		 "\x15\x0a\x16"
		 "\x1f\x20\x0a",
		 9);
	parse();
	EXPECT_SILENCE();
	ASSERT_EQ(info.nr_nodes, 2);
	EXPECT_EQ(info.distance[0][0], 10);
	EXPECT_EQ(info.distance[0][1], 0x0c);
	EXPECT_EQ(info.distance[1][0], 0x1f);
}

static void expect_default_distances(const char *why)
{
	parse();
	EXPECT_EQ(info.nr_nodes, 2);
	EXPECT_EQ(info.distance[0][0], LOCAL_DISTANCE);
	EXPECT_EQ(info.distance[0][1], REMOTE_DISTANCE);
	EXPECT_EQ(info.distance[1][0], REMOTE_DISTANCE);
	EXPECT_SAID(why);
}

TEST(acpi, a_slit_that_makes_no_sense_is_ignored)
{
	start_with_srat();
	new_slit(2, "\x0a\x15\x15\x0b", 4); /* home is not 10 */
	expect_default_distances("SLIT: distances make no sense");

	start_with_srat();
	new_slit(2, "\x0a\x0a\x15\x0a", 4); /* away is as near as home */
	expect_default_distances("SLIT: distances make no sense");

	start_with_srat();
	new_slit(2, "\x0a\x15\x15", 3);
	expect_default_distances("SLIT: too short");

	start_with_srat();
	new_slit(1, "\x0a", 1);
	expect_default_distances("SLIT: misses domain 1");

	start_with_srat();
	new_slit(0x100000000, "\x0a\x15\x15\x0a", 4); /* squared: 0 */
	expect_default_distances("SLIT: too short");

	start_with_srat();
	new_slit(0, "", 0);
	expect_default_distances("SLIT: misses domain 1");
}

/* --- the machine -----------------------------------------------------------*/

TEST(acpi, hpet_is_where_it_can_be)
{
	struct blob *b;

	start_with_madt();
	b = new_table("HPET", 1);
	put(b, 0x8086a201, 4);
	put_address(b, 0, 0xfed00000);
	put(b, 0, 4);
	seal(b);
	parse();
	EXPECT_EQ(info.hpet_base, 0xfed00000);
	EXPECT_SILENCE();

	b->data[HEADER + 4] = 1; /* I/O space */
	seal(b);
	parse_at(new_rsdp(NULL, find("XSDT"))->phys);
	EXPECT_EQ(info.hpet_base, 0);
	EXPECT_SAID("HPET: cannot be at 0xfed00000 in space 1");

	b->len = HEADER + 10;
	seal(b);
	parse_at(new_rsdp(NULL, find("XSDT"))->phys);
	EXPECT_EQ(info.hpet_base, 0);
	EXPECT_SAID("HPET: too short");
}

TEST(acpi, mcfg_lists_configuration_space)
{
	struct blob *b;

	start_with_madt();
	b = new_table("MCFG", 1);
	put(b, 0, 8);
	put(b, 0xb0000000, 8);
	put(b, 0xff000000, 8); /* segment 0, buses 0 to 255 */
	put(b, 0xb0000001, 8); /* not at a MiB */
	put(b, 0xff000000, 8);
	put(b, 0xc0000000, 8);
	put(b, 0x01050000, 8); /* buses 5 to 1 */
	put(b, 0, 5);
	seal(b);
	parse();
	ASSERT_EQ(info.nr_ecam, 1);
	EXPECT_EQ(info.ecam[0].base, 0xb0000000);
	EXPECT_EQ(info.ecam[0].last_bus, 255);
	EXPECT_SAID("MCFG: buses 0 to 255 cannot be at 0xb0000001");
	EXPECT_SAID("MCFG: buses 5 to 1 cannot be at");
	EXPECT_SAID("MCFG: ends in the middle");
}

static void poke(struct blob *b, size_t at, u64 value, size_t size)
{
	memcpy(b->data + at, &value, size);
}

static struct blob *new_fadt(phys_addr_t dsdt)
{
	struct blob *b = new_table("FACP", 3);

	b->len = 244;
	poke(b, 40, dsdt, 4);
	poke(b, 48, 0xb2, 4);
	poke(b, 52, 2, 1);
	poke(b, 64, 0x604, 4);
	poke(b, 76, 0x608, 4);
	poke(b, 91, 4, 1);
	poke(b, 112, 1 << 8 | 1 << 10, 4);
	poke(b, 116, 1, 1);
	poke(b, 120, 0xcf9, 8);
	poke(b, 128, 0xf, 1);
	seal(b);
	return b;
}

static struct blob *new_dsdt(const char *code, size_t len)
{
	struct blob *b = new_table("DSDT", 1);

	put_text(b, code, len);
	seal(b);
	return b;
}

TEST(acpi, fadt_and_dsdt_show_the_way_out)
{
	struct blob *dsdt;

	start_with_madt();
	dsdt = new_dsdt("xx_S5_\x08_S5_\x12\x06\x04\x0a\x05\x01\x00\x00", 17);
	new_fadt(dsdt->phys);
	parse();
	EXPECT_SILENCE();
	EXPECT_EQ(info.pm_timer_port, 0x608);
	EXPECT(info.pm_timer_is_32bit);
	EXPECT(info.have_reset);
	EXPECT_EQ(info.reset_port, 0xcf9);
	EXPECT_EQ(info.reset_value, 0xf);
	EXPECT_EQ(info.pm1a_control_port, 0x604);
	EXPECT_EQ(info.pm1b_control_port, 0);
	EXPECT_EQ(info.smi_command_port, 0xb2);
	EXPECT(info.have_s5);
	EXPECT_EQ(info.s5_type_a, 5);
	EXPECT_EQ(info.s5_type_b, 1);
}

TEST(acpi, a_short_fadt_has_what_it_has)
{
	struct blob *b;

	start_with_madt();
	b = new_fadt(0);
	poke(b, 140, 0xdead0000, 8); /* no field any more */
	b->len = 116;		     /* as ACPI 1.0 had it */
	seal(b);
	parse();
	EXPECT_EQ(info.pm_timer_port, 0x608);
	EXPECT(!info.have_reset);
	EXPECT_SAID("FACP: too short for the reset register");
	EXPECT(!strstr(said, "DSDT"));

	start_with_madt();
	b = new_fadt(0);
	poke(b, 76, 0x12345678, 4);
	poke(b, 116, 0, 1);
	seal(b);
	parse();
	EXPECT_EQ(info.pm_timer_port, 0);
	EXPECT(!info.have_reset);
	EXPECT_SAID("PM timer cannot be at port 0x12345678");
	EXPECT_SAID("reset register 0xcf9 in space 0");
}

/* Programs cut off at every place, and ones that are no constant package. */
TEST(acpi, a_dsdt_without_a_plain_s5_gives_none)
{
	static const char code[] = "_S5_\x12\x46\x00\x02\x0a\x05\x0a\x05";
	struct blob *dsdt;

	for (size_t len = 0; len < sizeof(code); len++) {
		start_with_madt();
		dsdt = new_dsdt(code, len);
		new_fadt(dsdt->phys);
		parse();
		EXPECT_EQ(info.have_s5, len >= sizeof(code) - 1);
	}
	start_with_madt();
	dsdt = new_dsdt("_S5_\x12\x06\x02\x0b\x05\x00\x05", 11);
	new_fadt(dsdt->phys);
	parse();
	EXPECT(!info.have_s5);

	start_with_madt();
	dsdt = new_dsdt("_S5_\x12\x06\x01\x00\x00", 9);
	new_fadt(dsdt->phys);
	parse();
	EXPECT(!info.have_s5);

	start_with_madt();
	dsdt = new_dsdt("_S5_\x12\x06\x02\x00\x00", 9);
	dsdt->data[40] ^= 1;
	new_fadt(dsdt->phys);
	parse();
	EXPECT(!info.have_s5);
	EXPECT_SAID("DSDT: checksum");
}

/* --- anything at all -------------------------------------------------------*/

static void expect_sane(void)
{
	EXPECT_LE(info.nr_cpus, NR_CPUS);
	EXPECT(info.nr_nodes >= 1 && info.nr_nodes <= MAX_NUMNODES);
	EXPECT_LE(info.nr_ioapics, ACPI_MAX_IOAPICS);
	EXPECT_LE(info.nr_memory, ACPI_MAX_MEMORY);
	for (unsigned int i = 0; i < info.nr_cpus; i++)
		EXPECT(info.cpus[i].node >= 0 &&
		       info.cpus[i].node < (int)info.nr_nodes);
	for (unsigned int i = 0; i < info.nr_memory; i++) {
		EXPECT_LE(info.memory[i].start, info.memory[i].end);
		EXPECT(info.memory[i].node >= 0 &&
		       info.memory[i].node < (int)info.nr_nodes);
	}
	for (unsigned int i = 0; i < info.nr_nodes; i++)
		EXPECT_EQ(info.distance[i][i], LOCAL_DISTANCE);
}

/* Random bytes in sealed tables: whatever they say, nothing breaks. */
TEST(acpi, random_damage_under_a_right_checksum_is_survived)
{
	for (int round = 0; round < 300; round++) {
		struct blob *dsdt, *victim;

		start_with_srat();
		new_slit(2, "\x0a\x15\x15\x0a", 4);
		dsdt = new_dsdt("\x08_S5_\x12\x06\x04\x0a\x05\x01\x00", 12);
		new_fadt(dsdt->phys);
		new_root(8);
		victim = &blobs[test_random_below(nr_blobs)];
		for (int n = test_random_below(8); n >= 0; n--)
			victim->data[test_random_below(victim->len)] =
				test_random();
		if (test_random_below(2))
			victim->len = 10 + test_random_below(victim->len - 9);
		if (test_random_below(4))
			seal(victim);
		parse_at(new_rsdp(NULL, find("XSDT"))->phys);
		expect_sane();
	}
}

/* The machine this runs on. */
TEST(acpi, the_machines_tables_make_sense)
{
	EXPECT(acpi_info.have_madt);
	EXPECT_GE(acpi_info.nr_cpus, 1);
	EXPECT_GE(acpi_info.lapic_base, 1ull << 20);
	EXPECT(acpi_info.nr_nodes >= 1 && acpi_info.nr_nodes <= MAX_NUMNODES);
}
